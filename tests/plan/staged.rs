//! Staged keys: released only with the very entry that they wait for, and in time.

use keycomb::model::*;
use keycomb::plan::{FindingKind, ReasonCode, SecretEffect, Step, Verb};

use super::builders::*;

const A: &str = "key.production.a";

fn wanted() -> DesiredKey {
    configuration(A)
}

/// The entry of a key of that address that was staged so many seconds ago.
fn entry(id: &str, age: i64) -> SealedKey {
    let (created, since) = (ago(age), ago(age));
    SealedKey { state: KeyState::Staged, created, since, ..record_of(&wanted(), id) }
}

/// The key that waits for an entry.
fn waiting(entry: &SealedKey, id: &str, of: char) -> LiveKey {
    let lineage = Lineage::new(LINEAGE).unwrap();
    let mark = Provisional::new(&lineage, &entry.address, nonce(of)).staged(entry.digest(&lineage));
    LiveKey {
        name: mark.name(),
        disabled: true,
        created: Some(entry.created),
        updated: Some(entry.created),
        ..live_of(&wanted(), id)
    }
}

/// `key.production.a` is declared, and was staged so many seconds ago; its entry is in this checkout.
fn staged(age: i64) -> World {
    let mut world = dropped(age);
    world.sealed().keys.push(entry("a", age));
    world
}

/// The same, and its entry is not here.
fn dropped(age: i64) -> World {
    let mut world = World::production();
    world.declare(wanted());
    world.live.keys.push(waiting(&entry("a", age), "a", '1'));
    world
}

fn name_it(world: &mut World) {
    world.allow.addresses.insert(address(A));
}

#[test]
fn a_staged_key_is_released_where_its_entry_is_until_its_deadline() {
    for age in [MINUTE, HOUR, 7 * DAY - 1] {
        let action = staged(age).only();
        assert_eq!((action.verb, action.reason.code), (Verb::Release, ReasonCode::Staged));
        assert_eq!(action.step, Step::ReleaseKey { id: key_id("a"), enabled: true, succeeds: vec![] });
        assert_eq!((action.secret, action.name.as_str()), (SecretEffect::StartsWorking, "a"));
    }
    // The digest reached the service, and the record of that was lost.
    let mut world = staged(HOUR);
    world.record("a").state = KeyState::Provisional;
    assert_eq!(world.only().reason.code, ReasonCode::Staged);
}

#[test]
fn past_its_deadline_a_staged_key_keeps_its_address_until_its_grace_is_over() {
    for (age, told) in [
        (7 * DAY, &["blocked:create:busy key.production.a"][..]),
        (8 * DAY - 1, &["blocked:create:busy key.production.a"]),
        (8 * DAY, DISCARD_AND_CREATE),
    ] {
        assert_eq!(staged(age).told(), told, "after {age} s");
    }
}

#[test]
fn an_altered_entry_is_never_released() {
    type Edit = fn(&mut SealedKey);
    let edits: [Edit; 5] = [
        |e| e.sealed = Some("armos".into()),
        |e| e.recipients.clear(),
        |e| e.name = "b".into(),
        |e| e.created = ago(20 * DAY),
        |e| e.generation = 7,
    ];
    for edit in edits {
        for (age, told) in [
            (MINUTE, &["blocked:release:altered key.production.a"][..]),
            (8 * DAY - 1, &["blocked:release:altered key.production.a"]),
            (8 * DAY, DISCARD_AND_CREATE),
        ] {
            let mut world = staged(age);
            edit(world.record("a"));
            assert_eq!(world.told(), told, "after {age} s");
        }
        let mut world = staged(MINUTE);
        edit(world.record("a"));
        let blocked = world.only().blocked.unwrap();
        assert!(blocked.help.contains("--allow key.production.a"), "{}", blocked.help);
        name_it(&mut world);
        assert_eq!(world.told(), DISCARD_AND_CREATE);
    }
}

#[test]
fn a_name_that_is_not_exactly_the_one_it_waits_under_is_not_released() {
    let plain = Provisional::new(&Lineage::new(LINEAGE).unwrap(), &address(A), nonce('1')).name();
    let other = waiting(&SealedKey { generation: 2, ..entry("a", HOUR) }, "a", '1').name;
    let other_address =
        waiting(&SealedKey { address: address("key.production.b"), ..entry("a", HOUR) }, "a", '1').name;
    for name in [plain, other, other_address, "renamed".into()] {
        let mut world = staged(HOUR);
        world.live("a").name = name;
        assert_eq!(world.told(), ["blocked:release:altered key.production.a"]);
    }
}

#[test]
fn a_dropped_entry_keeps_the_address_busy_for_the_grace() {
    for (age, told) in [
        (MINUTE, &["blocked:create:busy key.production.a"][..]),
        // Of another key it would be a leftover by then.
        (HOUR, &["blocked:create:busy key.production.a"]),
        (8 * DAY - 1, &["blocked:create:busy key.production.a"]),
        (8 * DAY, DISCARD_AND_CREATE),
    ] {
        assert_eq!(dropped(age).told(), told, "after {age} s");
    }
    let blocked = dropped(HOUR).only().blocked.unwrap();
    assert!(blocked.text.contains("not in this checkout") && blocked.help.contains("--allow"), "{blocked:?}");
}

#[test]
fn a_try_that_this_record_knows_says_nothing_of_a_staged_key() {
    let mut world = dropped(HOUR);
    world.sealed().intents.push(intent(A, '1'));
    assert_eq!(world.only_blocked(), (Verb::Create, "busy", false));
}

#[test]
fn a_dropped_entrys_key_goes_at_once_when_its_address_is_named() {
    let mut world = dropped(MINUTE);
    name_it(&mut world);
    assert_eq!(world.told(), DISCARD_AND_CREATE);
    // Naming a key that can be released does not give it up.
    let mut world = staged(MINUTE);
    name_it(&mut world);
    assert_eq!(world.told(), ["release key.production.a"]);
    // Nor does it lift the hour of a key that nobody staged.
    let mut world = World::production();
    world.declare(wanted());
    world.live.keys.push(provisional(&wanted(), "theirs", LINEAGE, '1', MINUTE));
    name_it(&mut world);
    assert_eq!(world.only_blocked(), (Verb::Create, "busy", false));
}

#[test]
fn a_change_by_anybody_begins_the_wait_of_a_leftover_anew() {
    for is_dropped in [true, false] {
        let mut world = if is_dropped { dropped(30 * DAY) } else { staged(30 * DAY) };
        world.live("a").updated = Some(ago(8 * DAY - 1));
        assert_eq!(world.only_blocked(), (Verb::Create, "busy", false));
        world.live("a").updated = Some(ago(8 * DAY));
        assert_eq!(world.told(), DISCARD_AND_CREATE);
    }
}

#[test]
fn a_live_key_under_a_staged_name_is_no_leftover() {
    // The digest came late: a request of the run that staged it, after another one released it.
    let mut world = staged(DAY);
    world.record("a").state = KeyState::Live;
    world.live("a").disabled = false;
    let action = world.only();
    assert_eq!((action.verb, action.changes[0].field), (Verb::Update, "name"));
    world.desired(A).enabled = false;
    world.record("a").applied.enabled = false;
    world.live("a").disabled = true;
    assert_eq!(world.only().verb, Verb::Update);
}

#[test]
fn a_key_that_another_checkout_released_is_in_service_and_only_the_record_changes() {
    for updated in [DAY, 0] {
        let mut world = staged(6 * DAY);
        let live = world.live("a");
        (live.name, live.disabled, live.updated) = ("a".into(), false, Some(ago(updated)));
        let action = world.only();
        assert_eq!((action.verb, action.changes.len()), (Verb::Update, 0));
    }
}

#[test]
fn a_release_that_came_too_late_is_waited_out_and_never_made_twice() {
    for (updated, told) in [
        (0, "blocked:create:busy key.production.a"),
        (HOUR - 1, "blocked:create:busy key.production.a"),
        // A person may have changed it after a release in time, and what can delete it has passed.
        (HOUR, "update key.production.a"),
    ] {
        let mut world = staged(30 * DAY);
        let live = world.live("a");
        (live.name, live.disabled, live.updated) = ("a".into(), false, Some(ago(updated)));
        assert_eq!(world.told(), [told], "{updated}");
    }
}

#[test]
fn of_two_staged_keys_one_is_released_where_both_entries_are_and_none_elsewhere() {
    let (one, two) = (entry("a", HOUR), entry("b", HOUR));
    let mut world = World::production();
    world.declare(wanted());
    world.live.keys.extend([waiting(&one, "a", '1'), waiting(&two, "b", '2')]);
    for known in [&one, &two] {
        let mut world = world.clone();
        world.sealed().keys.push(known.clone());
        assert_eq!(world.told(), ["blocked:release:busy key.production.a"]);
    }
    world.sealed().keys.extend([one, two]);
    assert_eq!(world.only().id.as_deref(), Some("hcxik_b"));
}

#[test]
fn a_staged_key_that_is_no_longer_declared_waits_for_its_grace() {
    let mut world = staged(HOUR);
    world.undeclare(A);
    assert!(world.plan().is_empty());
    assert_eq!(world.findings(FindingKind::Unfinished).len(), 1);
    name_it(&mut world);
    assert_eq!(world.told(), [DISCARD]);
    let mut world = staged(8 * DAY);
    world.undeclare(A);
    assert_eq!(world.told(), [DISCARD]);
}

#[test]
fn a_staged_key_that_is_gone_is_minted_anew() {
    let mut world = staged(HOUR);
    world.delete_live("a");
    assert_eq!(world.only().generation, Some(2));
}

const DISCARD: &str = "discard key.production.a";
const DISCARD_AND_CREATE: &[&str] = &[DISCARD, "create key.production.a"];
