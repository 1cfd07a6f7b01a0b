//! Taking a run back: only what it changed, and only where that still is as it made it.

use keycomb::model::*;
use keycomb::plan::{FindingKind, Made, ReasonCode, SecretEffect, Step, Undoing, Verb, What};

use super::builders::*;

const AT: &str = "key.production.a";

/// `key.production.a` in sync, with the permissions that a run has just given it.
fn world() -> World {
    let mut world = World::production();
    let mut key = configuration(AT);
    key.permissions = [Permission::RunQueries].into();
    world.sync(key, "a");
    world
}

fn made(at: &str, id: &str, what: What, changes: &[(&str, &str, &str)]) -> Made {
    let change = |(field, before, after): &(&str, &str, &str)| {
        ((*field).to_owned(), (*before).to_owned(), (*after).to_owned())
    };
    Made {
        address: address(at),
        id: Some(if id.starts_with("hcxen_") { id.to_owned() } else { key_id(id).to_string() }),
        what,
        changes: changes.iter().map(change).collect(),
    }
}

fn undoing(world: &mut World, made: Vec<Made>) {
    world.ask.undo = Some(Undoing { run: "r1".into(), made });
}

fn changed(world: &mut World, changes: &[(&str, &str, &str)]) {
    undoing(world, vec![made(AT, "a", What::Changed, changes)]);
}

fn follows(world: &World) -> Vec<String> {
    world
        .findings(FindingKind::Advice)
        .into_iter()
        .map(|f| f.text)
        .filter(|t| t.contains("next apply"))
        .collect()
}

#[test]
fn what_a_run_changed_is_set_back_and_the_files_are_said_to_differ() {
    let mut world = world();
    changed(&mut world, &[("permissions", "manage_slos", "run_queries"), ("name", "old", "a")]);
    let action = world.only();
    assert_eq!((action.verb, action.reason.code), (Verb::Update, ReasonCode::Asked));
    let Step::UpdateKey { name, permissions, enabled, applied, .. } = action.step else { panic!() };
    assert_eq!((name.as_deref(), enabled), (Some("old"), None));
    assert_eq!(permissions, Some([Permission::ManageSlos].into()));
    assert_eq!(applied.permissions, [Permission::ManageSlos].into());
    assert_eq!(follows(&world).len(), 1);
    assert!(follows(&world)[0].contains("`permissions`"), "{:?}", follows(&world));
    // Where the files already say what is set back, nothing is said.
    let desired = world.desired(AT);
    (desired.name, desired.permissions) = ("old".into(), [Permission::ManageSlos].into());
    assert_eq!(follows(&world), Vec::<String>::new());
}

#[test]
fn nothing_else_is_done() {
    let mut world = world();
    world.declare(ingest("key.production.b"));
    world.desired(AT).name = "renamed".into();
    changed(&mut world, &[("enabled", "true", "false")]);
    assert!(world.plan().is_empty(), "it is enabled, as it was before the run");
}

#[test]
fn what_was_renamed_in_the_files_is_not_moved_by_the_way() {
    let mut world = world();
    world.undeclare(AT);
    let renamed = configuration("key.production.b");
    world.declare(DesiredKey { moved_from: Some(address(AT)), name: "a".into(), ..renamed });
    changed(&mut world, &[("permissions", "manage_slos", "run_queries")]);
    assert_eq!(world.told(), ["update key.production.a"]);
}

#[test]
fn what_a_key_in_another_environment_took_the_place_of_is_not_enabled_again() {
    let mut world = world();
    world.sync_environment("staging", "Staging");
    (world.record("a").state, world.live("a").disabled) = (KeyState::Disabled, true);
    world.undeclare(AT);
    world.sync(configuration("key.staging.a"), "b");
    world.record("b").in_place_of = vec![key_id("a")];
    changed(&mut world, &[("enabled", "true", "false")]);
    world.allow.addresses.insert(address(AT));
    assert_eq!(world.only_blocked(), (Verb::Enable, "not_undoable", false));
    let blocked = world.plan().actions[0].blocked.clone().unwrap();
    assert!(blocked.text.contains("`key.staging.a` has taken its place"), "{blocked:?}");
    // While that one does not work, this one may.
    world.live("b").disabled = true;
    assert_eq!(world.only().verb, Verb::Enable);
    world.delete_live("b");
    assert_eq!(world.only().verb, Verb::Enable);
}

#[test]
fn what_moved_since_is_left_and_the_rest_is_set_back() {
    let mut world = world();
    world.live("a").name = "by hand".into();
    changed(&mut world, &[("permissions", "manage_slos", "run_queries"), ("name", "old", "a")]);
    let plan = world.plan();
    assert_eq!((plan.summary.changes, plan.summary.blocked), (1, 1));
    let blocked = plan.actions.iter().find_map(|a| a.blocked.as_ref()).unwrap();
    assert_eq!((blocked.code, blocked.guard), ("changed_since", false));
    assert!(blocked.text.contains("`name` is `by hand`"), "{}", blocked.text);
    let taken = plan.actions.iter().find(|a| a.blocked.is_none()).unwrap();
    assert!(matches!(&taken.step, Step::UpdateKey { name: None, permissions: Some(_), .. }), "{taken:?}");
}

#[test]
fn a_retired_key_works_again_until_the_next_apply() {
    let mut world = world();
    world.undeclare(AT);
    (world.record("a").state, world.live("a").disabled) = (KeyState::Disabled, true);
    changed(&mut world, &[("enabled", "true", "false")]);
    let action = world.only();
    assert_eq!((action.verb, action.secret.clone()), (Verb::Enable, SecretEffect::StartsWorking));
    assert!(matches!(&action.step, Step::UpdateKey { enabled: Some(true), applied, .. } if applied.enabled));
    assert!(follows(&world)[0].contains("not declared"), "{:?}", follows(&world));
}

#[test]
fn what_a_later_generation_took_the_place_of_is_not_enabled_again() {
    let mut world = world();
    (world.record("a").state, world.live("a").disabled) = (KeyState::Disabled, true);
    world.sealed().keys.push(SealedKey { generation: 2, ..record_of(&configuration(AT), "b") });
    world.live.keys.push(live_of(&configuration(AT), "b"));
    changed(&mut world, &[("enabled", "true", "false")]);
    for state in [KeyState::Releasing, KeyState::Live, KeyState::Disabled, KeyState::Deleted] {
        world.record("b").state = state;
        assert_eq!(world.only_blocked(), (Verb::Enable, "not_undoable", false), "{state:?}");
    }
    // Not even by name.
    world.allow.addresses.insert(address(AT));
    assert_eq!(world.only_blocked().1, "not_undoable");
    let blocked = world.plan().actions[0].blocked.clone().unwrap();
    assert!(blocked.text.contains("later generation") && blocked.help.contains("rotate"), "{blocked:?}");
    // What was not released took nobody's place; and other attributes may be set back.
    world.record("b").state = KeyState::Provisional;
    assert_eq!(world.only().verb, Verb::Enable);
    world.record("b").state = KeyState::Live;
    changed(&mut world, &[("name", "old", "a")]);
    assert_eq!(world.only().verb, Verb::Update);
    assert!(follows(&world)[0].contains("a later generation"), "{:?}", follows(&world));
}

#[test]
fn a_revoked_key_is_not_enabled_again() {
    let mut world = world();
    (world.record("a").state, world.live("a").disabled) = (KeyState::Disabled, true);
    let (how, at) = (Revocation::Disable, world.record("a").since);
    world.record("a").revoked = Some(Revoked { how, at, reason: "leaked".into() });
    changed(&mut world, &[("enabled", "true", "false")]);
    world.allow.addresses.insert(address(AT));
    assert_eq!(world.only_blocked(), (Verb::Enable, "not_undoable", false));
    let blocked = world.plan().actions[0].blocked.clone().unwrap();
    assert!(blocked.text.contains("revoked"), "{blocked:?}");
    assert!(blocked.help.contains("`keycomb rotate key.production.a`"), "{blocked:?}");
}

#[test]
fn what_was_made_or_deleted_is_blocked_with_what_to_do_instead() {
    let mut world = world();
    for (what, code) in
        [(What::Made, "not_undoable"), (What::Deleted, "not_undoable"), (What::Recorded, "not_undoable")]
    {
        undoing(&mut world, vec![made(AT, "a", what, &[])]);
        let plan = world.plan();
        let blocked = plan.actions[0].blocked.as_ref().unwrap();
        assert_eq!((plan.actions.len(), blocked.code, blocked.guard), (1, code, false));
        assert!(!blocked.help.is_empty());
    }
    undoing(&mut world, vec![made(AT, "unknown", What::Changed, &[("enabled", "true", "false")])]);
    assert_eq!(world.only_blocked().1, "gone");
    undoing(
        &mut world,
        vec![made("key.production.other", "a", What::Changed, &[("enabled", "true", "false")])],
    );
    assert_eq!(world.only_blocked().1, "gone", "the id is another address's");
}

#[test]
fn guards_hold_for_what_is_taken_back() {
    let mut world = world();
    world.desired(AT).protected = true;
    world.record("a").protected = true;
    changed(&mut world, &[("enabled", "false", "true")]);
    assert_eq!(world.only_blocked(), (Verb::Disable, "protected", true));
    world.allow.addresses.insert(address(AT));
    assert_eq!(world.only().verb, Verb::Disable);
    // The environment's last ingest key.
    let base = made("key.production.base", "base", What::Changed, &[("enabled", "false", "true")]);
    undoing(&mut world, vec![base]);
    assert_eq!(world.only_blocked(), (Verb::Disable, "last_ingest", true));
}

#[test]
fn an_account_written_by_hand_sets_nothing_odd() {
    let mut world = world();
    let provisional = provisional(&configuration(AT), "x", LINEAGE, '1', DAY).name;
    changed(&mut world, &[("name", &provisional, "a")]);
    assert_eq!(world.only_blocked().1, "changed_since");
    changed(&mut world, &[("permissions", "everything", "run_queries"), ("owner", "a", "b")]);
    assert_eq!(world.only_blocked().1, "changed_since");
    // A key that the record does not have is nobody's to change.
    world.live.keys.push(live_of(&configuration(AT), "stranger"));
    undoing(&mut world, vec![made(AT, "stranger", What::Changed, &[("name", "x", "a")])]);
    assert_eq!(world.only_blocked().1, "gone");
}

#[test]
fn attributes_of_an_environment_are_set_back() {
    let mut world = world();
    let id = "hcxen_production";
    let live = world.live.environments.iter_mut().find(|e| e.id.as_str() == id).unwrap();
    (live.description, live.color) = ("new".into(), Some(Color::Red));
    let changes = [("description", "old", "new"), ("color", "green", "red")];
    undoing(&mut world, vec![made("environment.production", id, What::Changed, &changes)]);
    let action = world.only();
    let Step::UpdateEnvironment { change, applied, .. } = &action.step else { panic!() };
    assert_eq!((change.description.as_deref(), change.color), (Some("old"), Some(Color::Green)));
    assert_eq!((change.delete_protected, applied.color), (None, Some(Color::Green)));
}

#[test]
fn the_key_that_this_run_uses_is_not_stopped_by_the_way() {
    let mut world = world();
    world.undeclare(AT);
    assert_eq!(world.only().verb, Verb::Disable);
    world.ask.credential = Some(key_id("a").to_string());
    assert_eq!(world.only_blocked(), (Verb::Disable, "own_key", true));
    world.allow.addresses.insert(address(AT));
    assert_eq!(world.only().verb, Verb::Disable);
}
