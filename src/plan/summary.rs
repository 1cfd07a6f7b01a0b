//! Counts over a plan's actions and findings.

use std::collections::BTreeMap;

use super::value::{Action, Finding, FindingKind, SecretEffect, Summary, Undo, Verb};

impl Summary {
    /// Says how many findings are hidden.
    pub(super) fn hiding(self, ignored: usize) -> Self {
        Self { ignored, ..self }
    }

    /// Counts.
    pub fn of(actions: &[Action], findings: &[Finding]) -> Self {
        let mut verbs: BTreeMap<Verb, usize> = BTreeMap::new();
        for action in actions {
            *verbs.entry(action.verb).or_default() += 1;
        }
        let taken = |is: fn(&Action) -> bool| actions.iter().filter(|a| a.is_taken() && is(a)).count();
        Self {
            verbs: verbs.into_iter().collect(),
            changes: taken(|_| true),
            blocked: actions.iter().filter(|a| !a.is_taken()).count(),
            guarded: actions.iter().filter(|a| a.blocked.as_ref().is_some_and(|b| b.guard)).count(),
            issued: taken(|a| matches!(a.secret, SecretEffect::Issued { .. })),
            stopping: taken(|a| a.secret == SecretEffect::StopsWorking),
            irreversible: taken(|a| a.undo == Undo::Irreversible),
            drifted: findings.iter().filter(|f| f.kind == FindingKind::Drift).count(),
            findings: findings.len(),
            ignored: 0,
        }
    }
}
