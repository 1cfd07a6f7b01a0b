//! A plan and a report with one of everything.

use std::collections::BTreeSet;

use keycomb::model::{
    AppliedKey, KeyId, KeyState, KeyType, NoSecret, Origin, Period, Permission, Record, Revocation, Revoked,
    SealedKey, Timestamp,
};
use keycomb::plan::{
    Action, EnvironmentRef, FindingKind, Plan, Predecessor, Reason, ReasonCode, SecretEffect, Severity, Step,
    Undo, Verb,
};
use keycomb::report::{Became, Cause, Report};

use crate::build::{
    action, attributes, blocked, environment_id, finding, from_to, mint, outcome, plan, recipients,
    remembered, report, set, undeclared,
};

fn key_id() -> KeyId {
    KeyId::new("hcxik_01k5v7m3t9q4w8x2y6z0a1b2c4").unwrap()
}

fn issued() -> SecretEffect {
    SecretEffect::Issued { recipients: recipients(&["ops", "break_glass"]) }
}

fn line(file: &str, line: usize) -> Option<Origin> {
    Some(Origin { file: file.into(), line, column: 1 })
}

fn because(code: ReasonCode, text: &str, number: usize) -> Reason {
    Reason { code, text: text.into(), origin: line("keys/staging.toml", number) }
}

fn created() -> Vec<Action> {
    let environment = Action {
        name: "Production".into(),
        changes: vec![set("description", "Customers"), set("color", "red"), set("delete_protected", "true")],
        step: Step::CreateEnvironment { name: "Production".into(), attributes: attributes("Customers") },
        ..action("environment.production", Verb::Create)
    };
    let key = Action {
        name: "checkout collectors".into(),
        changes: vec![set("permissions", "create_datasets")],
        secret: issued(),
        after: vec!["environment.production".parse().unwrap()],
        step: mint("checkout collectors"),
        ..action("key.production.checkout", Verb::Create)
    };
    vec![environment, key]
}

fn minted() -> Vec<Action> {
    let make = |address: &str, verb, code, text: &str| Action {
        generation: Some(3),
        reason: because(code, text, 12),
        secret: issued(),
        step: mint("x"),
        ..action(address, verb)
    };
    let mut replace =
        make("key.staging.mobile", Verb::Replace, ReasonCode::Changed, "declared otherwise than it is");
    replace.changes = vec![from_to("permissions", "", "create_datasets")];
    let Step::MintKey(mint) = &mut replace.step else { unreachable!() };
    mint.environment = EnvironmentRef::Id(environment_id());
    let mut rotate =
        make("key.staging.web", Verb::Rotate, ReasonCode::RotationDue, "due for rotation since 2026-02-25");
    if let Step::MintKey(mint) = &mut rotate.step {
        let until = Some("2026-03-04T12:00:00Z".parse().unwrap());
        mint.succeeds = vec![Predecessor {
            address: "key.staging.web".parse().unwrap(),
            id: key_id(),
            generation: 1,
            until,
        }];
    }
    let release = Action {
        secret: SecretEffect::StartsWorking,
        reason: because(ReasonCode::Unreleased, "minted and sealed on this disk, not released", 20),
        step: Step::ReleaseKey { id: key_id(), enabled: true, succeeds: vec![] },
        ..action("key.staging.worker", Verb::Release)
    };
    vec![replace, rotate, release]
}

fn updated() -> Vec<Action> {
    let environment = Action {
        changes: vec![
            from_to("description", "one\ntwo\nthree\nfour\nfive ", "one\n2\nthree\nfour\nfive"),
            from_to("color", "lightBlue", "blue"),
        ],
        reason: because(ReasonCode::Changed, "declared otherwise than it is", 3),
        step: Step::UpdateEnvironment {
            id: environment_id(),
            change: attributes("one\n2\nthree\nfour\nfive"),
            applied: attributes("one"),
        },
        ..action("environment.staging", Verb::Update)
    };
    let mut enabled = from_to("enabled", "false", "true");
    enabled.undoes_drift = true;
    let key = Action {
        key_type: Some(KeyType::Configuration),
        generation: Some(2),
        changes: vec![
            from_to("name", "ci", "continuous integration"),
            from_to(
                "permissions",
                "manage_markers\nrun_queries\nsend_events",
                "manage_slos\nrun_queries\nsend_events",
            ),
            enabled,
        ],
        reason: because(ReasonCode::Changed, "declared otherwise than it is", 41),
        step: Step::UpdateKey {
            id: key_id(),
            name: Some("continuous integration".into()),
            permissions: Some(BTreeSet::from([Permission::ManageSlos, Permission::SendEvents])),
            enabled: Some(true),
            applied: AppliedKey { enabled: true, permissions: BTreeSet::from([Permission::ManageSlos]) },
            remember: remembered(),
        },
        ..action("key.staging.ci", Verb::Update)
    };
    let adopt = Action {
        step: Step::Record(vec![Record::Key { key: Box::new(recorded()) }]),
        ..action("key.staging.old", Verb::Adopt)
    };
    let forget = Action {
        step: Step::Record(vec![Record::Forgotten { id: key_id() }]),
        ..action("key.staging.theirs", Verb::Forget)
    };
    let (from, to) = ("key.staging.api".parse().unwrap(), "key.staging.gateway".parse().unwrap());
    let moved = Action {
        reason: because(ReasonCode::Moved, "recorded as `key.staging.api`; declared as that before", 40),
        step: Step::Record(vec![Record::Moved { from, to, environment: None, keys: vec![] }]),
        ..action("key.staging.gateway", Verb::Move)
    };
    let enable = Action {
        secret: SecretEffect::StartsWorking,
        changes: vec![from_to("enabled", "false", "true")],
        ..action("key.staging.queue", Verb::Enable)
    };
    vec![environment, key, adopt, forget, moved, enable]
}

/// An adopted key.
fn recorded() -> SealedKey {
    SealedKey {
        address: "key.staging.old".parse().unwrap(),
        moved_from: vec![],
        in_place_of: vec![],
        generation: 1,
        state: KeyState::Live,
        id: key_id(),
        key_type: KeyType::Ingest,
        environment: environment_id(),
        name: "old".into(),
        created: Timestamp::UNIX_EPOCH,
        since: Timestamp::UNIX_EPOCH,
        applied: AppliedKey { enabled: true, permissions: BTreeSet::new() },
        owner: None,
        protected: false,
        revoked: None,
        quarantine: Period::days(14),
        recipients: vec![],
        sealed: None,
        secret: Some(NoSecret::Unavailable),
        proof: None,
    }
}

fn removed() -> Vec<Action> {
    let id = Some(key_id().to_string());
    let disable = Action {
        secret: SecretEffect::StopsWorking,
        reason: undeclared(),
        id: id.clone(),
        step: Step::RetireKey { id: key_id(), successor: Some(key_id()) },
        ..action("key.staging.batch", Verb::Disable)
    };
    let discard = Action {
        reason: Reason {
            origin: None,
            ..because(ReasonCode::Unfinished, "made under a provisional name", 1)
        },
        id: id.clone(),
        ..action("key.staging.lost", Verb::Discard)
    };
    let delete = Action {
        secret: SecretEffect::Destroyed,
        undo: Undo::Irreversible,
        reason: Reason {
            origin: None,
            ..because(ReasonCode::QuarantineOver, "disabled 14d ago, its quarantine is over", 1)
        },
        id,
        ..action("key.staging.ancient", Verb::Delete)
    };
    let environment = Action {
        undo: Undo::Irreversible,
        reason: undeclared(),
        id: Some(environment_id().to_string()),
        step: Step::DeleteEnvironment { id: environment_id() },
        ..action("environment.retired", Verb::Delete)
    };
    vec![disable, discard, delete, environment]
}

fn refused() -> Vec<Action> {
    let protected = Action {
        reason: undeclared(),
        ..blocked(
            "key.production.payments",
            Verb::Disable,
            "protected",
            "it is protected",
            "Declare it again, or name it: `--allow key.production.payments`.",
        )
    };
    let exists = Action {
        changes: vec![from_to("name", "Legacy", "legacy")],
        ..blocked(
            "environment.legacy",
            Verb::Adopt,
            "exists",
            "an environment named `Legacy` is there already, and keycomb does not manage it",
            "Give it another name, or use it as it is with `reference = true`.",
        )
    };
    vec![exists, protected]
}

fn revoked() -> Vec<Action> {
    let revoked = Revoked {
        how: Revocation::Delete,
        at: "2026-03-01T08:00:00Z".parse().unwrap(),
        reason: "it is in a build log".into(),
    };
    let delete = Action {
        secret: SecretEffect::StopsWorking,
        undo: Undo::Irreversible,
        reason: Reason { origin: None, ..because(ReasonCode::Revoked, "revoked: it is in a build log", 1) },
        id: Some(key_id().to_string()),
        step: Step::RevokeKey { id: key_id(), revoked },
        ..action("key.staging.leaked", Verb::Delete)
    };
    vec![delete]
}

/// Every verb, every effect on secrets, every step, every severity.
pub fn everything() -> Plan {
    let mut drift = finding(
        FindingKind::Drift,
        Severity::High,
        Some("key.staging.ci"),
        "changed by hcxus_01 on 2026-02-28",
    );
    drift.changes = vec![from_to("enabled", "true", "false")];
    drift.help = Some("Apply to undo it, or change the declaration to accept it.".into());
    let unmanaged =
        finding(FindingKind::Unmanaged, Severity::Warning, None, "a key named `jenkins` is not managed");
    let mut advice = finding(
        FindingKind::Advice,
        Severity::Note,
        Some("key.staging.ci"),
        "`manage_recipients` reaches every environment of the team",
    );
    advice.id = None;
    let actions = [created(), minted(), updated(), removed(), refused(), revoked()].concat();
    plan(actions, vec![drift, unmanaged, advice])
}

/// Every way to end.
pub fn every_outcome() -> (Plan, Report) {
    let plan = everything();
    let outcomes = plan.actions.iter().enumerate().map(|(number, action)| {
        let became = match (action.verb, number % 7) {
            (Verb::Blocked, _) => Became::Blocked,
            (_, 3) => Became::Failed {
                why: "PATCH /2/teams/acme/api-keys/hcxik_01: 403, `the key lacks a scope`".into(),
                help: Some("Give the management key `api-keys:write`.".into()),
                cause: Cause::Credential,
            },
            (_, 4) => Became::Failed { why: "502".into(), help: None, cause: Cause::Service },
            (_, 5) => Became::NotStarted { why: "`environment.staging` failed".into() },
            (_, 6) => Became::InDoubt {
                why: "the connection was cut after the request was sent".into(),
                help: "Run apply again: it looks first.".into(),
            },
            (_, 2) => Became::Done { note: Some("it was already so".into()) },
            _ => Became::Done { note: None },
        };
        let outcome = outcome(&action.address.to_string(), action.verb, became);
        keycomb::report::Outcome { blocked: action.blocked.clone(), ..outcome }
    });
    let mut report = report(outcomes.collect());
    report.interrupted = true;
    report.unfolded = Some("No space left on device".into());
    (plan, report)
}
