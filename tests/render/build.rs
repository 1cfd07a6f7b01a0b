//! Small constructors of plans and reports.

use std::collections::{BTreeMap, BTreeSet};

use keycomb::model::{
    Endpoint, EnvironmentAttributes, EnvironmentId, KeyId, KeyType, Label, Lineage, Origin, Period,
    RecipientRef, TeamSlug, Timestamp,
};
use keycomb::plan::{
    Action, Blocked, Change, Drift, EnvironmentRef, Finding, FindingKind, Header, Ignored, MintKey, Plan,
    Reason, ReasonCode, Remembered, SecretEffect, Select, Severity, Step, Summary, Terms, Undo, Verb,
};
use keycomb::render::Style;
use keycomb::report::{Became, Outcome, Report};

pub fn plain(width: usize) -> Style {
    Style { color: false, unicode: true, width }
}

pub fn colored(width: usize) -> Style {
    Style { color: true, unicode: true, width }
}

pub fn ascii(width: usize) -> Style {
    Style { color: false, unicode: false, width }
}

/// Colour as one can read it in a snapshot.
pub fn with_visible_escapes(text: &str) -> String {
    text.replace('\u{1b}', "␛")
}

pub fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

pub fn header() -> Header {
    Header {
        team: TeamSlug::new("acme").unwrap(),
        endpoint: Endpoint::us(),
        sealed: Some((Lineage::new("0123456789abcdef").unwrap(), 7)),
        now: now(),
        read: now(),
        declared: (2, 4),
        terms: Terms::default(),
        snapshot: false,
    }
}

pub fn action(address: &str, verb: Verb) -> Action {
    Action {
        address: address.parse().unwrap(),
        verb,
        key_type: address.starts_with("key.").then_some(KeyType::Ingest),
        generation: address.starts_with("key.").then_some(1),
        id: None,
        name: address.rsplit('.').next().unwrap().to_owned(),
        changes: vec![],
        reason: Reason {
            code: ReasonCode::Declared,
            text: "declared, and not at the service".into(),
            origin: Some(Origin { file: "keycomb.toml".into(), line: 30, column: 1 }),
        },
        secret: SecretEffect::None,
        undo: Undo::Reversible,
        blocked: None,
        after: vec![],
        step: Step::DeleteKey { id: KeyId::new("hcxik_01").unwrap() },
    }
}

pub fn blocked(address: &str, verb: Verb, code: &'static str, text: &str, help: &str) -> Action {
    Action {
        blocked: Some(Blocked { verb, code, text: text.into(), help: help.into(), guard: true }),
        step: Step::Nothing,
        id: Some("hcxik_01k5v7m3t9q4w8x2y6z0a1b2c4".into()),
        ..action(address, Verb::Blocked)
    }
}

pub fn set(field: &'static str, after: &str) -> Change {
    Change { field, before: None, after: Some(after.into()), undoes_drift: false }
}

pub fn from_to(field: &'static str, before: &str, after: &str) -> Change {
    Change { field, before: Some(before.into()), after: Some(after.into()), undoes_drift: false }
}

pub fn undeclared() -> Reason {
    Reason { code: ReasonCode::Undeclared, text: "no longer declared".into(), origin: None }
}

pub fn finding(kind: FindingKind, severity: Severity, address: Option<&str>, text: &str) -> Finding {
    Finding {
        kind,
        severity,
        address: address.map(|address| address.parse().unwrap()),
        id: Some("hcxik_01k5v7m3t9q4w8x2y6z0a1b2c5".into()),
        text: text.into(),
        help: None,
        changes: vec![],
        origin: None,
        editor: None,
        updated: None,
    }
}

pub fn mint(name: &str) -> Step {
    Step::MintKey(Box::new(MintKey {
        environment: EnvironmentRef::Planned(Label::new("production").unwrap()),
        key_type: KeyType::Ingest,
        name: name.into(),
        permissions: BTreeSet::from([keycomb::model::Permission::CreateDatasets]),
        enabled: true,
        generation: 1,
        succeeds: vec![],
        remember: remembered(),
    }))
}

pub fn remembered() -> Remembered {
    Remembered { owner: Some("team-checkout".into()), protected: true, quarantine: Period::days(14) }
}

pub fn environment_id() -> EnvironmentId {
    EnvironmentId::new("hcxen_01k5v7m3t9q4w8x2y6z0a1b2c4").unwrap()
}

pub fn attributes(description: &str) -> EnvironmentAttributes {
    EnvironmentAttributes {
        description: Some(description.into()),
        color: Some(keycomb::model::Color::Red),
        delete_protected: Some(true),
    }
}

/// A plan with its counts.
pub fn plan(actions: Vec<Action>, findings: Vec<Finding>) -> Plan {
    let mut verbs: BTreeMap<Verb, usize> = BTreeMap::new();
    for action in &actions {
        *verbs.entry(action.verb).or_default() += 1;
    }
    let count = |is: &dyn Fn(&Action) -> bool| actions.iter().filter(|action| is(action)).count();
    let taken = |is: &dyn Fn(&Action) -> bool| count(&|action| action.blocked.is_none() && is(action));
    let summary = Summary {
        verbs: verbs.into_iter().collect(),
        changes: taken(&|_| true),
        blocked: count(&|a| a.blocked.is_some()),
        guarded: count(&|a| a.blocked.as_ref().is_some_and(|b| b.guard)),
        issued: taken(&|a| matches!(a.secret, SecretEffect::Issued { .. })),
        stopping: taken(&|a| a.secret == SecretEffect::StopsWorking),
        irreversible: taken(&|a| a.undo == Undo::Irreversible),
        drifted: findings.iter().filter(|f| f.kind == FindingKind::Drift).count(),
        findings: findings.len(),
        ignored: 0,
    };
    Plan { header: header(), actions, findings, summary }
}

pub fn outcome(address: &str, verb: Verb, became: Became) -> Outcome {
    Outcome {
        address: address.parse().unwrap(),
        verb,
        generation: address.starts_with("key.").then_some(1),
        id: Some("hcxik_01k5v7m3t9q4w8x2y6z0a1b2c4".into()),
        became,
        blocked: None,
    }
}

pub fn report(outcomes: Vec<Outcome>) -> Report {
    Report {
        outcomes,
        interrupted: false,
        unfolded: None,
        serial: 8,
        ended: now(),
        users: None,
        skipped: vec![],
        select: Select::default(),
    }
}

/// Recipients by name, each with a fingerprint of its own.
pub fn recipients(names: &[&str]) -> Vec<RecipientRef> {
    let one = |(n, name): (usize, &&str)| RecipientRef {
        name: (*name).to_owned(),
        fingerprint: format!("{n:016x}"),
    };
    names.iter().enumerate().map(one).collect()
}

/// The same, and two rules that hide something, one of them a lot.
pub fn drift_hiding(findings: Vec<Finding>, words: &str) -> Drift {
    let rule = |line| Origin { file: "keycomb.toml".into(), line, column: 3 };
    let until = Some("2026-12-31T00:00:00Z".parse().unwrap());
    let one = finding(FindingKind::Drift, Severity::High, Some("key.staging.ci"), "changed");
    let unmanaged = || {
        let found = finding(FindingKind::Unmanaged, Severity::Note, None, words);
        Ignored { finding: found, reason: words.into(), until: None, rule: rule(48) }
    };
    let many = std::iter::repeat_with(unmanaged).take(7);
    let one = Ignored { finding: one, reason: "until the move is over".into(), until, rule: rule(40) };
    let ignored: Vec<Ignored> = std::iter::once(one).chain(many).collect();
    let summary = Summary { ignored: ignored.len(), ..Summary::default() };
    Drift { ignored, summary, ..drift(findings) }
}

/// A look for drift that found these.
pub fn drift(findings: Vec<Finding>) -> Drift {
    Drift { header: header(), findings, ignored: vec![], summary: Summary::default() }
}
