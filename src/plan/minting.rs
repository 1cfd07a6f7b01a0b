//! Minting a key: what it would be, and what stands in its way.

use super::draft::{Refusal, list, some_of};
use super::environments::Place;
use super::index::Index;
use super::phase::Phase;
use super::times::STAGE_GRACE;
use super::unsealed;
use super::value::{
    Action, Change, EnvironmentRef, MintKey, Predecessor, Reason, Remembered, SecretEffect, Step, Verb,
};
use crate::model::{Address, DesiredKey, EnvironmentId, KeyId, LiveKey, brief};

/// The creation of a declared key as its next generation, which takes the place of `succeeds`; blocked where that would race
/// or make a duplicate.
pub(super) fn mint(
    index: &Index<'_>,
    place: &Place<'_>,
    desired: &DesiredKey,
    reason: Reason,
    succeeds: Vec<Predecessor>,
) -> Action {
    let address = &desired.address;
    let generation = next_generation(index, address);
    let action = Action::new(address, Verb::Create, &desired.name, reason, Step::Nothing)
        .key(desired.key_type, generation, None)
        .changes(attributes(desired));
    let Some(environment) = place.as_ref() else { return action.block(unavailable(address)) };
    if let Some(refusal) = in_the_way(index, address) {
        return action.block(refusal);
    }
    if let Place::There(id) | Place::Begun(id, _) = place
        && let Some((refusal, existing)) = taken(index, id, desired)
    {
        let action = Action { verb: Verb::Adopt, id: existing.map(ToString::to_string), ..action };
        return action.block(refusal);
    }
    let recipients = index.input.desired.seal.recipients_of(address.environment());
    let recipients = recipients.into_iter().map(|(name, recipient)| recipient.named(name)).collect();
    let after = match &environment {
        EnvironmentRef::Planned(label) => vec![Address::Environment(label.clone())],
        EnvironmentRef::Id(_) => vec![],
    };
    let mint = MintKey {
        environment,
        key_type: desired.key_type,
        name: desired.name.clone(),
        permissions: desired.permissions.clone(),
        enabled: desired.enabled,
        generation,
        succeeds,
        remember: remember(desired),
    };
    let action = action.secret(SecretEffect::Issued { recipients });
    Action { after, step: Step::MintKey(Box::new(mint)), ..action }
}

/// What the record keeps of a declaration.
pub(super) fn remember(desired: &DesiredKey) -> Remembered {
    Remembered { owner: desired.owner.clone(), protected: desired.protected, quarantine: desired.quarantine }
}

/// Another run is making this key.
pub(super) fn busy() -> Refusal {
    Refusal::new(
        "busy",
        "another run began to make this key less than an hour ago, or a request to enable it may be under way",
        "Let it finish, and run this again later: what is left of it an hour after it began no longer stands in the way.",
    )
}

/// A staged key whose entry is not here: whoever has it may release it.
pub(super) fn busy_staged(live: &LiveKey, address: &Address) -> Refusal {
    let until = live.created.and_then(|created| created.checked_add(STAGE_GRACE).ok());
    let until = until.map_or_else(String::new, |until| format!(", until {until:.0} at the latest"));
    let text = format!(
        "the key `{}` is staged for this address, and its sealed entry is not in this checkout",
        live.id
    );
    let help = format!(
        "Merge the branch that has the entry, or wait{until}. If the entry is lost, `--allow {address}` deletes the key, which \
         was never enabled, and makes another: only when no pipeline is about to release it from its own checkout."
    );
    Refusal::new("busy", text, help)
}

fn next_generation(index: &Index<'_>, address: &Address) -> u32 {
    index.generations(address).first().map_or(1, |(newest, _)| newest.generation.saturating_add(1))
}

/// Why a key of this very address keeps another from being made.
fn in_the_way(index: &Index<'_>, address: &Address) -> Option<Refusal> {
    let generations = index.generations(address);
    let mut enabled = generations.iter().filter_map(|(_, phase)| match phase {
        Phase::Abandoned(live) if !live.disabled => Some(&live.id),
        _ => None,
    });
    let strays = index.strays_at(address);
    if let Some(stray) = strays.iter().find(|stray| !stray.live.disabled) {
        let id = &stray.live.id;
        let text =
            format!("`{id}` was made for this address, has no entry in the sealed file, and is enabled");
        return Some(Refusal::new("unsealed", text, "See what is said of it among the findings."));
    }
    if let Some(id) = enabled.next() {
        let text = format!("`{id}` was never finished for this address, and somebody has enabled it since");
        let help = format!("Find out who enabled it, delete `{id}` in Honeycomb, and apply again.");
        return Some(Refusal::new("unfinished", text, help));
    }
    let mut in_work = strays.iter().filter(|stray| stray.is_busy());
    let first = in_work.clone().find(|stray| stray.is_staged()).or_else(|| in_work.next())?;
    Some(if first.is_staged() { busy_staged(first.live, address) } else { busy() })
}

fn attributes(desired: &DesiredKey) -> Vec<Change> {
    let DesiredKey { permissions, enabled, owner, protected, .. } = desired;
    let changes = [
        (!permissions.is_empty()).then(|| Change::set("permissions", list(permissions))),
        (!enabled).then(|| Change::set("enabled", enabled)),
        owner.as_ref().map(|owner| Change::set("owner", owner)),
        protected.then(|| Change::set("protected", protected)),
    ];
    changes.into_iter().flatten().collect()
}

fn unavailable(address: &Address) -> Refusal {
    let environment = Address::Environment(address.environment().clone());
    Refusal::new(
        "environment_unavailable",
        format!("its environment `{environment}` is not there to make keys in"),
        format!("See what is said of `{environment}`; once that is settled, this key can be made."),
    )
}

/// Why a live key already has the environment, type and name; its id where it is a single one.
fn taken<'a>(
    index: &Index<'a>,
    environment: &EnvironmentId,
    desired: &DesiredKey,
) -> Option<(Refusal, Option<&'a KeyId>)> {
    let candidates = index.candidates(environment, desired.key_type, &desired.name, &desired.address);
    match candidates.as_slice() {
        [] => None,
        [key] => Some((exists(index, key, desired), Some(&key.id))),
        several => {
            if let Some(key) = several.iter().find(|key| index.commit_of(key).is_some()) {
                return Some((exists(index, key, desired), Some(&key.id)));
            }
            let ids: Vec<_> = several.iter().map(|key| &key.id).collect();
            let text = format!("{} keys have this environment, type and name: {}", ids.len(), some_of(&ids));
            let help = match has_room(index, &desired.address) {
                true => format!(
                    "To manage one of them: `keycomb adopt ID --as {}`. Or give this one another name, or delete what nobody \
                     uses in Honeycomb.",
                    desired.address
                ),
                false => NO_ROOM.to_owned(),
            };
            Some((Refusal::new("ambiguous", text, help), None))
        }
    }
}

/// What helps where the address has a key of its own, so that no other can be adopted there.
const NO_ROOM: &str =
    "Rename that one in Honeycomb, or delete it there if nobody uses it; or give this one another `name`.";

/// Whether another key could be adopted at an address.
fn has_room(index: &Index<'_>, address: &Address) -> bool {
    super::adopt::taken(index, address).is_none()
}

/// Why a key of this address must not begin to work: one of the same environment, type and name does, and the record
/// does not have it at this address.
pub(super) fn working_elsewhere(
    index: &Index<'_>,
    environment: &EnvironmentId,
    desired: &DesiredKey,
) -> Option<Refusal> {
    let candidates = index.candidates(environment, desired.key_type, &desired.name, &desired.address);
    let key = candidates.into_iter().find(|key| !key.disabled)?;
    Some(exists(index, key, desired))
}

fn exists(index: &Index<'_>, key: &LiveKey, desired: &DesiredKey) -> Refusal {
    if let Some(commit) = index.commit_of(key) {
        return unsealed::refusal(index, key, commit);
    }
    let (id, name, address) = (&key.id, brief(&desired.name), &desired.address);
    match index.owner(id) {
        Some(owner) => Refusal::new(
            "exists",
            format!("the key `{id}` of this environment, type and name is managed as `{}`", owner.address),
            match moved_from(&owner.address, address) {
                Some(line) => format!(
                    "If its block was renamed, write `{line}` into it; if not, give this one another name, or wait until \
                     that one is deleted."
                ),
                None => format!(
                    "Declare it at `{}` again, or give this one another name, or wait until that one is deleted.",
                    owner.address
                ),
            },
        ),
        None if !has_room(index, address) => Refusal::new(
            "exists",
            format!("another key named `{name}` is there (`{id}`), and keycomb does not manage it"),
            NO_ROOM,
        ),
        None => Refusal::new(
            "exists",
            format!("a key named `{name}` is there already (`{id}`), and keycomb does not manage it"),
            format!(
                "To manage it: `keycomb adopt {id} --as {address}`. If keycomb made it, this sealed file is an older one: \
                 bring the newer one here with `keycomb secrets merge`. Or give this one another name."
            ),
        ),
    }
}

/// The line that makes the record of one key that of another, in the same environment.
pub(super) fn moved_from(from: &Address, to: &Address) -> Option<String> {
    match (from, to) {
        (Address::Key { environment: old, key }, Address::Key { environment, .. }) if old == environment => {
            Some(format!("moved_from = \"{key}\""))
        }
        _ => None,
    }
}
