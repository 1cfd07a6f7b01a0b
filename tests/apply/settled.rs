//! What earlier runs left behind: late, quarantined, arrived and vanished keys.

use std::time::Duration;

use keycomb::model::{KeyState, Permission, Record};
use keycomb::plan::{Action, Step};
use keycomb::report::{Cause, Report};

use crate::plans::{
    assert_done, assert_failed, key_id, managed, mint, mint_planned, plan, record, remembered, retire,
    update, was,
};
use crate::world::{Event, Fault, Keeper, World, at};

const A: &str = "key.production.a";
const LATE: u64 = 20 * 60 + 1;

async fn run(world: &World, keeper: &mut Keeper, action: Action) -> Report {
    world.apply(&plan(vec![action]), keeper).await
}

/// A key whose release was begun, and shows as arrived so many seconds after it was made; a day has passed.
fn arrived(after: u64) -> (World, Keeper) {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    managed(&mut keeper, A, "hcxlk_a", KeyState::Releasing, false);
    let mut inner = world.lock();
    inner.keys.get_mut(&key_id("hcxlk_a")).unwrap().updated = Some(at(i64::try_from(after).unwrap()));
    inner.clock = Duration::from_secs(86_400);
    drop(inner);
    (world, keeper)
}

fn successor() -> Action {
    let mut action = mint("a");
    let Step::MintKey(mint) = &mut action.step else { unreachable!() };
    mint.generation = 2;
    action
}

#[tokio::test]
async fn a_key_that_was_released_late_is_not_in_its_successors_way() {
    let (world, mut keeper) = arrived(LATE);
    assert_done(&run(&world, &mut keeper, successor()).await, A);
    assert_done(&run(&world, &mut keeper, retire(A, "hcxlk_a")).await, A);
    assert_eq!(keeper.sealed.key(&key_id("hcxlk_a")).unwrap().state, KeyState::Disabled);
    let (world, mut keeper) = arrived(LATE - 1);
    assert_failed(&run(&world, &mut keeper, successor()).await, A, Cause::Changed);
}

#[tokio::test]
async fn a_key_in_quarantine_is_in_nobodys_way_unless_it_works() {
    for (disabled, is_free) in [(true, true), (false, false)] {
        let world = World::new();
        let mut keeper = Keeper::new(&world);
        managed(&mut keeper, A, "hcxlk_a", KeyState::Disabled, disabled);
        world.lock().keys.get_mut(&key_id("hcxlk_a")).unwrap().name = "a".into();
        let report = run(&world, &mut keeper, successor()).await;
        if is_free {
            assert_done(&report, A);
        } else {
            assert_failed(&report, A, Cause::Changed);
        }
    }
}

/// Only the record changes, or a permission too.
fn updates() -> [Action; 2] {
    let granted = [Permission::RunQueries, Permission::SendEvents];
    let mut only_recorded = update(A, "hcxlk_a", None, &[], None);
    let Step::UpdateKey { applied, remember, .. } = &mut only_recorded.step else { unreachable!() };
    applied.permissions = [Permission::RunQueries].into();
    *remember = keycomb::plan::Remembered { owner: Some("team".into()), ..remembered() };
    [only_recorded, was(update(A, "hcxlk_a", None, &granted, None), "permissions", "run_queries")]
}

#[tokio::test]
async fn a_release_that_arrived_is_read_and_recorded_before_anything_is_changed() {
    for action in updates() {
        let (world, mut keeper) = arrived(LATE - 1);
        assert_done(&run(&world, &mut keeper, action).await, A);
        assert_eq!(world.log()[0], Event::Read("get hcxlk_a".into()));
        let Some(Record::Key { key }) = world.records().first().cloned() else {
            panic!("{:?}", world.records())
        };
        assert_eq!((key.state, key.applied.permissions), (KeyState::Live, [Permission::RunQueries].into()));
        // An overlap is for those who take it up, and nobody could before the record said that it works.
        assert_eq!(key.since, at(86_400));
        assert_eq!(keeper.sealed.keys[0].state, KeyState::Live);
    }
    // Else a change whose answer is lost would make it look late.
    let [_, change] = updates();
    let (world, mut keeper) = arrived(LATE - 1);
    world.fail("patch", Fault::LostRequest);
    run(&world, &mut keeper, change).await;
    assert_eq!(keeper.sealed.keys[0].state, KeyState::Live);
}

#[tokio::test]
async fn a_release_that_arrived_late_or_not_is_not_recorded_as_live() {
    for action in updates() {
        let (world, mut keeper) = arrived(LATE);
        assert_failed(&run(&world, &mut keeper, action.clone()).await, A, Cause::Unconfirmed);
        assert_eq!((world.writes(), world.records()), (vec![], vec![]));
        let (world, mut keeper) = arrived(LATE - 1);
        let mark = keycomb::model::Provisional::new(
            &keeper.sealed.lineage,
            &crate::plans::address(A),
            crate::world::nonce(700),
        );
        {
            let mut inner = world.lock();
            let key = inner.keys.get_mut(&key_id("hcxlk_a")).unwrap();
            (key.name, key.disabled) = (mark.name(), true);
        }
        assert_failed(&run(&world, &mut keeper, action).await, A, Cause::Changed);
        assert_eq!((world.writes(), world.records()), (vec![], vec![]));
    }
}

/// The state of the entry of a key that is gone, after an apply that had something else to do.
async fn after_an_apply(state: KeyState, age: u64) -> Option<KeyState> {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    record(&mut keeper, A, "hcxlk_gone", state);
    world.lock().clock = Duration::from_secs(age);
    world.apply(&plan(vec![mint("b")]), &mut keeper).await;
    keeper.sealed.key(&key_id("hcxlk_gone")).map(|entry| entry.state)
}

#[tokio::test]
async fn entries_of_vanished_keys_leave_the_record() {
    const HOUR: u64 = 3600;
    for (state, age, left) in [
        (KeyState::Provisional, HOUR, None),
        (KeyState::Dropping, HOUR, None),
        (KeyState::Releasing, HOUR, Some(KeyState::Deleted)),
        // Its minting may not be over, and the service may lag.
        (KeyState::Provisional, HOUR - 1, Some(KeyState::Provisional)),
        (KeyState::Releasing, HOUR - 1, Some(KeyState::Releasing)),
        // Nothing has taken its place.
        (KeyState::Live, HOUR, Some(KeyState::Live)),
        (KeyState::Disabled, HOUR, Some(KeyState::Disabled)),
        (KeyState::Deleted, 25 * HOUR, None),
    ] {
        assert_eq!(after_an_apply(state, age).await, left, "{state:?} after {age} s");
    }
}

#[tokio::test]
async fn entries_of_keys_that_are_there_stay() {
    for state in [KeyState::Provisional, KeyState::Dropping, KeyState::Releasing, KeyState::Deleted] {
        let world = World::new();
        let mut keeper = Keeper::new(&world);
        managed(&mut keeper, A, "hcxlk_a", state, true);
        world.lock().clock = Duration::from_secs(3 * 86_400);
        world.apply(&plan(vec![mint("b")]), &mut keeper).await;
        assert_eq!(keeper.sealed.key(&key_id("hcxlk_a")).unwrap().state, state);
    }
}

#[tokio::test]
async fn a_superseded_key_that_is_gone_is_recorded_as_deleted_if_its_successor_is_there() {
    for (state, is_there) in [(KeyState::Live, true), (KeyState::Disabled, true), (KeyState::Live, false)] {
        let world = World::new();
        let mut keeper = Keeper::new(&world);
        record(&mut keeper, A, "hcxlk_old", state);
        record(&mut keeper, A, "hcxlk_new", KeyState::Live);
        keeper.sealed.keys[1].generation = 2;
        if is_there {
            world.lock().put_key("hcxlk_new", "hcxen_p", "a", false);
        }
        world.apply(&plan(vec![mint_planned("b", "nowhere")]), &mut keeper).await;
        let expected = if is_there { KeyState::Deleted } else { state };
        assert_eq!(keeper.sealed.keys[0].state, expected);
        assert_eq!(keeper.sealed.keys[1].state, KeyState::Live);
        assert_eq!(world.writes(), []);
    }
}
