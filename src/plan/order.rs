//! The order of actions and findings, which depends on nothing but themselves.

use super::value::{Action, Finding, FindingKind, Step, Verb};

/// Sorts actions into the order they are carried out in: what others need first, what destroys last.
pub(super) fn sort_actions(actions: &mut [Action]) {
    actions.sort_by(|a, b| key_of(a).cmp(&key_of(b)));
}

/// Sorts findings: what is unsealed, then the gravest first, then by address and id.
pub(super) fn sort_findings(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        let is_sealed = |finding: &Finding| finding.kind != FindingKind::Unsealed;
        (is_sealed(a), b.severity)
            .cmp(&(is_sealed(b), a.severity))
            .then_with(|| (&a.address, &a.id, a.kind, &a.text).cmp(&(&b.address, &b.id, b.kind, &b.text)))
    });
}

fn key_of(action: &Action) -> impl Ord {
    let intended = action.blocked.as_ref().map(|blocked| (blocked.verb, blocked.code));
    (stage(action), &action.address, action.generation, &action.id, intended)
}

fn stage(action: &Action) -> u8 {
    // What somebody else may be using this very moment.
    if let Step::RevokeKey { .. } = action.step {
        return 0;
    }
    match (action.verb, action.address.is_key()) {
        (Verb::Release, _) => 1,
        (Verb::Discard, _) => 2,
        (Verb::Create, false) => 3,
        (Verb::Create | Verb::Replace | Verb::Rotate, _) => 4,
        (Verb::Update | Verb::Adopt, _) => 5,
        (Verb::Enable, _) => 6,
        (Verb::Disable, _) => 7,
        (Verb::Delete, true) => 8,
        (Verb::Delete, false) => 9,
        (Verb::Blocked, _) => 10,
    }
}
