//! Revoking: before anything else, until it shows, and never the successor first.

use std::time::Duration;

use keycomb::model::{KeyState, LiveKey, Record, Revocation};
use keycomb::plan::Plan;
use keycomb::ports::KeyChange;
use keycomb::report::{Became, Cause, Report};

use crate::plans::{key_id, managed, mint, plan, revoke, update, was};
use crate::world::{Event, Fault, Keeper, World};

const AT: &str = "key.production.a";

/// Two generations of `key.production.a`, both alive, to be revoked; then its successor. Something else is in the plan too.
fn scene(how: Revocation) -> (World, Keeper, Plan) {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    managed(&mut keeper, AT, "hcxlk_old", KeyState::Disabled, false);
    managed(&mut keeper, AT, "hcxlk_leaked", KeyState::Live, false);
    managed(&mut keeper, "key.production.up", "hcxlk_up", KeyState::Live, false);
    world.lock().put_key("hcxlk_theirs", "hcxen_p", "theirs", false);
    keeper.sealed.keys[1].generation = 2;
    let mut successor = mint("a");
    if let keycomb::plan::Step::MintKey(mint) = &mut successor.step {
        mint.generation = 3;
    }
    let plan = plan(vec![
        was(update("key.production.up", "hcxlk_up", Some("up"), &[], None), "name", "hcxlk_up"),
        successor,
        revoke(AT, "hcxlk_old", how),
        revoke(AT, "hcxlk_leaked", how),
    ]);
    (world, keeper, plan)
}

fn by_verb(report: &Report) -> [&Became; 4] {
    [0, 1, 2, 3].map(|place| &report.outcomes[place].became)
}

fn is_done(became: &Became) -> bool {
    matches!(became, Became::Done { .. })
}

fn key(world: &World, id: &str) -> Option<LiveKey> {
    world.lock().keys.get(&key_id(id)).cloned()
}

#[tokio::test]
async fn the_leak_is_stopped_before_anything_else_is_sent() {
    for how in [Revocation::Delete, Revocation::Disable] {
        let (world, mut keeper, plan) = scene(how);
        let report = world.apply(&plan, &mut keeper).await;
        assert_eq!(report.counts(), (4, 0, 0, 0), "{report:?}");
        let is_stop = |e: &Event| match e {
            Event::Delete { .. } => how == Revocation::Delete,
            Event::Patch { change, .. } => {
                *change == KeyChange { disabled: Some(true), ..KeyChange::default() }
            }
            _ => false,
        };
        let writes = world.writes();
        assert!(writes[..2].iter().all(is_stop), "{writes:?}");
        // What a run that ends here leaves says so already.
        let noted =
            world.place(|e| matches!(e, Event::Appended(Record::Key { key }) if key.revoked.is_some()));
        assert!(noted < world.place(is_stop), "{:?}", world.log());
        for id in ["hcxlk_old", "hcxlk_leaked"] {
            let entry = keeper.sealed.key(&key_id(id)).unwrap();
            let revoked = entry.revoked.as_ref().unwrap();
            assert_eq!((revoked.how, revoked.reason.as_str()), (how, "leaked"));
            let state = if how == Revocation::Delete { KeyState::Deleted } else { KeyState::Disabled };
            assert_eq!(entry.state, state);
            assert!(key(&world, id).is_none_or(|key| how == Revocation::Disable && key.disabled));
        }
        let made = keeper.sealed.keys.iter().find(|k| k.id.as_str().contains("made")).unwrap();
        assert_eq!((made.state, made.generation), (KeyState::Live, 3));
    }
}

/// It was renamed in the files: what is only written down can fail at the disk, and does not hold the deletion up.
#[tokio::test]
async fn a_move_in_the_same_plan_comes_after_the_leak_is_stopped() {
    for fails in [None, Some(0)] {
        let (world, mut keeper, _) = scene(Revocation::Delete);
        let to: keycomb::model::Address = "key.production.renamed".parse().unwrap();
        let moved = keeper.sealed.relocated(&AT.parse().unwrap(), &to);
        let record = keycomb::plan::Step::Record(vec![moved]);
        let mut rename = revoke("key.production.renamed", "hcxlk_leaked", Revocation::Delete);
        (rename.verb, rename.step) = (keycomb::plan::Verb::Move, record);
        let plan = plan(vec![rename, revoke("key.production.renamed", "hcxlk_leaked", Revocation::Delete)]);
        keeper.fail_append = fails;
        let report = world.apply(&plan, &mut keeper).await;
        assert!(key(&world, "hcxlk_leaked").is_none(), "{report:?}");
        let entry = keeper.sealed.key(&key_id("hcxlk_leaked")).unwrap();
        if fails.is_none() {
            assert_eq!(report.counts(), (2, 0, 0, 0), "{report:?}");
            assert_eq!((&entry.address, entry.state), (&to, KeyState::Deleted));
            assert!(entry.revoked.is_some());
        }
    }
}

#[tokio::test]
async fn a_deletion_without_an_answer_is_sent_until_the_key_is_gone() {
    for faults in [
        vec![Fault::LostRequest, Fault::Status(500), Fault::NotSent, Fault::Status(429), Fault::Status(408)],
        vec![Fault::LostAnswer],
        vec![Fault::StatusAfter(504)],
    ] {
        let (world, mut keeper, plan) = scene(Revocation::Delete);
        for fault in &faults {
            world.fail("delete", *fault);
        }
        let report = world.apply(&plan, &mut keeper).await;
        assert_eq!(report.counts(), (4, 0, 0, 0), "{faults:?} {report:?}");
        assert!(key(&world, "hcxlk_leaked").is_none() && key(&world, "hcxlk_old").is_none());
    }
}

#[tokio::test]
async fn a_disabling_without_an_answer_is_sent_until_the_key_shows_it() {
    let (world, mut keeper, plan) = scene(Revocation::Disable);
    world
        .fail("patch", Fault::LostRequest)
        .fail("patch", Fault::Status(503))
        .fail("patch", Fault::LostAnswer);
    let report = world.apply(&plan, &mut keeper).await;
    assert_eq!(report.counts(), (4, 0, 0, 0), "{report:?}");
    assert!(key(&world, "hcxlk_leaked").unwrap().disabled && key(&world, "hcxlk_old").unwrap().disabled);
}

#[tokio::test]
async fn a_key_that_is_gone_already_is_what_was_wanted() {
    for how in [Revocation::Delete, Revocation::Disable] {
        let (world, mut keeper, plan) = scene(how);
        world.lock().keys.remove(&key_id("hcxlk_leaked"));
        let report = world.apply(&plan, &mut keeper).await;
        assert_eq!(report.counts(), (4, 0, 0, 0), "{report:?}");
        assert_eq!(keeper.sealed.key(&key_id("hcxlk_leaked")).unwrap().state, KeyState::Deleted);
        assert_eq!(by_verb(&report)[3], &Became::Done { note: Some("it was already gone".into()) });
    }
}

/// Nobody knows whether the leak still works: it is in doubt, said with its id, and no successor is made.
#[tokio::test]
async fn what_cannot_be_confirmed_is_in_doubt_and_has_no_successor() {
    let (world, mut keeper, plan) = scene(Revocation::Delete);
    for _ in 0..40 {
        world.fail("delete", Fault::LostRequest);
    }
    let report = world.apply(&plan, &mut keeper).await;
    let [other, successor, old, leaked] = by_verb(&report);
    for became in [old, leaked] {
        let Became::InDoubt { why, help } = became else { panic!("{became:?}") };
        assert!(why.contains("hcxlk_") && help.contains("look at"), "{why} {help}");
    }
    assert!(matches!(successor, Became::NotStarted { why } if why.contains("revoked")), "{successor:?}");
    assert!(is_done(other), "what does not hang on it goes on: {other:?}");
    assert!(!world.log().iter().any(|e| matches!(e, Event::Post { .. })));
    let entry = keeper.sealed.key(&key_id("hcxlk_leaked")).unwrap();
    assert!(entry.revoked.is_some() && entry.state == KeyState::Live, "the next run carries it on");
    assert!(world.lock().clock >= Duration::from_secs(60));
}

#[tokio::test]
async fn one_generation_in_doubt_holds_the_successor_up() {
    let (world, mut keeper, plan) = scene(Revocation::Delete);
    // A service that takes the deletion of one key and keeps it.
    for nth in 0..200 {
        world.lock().before("get", nth, |inner| {
            if !inner.keys.contains_key(&key_id("hcxlk_leaked")) {
                inner.put_key("hcxlk_leaked", "hcxen_p", "hcxlk_leaked", false);
            }
        });
    }
    let report = world.apply(&plan, &mut keeper).await;
    let [_, successor, old, leaked] = by_verb(&report);
    assert!(is_done(old), "{old:?}");
    assert!(matches!(leaked, Became::InDoubt { .. }), "{leaked:?}");
    assert!(matches!(successor, Became::NotStarted { .. }), "{successor:?}");
}

#[tokio::test]
async fn a_refusal_is_no_doubt() {
    for status in [401, 403, 422] {
        let (world, mut keeper, plan) = scene(Revocation::Delete);
        world.fail("delete", Fault::Status(status)).fail("delete", Fault::Status(status));
        let report = world.apply(&plan, &mut keeper).await;
        let [_, successor, old, leaked] = by_verb(&report);
        for became in [old, leaked] {
            assert!(
                matches!(became, Became::Failed { cause, .. } if *cause != Cause::Unconfirmed),
                "{became:?}"
            );
        }
        assert!(matches!(successor, Became::NotStarted { .. }), "{successor:?}");
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_kept_does_not_save_the_key() {
    for first in 0..3 {
        let (world, mut keeper, plan) = scene(Revocation::Delete);
        keeper.fail_append = Some(first);
        let report = world.apply(&plan, &mut keeper).await;
        assert!(
            key(&world, "hcxlk_leaked").is_none() && key(&world, "hcxlk_old").is_none(),
            "append {first}"
        );
        let [_, successor, ..] = by_verb(&report);
        assert!(matches!(successor, Became::NotStarted { .. }), "{successor:?}");
        assert!(!world.log().iter().any(|e| matches!(e, Event::Post { .. })), "append {first}");
        let sealing = |b: &&Became| matches!(b, Became::Failed { cause: Cause::Seal, why, .. } if why.contains("does not work any more"));
        assert!(by_verb(&report).iter().any(sealing), "{report:?}");
    }
}

#[tokio::test]
async fn what_the_record_does_not_have_at_the_address_is_not_touched_s8() {
    let (world, mut keeper, _) = scene(Revocation::Delete);
    let plan = plan(vec![
        revoke(AT, "hcxlk_theirs", Revocation::Delete),
        revoke(AT, "hcxlk_up", Revocation::Delete),
        revoke(AT, "hcxlk_up", Revocation::Disable),
    ]);
    let report = world.apply(&plan, &mut keeper).await;
    assert_eq!(report.counts(), (0, 3, 0, 0), "{report:?}");
    assert_eq!(world.writes(), []);
}

/// Once the deletion is asked for, whoever asks to stop ends the trying, not the truth of what is said.
#[tokio::test]
async fn who_asks_to_stop_is_told_what_is_known() {
    let (world, mut keeper, plan) = scene(Revocation::Delete);
    for _ in 0..40 {
        world.fail("delete", Fault::LostRequest);
    }
    world.lock().stop_after = Some(Duration::from_secs(5));
    let report = world.apply(&plan, &mut keeper).await;
    assert!(report.interrupted);
    let [_, successor, _, leaked] = by_verb(&report);
    assert!(matches!(leaked, Became::InDoubt { .. }), "{leaked:?}");
    assert!(matches!(successor, Became::NotStarted { .. }), "{successor:?}");
    assert!(world.lock().clock < Duration::from_secs(20));
}

fn assert_invariants(world: &World, keeper: &Keeper, report: &Report, how: Revocation, case: &str) {
    let log = world.log();
    let leaked = |id: &str| id == "hcxlk_old" || id == "hcxlk_leaked";
    let stopped_by = |place: usize, id: &str| {
        log[..place].iter().any(|e| match e {
            Event::Delete { id: i } => i.as_str() == id,
            Event::Patch { id: i, change } => i.as_str() == id && change.disabled == Some(true),
            _ => false,
        })
    };
    for (place, event) in log.iter().enumerate() {
        match event {
            Event::Post { .. } => {
                assert!(
                    ["hcxlk_old", "hcxlk_leaked"].iter().all(|id| stopped_by(place, id)),
                    "{case}: first the leak"
                );
            }
            Event::State { id, disabled: false, .. } if id.as_str().contains("made") => {
                let is_sealed =
                    |e: &Event| matches!(e, Event::Appended(Record::Minted { key, .. }) if &key.id == id);
                assert!(log[..place].iter().any(is_sealed), "{case}: S1 {id}");
            }
            Event::Delete { id } => {
                assert!(leaked(id.as_str()) || id.as_str().contains("made"), "{case}: S3 {id}");
            }
            Event::Patch { id, .. } => assert!(!id.as_str().ends_with("theirs"), "{case}: S8"),
            _ => {}
        }
    }
    for (place, id) in [(2, "hcxlk_old"), (3, "hcxlk_leaked")] {
        let live = key(world, id);
        let works = live.as_ref().is_some_and(|key| how == Revocation::Delete || !key.disabled);
        assert!(!(works && is_done(&report.outcomes[place].became)), "{case}: {id} works and is said not to");
        // Whatever was begun is on the record, or the record could not be kept.
        let begun = log
            .iter()
            .any(|e| matches!(e, Event::Delete { id: i } | Event::Patch { id: i, .. } if i.as_str() == id));
        let is_noted = keeper.sealed.key(&key_id(id)).is_none_or(|entry| entry.revoked.is_some());
        assert!(!begun || is_noted || keeper.fail_append.is_some(), "{case}: {id} is not noted");
    }
    let made: Vec<_> = world
        .lock()
        .keys
        .values()
        .filter(|k| k.id.as_str().contains("made") && !k.disabled)
        .cloned()
        .collect();
    assert!(made.len() <= 1, "{case}: S5");
    let is_made = is_done(&report.outcomes[1].became);
    assert!(!is_made || is_done(&report.outcomes[2].became) && is_done(&report.outcomes[3].became), "{case}");
    let said = format!("{report:?} {:?} {:?}", keeper.sealed, world.records());
    for secret in &world.lock().secrets {
        assert!(!said.contains(secret.as_str()), "{case}: S2");
    }
}

const FAULTS: [Fault; 11] = [
    Fault::NotSent,
    Fault::LostRequest,
    Fault::LostAnswer,
    Fault::Unreadable,
    Fault::Status(401),
    Fault::Status(403),
    Fault::Status(404),
    Fault::Status(429),
    Fault::Status(500),
    Fault::StatusAfter(504),
    Fault::Panic,
];

async fn undisturbed(how: Revocation) -> (usize, usize) {
    let (world, mut keeper, plan) = scene(how);
    let report = world.apply(&plan, &mut keeper).await;
    assert_invariants(&world, &keeper, &report, how, "undisturbed");
    let calls = world.lock().calls;
    (calls, keeper.appends())
}

#[tokio::test]
async fn sweep_a_fault_and_a_stop_at_every_call_of_a_revocation() {
    for how in [Revocation::Delete, Revocation::Disable] {
        let (calls, appends) = undisturbed(how).await;
        assert!(calls > 10 && appends > 8);
        for number in 0..calls {
            for fault in FAULTS {
                for stop in [None, Some(number)] {
                    let (world, mut keeper, plan) = scene(how);
                    world.lock().fault_at = Some((number, fault));
                    world.lock().stop_at = stop;
                    let report = world.apply(&plan, &mut keeper).await;
                    let case = format!("{how:?} {fault:?} at call {number}, stop {stop:?}");
                    assert_invariants(&world, &keeper, &report, how, &case);
                }
            }
        }
        for number in 0..appends {
            let (world, mut keeper, plan) = scene(how);
            keeper.fail_append = Some(number);
            let report = world.apply(&plan, &mut keeper).await;
            let case = format!("{how:?} append {number}");
            assert_invariants(&world, &keeper, &report, how, &case);
            for id in ["hcxlk_old", "hcxlk_leaked"] {
                assert!(key(&world, id).is_none_or(|key| key.disabled), "{case}: {id} still works");
            }
        }
    }
}
