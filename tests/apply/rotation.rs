//! A key that gets its successor, and goes after it.

use keycomb::model::{KeyProof, KeyState, Permission};
use keycomb::plan::{Action, Predecessor, Step, Verb};
use keycomb::report::Cause;

use crate::plans::{assert_done, assert_failed, key_id, managed, mint, plan, release, retire};
use crate::world::{Keeper, World};

const A: &str = "key.production.a";
const OLD: &str = "hcxlk_old";

/// A world in which generation 1 of the address works.
fn start() -> (World, Keeper) {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    managed(&mut keeper, A, OLD, KeyState::Live, false);
    // Both have the name that is declared.
    world.lock().keys.get_mut(&key_id(OLD)).unwrap().name = "a".into();
    (world, keeper)
}

/// Mints its second generation, in place of these.
fn second(succeeds: &[&str]) -> Action {
    let mut action = Action { verb: Verb::Rotate, generation: Some(2), ..mint("a") };
    let Step::MintKey(mint) = &mut action.step else { panic!() };
    mint.generation = 2;
    let of =
        |id: &&str| Predecessor { address: A.parse().unwrap(), id: key_id(id), generation: 1, until: None };
    mint.succeeds = succeeds.iter().map(of).collect();
    action
}

fn superseded() -> Action {
    let mut action = retire(A, OLD);
    action.step = Step::RetireKey { id: key_id(OLD), successor: Some(key_id("hcxlk_new")) };
    action
}

#[tokio::test]
async fn a_successor_is_made_beside_the_key_that_the_plan_says_it_succeeds_and_beside_no_other() {
    let (world, mut keeper) = start();
    assert_done(&world.apply(&plan(vec![second(&[OLD])]), &mut keeper).await, A);
    let generations: Vec<_> = keeper.sealed.keys.iter().map(|k| (k.generation, k.state)).collect();
    assert_eq!(generations, [(1, KeyState::Live), (2, KeyState::Live)]);
    assert_eq!(keeper.sealed.keys[1].proof, Some(KeyProof::Accepted));
    assert!(world.lock().keys.values().all(|key| !key.disabled));
    // It is in nobody's way, and nothing of it was written.
    assert!(!world.writes().iter().any(|event| format!("{event:?}").contains(OLD)), "{:?}", world.writes());

    let (world, mut keeper) = start();
    let why = assert_failed(&world.apply(&plan(vec![second(&[])]), &mut keeper).await, A, Cause::Changed);
    assert!(why.contains(OLD), "{why}");
    assert_eq!(world.writes(), []);
}

#[tokio::test]
async fn a_successor_that_was_cut_off_is_released_beside_the_key_that_it_succeeds() {
    let old = Predecessor { address: A.parse().unwrap(), id: key_id(OLD), generation: 1, until: None };
    for succeeds in [vec![old], vec![]] {
        let (world, mut keeper) = start();
        world.lock().before("patch", 0, |inner| inner.stopping = true);
        for _ in 0..9 {
            world.fail("patch", crate::world::Fault::Status(503));
        }
        let report = world.apply(&plan(vec![second(&[OLD])]), &mut keeper).await;
        assert_failed(&report, A, Cause::Unconfirmed);
        let id = keeper.sealed.keys[1].id.clone();
        keeper.sealed.keys[1].state = KeyState::Provisional;
        world.lock().stopping = false;
        world.lock().faults.clear();
        let mut action = release(A, id.as_str());
        action.generation = Some(2);
        let is_told = !succeeds.is_empty();
        action.step = Step::ReleaseKey { id, enabled: true, succeeds };
        let report = world.apply(&plan(vec![action]), &mut keeper).await;
        match is_told {
            true => assert_done(&report, A),
            false => drop(assert_failed(&report, A, Cause::Changed)),
        }
        assert!(!world.lock().keys[&key_id(OLD)].disabled);
    }
}

/// S6: between the plan and the word of the person who confirms it anything may happen.
#[tokio::test]
async fn s6_the_old_key_does_not_stop_unless_its_successor_works_at_that_moment() {
    for (disabled, gone) in [(false, false), (true, false), (false, true)] {
        let (world, mut keeper) = start();
        managed(&mut keeper, A, "hcxlk_new", KeyState::Live, disabled);
        if gone {
            world.lock().keys.remove(&key_id("hcxlk_new"));
        }
        let report = world.apply(&plan(vec![superseded()]), &mut keeper).await;
        if disabled || gone {
            let why = assert_failed(&report, A, Cause::Changed);
            assert!(why.contains("its successor `hcxlk_new`"), "{why}");
            assert_eq!(world.writes(), []);
        } else {
            assert_done(&report, A);
        }
        assert_eq!(world.lock().keys[&key_id(OLD)].disabled, !disabled && !gone);
    }
}

#[tokio::test]
async fn a_credential_that_is_refused_is_remembered_and_one_that_could_not_be_tried_is_not_taken_for_it() {
    let (world, mut keeper) = start();
    world.lock().refuses_proofs = 999;
    assert_failed(&world.apply(&plan(vec![second(&[OLD])]), &mut keeper).await, A, Cause::Unconfirmed);
    let entry = &keeper.sealed.keys[1];
    assert_eq!((entry.state, entry.proof), (KeyState::Releasing, Some(KeyProof::Refused)));

    let (world, mut keeper) = start();
    for _ in 0..99 {
        world.fail("prove", crate::world::Fault::Status(500));
    }
    assert_failed(&world.apply(&plan(vec![second(&[OLD])]), &mut keeper).await, A, Cause::Unconfirmed);
    assert_eq!(keeper.sealed.keys[1].proof, None);
}

#[tokio::test]
async fn a_credential_must_have_the_permissions_of_its_key() {
    for (granted, is_fine) in [(true, true), (false, false)] {
        let (world, mut keeper) = start();
        world.lock().proves_permissions =
            [(Permission::RunQueries, granted), (Permission::SendEvents, false)].into();
        let report = world.apply(&plan(vec![second(&[OLD])]), &mut keeper).await;
        match is_fine {
            true => assert_done(&report, A),
            false => {
                let why = assert_failed(&report, A, Cause::Unconfirmed);
                assert!(why.contains("`run_queries`") && !why.contains("send_events"), "{why}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_made_in_the_place_of_a_key_in_another_environment_says_so_in_its_entry() {
    let (world, mut keeper) = start();
    let elsewhere = "key.staging.a".parse().unwrap();
    let mut action = second(&[OLD]);
    let Step::MintKey(mint) = &mut action.step else { panic!() };
    mint.succeeds.push(Predecessor {
        address: elsewhere,
        id: key_id("hcxlk_far"),
        generation: 1,
        until: None,
    });
    assert_done(&world.apply(&plan(vec![action]), &mut keeper).await, A);
    assert_eq!(
        keeper.sealed.keys[1].in_place_of,
        [key_id("hcxlk_far")],
        "its own generations are known by number"
    );
}
