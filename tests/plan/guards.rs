//! Guards: what they stop, and what lets it through.

use keycomb::model::*;
use keycomb::plan::{Allow, FindingKind, Severity, Verb};

use super::builders::*;

/// So many keys of production, in sync and no longer declared.
fn removed(count: usize) -> World {
    let mut world = World::production();
    for i in 0..count {
        let at = format!("key.production.k{i}");
        world.sync(configuration(&at), &format!("k{i}"));
        world.undeclare(&at);
    }
    world
}

fn expire(world: &mut World) {
    for key in &mut world.sealed.as_mut().unwrap().keys {
        if key.address != address("key.production.base") {
            key.state = KeyState::Disabled;
        }
    }
    let base = key_id("base");
    world.live.keys.iter_mut().filter(|k| k.id != base).for_each(|k| k.disabled = true);
}

fn limit(count: Option<u32>, percent: Option<u8>) -> Limit {
    Limit { count, percent }
}

#[test]
fn more_than_the_limit_blocks_all_of_the_kind() {
    let mut world = removed(3);
    world.desired.policy.disable = limit(Some(2), None);
    let plan = world.plan();
    assert!(
        plan.actions.iter().all(|a| a.blocked.as_ref().is_some_and(|b| b.code == "guard_disable" && b.guard))
    );
    assert_eq!((plan.summary.guarded, plan.summary.changes, plan.summary.stopping), (3, 0, 0));
    assert!(plan.is_guarded());
    assert!(plan.actions[0].blocked.as_ref().unwrap().help.contains("--allow disable=3"));
    world.desired.policy.disable = limit(Some(3), None);
    assert_eq!(world.plan().summary.changes, 3);
}

#[test]
fn only_the_exact_number_lifts_a_limit() {
    for (allowed, changes) in [(None, 0), (Some(2), 0), (Some(4), 0), (Some(3), 3)] {
        let mut world = removed(3);
        expire(&mut world);
        world.desired.policy.delete = limit(Some(2), None);
        world.allow = Allow { delete: allowed, disable: Some(3), ..Allow::default() };
        let plan = world.plan();
        assert_eq!(plan.summary.changes, changes, "{allowed:?}");
        assert!(
            changes > 0 || plan.actions.iter().all(|a| a.blocked.as_ref().unwrap().code == "guard_delete")
        );
    }
}

#[test]
fn percent_counts_managed_keys_and_rounds_down() {
    // Four managed keys, one of them `base`; a fifth is recorded as deleted and does not count.
    for (percent, changes) in [(74, 0), (75, 3), (0, 0)] {
        let mut world = removed(3);
        let gone = SealedKey { state: KeyState::Deleted, ..record_of(&ingest("key.production.x"), "x") };
        world.sealed().keys.push(gone);
        world.desired.policy.disable = limit(None, Some(percent));
        assert_eq!(world.plan().summary.changes, changes, "{percent}");
    }
    let mut both = removed(3);
    both.desired.policy.disable = limit(Some(2), Some(100));
    assert_eq!(both.plan().summary.changes, 0, "both bounds hold");
}

#[test]
fn percent_of_no_managed_keys_is_none() {
    let mut world = World::empty();
    world.sync_environment("production", "Production");
    world.sealed().environments[0].applied.delete_protected = Some(false);
    world.live.environments[0].delete_protected = false;
    world.desired.environments.clear();
    world.desired.policy.delete = limit(None, Some(100));
    assert_eq!(world.only_blocked(), (Verb::Delete, "guard_delete", true));
}

#[test]
fn environments_count_towards_max_delete() {
    let mut world = removed(1);
    expire(&mut world);
    world.sync_environment("old", "Old");
    world.desired.environments.shift_remove(&Label::new("old").unwrap());
    world.sealed().environments[1].applied.delete_protected = Some(false);
    world.live.environments[1].delete_protected = false;
    world.desired.policy.delete = limit(Some(1), None);
    assert_eq!(world.plan().summary.guarded, 2);
    world.desired.policy.delete = limit(Some(2), None);
    assert_eq!(world.told(), ["delete key.production.k0", "delete environment.old"]);
}

#[test]
fn what_is_protected_in_the_record_is_neither_disabled_nor_deleted_unless_named() {
    for expired in [false, true] {
        let mut world = removed(1);
        world.record("k0").protected = true;
        if expired {
            expire(&mut world);
        }
        let verb = if expired { Verb::Delete } else { Verb::Disable };
        assert_eq!(world.only_blocked(), (verb, "protected", true));
        world.allow.addresses.insert(address("key.production.other"));
        assert_eq!(world.only_blocked(), (verb, "protected", true));
        world.allow.addresses.insert(address("key.production.k0"));
        assert_eq!(world.only().verb, verb);
    }
}

#[test]
fn taking_protection_off_in_the_files_is_an_update_of_its_own() {
    let mut world = World::production();
    world.sync(DesiredKey { protected: true, ..configuration("key.production.a") }, "a");
    let desired = world.desired("key.production.a");
    (desired.protected, desired.enabled) = (false, false);
    assert_eq!(world.told(), ["update key.production.a", "blocked:disable:protected key.production.a"]);
    super::simulate::apply(&mut world, 1);
    assert_eq!(world.told(), ["disable key.production.a"]);
}

#[test]
fn what_is_protected_in_the_files_is_not_disabled_unless_named() {
    let mut world = World::production();
    world.sync(configuration("key.production.a"), "a");
    let desired = world.desired("key.production.a");
    (desired.protected, desired.enabled) = (true, false);
    assert_eq!(world.told(), ["update key.production.a", "blocked:disable:protected key.production.a"]);
    assert!(world.plan().is_guarded());
    super::simulate::apply(&mut world, 1);
    assert_eq!(world.only_blocked(), (Verb::Disable, "protected", true));
    world.allow.addresses.insert(address("key.production.a"));
    assert_eq!(world.only().verb, Verb::Disable);
}

#[test]
fn the_last_enabled_ingest_key_of_an_environment_goes_only_when_named() {
    let mut by_removal = World::production();
    by_removal.undeclare("key.production.base");
    let mut by_declaration = World::production();
    by_declaration.desired("key.production.base").enabled = false;
    for world in [by_removal, by_declaration] {
        assert_eq!(world.only_blocked(), (Verb::Disable, "last_ingest", true));
        let mut named = world.clone();
        named.allow.addresses.insert(address("key.production.base"));
        assert_eq!(named.only().verb, Verb::Disable);
        // A configuration key is no help, nor is a disabled, a provisional, or a foreign environment's key.
        let mut beside = world.clone();
        let other = ingest("key.production.other");
        beside.live.keys.push(live_of(&configuration("key.production.c"), "c"));
        beside.live.keys.push(LiveKey { disabled: true, ..live_of(&other, "d") });
        let pending = provisional(&other, "e", "zzzzzzzzzzzzzzzz", '1', DAY);
        beside.live.keys.push(LiveKey { disabled: false, ..pending });
        beside.live.keys.push(live_of(&ingest("key.staging.f"), "f"));
        assert_eq!(beside.only_blocked().1, "last_ingest");
        // An unmanaged one is.
        beside.live.keys.push(live_of(&other, "g"));
        assert_eq!(beside.only().verb, Verb::Disable);
    }
}

#[test]
fn a_key_made_in_the_same_plan_does_not_count_as_the_next_to_last() {
    let mut world = World::production();
    world.undeclare("key.production.base");
    world.declare(ingest("key.production.next"));
    assert_eq!(
        world.told(),
        ["create key.production.next", "blocked:disable:last_ingest key.production.base"]
    );
    super::simulate::apply(&mut world, 1);
    assert_eq!(world.told(), ["disable key.production.base"]);
}

#[test]
fn of_several_last_ones_one_stays_by_address_and_named_ones_go_first() {
    let mut world = World::production();
    world.sync(ingest("key.production.also"), "also");
    world.undeclare("key.production.base");
    world.undeclare("key.production.also");
    assert_eq!(
        world.told(),
        ["disable key.production.also", "blocked:disable:last_ingest key.production.base"]
    );
    world.allow.addresses.insert(address("key.production.base"));
    assert_eq!(
        world.told(),
        ["disable key.production.base", "blocked:disable:last_ingest key.production.also"]
    );
    world.allow.addresses.insert(address("key.production.also"));
    assert_eq!(world.plan().summary.changes, 2);
}

#[test]
fn all_keys_gone_at_once_blocks_everything() {
    let mut world = World::production();
    world.sync(configuration("key.production.a"), "a");
    world.declare(configuration("key.production.new"));
    world.declare_environment("new", "New");
    world.desired.policy.on_missing = OnMissing::Recreate;
    world.live.keys = vec![live_of(&configuration("key.production.stranger"), "stranger")];
    let plan = world.plan();
    assert_eq!((plan.actions.len(), plan.summary.guarded), (4, 4), "{}", told(&plan));
    assert!(plan.actions.iter().all(|a| a.blocked.as_ref().unwrap().code == "all_missing"));
    // One of them is enough to believe the rest; naming each is as well.
    let mut there = world.clone();
    there.live.keys.push(live_of(&configuration("key.production.a"), "a"));
    assert_eq!(there.plan().summary.guarded, 0);
    for at in ["key.production.a", "key.production.base"] {
        assert!(world.plan().is_guarded());
        world.allow.addresses.insert(address(at));
    }
    assert_eq!(world.plan().summary.guarded, 0);
}

#[test]
fn an_empty_listing_blocks_everything_whatever_is_declared() {
    let mut world = World::production();
    world.live.keys.clear();
    assert_eq!(world.only_blocked(), (Verb::Create, "all_missing", true));
    world.undeclare("key.production.base");
    world.record("base").since = ago(MINUTE);
    assert_eq!(world.only_blocked(), (Verb::Delete, "all_missing", true));
    world.record("base").state = KeyState::Deleted;
    assert!(world.plan().is_empty(), "a deleted key is not missed");
}

#[test]
fn the_policy_can_refuse_to_work_beside_what_is_unmanaged() {
    let mut world = World::production();
    world.live.keys.push(live_of(&configuration("key.production.stranger"), "stranger"));
    for (policy, severity) in [(Unmanaged::Report, Severity::Note), (Unmanaged::Fail, Severity::High)] {
        world.desired.policy.unmanaged = policy;
        assert_eq!(world.findings(FindingKind::Unmanaged)[0].severity, severity);
        assert_eq!(world.plan().is_guarded(), policy == Unmanaged::Fail);
    }
    world.declare(configuration("key.production.a"));
    assert_eq!(world.only_blocked(), (Verb::Create, "unmanaged", true));
    world.desired.policy.unmanaged = Unmanaged::Ignore;
    assert!(world.plan().findings.is_empty());
    assert_eq!(world.only().verb, Verb::Create);
}

/// A recipient that has proven nothing.
fn second(world: &mut World) -> String {
    let other = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p".parse();
    let other: Recipient = other.unwrap();
    let fingerprint = other.fingerprint();
    assert_ne!(fingerprint, world.desired.seal.recipients["ops"].fingerprint());
    world.desired.seal.recipients.insert("second".into(), other);
    fingerprint
}

#[test]
fn sealing_to_who_has_proven_nothing_is_said_once() {
    let mut world = World::production();
    let fingerprint = second(&mut world);
    for name in ["a", "b"] {
        world.declare(configuration(&format!("key.production.{name}")));
    }
    let said = |world: &World| -> Vec<String> {
        let findings = world.findings(FindingKind::Advice).into_iter();
        findings.map(|f| f.text).filter(|text| text.contains("nobody has shown")).collect()
    };
    assert_eq!(said(&world).len(), 1);
    assert!(said(&world)[0].contains("`second`") && !said(&world)[0].contains("`ops`"), "{:?}", said(&world));
    let lineage = Lineage::new(LINEAGE).unwrap();
    world.sealed().challenges.push(proven(&fingerprint, &lineage));
    assert_eq!(said(&world), Vec::<String>::new());
    world.sealed().challenges.clear();
    world.desired.keys.clear();
    assert_eq!(said(&world), Vec::<String>::new(), "nothing is sealed");
}

#[test]
fn no_key_is_made_for_too_few_who_have_proven_themselves() {
    let mut world = World::production();
    let fingerprint = second(&mut world);
    world.desired.seal.min_proven = 2;
    assert!(world.plan().is_empty(), "what is there already stays");
    world.declare(configuration("key.production.a"));
    assert_eq!(world.only_blocked(), (Verb::Create, "unproven", true));
    world.desired.seal.min_proven = 1;
    assert_eq!(world.only().verb, Verb::Create);
    world.desired.seal.min_proven = 2;
    world.sealed().challenges.push(proven(&fingerprint, &Lineage::new(LINEAGE).unwrap()));
    assert_eq!(world.only().verb, Verb::Create);
    // Of an environment whose secrets only one of them opens.
    let production = Label::new("production").unwrap();
    world.desired.seal.environments.insert(production, vec!["second".into()]);
    assert_eq!(world.only_blocked(), (Verb::Create, "unproven", true));
}
