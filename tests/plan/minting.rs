//! Rules for making keys, and for what cut-short runs left behind.

use keycomb::model::*;
use keycomb::plan::{EnvironmentRef, FindingKind, ReasonCode, SecretEffect, Severity, Step, Verb};

use super::builders::*;

const OTHER: &str = "zzzzzzzzzzzzzzzz";

fn wanted() -> DesiredKey {
    configuration("key.production.a")
}

/// `key.production.a` is declared and nothing is known of it.
fn world() -> World {
    let mut world = World::production();
    world.declare(wanted());
    world
}

/// A recorded generation of it that was minted so many seconds ago and never released.
fn unreleased(state: KeyState, age: i64) -> World {
    let mut world = world();
    world.live.keys.push(provisional(&wanted(), "a", LINEAGE, '1', age));
    let record = SealedKey { state, created: ago(age), since: ago(age), ..record_of(&wanted(), "a") };
    world.sealed().keys.push(record);
    world
}

#[test]
fn a_key_that_is_not_there_is_minted() {
    let mut world = world();
    world.desired("key.production.a").owner = Some("team".into());
    let action = world.only();
    assert_eq!((action.verb, action.generation, action.id.clone()), (Verb::Create, Some(1), None));
    assert_eq!(action.secret, SecretEffect::Issued { recipients: vec!["ops".into()] });
    let Step::MintKey(mint) = action.step else { panic!("{action:?}") };
    assert_eq!(mint.environment, EnvironmentRef::Id(environment_id("production")));
    assert_eq!((mint.generation, mint.enabled, mint.name.as_str()), (1, true, "a"));
    assert_eq!(mint.remember.owner.as_deref(), Some("team"));
}

#[test]
fn a_key_waits_for_its_environment() {
    let mut world = World::empty();
    world.declare_environment("production", "Production");
    world.declare(ingest("key.production.a"));
    assert_eq!(world.told(), ["create environment.production", "create key.production.a"]);
    let action = &world.plan().actions[1];
    assert_eq!(action.after, [address("environment.production")]);
    let Step::MintKey(mint) = &action.step else { panic!("{action:?}") };
    assert_eq!(mint.environment, EnvironmentRef::Planned(Label::new("production").unwrap()));
}

#[test]
fn a_live_key_of_the_same_environment_type_and_name_is_never_taken_over_nor_doubled() {
    let mut world = world();
    world.live.keys.push(live_of(&wanted(), "theirs"));
    assert_eq!(world.only_blocked(), (Verb::Adopt, "exists", false));
    assert!(world.findings(FindingKind::Unmanaged).is_empty(), "the blocked action says it");
    world.live.keys.push(live_of(&wanted(), "also"));
    assert_eq!(world.only_blocked(), (Verb::Adopt, "ambiguous", false));
    assert!(world.only().blocked.unwrap().text.contains("`hcxik_also`, `hcxik_theirs`"));
}

#[test]
fn another_environment_type_or_name_is_another_key() {
    type Edit = fn(&mut LiveKey);
    let edits: [Edit; 3] = [
        |k| k.environment = environment_id("other"),
        |k| k.key_type = KeyType::Ingest,
        |k| k.name = "A".into(),
    ];
    for edit in edits {
        let mut world = world();
        let mut key = live_of(&wanted(), "theirs");
        edit(&mut key);
        world.live.keys.push(key);
        assert_eq!(world.told(), ["create key.production.a"]);
    }
}

#[test]
fn a_provisional_name_matches_no_declared_name() {
    let mut world = world();
    let theirs = provisional(&wanted(), "theirs", OTHER, '1', DAY);
    world.desired("key.production.a").name = theirs.name.clone();
    world.live.keys.push(theirs);
    assert_eq!(world.told(), ["create key.production.a"]);
}

#[test]
fn a_key_on_its_way_out_keeps_its_name_until_it_is_deleted() {
    let mut world = world();
    world.sync(DesiredKey { name: "a".into(), ..configuration("key.production.old") }, "old");
    world.undeclare("key.production.old");
    world.record("old").state = KeyState::Disabled;
    world.record("old").since = ago(DAY);
    world.live("old").disabled = true;
    assert_eq!(world.only_blocked(), (Verb::Adopt, "exists", false));
    // Its deletion is not held, and then the name is free, even while the listing still shows it.
    world.record("old").since = ago(14 * DAY);
    assert_eq!(world.told(), ["delete key.production.old", "blocked:adopt:exists key.production.a"]);
    world.record("old").state = KeyState::Deleted;
    assert_eq!(world.told(), ["create key.production.a"]);
}

#[test]
fn a_key_moved_in_the_files_is_neither_retired_nor_made_twice() {
    let mut world = world();
    world.sync(DesiredKey { name: "a".into(), ..configuration("key.production.old") }, "old");
    world.undeclare("key.production.old");
    assert_eq!(
        world.told(),
        ["blocked:adopt:exists key.production.a", "blocked:disable:moved key.production.old"]
    );
    let plan = world.plan();
    assert!(plan.actions[0].blocked.as_ref().unwrap().text.contains("`key.production.old`"));
}

#[test]
fn a_young_provisional_key_of_another_run_is_left_to_it() {
    let mut world = world();
    world.live.keys.push(provisional(&wanted(), "theirs", LINEAGE, '1', HOUR - 1));
    assert_eq!(world.only_blocked(), (Verb::Create, "busy", false));
    // Without a time it may be young.
    world.live("theirs").created = None;
    assert_eq!(world.only_blocked(), (Verb::Create, "busy", false));
}

#[test]
fn an_old_provisional_key_is_shown_and_its_address_minted_anew() {
    let mut world = world();
    world.live.keys.push(provisional(&wanted(), "left", LINEAGE, '1', HOUR));
    assert_eq!(world.told(), ["create key.production.a", "blocked:discard:unfinished key.production.a"]);
    let plan = world.plan();
    assert_eq!((plan.summary.blocked, plan.summary.guarded), (1, 0));
}

#[test]
fn what_a_recorded_intent_made_is_ours_at_any_age() {
    let mut world = world();
    world.live.keys.push(provisional(&wanted(), "left", LINEAGE, '1', MINUTE));
    world.sealed().intents.push(intent("key.production.a", '1'));
    assert_eq!(world.told(), ["create key.production.a", "blocked:discard:unfinished key.production.a"]);
    let notes = world.findings(FindingKind::Unfinished);
    assert_eq!((notes.len(), notes[0].severity), (1, Severity::Note));
}

#[test]
fn an_intent_without_a_key_says_nothing() {
    let mut world = world();
    world.sealed().intents.push(intent("key.production.a", '1'));
    assert_eq!(world.told(), ["create key.production.a"]);
    assert!(world.plan().findings.is_empty());
}

#[test]
fn a_provisional_key_of_another_lineage_is_unmanaged() {
    let mut world = world();
    world.live.keys.push(provisional(&wanted(), "theirs", OTHER, '1', MINUTE));
    assert_eq!(world.told(), ["create key.production.a"]);
    let found = world.findings(FindingKind::Unmanaged);
    assert_eq!(found[0].id.as_deref(), Some("hcxik_theirs"));
    assert!(found[0].help.as_ref().unwrap().contains("another sealed file"));
}

#[test]
fn an_enabled_leftover_is_grave_and_not_called_harmless() {
    let mut world = world();
    world.live.keys.push(provisional(&wanted(), "left", LINEAGE, '1', DAY));
    world.live("left").disabled = false;
    assert_eq!(world.only_blocked(), (Verb::Create, "unfinished", false));
    assert!(world.only().blocked.unwrap().help.contains("`hcxik_left`"));
    assert_eq!(world.findings(FindingKind::Unfinished)[0].severity, Severity::High);
}

#[test]
fn a_leftover_for_an_address_nobody_knows_is_a_finding() {
    let mut world = World::production();
    world.live.keys.push(provisional(&configuration("key.gone.x"), "left", LINEAGE, '1', DAY));
    assert!(world.plan().is_empty());
    let found = world.findings(FindingKind::Unfinished);
    assert_eq!((found.len(), found[0].address.clone()), (1, None));
}

#[test]
fn a_sealed_key_is_released_until_its_deadline() {
    for state in [KeyState::Provisional, KeyState::Releasing] {
        let world = unreleased(state, 15 * MINUTE - 1);
        let action = world.only();
        assert_eq!((action.verb, action.reason.code), (Verb::Release, ReasonCode::Unreleased));
        assert_eq!(action.step, Step::ReleaseKey { id: key_id("a"), enabled: true });
        assert_eq!((action.secret, action.name.as_str()), (SecretEffect::StartsWorking, "a"));
    }
}

#[test]
fn past_its_deadline_a_key_is_left_and_its_address_minted_anew() {
    let left = ["create key.production.a", "blocked:discard:unfinished key.production.a"];
    for (state, age, told) in [
        (KeyState::Provisional, 15 * MINUTE, left.as_slice()),
        (KeyState::Dropping, MINUTE, &left),
        (KeyState::Releasing, HOUR, &left),
        // The request that enables it may still be under way.
        (KeyState::Releasing, 15 * MINUTE, &["blocked:create:busy key.production.a"]),
    ] {
        let world = unreleased(state, age);
        assert_eq!(world.told(), told, "{state:?} after {age} s");
        let minted = world.plan().actions[0].generation;
        assert_eq!(minted, Some(2));
    }
}

#[test]
fn a_never_released_key_that_is_gone_is_minted_anew() {
    for state in [KeyState::Provisional, KeyState::Releasing, KeyState::Dropping] {
        let mut world = unreleased(state, DAY);
        world.delete_live("a");
        assert_eq!(world.told(), ["create key.production.a"]);
        assert_eq!(world.only().generation, Some(2));
        assert!(world.findings(FindingKind::Missing).is_empty());
    }
}

#[test]
fn a_release_that_arrived_in_time_only_needs_the_record() {
    let mut world = unreleased(KeyState::Releasing, DAY);
    let live = world.live("a");
    (live.name, live.disabled, live.updated) = ("a".into(), false, Some(ago(DAY - 20 * MINUTE)));
    let action = world.only();
    assert_eq!((action.verb, action.changes.len()), (Verb::Update, 0));
    let Step::UpdateKey { name: None, permissions: None, enabled: None, .. } = action.step else {
        panic!("{action:?}")
    };
}

#[test]
fn a_release_that_arrived_late_gets_a_successor_and_is_retired_after_it() {
    let mut world = unreleased(KeyState::Releasing, DAY);
    let live = world.live("a");
    (live.name, live.disabled, live.updated) = ("a".into(), false, Some(ago(DAY - 20 * MINUTE - 1)));
    let action = world.only();
    assert_eq!(
        (action.verb, action.generation, action.reason.code),
        (Verb::Create, Some(2), ReasonCode::Unfinished)
    );
    super::simulate::apply(&mut world, 1);
    let action = world.only();
    assert_eq!((action.verb, action.id.as_deref()), (Verb::Disable, Some("hcxik_a")));
}

#[test]
fn an_undeclared_key_that_was_never_released_is_not_released() {
    let mut world = unreleased(KeyState::Provisional, MINUTE);
    world.undeclare("key.production.a");
    assert_eq!(world.told(), ["blocked:discard:unfinished key.production.a"]);
}

#[test]
fn a_key_that_somebody_else_enabled_before_its_release_is_neither_released_nor_replaced() {
    for state in [KeyState::Provisional, KeyState::Dropping] {
        let mut world = unreleased(state, MINUTE);
        world.live("a").disabled = false;
        assert_eq!(
            world.told(),
            ["blocked:discard:unfinished key.production.a", "blocked:create:unfinished key.production.a"]
        );
        assert!(world.plan().actions[0].blocked.as_ref().unwrap().text.contains("somebody else"));
    }
}

#[test]
fn a_generation_in_quarantine_keeps_no_other_from_being_made_unless_it_works() {
    for disabled in [true, false] {
        let mut world = world();
        world.desired.policy.on_missing = OnMissing::Recreate;
        let old = SealedKey { state: KeyState::Disabled, since: ago(DAY), ..record_of(&wanted(), "old") };
        world.sealed().keys.push(old);
        world.live.keys.push(LiveKey { disabled, ..live_of(&wanted(), "old") });
        world.sealed().keys.push(SealedKey { generation: 2, ..record_of(&wanted(), "gone") });
        if disabled {
            let action = world.only();
            assert_eq!((action.verb, action.generation), (Verb::Create, Some(3)));
        } else {
            assert_eq!(world.only_blocked(), (Verb::Create, "exists", false));
        }
    }
}
