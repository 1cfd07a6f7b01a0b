//! Rules for keys that are no longer declared.

use keycomb::model::*;
use keycomb::plan::{FindingKind, ReasonCode, SecretEffect, Severity, Step, Undo, Verb};

use super::builders::*;

/// `key.production.a` in sync, and no longer declared.
fn world() -> World {
    let mut world = World::production();
    world.sync(configuration("key.production.a"), "a");
    world.undeclare("key.production.a");
    world
}

/// The same, disabled by keycomb so many days ago; its quarantine is 14 days.
fn disabled(days: i64) -> World {
    let mut world = world();
    (world.record("a").state, world.record("a").since) = (KeyState::Disabled, ago(days * DAY));
    world.live("a").disabled = true;
    world
}

#[test]
fn a_key_gone_from_the_files_is_disabled_and_not_deleted() {
    let action = world().only();
    assert_eq!((action.verb, action.reason.code), (Verb::Disable, ReasonCode::Undeclared));
    assert_eq!(action.step, Step::RetireKey { id: key_id("a"), successor: None });
    assert_eq!((action.secret, action.undo), (SecretEffect::StopsWorking, Undo::Reversible));
    assert!(action.reason.origin.is_none());
}

#[test]
fn a_key_that_is_disabled_already_begins_its_quarantine() {
    let mut world = world();
    world.live("a").disabled = true;
    let action = world.only();
    assert_eq!(
        (action.step, action.secret),
        (Step::RetireKey { id: key_id("a"), successor: None }, SecretEffect::None)
    );
}

#[test]
fn a_key_is_deleted_when_its_quarantine_is_over_and_not_before() {
    let waiting = disabled(13);
    assert!(waiting.plan().is_empty());
    let advice = waiting.findings(FindingKind::Advice);
    assert!(advice[0].text.contains("2026-11-22T12:00:00Z"), "{}", advice[0].text);

    let action = disabled(14).only();
    assert_eq!((action.verb, action.reason.code), (Verb::Delete, ReasonCode::QuarantineOver));
    assert_eq!((action.secret, action.undo), (SecretEffect::Destroyed, Undo::Irreversible));
    assert_eq!(action.step, Step::DeleteKey { id: key_id("a") });
    assert!(disabled(14).findings(FindingKind::Advice).is_empty());
}

#[test]
fn a_quarantine_begins_anew_with_every_change_at_the_service() {
    let mut world = disabled(100);
    world.live("a").updated = Some(ago(13 * DAY));
    assert!(world.plan().is_empty(), "it may have worked until then");
    world.live("a").updated = Some(ago(14 * DAY));
    assert_eq!(world.only().verb, Verb::Delete);
}

#[test]
fn a_key_enabled_again_by_hand_is_disabled_again_and_not_deleted() {
    for days in [1, 100] {
        let mut world = disabled(days);
        world.live("a").disabled = false;
        let action = world.only();
        assert_eq!((action.verb, action.reason.code), (Verb::Disable, ReasonCode::Drifted));
        assert!(action.changes[0].undoes_drift);
        assert_eq!(world.findings(FindingKind::Drift)[0].severity, Severity::High);
    }
}

#[test]
fn a_key_that_is_gone_before_its_time_is_noted_and_its_record_ends_with_its_quarantine() {
    let mut world = disabled(13);
    world.delete_live("a");
    assert!(world.plan().is_empty());
    assert_eq!(world.findings(FindingKind::Missing)[0].severity, Severity::Note);
    assert!(!world.drift().is_drifted());
    world.record("a").state = KeyState::Live;
    assert_eq!(world.findings(FindingKind::Missing)[0].severity, Severity::Warning);
    assert!(world.drift().is_drifted());

    let mut world = disabled(14);
    world.delete_live("a");
    let action = world.only();
    assert_eq!((action.verb, action.reason.code), (Verb::Delete, ReasonCode::Missing));
    assert!(world.findings(FindingKind::Missing).is_empty());
}

#[test]
fn what_is_deleted_says_nothing() {
    let mut world = disabled(20);
    world.record("a").state = KeyState::Deleted;
    world.delete_live("a");
    assert!(world.plan().is_empty() && world.plan().findings.is_empty());
}

#[test]
fn what_is_recorded_as_deleted_and_there_is_a_finding_and_not_touched_for_an_hour() {
    let mut world = disabled(20);
    (world.record("a").state, world.record("a").since) = (KeyState::Deleted, ago(3_599));
    assert!(world.plan().is_empty());
    assert_eq!(world.findings(FindingKind::Drift)[0].severity, Severity::Warning);
}

/// One reading that said 404 was wrong: whatever was made in its place, two must not work for good.
#[test]
fn what_was_taken_for_deleted_and_works_is_retired_after_its_successor() {
    let mut world = world();
    (world.record("a").state, world.record("a").since) = (KeyState::Deleted, ago(3_600));
    assert_eq!(world.told(), ["disable key.production.a"], "no longer declared");
    let desired = configuration("key.production.a");
    world.declare(desired.clone());
    assert_eq!(world.told(), ["create key.production.a"]);
    let (mut second, live) = (record_of(&desired, "b"), live_of(&desired, "b"));
    second.generation = 2;
    world.sealed().keys.push(second);
    world.live.keys.push(live);
    assert_eq!(world.told(), ["disable key.production.a"], "its successor works");
    assert_eq!(world.plan().actions[0].id.as_deref(), Some(key_id("a").as_str()));
}

#[test]
fn an_address_declared_again_after_its_key_was_deleted_gets_the_next_generation() {
    let mut world = disabled(20);
    world.record("a").state = KeyState::Deleted;
    world.delete_live("a");
    world.declare(configuration("key.production.a"));
    assert_eq!(world.only().generation, Some(2));
}

/// `key.production.a` with a second generation that serves since eight days.
fn superseded() -> World {
    let mut world = World::production();
    world.sync(configuration("key.production.a"), "one");
    world.sync(configuration("key.production.a"), "two");
    (world.record("two").generation, world.record("two").since) = (2, ago(8 * DAY));
    world
}

#[test]
fn the_newest_generation_stands_for_its_address_and_an_older_one_is_retired() {
    let world = superseded();
    let action = world.only();
    assert_eq!(
        (action.verb, action.id.as_deref(), action.generation),
        (Verb::Disable, Some("hcxik_one"), Some(1))
    );
}

/// It was released too late and retired, after the older one had been declared again on another machine.
#[test]
fn a_newer_generation_on_its_way_out_does_not_come_back_beside_an_older_one_that_serves() {
    let mut world = superseded();
    let two = world.record("two");
    (two.state, two.applied.enabled, two.since) = (KeyState::Disabled, false, ago(DAY));
    world.live("two").disabled = true;
    assert!(world.plan().is_empty(), "{:?}", world.told());
    world.record("two").since = ago(15 * DAY);
    world.live("two").updated = Some(ago(15 * DAY));
    assert_eq!(world.told(), ["delete key.production.a"]);
    // The older one is gone: only then the newer one stands for the address again.
    world.delete_live("one");
    assert_eq!(world.only().id.as_deref(), Some("hcxik_one"));
}

#[test]
fn an_older_generation_stays_until_the_newer_one_serves_and_the_overlap_is_over() {
    let mut overlapping = superseded();
    let rotate = Rotation { every: Period::days(90), overlap: Period::days(9), window: None };
    overlapping.desired("key.production.a").rotate = Some(rotate);
    assert!(overlapping.plan().is_empty());

    let mut disabled = superseded();
    disabled.live("two").disabled = true;
    assert_eq!(disabled.only().id.as_deref(), Some("hcxik_two"), "enabled first");

    let mut gone = superseded();
    gone.delete_live("two");
    assert_eq!(gone.only_blocked().1, "missing");
}

#[test]
fn an_address_takes_one_step_at_a_time() {
    let mut world = superseded();
    world.desired("key.production.a").name = "b".into();
    assert_eq!(world.told(), ["update key.production.a"]);
}

/// Whoever switches a key off, or takes it out of the files, wants nothing of it to work.
#[test]
fn what_is_switched_off_or_taken_out_during_an_overlap_stops_with_all_its_generations_at_once() {
    let overlapping = || {
        let mut world = superseded();
        world.record("two").since = ago(DAY);
        world
    };
    type Edit = fn(&mut World);
    let edits: [Edit; 2] =
        [|w| w.undeclare("key.production.a"), |w| w.desired("key.production.a").enabled = false];
    for edit in edits {
        let mut world = overlapping();
        assert!(world.plan().is_empty());
        edit(&mut world);
        let plan = world.plan();
        assert_eq!(world.told(), ["disable key.production.a"; 2]);
        let generations: Vec<_> = plan.actions.iter().map(|action| action.generation).collect();
        assert_eq!(generations, [Some(1), Some(2)]);
        assert!(plan.actions.iter().all(|action| action.secret == SecretEffect::StopsWorking));
        // Protected, neither does; by name both do.
        for id in ["one", "two"] {
            world.record(id).protected = true;
        }
        if world.desired.keys.contains_key(&address("key.production.a")) {
            world.desired("key.production.a").protected = true;
        }
        assert_eq!(world.told(), ["blocked:disable:protected key.production.a"; 2]);
        world.allow.addresses.insert(address("key.production.a"));
        assert_eq!(world.told(), ["disable key.production.a"; 2]);
    }
}

#[test]
fn of_two_that_are_switched_off_the_last_ingest_key_of_an_environment_is_the_newest() {
    let mut world = World::empty();
    world.sync_environment("production", "Production");
    world.sync(ingest("key.production.a"), "one");
    world.sync(ingest("key.production.a"), "two");
    (world.record("two").generation, world.record("two").since) = (2, ago(DAY));
    world.desired("key.production.a").enabled = false;
    assert_eq!(world.told(), ["disable key.production.a", "blocked:disable:last_ingest key.production.a"]);
    assert_eq!(world.plan().actions[0].generation, Some(1));
}

#[test]
fn a_superseded_generation_that_is_gone_before_its_time_is_said_and_changes_nothing() {
    let mut world = superseded();
    world.delete_live("one");
    assert!(world.plan().is_empty());
    assert_eq!(world.findings(FindingKind::Missing)[0].severity, Severity::Warning);
    world.record("one").state = KeyState::Disabled;
    assert!(world.plan().is_empty() && world.plan().findings.is_empty());
}

#[test]
fn a_generation_that_is_gone_while_an_older_one_serves_gets_a_successor_beside_that() {
    let mut world = superseded();
    world.delete_live("two");
    world.desired.policy.on_missing = OnMissing::Recreate;
    let action = world.only();
    assert_eq!((action.verb, action.generation), (Verb::Create, Some(3)));
    let Step::MintKey(mint) = action.step else { panic!() };
    assert_eq!(mint.succeeds[0].id, key_id("one"));
    // One that keycomb disabled is on its way out and no obstacle.
    world.record("one").state = KeyState::Disabled;
    world.live("one").disabled = true;
    assert_eq!((world.only().verb, world.only().generation), (Verb::Create, Some(3)));
}
