//! What holds of every plan, whatever the input.

use std::collections::BTreeSet;

use keycomb::model::*;
use keycomb::plan::{Action, Allow, ReasonCode, SecretEffect, Step, Verb, environment_value, key_value};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::builders::*;
use super::simulate;

const LABELS: [&str; 3] = ["one", "two", "three"];
const KEYS: [&str; 3] = ["a", "b", "c"];

fn permissions() -> impl Strategy<Value = BTreeSet<Permission>> {
    let known = vec![Permission::CreateDatasets, Permission::SendEvents, Permission::ManageRecipients];
    subsequence(known, 0..=3).prop_map(|p| p.into_iter().collect())
}

fn attributes() -> impl Strategy<Value = EnvironmentAttributes> {
    (
        proptest::option::of(select(vec![String::new(), "text".to_owned()])),
        proptest::option::of(select(vec![Color::Red, Color::Blue])),
        proptest::option::of(any::<bool>()),
    )
        .prop_map(|(description, color, delete_protected)| EnvironmentAttributes {
            description,
            color,
            delete_protected,
        })
}

fn time() -> impl Strategy<Value = Timestamp> {
    select(vec![-MINUTE, MINUTE, 16 * MINUTE, 2 * HOUR, 20 * DAY, 100 * DAY]).prop_map(ago)
}

/// What may be at one environment's label: declared, live, recorded, in any combination.
type Environment = (Option<DesiredEnvironment>, Option<LiveEnvironment>, Option<SealedEnvironment>);

fn environment_at(label: &'static str) -> impl Strategy<Value = Environment> {
    let name = || select(vec![label.to_owned(), label.to_uppercase()]);
    let declared = (name(), attributes(), proptest::bool::weighted(0.2)).prop_map(
        move |(name, attributes, reference)| DesiredEnvironment {
            attributes,
            reference,
            ..environment(label, &name)
        },
    );
    let color = select(vec![None, Some(Color::Red), Some(Color::Blue), Some(Color::Classic)]);
    let live = (name(), color, any::<bool>()).prop_map(move |(name, color, delete_protected)| {
        LiveEnvironment { color, delete_protected, ..live_environment(label, &name) }
    });
    let record = (name(), attributes())
        .prop_map(move |(name, applied)| SealedEnvironment { applied, ..recorded_environment(label, &name) });
    (option(declared), option(live), option(record))
}

fn option<S: Strategy>(of: S) -> impl Strategy<Value = Option<S::Value>> {
    proptest::option::weighted(0.75, of)
}

fn desired_key(at: &'static str, key: &'static str) -> impl Strategy<Value = DesiredKey> {
    let name = select(vec![key.to_owned(), "shared".to_owned()]);
    let rotate = option(Just(Rotation { every: Period::days(30), overlap: Period::days(7), window: None }));
    (name, select(KeyType::ALL), permissions(), any::<(bool, bool)>(), rotate).prop_map(
        move |(name, key_type, permissions, (enabled, protected), rotate)| DesiredKey {
            name: if name == "shared" { format!("shared {key}") } else { name },
            key_type,
            permissions,
            enabled,
            protected,
            rotate,
            ..ingest(&format!("key.{at}.{key}"))
        },
    )
}

fn live_key(id: usize) -> impl Strategy<Value = LiveKey> {
    let provisional_name = (
        select(vec![LINEAGE, "zzzzzzzzzzzzzzzz"]),
        select(&LABELS[..]),
        select(&KEYS[..]),
        select(vec!['1', '2']),
    )
        .prop_map(|(lineage, label, key, of)| {
            let at = address(&format!("key.{label}.{key}"));
            Provisional::new(&Lineage::new(lineage).unwrap(), &at, nonce(of)).name()
        });
    let name = prop_oneof![
        3 => select(&KEYS[..]).prop_map(str::to_owned),
        1 => select(&KEYS[..]).prop_map(|key| format!("shared {key}")),
        2 => provisional_name,
    ];
    (
        name,
        select(&LABELS[..]),
        select(KeyType::ALL),
        any::<bool>(),
        permissions(),
        option(time()),
        option(time()),
    )
        .prop_map(move |(name, label, key_type, disabled, permissions, created, updated)| LiveKey {
            name,
            key_type,
            environment: environment_id(label),
            disabled,
            permissions,
            created,
            updated,
            ..live_of(&ingest("key.one.a"), &format!("n{id}"))
        })
}

fn record(id: usize) -> impl Strategy<Value = SealedKey> {
    let states = vec![
        KeyState::Provisional,
        KeyState::Releasing,
        KeyState::Dropping,
        KeyState::Live,
        KeyState::Live,
        KeyState::Live,
        KeyState::Disabled,
        KeyState::Disabled,
        KeyState::Deleted,
    ];
    (
        select(&LABELS[..]),
        select(&KEYS[..]),
        select(states),
        time(),
        time(),
        permissions(),
        any::<(bool, bool)>(),
        proptest::option::weighted(0.15, select(vec![Revocation::Delete, Revocation::Disable])),
    )
        .prop_map(move |(label, key, state, created, since, permissions, (enabled, protected), how)| {
            SealedKey {
                revoked: how.map(|how| Revoked { how, at: since, reason: "leaked".into() }),
                // Distinct for each id, so that no two entries are the same generation.
                generation: u32::try_from(id).unwrap() + 1,
                state,
                created,
                since,
                applied: AppliedKey { enabled, permissions },
                protected,
                ..record_of(&ingest(&format!("key.{label}.{key}")), &format!("n{id}"))
            }
        })
}

fn policy() -> impl Strategy<Value = Policy> {
    let limit = || {
        (option(0..4u32), proptest::option::weighted(0.2, 0..101u8))
            .prop_map(|(count, percent)| Limit { count, percent })
    };
    let unmanaged = select(vec![Unmanaged::Ignore, Unmanaged::Report, Unmanaged::Report, Unmanaged::Fail]);
    let on_missing = select(vec![OnMissing::Stop, OnMissing::Recreate]);
    (unmanaged, on_missing, limit(), limit(), limit()).prop_map(
        |(unmanaged, on_missing, delete, disable, replace)| Policy {
            unmanaged,
            on_missing,
            delete,
            disable,
            replace,
        },
    )
}

fn allow() -> impl Strategy<Value = Allow> {
    let named = (select(&LABELS[..]), select(&KEYS[..])).prop_map(|(l, k)| address(&format!("key.{l}.{k}")));
    let number = || proptest::option::of(0..4u32);
    (number(), number(), number(), proptest::collection::btree_set(named, 0..4))
        .prop_map(|(delete, disable, replace, addresses)| Allow { delete, disable, replace, addresses })
}

pub fn world() -> impl Strategy<Value = World> {
    let environments: Vec<_> = LABELS.iter().map(|label| environment_at(label)).collect();
    let addresses =
        LABELS.iter().flat_map(|label| KEYS.iter().map(move |key| option(desired_key(label, key))));
    let keys: Vec<_> = addresses.collect();
    let live: Vec<_> = (0..8).map(|id| option(live_key(id))).collect();
    let records: Vec<_> = (0..8).map(|id| option(record(id))).collect();
    let intents = proptest::collection::vec((select(&LABELS[..]), select(&KEYS[..])), 0..2);
    (environments, keys, live, records, intents, policy(), allow(), proptest::bool::weighted(0.9)).prop_map(
        |(environments, keys, live, records, intents, policy, allow, has_file)| {
            let mut world = World::empty();
            for (declared, live, record) in environments {
                world.desired.environments.extend(declared.map(|d| (d.label.clone(), d)));
                world.live.environments.extend(live);
                world.sealed().environments.extend(record);
            }
            let declared: BTreeSet<Label> = world.desired.environments.keys().cloned().collect();
            let keys = keys.into_iter().flatten().filter(|k| declared.contains(k.address.environment()));
            world.desired.keys = keys.map(|k| (k.address.clone(), k)).collect();
            world.live.keys = live.into_iter().flatten().collect();
            world.sealed().keys = records.into_iter().flatten().collect();
            world.sealed().intents =
                intents.iter().map(|(label, key)| intent(&format!("key.{label}.{key}"), '1')).collect();
            world.sealed = world.sealed.filter(|_| has_file);
            (world.desired.policy, world.allow) = (policy, allow);
            world
        },
    )
}

fn step_id(step: &Step) -> Option<String> {
    match step {
        Step::Nothing | Step::CreateEnvironment { .. } | Step::MintKey(_) | Step::Record(_) => None,
        Step::UpdateEnvironment { id, .. }
        | Step::DeleteEnvironment { id }
        | Step::ForgetEnvironment { id } => Some(id.to_string()),
        Step::ReleaseKey { id, .. }
        | Step::UpdateKey { id, .. }
        | Step::RetireKey { id, .. }
        | Step::DeleteKey { id }
        | Step::RevokeKey { id, .. } => Some(id.to_string()),
        Step::DiscardKey(leftover) => Some(leftover.id.to_string()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_input_gives_the_same_plan_whatever_the_order_of_its_lists(world in world()) {
        let plan = world.plan();
        prop_assert_eq!(&plan, &world.plan());
        let mut shuffled = world.clone();
        shuffled.live.keys.reverse();
        shuffled.live.environments.reverse();
        let sealed = shuffled.sealed();
        sealed.keys.reverse();
        sealed.environments.reverse();
        if world.sealed.is_none() {
            shuffled.sealed = None;
        }
        prop_assert_eq!(&plan, &shuffled.plan());
        prop_assert_eq!(world.drift(), shuffled.drift());
    }

    #[test]
    fn nothing_unmanaged_is_acted_on(world in world()) {
        let mut managed = BTreeSet::new();
        if let Some(sealed) = &world.sealed {
            managed.extend(sealed.keys.iter().map(|k| k.id.to_string()));
            managed.extend(sealed.environments.iter().map(|e| e.id.to_string()));
            // S3: what was never enabled and bears our mark.
            let is_ours = |k: &&LiveKey| {
                k.disabled && Provisional::parse(&k.name).is_some_and(|mark| mark.is_of(&sealed.lineage))
            };
            managed.extend(world.live.keys.iter().filter(is_ours).map(|k| k.id.to_string()));
        }
        for action in world.plan().actions {
            prop_assert_eq!(action.blocked.is_some(), action.verb == Verb::Blocked);
            prop_assert_eq!(action.blocked.is_some(), action.step == Step::Nothing);
            if let Some(id) = step_id(&action.step) {
                prop_assert!(managed.contains(&id), "{id}");
                prop_assert_eq!(action.id, Some(id));
            }
        }
    }

    #[test]
    fn what_a_change_shows_as_it_is_can_be_told_from_the_live_thing_again(world in world()) {
        // What a successor differs in is told of its predecessor, which stays as it is.
        let is_succession = |action: &Action| matches!(action.verb, Verb::Replace | Verb::Rotate);
        let actions = world.plan().actions;
        for action in actions.iter().filter(|action| action.blocked.is_none() && !is_succession(action)) {
            let id = step_id(&action.step);
            let key = world.live.keys.iter().find(|k| Some(k.id.to_string()) == id);
            let environment = world.live.environments.iter().find(|e| Some(e.id.to_string()) == id);
            for change in action.changes.iter().filter(|change| change.before.is_some()) {
                let told = key.map(|live| key_value(change.field, live));
                let told = told.or(environment.map(|live| environment_value(change.field, live))).flatten();
                // What only the record has is not compared.
                let is_recorded = matches!(change.field, "owner" | "protected" | "quarantine");
                prop_assert!(is_recorded || told == change.before, "{:?}: {:?}", change, told);
            }
        }
    }

    #[test]
    fn nothing_is_deleted_that_is_enabled_protected_or_in_quarantine(world in world()) {
        for action in world.plan().actions {
            let Step::DeleteKey { id } = action.step else { continue };
            let record = world.sealed.as_ref().unwrap().key(&id).unwrap();
            prop_assert!(record.quarantine.after(record.since) <= now());
            prop_assert!(!record.protected || world.allow.addresses.contains(&record.address));
            if let Some(live) = world.live.keys.iter().find(|k| k.id == id) {
                prop_assert!(live.disabled && record.state == KeyState::Disabled);
            }
        }
    }

    #[test]
    fn an_address_that_shall_work_takes_one_step_and_any_key_does_besides_discards_and_revocations(world in world()) {
        let (mut seen, mut keys) = (BTreeSet::new(), BTreeSet::new());
        // What is revoked waits for nothing, and its successor does not wait for another apply.
        let revoked: BTreeSet<String> = world.sealed.iter().flat_map(|sealed| &sealed.keys)
            .filter(|key| key.revoked.is_some()).map(|key| key.id.to_string()).collect();
        let is_of_revoked = |a: &Action| a.id.as_ref().is_some_and(|id| revoked.contains(id));
        let is_aside = |a: &Action| a.verb == Verb::Discard || is_of_revoked(a);
        let is_step = |a: &&Action| a.blocked.is_none() && !is_aside(a);
        for action in world.plan().actions.iter().filter(is_step) {
            let works = world.desired.keys.get(&action.address).is_none_or(|desired| desired.enabled);
            let is_wanted = works && (world.desired.keys.contains_key(&action.address) || !action.address.is_key());
            prop_assert!(!is_wanted || seen.insert(action.address.clone()), "{}", action.address);
            prop_assert!(keys.insert((action.address.clone(), action.id.clone())), "{}", action.address);
        }
    }

    /// The same for a key that the files put into another environment: it goes on until the one there has worked for long
    /// enough.
    #[test]
    fn what_the_files_put_elsewhere_works_until_it_does_there(world in world(), cut in 0..12usize) {
        let mut world = world;
        world.sealed().keys.iter_mut().for_each(|record| record.revoked = None);
        let taken = |world: &World| -> Vec<(KeyId, Timestamp)> {
            let mints = world.plan().actions.into_iter().filter_map(|action| match action.step {
                Step::MintKey(mint) => Some((action.address, mint.succeeds)),
                _ => None,
            });
            let old = mints.flat_map(|(to, old)| old.into_iter().filter(move |old| old.address != to));
            old.filter_map(|old| Some((old.id, old.until?))).collect()
        };
        let promised = taken(&world);
        for round in 0..6 {
            simulate::apply_first(&mut world, round, if round == 0 { cut } else { usize::MAX });
            for (id, until) in promised.iter().filter(|(_, until)| *until > world.live.now) {
                let works = world.live.keys.iter().any(|key| &key.id == id && !key.disabled);
                prop_assert!(works, "{round}: {id} stopped before {until}");
            }
            world.live.now = ago(-2 * DAY * (i64::try_from(round).unwrap() + 1));
        }
    }

    #[test]
    fn every_environment_that_received_data_keeps_an_ingest_key_unless_one_was_named(world in world()) {
        let enabled = |world: &World| -> BTreeSet<EnvironmentId> {
            let is_serving = |k: &&LiveKey| {
                k.key_type == KeyType::Ingest && !k.disabled && Provisional::parse(&k.name).is_none()
            };
            world.live.keys.iter().filter(is_serving).map(|k| k.environment.clone()).collect()
        };
        let mut after = World { allow: Allow { addresses: BTreeSet::new(), ..world.allow.clone() }, ..world.clone() };
        simulate::apply(&mut after, 1);
        prop_assert!(enabled(&world).is_subset(&enabled(&after)));
    }

    /// S6: whatever is replaced, rotated, retired or cut off; what is revoked stops before its successor is there.
    #[test]
    fn an_address_that_works_and_shall_goes_on_to(mut world in world(), cut in 0..12usize) {
        let working = |world: &World| -> BTreeSet<Address> {
            let is_enabled = |id: &KeyId| world.live.keys.iter().any(|key| &key.id == id && !key.disabled);
            let records = world.sealed.iter().flat_map(|sealed| &sealed.keys);
            records
                .filter(|k| k.state == KeyState::Live && k.revoked.is_none() && is_enabled(&k.id))
                .filter(|k| world.desired.keys.get(&k.address).is_some_and(|desired| desired.enabled))
                .map(|k| k.address.clone())
                .collect()
        };
        let before = working(&world);
        for round in 0..4 {
            simulate::apply_first(&mut world, round, if round == 0 { cut } else { usize::MAX });
            prop_assert!(before.is_subset(&working(&world)), "{round}: {before:?}");
            world.live.now = ago(-8 * DAY * (i64::try_from(round).unwrap() + 1));
        }
    }

    #[test]
    fn carried_out_again_and_again_it_comes_to_rest(mut world in world()) {
        // An address takes one step an apply, and a key made in one round lets another go in the next.
        for round in 0..12 {
            if world.plan().summary.changes == 0 {
                return Ok(());
            }
            simulate::apply(&mut world, round);
        }
        prop_assert!(false, "still planning:\n{}", told(&world.plan()));
    }

    #[test]
    fn cut_off_anywhere_the_next_plan_stops_and_deletes_nothing_that_the_first_did_not(world in world(), cut in 0..12usize) {
        // A first file's lineage is fresh: nothing can bear its mark before.
        prop_assume!(world.sealed.is_some());
        let intended = |action: &Action| {
            let verb = action.blocked.as_ref().map_or(action.verb, |blocked| blocked.verb);
            (verb, action.id.clone())
        };
        let first = world.plan();
        let known: BTreeSet<_> = first.actions.iter().map(intended).collect();
        let mut after = world;
        simulate::apply_first(&mut after, 1, cut);
        for action in after.plan().actions.iter().filter(|action| action.blocked.is_none()) {
            // What is off already only begins its quarantine.
            let stops = match action.verb {
                Verb::Disable => action.secret == SecretEffect::StopsWorking,
                verb => matches!(verb, Verb::Delete | Verb::Discard),
            };
            // An address takes one step an apply: what was to follow there follows now. That never is what serves it.
            let carried_out = || first.actions.iter().take(cut).filter(|a| a.address == action.address);
            let is_declared = after.desired.keys.contains_key(&action.address);
            let is_served_by = carried_out().any(|a| a.id == action.id);
            let is_next = carried_out().next().is_some() && !(is_declared && is_served_by);
            prop_assert!(!stops || known.contains(&intended(action)) || is_next, "{}\n{}", tell(action), told(&first));
        }
    }

    #[test]
    fn without_leftovers_one_apply_is_enough(mut world in world()) {
        // One generation for each address, all released; environments stay; no limits; no key is the last.
        let mut seen = BTreeSet::new();
        for label in LABELS {
            world.declare_environment(label, label);
        }
        world.desired.policy.disable = Limit { count: None, percent: None };
        world.desired.policy.delete = Limit { count: None, percent: None };
        world.desired.policy.replace = Limit { count: None, percent: None };
        world.live.keys.iter_mut().for_each(|k| k.key_type = KeyType::Configuration);
        world.desired.keys.values_mut().for_each(|k| k.key_type = KeyType::Configuration);
        world.desired.keys.values_mut().for_each(|k| k.name = k.address.to_string());
        let released = [KeyState::Live, KeyState::Disabled, KeyState::Deleted];
        world.sealed().keys.retain(|k| seen.insert(k.address.clone()) && released.contains(&k.state));
        // What was taken for deleted and is there gets its successor first.
        let deleted = |id: &KeyId| {
            let record = world.sealed.iter().flat_map(|sealed| &sealed.keys).find(|record| &record.id == id);
            record.is_some_and(|record| record.state == KeyState::Deleted)
        };
        let deleted: Vec<KeyId> = world.live.keys.iter().map(|k| k.id.clone()).filter(deleted).collect();
        world.live.keys.retain(|key| !deleted.contains(&key.id));
        // What protection leaves to a second plan is tested on its own.
        world.sealed().keys.iter_mut().for_each(|k| k.protected = false);
        world.desired.keys.values_mut().for_each(|k| k.protected = false);
        // What comes back from its quarantine works first, and gets a successor with the next; what was off when its
        // successor was made only begins its quarantine.
        let is_returning = |k: &&SealedKey| k.state == KeyState::Disabled;
        let returning: BTreeSet<Address> =
            world.sealed.iter().flat_map(|s| &s.keys).filter(is_returning).map(|k| k.address.clone()).collect();
        simulate::apply(&mut world, 1);
        for round in 2..4 {
            let plan = world.plan();
            let is_expected = |a: &Action| match a.verb {
                Verb::Replace | Verb::Rotate => returning.contains(&a.address),
                Verb::Disable => a.reason.code == ReasonCode::Superseded && a.secret == SecretEffect::None,
                _ => a.blocked.is_some(),
            };
            prop_assert!(plan.actions.iter().all(is_expected), "{}", told(&plan));
            simulate::apply(&mut world, round);
        }
        prop_assert_eq!(world.plan().summary.changes, 0, "{}", told(&world.plan()));
    }
}
