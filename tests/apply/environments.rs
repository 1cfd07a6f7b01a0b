//! Environments made, changed and deleted.

use keycomb::model::{Color, EnvironmentAttributes, KeyState, LiveEnvironment, Record};
use keycomb::plan::{Action, Step, Verb};
use keycomb::report::{Cause, Report};

use crate::plans::{
    action, assert_done, assert_failed, assert_in_doubt, assert_not_started, create_environment,
    environment_id, mint_planned, plan, record, record_environment, was,
};
use crate::world::{Event, Fault, Keeper, World};

const E: &str = "environment.e";

fn unprotected() -> EnvironmentAttributes {
    EnvironmentAttributes { delete_protected: Some(false), ..EnvironmentAttributes::default() }
}

fn start(delete_protected: bool) -> (World, Keeper) {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    world.lock().put_environment("hcxen_e", "E", delete_protected);
    record_environment(&mut keeper, "e", "hcxen_e");
    (world, keeper)
}

fn delete() -> Action {
    action(E, Verb::Delete, Step::DeleteEnvironment { id: environment_id("hcxen_e") })
}

fn describe() -> Action {
    let change = EnvironmentAttributes { description: Some("d".into()), ..EnvironmentAttributes::default() };
    let applied = EnvironmentAttributes { color: Some(Color::Blue), ..change.clone() };
    let step = Step::UpdateEnvironment { id: environment_id("hcxen_e"), change, applied };
    was(action(E, Verb::Update, step), "description", "")
}

async fn run(world: &World, keeper: &mut Keeper, action: Action) -> Report {
    world.apply(&plan(vec![action]), keeper).await
}

fn live(world: &World) -> Option<LiveEnvironment> {
    world.lock().environments.get(&environment_id("hcxen_e")).cloned()
}

#[tokio::test]
async fn an_environment_is_recorded_before_its_protection_is_taken_off() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    let attributes =
        EnvironmentAttributes { description: Some("d".into()), color: Some(Color::Red), ..unprotected() };
    let report = run(&world, &mut keeper, create_environment("e", "E", attributes.clone())).await;
    assert_done(&report, E);
    assert!(report.outcomes[0].id.is_some());
    let recorded = world.place(|e| matches!(e, Event::Appended(Record::Environment { .. })));
    let patch = world.place(|e| matches!(e, Event::PatchEnvironment { .. }));
    assert!(recorded < patch);
    let Event::PatchEnvironment { change, .. } = &world.log()[patch] else { unreachable!() };
    assert_eq!(change, &unprotected(), "only what the creation could not set");
    assert_eq!(keeper.sealed.environments[0].applied, attributes);
}

#[tokio::test]
async fn an_environment_as_the_service_makes_it_needs_no_second_request() {
    let world = World::new();
    let attributes =
        EnvironmentAttributes { delete_protected: Some(true), ..EnvironmentAttributes::default() };
    assert_done(&run(&world, &mut Keeper::new(&world), create_environment("e", "E", attributes)).await, E);
    assert_eq!(world.writes().len(), 1);
}

#[tokio::test]
async fn an_environment_whose_protection_stays_is_recorded_as_it_is() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    world.fail("patch-environment", Fault::Status(403));
    let actions = vec![create_environment("e", "E", unprotected()), mint_planned("m", "e")];
    let report = world.apply(&plan(actions), &mut keeper).await;
    assert_failed(&report, E, Cause::Credential);
    assert_eq!(keeper.sealed.environments[0].applied.delete_protected, Some(true));
}

#[tokio::test]
async fn a_taken_name_is_to_be_adopted() {
    let (world, mut keeper) = start(true);
    let report = run(&world, &mut keeper, create_environment("new", "E", unprotected())).await;
    assert!(assert_failed(&report, "environment.new", Cause::Changed).contains("exists"));
    assert_eq!(world.writes().len(), 1);
}

#[tokio::test]
async fn an_environment_of_another_name_is_not_taken_for_ours() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    world.lock().renames = true;
    let report = run(&world, &mut keeper, create_environment("e", "Eee", unprotected())).await;
    assert_failed(&report, E, Cause::Mismatch);
    assert_eq!((world.writes().len(), keeper.sealed.environments.len()), (1, 0));
}

#[tokio::test]
async fn without_an_answer_the_listing_says_what_is_there() {
    for (fault, seen) in [(Fault::LostAnswer, "hcxen_made1"), (Fault::LostRequest, "no environment")] {
        let world = World::new();
        let mut keeper = Keeper::new(&world);
        world.fail("post-environment", fault);
        let actions = vec![create_environment("e", "E", unprotected()), mint_planned("m", "e")];
        let report = world.apply(&plan(actions), &mut keeper).await;
        let why = assert_in_doubt(&report, E);
        assert!(why.contains(seen), "{why}");
        assert_not_started(&report, "key.e.m");
        assert!(keeper.sealed.environments.is_empty());
        assert_eq!(world.writes().len(), 1, "never sent twice");
    }
}

#[tokio::test]
async fn an_environment_is_updated_as_the_plan_saw_it_or_not_at_all() {
    let (world, mut keeper) = start(true);
    assert_done(&run(&world, &mut keeper, describe()).await, E);
    assert_eq!(live(&world).unwrap().description, "d");
    assert_eq!(keeper.sealed.environments[0].applied.description.as_deref(), Some("d"));
    let (world, mut keeper) = start(true);
    world.lock().environments.get_mut(&environment_id("hcxen_e")).unwrap().description = "theirs".into();
    assert_failed(&run(&world, &mut keeper, describe()).await, E, Cause::Changed);
    assert_eq!(world.writes(), []);
}

#[tokio::test]
async fn an_empty_unprotected_environment_is_deleted() {
    let (world, mut keeper) = start(false);
    record(&mut keeper, "key.e.x", "hcxlk_x", KeyState::Deleted);
    // A lagging listing still shows a key that is known to be deleted.
    world.lock().put_key("hcxlk_x", "hcxen_e", "x", true);
    assert_done(&run(&world, &mut keeper, delete()).await, E);
    assert_eq!(live(&world), None);
    assert!(keeper.sealed.environments.is_empty());
}

#[tokio::test]
async fn an_environment_that_is_protected_or_holds_a_key_is_not_deleted() {
    let (world, mut keeper) = start(true);
    assert_failed(&run(&world, &mut keeper, delete()).await, E, Cause::Changed);
    assert_eq!(world.writes(), []);
    let (world, mut keeper) = start(false);
    world.lock().put_key("hcxlk_theirs", "hcxen_e", "theirs", true);
    let why = assert_failed(&run(&world, &mut keeper, delete()).await, E, Cause::Changed);
    assert!(why.contains("1 key"), "{why}");
    assert_eq!(world.writes(), []);
}

#[tokio::test]
async fn an_environment_taken_for_gone_is_forgotten_only_when_it_is_and_never_deleted() {
    let forget = || action(E, Verb::Delete, Step::ForgetEnvironment { id: environment_id("hcxen_e") });
    let (world, mut keeper) = start(false);
    assert_failed(&run(&world, &mut keeper, forget()).await, E, Cause::Changed);
    assert!(live(&world).is_some() && keeper.sealed.environments.len() == 1);
    world.lock().environments.clear();
    assert_done(&run(&world, &mut keeper, forget()).await, E);
    assert!(keeper.sealed.environments.is_empty());
    assert!(!world.log().iter().any(|event| matches!(event, Event::DeleteEnvironment { .. })));
}

#[tokio::test]
async fn s8_an_environment_that_the_record_does_not_have_is_never_written() {
    let (world, _) = start(false);
    let mut keeper = Keeper::new(&world);
    for action in [delete(), describe()] {
        assert_failed(&run(&world, &mut keeper, action).await, E, Cause::Changed);
    }
    assert_eq!(world.writes(), []);
}
