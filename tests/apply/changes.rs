//! Updates, disables and deletions of keys.

use std::time::Duration;

use keycomb::model::{KeyId, KeyState, LiveKey, Permission, Record};
use keycomb::plan::{Action, Step};
use keycomb::report::{Became, Cause, Report};

use crate::plans::{
    assert_done, assert_failed, assert_in_doubt, became, delete, key_id, managed, plan, record, retire,
    update, was,
};
use crate::world::{Event, Fault, Keeper, World, at};

const A: &str = "key.production.a";
const FORTNIGHT: u64 = 14 * 86_400;

fn start(state: KeyState, disabled: bool) -> (World, Keeper) {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    managed(&mut keeper, A, "hcxlk_a", state, disabled);
    (world, keeper)
}

async fn run(world: &World, keeper: &mut Keeper, action: Action) -> Report {
    world.apply(&plan(vec![action]), keeper).await
}

fn live(world: &World) -> LiveKey {
    world.lock().keys[&key_id("hcxlk_a")].clone()
}

fn grant() -> Action {
    let granted = [Permission::RunQueries, Permission::ManageSignals];
    was(update(A, "hcxlk_a", Some("new"), &granted, None), "permissions", "run_queries")
}

#[tokio::test]
async fn an_update_reads_afresh_sends_once_and_records() {
    let (world, mut keeper) = start(KeyState::Live, false);
    assert_done(&run(&world, &mut keeper, grant()).await, A);
    assert_eq!(world.log()[0], Event::Read("get hcxlk_a".into()));
    assert_eq!(world.writes().len(), 1);
    let entry = &keeper.sealed.keys[0];
    assert_eq!(entry.name, "new");
    assert_eq!(entry.applied.permissions, [Permission::RunQueries, Permission::ManageSignals].into());
    assert_eq!(entry.sealed.as_deref(), Some("armor"), "its secret never changes");
}

#[tokio::test]
async fn a_permission_that_the_service_ignores_is_a_mismatch_and_recorded_as_it_is() {
    let (world, mut keeper) = start(KeyState::Live, false);
    world.lock().drops = [Permission::ManageSignals].into();
    let why = assert_failed(&run(&world, &mut keeper, grant()).await, A, Cause::Mismatch);
    assert!(why.contains("permissions") && !why.contains("name"), "{why}");
    let entry = &keeper.sealed.keys[0];
    assert_eq!((entry.name.as_str(), &entry.applied.permissions), ("new", &[Permission::RunQueries].into()));
}

#[tokio::test]
async fn what_changed_since_the_plan_is_not_overwritten() {
    type Theirs = fn(&mut LiveKey);
    let theirs: [(Theirs, Action); 3] = [
        (|k| _ = k.permissions.insert(Permission::SendEvents), grant()),
        (|k| k.name = "theirs".into(), was(update(A, "hcxlk_a", Some("new"), &[], None), "name", "hcxlk_a")),
        (|k| k.disabled = true, retire(A, "hcxlk_a")),
    ];
    for (change, action) in theirs {
        let (world, mut keeper) = start(KeyState::Live, false);
        change(world.lock().keys.get_mut(&key_id("hcxlk_a")).unwrap());
        assert_failed(&run(&world, &mut keeper, action).await, A, Cause::Changed);
        assert_eq!((world.writes(), world.records()), (vec![], vec![]));
    }
}

#[tokio::test]
async fn a_key_that_is_gone_is_not_updated() {
    let (world, mut keeper) = start(KeyState::Live, false);
    world.lock().keys.clear();
    for action in [grant(), retire(A, "hcxlk_a")] {
        assert_failed(&run(&world, &mut keeper, action).await, A, Cause::Changed);
    }
    assert_eq!(world.writes(), []);
}

#[tokio::test]
async fn s8_what_the_record_does_not_have_is_never_written() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    world.lock().put_key("hcxlk_a", "hcxen_p", "theirs", true);
    record(&mut keeper, "key.production.other", "hcxlk_o", KeyState::Live);
    for action in [grant(), retire(A, "hcxlk_a"), delete(A, "hcxlk_a"), delete(A, "hcxlk_o")] {
        assert_failed(&run(&world, &mut keeper, action).await, A, Cause::Changed);
    }
    assert_eq!(world.writes(), []);
}

#[tokio::test]
async fn a_lost_answer_is_looked_up() {
    let (world, mut keeper) = start(KeyState::Live, false);
    world.fail("patch", Fault::LostAnswer);
    assert_done(&run(&world, &mut keeper, grant()).await, A);
    assert_eq!(keeper.sealed.keys[0].name, "new");
    let (world, mut keeper) = start(KeyState::Live, false);
    world.fail("patch", Fault::LostRequest);
    assert_in_doubt(&run(&world, &mut keeper, grant()).await, A);
    assert_eq!((keeper.sealed.keys[0].name.as_str(), world.writes().len()), ("hcxlk_a", 1));
}

#[tokio::test]
async fn a_change_of_the_record_alone_sends_nothing() {
    let (world, mut keeper) = start(KeyState::Live, false);
    let mut action = update(A, "hcxlk_a", None, &[], None);
    let Step::UpdateKey { remember, .. } = &mut action.step else { unreachable!() };
    remember.owner = Some("team".into());
    remember.protected = true;
    assert_done(&run(&world, &mut keeper, action).await, A);
    assert!(world.log().iter().all(|e| matches!(e, Event::Appended(_) | Event::Folded)));
    let entry = &keeper.sealed.keys[0];
    assert_eq!((entry.owner.as_deref(), entry.protected), (Some("team"), true));
}

#[tokio::test]
async fn a_retired_key_is_disabled_and_its_quarantine_begins() {
    let (world, mut keeper) = start(KeyState::Live, false);
    world.lock().clock = Duration::from_secs(500);
    assert_done(&run(&world, &mut keeper, retire(A, "hcxlk_a")).await, A);
    let entry = &keeper.sealed.keys[0];
    assert_eq!((entry.state, entry.since, entry.applied.enabled), (KeyState::Disabled, at(500), false));
    assert!(live(&world).disabled);
}

#[tokio::test]
async fn a_key_that_was_disabled_already_starts_its_quarantine_now() {
    let (world, mut keeper) = start(KeyState::Live, true);
    world.lock().clock = Duration::from_secs(500);
    let action = Action { changes: vec![], ..retire(A, "hcxlk_a") };
    assert_done(&run(&world, &mut keeper, action).await, A);
    assert_eq!(keeper.sealed.keys[0].since, at(500));
}

#[tokio::test]
async fn a_key_that_was_never_released_is_not_updated() {
    for state in [KeyState::Provisional, KeyState::Dropping, KeyState::Deleted] {
        let (world, mut keeper) = start(state, true);
        if state == KeyState::Provisional {
            // Under its final name it would be one that a copy of the record has released.
            world.lock().keys.values_mut().for_each(|key| key.name = "keycomb-pending.x".into());
        }
        for action in [update(A, "hcxlk_a", None, &[], Some(true)), update(A, "hcxlk_a", None, &[], None)] {
            assert_failed(&run(&world, &mut keeper, action).await, A, Cause::Changed);
        }
        assert_eq!((world.writes(), world.records()), (vec![], vec![]));
    }
}

#[tokio::test]
async fn enabling_a_retired_key_brings_it_back() {
    let (world, mut keeper) = start(KeyState::Disabled, true);
    let action = was(update(A, "hcxlk_a", None, &[], Some(true)), "enabled", "false");
    assert_done(&run(&world, &mut keeper, action).await, A);
    assert_eq!(keeper.sealed.keys[0].state, KeyState::Live);
    assert!(!live(&world).disabled);
}

#[tokio::test]
async fn a_key_past_its_quarantine_is_deleted_and_its_entry_kept() {
    let (world, mut keeper) = start(KeyState::Disabled, true);
    world.lock().clock = Duration::from_secs(FORTNIGHT);
    assert_done(&run(&world, &mut keeper, delete(A, "hcxlk_a")).await, A);
    assert!(world.lock().keys.is_empty());
    let entry = &keeper.sealed.keys[0];
    assert_eq!((entry.state, entry.since), (KeyState::Deleted, at(i64::try_from(FORTNIGHT).unwrap())));
    assert!(entry.sealed.is_some());
    assert_eq!(world.log().iter().filter(|e| **e == Event::Read("get hcxlk_a".into())).count(), 2);
}

#[tokio::test]
async fn a_retirement_that_was_planned_for_a_key_that_was_off_disables_none_that_works() {
    let (world, mut keeper) = start(KeyState::Live, false);
    let action = Action { changes: vec![], ..retire(A, "hcxlk_a") };
    assert_failed(&run(&world, &mut keeper, action).await, A, Cause::Changed);
    assert!(!live(&world).disabled);
}

#[tokio::test]
async fn a_quarantine_begins_anew_when_somebody_changed_the_key() {
    let (world, mut keeper) = start(KeyState::Disabled, true);
    world.lock().clock = Duration::from_secs(FORTNIGHT);
    let id = KeyId::new("hcxlk_a").unwrap();
    world.lock().keys.get_mut(&id).unwrap().updated = Some(at(500));
    assert_failed(&run(&world, &mut keeper, delete(A, "hcxlk_a")).await, A, Cause::Changed);
    assert!(!world.lock().keys.is_empty());
}

#[tokio::test]
async fn s3_only_what_we_disabled_and_left_for_its_quarantine_is_deleted() {
    for (state, disabled, age) in [
        (KeyState::Live, true, FORTNIGHT),
        (KeyState::Provisional, true, FORTNIGHT),
        (KeyState::Disabled, false, FORTNIGHT),
        (KeyState::Disabled, true, FORTNIGHT - 1),
    ] {
        let (world, mut keeper) = start(state, disabled);
        world.lock().clock = Duration::from_secs(age);
        assert_failed(&run(&world, &mut keeper, delete(A, "hcxlk_a")).await, A, Cause::Changed);
        assert_eq!(world.writes(), []);
    }
}

#[tokio::test]
async fn a_key_that_is_already_gone_counts_as_deleted() {
    let (world, mut keeper) = start(KeyState::Disabled, true);
    world.lock().keys.clear();
    let report = run(&world, &mut keeper, delete(A, "hcxlk_a")).await;
    assert!(matches!(became(&report, A), Became::Done { note: Some(_) }));
    assert_eq!(world.writes(), []);
    assert_eq!(keeper.sealed.keys[0].state, KeyState::Deleted);
}

#[tokio::test]
async fn a_deletion_without_an_answer_is_looked_up() {
    for (fault, is_done) in [(Fault::LostAnswer, true), (Fault::LostRequest, false)] {
        let (world, mut keeper) = start(KeyState::Disabled, true);
        world.lock().clock = Duration::from_secs(FORTNIGHT);
        world.fail("delete", fault);
        let report = run(&world, &mut keeper, delete(A, "hcxlk_a")).await;
        let state = keeper.sealed.keys[0].state;
        if is_done {
            assert_done(&report, A);
            assert_eq!(state, KeyState::Deleted);
        } else {
            assert_in_doubt(&report, A);
            assert_eq!(state, KeyState::Disabled);
        }
    }
}

#[tokio::test]
async fn what_changes_the_record_alone_sends_nothing_and_comes_before_all_else() {
    let (world, mut keeper) = start(KeyState::Live, false);
    let to = "key.production.b";
    let mut moved = update(to, "hcxlk_a", None, &[], None);
    moved.verb = keycomb::plan::Verb::Move;
    let relocated = keeper.sealed.relocated(&A.parse().unwrap(), &to.parse().unwrap());
    moved.step = Step::Record(vec![relocated]);
    // Planned for the record as it is after the move, whatever the order of the two.
    let mut granted = grant();
    granted.address = to.parse().unwrap();
    let report = world.apply(&plan(vec![granted, moved]), &mut keeper).await;
    assert!(report.outcomes.iter().all(|o| matches!(o.became, Became::Done { .. })), "{report:?}");
    assert_eq!(keeper.sealed.keys[0].address, to.parse().unwrap());
    let log = world.log();
    let appended = log.iter().position(|e| matches!(e, Event::Appended(Record::Moved { .. }))).unwrap();
    let sent = log.iter().position(Event::is_write).unwrap();
    assert!(appended < sent && log.iter().filter(|e| e.is_write()).count() == 1, "{log:?}");
}

#[tokio::test]
async fn a_run_that_stages_moves_the_record_too() {
    let (world, mut keeper) = start(KeyState::Live, false);
    let mut forgotten = update(A, "hcxlk_a", None, &[], None);
    forgotten.step = Step::Record(vec![Record::Forgotten { id: key_id("hcxlk_a") }]);
    for home in [keycomb::apply::Home::Staged, keycomb::apply::Home::Elsewhere] {
        assert!(home.allows(&forgotten));
    }
    assert_done(&run(&world, &mut keeper, forgotten).await, A);
    assert!(!world.log().iter().any(Event::is_write));
    assert_eq!((keeper.sealed.keys.len(), keeper.sealed.forgotten.len()), (0, 1));
}

#[tokio::test]
async fn what_is_only_remembered_reaches_all_generations_that_were_released() {
    let (world, mut keeper) = start(KeyState::Live, false);
    for (id, state) in [
        ("hcxlk_on", KeyState::Live),
        ("hcxlk_off", KeyState::Disabled),
        ("hcxlk_staged", KeyState::Staged),
        ("hcxlk_over", KeyState::Deleted),
    ] {
        record(&mut keeper, A, id, state);
    }
    record(&mut keeper, "key.production.b", "hcxlk_b", KeyState::Live);
    for entry in &mut keeper.sealed.keys {
        (entry.protected, entry.owner) = (true, Some("before".into()));
    }
    let mut action = update(A, "hcxlk_a", None, &[Permission::RunQueries], None);
    let Step::UpdateKey { remember, .. } = &mut action.step else { panic!() };
    (remember.protected, remember.owner) = (false, Some("after".into()));
    assert_done(&run(&world, &mut keeper, action).await, A);
    let reached: Vec<_> = keeper.sealed.keys.iter().filter(|key| !key.protected).collect();
    assert!(reached.iter().all(|key| key.owner.as_deref() == Some("after")));
    let mut ids: Vec<_> = reached.iter().map(|key| key.id.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["hcxlk_a", "hcxlk_off", "hcxlk_on"]);
}

#[tokio::test]
async fn a_key_that_changed_since_the_plan_lifts_the_protection_of_no_generation() {
    let (world, mut keeper) = start(KeyState::Live, false);
    managed(&mut keeper, A, "hcxlk_on", KeyState::Live, false);
    keeper.sealed.keys.iter_mut().for_each(|entry| entry.protected = true);
    let mut action = grant();
    let Step::UpdateKey { remember, .. } = &mut action.step else { panic!() };
    remember.protected = false;
    world.lock().keys.get_mut(&key_id("hcxlk_a")).unwrap().permissions = [Permission::ManageSlos].into();
    assert_failed(&run(&world, &mut keeper, action.clone()).await, A, Cause::Changed);
    assert!(keeper.sealed.keys.iter().all(|entry| entry.protected));
    world.lock().keys.get_mut(&key_id("hcxlk_a")).unwrap().permissions = [Permission::RunQueries].into();
    assert_done(&run(&world, &mut keeper, action).await, A);
    assert!(keeper.sealed.keys.iter().all(|entry| !entry.protected));
}
