//! Rules for environments.

use keycomb::model::*;
use keycomb::plan::{Change, EnvironmentRef, FindingKind, ReasonCode, Severity, Step, Undo, Verb};

use super::builders::*;

fn attributes() -> EnvironmentAttributes {
    EnvironmentAttributes {
        description: Some("shop".into()),
        color: Some(Color::Red),
        delete_protected: Some(false),
    }
}

#[test]
fn an_environment_that_is_declared_and_not_there_is_created_with_what_is_managed() {
    let mut world = World::empty();
    world.declare_environment("production", "Production").attributes = attributes();
    let action = world.only();
    assert_eq!((action.verb, action.reason.code), (Verb::Create, ReasonCode::Declared));
    assert_eq!(action.reason.origin, Some(origin(1)));
    let step = Step::CreateEnvironment { name: "Production".into(), attributes: attributes() };
    assert_eq!(action.step, step);
    let fields: Vec<_> = action.changes.iter().map(|c| (c.field, c.before.clone())).collect();
    assert_eq!(fields, [("description", None), ("color", None), ("delete_protected", None)]);
}

#[test]
fn only_what_is_managed_and_differs_is_updated() {
    let mut world = World::production();
    world.desired.environments[0].attributes =
        EnvironmentAttributes { color: Some(Color::Red), delete_protected: Some(true), ..Default::default() };
    world.live.environments[0].description = "not managed".into();
    let action = world.only();
    assert_eq!(action.verb, Verb::Update);
    let Step::UpdateEnvironment { change, applied, .. } = &action.step else { panic!("{action:?}") };
    assert_eq!(change, &EnvironmentAttributes { color: Some(Color::Red), ..Default::default() });
    assert_eq!(applied, &world.desired.environments[0].attributes);
    let change = Change {
        field: "color",
        before: Some("blue".into()),
        after: Some("red".into()),
        undoes_drift: false,
    };
    assert_eq!(action.changes, [change]);
}

#[test]
fn an_update_that_takes_back_a_change_says_so() {
    let mut world = World::production();
    let managed = EnvironmentAttributes { color: Some(Color::Red), ..Default::default() };
    world.desired.environments[0].attributes = managed.clone();
    world.sealed().environments[0].applied = managed;
    let action = world.only();
    assert!(action.changes[0].undoes_drift);
    assert_eq!(action.reason.code, ReasonCode::Drifted);
}

#[test]
fn what_is_no_longer_managed_leaves_the_record_and_nothing_is_sent() {
    let mut world = World::production();
    world.sealed().environments[0].applied = attributes();
    let action = world.only();
    let Step::UpdateEnvironment { change, applied, .. } = &action.step else { panic!("{action:?}") };
    assert!(change.is_empty() && applied.is_empty() && action.changes.is_empty());
    assert!(action.reason.text.contains("only keycomb's record changes"));
}

#[test]
fn a_name_cannot_change() {
    let mut world = World::production();
    world.desired.environments[0].name = "Prod".into();
    assert_eq!(world.only_blocked(), (Verb::Replace, "immutable_name", false));
    assert!(world.only().blocked.unwrap().text.contains("lose"));
}

#[test]
fn a_name_that_is_taken_is_never_taken_over_whatever_its_case() {
    for name in ["Production", "production", "PRODUCTION"] {
        let mut world = World::empty();
        world.declare_environment("production", "Production");
        world.declare(ingest("key.production.a"));
        world.live.environments.push(live_environment("other", name));
        assert_eq!(
            world.told(),
            [
                "blocked:adopt:exists environment.production",
                "blocked:create:environment_unavailable key.production.a"
            ]
        );
    }
}

#[test]
fn a_name_taken_twice_shows_both_ids() {
    let mut world = World::empty();
    world.declare_environment("production", "Production");
    world.live.environments.push(live_environment("two", "PRODUCTION"));
    world.live.environments.push(live_environment("one", "production"));
    assert_eq!(world.only_blocked(), (Verb::Adopt, "ambiguous", false));
    assert!(world.only().blocked.unwrap().text.contains("`hcxen_one`, `hcxen_two`"));
}

#[test]
fn a_reference_is_found_by_its_exact_name_and_keys_work_in_it() {
    let mut world = World::empty();
    world.declare_environment("legacy", "Legacy").reference = true;
    world.declare(ingest("key.legacy.a"));
    world.live.environments.push(live_environment("x", "Legacy"));
    let action = world.only();
    let Step::MintKey(mint) = action.step else { panic!("{action:?}") };
    assert_eq!(mint.environment, EnvironmentRef::Id(environment_id("x")));
    assert!(world.findings(FindingKind::Unmanaged).is_empty(), "a reference is not unmanaged");
}

#[test]
fn a_reference_that_is_not_there_is_blocked_and_its_keys_too() {
    let mut world = World::empty();
    world.declare_environment("legacy", "Legacy").reference = true;
    world.declare(ingest("key.legacy.a"));
    world.live.environments.push(live_environment("x", "legacy"));
    assert_eq!(
        world.told(),
        [
            "blocked:adopt:reference_missing environment.legacy",
            "blocked:create:environment_unavailable key.legacy.a"
        ]
    );
}

#[test]
fn a_reference_is_never_acted_on() {
    let mut world = World::production();
    world.desired.environments[0].reference = true;
    world.desired.environments[0].attributes = attributes();
    assert!(world.plan().is_empty());
}

#[test]
fn an_environment_that_is_gone_is_a_finding_and_never_made_again() {
    let mut world = World::production();
    world.live.environments.clear();
    assert_eq!(world.only_blocked(), (Verb::Create, "missing", false));
    let missing = world.findings(FindingKind::Missing);
    assert_eq!(missing.len(), 1);
    assert_eq!(missing[0].severity, Severity::High);
}

#[test]
fn a_classic_environment_is_never_touched() {
    let classic =
        |name| LiveEnvironment { color: Some(Color::Classic), ..live_environment("production", name) };
    for reference in [false, true] {
        let mut world = World::empty();
        world.declare_environment("production", "Production").reference = reference;
        world.live.environments.push(classic("Production"));
        assert_eq!(world.only_blocked(), (Verb::Adopt, "classic", false));
    }
    let mut world = World::production();
    world.live.environments = vec![classic("Production")];
    world.desired.environments[0].attributes = attributes();
    assert_eq!(world.only_blocked().1, "classic");
    let mut world = World::empty();
    world.live.environments.push(classic("Production"));
    assert!(world.plan().findings.is_empty());
}

/// Not declared, unprotected by an earlier apply, empty.
fn removable() -> World {
    let mut world = World::empty();
    world.sync_environment("production", "Production");
    world.sealed().environments[0].applied.delete_protected = Some(false);
    world.live.environments[0].delete_protected = false;
    world.desired.environments.clear();
    world
}

#[test]
fn an_empty_unprotected_environment_that_is_no_longer_declared_is_deleted() {
    let action = removable().only();
    assert_eq!((action.verb, action.undo), (Verb::Delete, Undo::Irreversible));
    assert_eq!(action.step, Step::DeleteEnvironment { id: environment_id("production") });
}

#[test]
fn deleting_an_environment_takes_two_plans() {
    // Unprotected by hand is not enough, nor is a record that the service does not bear out.
    for (applied, live) in [(None, false), (Some(true), false), (Some(false), true), (None, true)] {
        let mut world = removable();
        world.sealed().environments[0].applied.delete_protected = applied;
        world.live.environments[0].delete_protected = live;
        assert_eq!(world.only_blocked(), (Verb::Delete, "environment_protected", false));
        assert!(world.only().blocked.unwrap().help.contains("delete_protected = false"));
    }
}

#[test]
fn an_environment_with_keys_in_it_is_not_deleted() {
    let mut world = removable();
    world.live.keys.push(live_of(&configuration("key.production.stranger"), "stranger"));
    assert_eq!(world.only_blocked(), (Verb::Delete, "environment_not_empty", false));
    assert!(world.only().blocked.unwrap().text.contains("`hcxik_stranger`"));

    let mut world = removable();
    world.sync(configuration("key.production.a"), "a");
    world.desired.keys.clear();
    assert_eq!(
        world.told(),
        ["disable key.production.a", "blocked:delete:quarantine environment.production"]
    );
    let plan = world.plan();
    assert!(plan.actions[1].blocked.as_ref().unwrap().help.contains("quarantine"));
}

#[test]
fn an_environment_that_another_block_names_is_not_deleted() {
    let mut world = removable();
    world.declare_environment("prod", "production").reference = true;
    assert!(world.told().contains(&"blocked:delete:moved environment.production".to_owned()));
}

#[test]
fn the_record_of_an_environment_that_is_gone_and_undeclared_goes() {
    let mut world = removable();
    world.live.environments.clear();
    let action = world.only();
    assert_eq!((action.verb, action.reason.code), (Verb::Delete, ReasonCode::Missing));
    let is_forgotten = matches!(action.step, Step::ForgetEnvironment { .. });
    assert!(is_forgotten, "what may only be missing from a listing is never deleted");
    assert!(world.findings(FindingKind::Missing).is_empty());
}

/// The mark that an apply with this lineage leaves on an environment that it asked for at this address.
fn mark(lineage: &str, at: &str) -> String {
    Provisional::new(&Lineage::new(lineage).unwrap(), &address(at), nonce('1')).name()
}

#[test]
fn an_environment_that_an_apply_asked_for_is_finished_and_no_other() {
    let at = "environment.production";
    let begun = |name: &str, description: String| {
        let mut world = World::empty();
        world.sealed();
        world.declare_environment("production", "Production");
        world.declare(ingest("key.production.a"));
        world.live.environments.push(LiveEnvironment { description, ..live_environment("x", name) });
        world
    };
    let world = begun("Production", mark(LINEAGE, at));
    assert_eq!(world.told(), ["create environment.production", "create key.production.a"]);
    let action = &world.plan().actions[0];
    assert_eq!((action.id.as_deref(), action.reason.code), (Some("hcxen_x"), ReasonCode::Unfinished));
    assert!(world.findings(FindingKind::Unmanaged).is_empty());
    for (name, description) in [
        ("production", mark(LINEAGE, at)),
        ("Production", mark(LINEAGE, "environment.other")),
        ("Production", mark("zzzzzzzzzzzzzzzz", at)),
        ("Production", String::new()),
    ] {
        let world = begun(name, description);
        assert_eq!(world.plan().actions[0].blocked.as_ref().unwrap().code, "exists", "{name}");
    }
}

#[test]
fn a_mark_that_was_left_on_an_environment_goes() {
    let mut world = World::production();
    world.live.environments[0].description = mark(LINEAGE, "environment.production");
    let Step::UpdateEnvironment { change, applied, .. } = world.only().step else { panic!() };
    assert_eq!((change.description.as_deref(), applied.description), (Some(""), None));
    world.live.environments[0].description = mark(LINEAGE, "environment.other");
    assert!(world.told().is_empty());
}
