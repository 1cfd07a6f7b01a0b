//! Keys that a person revoked: in this run, or in one that did not come to its end.

use keycomb::model::*;
use keycomb::plan::{Ask, ReasonCode, Revoke, SecretEffect, Step, Undo, Verb};

use super::builders::*;

const AT: &str = "key.production.a";

fn ask(how: Revocation) -> Ask {
    let revoke = Revoke { address: address(AT), only: None, how, reason: "in a log".into() };
    Ask { revoke: Some(revoke), ..Ask::default() }
}

/// `key.production.a` in sync as `a`, and revoking it asked for.
fn asked(how: Revocation) -> World {
    let mut world = World::production();
    world.sync(configuration(AT), "a");
    world.ask = ask(how);
    world
}

fn marked(how: Revocation) -> Option<Revoked> {
    Some(Revoked { how, at: ago(HOUR), reason: "in a log".into() })
}

/// The id and what is done to it, for each key that is revoked.
fn revoked(world: &World) -> Vec<(KeyId, Revocation)> {
    let step = |step| match step {
        Step::RevokeKey { id, revoked } => Some((id, revoked.how)),
        _ => None,
    };
    world.plan().actions.into_iter().filter_map(|action| step(action.step)).collect()
}

#[test]
fn the_key_goes_first_and_its_successor_is_the_next_generation() {
    let plan = asked(Revocation::Delete).plan();
    let [delete, create] = plan.actions.as_slice() else { panic!("{}", told(&plan)) };
    assert_eq!((delete.verb, delete.reason.code), (Verb::Delete, ReasonCode::Revoked));
    assert_eq!((&delete.secret, delete.undo), (&SecretEffect::StopsWorking, Undo::Irreversible));
    assert_eq!(delete.reason.text, "revoked: in a log");
    let revoked = Revoked { how: Revocation::Delete, at: now(), reason: "in a log".into() };
    assert_eq!(delete.step, Step::RevokeKey { id: key_id("a"), revoked });
    assert_eq!((create.verb, create.generation), (Verb::Create, Some(2)));
    assert_eq!(create.reason.code, ReasonCode::Revoked);
    assert!(matches!(create.step, Step::MintKey(_)));
}

#[test]
fn nothing_else_is_in_the_plan_of_an_emergency() {
    let mut world = asked(Revocation::Delete);
    world.declare(configuration("key.production.more"));
    world.declare_environment("staging", "Staging");
    world.sync(configuration("key.production.gone"), "gone");
    world.undeclare("key.production.gone");
    world.desired("key.production.base").enabled = false;
    assert_eq!(world.told(), ["delete key.production.a", "create key.production.a"]);
    assert_eq!(world.plan().findings, []);
}

#[test]
fn every_generation_goes_whatever_its_state() {
    let mut world = asked(Revocation::Delete);
    for (generation, state) in [
        (2, KeyState::Disabled),
        (3, KeyState::Live),
        (4, KeyState::Provisional),
        (5, KeyState::Staged),
        (6, KeyState::Releasing),
        (7, KeyState::Deleted),
    ] {
        let id = format!("n{generation}");
        world.live.keys.push(live_of(&configuration(AT), &id));
        let entry = SealedKey { generation, state, ..record_of(&configuration(AT), &id) };
        world.sealed().keys.push(entry);
    }
    let ids: Vec<KeyId> = revoked(&world).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["a", "n2", "n3", "n4", "n5", "n6", "n7"].map(key_id));
    assert_eq!(world.plan().actions.last().unwrap().generation, Some(8));
}

#[test]
fn naming_it_lifts_every_guard() {
    let mut world = World::empty();
    world.sync_environment("production", "Production");
    let key = DesiredKey { protected: true, ..ingest(AT) };
    world.sync(key, "a");
    world.live.keys.push(live_of(&configuration("key.production.theirs"), "theirs"));
    world.desired.policy.unmanaged = Unmanaged::Fail;
    world.desired.policy.delete = Limit { count: Some(0), percent: Some(0) };
    world.desired.policy.disable = Limit { count: Some(0), percent: Some(0) };
    for how in [Revocation::Delete, Revocation::Disable] {
        world.ask = ask(how);
        assert_eq!(revoked(&world), [(key_id("a"), how)]);
        assert_eq!(world.plan().summary.blocked, 0, "{:?}", world.told());
    }
    // What is only in the record was not named in this run.
    world.ask = Ask::default();
    world.desired.policy = Policy::default();
    world.record("a").revoked = marked(Revocation::Delete);
    assert_eq!(
        world.told(),
        ["blocked:delete:protected key.production.a", "blocked:create:revoked key.production.a"]
    );
    world.record("a").protected = false;
    assert_eq!(
        world.told(),
        ["blocked:delete:last_ingest key.production.a", "blocked:create:revoked key.production.a"]
    );
    world.allow.addresses.insert(address(AT));
    assert_eq!(world.told(), ["delete key.production.a", "create key.production.a"]);
}

#[test]
fn an_address_that_is_no_longer_declared_has_no_successor() {
    let mut world = asked(Revocation::Delete);
    world.undeclare(AT);
    assert_eq!(world.told(), ["delete key.production.a"]);
}

#[test]
fn only_the_generation_that_leaked_goes_and_the_one_that_serves_stays() {
    let mut world = asked(Revocation::Delete);
    world.live.keys.push(live_of(&configuration(AT), "b"));
    let newer = SealedKey { generation: 2, since: ago(HOUR), ..record_of(&configuration(AT), "b") };
    world.sealed().keys.push(newer);
    let revoke = world.ask.revoke.as_mut().unwrap();
    revoke.only = Some(key_id("a"));
    assert_eq!(world.told(), ["delete key.production.a"]);
    assert_eq!(revoked(&world), [(key_id("a"), Revocation::Delete)]);
    world.ask.revoke.as_mut().unwrap().only = Some(key_id("b"));
    assert_eq!(world.told(), ["delete key.production.a", "rotate key.production.a"]);
    assert_eq!(revoked(&world), [(key_id("b"), Revocation::Delete)]);
}

/// `key.production.a` as `a` and, within the overlap, as its successor `b`.
fn overlapping() -> World {
    let mut world = World::production();
    world.sync(configuration(AT), "a");
    world.live.keys.push(live_of(&configuration(AT), "b"));
    let newer = SealedKey { generation: 2, since: ago(HOUR), ..record_of(&configuration(AT), "b") };
    world.sealed().keys.push(newer);
    assert!(world.plan().is_empty(), "{:?}", world.told());
    world
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn ask_for(id: &str, how: Revocation) -> Ask {
    let revoke = Revoke { address: address(AT), only: Some(key_id(id)), how, reason: "in a log".into() };
    Ask { revoke: Some(revoke), ..Ask::default() }
}

#[test]
fn the_successor_revoked_in_the_overlap_gets_another_and_the_older_one_serves_until_then() {
    for how in [Revocation::Delete, Revocation::Disable] {
        let mut world = overlapping();
        world.ask = ask_for("b", how);
        let plan = world.plan();
        let rotate = plan.actions.iter().find(|action| action.verb == Verb::Rotate).unwrap();
        assert_eq!((rotate.reason.code, rotate.generation), (ReasonCode::Revoked, Some(3)));
        let Step::MintKey(mint) = &rotate.step else { panic!("{}", told(&plan)) };
        assert_eq!(mint.succeeds.iter().map(|old| old.id.clone()).collect::<Vec<_>>(), [key_id("a")]);
        assert_eq!(revoked(&world), [(key_id("b"), how)], "and nothing else");
        super::simulate::apply(&mut world, 1);
        world.ask = Ask::default();
        assert!(world.plan().is_empty(), "{:?}", world.told());
        assert!(!world.live("a").disabled, "it works until the overlap with the third is over");
    }
}

#[test]
fn cut_off_after_the_deletion_the_next_apply_makes_the_third() {
    let mut world = overlapping();
    world.record("b").revoked = marked(Revocation::Delete);
    // The deletion comes first, and the third with it.
    assert_eq!(world.told(), ["delete key.production.a", "rotate key.production.a"]);
    world.delete_live("b");
    world.record("b").state = KeyState::Deleted;
    assert_eq!(world.told(), ["rotate key.production.a"]);
    assert_eq!(world.only().generation, Some(3));
    // A listing that lags does not bring it back.
    world.record("b").since = ago(MINUTE);
    world.live.keys.push(live_of(&configuration(AT), "b"));
    assert_eq!(world.told(), ["rotate key.production.a"]);
    world.delete_live("b");
    // Whoever deleted the older one by hand leaves the address with nothing: the third is made all the same.
    world.delete_live("a");
    assert_eq!(world.told(), ["create key.production.a"]);
}

#[test]
fn a_key_that_is_switched_off_in_the_files_needs_no_third() {
    let mut world = overlapping();
    world.desired(AT).enabled = false;
    world.ask = ask_for("b", Revocation::Delete);
    assert_eq!(world.told(), ["delete key.production.a"]);
}

#[test]
fn what_was_renamed_in_the_files_and_not_applied_is_revoked_at_its_new_address() {
    let mut world = World::production();
    world.sync(configuration("key.production.before"), "a");
    world.undeclare("key.production.before");
    world.declare(DesiredKey { moved_from: Some(address("key.production.before")), ..configuration(AT) });
    world.ask = ask(Revocation::Delete);
    assert_eq!(world.told(), ["move key.production.a", "delete key.production.a", "create key.production.a"]);
    assert_eq!(revoked(&world), [(key_id("a"), Revocation::Delete)]);
}

#[test]
fn a_renamed_environment_takes_the_key_along_that_is_revoked() {
    let mut world = World::production();
    world.sync(configuration(AT), "a");
    world.sync(configuration("key.production.other"), "o");
    let rename = |text: &str| text.replace("production", "prod").parse::<Address>().unwrap();
    let mut desired = world.desired.environments.shift_remove(&label("production")).unwrap();
    (desired.label, desired.moved_from) = (label("prod"), Some(label("production")));
    world.desired.environments.insert(label("prod"), desired);
    for at in [AT, "key.production.other", "key.production.base"] {
        if let Some(mut key) = world.desired.keys.shift_remove(&address(at)) {
            key.address = rename(at);
            world.desired.keys.insert(rename(at), key);
        }
    }
    let revoke = Revoke { address: rename(AT), only: None, how: Revocation::Delete, reason: "x".into() };
    world.ask = Ask { revoke: Some(revoke), ..Ask::default() };
    assert_eq!(
        world.told(),
        ["move environment.prod", "delete key.prod.a", "create key.prod.a"],
        "nothing is done about the others"
    );
}

#[test]
fn the_milder_form_disables_and_the_key_goes_after_its_quarantine() {
    let mut world = asked(Revocation::Disable);
    let plan = world.plan();
    assert_eq!(world.told(), ["disable key.production.a", "create key.production.a"]);
    assert_eq!(plan.actions[0].secret, SecretEffect::StopsWorking);
    super::simulate::apply(&mut world, 1);
    world.ask = Ask::default();
    assert!(world.plan().is_empty(), "{:?}", world.told());
    world.record("a").since = ago(13 * DAY);
    world.live("a").updated = Some(ago(13 * DAY));
    assert!(world.plan().is_empty(), "{:?}", world.told());
    (world.record("a").since, world.live("a").updated) = (ago(14 * DAY), Some(ago(14 * DAY)));
    assert_eq!(world.told(), ["delete key.production.a"]);
    assert_eq!(world.only().step, Step::DeleteKey { id: key_id("a") });
    // A request that came late, or somebody, enabled it again.
    world.live("a").disabled = false;
    assert_eq!(world.told(), ["disable key.production.a"]);
    assert_eq!(revoked(&world), [(key_id("a"), Revocation::Disable)]);
}

#[test]
fn what_was_never_released_is_deleted_and_not_left_for_a_release() {
    let mut world = asked(Revocation::Disable);
    world.live("a").name = provisional(&configuration(AT), "a", LINEAGE, '1', MINUTE).name;
    world.live("a").disabled = true;
    world.record("a").state = KeyState::Provisional;
    assert_eq!(revoked(&world), [(key_id("a"), Revocation::Delete)]);
}

#[test]
fn one_that_was_not_carried_to_its_end_is_carried_on_by_the_next_apply() {
    for how in [Revocation::Delete, Revocation::Disable] {
        let mut world = asked(how);
        world.ask = Ask::default();
        world.record("a").revoked = marked(how);
        let verb = if how == Revocation::Delete { "delete" } else { "disable" };
        assert_eq!(world.told(), [format!("{verb} {AT}"), format!("create {AT}")]);
        // It is gone, and the record does not know yet: neither is it missed, nor minted over silently.
        world.delete_live("a");
        assert_eq!(world.told(), ["delete key.production.a", "create key.production.a"]);
        assert_eq!(world.plan().findings, []);
        world.record("a").state = KeyState::Deleted;
        assert_eq!(world.told(), ["create key.production.a"]);
        assert_eq!(world.plan().actions[0].reason.code, ReasonCode::Revoked);
        // Also where it was the only one: that all managed keys are gone is as it should be.
        let mut alone = World::empty();
        alone.sync_environment("production", "Production");
        alone.sync(ingest(AT), "a");
        alone.record("a").revoked = marked(how);
        alone.delete_live("a");
        assert_eq!(alone.told(), ["delete key.production.a", "create key.production.a"]);
    }
}

#[test]
fn a_revoked_key_never_serves_again_whatever_the_service_shows() {
    let mut world = asked(Revocation::Delete);
    super::simulate::apply(&mut world, 1);
    world.ask = Ask::default();
    assert!(world.plan().is_empty(), "{:?}", world.told());
    // A listing that lags shows it for a while; later it is there after all.
    world.live.keys.push(live_of(&configuration(AT), "a"));
    assert!(world.plan().actions.is_empty(), "{:?}", world.told());
    world.record("a").since = ago(2 * HOUR);
    assert_eq!(revoked(&world), [(key_id("a"), Revocation::Delete)]);
    // Asked for again it does not wait for the listing.
    world.record("a").since = ago(MINUTE);
    world.ask = ask(Revocation::Delete);
    world.ask.revoke.as_mut().unwrap().only = Some(key_id("a"));
    assert_eq!(revoked(&world), [(key_id("a"), Revocation::Delete)]);
}

#[test]
fn a_deletion_is_not_taken_back_by_asking_for_less() {
    let mut world = asked(Revocation::Disable);
    world.record("a").revoked = marked(Revocation::Delete);
    assert_eq!(revoked(&world), [(key_id("a"), Revocation::Delete)]);
    world.record("a").revoked = marked(Revocation::Disable);
    world.ask = ask(Revocation::Delete);
    assert_eq!(revoked(&world), [(key_id("a"), Revocation::Delete)]);
}

#[test]
fn another_key_of_the_name_of_the_successor_is_not_taken_over() {
    let mut world = asked(Revocation::Delete);
    let theirs = LiveKey { id: key_id("theirs"), ..live_of(&configuration(AT), "theirs") };
    world.live.keys.push(theirs);
    assert_eq!(world.told(), ["delete key.production.a", "blocked:adopt:exists key.production.a"]);
    assert_eq!(revoked(&world), [(key_id("a"), Revocation::Delete)], "only what is managed is deleted (S8)");
}

/// `key.production.a` as `a` in quarantine and as `b` in service, its second generation.
fn rotated() -> World {
    let mut world = World::production();
    world.sync(configuration(AT), "a");
    world.sync(configuration(AT), "b");
    let old = world.record("a");
    (old.state, old.applied.enabled, old.since) = (KeyState::Disabled, false, ago(DAY));
    world.live("a").disabled = true;
    world.record("b").generation = 2;
    assert!(world.plan().is_empty(), "{:?}", world.told());
    world
}

#[test]
fn what_was_rotated_away_does_not_come_back_for_a_revoked_successor() {
    let mut world = rotated();
    let revoke = Revoke {
        address: address(AT),
        only: Some(key_id("b")),
        how: Revocation::Delete,
        reason: "in a log".into(),
    };
    world.ask = Ask { revoke: Some(revoke), ..Ask::default() };
    assert_eq!(world.told(), ["delete key.production.a", "create key.production.a"]);
    assert_eq!(revoked(&world), [(key_id("b"), Revocation::Delete)]);
    // It is gone, and the run ended before it made another.
    world.ask = Ask::default();
    world.delete_live("b");
    let gone = world.record("b");
    (gone.state, gone.revoked) = (KeyState::Deleted, marked(Revocation::Delete));
    assert_eq!(world.told(), ["create key.production.a"]);
    assert_eq!(world.only().generation, Some(3));
}

#[test]
fn one_in_quarantine_is_marked_as_revoked_too() {
    let mut world = rotated();
    world.ask = ask(Revocation::Disable);
    assert_eq!(revoked(&world), [(key_id("a"), Revocation::Disable), (key_id("b"), Revocation::Disable)]);
}
