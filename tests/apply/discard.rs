//! Leftovers: what was never enabled is deleted, and only as it was judged.

use std::time::Duration;

use keycomb::model::{Intent, KeyId, KeyState, Lineage, LiveKey, Nonce, Provisional, Record};
use keycomb::plan::{Action, Plan};
use keycomb::report::{Became, Cause, Report};

use crate::plans::{
    address, assert_done, assert_failed, assert_not_started, became, discard, key_id, managed, mint, plan,
    record,
};
use crate::world::{Event, Fault, Inner, Keeper, LINEAGE, World, at, nonce};

const A: &str = "key.production.a";
const LEFT: &str = "hcxlk_left";
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: i64 = 24 * 60 * 60;

fn name(lineage: &str, at: &str, number: u32) -> String {
    Provisional::new(&Lineage::new(lineage).unwrap(), &address(at), nonce(number)).name()
}

/// A provisional key for `key.production.a`, made now; then so many seconds pass.
fn left(age: u64) -> (World, Keeper, Action) {
    let world = World::new();
    let keeper = Keeper::new(&world);
    world.lock().put_key(LEFT, "hcxen_p", &name(LINEAGE, A, 900), true);
    world.lock().clock = Duration::from_secs(age);
    let action = discard(A, &world.lock().keys[&key_id(LEFT)]);
    (world, keeper, action)
}

fn intent(number: u32, since: i64) -> Record {
    Record::Intent {
        intent: Intent { address: address(A), generation: 1, nonce: nonce(number), at: at(since) },
    }
}

async fn run(world: &World, keeper: &mut Keeper, action: Action) -> Report {
    world.apply(&plan(vec![action]), keeper).await
}

fn is_there(world: &World) -> bool {
    world.lock().keys.contains_key(&key_id(LEFT))
}

fn intents(keeper: &Keeper) -> Vec<Nonce> {
    keeper.sealed.intents.iter().map(|intent| intent.nonce.clone()).collect()
}

#[tokio::test]
async fn settling_a_sealed_leftover_is_read_again_deleted_and_leaves_the_record() {
    let gone = |entry: Option<KeyState>| entry.is_none();
    let deleted = |entry: Option<KeyState>| entry == Some(KeyState::Deleted);
    type End = fn(Option<KeyState>) -> bool;
    let cases: [(KeyState, u64, End); 3] = [
        (KeyState::Dropping, 0, gone),
        (KeyState::Provisional, 20 * MINUTE, gone),
        // Its release was begun: the entry stays until the service has answered 404 for a day.
        (KeyState::Releasing, HOUR, deleted),
    ];
    for (state, age, is_ended) in cases {
        let (world, mut keeper, action) = left(age);
        record(&mut keeper, A, LEFT, state);
        assert_done(&run(&world, &mut keeper, action).await, A);
        assert!(!is_there(&world));
        assert!(is_ended(keeper.sealed.key(&key_id(LEFT)).map(|entry| entry.state)), "{state:?}");
        let log = world.log();
        assert_eq!(log[..2], [Event::Read(format!("get {LEFT}")), Event::Delete { id: key_id(LEFT) }]);
        assert!(matches!(log[2], Event::Appended(_)), "recorded after the deletion: {log:?}");
    }
}

#[tokio::test]
async fn settling_nothing_is_deleted_before_its_time_by_the_services_clock() {
    for (state, age) in [
        (Some(KeyState::Provisional), 20 * MINUTE - 1),
        (Some(KeyState::Releasing), HOUR - 1),
        (None, HOUR - 1),
    ] {
        let (world, mut keeper, action) = left(age);
        state.into_iter().for_each(|state| record(&mut keeper, A, LEFT, state));
        assert_failed(&run(&world, &mut keeper, action).await, A, Cause::Changed);
        assert!(is_there(&world) && world.writes().is_empty(), "{state:?}");
    }
}

#[tokio::test]
async fn settling_a_key_without_an_entry_is_deleted_after_the_grace_or_with_its_intent() {
    let (world, mut keeper, action) = left(HOUR);
    assert_done(&run(&world, &mut keeper, action).await, A);
    assert!(!is_there(&world) && world.records().is_empty());
    // Our own try: at once, and its intent ends with it.
    let (world, mut keeper, action) = left(0);
    keeper.sealed.take(intent(900, 0));
    keeper.sealed.take(intent(901, 0));
    assert_done(&run(&world, &mut keeper, action).await, A);
    assert!(!is_there(&world));
    assert_eq!(intents(&keeper), [nonce(901)]);
    let over = world.place(|e| *e == Event::Appended(Record::IntentOver { nonce: nonce(900) }));
    assert!(world.place(|e| matches!(e, Event::Delete { .. })) < over);
}

#[tokio::test]
async fn settling_an_intent_stays_while_one_of_its_keys_does() {
    let (world, mut keeper, first) = left(0);
    keeper.sealed.take(intent(900, 0));
    let twin = world.lock().put_key("hcxlk_twin", "hcxen_p", &name(LINEAGE, A, 900), true);
    let second = discard(A, &world.lock().keys[&twin]);
    // One is deleted, and the service refuses the other.
    world.lock().before("delete", 1, |inner| inner.faults.push(("delete", Fault::Status(403))));
    world.apply(&plan(vec![first, second]), &mut keeper).await;
    assert_eq!(world.lock().keys.len(), 1);
    assert_eq!(intents(&keeper), [nonce(900)]);
}

#[tokio::test]
async fn s3_a_leftover_that_is_not_as_it_was_is_left_where_it_is() {
    type Change = fn(&mut LiveKey);
    let changes: [Change; 5] = [
        |k| k.name = "theirs".into(),
        |k| k.name = name(LINEAGE, A, 901),
        |k| k.disabled = false,
        |k| k.updated = Some(at(1)),
        |k| k.environment = crate::plans::environment_id("hcxen_other"),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let (world, mut keeper, action) = left(2 * HOUR);
        world.lock().before("get", 0, move |inner| change(inner.keys.get_mut(&key_id(LEFT)).unwrap()));
        assert_failed(&run(&world, &mut keeper, action).await, A, Cause::Changed);
        assert!(is_there(&world) && world.writes().is_empty(), "change {number}");
    }
}

#[tokio::test]
async fn s8_only_what_bears_our_mark_is_discarded() {
    let other = name("zzzzzzzzzzzzzzzz", A, 900);
    for foreign in ["theirs", &other] {
        let (world, mut keeper, _) = left(0);
        world.lock().put_key(LEFT, "hcxen_p", foreign, true);
        world.lock().clock = Duration::from_secs(30 * HOUR);
        keeper.sealed.take(intent(900, 0));
        let action = discard(A, &world.lock().keys[&key_id(LEFT)]);
        assert_failed(&run(&world, &mut keeper, action).await, A, Cause::Changed);
        assert!(is_there(&world) && world.writes().is_empty(), "{foreign}");
    }
}

#[tokio::test]
async fn s4_a_key_that_the_record_calls_live_is_never_discarded() {
    for state in [KeyState::Live, KeyState::Disabled] {
        let (world, mut keeper, action) = left(30 * HOUR);
        record(&mut keeper, A, LEFT, state);
        assert_failed(&run(&world, &mut keeper, action).await, A, Cause::Changed);
        assert!(is_there(&world) && world.writes().is_empty(), "{state:?}");
    }
    // Nor one that it has at another address.
    let (world, mut keeper, action) = left(30 * HOUR);
    record(&mut keeper, "key.production.b", LEFT, KeyState::Dropping);
    assert_failed(&run(&world, &mut keeper, action).await, A, Cause::Changed);
    assert!(is_there(&world));
}

#[tokio::test]
async fn a_leftover_that_is_gone_is_done() {
    let (world, mut keeper, action) = left(HOUR);
    record(&mut keeper, A, LEFT, KeyState::Provisional);
    world.lock().before("get", 0, |inner| inner.keys.clear());
    let report = run(&world, &mut keeper, action).await;
    assert!(matches!(became(&report, A), Became::Done { note: Some(note) } if note.contains("already gone")));
    assert!(keeper.sealed.keys.is_empty() && world.writes().is_empty());
}

#[tokio::test]
async fn a_deletion_without_an_answer_is_looked_up_and_sent_again() {
    for (fault, deletions) in [(Fault::LostAnswer, 1), (Fault::LostRequest, 2), (Fault::Status(500), 2)] {
        let (world, mut keeper, action) = left(HOUR);
        world.fail("delete", fault);
        assert_done(&run(&world, &mut keeper, action).await, A);
        assert!(!is_there(&world));
        assert_eq!(world.writes().len(), deletions, "{fault:?}");
    }
}

#[tokio::test]
async fn a_failed_discard_stops_nothing_else() {
    for fault in [Fault::Status(403), Fault::Status(500), Fault::LostRequest] {
        let (world, mut keeper, action) = left(HOUR);
        for _ in 0..9 {
            world.fail("delete", fault);
        }
        let mut made = mint("b");
        made.after = vec![address(A)];
        let report = world.apply(&plan(vec![action, mint("a"), made]), &mut keeper).await;
        assert!(matches!(report.outcomes[0].became, Became::Failed { .. }), "{report:?}");
        assert!(matches!(report.outcomes[1].became, Became::Done { .. }), "{report:?}");
        assert_done(&report, "key.production.b");
        assert!(is_there(&world));
    }
}

#[tokio::test]
async fn a_stop_withholds_a_discard_that_waits() {
    let (world, mut keeper, action) = left(HOUR);
    world.lock().queues.insert("delete", (0, Duration::from_secs(10)));
    world.lock().stop_after = Some(Duration::from_secs(HOUR + 2));
    assert_not_started(&run(&world, &mut keeper, action).await, A);
    assert!(is_there(&world) && world.writes().is_empty());
}

fn reads(world: &World) -> usize {
    world.log().iter().filter(|e| matches!(e, Event::Read(what) if what.starts_with("get "))).count()
}

#[tokio::test]
async fn settling_a_deletion_that_waited_is_looked_at_again() {
    // Exactly half a minute is still fresh.
    for (wait, is_deleted, looks) in [(30, true, 1), (31, false, 4)] {
        let (world, mut keeper, action) = left(HOUR);
        world.lock().queues.insert("delete", (0, Duration::from_secs(wait)));
        let report = run(&world, &mut keeper, action).await;
        assert_eq!((!is_there(&world), reads(&world)), (is_deleted, looks), "{report:?}");
    }
}

/// The machine sleeps while the key is read the first time.
fn sleeping(inner: &mut Inner) {
    inner.slept += Duration::from_secs(31);
}

#[tokio::test]
async fn settling_a_machine_that_slept_looks_again() {
    let (world, mut keeper, action) = left(HOUR);
    world.lock().before("get", 0, sleeping);
    assert_done(&run(&world, &mut keeper, action).await, A);
    assert_eq!(reads(&world), 2);
    // And sees what happened meanwhile.
    let (world, mut keeper, action) = left(HOUR);
    world.lock().before("get", 0, sleeping);
    world.lock().before("get", 1, |inner| inner.keys.get_mut(&key_id(LEFT)).unwrap().disabled = false);
    assert_failed(&run(&world, &mut keeper, action).await, A, Cause::Changed);
    assert!(is_there(&world) && world.writes().is_empty());
}

#[tokio::test]
async fn step_07_a_twin_and_our_own_before_a_rival_are_deleted_by_the_same_rule() {
    let world = World::new();
    world.lock().doubles = true;
    world.lock().before("get", 0, sleeping);
    assert_done(&run(&world, &mut Keeper::new(&world), mint("a")).await, A);
    let gets = |id: &str| world.log().iter().filter(|e| **e == Event::Read(format!("get {id}"))).count();
    assert_eq!(gets("hcxlk_made1"), 2);
    assert_eq!(world.lock().keys.keys().collect::<Vec<_>>(), [&key_id("hcxlk_made2")]);
    // Ours was enabled by somebody in the last moment: it is not deleted, and that is said.
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    world.lock().before("list", 1, |inner| {
        inner.put_key("hcxlk_rival", "hcxen_p", &name(LINEAGE, A, 900), true);
    });
    world
        .lock()
        .before("get", 0, |inner| inner.keys.get_mut(&key_id("hcxlk_made1")).unwrap().disabled = false);
    let why = assert_failed(&run(&world, &mut keeper, mint("a")).await, A, Cause::Busy);
    assert!(why.contains("was not deleted: somebody changed"), "{why}");
    assert!(world.lock().keys.contains_key(&key_id("hcxlk_made1")));
}

/// What is left of intents written so many seconds before now.
async fn intents_after(age: i64, set: impl FnOnce(&World)) -> usize {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    world.lock().clock = Duration::from_secs(u64::try_from(3 * DAY).unwrap());
    keeper.sealed.take(intent(900, 3 * DAY - age));
    set(&world);
    let nothing: Plan = plan(vec![]);
    world.apply(&nothing, &mut keeper).await;
    assert_eq!(world.writes(), []);
    keeper.sealed.intents.len()
}

#[tokio::test]
async fn settling_an_intent_of_which_nothing_shows_ends_after_a_day() {
    assert_eq!(intents_after(DAY + 1, |_| ()).await, 0);
    assert_eq!(intents_after(DAY, |_| ()).await, 1);
    // From a clock that was ahead: it only takes longer.
    assert_eq!(intents_after(-DAY, |_| ()).await, 1);
    let key = |world: &World| {
        let _: KeyId = world.lock().put_key(LEFT, "hcxen_p", &name(LINEAGE, A, 900), true);
    };
    assert_eq!(intents_after(DAY + 1, key).await, 1);
    let environment = |world: &World| {
        let mut inner = world.lock();
        let live = inner.environments.values_mut().next().unwrap();
        live.description = name(LINEAGE, A, 900);
    };
    assert_eq!(intents_after(DAY + 1, environment).await, 1);
    // Where nobody can tell it stays.
    for word in ["list", "list-environments"] {
        let fails = |world: &World| {
            world.fail(word, Fault::Status(500));
        };
        assert_eq!(intents_after(DAY + 1, fails).await, 1, "{word}");
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_kept_ends_no_leftover_silently() {
    let (world, mut keeper, action) = left(HOUR);
    managed(&mut keeper, "key.production.b", "hcxlk_b", KeyState::Live, false);
    record(&mut keeper, A, LEFT, KeyState::Dropping);
    keeper.fail_append = Some(0);
    assert_failed(&run(&world, &mut keeper, action).await, A, Cause::Seal);
}
