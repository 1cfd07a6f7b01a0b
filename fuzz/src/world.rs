//! Bytes to a small world: what is declared, live and recorded, in any combination, with hostile names.

use std::collections::BTreeSet;

use arbitrary::{Result, Unstructured};
use keycomb::model::*;
use keycomb::plan::Allow;

use super::builders::*;

const LABELS: [&str; 3] = ["one", "two", "three"];
const KEYS: [&str; 3] = ["a", "b", "c"];

/// Few things of each kind: what matters is how they meet.
pub fn world(u: &mut Unstructured<'_>) -> Result<World> {
    let mut world = World::empty();
    for label in LABELS {
        environment_at(u, label, &mut world)?;
    }
    for label in LABELS {
        for key in KEYS {
            if world.desired.environments.contains_key(&Label::new(label).unwrap()) && u.ratio(1, 2)? {
                world.declare(declared(u, &format!("key.{label}.{key}"))?);
            }
        }
    }
    for id in 0..u.int_in_range(0..=6)? {
        let live = live(u, id)?;
        world.live.keys.push(live);
    }
    for id in 0..u.int_in_range(0..=6)? {
        let record = record(u, id)?;
        world.sealed().keys.push(record);
    }
    for of in ['1', '2'] {
        if u.ratio(1, 4)? {
            let at = key_address(u)?;
            world.sealed().intents.push(intent(&at, of));
        }
    }
    if u.ratio(1, 10)? {
        world.sealed = None;
    }
    (world.desired.policy, world.allow) = (policy(u)?, allow(u)?);
    Ok(world)
}

fn environment_at(u: &mut Unstructured<'_>, label: &str, world: &mut World) -> Result<()> {
    if u.ratio(3, 4)? {
        let name = environment_name(u, label)?;
        let attributes = attributes(u)?;
        let declared = world.declare_environment(label, &name);
        (declared.attributes, declared.reference) = (attributes, u.ratio(1, 5)?);
    }
    if u.ratio(3, 4)? {
        let name = environment_name(u, label)?;
        let color = *u.choose(&[None, Some(Color::Red), Some(Color::Classic)])?;
        let description = text(u)?;
        let delete_protected = u.arbitrary()?;
        let live = live_environment(label, &name);
        world.live.environments.push(LiveEnvironment { color, description, delete_protected, ..live });
    }
    if u.ratio(3, 4)? {
        let name = environment_name(u, label)?;
        let applied = attributes(u)?;
        let recorded = recorded_environment(label, &name);
        world.sealed().environments.push(SealedEnvironment { applied, ..recorded });
    }
    Ok(())
}

fn environment_name(u: &mut Unstructured<'_>, label: &str) -> Result<String> {
    Ok(if u.ratio(3, 4)? { label.to_owned() } else { text(u)? })
}

/// Up to forty characters of anything.
fn text(u: &mut Unstructured<'_>) -> Result<String> {
    let length = u.int_in_range(0..=40)?;
    let bytes = u.bytes(length.min(u.len()))?;
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

fn attributes(u: &mut Unstructured<'_>) -> Result<EnvironmentAttributes> {
    Ok(EnvironmentAttributes {
        description: if u.arbitrary()? { Some(text(u)?) } else { None },
        color: *u.choose(&[None, Some(Color::Red), Some(Color::Blue)])?,
        delete_protected: u.arbitrary()?,
    })
}

fn key_address(u: &mut Unstructured<'_>) -> Result<String> {
    Ok(format!("key.{}.{}", u.choose(&LABELS)?, u.choose(&KEYS)?))
}

fn permissions(u: &mut Unstructured<'_>) -> Result<BTreeSet<Permission>> {
    let mut granted = BTreeSet::new();
    for permission in [Permission::CreateDatasets, Permission::SendEvents, Permission::ManageRecipients] {
        if u.arbitrary()? {
            granted.insert(permission);
        }
    }
    Ok(granted)
}

fn time(u: &mut Unstructured<'_>) -> Result<Timestamp> {
    let ages = [-MINUTE, MINUTE, 16 * MINUTE, 2 * HOUR, 20 * DAY, 100 * DAY];
    Ok(match u.int_in_range(0..=7)? {
        6 => Timestamp::MAX,
        7 => Timestamp::MIN,
        at => ago(ages[at]),
    })
}

fn maybe_time(u: &mut Unstructured<'_>) -> Result<Option<Timestamp>> {
    Ok(if u.ratio(5, 6)? { Some(time(u)?) } else { None })
}

fn declared(u: &mut Unstructured<'_>, at: &str) -> Result<DesiredKey> {
    let plain = ingest(at);
    let rotation = Rotation { every: Period::days(30), overlap: Period::days(7), window: None };
    Ok(DesiredKey {
        key_type: *u.choose(KeyType::ALL)?,
        name: if u.ratio(1, 3)? { text(u)? } else { plain.name.clone() },
        permissions: permissions(u)?,
        enabled: u.arbitrary()?,
        owner: if u.arbitrary()? { Some(text(u)?) } else { None },
        protected: u.ratio(1, 3)?,
        rotate: if u.ratio(1, 3)? { Some(rotation) } else { None },
        ..plain
    })
}

fn live(u: &mut Unstructured<'_>, id: usize) -> Result<LiveKey> {
    let at = key_address(u)?;
    let key = ingest(&at);
    let lineage = if u.ratio(3, 4)? { LINEAGE } else { "zzzzzzzzzzzzzzzz" };
    let name = match u.int_in_range(0..=3)? {
        0 => text(u)?,
        1 => provisional(&key, "x", lineage, *u.choose(&['1', '2'])?, HOUR).name,
        _ => key.name.clone(),
    };
    let mut live = live_of(&key, &format!("n{id}"));
    live.name = name;
    live.key_type = *u.choose(KeyType::ALL)?;
    live.disabled = u.arbitrary()?;
    live.permissions = permissions(u)?;
    if u.ratio(1, 5)? {
        live.unknown_permissions.insert(text(u)?, u.arbitrary()?);
    }
    (live.created, live.updated) = (maybe_time(u)?, maybe_time(u)?);
    live.editor = if u.ratio(1, 5)? { Some(text(u)?) } else { None };
    Ok(live)
}

fn record(u: &mut Unstructured<'_>, id: usize) -> Result<SealedKey> {
    use KeyState::{Deleted, Disabled, Dropping, Live, Provisional, Releasing};
    let states = [Live, Live, Live, Provisional, Releasing, Dropping, Disabled, Disabled, Deleted];
    let at = key_address(u)?;
    let mut record = record_of(&ingest(&at), &format!("n{id}"));
    // One for each id, so that no two entries are the same generation.
    record.generation = u32::try_from(id).unwrap() + 1;
    record.state = *u.choose(&states)?;
    (record.created, record.since) = (time(u)?, time(u)?);
    record.applied = AppliedKey { enabled: u.arbitrary()?, permissions: permissions(u)? };
    record.protected = u.ratio(1, 4)?;
    record.name = if u.ratio(1, 4)? { text(u)? } else { record.name };
    record.owner = if u.ratio(1, 4)? { Some(text(u)?) } else { None };
    Ok(record)
}

fn limit(u: &mut Unstructured<'_>) -> Result<Limit> {
    let count = if u.arbitrary()? { Some(u.int_in_range(0..=3)?) } else { None };
    let percent = if u.ratio(1, 5)? { Some(u.int_in_range(0..=100)?) } else { None };
    Ok(Limit { count, percent })
}

fn policy(u: &mut Unstructured<'_>) -> Result<Policy> {
    Ok(Policy {
        unmanaged: *u.choose(&[Unmanaged::Report, Unmanaged::Ignore, Unmanaged::Fail])?,
        on_missing: *u.choose(&[OnMissing::Stop, OnMissing::Recreate])?,
        delete: limit(u)?,
        disable: limit(u)?,
        replace: limit(u)?,
    })
}

fn allow(u: &mut Unstructured<'_>) -> Result<Allow> {
    let number =
        |u: &mut Unstructured<'_>| Ok(if u.ratio(1, 3)? { Some(u.int_in_range(0..=3)?) } else { None });
    let (delete, disable, replace) = (number(u)?, number(u)?, number(u)?);
    let mut addresses = BTreeSet::new();
    for _ in 0..u.int_in_range(0..=3)? {
        addresses.insert(address(&key_address(u)?));
    }
    Ok(Allow { delete, disable, replace, addresses })
}
