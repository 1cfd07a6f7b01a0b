//! One action: a line, and below it what differs.

use std::fmt::Write as _;

use super::ladder::Rung;
use super::{change, escape};
use crate::model::{Origin, RecipientRef};
use crate::plan::{Action, Blocked, Predecessor, ReasonCode, SecretEffect, Step, Undo, Verb};

/// Puts one action of a list.
pub(super) fn put(text: &mut String, action: &Action, rung: Rung) {
    let Action { address, key_type, generation, id, name, changes, secret, undo, blocked, .. } = action;
    let _ = write!(text, "- **{}** {}", verb(action), escape::address(address));
    if rung == Rung::Lines {
        text.push('\n');
        return;
    }
    if let Some(key_type) = key_type {
        let _ = write!(text, ", {}", key_type.as_str());
    }
    if !name.is_empty() {
        let _ = write!(text, ", {}", escape::code(name));
    }
    if let Some(generation) = generation.filter(|generation| *generation > 1) {
        let _ = write!(text, ", generation {generation}");
    }
    if *undo == Undo::Irreversible {
        text.push_str(", **cannot be undone**");
    }
    text.push('\n');
    change::put_all(text, changes);
    if let Some(told) = told_of(secret) {
        let _ = writeln!(text, "  - secret: {told}");
    }
    if let Some(Blocked { code, text: why, .. }) = blocked {
        let _ = writeln!(text, "  - blocked ({}): {}", escape::code(code), escape::sentence(why));
    }
    if rung == Rung::Changes {
        return;
    }
    put_reason(text, action);
    put_predecessors(text, action);
    let needs_id = matches!(action.verb, Verb::Delete | Verb::Discard | Verb::Disable | Verb::Blocked);
    if let Some(id) = id.as_ref().filter(|_| needs_id) {
        let _ = writeln!(text, "  - id: {}", escape::code(id));
    }
    if let Some(blocked) = blocked {
        let _ = writeln!(text, "  - help: {}", escape::sentence(&blocked.help));
    }
}

/// The verb, and for a blocked action what would have been done.
pub(super) fn verb(action: &Action) -> String {
    match &action.blocked {
        Some(blocked) => format!("blocked: {}", blocked.verb.as_str()),
        None => action.verb.as_str().to_owned(),
    }
}

/// What happens to the secret; `None`: nothing.
pub(super) fn told_of(secret: &SecretEffect) -> Option<String> {
    match secret {
        SecretEffect::None => None,
        SecretEffect::Issued { recipients } => Some(format!("issued, sealed to {}", names(recipients))),
        SecretEffect::StartsWorking => Some("sealed earlier, starts to work".to_owned()),
        SecretEffect::StopsWorking => Some("**stops working**".to_owned()),
        SecretEffect::Destroyed => Some("gone for good; it had stopped working before".to_owned()),
    }
}

/// Recipients, by name.
pub(super) fn names(recipients: &[RecipientRef]) -> String {
    const SHOWN: usize = 10;
    let mut names: Vec<String> = recipients.iter().take(SHOWN).map(|one| escape::code(&one.name)).collect();
    if let Some(more) = recipients.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        names.push(format!("{more} more"));
    }
    if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
}

fn put_reason(text: &mut String, action: &Action) {
    let reason = &action.reason;
    let place = reason.origin.as_ref().map(|Origin { file, line, column: _ }| format!("{file}:{line}"));
    // The verb says as much.
    let is_plain = reason.code == ReasonCode::Declared || reason.text.is_empty();
    let told = match (is_plain, place) {
        (true, None) => return,
        (true, Some(place)) => format!("declared in {}", escape::code(&place)),
        (false, None) => escape::sentence(&reason.text),
        (false, Some(place)) => format!("{} ({})", escape::sentence(&reason.text), escape::code(&place)),
    };
    let _ = writeln!(text, "  - why: {told}");
}

fn put_predecessors(text: &mut String, action: &Action) {
    let succeeds = match &action.step {
        Step::MintKey(mint) => &mint.succeeds,
        Step::ReleaseKey { succeeds, .. } => succeeds,
        _ => return,
    };
    for Predecessor { address, id, generation, until } in succeeds {
        let works = until.map_or_else(
            || "does not work".to_owned(),
            |until| format!("works until {} at least", escape::time(until)),
        );
        let _ = writeln!(
            text,
            "  - old key: {}, generation {generation} ({}) {works}",
            escape::address(address),
            escape::code(id.as_str())
        );
    }
}
