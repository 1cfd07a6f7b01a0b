//! What is declared in a rehearsal: the configuration itself, as little of it as a run needs, and as it may have been
//! before.

use std::collections::BTreeSet;

use fastrand::Rng;
use indexmap::IndexMap;

use super::RehearseError;
use crate::model::{
    Address, Color, Desired, DesiredKey, KeyType, Label, Limit, OnMissing, Permission, Policy, SealSettings,
    Timestamp, Unmanaged,
};
use crate::seal::{Identities, generate_identity};

/// The configuration with everything in it that must not be real replaced: the recipients by as many throw-away ones,
/// the service by none. Guards are lifted: they would stop a rehearsal and have tests of their own.
pub(super) fn disarm(desired: &Desired) -> Result<(Desired, Identities), RehearseError> {
    let mut desired = desired.clone();
    let mut identities = vec![];
    for recipient in desired.seal.recipients.values_mut() {
        let (public, private) = generate_identity(Timestamp::UNIX_EPOCH)?;
        let name = "a rehearsal's identity";
        identities.push(Identities::read_from(private.expose().as_bytes(), name, &|_| None)?);
        *recipient = public;
    }
    desired.endpoint =
        crate::model::Endpoint::new("https://rehearsal.invalid").map_err(|_| RehearseError::Endpoint)?;
    let free = Limit { count: None, percent: None };
    desired.policy = Policy {
        unmanaged: Unmanaged::Report,
        on_missing: OnMissing::Recreate,
        delete: free,
        disable: free,
        replace: free,
    };
    // A key that is taken out and put back again must be free to go.
    desired.keys.values_mut().for_each(|key| key.protected = false);
    Ok((desired, Identities::join(identities)))
}

/// At most so many of the keys, and the environments that they are in.
pub(super) fn part(desired: &Desired, keys: usize, chance: &mut Rng) -> Desired {
    let mut left: Vec<&Address> = desired.keys.keys().collect();
    while left.len() > keys {
        let out = chance.usize(..left.len());
        left.remove(out);
    }
    let kept: BTreeSet<Address> = left.into_iter().cloned().collect();
    let mut part = desired.clone();
    part.keys.retain(|address, _| kept.contains(address));
    if part.keys.len() < desired.keys.len() {
        let used: BTreeSet<Label> = kept.iter().map(|address| address.environment().clone()).collect();
        part.environments.retain(|label, _| used.contains(label));
    }
    part
}

/// The configuration as it may have been before, and what is otherwise in it. Only a name tells one disk of what
/// another one made and has not committed, so `may_rename` only where there is one.
pub(super) fn before(desired: &Desired, may_rename: bool, chance: &mut Rng) -> (Desired, Vec<String>) {
    let mut other = desired.clone();
    let mut told = vec![];
    for environment in other.environments.values_mut().filter(|e| !e.reference) {
        if chance.u8(..4) == 0 {
            environment.attributes.color = chance.choice(Color::ALL).copied();
            told.push(format!("`{}` of another color", environment.address()));
        }
    }
    let keys = std::mem::take(&mut other.keys);
    other.keys = keys
        .into_iter()
        .filter_map(|(a, key)| Some((a, changed(key, may_rename, chance, &mut told)?)))
        .collect();
    (other, told)
}

fn changed(
    mut key: DesiredKey,
    may_rename: bool,
    chance: &mut Rng,
    told: &mut Vec<String>,
) -> Option<DesiredKey> {
    let address = key.address.clone();
    match chance.u8(..12) {
        0..3 => {
            told.push(format!("without `{address}`"));
            return None;
        }
        3 if key.key_type == KeyType::Configuration => {
            toggle(&mut key.permissions, Permission::SendEvents);
            told.push(format!("`{address}` with other permissions"));
        }
        4 => {
            key.enabled = !key.enabled;
            told.push(format!("`{address}` {}", if key.enabled { "enabled" } else { "disabled" }));
        }
        5 if may_rename => {
            // Short enough for whatever name it is added to.
            key.name = format!("{} 2", key.name.chars().take(90).collect::<String>());
            told.push(format!("`{address}` under another name"));
        }
        6 => {
            key.owner = Some("somebody else".into());
            told.push(format!("`{address}` of another owner"));
        }
        _ => {}
    }
    Some(key)
}

fn toggle(permissions: &mut BTreeSet<Permission>, permission: Permission) {
    if !permissions.remove(&permission) {
        permissions.insert(permission);
    }
}

/// Another repository's: keys of other names in the same environments, which it only refers to.
pub(super) fn elsewhere(desired: &Desired) -> Desired {
    let mut other = desired.clone();
    for environment in other.environments.values_mut() {
        environment.reference = true;
    }
    let keys = std::mem::take(&mut other.keys);
    let renamed = keys.into_iter().map(|(address, mut key)| {
        key.name = format!("{} elsewhere", key.name.chars().take(85).collect::<String>());
        (address, key)
    });
    other.keys = renamed.collect::<IndexMap<_, _>>();
    other
}

/// Whom the keys of an address are sealed to.
pub(super) fn recipients(seal: &SealSettings) -> Vec<(&str, &crate::model::Recipient)> {
    seal.recipients.iter().map(|(name, recipient)| (name.as_str(), recipient)).collect()
}
