//! The order of actions and findings, which depends on nothing but themselves.

use super::value::{Action, Finding, Verb};

/// Sorts actions into the order they are carried out in: what others need first, what destroys last.
pub(super) fn sort_actions(actions: &mut [Action]) {
    actions.sort_by(|a, b| key_of(a).cmp(&key_of(b)));
}

/// Sorts findings: gravest first, then by address and id.
pub(super) fn sort_findings(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        b.severity
            .cmp(&a.severity)
            .then_with(|| (&a.address, &a.id, a.kind, &a.text).cmp(&(&b.address, &b.id, b.kind, &b.text)))
    });
}

fn key_of(action: &Action) -> impl Ord {
    let intended = action.blocked.as_ref().map(|blocked| (blocked.verb, blocked.code));
    (stage(action), &action.address, action.generation, &action.id, intended)
}

fn stage(action: &Action) -> u8 {
    match (action.verb, action.address.is_key()) {
        (Verb::Release, _) => 0,
        (Verb::Discard, _) => 1,
        (Verb::Create, false) => 2,
        (Verb::Create | Verb::Replace | Verb::Rotate, _) => 3,
        (Verb::Update | Verb::Adopt, _) => 4,
        (Verb::Enable, _) => 5,
        (Verb::Disable, _) => 6,
        (Verb::Delete, true) => 7,
        (Verb::Delete, false) => 8,
        (Verb::Blocked, _) => 9,
    }
}
