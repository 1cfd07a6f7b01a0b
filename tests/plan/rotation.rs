//! Successor first: when a key gets its next generation, and when the one before goes.

use keycomb::model::*;
use keycomb::plan::{FindingKind, Predecessor, ReasonCode, SecretEffect, Severity, Step, Undo, Verb, lives};

use super::builders::*;

const A: &str = "key.production.a";

fn rotate(every: u64, overlap: u64) -> Option<Rotation> {
    Some(Rotation { every: Period::days(every), overlap: Period::days(overlap), window: None })
}

/// `key.production.a`, made 30 days ago, rotated every 90 days.
fn young() -> World {
    let mut world = World::production();
    world.sync(DesiredKey { rotate: rotate(90, 7), ..configuration(A) }, "one");
    world
}

/// The same, and due.
fn due() -> World {
    let mut world = young();
    world.desired(A).rotate = rotate(30, 7);
    world
}

fn asked() -> World {
    let mut world = young();
    world.ask.rotate.insert(address(A));
    world
}

/// With a second generation, proven, that is live since so many days.
fn rotated(days: i64) -> World {
    let mut world = young();
    let key = world.desired(A).clone();
    world.sealed().keys.push(SealedKey {
        generation: 2,
        created: ago(days * DAY),
        since: ago(days * DAY),
        proof: Some(KeyProof::Accepted),
        ..record_of(&key, "two")
    });
    let times = Some(ago(days * DAY));
    world.live.keys.push(LiveKey { created: times, updated: times, ..live_of(&key, "two") });
    world
}

#[test]
fn a_due_key_gets_a_successor_and_nothing_is_done_to_it() {
    for (world, code) in [(due(), ReasonCode::RotationDue), (asked(), ReasonCode::Asked)] {
        let action = world.only();
        assert_eq!((action.verb, action.reason.code), (Verb::Rotate, code));
        assert_eq!((action.generation, action.id, action.undo), (Some(2), None, Undo::Reversible));
        assert_eq!(action.secret, SecretEffect::Issued { recipients: vec![ops()] });
        let Step::MintKey(mint) = action.step else { panic!("{:?}", action.step) };
        let [old] = mint.succeeds.as_slice() else { panic!("{:?}", mint.succeeds) };
        assert_eq!((&old.id, old.generation, old.until), (&key_id("one"), 1, Some(ago(-7 * DAY))));
    }
    assert!(young().plan().is_empty());
}

#[test]
fn only_what_is_asked_for_is_touched_where_that_is_asked_for() {
    let mut world = asked();
    world.declare(configuration("key.production.other"));
    assert_eq!(world.plan().actions.len(), 2);
    world.ask.only = Some(world.ask.rotate.clone());
    assert_eq!(world.only().verb, Verb::Rotate);
}

#[test]
fn the_old_key_works_for_the_overlap_is_disabled_then_deleted_and_each_is_a_plan_of_its_own() {
    assert!(rotated(6).plan().is_empty(), "{:?}", rotated(6).told());
    let action = rotated(7).only();
    assert_eq!((action.verb, action.reason.code), (Verb::Disable, ReasonCode::Superseded));
    assert_eq!((action.secret, action.undo), (SecretEffect::StopsWorking, Undo::Reversible));
    assert_eq!(action.step, Step::RetireKey { id: key_id("one"), successor: Some(key_id("two")) });

    let mut world = rotated(21);
    (world.record("one").state, world.record("one").since) = (KeyState::Disabled, ago(13 * DAY));
    world.live("one").disabled = true;
    assert!(world.plan().is_empty());
    world.record("one").since = ago(14 * DAY);
    let action = world.only();
    assert_eq!((action.verb, action.reason.code), (Verb::Delete, ReasonCode::QuarantineOver));
    assert_eq!(action.id.as_deref(), Some("hcxik_one"));
}

#[test]
fn without_a_rotate_both_work_for_a_week() {
    let mut world = rotated(6);
    world.desired(A).rotate = None;
    assert!(world.plan().is_empty());
    let mut world = rotated(7);
    world.desired(A).rotate = None;
    assert_eq!(world.only().verb, Verb::Disable);
}

#[test]
fn an_overlap_begins_anew_when_the_successor_was_changed() {
    let mut world = rotated(20);
    world.live("two").updated = Some(ago(6 * DAY));
    assert!(world.plan().is_empty(), "it may have been off until then");
    world.live("two").updated = Some(ago(7 * DAY));
    assert_eq!(world.only().verb, Verb::Disable);
}

#[test]
fn the_old_key_stays_while_its_successor_does_not_work_or_is_gone() {
    let mut off = rotated(20);
    off.live("two").disabled = true;
    assert_eq!(off.told(), ["enable key.production.a"]);
    let mut gone = rotated(20);
    gone.delete_live("two");
    assert_eq!(gone.only_blocked(), (Verb::Create, "missing", false));
    // What was taken for released and may not be.
    let mut unsettled = rotated(20);
    unsettled.record("two").state = KeyState::Releasing;
    assert_eq!(unsettled.told(), ["update key.production.a"]);
}

#[test]
fn the_old_key_does_not_stop_for_a_successor_that_was_refused() {
    let mut world = rotated(20);
    world.record("two").proof = Some(KeyProof::Refused);
    assert_eq!(world.only_blocked(), (Verb::Disable, "unproven", true));
    assert_eq!(world.findings(FindingKind::Rotation)[0].severity, Severity::High);
    world.allow.addresses.insert(address(A));
    assert_eq!(world.only().verb, Verb::Disable);

    // Where it could not be tried, the overlap is the proof; that is said while there is time.
    let mut world = rotated(6);
    world.record("two").proof = None;
    assert!(world.plan().is_empty());
    assert!(world.findings(FindingKind::Rotation)[0].text.contains("was not tried"));
    let mut world = rotated(7);
    world.record("two").proof = None;
    assert_eq!(world.only().verb, Verb::Disable);
}

const DISABLE: &[&str] = &["disable key.production.a"];

#[test]
fn protection_is_the_addresses_and_holds_no_predecessor_of_a_proven_successor() {
    for protect_files in [false, true] {
        let mut world = rotated(7);
        world.record("one").protected = true;
        world.record("two").protected = protect_files;
        world.desired(A).protected = protect_files;
        // To lift it is a change of its own, before the key stops.
        if !protect_files {
            assert_eq!(world.told(), ["update key.production.a"]);
            super::simulate::apply(&mut world, 1);
        }
        assert_eq!(world.told(), DISABLE, "{protect_files}");
        world.record("two").proof = None;
        let told = world.told();
        let expected = if protect_files { "blocked:disable:unproven key.production.a" } else { DISABLE[0] };
        assert_eq!(told, [expected]);
    }
    // Without its block it is neither disabled nor deleted, whatever its generation.
    let mut world = rotated(7);
    world.record("one").protected = true;
    world.record("two").protected = true;
    world.undeclare(A);
    assert_eq!(world.told(), ["blocked:disable:protected key.production.a"; 2]);
}

#[test]
fn a_protected_key_is_rotated() {
    let mut world = due();
    world.desired(A).protected = true;
    world.record("one").protected = true;
    assert_eq!(world.only().verb, Verb::Rotate);
}

#[test]
fn an_adopted_key_is_rotated_though_nobody_holds_its_secret() {
    let mut world = asked();
    let record = world.record("one");
    (record.sealed, record.secret, record.recipients) = (None, Some(NoSecret::Unavailable), vec![]);
    assert_eq!(world.only().verb, Verb::Rotate);
}

#[test]
fn a_key_that_is_switched_off_gets_no_new_secret() {
    let mut world = due();
    world.desired(A).enabled = false;
    assert_eq!(world.told(), ["disable key.production.a"]);
    (world.live("one").disabled, world.record("one").applied.enabled) = (true, false);
    assert!(world.plan().is_empty());
    world.ask.rotate.insert(address(A));
    assert_eq!(world.only_blocked(), (Verb::Rotate, "disabled", false));
    // Nor is it replaced before somebody wants it; that is said.
    world.ask.rotate.clear();
    world.desired(A).key_type = KeyType::Ingest;
    assert!(world.plan().is_empty());
    assert!(world.findings(FindingKind::Rotation)[0].text.contains("type"));
    world.desired(A).enabled = true;
    assert_eq!(world.only().verb, Verb::Replace);
}

#[test]
fn no_third_generation_is_made_while_two_work() {
    let mut world = rotated(3);
    world.ask.rotate.insert(address(A));
    assert_eq!(world.only_blocked(), (Verb::Rotate, "rotating", false));
    let help = world.only().blocked.unwrap().help;
    assert!(help.contains("2026-11-25T12:00:00Z"), "{help}");
    // From its quarantine the first is in nobody's way.
    world.record("one").state = KeyState::Disabled;
    world.live("one").disabled = true;
    assert_eq!((world.only().verb, world.only().generation), (Verb::Rotate, Some(3)));
}

#[test]
fn declared_again_as_the_predecessor_is_the_key_gets_a_third_generation_after_that_is_off() {
    let mut world = World::production();
    world.sync(ingest("key.production.b"), "one");
    let without = DesiredKey { permissions: [].into(), ..ingest("key.production.b") };
    world.sealed().keys.push(SealedKey {
        generation: 2,
        since: ago(7 * DAY),
        proof: Some(KeyProof::Accepted),
        ..record_of(&without, "two")
    });
    world.live.keys.push(live_of(&without, "two"));
    assert_eq!(
        world.told(),
        ["disable key.production.b", "blocked:replace:rotating key.production.b"],
        "the two never wait for each other"
    );
    world.record("one").state = KeyState::Disabled;
    world.live("one").disabled = true;
    assert_eq!((world.only().verb, world.only().generation), (Verb::Replace, Some(3)));
}

#[test]
fn a_successor_that_was_cut_off_is_released_beside_the_old_key_and_never_doubled() {
    let mut world = due();
    let key = world.desired(A).clone();
    let entry = SealedKey {
        generation: 2,
        state: KeyState::Provisional,
        created: ago(MINUTE),
        ..record_of(&key, "two")
    };
    world.sealed().keys.push(entry);
    world.live.keys.push(provisional(&key, "two", LINEAGE, '2', MINUTE));
    let until = Some(ago(-7 * DAY));
    let old = Predecessor { address: address(A), id: key_id("one"), generation: 1, until };
    let step = Step::ReleaseKey { id: key_id("two"), enabled: true, succeeds: vec![old] };
    assert_eq!((world.only().verb, world.only().step), (Verb::Release, step));
    // Its release was begun, and may arrive yet.
    world.record("two").state = KeyState::Releasing;
    world.record("two").created = ago(30 * MINUTE);
    assert_eq!(world.only_blocked(), (Verb::Rotate, "busy", false));
    // Too old: it goes, and another is made.
    world.record("two").created = ago(2 * HOUR);
    world.live("two").created = Some(ago(2 * HOUR));
    world.live("two").updated = Some(ago(2 * HOUR));
    assert_eq!(world.told(), ["discard key.production.a", "rotate key.production.a"]);
    assert_eq!(world.plan().actions[1].generation, Some(3));
}

/// A second generation that was released an hour too late.
fn late() -> World {
    let mut world = rotated(1);
    (world.record("two").state, world.record("two").proof) = (KeyState::Releasing, None);
    world.live("two").updated = Some(ago(DAY - HOUR));
    world
}

#[test]
fn a_successor_that_is_late_is_passed_over_and_retired_and_the_old_key_stays() {
    let world = late();
    let action = world.only();
    assert_eq!((action.verb, action.id.as_deref()), (Verb::Disable, Some("hcxik_two")));
    assert!(action.reason.text.contains("too late"), "{}", action.reason.text);
    // Off, it never stands for its address again.
    let mut off = late();
    (off.record("two").state, off.record("two").since) = (KeyState::Disabled, ago(0));
    off.live("two").disabled = true;
    assert!(off.plan().is_empty(), "{:?}", off.told());

    let mut still_due = late();
    still_due.desired(A).rotate = rotate(30, 7);
    assert_eq!(still_due.only().generation, Some(3));
}

#[test]
fn after_two_late_successors_a_person_decides() {
    let mut world = late();
    world.desired(A).rotate = rotate(30, 7);
    let (mut record, mut live) = (world.record("two").clone(), world.live("two").clone());
    (record.id, record.generation, live.id) = (key_id("three"), 3, key_id("three"));
    world.sealed().keys.push(record);
    world.live.keys.push(live);
    let told = world.told();
    assert!(told.contains(&"blocked:rotate:late key.production.a".to_owned()), "{told:?}");
    world.allow.addresses.insert(address(A));
    assert_eq!((world.only().verb, world.only().generation), (Verb::Rotate, Some(4)));
}

#[test]
fn drift_of_a_superseded_generation_is_said_and_not_undone() {
    let mut world = rotated(3);
    world.live("one").name = "renamed".into();
    assert!(world.plan().is_empty());
    assert_eq!(world.findings(FindingKind::Drift).len(), 1);
    // Switched off by hand it only begins its quarantine.
    world.live("one").disabled = true;
    let action = world.only();
    assert_eq!((action.verb, action.secret), (Verb::Disable, SecretEffect::None));
    assert_eq!(action.step, Step::RetireKey { id: key_id("one"), successor: None });
    // Enabled again out of its quarantine, it is disabled again.
    let mut world = rotated(20);
    (world.record("one").state, world.record("one").since) = (KeyState::Disabled, ago(30 * DAY));
    assert_eq!((world.only().verb, world.only().reason.code), (Verb::Disable, ReasonCode::Drifted));
}

#[test]
fn two_that_work_past_their_overlap_are_graver_the_longer_it_lasts() {
    assert!(rotated(7).findings(FindingKind::Rotation).is_empty());
    for (days, severity) in [(8, Severity::Note), (14, Severity::Warning), (37, Severity::High)] {
        let mut world = rotated(days);
        // Whatever puts the step off.
        world.live("two").updated = Some(ago(0));
        assert!(world.plan().is_empty());
        assert_eq!(world.findings(FindingKind::Rotation)[0].severity, severity, "{days}");
    }
}

#[test]
fn the_number_of_rotations_is_no_matter_of_a_guard_but_that_of_replacements_is() {
    let mut world = World::production();
    let none = Limit { count: Some(0), percent: None };
    (world.desired.policy.disable, world.desired.policy.delete) = (none, none);
    for n in 0..20 {
        let at = format!("key.production.k{n}");
        world.sync(DesiredKey { rotate: rotate(30, 7), ..ingest(&at) }, &format!("k{n}"));
    }
    assert_eq!(world.plan().summary.changes, 20);
    let ended = {
        let mut world = rotated(7);
        (world.desired.policy.disable, world.desired.policy.delete) = (none, none);
        world
    };
    assert_eq!(ended.only().verb, Verb::Disable);
    world.desired.keys.values_mut().for_each(|key| key.rotate = None);
    for n in 0..11 {
        world.desired(&format!("key.production.k{n}")).permissions.clear();
    }
    assert_eq!(world.plan().summary.guarded, 11);
    world.allow.replace = Some(11);
    assert_eq!(world.plan().summary.changes, 11);
}

/// "Now" is a Saturday, 12:00 UTC.
fn in_hours(world: &mut World, hours: &str) {
    world.desired(A).rotate.as_mut().unwrap().window = Some(hours.parse().unwrap());
}

#[test]
fn outside_of_its_window_a_due_rotation_waits_and_the_plan_says_until_when() {
    let mut world = due();
    in_hours(&mut world, "Mon-Fri 09:00-16:00 Europe/Berlin");
    assert!(world.plan().is_empty());
    let findings = world.findings(FindingKind::Rotation);
    assert!(findings[0].text.contains("until 2026-11-23T08:00:00Z"), "{}", findings[0].text);
    assert_eq!(lives(&world.input())[0].next.unwrap().at, Some("2026-11-23T08:00:00Z".parse().unwrap()));
    // Inside, or by name, it goes on.
    world.ask.rotate.insert(address(A));
    assert_eq!(world.only().verb, Verb::Rotate);
    world.ask.rotate.clear();
    in_hours(&mut world, "Sat 10:00-13:00 UTC");
    assert_eq!(world.only().verb, Verb::Rotate);
    assert!(world.findings(FindingKind::Rotation).is_empty());
}

#[test]
fn the_old_key_is_disabled_within_the_window_too() {
    let mut world = rotated(8);
    in_hours(&mut world, "Mon-Fri 09:00-16:00 Europe/Berlin");
    assert!(world.plan().is_empty());
    let findings = world.findings(FindingKind::Rotation);
    assert!(findings.iter().any(|f| f.text.contains("until 2026-11-23T08:00:00Z")), "{findings:?}");
    in_hours(&mut world, "Sat 10:00-13:00 UTC");
    assert_eq!(world.only().verb, Verb::Disable);
    // What is to stop by the files stops at any time.
    in_hours(&mut world, "Mon-Fri 09:00-16:00 Europe/Berlin");
    world.desired(A).enabled = false;
    assert_eq!(world.told(), ["disable key.production.a"; 2]);
}

#[test]
fn no_window_puts_a_rotation_off_for_more_than_a_week() {
    let night = "Sun 03:00-03:01 UTC";
    for (days, verb) in [(24, None), (23, Some(Verb::Rotate))] {
        let mut world = young();
        world.desired(A).rotate = rotate(days, 7);
        in_hours(&mut world, night);
        assert_eq!(world.plan().actions.first().map(|action| action.verb), verb, "{days}");
    }
    let mut world = rotated(14);
    in_hours(&mut world, night);
    assert_eq!(world.only().verb, Verb::Disable);
}

/// Another checkout rotated it and switched the old one off; this one has an older copy of the record.
#[test]
fn what_another_checkout_rotated_away_is_not_enabled_again() {
    let mut world = World::production();
    world.sync(configuration("key.production.a"), "a");
    world.live("a").disabled = true;
    assert_eq!(world.told(), ["enable key.production.a"], "nobody has taken its place");
    world.live.keys.push(live_of(&configuration("key.production.a"), "successor"));
    assert_eq!(world.told(), ["blocked:enable:exists key.production.a"]);
}

/// It holds for the address, and an older generation is what it is about.
#[test]
fn protection_that_is_lifted_and_a_changed_quarantine_reach_every_generation_before_they_matter() {
    let mut world = rotated(8);
    for id in ["one", "two"] {
        world.record(id).protected = true;
    }
    world.record("two").protected = false;
    world.desired(A).quarantine = Period::days(3);
    world.record("two").quarantine = Period::days(3);
    let action = world.only();
    assert_eq!(
        (action.verb, action.id.as_deref()),
        (Verb::Update, Some("hcxik_two")),
        "the older one stays so far"
    );
    let changes: Vec<_> =
        action.changes.iter().map(|c| (c.field, c.before.as_deref(), c.after.as_deref())).collect();
    assert_eq!(
        changes,
        [("protected", Some("true"), Some("false")), ("quarantine", Some("14d"), Some("3d"))]
    );
    super::simulate::apply(&mut world, 1);
    let one = world.record("one").clone();
    assert_eq!((one.protected, one.quarantine), (false, Period::days(3)));
    assert_eq!(world.told(), ["disable key.production.a"]);
    // In quarantine too; what is deleted, or was never released, is left as it is.
    for (state, is_told) in
        [(KeyState::Disabled, true), (KeyState::Deleted, false), (KeyState::Dropping, false)]
    {
        let mut world = rotated(8);
        (world.record("one").state, world.record("one").since) = (state, ago(0));
        world.live("one").disabled = true;
        world.record("one").quarantine = Period::days(99);
        let told = world.told();
        assert_eq!(told.contains(&"update key.production.a".to_owned()), is_told, "{state:?} {told:?}");
    }
}

#[test]
fn asked_for_a_rotation_of_what_was_only_staged_the_plan_says_that_it_was_not_rotated() {
    let mut world = due();
    let key = world.desired(A).clone();
    let entry = SealedKey {
        generation: 2,
        state: KeyState::Provisional,
        created: ago(MINUTE),
        ..record_of(&key, "two")
    };
    world.sealed().keys.push(entry);
    world.live.keys.push(provisional(&key, "two", LINEAGE, '2', MINUTE));
    assert!(!world.only().reason.text.contains("not rotated"));
    world.ask.rotate.insert(address(A));
    let action = world.only();
    assert_eq!(action.verb, Verb::Release);
    assert!(action.reason.text.starts_with("not rotated: "), "{}", action.reason.text);
}
