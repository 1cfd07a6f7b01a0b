//! A run that is held to what was approved: what is not in every way as it was is left alone, and it is remembered what was
//! carried out.

use std::time::Duration;

use keycomb::apply::{Bound, Home, Silent, apply_bound};
use keycomb::model::{KeyState, Live, LiveKey, Permission, PlanDigest, Record, digest_of};
use keycomb::plan::{Action, Plan, expected};
use keycomb::report::{Cause, Report};

use crate::plans::{assert_done, assert_failed, delete, key_id, managed, plan, retire, update, was};
use crate::world::{Event, Fault, Keeper, World, at, seal_settings};

const A: &str = "key.production.a";
const B: &str = "key.production.b";

fn start() -> (World, Keeper) {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    managed(&mut keeper, A, "hcxlk_a", KeyState::Live, false);
    managed(&mut keeper, B, "hcxlk_b", KeyState::Live, false);
    (world, keeper)
}

fn grant(at: &str, id: &str) -> Action {
    let action = was(update(at, id, None, &[Permission::ManageSlos], None), "permissions", "run_queries");
    Action { id: Some(id.to_owned()), ..action }
}

fn of(action: Action, id: &str) -> Action {
    Action { id: Some(id.to_owned()), ..action }
}

/// As the service is at this moment.
fn bound(world: &World, plan: &Plan) -> Bound {
    let inner = world.lock();
    let live = Live {
        environments: inner.environments.values().cloned().collect(),
        keys: inner.keys.values().cloned().collect(),
        now: at(0),
    };
    Bound { plan: Some(sha256()), objects: expected(plan, &live) }
}

fn sha256() -> PlanDigest {
    digest_of("a plan")
}

async fn run(world: &World, keeper: &mut Keeper, plan: &Plan, bound: &Bound) -> Report {
    apply_bound(bound, Home::Disk, plan, &seal_settings(), (world, world), keeper, world, &Silent).await
}

fn edit(world: &World, edit: impl Fn(&mut LiveKey)) {
    edit(world.lock().keys.get_mut(&key_id("hcxlk_a")).unwrap());
}

#[tokio::test]
async fn whatever_is_otherwise_just_before_the_write_stops_that_action_alone() {
    type Theirs = fn(&mut LiveKey);
    let theirs: [(&str, Theirs); 3] = [
        // Nothing that the plan changes, so that a plan alone would not notice.
        ("other attributes", |key| key.name = "theirs".into()),
        ("other attributes", |key| _ = key.unknown_permissions.insert("new".into(), true)),
        ("was changed at", |key| key.updated = Some(at(99_000))),
    ];
    for (why, change) in theirs {
        for action in [grant(A, "hcxlk_a"), of(retire(A, "hcxlk_a"), "hcxlk_a")] {
            let (world, mut keeper) = start();
            let plan = plan(vec![action, grant(B, "hcxlk_b")]);
            let bound = bound(&world, &plan);
            edit(&world, change);
            let report = run(&world, &mut keeper, &plan, &bound).await;
            let told = assert_failed(&report, A, Cause::Changed);
            assert!(told.contains(why), "{told}");
            assert_done(&report, B);
            assert_eq!(world.writes().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_key_that_was_touched_is_not_deleted() {
    let (world, mut keeper) = start();
    keeper.sealed.keys.clear();
    managed(&mut keeper, A, "hcxlk_a", KeyState::Disabled, true);
    // Past its quarantine.
    world.lock().clock += Duration::from_secs(20 * 86_400);
    let plan = plan(vec![of(delete(A, "hcxlk_a"), "hcxlk_a")]);
    let bound = bound(&world, &plan);
    edit(&world, |key| key.name = "theirs".into());
    let told = assert_failed(&run(&world, &mut keeper, &plan, &bound).await, A, Cause::Changed);
    assert!(told.contains("other attributes"), "{told}");
    assert_eq!(world.writes(), []);
    edit(&world, |key| key.name = "hcxlk_a".into());
    assert_done(&run(&world, &mut keeper, &plan, &bound).await, A);
}

fn remembered(keeper: &Keeper) -> Option<bool> {
    keeper.sealed.applied_plan(&sha256()).map(|plan| plan.complete)
}

#[tokio::test]
async fn it_is_remembered_before_the_first_write_and_complete_after_the_last() {
    let (world, mut keeper) = start();
    let plan = plan(vec![grant(A, "hcxlk_a"), grant(B, "hcxlk_b")]);
    let bound = bound(&world, &plan);
    let report = run(&world, &mut keeper, &plan, &bound).await;
    assert_done(&report, A);
    assert_eq!(remembered(&keeper), Some(true));
    let is_mark =
        |event: &Event| matches!(event, Event::Appended(Record::AppliedPlan { plan }) if !plan.complete);
    let is_end =
        |event: &Event| matches!(event, Event::Appended(Record::AppliedPlan { plan }) if plan.complete);
    let first = world.place(|event| world.writes().contains(event));
    assert!(world.place(is_mark) < first && first < world.place(is_end), "{:?}", world.log());
}

#[tokio::test]
async fn what_is_not_all_done_stays_open() {
    let (world, mut keeper) = start();
    let plan = plan(vec![grant(A, "hcxlk_a"), grant(B, "hcxlk_b")]);
    let bound = bound(&world, &plan);
    world.fail("patch", Fault::LostRequest);
    run(&world, &mut keeper, &plan, &bound).await;
    assert_eq!(remembered(&keeper), Some(false));
    // Nothing is left: what was lost arrived after all.
    let empty = Plan { actions: vec![], ..plan };
    run(&world, &mut keeper, &empty, &bound).await;
    assert_eq!(remembered(&keeper), Some(true));
}

#[tokio::test]
async fn a_plan_without_work_is_not_remembered() {
    let (world, mut keeper) = start();
    let plan = plan(vec![]);
    let bound = bound(&world, &plan);
    run(&world, &mut keeper, &plan, &bound).await;
    assert_eq!(remembered(&keeper), None);
}

/// Nothing of it is for this home, and the record is tidied all the same.
#[tokio::test]
async fn a_plan_whose_work_is_for_another_home_is_begun() {
    let (world, mut keeper) = start();
    let plan = plan(vec![grant(A, "hcxlk_a")]);
    let bound = bound(&world, &plan);
    let seal = seal_settings();
    let ports = (&world, &world);
    apply_bound(&bound, Home::Staged, &plan, &seal, ports, &mut keeper, &world, &Silent).await;
    assert_eq!((remembered(&keeper), world.writes().len()), (Some(false), 0));
    apply_bound(&bound, Home::Elsewhere, &plan, &seal, ports, &mut keeper, &world, &Silent).await;
    assert_eq!((remembered(&keeper), world.writes().len()), (Some(true), 1));
}

#[tokio::test]
async fn what_cannot_be_remembered_is_not_begun() {
    let (world, mut keeper) = start();
    let plan = plan(vec![grant(A, "hcxlk_a")]);
    let bound = bound(&world, &plan);
    keeper.fail_append = Some(0);
    run(&world, &mut keeper, &plan, &bound).await;
    assert_eq!(world.writes(), []);
}
