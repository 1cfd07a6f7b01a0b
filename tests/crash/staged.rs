//! Where a runner whose disk dies is cut off: while it stages, and what comes after it, with its record or without.

use fastrand::Rng;

use crate::point::Stage;
use crate::scenario::{Start, apply, before_create, end_at};
use crate::world::{Bench, How, World};

const DAY: u64 = 24 * 60;
const STAGE: &[&str] = &["--stage"];

fn start(world: &World<'_>, more: &[&str]) -> Start {
    Start {
        snapshot: world.snapshot(),
        arguments: apply(more),
        is_staged: true,
        is_rotation: false,
        revoked: None,
    }
}

/// Keys are to be staged.
pub fn stage(bench: &Bench, rng: &mut Rng, seed: u64) -> Start {
    let (snapshot, _) = before_create(bench, rng, seed);
    start(&bench.restore(&snapshot), STAGE)
}

/// A run that staged was cut off; its disk is still there, and is gone on with, as a runner's or as the record's home.
pub fn settle(bench: &Bench, rng: &mut Rng, seed: u64) -> Start {
    let (snapshot, _) = before_create(bench, rng, seed);
    let mut world = bench.restore(&snapshot);
    let ends =
        [("POST:keys", Stage::CarriedOut), ("PATCH:key", Stage::Arrived), ("PATCH:key", Stage::CarriedOut)];
    let (class, at) = *rng.choice(&ends).unwrap();
    end_at(&mut world, STAGE, class, 1 + rng.usize(..2), at);
    world.pass([1, 17, 25, 120, 8 * DAY + 1][rng.usize(..5)]);
    start(&world, if rng.bool() { STAGE } else { &[] })
}

fn stage_all(world: &mut World<'_>) {
    let ran = world.run(&apply(STAGE), &How::Plainly).unwrap();
    assert_eq!(ran.exit, Some(0), "{}\n{}", ran.stdout, ran.stderr);
}

/// All is staged and its record is home: to be released in time, at the last moment, or too late.
pub fn release(bench: &Bench, rng: &mut Rng, seed: u64) -> Start {
    let (snapshot, _) = before_create(bench, rng, seed);
    let mut world = bench.restore(&snapshot);
    stage_all(&mut world);
    world.pass([1, 3 * DAY, 7 * DAY - 10, 7 * DAY + 30, 8 * DAY + 1][rng.usize(..5)]);
    start(&world, &[])
}

/// All was staged, and its record never came home.
pub fn reap(bench: &Bench, rng: &mut Rng, seed: u64) -> Start {
    let (snapshot, _) = before_create(bench, rng, seed);
    let mut world = bench.restore(&snapshot);
    let committed = std::fs::read(world.sealed_path()).unwrap();
    stage_all(&mut world);
    std::fs::write(world.sealed_path(), committed).unwrap();
    world.pass([3 * DAY, 8 * DAY + 1][rng.usize(..2)]);
    start(&world, if rng.bool() { STAGE } else { &[] })
}
