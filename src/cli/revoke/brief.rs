//! What a person must know before a key is revoked, and whom to tell.

use crate::cli::output::Output;
use crate::model::{Address, Desired, Revocation, visible};
use crate::plan::{Action, Plan, SecretEffect, Step, Verb};
use crate::report::Users;

/// Says what stops working and when, what takes its place, and who uses it.
pub(super) fn before(plan: &Plan, desired: &Desired, users: &Users, may_follow: bool, output: &Output) {
    for action in &plan.actions {
        if let Step::RevokeKey { id, revoked } = &action.step {
            let generation = action.generation.unwrap_or_default();
            output.say(&format!("generation {generation}, `{id}`: {}", ends(action, revoked.how)));
        }
    }
    output.say(&match may_follow {
        true => successor(plan, desired, &users.address),
        false => "no successor in this run: what it needs is not known".to_owned(),
    });
    tell(users, desired.keys.contains_key(&users.address), output);
}

fn ends(action: &Action, how: Revocation) -> &'static str {
    match (how, &action.secret) {
        (Revocation::Delete, SecretEffect::StopsWorking) => {
            "will be deleted; its credential stops working at once, and nothing brings it back"
        }
        (Revocation::Delete, SecretEffect::Destroyed) => {
            "will be deleted; its credential does not work now either"
        }
        (Revocation::Delete, _) => "gone from the service already; that is written down",
        (Revocation::Disable, SecretEffect::StopsWorking) => {
            "will be disabled; its credential stops working within a minute or two. A request to enable it that is under way \
             could undo this: without `--disable` nothing could"
        }
        (Revocation::Disable, _) => "disabled already; that is written down",
    }
}

fn successor(plan: &Plan, desired: &Desired, address: &Address) -> String {
    let of_mint = |action: &&Action| matches!(action.step, Step::MintKey(_));
    match plan.actions.iter().find(of_mint) {
        Some(action) => format!(
            "its successor, generation {}, is made right after it{}",
            action.generation.unwrap_or_default(),
            if action.verb == Verb::Rotate {
                "; the one before it works until that one's overlap is over"
            } else {
                ""
            }
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

/// Whom to tell, as far as the files and the record say.
fn tell(users: &Users, is_declared: bool, output: &Output) {
    let Users { address: _, environment, name, owner, purpose, consumers } = users;
    output.say(&format!("used in: `{}`, named `{}`", visible(environment), visible(name)));
    let facts = [("owner", owner), ("purpose", purpose)];
    for (title, fact) in facts {
        if let Some(fact) = fact {
            output.say(&format!("{title}: {}", visible(fact)));
        }
    }
    match consumers.as_slice() {
        [] if !is_declared => {
            output.say("consumers: not known, for no declaration of it could be read: find out who uses it");
        }
        [] => {
            output.say(
                "consumers: none declared (`consumers = [...]` of the key's block): find out who uses it",
            );
        }
        all => output.say(&format!("consumers: {}", visible(&all.join(", ")))),
    }
}

/// Says what is left for people to do.
pub(super) fn after(is_made: bool, desired: &Desired, users: &Users, output: &Output) {
    if is_made {
        let address = &users.address;
        output.say(&format!(
            "tell them that `{address}` has a new secret: `keycomb secrets open {address} -i IDENTITY` prints it. Commit the \
             sealed file."
        ));
        tell(users, desired.keys.contains_key(address), output);
    }
}
