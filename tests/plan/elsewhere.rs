//! A key that the files put into another environment: the successor there first, and the old key for the overlap.

use keycomb::model::*;
use keycomb::plan::{FindingKind, LifeStage, Predecessor, ReasonCode, Severity, Step, Verb, lives};

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
