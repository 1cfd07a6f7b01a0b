//! Rules for making keys, and for what cut-short runs left behind.

use keycomb::model::*;
use keycomb::plan::{EnvironmentRef, FindingKind, ReasonCode, SecretEffect, Severity, Step, Undo, Verb};

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
    assert_eq!(action.secret, SecretEffect::Issued { recipients: vec![ops()] });
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
    (world.record("old").state, world.record("old").since) = (KeyState::Deleted, ago(60));
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
fn an_old_provisional_key_is_discarded_and_its_address_minted_anew() {
    let mut world = world();
    world.live.keys.push(provisional(&wanted(), "left", LINEAGE, '1', HOUR));
    assert_eq!(world.told(), ["discard key.production.a", "create key.production.a"]);
    let plan = world.plan();
    let action = &plan.actions[0];
    assert_eq!((action.undo, action.secret.clone()), (Undo::Irreversible, SecretEffect::None));
    assert_eq!((action.id.as_deref(), action.generation), (Some("hcxik_left"), None));
    let Step::DiscardKey(leftover) = &action.step else { panic!("{action:?}") };
    let live = world.live("left").clone();
    assert_eq!((&leftover.id, &leftover.name), (&live.id, &live.name));
    assert_eq!((&leftover.environment, leftover.updated), (&live.environment, live.updated));
    assert!(world.findings(FindingKind::Unfinished).is_empty(), "the action says it");
    assert_eq!(world.drift().findings.len(), 1);
    super::simulate::apply(&mut world, 1);
    assert!(world.plan().is_empty());
}

#[test]
fn s3_a_leftover_that_somebody_changed_waits_for_the_grace_from_then_on() {
    let mut world = World::production();
    world.live.keys.push(provisional(&wanted(), "left", LINEAGE, '1', DAY));
    world.live("left").updated = Some(ago(HOUR - 1));
    assert!(world.plan().is_empty());
    world.live("left").updated = Some(ago(HOUR));
    assert_eq!(world.only().verb, Verb::Discard);
}

#[test]
fn s3_no_leftover_is_discarded_while_every_managed_key_seems_gone() {
    let mut world = World::production();
    world.sync(configuration("key.production.b"), "b");
    world.live.keys.push(provisional(&configuration("key.production.b"), "left", LINEAGE, '1', DAY));
    assert_eq!(world.only().verb, Verb::Discard);
    world.delete_live("base");
    world.delete_live("b");
    assert!(
        world.told().contains(&"blocked:discard:all_missing key.production.b".to_owned()),
        "{:?}",
        world.told()
    );
}

#[test]
fn discards_count_towards_no_guard() {
    let mut world = World::production();
    (world.desired.policy.delete, world.desired.policy.disable) =
        (Limit { count: Some(0), percent: None }, Limit { count: Some(0), percent: None });
    for id in ["l", "m", "n"] {
        world.live.keys.push(provisional(&wanted(), id, LINEAGE, '1', DAY));
    }
    assert_eq!(world.plan().summary.changes, 3);
}

#[test]
fn what_a_recorded_intent_made_is_ours_at_any_age() {
    let mut world = world();
    world.live.keys.push(provisional(&wanted(), "left", LINEAGE, '1', MINUTE));
    world.sealed().intents.push(intent("key.production.a", '1'));
    assert_eq!(world.told(), ["discard key.production.a", "create key.production.a"]);
    // Even without a time: its maker is dead.
    (world.live("left").created, world.live("left").updated) = (None, None);
    assert_eq!(world.told(), ["discard key.production.a", "create key.production.a"]);
}

#[test]
fn an_intent_without_a_key_says_nothing() {
    let mut world = world();
    world.sealed().intents.push(intent("key.production.a", '1'));
    assert_eq!(world.told(), ["create key.production.a"]);
    assert!(world.plan().findings.is_empty());
}

#[test]
fn s8_a_provisional_key_of_another_lineage_is_unmanaged_at_any_age() {
    let mut world = world();
    world.live.keys.push(provisional(&wanted(), "theirs", OTHER, '1', DAY));
    world.sealed().intents.push(intent("key.production.a", '1'));
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
    assert_eq!(world.only_blocked(), (Verb::Create, "unsealed", false));
    assert!(world.only().blocked.unwrap().text.contains("`hcxik_left`"));
    assert!(world.findings(FindingKind::Unfinished).is_empty());
    let found = world.findings(FindingKind::Unsealed);
    assert_eq!((found.len(), found[0].severity), (1, Severity::High));
    assert!(world.plan().is_unsealed() && world.drift().is_unsealed());
}

#[test]
fn a_key_that_lost_its_entry_is_unsealed_and_never_made_again() {
    let mut world = world();
    world.live.keys.push(live_of(&wanted(), "ours"));
    world.elsewhere = [(key_id("ours"), "1a2b3c4d5e6f".to_owned())].into();
    for unmanaged in [Unmanaged::Ignore, Unmanaged::Report] {
        world.desired.policy.unmanaged = unmanaged;
        assert_eq!(world.only_blocked(), (Verb::Adopt, "unsealed", false));
        let help = world.only().blocked.unwrap().help;
        assert!(help.contains("`git show 1a2b3c4d5e6f:./keycomb.sealed.toml > old.toml`"), "{help}");
        let plan = world.plan();
        assert_eq!((plan.findings.len(), plan.findings[0].kind), (1, FindingKind::Unsealed));
        assert!(plan.is_unsealed() && world.drift().is_unsealed());
    }
    // Also when nothing declares it, when it is disabled, and beside another of the same name.
    world.live.keys.push(live_of(&wanted(), "another"));
    assert_eq!(world.only_blocked(), (Verb::Adopt, "unsealed", false));
    world.undeclare("key.production.a");
    world.live("ours").disabled = true;
    assert!(world.plan().is_empty() && world.plan().is_unsealed());
    // With its entry all is well.
    world.sealed().keys.push(SealedKey { state: KeyState::Disabled, ..record_of(&wanted(), "ours") });
    assert!(!world.plan().is_unsealed() && !world.drift().is_unsealed());
}

#[test]
fn a_leftover_that_an_older_file_knew_is_a_leftover() {
    let mut world = World::production();
    world.live.keys.push(provisional(&wanted(), "left", LINEAGE, '1', DAY));
    world.elsewhere = [(key_id("left"), "1a2b3c4d5e6f".to_owned())].into();
    assert_eq!(world.only().verb, Verb::Discard);
    assert!(!world.plan().is_unsealed());
}

#[test]
fn what_is_unsealed_comes_before_everything_else() {
    let mut world = World::production();
    world.live("base").permissions.insert(Permission::SendEvents);
    world.live.keys.push(live_of(&wanted(), "z"));
    world.elsewhere = [(key_id("z"), "1a2b3c4d5e6f".to_owned())].into();
    let kinds: Vec<_> = world.plan().findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds[..2], [FindingKind::Unsealed, FindingKind::Drift]);
}

#[test]
fn a_protected_key_goes_for_a_successor_that_was_not_tried_only_when_named() {
    let mut world = world();
    world.desired("key.production.a").protected = true;
    let old = SealedKey { protected: true, ..record_of(&wanted(), "old") };
    world.sealed().keys.push(old);
    world.live.keys.push(live_of(&wanted(), "old"));
    world.sealed().keys.push(SealedKey {
        generation: 2,
        since: ago(30 * DAY),
        protected: true,
        ..record_of(&wanted(), "new")
    });
    world.live.keys.push(live_of(&wanted(), "new"));
    assert_eq!(world.only_blocked(), (Verb::Disable, "unproven", true));
    let help = world.only().blocked.unwrap().help;
    assert!(help.contains("--allow key.production.a"), "{help}");
}

#[test]
fn a_leftover_for_an_address_nobody_knows_is_discarded_at_an_address_of_its_own() {
    let gone = configuration("key.production.gone");
    let mut world = World::production();
    world.live.keys.push(provisional(&gone, "left", LINEAGE, '1', DAY));
    let tag = Provisional::parse(&world.live("left").name).unwrap().tag;
    assert_eq!(world.told(), [format!("discard key.production.pending-{tag}")]);
    // A referred environment has no record, and one that is only live no label at all.
    let staging = live_environment("staging", "Staging");
    world.live("left").environment = staging.id.clone();
    world.live.environments.push(staging);
    assert_eq!(world.told(), [format!("discard key.unknown.pending-{tag}")]);
    let referred = DesiredEnvironment { reference: true, ..environment("st", "Staging") };
    world.desired.environments.insert(referred.label.clone(), referred);
    assert_eq!(world.told(), [format!("discard key.st.pending-{tag}")]);
    // Young, it is only said.
    world.live("left").created = Some(ago(HOUR - 1));
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
        assert_eq!(action.step, Step::ReleaseKey { id: key_id("a"), enabled: true, succeeds: vec![] });
        assert_eq!((action.secret, action.name.as_str()), (SecretEffect::StartsWorking, "a"));
    }
}

#[test]
fn past_its_deadline_a_key_is_left_and_its_address_minted_anew() {
    let left = ["discard key.production.a", "create key.production.a"];
    let busy = ["blocked:create:busy key.production.a"];
    for (state, age, told) in [
        (KeyState::Provisional, 20 * MINUTE, left.as_slice()),
        (KeyState::Dropping, MINUTE, &left),
        (KeyState::Releasing, HOUR, &left),
        // The request that enables it may still be under way: ours, or that of a copy of the record.
        (KeyState::Provisional, 20 * MINUTE - 1, &busy),
        (KeyState::Releasing, HOUR - 1, &busy),
        (KeyState::Releasing, 15 * MINUTE, &busy),
    ] {
        let mut world = unreleased(state, age);
        assert_eq!(world.told(), told, "{state:?} after {age} s");
        let minted = world.plan().actions.last().unwrap().generation;
        assert_eq!(minted, Some(2));
        // By the file's tries nothing is known of it: it has an entry.
        world.sealed().intents.push(intent("key.production.a", '1'));
        assert_eq!(world.told(), told, "{state:?} after {age} s");
    }
}

#[test]
fn a_key_that_was_never_released_and_renamed_by_somebody_is_theirs_to_decide() {
    for name in ["A", "other"] {
        let mut world = unreleased(KeyState::Provisional, DAY);
        world.live("a").name = name.into();
        assert!(world.told().contains(&"blocked:discard:unfinished key.production.a".to_owned()), "{name}");
    }
    // Nor one that bears the mark of another address.
    let mut world = unreleased(KeyState::Dropping, DAY);
    world.live("a").name = provisional(&configuration("key.production.b"), "x", LINEAGE, '1', 0).name;
    assert!(world.told().contains(&"blocked:discard:unfinished key.production.a".to_owned()));
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

/// Two checkouts have the entry of a key that is not released; one of them releases it, and the other does not hear of it.
#[test]
fn a_key_that_a_copy_of_the_record_released_is_in_service_and_not_made_again() {
    for enabled in [true, false] {
        let mut world = unreleased(KeyState::Provisional, DAY);
        world.desired("key.production.a").enabled = enabled;
        let live = world.live("a");
        (live.name, live.disabled, live.updated) = ("a".into(), !enabled, Some(ago(DAY - 20 * MINUTE)));
        let action = world.only();
        assert_eq!((action.verb, action.changes.len()), (Verb::Update, 0), "{action:?}");
        super::simulate::apply(&mut world, 1);
        assert!(world.plan().is_empty());
        // Too late, like any other.
        let mut world = unreleased(KeyState::Provisional, DAY);
        world.desired("key.production.a").enabled = enabled;
        let live = world.live("a");
        (live.name, live.disabled, live.updated) = ("a".into(), !enabled, Some(ago(DAY - 20 * MINUTE - 1)));
        assert_eq!((world.only().verb, world.only().generation), (Verb::Create, Some(2)));
    }
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
    // A copy of the file may be releasing it.
    assert_eq!(world.told(), ["blocked:discard:too_young key.production.a"]);
    let mut world = unreleased(KeyState::Provisional, 20 * MINUTE);
    world.undeclare("key.production.a");
    assert_eq!(world.told(), ["discard key.production.a"]);
    super::simulate::apply(&mut world, 1);
    assert!(world.plan().is_empty());
}

#[test]
fn a_leftover_keeps_no_other_step_from_its_address() {
    let mut world = World::production();
    world.sync(wanted(), "a");
    world.live.keys.push(provisional(&wanted(), "left", LINEAGE, '1', DAY));
    world.live("a").name = "renamed".into();
    assert_eq!(world.told(), ["discard key.production.a", "update key.production.a"]);
    world.undeclare("key.production.a");
    assert_eq!(world.told(), ["discard key.production.a", "disable key.production.a"]);
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
fn a_generation_in_quarantine_keeps_no_other_from_being_made() {
    for disabled in [true, false] {
        let mut world = world();
        world.desired.policy.on_missing = OnMissing::Recreate;
        let old = SealedKey { state: KeyState::Disabled, since: ago(DAY), ..record_of(&wanted(), "old") };
        world.sealed().keys.push(old);
        world.live.keys.push(LiveKey { disabled, ..live_of(&wanted(), "old") });
        world.sealed().keys.push(SealedKey { generation: 2, ..record_of(&wanted(), "gone") });
        let action = world.only();
        assert_eq!((action.verb, action.generation), (Verb::Create, Some(3)));
        let Step::MintKey(mint) = action.step else { panic!() };
        assert_eq!(mint.succeeds.is_empty(), disabled, "enabled by hand it is its predecessor");
    }
}
