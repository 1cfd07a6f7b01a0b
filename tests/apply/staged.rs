//! Staging: step 8 for a disk that does not last, and the release from a checkout.

use std::time::Duration;

use keycomb::model::{
    EntryDigest, EnvironmentAttributes, Intent, KeyId, KeyState, LiveKey, Provisional, Record, SealedKey,
};
use keycomb::plan::{Action, Step};
use keycomb::report::{Became, Cause, Report};

use crate::plans::{
    address, after, assert_done, assert_failed, became, create_environment, delete, discard, key_id, managed,
    mint, mint_planned, plan, record, release, retire, update,
};
use crate::world::{Event, Fault, Keeper, World, at, nonce};

const A: &str = "key.production.a";
const WEEK: u64 = 7 * 24 * 60 * 60;

fn until() -> keycomb::model::Timestamp {
    at(i64::try_from(WEEK).unwrap())
}

fn live(world: &World, id: &str) -> LiveKey {
    world.lock().keys[&key_id(id)].clone()
}

fn digest(keeper: &Keeper, id: &str) -> EntryDigest {
    keeper.sealed.key(&key_id(id)).unwrap().digest(&keeper.sealed.lineage)
}

fn mark_of(world: &World, id: &str) -> Provisional {
    Provisional::parse(&live(world, id).name).unwrap()
}

fn is_patch(event: &Event) -> bool {
    matches!(event, Event::Patch { .. })
}

fn enabled(world: &World) -> Vec<KeyId> {
    world.lock().keys.values().filter(|key| !key.disabled).map(|key| key.id.clone()).collect()
}

fn releasing(keeper: &Keeper) -> bool {
    keeper.world.records().iter().any(|r| matches!(r, Record::State { state: KeyState::Releasing, .. }))
}

/// A key staged by a run on another disk; what is left of it is the sealed file.
async fn staged() -> (World, Keeper) {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    assert_staged(&world.stage(&plan(vec![mint("a")]), &mut keeper).await, A);
    world.lock().log.clear();
    (world, keeper)
}

#[track_caller]
fn assert_staged(report: &Report, at: &str) {
    assert!(matches!(became(report, at), Became::Staged { .. }), "{:?}", became(report, at));
}

fn change(keeper: &mut Keeper, act: impl FnOnce(&mut SealedKey)) {
    act(keeper.sealed.keys.iter_mut().find(|key| key.id == key_id("hcxlk_made1")).unwrap());
}

#[tokio::test]
async fn step_08_staged_ends_with_the_digest_in_the_name_and_the_key_disabled() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    let report = world.stage(&plan(vec![mint("a")]), &mut keeper).await;
    assert_eq!(*became(&report, A), Became::Staged { until: until(), note: None });
    assert_eq!((report.stage_ends(), report.staged()), (Some(until()), (1, 0)));
    let key = live(&world, "hcxlk_made1");
    assert!(key.disabled);
    let mark = mark_of(&world, "hcxlk_made1");
    assert_eq!((mark.nonce.clone(), mark.digest.clone()), (nonce(1), Some(digest(&keeper, "hcxlk_made1"))));
    assert!(mark.is_for(&address(A)) && mark.is_of(&keeper.sealed.lineage));
    let entry = keeper.sealed.key(&key.id).unwrap();
    assert_eq!((entry.state, entry.name.as_str()), (KeyState::Staged, "a"));
    // The name alone is sent, after the second look; the state is recorded after it was read back.
    let patch = world.place(is_patch);
    let Event::Patch { change, .. } = &world.log()[patch] else { unreachable!() };
    assert_eq!((change.disabled, change.permissions.clone()), (None, None));
    let is_staged = |e: &Event| matches!(e, Event::Appended(Record::State { state: KeyState::Staged, .. }));
    assert!(patch < world.place(|e| matches!(e, Event::Read(what) if what.starts_with("get "))));
    assert!(
        world.place(is_staged) > world.place(|e| matches!(e, Event::Read(what) if what.starts_with("get ")))
    );
    // Used once, and before anything else: that it is refused shows that the key is disabled, as the service says.
    let is_proof = |e: &Event| *e == Event::Read("prove".into());
    assert_eq!(world.log().into_iter().filter(is_proof).count(), 1);
    assert!(world.place(is_proof) < patch);
    assert!(!releasing(&keeper));
    assert!(world.log().contains(&Event::Folded));
}

#[tokio::test]
async fn staging_leaves_all_else_for_the_later_apply() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    managed(&mut keeper, "key.production.old", "hcxlk_old", KeyState::Live, false);
    managed(&mut keeper, "key.production.gone", "hcxlk_gone", KeyState::Disabled, true);
    managed(&mut keeper, "key.production.other", "hcxlk_other", KeyState::Live, false);
    managed(&mut keeper, "key.production.begun", "hcxlk_begun", KeyState::Releasing, true);
    world.lock().clock = Duration::from_secs(30 * 86_400);
    let actions = vec![
        release("key.production.begun", "hcxlk_begun"),
        mint("a"),
        update("key.production.other", "hcxlk_other", Some("new"), &[], None),
        retire("key.production.old", "hcxlk_old"),
        delete("key.production.gone", "hcxlk_gone"),
    ];
    let report = world.stage(&plan(actions), &mut keeper).await;
    assert_staged(&report, A);
    for left in ["begun", "other", "old", "gone"] {
        let outcome = became(&report, &format!("key.production.{left}"));
        assert!(matches!(outcome, Became::Left { .. }), "{left}: {outcome:?}");
    }
    assert_eq!(report.staged(), (1, 4));
    let writes = world.writes();
    assert!(matches!(writes.as_slice(), [Event::Post { .. }, Event::Patch { .. }]), "{writes:?}");
}

#[tokio::test]
async fn an_environment_keeps_its_mark_until_the_sealed_file_is_home() {
    let attributes =
        EnvironmentAttributes { description: Some("d".into()), ..EnvironmentAttributes::default() };
    let actions = || {
        let mint = after(mint_planned("a", "new"), &["environment.new"]);
        vec![create_environment("new", "New", attributes.clone()), mint]
    };
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    let report = world.stage(&plan(actions()), &mut keeper).await;
    assert_done(&report, "environment.new");
    assert_staged(&report, "key.new.a");
    let made = world.lock().environments.values().find(|e| e.name == "New").unwrap().clone();
    assert!(Provisional::parse(&made.description).is_some(), "{}", made.description);
    assert!(keeper.sealed.environments.is_empty());
    // The later apply finds it by its mark, whether or not it has the runner's file.
    let mut keeper = Keeper::new(&world);
    let mut finish = create_environment("new", "New", attributes.clone());
    finish.id = Some(made.id.to_string());
    assert_done(&world.apply(&plan(vec![finish]), &mut keeper).await, "environment.new");
    assert_eq!(world.lock().environments[&made.id].description, "d");
    assert_eq!(keeper.sealed.environments.len(), 1);
}

#[tokio::test]
async fn a_staged_key_is_released_from_its_checkout_and_never_recorded_as_releasing() {
    let (world, mut keeper) = staged().await;
    world.lock().clock = Duration::from_secs(WEEK - 1);
    assert_done(&world.apply(&plan(vec![release(A, "hcxlk_made1")]), &mut keeper).await, A);
    let key = live(&world, "hcxlk_made1");
    assert_eq!((key.name.as_str(), key.disabled), ("a", false));
    assert_eq!(keeper.sealed.keys[0].state, KeyState::Live);
    assert!(!releasing(&keeper));
}

#[tokio::test]
async fn nothing_is_sent_from_the_stage_deadline_on() {
    let (world, mut keeper) = staged().await;
    world.lock().clock = Duration::from_secs(WEEK);
    assert_failed(
        &world.apply(&plan(vec![release(A, "hcxlk_made1")]), &mut keeper).await,
        A,
        Cause::Unconfirmed,
    );
    assert_eq!(world.writes(), []);
    // Nor is a request that waited for its turn until then.
    let (world, mut keeper) = staged().await;
    world.lock().clock = Duration::from_secs(WEEK - 1);
    world.lock().queues.insert("patch", (0, Duration::from_secs(2)));
    assert_failed(
        &world.apply(&plan(vec![release(A, "hcxlk_made1")]), &mut keeper).await,
        A,
        Cause::Unconfirmed,
    );
    assert_eq!(world.writes(), []);
    assert_eq!(enabled(&world), []);
}

#[tokio::test]
async fn a_run_does_not_try_for_a_week() {
    let (world, mut keeper) = staged().await;
    let begun = world.lock().clock;
    for _ in 0..99_999 {
        world.fail("patch", Fault::LostRequest);
    }
    let report = world.apply(&plan(vec![release(A, "hcxlk_made1")]), &mut keeper).await;
    assert_failed(&report, A, Cause::Unconfirmed);
    assert!(world.lock().clock - begun < Duration::from_secs(16 * 60));
    assert_eq!(keeper.sealed.keys[0].state, KeyState::Staged);
}

#[tokio::test]
async fn a_release_that_the_service_dates_too_late_is_not_called_live() {
    for (late, is_late) in [(5 * 60, false), (5 * 60 + 2, true)] {
        let (world, mut keeper) = staged().await;
        world.lock().clock = Duration::from_secs(WEEK - 1);
        world.lock().dates_late = Duration::from_secs(late);
        let report = world.apply(&plan(vec![release(A, "hcxlk_made1")]), &mut keeper).await;
        if is_late {
            assert_failed(&report, A, Cause::Unconfirmed);
            assert_eq!(keeper.sealed.keys[0].state, KeyState::Staged);
        } else {
            assert_done(&report, A);
        }
    }
}

#[tokio::test]
async fn only_the_very_entry_releases() {
    type Edit = fn(&mut SealedKey);
    let edits: [Edit; 4] = [
        |e| e.sealed = Some("other armor".into()),
        |e| e.recipients.clear(),
        |e| e.generation = 2,
        |e| e.name = "b".into(),
    ];
    for edit in edits {
        let (world, mut keeper) = staged().await;
        change(&mut keeper, edit);
        assert_failed(
            &world.apply(&plan(vec![release(A, "hcxlk_made1")]), &mut keeper).await,
            A,
            Cause::Changed,
        );
        assert_eq!(world.writes(), []);
    }
    // Nor one whose key lost its digest, or has another.
    for digest in [None, Some(EntryDigest::new("0".repeat(32)).unwrap())] {
        let (world, mut keeper) = staged().await;
        let mark = Provisional { digest, ..mark_of(&world, "hcxlk_made1") };
        world.lock().keys.get_mut(&key_id("hcxlk_made1")).unwrap().name = mark.name();
        assert_failed(
            &world.apply(&plan(vec![release(A, "hcxlk_made1")]), &mut keeper).await,
            A,
            Cause::Changed,
        );
        assert_eq!(world.writes(), []);
    }
}

#[tokio::test]
async fn two_checkouts_that_release_at_once_release_one_key() {
    // At each of its calls the other one releases first.
    for (word, nth) in [("get", 0), ("list", 0), ("patch", 0), ("get", 1)] {
        let (world, mut here) = staged().await;
        let mut there = Keeper::new(&world);
        there.sealed = here.sealed.clone();
        let nth =
            nth + usize::from(word == "get") + if word == "list" { 2 } else { usize::from(word == "patch") };
        world.lock().before(word, nth, |inner| {
            let key = inner.keys.get_mut(&key_id("hcxlk_made1")).unwrap();
            (key.name, key.disabled) = ("a".into(), false);
        });
        assert_done(&world.apply(&plan(vec![release(A, "hcxlk_made1")]), &mut here).await, A);
        assert_done(&world.apply(&plan(vec![release(A, "hcxlk_made1")]), &mut there).await, A);
        assert_eq!(enabled(&world), [key_id("hcxlk_made1")]);
        assert!(!world.writes().iter().any(|e| matches!(e, Event::Delete { .. })));
        assert_eq!((here.sealed.keys[0].state, there.sealed.keys[0].state), (KeyState::Live, KeyState::Live));
    }
}

#[tokio::test]
async fn before_a_rival_a_staged_key_is_neither_released_nor_dropped() {
    // Another checkout may be releasing ours at this moment: to drop it could delete a live key.
    let (world, mut keeper) = staged().await;
    let rival = Provisional { nonce: nonce(900), ..mark_of(&world, "hcxlk_made1") };
    world.lock().put_key("hcxlk_rival", "hcxen_p", &rival.name(), true);
    world.lock().clock = Duration::from_secs(3 * 86_400);
    assert_failed(&world.apply(&plan(vec![release(A, "hcxlk_made1")]), &mut keeper).await, A, Cause::Busy);
    world.lock().put_key("hcxlk_live", "hcxen_p", "a", false);
    assert_failed(&world.apply(&plan(vec![release(A, "hcxlk_made1")]), &mut keeper).await, A, Cause::Changed);
    assert_eq!(world.writes(), []);
    assert_eq!(keeper.sealed.keys[0].state, KeyState::Staged);
}

#[tokio::test]
async fn step_02_a_staged_key_of_another_checkout_means_busy_for_eight_days() {
    for (age, is_busy) in [(8 * 86_400 - 1, true), (8 * 86_400, false)] {
        let (world, _) = staged().await;
        world.lock().clock = Duration::from_secs(age);
        let mut keeper = Keeper::new(&world);
        // Its nonce being among our own tries changes nothing: somebody else may have the entry.
        keeper.sealed.intents.push(keycomb::model::Intent {
            address: address(A),
            generation: 1,
            nonce: nonce(1),
            at: at(0),
        });
        let report = world.apply(&plan(vec![mint("a")]), &mut keeper).await;
        if is_busy {
            assert_failed(&report, A, Cause::Busy);
            assert_eq!(world.writes(), []);
        } else {
            assert_done(&report, A);
        }
    }
}

fn given_up(mut action: Action) -> Action {
    let Step::DiscardKey(leftover) = &mut action.step else { unreachable!() };
    leftover.is_given_up = true;
    action
}

#[tokio::test]
async fn settling_a_staged_leftover_waits_for_eight_days_unless_it_was_given_up() {
    const DAYS: u64 = 8 * 86_400;
    for is_recorded in [true, false] {
        for (age, is_given_up, is_deleted) in
            [(3600, false, false), (DAYS - 1, false, false), (DAYS, false, true), (60, true, true)]
        {
            let (world, mut keeper) = staged().await;
            if !is_recorded {
                keeper.sealed.keys.clear();
                keeper.sealed.intents.push(Intent {
                    address: address(A),
                    generation: 1,
                    nonce: nonce(1),
                    at: at(0),
                });
            }
            world.lock().clock = Duration::from_secs(age);
            let action = discard(A, &live(&world, "hcxlk_made1"));
            let action = if is_given_up { given_up(action) } else { action };
            let report = world.apply(&plan(vec![action]), &mut keeper).await;
            if is_deleted {
                assert_done(&report, A);
                // Somebody else may have been about to release it: the seal is kept for a day.
                assert!(keeper.sealed.keys.iter().all(|key| key.state == KeyState::Deleted));
            } else {
                assert_failed(&report, A, Cause::Changed);
            }
            assert_eq!(world.writes().len(), usize::from(is_deleted), "{is_recorded} {age} {is_given_up}");
        }
    }
}

#[tokio::test]
async fn a_staged_key_that_was_released_meanwhile_is_not_discarded_by_name_either() {
    type Edit = fn(&mut LiveKey);
    let edits: [Edit; 3] =
        [|k| k.disabled = false, |k| k.name = "a".into(), |k| k.updated = k.updated.map(|_| at(1))];
    for edit in edits {
        let (world, mut keeper) = staged().await;
        let action = given_up(discard(A, &live(&world, "hcxlk_made1")));
        edit(world.lock().keys.get_mut(&key_id("hcxlk_made1")).unwrap());
        assert_failed(&world.apply(&plan(vec![action]), &mut keeper).await, A, Cause::Changed);
        assert_eq!(world.writes(), []);
    }
}

#[tokio::test]
async fn staging_settles_leftovers_too() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    managed(&mut keeper, A, "hcxlk_left", KeyState::Dropping, true);
    let name = Provisional::new(&keeper.sealed.lineage, &address(A), nonce(900)).name();
    world.lock().keys.get_mut(&key_id("hcxlk_left")).unwrap().name = name;
    let action = discard(A, &live(&world, "hcxlk_left"));
    assert_done(&world.stage(&plan(vec![action]), &mut keeper).await, A);
    assert!(world.lock().keys.is_empty());
}

#[tokio::test]
async fn step_07_before_a_staged_key_a_fresh_one_gives_way() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    let (other, others) = staged().await;
    let staged_key = live(&other, "hcxlk_made1");
    drop(others);
    world.lock().before("list", 1, move |inner| {
        let id = KeyId::new("hcxlk_theirs").unwrap();
        inner.keys.insert(id.clone(), LiveKey { id, ..staged_key });
    });
    assert_failed(&world.apply(&plan(vec![mint("a")]), &mut keeper).await, A, Cause::Busy);
    assert_eq!(enabled(&world), []);
    assert!(world.lock().keys.contains_key(&key_id("hcxlk_theirs")));
    assert!(!world.lock().keys.contains_key(&key_id("hcxlk_made1")));
}

#[tokio::test]
async fn the_digest_is_sent_again_when_its_answer_is_lost() {
    for fault in [Fault::LostRequest, Fault::LostAnswer, Fault::Status(500), Fault::StatusAfter(500)] {
        let world = World::new();
        let mut keeper = Keeper::new(&world);
        world.fail("patch", fault);
        assert_staged(&world.stage(&plan(vec![mint("a")]), &mut keeper).await, A);
        assert_eq!(mark_of(&world, "hcxlk_made1").digest, Some(digest(&keeper, "hcxlk_made1")));
        assert_eq!(keeper.sealed.keys[0].state, KeyState::Staged);
    }
}

#[tokio::test]
async fn a_run_cut_off_before_it_recorded_the_digest_goes_on_as_staged() {
    let (world, mut keeper) = staged().await;
    for is_stage in [true, false] {
        change(&mut keeper, |entry| entry.state = KeyState::Provisional);
        let plan = plan(vec![release(A, "hcxlk_made1")]);
        if is_stage {
            assert_staged(&world.stage(&plan, &mut keeper).await, A);
            assert_eq!(world.writes(), []);
            assert_eq!(keeper.sealed.keys[0].state, KeyState::Staged);
        } else {
            // An hour later: of a key that was not staged the time would be over.
            world.lock().clock = Duration::from_secs(3600);
            assert_done(&world.apply(&plan, &mut keeper).await, A);
        }
    }
}

#[tokio::test]
async fn a_run_cut_off_before_it_sent_the_digest_sends_it_the_next_time() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    for _ in 0..2_000 {
        world.fail("patch", Fault::LostRequest);
    }
    let report = world.stage(&plan(vec![mint("a")]), &mut keeper).await;
    assert_failed(&report, A, Cause::Unconfirmed);
    assert_eq!(keeper.sealed.keys[0].state, KeyState::Provisional);
    assert_eq!(enabled(&world), []);
    // Its time for that is over: another disk may take it for a leftover.
    let again = plan(vec![release(A, "hcxlk_made1")]);
    world.lock().faults.clear();
    assert_failed(&world.stage(&again, &mut keeper).await, A, Cause::Unconfirmed);
    world.lock().clock = Duration::from_secs(60);
    assert_staged(&world.stage(&again, &mut keeper).await, A);
    assert_eq!(mark_of(&world, "hcxlk_made1").digest, Some(digest(&keeper, "hcxlk_made1")));
}

#[tokio::test]
async fn staging_again_mints_nothing_and_sends_nothing() {
    let (world, mut keeper) = staged().await;
    let report = world.stage(&plan(vec![release(A, "hcxlk_made1")]), &mut keeper).await;
    let Became::Staged { until: ends, note: Some(note) } = became(&report, A) else { panic!("{report:?}") };
    assert_eq!(*ends, until());
    assert!(note.contains("already"), "{note}");
    assert_eq!(world.writes(), []);
}

#[tokio::test]
async fn a_key_that_somebody_enables_while_it_is_staged_is_not_called_staged() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    world.lock().before("patch", 0, |inner| {
        inner.keys.get_mut(&key_id("hcxlk_made1")).unwrap().disabled = false;
    });
    assert_failed(&world.stage(&plan(vec![mint("a")]), &mut keeper).await, A, Cause::Changed);
    assert_eq!(keeper.sealed.keys[0].state, KeyState::Provisional);
}

#[tokio::test]
async fn a_digest_that_arrives_after_the_release_disables_nothing() {
    let (world, mut keeper) = staged().await;
    let name = live(&world, "hcxlk_made1").name;
    assert_done(&world.apply(&plan(vec![release(A, "hcxlk_made1")]), &mut keeper).await, A);
    world.lock().keys.get_mut(&key_id("hcxlk_made1")).unwrap().name = name;
    assert_eq!(enabled(&world), [key_id("hcxlk_made1")]);
    let rename = update(A, "hcxlk_made1", Some("a"), &[], None);
    assert_done(&world.apply(&plan(vec![rename]), &mut keeper).await, A);
    assert_eq!(live(&world, "hcxlk_made1").name, "a");
}

#[tokio::test]
async fn a_404_for_a_staged_key_loses_no_seal() {
    let (world, mut keeper) = staged().await;
    let gone = world.lock().keys.remove(&key_id("hcxlk_made1"));
    assert!(gone.is_some());
    assert_failed(
        &world.apply(&plan(vec![release(A, "hcxlk_made1")]), &mut keeper).await,
        A,
        Cause::Unconfirmed,
    );
    assert_eq!(keeper.sealed.keys.len(), 1);
    // After an hour it is known to be gone, and its entry is kept for a day.
    world.lock().clock = Duration::from_secs(3600);
    record(&mut keeper, "key.production.x", "hcxlk_x", KeyState::Live);
    world.apply(&plan(vec![]), &mut keeper).await;
    assert_eq!(keeper.sealed.keys[0].state, KeyState::Deleted);
}

#[tokio::test]
async fn what_was_released_elsewhere_is_recorded_and_can_be_changed_and_retired() {
    for days in [1, 30] {
        let (world, mut keeper) = staged().await;
        {
            let mut inner = world.lock();
            inner.clock = Duration::from_secs(days * 86_400);
            let now = inner.now();
            let key = inner.keys.get_mut(&key_id("hcxlk_made1")).unwrap();
            // Changed by a person since, on the day of the month: no word of the release itself.
            (key.name, key.disabled, key.updated) = ("a".into(), false, Some(now));
            inner.clock += Duration::from_secs(3600);
        }
        assert_done(
            &world.apply(&plan(vec![update(A, "hcxlk_made1", Some("b"), &[], None)]), &mut keeper).await,
            A,
        );
        assert_eq!(keeper.sealed.keys[0].state, KeyState::Live);
        let (world, mut keeper) = staged().await;
        world.lock().keys.get_mut(&key_id("hcxlk_made1")).unwrap().disabled = false;
        assert_done(&world.apply(&plan(vec![retire(A, "hcxlk_made1")]), &mut keeper).await, A);
        assert_eq!(keeper.sealed.keys[0].state, KeyState::Disabled);
    }
}

#[tokio::test]
async fn staging_stops_where_the_record_cannot_be_kept() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    keeper.fail_append = Some(2);
    assert_failed(&world.stage(&plan(vec![mint("a"), mint("b")]), &mut keeper).await, A, Cause::Seal);
    assert_eq!(enabled(&world), []);
}
