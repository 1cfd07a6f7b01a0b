//! Where a revocation is cut off: before the deletion, between it and the successor, and while that is made.

use fastrand::Rng;

use crate::scenario::{Start, four_keys};
use crate::world::{Bench, How};

fn start(bench: &Bench, rng: &mut Rng, seed: u64, more: &[&str]) -> Start {
    let (world, team, labels, _) = four_keys(bench, rng, seed);
    let label = labels[rng.usize(..4)].clone();
    let environment = &team.keys.iter().find(|key| key.label == label).unwrap().environment;
    let address = format!("key.{environment}.{label}");
    let words = ["revoke", "--yes", "-vv", address.as_str(), "--reason", "leaked"];
    let arguments = words.iter().chain(more).map(|&word| word.to_owned()).collect();
    let revoked = Some(address.parse().unwrap());
    Start { snapshot: world.snapshot(), arguments, is_staged: false, is_rotation: false, revoked }
}

/// Deleted at once, then its successor.
pub fn revoke(bench: &Bench, rng: &mut Rng, seed: u64) -> Start {
    start(bench, rng, seed, &[])
}

/// Disabled at once, then its successor.
pub fn disable(bench: &Bench, rng: &mut Rng, seed: u64) -> Start {
    start(bench, rng, seed, &["--disable"])
}

/// The successor leaked, within the overlap: deleted at once, then another beside the older one, which works on.
pub fn successor(bench: &Bench, rng: &mut Rng, seed: u64) -> Start {
    let (mut world, team, labels, _) = four_keys(bench, rng, seed);
    let label = &labels[rng.usize(..4)];
    let environment = &team.keys.iter().find(|key| key.label == *label).unwrap().environment;
    let address: keycomb::model::Address = format!("key.{environment}.{label}").parse().unwrap();
    let rotate = ["rotate", "--yes", &address.to_string()].map(str::to_owned);
    assert_eq!(world.run(&rotate, &How::Plainly).unwrap().exit, Some(0));
    world.pass([0, 1, 60, 24 * 60][rng.usize(..4)]);
    world.put_identity();
    let sealed = world.sealed().unwrap().unwrap();
    let newest = sealed.generations(&address).last().unwrap();
    assert_eq!(newest.generation, 2);
    world.stdin = world.sandbox.truth().key(newest.id.as_str()).unwrap().credential.clone().into_bytes();
    let words = ["revoke", "--yes", "-vv", "--leaked", "-", "-i", "identity.txt"];
    let arguments = words.map(str::to_owned).to_vec();
    Start {
        snapshot: world.snapshot(),
        arguments,
        is_staged: false,
        is_rotation: true,
        revoked: Some(address),
    }
}
