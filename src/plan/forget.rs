//! Forgetting: what is recorded leaves the record, and stays at the service as it is.

use super::draft::Refusal;
use super::input::Input;
use super::value::{Action, Reason, ReasonCode, Step, Verb};
use crate::model::{Address, KeyState, Record, Revocation, Sealed, SealedKey};

/// The forgetting of all that is recorded at an address; blocked while it is declared or unfinished.
pub(super) fn forget(input: &Input<'_>, sealed: &Sealed, address: &Address) -> Action {
    let keys: Vec<&SealedKey> = sealed.generations(address).collect();
    let environment = sealed.environment(address);
    let name = environment.map(|e| &e.name).or_else(|| keys.last().map(|key| &key.name));
    let is_sealed = keys.iter().any(|key| key.sealed.is_some());
    let reason = Reason::new(ReasonCode::Asked, text(is_sealed));
    let records = match environment {
        Some(_) => vec![Record::EnvironmentGone { address: address.clone() }],
        None => keys.iter().map(|key| Record::Forgotten { id: key.id.clone() }).collect(),
    };
    let action =
        Action::new(address, Verb::Forget, name.map_or("", String::as_str), reason, Step::Record(records));
    let action = match keys.last() {
        Some(newest) => action.key(newest.key_type, newest.generation, Some(&newest.id)),
        None => Action { id: environment.map(|e| e.id.to_string()), ..action },
    };
    match refusal(input, sealed, address, &keys) {
        Some(refusal) => action.block(refusal),
        None => action,
    }
}

fn text(is_sealed: bool) -> &'static str {
    match is_sealed {
        true => "no longer managed; it stays as it is, and its sealed secret leaves the file with it",
        false => "no longer managed; it stays as it is",
    }
}

fn refusal(input: &Input<'_>, sealed: &Sealed, address: &Address, keys: &[&SealedKey]) -> Option<Refusal> {
    if keys.is_empty() && sealed.environment(address).is_none() {
        let help = "`keycomb status` and `keycomb secrets list` show what is.";
        return Some(Refusal::new("not_managed", "nothing is managed at this address", help));
    }
    let desired = input.desired;
    let is_declared = match address {
        Address::Environment(label) => desired.environments.get(label).is_some_and(|e| !e.reference),
        Address::Key { .. } => desired.keys.contains_key(address),
    };
    if is_declared {
        let text = "it is still declared: the next plan would want it, and find that it `exists`";
        let help = match address.is_key() {
            true => "Take its block out of the files first. No apply in between: that would disable it.",
            false => "Take its block out of the files first, or declare it with `reference = true`.",
        };
        return Some(Refusal::new("declared", text, help));
    }
    // As a reference it stays declared, and its keys with it.
    let is_left = desired.environments.contains_key(address.environment());
    unfinished(keys)
        .or_else(|| unstopped(input, keys))
        .or_else(|| protected(keys))
        .or_else(|| inhabited(sealed, address).filter(|_| !is_left))
}

/// Whatever is still being made has nobody else who knows of it.
pub(super) fn unfinished(keys: &[&SealedKey]) -> Option<Refusal> {
    let is_done =
        |key: &SealedKey| matches!(key.state, KeyState::Live | KeyState::Disabled | KeyState::Deleted);
    let key = keys.iter().find(|key| !is_done(key))?;
    let text = format!("`{}` is {}: an apply was not finished", key.id, key.state.as_str());
    Some(Refusal::new("unfinished", text, "Run `keycomb apply` first, which settles it."))
}

/// With its entry the only copy of its secret would go.
fn protected(keys: &[&SealedKey]) -> Option<Refusal> {
    let key = keys.iter().find(|key| key.protected && key.state == KeyState::Live)?;
    let text = format!("`{}` is protected", key.id);
    let help = "Declare it again with `protected = false` and apply that first; then take its block out and forget it.";
    Some(Refusal::guard("protected", text, help))
}

/// A revoked key that still works is not to be trusted, and nobody would stop it after this.
fn unstopped(input: &Input<'_>, keys: &[&SealedKey]) -> Option<Refusal> {
    let is_unstopped = |key: &&&SealedKey| {
        let live = input.live.keys.iter().find(|live| live.id == key.id);
        let (Some(revoked), Some(live)) = (&key.revoked, live) else { return false };
        revoked.how == Revocation::Delete || !live.disabled
    };
    let key = keys.iter().find(is_unstopped)?;
    let text = format!("`{}` is revoked, and not stopped yet", key.id);
    Some(Refusal::new("revoked", text, "Run `keycomb apply` first, which stops it; then forget it."))
}

fn inhabited(sealed: &Sealed, address: &Address) -> Option<Refusal> {
    let inside = |key: &&SealedKey| !address.is_key() && key.address.environment() == address.environment();
    let key = sealed.keys.iter().find(inside)?;
    let text = format!("keys of it are managed, such as `{}`", key.address);
    let help = "Forget those as well; or declare the environment with `reference = true`, which keeps its keys managed.";
    Some(Refusal::new("inhabited", text, help))
}
