//! Where a revocation is cut off: before the deletion, between it and the successor, and while that is made.

use fastrand::Rng;

use crate::scenario::{Start, four_keys};
use crate::world::Bench;

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
