//! Requests that wait for their turn: looked at again before they are sent.

use std::time::Duration;

use keycomb::model::{EnvironmentAttributes, KeyState, Record};
use keycomb::plan::{Step, Verb};
use keycomb::report::{Became, Cause, Report};

use crate::plans::{
    action, assert_done, assert_failed, assert_not_started, create_environment, delete, environment_id,
    managed, mint, plan, record_environment, release, retire, update,
};
use crate::world::{Event, Fault, Keeper, World};

const A: &str = "key.production.a";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Writes with this word wait a minute, and somebody asks to stop after ten seconds.
fn stopped_while_waiting(word: &'static str) -> World {
    let world = World::new();
    world.lock().queues.insert(word, (0, seconds(60)));
    let clock = world.lock().clock;
    world.lock().stop_after = Some(clock + seconds(10));
    world
}

fn patches(world: &World) -> usize {
    world.writes().into_iter().filter(|event| matches!(event, Event::Patch { .. })).count()
}

#[track_caller]
fn assert_all_not_started(report: &Report) {
    assert!(report.interrupted);
    for outcome in &report.outcomes {
        let Became::NotStarted { why } = &outcome.became else { panic!("{outcome:?}") };
        assert!(why.contains("somebody asked to stop"), "{why}");
    }
}

#[tokio::test]
async fn a_stop_withholds_the_keys_that_wait_and_ends_their_intents() {
    let world = stopped_while_waiting("post");
    let mut keeper = Keeper::new(&world);
    let report = world.apply(&plan((0..12).map(|i| mint(&format!("k{i:02}"))).collect()), &mut keeper).await;
    assert_all_not_started(&report);
    assert_eq!(world.writes(), []);
    assert!(world.records().iter().any(|record| matches!(record, Record::Intent { .. })));
    assert_eq!(keeper.sealed.intents, []);
    assert!(world.lock().clock < seconds(13), "{:?}", world.lock().clock);
}

#[tokio::test]
async fn a_stop_ends_the_pause_before_a_key_is_asked_for_again() {
    let world = World::new();
    world.fail("post", Fault::Status(429));
    world.lock().stops_in_sleep = true;
    let mut keeper = Keeper::new(&world);
    let wanted = plan(vec![mint("a")]);
    let ended = tokio::time::timeout(seconds(60), world.apply(&wanted, &mut keeper)).await;
    assert_all_not_started(&ended.expect("the pause is slept out"));
    assert_eq!(keeper.sealed.intents, []);
}

#[tokio::test]
async fn a_stop_withholds_every_other_write_that_waits() {
    let words =
        ["patch", "delete", "post-environment", "patch-environment", "delete-environment", "patch (retire)"];
    for word in words {
        let world = stopped_while_waiting(word.split(' ').next().unwrap());
        let mut keeper = Keeper::new(&world);
        let (state, disabled) =
            if word == "delete" { (KeyState::Disabled, true) } else { (KeyState::Live, false) };
        managed(&mut keeper, A, "hcxlk_a", state, disabled);
        record_environment(&mut keeper, "old", "hcxen_old");
        {
            let mut inner = world.lock();
            inner.put_environment("hcxen_old", "Old", false);
            let past_quarantine = seconds(15 * 86_400);
            inner.clock = past_quarantine;
            inner.stop_after = Some(past_quarantine + seconds(10));
        }
        let described = EnvironmentAttributes { description: Some("d".into()), ..Default::default() };
        let id = environment_id("hcxen_old");
        let action = match word {
            "patch" => update(A, "hcxlk_a", Some("b"), &[], None),
            "delete" => delete(A, "hcxlk_a"),
            "post-environment" => create_environment("new", "New", described),
            "patch-environment" => {
                let (change, applied) = (described.clone(), described);
                action("environment.old", Verb::Update, Step::UpdateEnvironment { id, change, applied })
            }
            "delete-environment" => action("environment.old", Verb::Delete, Step::DeleteEnvironment { id }),
            _ => retire(A, "hcxlk_a"),
        };
        let before = keeper.sealed.clone();
        let report = world.apply(&plan(vec![action]), &mut keeper).await;
        assert_all_not_started(&report);
        assert_eq!(world.writes(), [], "{word}");
        keeper.sealed.serial = before.serial;
        assert_eq!(keeper.sealed, before, "{word}");
    }
}

#[tokio::test]
async fn a_stop_ends_a_reading_that_waits() {
    let b = "key.production.b";
    for (word, action) in [
        ("list", mint("a")),
        ("get", update(b, "hcxlk_b", Some("b"), &[], None)),
        ("get", retire(b, "hcxlk_b")),
        ("get", delete(b, "hcxlk_b")),
    ] {
        let world = stopped_while_waiting(word);
        let mut keeper = Keeper::new(&world);
        managed(&mut keeper, b, "hcxlk_b", KeyState::Live, false);
        assert_all_not_started(&world.apply(&plan(vec![action]), &mut keeper).await);
        assert_eq!(world.writes(), []);
        assert!(world.lock().clock < seconds(13), "{:?}", world.lock().clock);
    }
}

#[tokio::test]
async fn a_stop_ends_no_reading_that_what_is_made_needs() {
    let world = stopped_while_waiting("get");
    let report = world.apply(&plan(vec![mint("a")]), &mut Keeper::new(&world)).await;
    assert_done(&report, A);
    assert!(world.lock().clock >= seconds(60), "it was read back");
}

#[tokio::test]
async fn what_is_made_is_finished_after_a_stop() {
    let world = stopped_while_waiting("patch");
    let mut keeper = Keeper::new(&world);
    let report = world.apply(&plan(vec![mint("a")]), &mut keeper).await;
    assert_done(&report, A);
    assert!(report.interrupted);
    assert_eq!(keeper.sealed.keys[0].state, KeyState::Live);

    let world = stopped_while_waiting("patch-environment");
    let mut keeper = Keeper::new(&world);
    let unprotected = EnvironmentAttributes { delete_protected: Some(false), ..Default::default() };
    let report =
        world.apply(&plan(vec![create_environment("new", "New", unprotected.clone())]), &mut keeper).await;
    assert_done(&report, "environment.new");
    assert!(report.interrupted);
    assert_eq!(keeper.sealed.environments[0].applied, unprotected);
}

#[tokio::test]
async fn a_release_is_not_sent_once_its_deadline_is_over() {
    for (wait, is_sent) in [(14 * 60, true), (16 * 60, false)] {
        let world = World::new();
        let mut keeper = Keeper::new(&world);
        world.lock().queues.insert("patch", (0, seconds(wait)));
        let report = world.apply(&plan(vec![mint("a")]), &mut keeper).await;
        assert_eq!(patches(&world), usize::from(is_sent));
        if is_sent {
            assert_done(&report, A);
            continue;
        }
        assert!(assert_failed(&report, A, Cause::Unconfirmed).contains("not released in time"));
        assert!(world.lock().keys.values().all(|key| key.disabled));
        assert_eq!(keeper.sealed.keys[0].state, KeyState::Releasing);
        assert!(world.lock().clock < seconds(15 * 60 + 5), "{:?}", world.lock().clock);
    }
}

#[tokio::test]
async fn a_repeated_release_waits_no_longer_than_the_deadline() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    world.fail("patch", Fault::LostRequest);
    world.lock().queues.insert("patch", (1, seconds(3600)));
    let report = world.apply(&plan(vec![mint("a")]), &mut keeper).await;
    assert_failed(&report, A, Cause::Unconfirmed);
    assert_eq!(patches(&world), 1);
    assert!(world.lock().clock < seconds(15 * 60 + 5), "{:?}", world.lock().clock);
}

#[tokio::test]
async fn a_recorded_release_has_the_time_that_its_key_has_left() {
    for (wait, is_sent) in [(4 * 60, true), (6 * 60, false)] {
        let world = World::new();
        let mut keeper = Keeper::new(&world);
        managed(&mut keeper, A, "hcxlk_a", KeyState::Releasing, true);
        world.lock().clock = seconds(10 * 60);
        world.lock().queues.insert("patch", (0, seconds(wait)));
        let report = world.apply(&plan(vec![release(A, "hcxlk_a")]), &mut keeper).await;
        assert_eq!(patches(&world), usize::from(is_sent));
        if is_sent {
            assert_done(&report, A);
        } else {
            assert_failed(&report, A, Cause::Unconfirmed);
        }
    }
}

#[tokio::test]
async fn no_key_that_waits_follows_one_that_was_made_enabled() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    world.lock().ignores_disabled = true;
    world.lock().queues.insert("post", (1, seconds(60)));
    let report = world.apply(&plan((0..5).map(|i| mint(&format!("k{i}"))).collect()), &mut keeper).await;
    assert_failed(&report, "key.production.k0", Cause::NotDisabled);
    let posts = world.writes().into_iter().filter(|event| matches!(event, Event::Post { .. })).count();
    assert_eq!(posts, 1);
    for i in 1..5 {
        assert!(assert_not_started(&report, &format!("key.production.k{i}")).contains("makes keys enabled"));
    }
    assert_eq!(keeper.sealed.intents, []);
}

#[tokio::test]
async fn nothing_that_waits_follows_a_refused_credential() {
    let world = World::new();
    let mut keeper = Keeper::new(&world);
    managed(&mut keeper, A, "hcxlk_a", KeyState::Live, false);
    managed(&mut keeper, "key.production.b", "hcxlk_b", KeyState::Live, false);
    world.lock().queues.insert("patch", (1, seconds(60)));
    world.fail("patch", Fault::Status(401));
    let actions = vec![
        update(A, "hcxlk_a", Some("x"), &[], None),
        update("key.production.b", "hcxlk_b", Some("y"), &[], None),
    ];
    let report = world.apply(&plan(actions), &mut keeper).await;
    assert_failed(&report, A, Cause::Credential);
    assert!(assert_not_started(&report, "key.production.b").contains("credential was refused"));
    assert_eq!(patches(&world), 1);
}
