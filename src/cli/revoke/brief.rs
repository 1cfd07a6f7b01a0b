//! What a person must know before a key is revoked, and whom to tell.

use crate::cli::output::Output;
use crate::model::{Address, Desired, Revocation, visible};
use crate::plan::{Action, Plan, SecretEffect, Step};

/// Says what stops working and when, what takes its place, and who uses it.
pub(super) fn before(plan: &Plan, desired: &Desired, address: &Address, output: &Output) {
    for action in &plan.actions {
        if let Step::RevokeKey { id, revoked } = &action.step {
            let generation = action.generation.unwrap_or_default();
            output.say(&format!("generation {generation}, `{id}`: {}", ends(action, revoked.how)));
        }
    }
    output.say(&successor(plan, desired, address));
    users(desired, address, output);
}

fn ends(action: &Action, how: Revocation) -> &'static str {
    match (how, &action.secret) {
        (Revocation::Delete, SecretEffect::StopsWorking) => {
            "deleted; its credential stops working at once, and nothing brings it back"
        }
        (Revocation::Delete, SecretEffect::Destroyed) => "deleted; its credential does not work now either",
        (Revocation::Delete, _) => "gone from the service already; that is written down",
        (Revocation::Disable, SecretEffect::StopsWorking) => {
            "disabled; its credential stops working within a minute or two. A request to enable it that is under way \
             could undo this: without `--disable` nothing could"
        }
        (Revocation::Disable, _) => "disabled already; that is written down",
    }
}

fn successor(plan: &Plan, desired: &Desired, address: &Address) -> String {
    let of_mint = |action: &&Action| matches!(action.step, Step::MintKey(_));
    match plan.actions.iter().find(of_mint) {
        Some(action) => format!(
            "its successor, generation {}, is made right after it",
            action.generation.unwrap_or_default()
        ),
        None if !desired.keys.contains_key(address) => {
            "no successor: the address is not declared any more".to_owned()
        }
        None if plan.actions.iter().any(|action| action.blocked.is_some()) => {
            "no successor in this run: see what is blocked above".to_owned()
        }
        None => "no successor: another generation of the address serves".to_owned(),
    }
}

/// Whom to tell, as far as the files say.
pub(super) fn users(desired: &Desired, address: &Address, output: &Output) {
    let Some(key) = desired.keys.get(address) else {
        return output.say("who uses it is not known: it is not declared any more");
    };
    let facts = [
        ("owner", key.owner.clone()),
        ("purpose", key.purpose.clone()),
        ("consumers", (!key.consumers.is_empty()).then(|| key.consumers.join(", "))),
    ];
    for (name, fact) in &facts {
        if let Some(fact) = fact {
            output.say(&format!("{name}: {}", visible(fact)));
        }
    }
    if key.consumers.is_empty() {
        output.say("consumers: none declared (`consumers = [...]` of the key's block): find out who uses it");
    }
}

/// Says what is left for people to do.
pub(super) fn after(is_made: bool, desired: &Desired, address: &Address, output: &Output) {
    if is_made {
        output.say(&format!(
            "tell them that `{address}` has a new secret: `keycomb secrets open {address} -i IDENTITY` prints it. Commit the \
             sealed file."
        ));
        users(desired, address, output);
    }
}
