//! Where a rotation is cut off: while the successor is made, while it is staged, and while the old key goes.

use fastrand::Rng;

use crate::point::Stage;
use crate::scenario::{Start, apply, end_at, four_keys};
use crate::team::Declared;
use crate::world::{Bench, World};

const DAY: u64 = 24 * 60;

fn start(world: &World<'_>, more: &[&str]) -> Start {
    let is_staged = more.contains(&"--stage");
    Start { snapshot: world.snapshot(), arguments: apply(more), is_staged, is_rotation: true, revoked: None }
}

/// Four keys that are due.
fn due<'b>(bench: &'b Bench, rng: &mut Rng, seed: u64) -> (World<'b>, Declared, Vec<String>) {
    let (world, mut team, labels, _) = four_keys(bench, rng, seed);
    team.rotates = true;
    world.declare(&team.text());
    world.pass(91 * DAY);
    (world, team, labels)
}

/// All are due.
pub fn rotate(bench: &Bench, rng: &mut Rng, seed: u64) -> Start {
    start(&due(bench, rng, seed).0, &[])
}

/// What cannot change in place does: the permissions of both ingest keys, and with one of them its name.
pub fn replace(bench: &Bench, rng: &mut Rng, seed: u64) -> Start {
    let (world, mut team, labels, _) = four_keys(bench, rng, seed);
    for label in &labels[..2] {
        let key = team.key(label);
        key.permissions = if key.permissions.is_empty() { vec!["create_datasets"] } else { vec![] };
    }
    team.key(&labels[rng.usize(..2)]).name = Some("renamed".into());
    world.declare(&team.text());
    start(&world, &[])
}

/// A rotation was cut off already, at any of its steps, some time ago.
pub fn settle(bench: &Bench, rng: &mut Rng, seed: u64) -> Start {
    let (mut world, ..) = due(bench, rng, seed);
    let ends = [
        ("POST:keys", Stage::CarriedOut),
        ("PATCH:key", Stage::Arrived),
        ("PATCH:key", Stage::CarriedOut),
        ("PATCH:key", Stage::Answered),
    ];
    let (class, at) = *rng.choice(&ends).unwrap();
    end_at(&mut world, &[], class, 1 + rng.usize(..3), at);
    world.pass([1, 17, 25, 120][rng.usize(..4)]);
    start(&world, &[])
}

/// The successors are staged, and their record comes home.
pub fn stage(bench: &Bench, rng: &mut Rng, seed: u64) -> Start {
    start(&due(bench, rng, seed).0, &["--stage"])
}

/// The overlap is over.
fn overlapped<'b>(bench: &'b Bench, rng: &mut Rng, seed: u64) -> World<'b> {
    let (mut world, ..) = due(bench, rng, seed);
    world.apply_all();
    world.pass(8 * DAY);
    world
}

/// The old keys are to be disabled.
pub fn retire(bench: &Bench, rng: &mut Rng, seed: u64) -> Start {
    start(&overlapped(bench, rng, seed), &[])
}

/// And to be deleted.
pub fn delete(bench: &Bench, rng: &mut Rng, seed: u64) -> Start {
    let mut world = overlapped(bench, rng, seed);
    world.apply_all();
    world.pass(15 * DAY);
    start(&world, &[])
}
