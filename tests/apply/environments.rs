//! Environments made, changed and deleted.

use keycomb::model::{Color, EnvironmentAttributes, KeyState, Lineage, LiveEnvironment, Provisional, Record};
use keycomb::plan::{Action, Step, Verb};
use keycomb::report::{Cause, Report};

use crate::plans::{
    action, address, assert_done, assert_failed, assert_in_doubt, assert_not_started, create_environment,
    environment_id, mint_planned, plan, record, record_environment, was,
};
use crate::world::{Event, Fault, Keeper, World, nonce};

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
    let left = EnvironmentAttributes { description: Some("d".into()), ..unprotected() };
    assert_eq!(change, &left, "its description in place of the mark, and what the creation could not set");
    assert!(keeper.sealed.intents.is_empty());
    assert_eq!(keeper.sealed.environments[0].applied, attributes);
}

#[tokio::test]
async fn the_mark_of_an_environment_goes_where_no_description_is_managed() {
    let world = World::new();
    let attributes =
        EnvironmentAttributes { delete_protected: Some(true), ..EnvironmentAttributes::default() };
    let mut keeper = Keeper::new(&world);
    assert_done(&run(&world, &mut keeper, create_environment("e", "E", attributes.clone())).await, E);
    assert_eq!(world.writes().len(), 2);
    assert_eq!(world.lock().environments[&environment_id("hcxen_made1")].description, "");
    assert_eq!(keeper.sealed.environments[0].applied, attributes);
}

#[tokio::test]
async fn an_environment_is_asked_for_with_a_mark_that_is_written_down_first() {
    let world = World::new();
    world.fail("post-environment", Fault::LostAnswer);
    world.fail("list-environments", Fault::Status(500));
    let mut keeper = Keeper::new(&world);
    assert_in_doubt(&run(&world, &mut keeper, create_environment("e", "E", unprotected())).await, E);
    let intent = world.place(|e| matches!(e, Event::Appended(Record::Intent { .. })));
    assert!(intent < world.place(|e| matches!(e, Event::PostEnvironment { .. })));
    let made = world.lock().environments[&environment_id("hcxen_made1")].clone();
    let mark = Provisional::parse(&made.description).unwrap();
    assert!(mark.is_of(&keeper.sealed.lineage) && mark.is_for(&address(E)));
    assert_eq!(keeper.sealed.intents[0].nonce, mark.nonce);

    // The next apply finds it.
    let again = Action { id: Some("hcxen_made1".into()), ..create_environment("e", "E", unprotected()) };
    assert_done(&run(&world, &mut keeper, again).await, E);
    let posts = world.writes().iter().filter(|e| matches!(e, Event::PostEnvironment { .. })).count();
    assert_eq!(posts, 1);
    assert_eq!(world.lock().environments[&made.id].description, "");
    assert!(keeper.sealed.intents.is_empty() && keeper.sealed.environments[0].id == made.id);
}

#[tokio::test]
async fn an_environment_that_lost_its_mark_is_somebody_elses() {
    let world = World::new();
    world.lock().put_environment("hcxen_e", "E", true);
    let foreign = Provisional::new(&Lineage::new("zzzzzzzzzzzzzzzz").unwrap(), &address(E), nonce(1)).name();
    let ours = Lineage::new(crate::world::LINEAGE).unwrap();
    let elsewhere = Provisional::new(&ours, &address("environment.other"), nonce(1)).name();
    for description in [String::new(), foreign, elsewhere] {
        world.lock().environments.get_mut(&environment_id("hcxen_e")).unwrap().description = description;
        let mut keeper = Keeper::new(&world);
        let begun = Action { id: Some("hcxen_e".into()), ..create_environment("e", "E", unprotected()) };
        assert_failed(&run(&world, &mut keeper, begun).await, E, Cause::Changed);
        assert_eq!((world.writes(), keeper.sealed.environments), (vec![], vec![]));
    }
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
    for fault in [Fault::LostAnswer, Fault::LostRequest] {
        let world = World::new();
        let mut keeper = Keeper::new(&world);
        world.fail("post-environment", fault);
        let actions = vec![create_environment("e", "E", unprotected()), mint_planned("m", "e")];
        let report = world.apply(&plan(actions), &mut keeper).await;
        if fault == Fault::LostAnswer {
            assert_done(&report, E);
            assert_done(&report, "key.e.m");
        } else {
            let why = assert_in_doubt(&report, E);
            assert!(why.contains("no such environment"), "{why}");
            assert_not_started(&report, "key.e.m");
            assert!(keeper.sealed.environments.is_empty());
        }
        let posts = world.writes().iter().filter(|e| matches!(e, Event::PostEnvironment { .. })).count();
        assert_eq!(posts, 1, "never sent twice");
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
