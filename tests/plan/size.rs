//! Ten thousand keys take no time that grows with their square.

use std::time::{Duration, Instant};

use super::builders::*;

#[test]
fn ten_thousand_keys_are_planned_at_once() {
    let mut world = World::production();
    for i in 0..10_000 {
        let at = format!("key.production.k{i}");
        let id = format!("k{i}");
        match i % 4 {
            0 => world.declare(configuration(&at)),
            1 => world.live.keys.push(live_of(&configuration(&at), &id)),
            _ => {
                let key = configuration(&at);
                world.live.keys.push(live_of(&key, &id));
                world.sealed().keys.push(record_of(&key, &id));
                world.declare(key);
            }
        }
    }
    // So that the addresses are hashed as well.
    world.live.keys.push(provisional(&configuration("key.production.k0"), "left", LINEAGE, '1', DAY));
    let start = Instant::now();
    let plan = world.plan();
    let took = start.elapsed();
    assert_eq!((plan.summary.changes, plan.summary.findings), (2_501, 2_500));
    // Unoptimised and on a busy machine; squared it would take minutes.
    assert!(took < Duration::from_secs(5), "{took:?}");
}
