//! A key that the files put into another environment: the successor there first, and the old key for the overlap.

use keycomb::model::*;
use keycomb::plan::{Adopt, FindingKind, LifeStage, Predecessor, ReasonCode, Severity, Step, Verb, lives};

use super::builders::*;

const OLD: &str = "key.production.a";
const NEW: &str = "key.staging.a";

/// `key.production.a`, and a second environment.
fn before() -> World {
    let mut world = World::production();
    world.sync_environment("staging", "Staging");
    world.sync(configuration(OLD), "one");
    world
}

/// The files have put it into the other environment.
fn moved() -> World {
    let mut world = before();
    world.undeclare(OLD);
    world.declare(configuration(NEW));
    world
}

/// The same, applied so many days ago: what took its place works, and is proven.
fn applied(days: i64) -> World {
    let mut world = moved();
    made(&mut world, "two", days);
    world
}

fn made(world: &mut World, id: &str, days: i64) {
    let key = world.desired(NEW).clone();
    let times = Some(ago(days * DAY));
    world.live.keys.push(LiveKey { created: times, updated: times, ..live_of(&key, id) });
    world.sealed().keys.push(SealedKey {
        in_place_of: vec![key_id("one")],
        created: ago(days * DAY),
        since: ago(days * DAY),
        proof: Some(KeyProof::Accepted),
        ..record_of(&key, id)
    });
}

fn old(until: i64) -> Predecessor {
    Predecessor { address: address(OLD), id: key_id("one"), generation: 1, until: Some(ago(-until * DAY)) }
}

#[test]
fn a_key_in_another_environment_is_replaced_and_the_one_it_had_is_left_alone() {
    let action = moved().only();
    assert_eq!((action.verb, action.reason.code), (Verb::Replace, ReasonCode::Changed));
    assert_eq!((action.address.to_string().as_str(), action.generation), (NEW, Some(1)));
    let change = &action.changes[0];
    assert_eq!((change.field, change.before.as_deref()), ("environment", Some("Production")));
    assert_eq!(change.after.as_deref(), Some("Staging"));
    assert!(action.reason.text.contains("works until 2026-11-28T12:00:00Z"), "{}", action.reason.text);
    let Step::MintKey(mint) = action.step else { panic!("{:?}", action.step) };
    assert_eq!(mint.succeeds, [old(7)]);
    // For as long as its own rotation says.
    let mut world = moved();
    let overlap = Rotation { every: Period::days(90), overlap: Period::days(3), window: None };
    world.desired(NEW).rotate = Some(overlap);
    let Step::MintKey(mint) = world.only().step else { panic!() };
    assert_eq!(mint.succeeds, [old(3)]);
}

#[test]
fn the_old_key_works_for_the_overlap_is_disabled_then_deleted_each_in_a_plan_of_its_own() {
    assert_eq!(applied(6).told(), [""; 0]);
    let findings = applied(6).findings(FindingKind::Rotation);
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert!(finding.text.contains("works until 2026-11-22T12:00:00Z"), "{}", finding.text);
    assert_eq!(finding.address, Some(address(OLD)));

    let action = applied(7).only();
    assert_eq!((action.verb, action.reason.code), (Verb::Disable, ReasonCode::Superseded));
    assert_eq!(action.address, address(OLD));
    assert_eq!(action.step, Step::RetireKey { id: key_id("one"), successor: Some(key_id("two")) });

    let mut world = applied(21);
    (world.record("one").state, world.record("one").since) = (KeyState::Disabled, ago(13 * DAY));
    world.live("one").disabled = true;
    assert_eq!(world.told(), [""; 0]);
    world.record("one").since = ago(14 * DAY);
    assert_eq!(world.told(), ["delete key.production.a"]);
}

#[test]
fn one_environment_of_several_that_is_taken_out_has_no_successor_however_young_the_others_are() {
    let mut world = before();
    world.sync(configuration(NEW), "two");
    for id in ["one", "two"] {
        (world.record(id).created, world.record(id).since) = (ago(HOUR), ago(HOUR));
    }
    assert!(world.plan().is_empty());
    world.undeclare(OLD);
    let action = world.only();
    assert_eq!((action.verb, action.reason.code), (Verb::Disable, ReasonCode::Undeclared));
    // Out of one and into a third is a replacement again.
    world.sync_environment("test", "Test");
    world.declare(configuration("key.test.a"));
    assert_eq!(world.told(), ["replace key.test.a"]);
}

#[test]
fn of_several_new_ones_the_first_takes_its_place() {
    let mut world = moved();
    world.sync_environment("test", "Test");
    world.declare(configuration("key.test.a"));
    assert_eq!(world.told(), ["replace key.staging.a", "create key.test.a"]);
    // Of several old ones it takes all their places.
    let mut world = moved();
    world.sync_environment("test", "Test");
    world.sync(configuration("key.test.a"), "three");
    world.undeclare("key.test.a");
    let Step::MintKey(mint) = world.only().step else { panic!() };
    let ids: Vec<_> = mint.succeeds.iter().map(|old| old.id.as_str()).collect();
    assert_eq!(ids, ["hcxik_one", "hcxik_three"]);
}

#[test]
fn what_was_deleted_long_ago_is_nothing_and_what_is_there_takes_no_place() {
    let mut world = moved();
    let was = record_of(world.desired(NEW), "gone");
    world.sealed().keys.push(SealedKey { state: KeyState::Deleted, ..was });
    assert_eq!((world.only().verb, world.only().generation), (Verb::Replace, Some(2)));
    // It was off already: nobody can be using it.
    let mut world = moved();
    (world.record("one").state, world.live("one").disabled) = (KeyState::Disabled, true);
    world.record("one").since = ago(DAY);
    assert_eq!(world.told(), ["create key.staging.a"]);
}

#[test]
fn an_older_generation_in_quarantine_goes_whether_the_successor_is_there_or_not() {
    for mut world in [moved(), applied(2)] {
        let key = configuration(OLD);
        let zero = SealedKey { state: KeyState::Disabled, ..record_of(&key, "zero") };
        world.live.keys.push(LiveKey { disabled: true, ..live_of(&key, "zero") });
        world.record("one").generation = 2;
        world.sealed().keys.push(zero);
        assert!(world.told().contains(&"delete key.production.a".to_owned()), "{:?}", world.told());
    }
}

#[test]
fn the_old_key_stays_while_the_one_in_its_place_does_not_work() {
    let mut off = applied(20);
    off.live("two").disabled = true;
    assert_eq!(off.told(), ["enable key.staging.a"]);
    assert!(off.findings(FindingKind::Rotation)[0].text.contains("does not work"));
    let mut gone = applied(20);
    gone.delete_live("two");
    assert_eq!(gone.only_blocked(), (Verb::Create, "missing", false));
    gone.desired.policy.on_missing = OnMissing::Recreate;
    let Step::MintKey(mint) = gone.only().step else { panic!() };
    assert_eq!(mint.succeeds, [old(7)], "its overlap begins with what works");
    // What can be made of it is not there to be made yet.
    let mut blocked = moved();
    blocked.live.keys.push(live_of(&configuration(NEW), "strange"));
    assert_eq!(blocked.told(), ["blocked:adopt:exists key.staging.a"]);
}

#[test]
fn one_that_was_cut_off_is_released_beside_the_old_key() {
    let mut world = moved();
    made(&mut world, "two", 0);
    let key = world.desired(NEW).clone();
    world.delete_live("two");
    world.live.keys.push(provisional(&key, "two", LINEAGE, '2', MINUTE));
    (world.record("two").state, world.record("two").created) = (KeyState::Provisional, ago(MINUTE));
    let action = world.only();
    let step = Step::ReleaseKey { id: key_id("two"), enabled: true, succeeds: vec![old(7)] };
    assert_eq!((action.verb, action.step), (Verb::Release, step));
}

#[test]
fn rotated_meanwhile_the_old_key_goes_when_it_would_have_gone() {
    let mut world = applied(3);
    world.ask.rotate.insert(address(NEW));
    let Step::MintKey(mint) = world.only().step else { panic!() };
    let ids: Vec<_> = mint.succeeds.iter().map(|old| (old.id.as_str(), old.until)).collect();
    assert_eq!(ids, [("hcxik_two", Some(ago(-7 * DAY))), ("hcxik_one", Some(ago(-4 * DAY)))]);
    world.ask.rotate.clear();
    made(&mut world, "three", 0);
    world.record("three").generation = 2;
    world.live.now = ago(-4 * DAY);
    assert_eq!(world.told(), ["disable key.production.a"]);
}

#[test]
fn switched_off_or_taken_out_nothing_of_it_goes_on() {
    let mut off = applied(2);
    off.desired(NEW).enabled = false;
    assert_eq!(off.told(), ["disable key.production.a", "disable key.staging.a"]);
    let mut out = applied(2);
    out.undeclare(NEW);
    assert_eq!(out.told(), ["disable key.production.a", "disable key.staging.a"]);
    // Put back, the old key goes on, and the younger one is not needed.
    let mut back = applied(2);
    back.undeclare(NEW);
    back.declare(configuration(OLD));
    assert_eq!(back.told(), ["disable key.staging.a"]);
}

#[test]
fn such_replacements_count_and_what_follows_from_them_does_not() {
    let mut world = before();
    world.desired.policy.disable = Limit { count: Some(0), percent: None };
    for n in 0..11 {
        world.sync(ingest(&format!("key.production.k{n}")), &format!("k{n}"));
    }
    for n in 0..11 {
        world.undeclare(&format!("key.production.k{n}"));
        world.declare(ingest(&format!("key.staging.k{n}")));
    }
    assert_eq!(world.plan().summary.guarded, 11);
    assert!(world.plan().actions.iter().all(|action| action.verb == Verb::Blocked));
    world.allow.replace = Some(11);
    assert_eq!(world.plan().summary.changes, 11);
    let mut world = applied(7);
    world.desired.policy.disable = Limit { count: Some(0), percent: None };
    assert_eq!(world.told(), ["disable key.production.a"]);
}

#[test]
fn one_that_takes_the_place_of_many_counts_as_often() {
    let mut world = before();
    world.undeclare(OLD);
    for label in ["b", "c", "d"] {
        world.sync_environment(label, label);
        world.sync(configuration(&format!("key.{label}.a")), label);
        world.undeclare(&format!("key.{label}.a"));
    }
    // What is off already is in nobody's use.
    (world.record("d").state, world.live("d").disabled) = (KeyState::Disabled, true);
    world.record("d").since = ago(DAY);
    world.declare(configuration(NEW));
    world.desired.policy.replace = Limit { count: Some(2), percent: None };
    assert_eq!(world.only_blocked(), (Verb::Replace, "guard_replace", true));
    let help = world.only().blocked.unwrap().help;
    assert!(help.contains("--allow replace=3"), "{help}");
    world.allow.replace = Some(1);
    assert_eq!(world.only_blocked().1, "guard_replace");
    world.allow.replace = Some(3);
    assert_eq!(world.told(), ["replace key.staging.a"]);
}

#[test]
fn protection_goes_with_the_key_and_is_not_lifted_on_the_way() {
    let mut world = applied(7);
    world.record("one").protected = true;
    assert_eq!(world.only_blocked(), (Verb::Disable, "protected", true));
    world.record("two").protected = true;
    world.desired(NEW).protected = true;
    assert_eq!(world.told(), ["disable key.production.a"]);
    // What is protected stops only for what was seen to work; what was refused stops nothing.
    world.record("two").proof = None;
    assert_eq!(world.only_blocked(), (Verb::Disable, "unproven", true));
    let mut refused = applied(7);
    refused.record("two").proof = Some(KeyProof::Refused);
    assert!(refused.told().contains(&"blocked:disable:unproven key.production.a".to_owned()));
    refused.allow.addresses.insert(address(OLD));
    assert_eq!(refused.told(), ["disable key.production.a"]);
}

#[test]
fn its_life_says_when_it_stops_and_past_that_it_is_graver_the_longer_it_lasts() {
    let world = applied(2);
    let input = world.input();
    let life = lives(&input).into_iter().find(|life| life.id() == Some(&key_id("one"))).unwrap();
    assert_eq!((life.stage, life.next.unwrap().at), (LifeStage::Overlap, Some(ago(-5 * DAY))));
    for (days, severity) in [(8, Severity::Note), (14, Severity::Warning), (37, Severity::High)] {
        let found = applied(days).findings(FindingKind::Rotation);
        assert_eq!(found[0].severity, severity, "{days}: {found:?}");
    }
}

const RENAMED: &str = "key.staging.b";

/// The files have renamed what is declared at [`NEW`].
fn rename(world: &mut World) {
    world.undeclare(NEW);
    let name = "a".to_owned();
    world.declare(DesiredKey { moved_from: Some(address(NEW)), name, ..configuration(RENAMED) });
}

#[test]
fn a_successor_whose_table_is_renamed_within_the_overlap_is_the_successor_still() {
    let mut world = applied(3);
    rename(&mut world);
    assert_eq!(world.told(), ["move key.staging.b"]);
    let finding = world.findings(FindingKind::Rotation).remove(0);
    assert!(
        finding.text.contains("`key.staging.b` has taken its place; it works until 2026-11-25"),
        "{finding:?}"
    );
    world.record("two").address = address(RENAMED);
    world.record("two").moved_from = vec![address(NEW)];
    assert_eq!(world.told(), [""; 0]);
    // Also when nothing says any more where it was.
    world.desired(RENAMED).moved_from = None;
    assert_eq!(world.told(), [""; 0]);
    let until =
        lives(&world.input()).into_iter().find(|life| life.id() == Some(&key_id("one"))).unwrap().next;
    assert_eq!(until.unwrap().at, Some(ago(-4 * DAY)));
    world.live.now = ago(-4 * DAY);
    assert_eq!(world.only().reason.code, ReasonCode::Superseded);
    // And a further one takes both their places.
    world.live.now = now();
    world.ask.rotate.insert(address(RENAMED));
    let Step::MintKey(mint) = world.only().step else { panic!() };
    let ids: Vec<_> = mint.succeeds.iter().map(|old| old.id.as_str()).collect();
    assert_eq!(ids, ["hcxik_two", "hcxik_one"]);
}

#[test]
fn renamed_and_put_into_another_environment_in_one_edit_it_is_replaced() {
    let mut world = before();
    world.undeclare(OLD);
    world.declare(DesiredKey { moved_from: Some(address(NEW)), ..configuration(RENAMED) });
    let action = world.only();
    assert_eq!((action.verb, action.address.clone()), (Verb::Replace, address(RENAMED)));
    let Step::MintKey(mint) = action.step else { panic!() };
    assert_eq!(mint.succeeds, [old(7)]);
    // What stays in the table comes first.
    world.sync_environment("test", "Test");
    world.declare(configuration("key.test.a"));
    assert_eq!(world.told(), ["create key.staging.b", "replace key.test.a"]);
}

#[test]
fn a_rename_that_is_not_said_holds_the_old_key_with_its_successor() {
    let mut world = applied(3);
    rename(&mut world);
    world.desired(RENAMED).moved_from = None;
    let told = world.told();
    let held = ["blocked:disable:moved key.production.a", "blocked:disable:moved key.staging.a"];
    assert!(held.iter().all(|held| told.iter().any(|line| line == held)), "{told:?}");
    assert!(told.iter().all(|line| line.starts_with("blocked:")), "{told:?}");
}

#[test]
fn what_was_adopted_where_the_files_put_a_key_takes_its_place_for_the_overlap_too() {
    let mut world = moved();
    world.live.keys.push(live_of(&configuration(NEW), "two"));
    world.ask.adopt.insert(address(NEW), Adopt { id: "hcxik_two".into(), secret: None });
    let action = world.only();
    let text = "it takes the place of `key.production.a`, which works until 2026-11-28T12:00:00Z at least";
    assert!(action.reason.text.contains(text), "{}", action.reason.text);
    let Step::Record(records) = action.step else { panic!() };
    world.ask.adopt.clear();
    records.into_iter().for_each(|record| world.sealed().take(record));
    assert_eq!(world.told(), [""; 0]);
    world.live.now = ago(-7 * DAY);
    assert_eq!(world.told(), ["disable key.production.a"]);
    // One that is adopted for itself takes nobody's.
    let mut world = before();
    world.declare(configuration(NEW));
    world.live.keys.push(live_of(&configuration(NEW), "two"));
    world.ask.adopt.insert(address(NEW), Adopt { id: "hcxik_two".into(), secret: None });
    let Step::Record(records) = world.only().step else { panic!() };
    assert!(matches!(&records[..], [Record::Key { key }] if key.in_place_of.is_empty()));
}

#[test]
fn what_follows_a_revoked_successor_that_is_gone_keeps_the_old_key_for_its_overlap() {
    let mut world = applied(3);
    made(&mut world, "three", 1);
    let revoked = Revoked { how: Revocation::Delete, at: ago(HOUR), reason: "leaked".into() };
    let state = KeyState::Deleted;
    let three = world.record("three");
    (three.generation, three.state, three.since) = (2, state, ago(HOUR));
    (three.revoked, three.in_place_of) = (Some(revoked), vec![]);
    world.delete_live("three");
    world.delete_live("two");
    let Step::MintKey(mint) = world.only().step else { panic!() };
    assert_eq!(mint.succeeds, [old(7)]);
}
