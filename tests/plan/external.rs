//! Keys that are only watched: due by their dates, and not what is declared.

use std::collections::BTreeMap;

use keycomb::model::{ExternalKey, ExternalKind, KeySource, Label, Origin, Period, Probed, Timestamp};
use keycomb::plan::{Drift, Finding, FindingKind, Plan, Severity, drift, plan};

use crate::builders::World;

fn key(label: &str, created: &str, expires: Option<&str>, max_age: Option<u64>) -> ExternalKey {
    let at = |text: &str| format!("{text}T00:00:00Z").parse::<Timestamp>().unwrap();
    ExternalKey {
        label: Label::new(label).unwrap(),
        kind: ExternalKind::Management,
        owner: Some("platform".into()),
        created: Some(at(created)),
        expires: expires.map(at),
        max_age: max_age.map(Period::days),
        source: Some(KeySource::Env("KEY".into())),
        origin: Origin { file: "keycomb.toml".into(), line: 1, column: 1 },
    }
}

fn world(keys: Vec<ExternalKey>) -> World {
    let mut world = World::empty();
    world.desired.external_keys = keys.into_iter().map(|key| (key.label.clone(), key)).collect();
    world
}

/// Plan and drift say the same of them.
fn findings(world: &World, now: &str, probed: &[(&str, Probed)]) -> (Vec<Finding>, Drift) {
    let mut input = world.input();
    input.now = now.parse().unwrap();
    input.ask.probed = probed
        .iter()
        .map(|(label, probed)| (Label::new(*label).unwrap(), probed.clone()))
        .collect::<BTreeMap<_, _>>();
    let Plan { findings, actions, .. } = plan(&input);
    assert!(actions.is_empty(), "nothing is ever done about them");
    let drift = drift(&input);
    assert_eq!(findings, drift.findings);
    (findings, drift)
}

#[test]
fn what_is_due_grows_graver() {
    let world = world(vec![key("ops", "2026-01-01", Some("2026-12-31"), Some(90))]);
    // 90 days after the first of January.
    for (now, severity) in [
        ("2026-03-01T23:59:59Z", None),
        ("2026-03-02T00:00:00Z", Some(Severity::Note)),
        ("2026-03-24T23:59:59Z", Some(Severity::Note)),
        ("2026-03-25T00:00:00Z", Some(Severity::Warning)),
        ("2026-03-31T23:59:59Z", Some(Severity::Warning)),
        ("2026-04-01T00:00:00Z", Some(Severity::High)),
        ("2036-04-01T00:00:00Z", Some(Severity::High)),
    ] {
        let (found, drift) = findings(&world, now, &[]);
        assert_eq!(found.first().map(|finding| finding.severity), severity, "{now}");
        assert!(!drift.is_drifted(), "a date is no drift");
    }
    let (found, _) = findings(&world, "2026-04-01T00:00:00Z", &[]);
    assert_eq!(found[0].text, "`external_key.ops` (management) was to be replaced by 2026-04-01");
    assert!(found[0].help.as_ref().unwrap().contains("ask platform"));
}

#[test]
fn the_earlier_of_the_end_and_the_age_counts() {
    let world = world(vec![key("ops", "2026-01-01", Some("2026-02-01"), Some(90))]);
    let (found, _) = findings(&world, "2026-01-20T00:00:00Z", &[]);
    assert_eq!(found[0].text, "`external_key.ops` (management) expires on 2026-02-01");
    let (found, _) = findings(&world, "2026-02-02T00:00:00Z", &[]);
    assert_eq!(found[0].text, "`external_key.ops` (management) expired on 2026-02-01");
    let unbounded = self::world(vec![key("ops", "2020-01-01", None, None)]);
    assert_eq!(findings(&unbounded, "2036-01-01T00:00:00Z", &[]).0, []);
}

#[test]
fn what_was_tried_and_is_another_key_is_drift() {
    let world = world(vec![key("ops", "2026-01-01", None, None)]);
    let now = "2026-01-02T00:00:00Z";
    for (probed, kind) in [
        (Probed::Works, None),
        (Probed::Refused, Some(FindingKind::ExternalMismatch)),
        (Probed::Mismatch("it belongs to the team `x\u{202e}`".into()), Some(FindingKind::ExternalMismatch)),
        (Probed::Untried("`KEY` is not set".into()), Some(FindingKind::ExternalDue)),
    ] {
        let (found, drift) = findings(&world, now, &[("ops", probed.clone())]);
        assert_eq!(found.first().map(|finding| finding.kind), kind, "{probed:?}");
        assert_eq!(drift.is_drifted(), kind == Some(FindingKind::ExternalMismatch), "{probed:?}");
        assert!(!found.iter().any(|finding| finding.text.contains('\u{202e}')));
    }
}
