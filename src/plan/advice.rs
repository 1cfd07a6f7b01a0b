//! Advice: what deserves a look in the declarations and in what they lead to.

use std::collections::BTreeSet;

use super::draft::some_of;
use super::index::Index;
use super::phase::Phase;
use super::value::{Action, Finding, FindingKind, SecretEffect, Severity};
use crate::model::{Address, KeyState, Permission, RecipientRef, SealedKey, brief};

/// All advice about a plan.
pub(super) fn advice(index: &Index<'_>) -> Vec<Finding> {
    let waiting = index.records().filter_map(|record| waiting(index, record));
    let of_all = [recipients_are_shared(index), unknown_permissions(index), sealed_otherwise(index)];
    of_all.into_iter().flatten().chain(waiting).collect()
}

/// A recipient that nobody has proven may be a key that nobody holds: whatever is sealed to such ones alone is lost.
pub(super) fn unproven(index: &Index<'_>, actions: &[Action]) -> Option<Finding> {
    let seal = &index.input.desired.seal;
    let is_issued = |name: &&String| {
        actions.iter().any(|action| match &action.secret {
            SecretEffect::Issued { recipients } => {
                action.is_taken() && recipients.iter().any(|recipient| recipient.name == **name)
            }
            _ => false,
        })
    };
    let is_proven = |name: &String| {
        seal.recipients.get(name).is_some_and(|r| index.input.sealed.is_some_and(|s| s.is_proven(r)))
    };
    let names: Vec<&String> =
        seal.recipients.keys().filter(is_issued).filter(|name| !is_proven(name)).collect();
    let text = format!("nobody has shown yet that they can open what is sealed to {}", some_of(&names));
    let help =
        "Their holders run `keycomb secrets prove -i IDENTITY` once, and the sealed file remembers it.";
    (!names.is_empty()).then(|| note(text).help(help))
}

/// Recipients belong to the team, whatever environment the key is in (Honeycomb docs: api/recipients).
fn recipients_are_shared(index: &Index<'_>) -> Option<Finding> {
    let keys = index.input.desired.keys.values();
    let mut addresses: Vec<_> = keys
        .filter(|key| key.permissions.contains(&Permission::ManageRecipients))
        .map(|k| &k.address)
        .collect();
    addresses.sort();
    let text = format!(
        "`manage_recipients` reaches the recipients of the whole team, not of one environment: {}",
        some_of(&addresses)
    );
    let finding = note(text);
    match addresses.as_slice() {
        [] => None,
        [only] => Some(finding.at(only)),
        _ => Some(finding),
    }
}

fn unknown_permissions(index: &Index<'_>) -> Option<Finding> {
    let managed = index.records().filter_map(|record| index.key(&record.id));
    let names: BTreeSet<&String> = managed.flat_map(|key| key.unknown_permissions.keys()).collect();
    let names: Vec<_> = names.into_iter().map(|name| brief(name)).collect();
    let text = format!(
        "managed keys have permissions that this version does not know, and leaves as they are: {}",
        some_of(&names)
    );
    (!names.is_empty()).then(|| note(text))
}

/// Changing `[seal.recipients]` changes nothing that is sealed already: who left can still open it, who came cannot.
fn sealed_otherwise(index: &Index<'_>) -> Option<Finding> {
    let (mut left, mut came, mut addresses) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for record in index.records().filter(|r| r.sealed.is_some() && r.state != KeyState::Deleted) {
        let declared = index.input.desired.seal.recipients_of(record.address.environment());
        let declared: Vec<RecipientRef> =
            declared.into_iter().map(|(name, recipient)| recipient.named(name)).collect();
        let sealed = &record.recipients;
        // By the key, not by its name: under a new name it opens what it opened before.
        let not_in = |one: &[RecipientRef], other: &[RecipientRef]| -> Vec<String> {
            let is_there = |to: &RecipientRef| other.iter().any(|has| has.fingerprint == to.fingerprint);
            let missing = one.iter().filter(|to| !is_there(to));
            missing.map(|to| format!("`{}`", brief(&to.among(other)))).collect()
        };
        let (gone, new) = (not_in(sealed, &declared), not_in(&declared, sealed));
        if !gone.is_empty() || !new.is_empty() {
            addresses.insert(&record.address);
        }
        left.extend(gone);
        came.extend(new);
    }
    let named = |names: BTreeSet<String>, what: &str| {
        let names: Vec<_> = names.into_iter().collect();
        (!names.is_empty()).then(|| format!("; {} {what}", names.join(", ")))
    };
    let addresses: Vec<_> = addresses.into_iter().collect();
    let text = format!(
        "sealed to others than are declared now: {}{}{}",
        some_of(&addresses),
        named(left, "can still open them").unwrap_or_default(),
        named(came, "cannot").unwrap_or_default()
    );
    // Until then sealing anew is refused.
    let first = match addresses.iter().any(|address| too_few_proven(index, address)) {
        true => "First the holders of new recipients run `keycomb secrets prove -i IDENTITY`. ",
        false => "",
    };
    let help = format!(
        "{first}Seal them anew: `keycomb secrets rekey -i IDENTITY`. Only a new secret ends what somebody could open once: \
         `keycomb rotate ADDRESS`."
    );
    let finding = Finding::new(FindingKind::Advice, Severity::Warning, text).help(help);
    (!addresses.is_empty()).then_some(finding)
}

fn too_few_proven(index: &Index<'_>, address: &Address) -> bool {
    let seal = &index.input.desired.seal;
    let is_proven = |recipient| index.input.sealed.is_some_and(|sealed| sealed.is_proven(recipient));
    let recipients = seal.recipients_of(address.environment());
    let proven = recipients.into_iter().filter(|(_, recipient)| is_proven(recipient)).count();
    u32::try_from(proven).is_ok_and(|proven| proven < seal.min_proven)
}

/// A key that waits for the end of its quarantine.
fn waiting(index: &Index<'_>, record: &SealedKey) -> Option<Finding> {
    let Phase::Serving(live) = index.phase(record) else { return None };
    let until = record.quarantine.after(record.since);
    let is_declared = index.input.desired.keys.contains_key(&record.address);
    let is_waiting = record.state == KeyState::Disabled && live.disabled && until > index.input.now;
    let text = format!("disabled and no longer declared; an apply after {until:.0} deletes it");
    (is_waiting && !is_declared)
        .then(|| note(text).at(&record.address).about(&record.id).help("Declare it again to keep it."))
}

fn note(text: String) -> Finding {
    Finding::new(FindingKind::Advice, Severity::Note, text)
}
