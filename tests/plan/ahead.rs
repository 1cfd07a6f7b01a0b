//! What the next weeks hold: the steps that the planner takes when their time has come, and no others.

use keycomb::model::*;
use keycomb::plan::{Verb, ahead, lives};

use super::builders::*;

const A: &str = "key.production.a";

fn rotate(every: u64, overlap: u64) -> Option<Rotation> {
    Some(Rotation { every: Period::days(every), overlap: Period::days(overlap), window: None })
}

/// Each step within so many days as (generation it is told at, days from now, verb, generation it is done to).
fn steps(world: &World, days: u64) -> Vec<(u32, i64, Verb, u32)> {
    let until = Period::days(days).after(now());
    let mut found = vec![];
    for life in lives(&world.input()) {
        let told = life.record.map_or(0, |record| record.generation);
        for step in ahead(&life, now(), until) {
            let days = (step.at.as_second() - now().as_second()) / DAY;
            found.push((told, days, step.verb, step.generation));
        }
    }
    found
}

/// Made 30 days ago.
fn rotated_every(every: u64, overlap: u64) -> World {
    let mut world = World::production();
    world.sync(DesiredKey { rotate: rotate(every, overlap), ..configuration(A) }, "one");
    world
}

#[test]
fn a_rotation_brings_the_end_of_the_generation_before_and_then_the_next_one() {
    let world = rotated_every(50, 7);
    let expected = [
        (1, 20, Verb::Rotate, 2),
        (1, 27, Verb::Disable, 1),
        (1, 41, Verb::Delete, 1),
        (1, 70, Verb::Rotate, 3),
        (1, 77, Verb::Disable, 2),
    ];
    assert_eq!(steps(&world, 90), expected);
    assert_eq!(steps(&world, 27), expected[..2], "the last instant is within");
}

#[test]
fn the_first_step_is_the_one_that_the_planner_takes_then() {
    let world = rotated_every(50, 7);
    let at = |days: i64, seconds: i64| {
        let mut input = world.input();
        input.now = ago(-days * DAY - seconds);
        keycomb::plan::plan(&input).actions.iter().map(|action| action.verb).collect::<Vec<_>>()
    };
    assert_eq!((at(20, -1), at(20, 0)), (vec![], vec![Verb::Rotate]));
}

#[test]
fn what_is_overdue_or_goes_with_the_next_apply_is_due_now() {
    let overdue = rotated_every(10, 2);
    assert_eq!(steps(&overdue, 3), [(1, 0, Verb::Rotate, 2), (1, 2, Verb::Disable, 1)]);
    let mut gone = rotated_every(90, 7);
    gone.undeclare(A);
    assert_eq!(steps(&gone, 90), [(1, 0, Verb::Disable, 1), (1, 14, Verb::Delete, 1)]);
}

#[test]
fn what_is_made_or_switched_off_has_its_own_future() {
    let mut world = World::production();
    world.declare(DesiredKey { rotate: rotate(60, 7), ..configuration(A) });
    let made = [(0, 0, Verb::Create, 1), (0, 60, Verb::Rotate, 2), (0, 67, Verb::Disable, 1)];
    assert_eq!(steps(&world, 70), made);
    world.desired(A).enabled = false;
    assert_eq!(steps(&world, 70), made[..1], "nobody needs a new secret of it");

    let mut off = rotated_every(60, 7);
    off.desired(A).enabled = false;
    assert_eq!(steps(&off, 90), [(1, 0, Verb::Disable, 1)], "it stays");
    let mut still = World::production();
    still.sync(configuration(A), "one");
    assert_eq!(steps(&still, 90), []);
}

#[test]
fn a_predecessor_ends_with_its_overlap_and_one_in_quarantine_with_that() {
    let mut world = rotated_every(90, 7);
    let key = world.desired(A).clone();
    let second =
        SealedKey { generation: 2, created: ago(3 * DAY), since: ago(3 * DAY), ..record_of(&key, "two") };
    world.sealed().keys.push(second);
    let times = Some(ago(3 * DAY));
    world.live.keys.push(LiveKey { created: times, updated: times, ..live_of(&key, "two") });
    assert_eq!(
        steps(&world, 90),
        [(1, 4, Verb::Disable, 1), (1, 18, Verb::Delete, 1), (2, 87, Verb::Rotate, 3)]
    );
    (world.record("one").state, world.record("one").since) = (KeyState::Disabled, ago(DAY));
    (world.live("one").disabled, world.live("one").updated) = (true, Some(ago(DAY)));
    assert_eq!(steps(&world, 20), [(1, 13, Verb::Delete, 1)]);
}

#[test]
fn what_rotates_every_minute_is_cut_and_by_date() {
    let mut world = rotated_every(90, 7);
    let often = Rotation { every: "1m".parse().unwrap(), overlap: "30s".parse().unwrap(), window: None };
    world.desired(A).rotate = Some(often);
    let steps = ahead(&lives(&world.input())[0], now(), Period::days(90).after(now()));
    assert_eq!(steps.len(), 400);
    assert!(steps.is_sorted());
}
