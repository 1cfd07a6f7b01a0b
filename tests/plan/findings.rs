//! Findings, drift, order and counts.

use keycomb::model::*;
use keycomb::plan::{FindingKind, Severity, Verb};

use super::builders::*;

fn world() -> World {
    let mut world = World::production();
    world.sync(configuration("key.production.a"), "a");
    world
}

#[test]
fn drift_of_a_key_is_found_with_its_gravity() {
    type Edit = fn(&mut World);
    let edits: [(&str, Severity, Edit); 6] = [
        ("name", Severity::Warning, |w| w.live("a").name = "b".into()),
        ("permissions", Severity::Warning, |w| w.live("a").permissions.clear()),
        ("permissions", Severity::High, |w| _ = w.live("a").permissions.insert(Permission::RunQueries)),
        ("permissions", Severity::High, |w| w.live("a").permissions = [Permission::RunQueries].into()),
        ("enabled", Severity::High, |w| w.live("a").disabled = true),
        ("enabled", Severity::High, |w| w.record("a").applied.enabled = false),
    ];
    for (field, severity, edit) in edits {
        let mut world = world();
        edit(&mut world);
        for findings in [world.drift().findings, world.findings(FindingKind::Drift)] {
            assert_eq!(findings.len(), 1);
            assert_eq!((findings[0].changes[0].field, findings[0].severity), (field, severity));
            assert_eq!(findings[0].address, Some(address("key.production.a")));
        }
        assert!(world.drift().is_drifted());
        assert_eq!(world.drift().summary.drifted, 1);
    }
}

#[test]
fn drift_of_an_environment_is_found_where_it_is_managed() {
    type Edit = fn(&mut LiveEnvironment);
    let edits: [(&str, Severity, Edit); 3] = [
        ("description", Severity::Warning, |e| e.description = "x".into()),
        ("color", Severity::Warning, |e| e.color = None),
        ("delete_protected", Severity::High, |e| e.delete_protected = false),
    ];
    for (field, severity, edit) in edits {
        let mut world = World::production();
        edit(&mut world.live.environments[0]);
        assert!(world.drift().findings.is_empty(), "not managed");
        world.sealed().environments[0].applied = EnvironmentAttributes {
            description: Some(String::new()),
            color: Some(Color::Blue),
            delete_protected: Some(true),
        };
        let findings = world.drift().findings;
        assert_eq!(
            (findings.len(), findings[0].changes[0].field, findings[0].severity),
            (1, field, severity)
        );
    }
}

#[test]
fn drift_looks_at_what_was_applied_and_not_at_what_is_now_declared() {
    let mut world = world();
    world.desired("key.production.a").name = "b".into();
    world.declare(configuration("key.production.new"));
    assert!(!world.drift().is_drifted() && world.drift().findings.is_empty());
    // Changed by hand to what is now declared: nothing to change, and drift all the same.
    world.live("a").name = "b".into();
    assert!(world.drift().is_drifted());
}

#[test]
fn drift_says_who_changed_it_and_when() {
    let mut world = world();
    let live = world.live("a");
    (live.disabled, live.editor, live.updated) = (true, Some("hcxus_\u{1b}[31m".into()), Some(ago(HOUR)));
    let text = &world.drift().findings[0].text;
    assert!(text.contains(r"last by `hcxus_\u{1b}[31m` at 2026-11-21T11:00:00Z"), "{text}");
}

#[test]
fn what_is_gone_is_drift_and_what_is_unmanaged_is_not() {
    let mut world = world();
    world.live.keys.push(live_of(&configuration("key.production.stranger"), "stranger"));
    world.live.environments.push(live_environment("strange", "Strange"));
    assert!(!world.drift().is_drifted());
    assert_eq!(world.drift().findings.len(), 2);
    world.delete_live("a");
    assert!(world.drift().is_drifted());
}

#[test]
fn findings_come_gravest_first_then_by_address() {
    let mut world = world();
    world.sync(configuration("key.production.b"), "b");
    world.live("b").name = "x".into();
    world.live("base").disabled = true;
    world.live("a").name = "y".into();
    let order: Vec<_> =
        world.plan().findings.iter().map(|f| f.address.clone().unwrap().to_string()).collect();
    assert_eq!(order, ["key.production.base", "key.production.a", "key.production.b"]);
}

#[test]
fn a_change_of_recipients_is_said_until_the_secrets_are_sealed_anew() {
    let mut world = world();
    assert!(world.findings(FindingKind::Advice).is_empty());
    let bob = "age1j6muj3su08z4x3wptf949rhnsdnu6adp0dpr296z9j502dvqepcqdf5z4l";
    world.desired.seal.recipients.insert("bob".into(), bob.parse().unwrap());
    let came = world.findings(FindingKind::Advice);
    assert_eq!((came.len(), came[0].severity), (1, Severity::Warning));
    assert!(came[0].text.contains("`bob` cannot") && !came[0].text.contains("can still"), "{}", came[0].text);
    world.desired.seal.recipients.shift_remove("ops");
    let both = world.findings(FindingKind::Advice);
    assert!(both[0].text.contains("`ops` can still open them; `bob` cannot"), "{}", both[0].text);
    assert!(world.plan().is_empty(), "nothing is done about it");
    // The same key under another name opens what it opened before.
    world.desired.seal.recipients = indexmap::IndexMap::from([("platform".into(), OPS.parse().unwrap())]);
    assert!(world.findings(FindingKind::Advice).is_empty());
}

#[test]
fn manage_recipients_is_team_wide_and_said_once() {
    let mut world = World::production();
    for at in ["key.production.b", "key.production.a"] {
        let permissions = [Permission::ManageRecipients].into();
        world.sync(DesiredKey { permissions, ..configuration(at) }, at.rsplit('.').next().unwrap());
    }
    let advice = world.findings(FindingKind::Advice);
    assert_eq!(advice.len(), 1);
    assert!(advice[0].text.ends_with("`key.production.a`, `key.production.b`"), "{}", advice[0].text);
}

/// One of everything.
pub fn everything() -> World {
    let mut world = World::production();
    world.declare_environment("staging", "Staging");
    world.declare(ingest("key.staging.z"));
    world.declare(ingest("key.production.z"));
    for (label, state) in [("release", KeyState::Provisional), ("update", KeyState::Live)] {
        world.sync(configuration(&format!("key.production.{label}")), label);
        world.record(label).state = state;
    }
    let pending = provisional(&configuration("key.production.release"), "release", LINEAGE, '1', MINUTE);
    *world.live("release") = pending;
    world.record("release").created = ago(MINUTE);
    world.live.keys.push(provisional(&ingest("key.production.z"), "left", LINEAGE, '2', DAY));
    world.desired("key.production.update").name = "renamed".into();
    world.sync(configuration("key.production.enable"), "enable");
    world.live("enable").disabled = true;
    for label in ["disable", "delete", "blocked"] {
        let at = format!("key.production.{label}");
        world.sync(configuration(&at), label);
        world.undeclare(&at);
    }
    world.live("delete").disabled = true;
    world.record("delete").state = KeyState::Disabled;
    world.record("blocked").protected = true;
    world.sync_environment("old", "Old");
    world.desired.environments.shift_remove(&Label::new("old").unwrap());
    world.sealed().environments[1].applied.delete_protected = Some(false);
    world.live.environments[1].delete_protected = false;
    world.desired.environments[0].attributes.color = Some(Color::Red);
    world
}

#[test]
fn actions_come_in_the_order_they_are_carried_out() {
    assert_eq!(
        everything().told(),
        [
            "release key.production.release",
            "discard key.production.z",
            "create environment.staging",
            "create key.production.z",
            "create key.staging.z",
            "update environment.production",
            "update key.production.update",
            "enable key.production.enable",
            "disable key.production.disable",
            "delete key.production.delete",
            "delete environment.old",
            "blocked:disable:protected key.production.blocked",
        ]
    );
}

#[test]
fn the_summary_counts() {
    let plan = everything().plan();
    let verbs = [
        (Verb::Create, 3),
        (Verb::Release, 1),
        (Verb::Update, 2),
        (Verb::Enable, 1),
        (Verb::Disable, 1),
        (Verb::Delete, 2),
        (Verb::Discard, 1),
        (Verb::Blocked, 1),
    ];
    let summary = &plan.summary;
    assert_eq!(summary.verbs, verbs);
    assert_eq!((summary.changes, summary.blocked, summary.guarded), (11, 1, 1));
    assert_eq!((summary.issued, summary.stopping, summary.irreversible), (2, 1, 3));
    assert_eq!((summary.drifted, summary.findings), (1, plan.findings.len()));
    assert_eq!(plan.header.declared, (2, 6));
}

#[test]
fn carried_out_it_plans_nothing_but_what_was_blocked() {
    let mut world = everything();
    super::simulate::apply(&mut world, 1);
    assert_eq!(world.told(), ["blocked:disable:protected key.production.blocked"]);
}
