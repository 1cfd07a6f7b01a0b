//! Two keys of one address and generation: a merge of two branches that each minted it keeps both.

use keycomb::model::*;
use keycomb::plan::{FindingKind, Step, Verb};

use super::builders::*;

/// `key.production.a` in sync as `a`, and recorded and live once more as `b`.
fn twins() -> World {
    let mut world = World::production();
    world.sync(configuration("key.production.a"), "a");
    let (mut live, mut record) = (world.live("a").clone(), world.record("a").clone());
    (live.id, record.id) = (key_id("b"), key_id("b"));
    world.live.keys.push(live);
    world.sealed().keys.push(record);
    world
}

#[test]
fn one_twin_serves_and_the_other_is_retired() {
    let action = twins().only();
    assert_eq!(
        (action.verb, action.step),
        (Verb::Disable, Step::RetireKey { id: key_id("a"), successor: Some(key_id("b")) })
    );
}

#[test]
fn the_twin_that_serves_is_current_whichever_it_is() {
    for (gone, there) in [("a", "b"), ("b", "a")] {
        let mut world = twins();
        world.live.keys.retain(|key| key.id != key_id(gone));
        assert!(world.plan().is_empty(), "{gone} is gone, {there} serves: {:#?}", world.plan());
        assert!(world.findings(FindingKind::Missing).is_empty());

        let mut world = twins();
        (world.record(gone).state, world.record(gone).since) = (KeyState::Disabled, ago(DAY));
        world.live(gone).disabled = true;
        assert!(world.plan().is_empty(), "{gone} is in quarantine, {there} serves");

        // Switched off behind our back: the other one can do its work, and it is retired.
        let mut world = twins();
        world.live(gone).disabled = true;
        let action = world.only();
        assert_eq!(
            (action.verb, action.step),
            (Verb::Disable, Step::RetireKey { id: key_id(gone), successor: None })
        );
    }
}

#[test]
fn twins_that_are_both_gone_are_one_missing_key() {
    let mut world = twins();
    world.live.keys.retain(|key| key.id != key_id("a") && key.id != key_id("b"));
    let action = world.only();
    assert_eq!(action.blocked.unwrap().code, "missing");
    assert_eq!(world.findings(FindingKind::Missing).len(), 1);
}

#[test]
fn the_next_generation_after_twins_is_one_more() {
    let mut world = twins();
    world.live.keys.retain(|key| key.id != key_id("a") && key.id != key_id("b"));
    world.desired.policy.on_missing = OnMissing::Recreate;
    assert_eq!(world.only().generation, Some(2));
}
