//! Advice: what deserves a look in the declarations and in what they lead to.

use std::collections::BTreeSet;

use super::draft::some_of;
use super::index::Index;
use super::phase::Phase;
use super::value::{Finding, FindingKind, Severity};
use crate::model::{KeyState, Permission, SealedKey, visible};

/// All advice about a plan.
pub(super) fn advice(index: &Index<'_>) -> Vec<Finding> {
    let waiting = index.records().filter_map(|record| waiting(index, record));
    recipients_are_shared(index).into_iter().chain(unknown_permissions(index)).chain(waiting).collect()
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
    let names: Vec<_> = names.into_iter().map(|name| visible(name)).collect();
    let text = format!(
        "managed keys have permissions that this version does not know, and leaves as they are: {}",
        some_of(&names)
    );
    (!names.is_empty()).then(|| note(text))
}

/// A key that waits for the end of its quarantine.
fn waiting(index: &Index<'_>, record: &SealedKey) -> Option<Finding> {
    let Phase::Serving(live) = index.phase(record) else { return None };
    let until = record.quarantine.after(record.since);
    let is_declared = index.input.desired.keys.contains_key(&record.address);
    let is_waiting = record.state == KeyState::Disabled && live.disabled && until > index.input.now;
    let text = format!("disabled and no longer declared; an apply after {until} deletes it");
    (is_waiting && !is_declared)
        .then(|| note(text).at(&record.address).about(&record.id).help("Declare it again to keep it."))
}

fn note(text: String) -> Finding {
    Finding::new(FindingKind::Advice, Severity::Note, text)
}
