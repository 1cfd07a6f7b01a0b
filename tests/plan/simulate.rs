//! What an apply that meets no trouble would leave behind.

use std::collections::{BTreeMap, HashMap};

use keycomb::model::*;
use keycomb::plan::{Action, EnvironmentRef, MintKey, Remembered, Step};

use super::builders::World;

/// Carries a plan's actions out on the world, in order.
pub fn apply(world: &mut World, round: usize) {
    apply_first(world, round, usize::MAX);
}

/// Only the first of them.
pub fn apply_first(world: &mut World, round: usize, count: usize) {
    let plan = world.plan();
    let mut made: HashMap<Label, EnvironmentId> = HashMap::new();
    for (number, action) in plan.actions.iter().enumerate().take(count) {
        take(world, action, &format!("r{round}n{number}"), &mut made);
    }
}

fn take(world: &mut World, action: &Action, fresh: &str, made: &mut HashMap<Label, EnvironmentId>) {
    let now = world.live.now;
    match action.step.clone() {
        Step::Nothing => {}
        Step::Record(records) => records.into_iter().for_each(|record| world.sealed().take(record)),
        Step::CreateEnvironment { name, attributes } => {
            let id = EnvironmentId::new(format!("hcxen_{fresh}")).unwrap();
            made.insert(action.address.environment().clone(), id.clone());
            let mut live = LiveEnvironment {
                id: id.clone(),
                slug: String::new(),
                description: String::new(),
                color: Some(Color::Gold),
                delete_protected: true,
                name: name.clone(),
            };
            set(&mut live, &attributes);
            world.live.environments.push(live);
            let record = SealedEnvironment { address: action.address.clone(), id, name, applied: attributes };
            world.sealed().environments.push(record);
        }
        Step::UpdateEnvironment { id, change, applied } => {
            set(world.live.environments.iter_mut().find(|e| e.id == id).unwrap(), &change);
            world.sealed().environments.iter_mut().find(|e| e.id == id).unwrap().applied = applied;
        }
        Step::ForgetEnvironment { id } => {
            assert!(!world.live.environments.iter().any(|e| e.id == id), "forgot what is there");
            world.sealed().environments.retain(|e| e.id != id);
        }
        Step::DeleteEnvironment { id } => {
            assert!(!world.live.keys.iter().any(|k| k.environment == id), "deleted with keys in it");
            world.live.environments.retain(|e| e.id != id);
            world.sealed().environments.retain(|e| e.id != id);
        }
        Step::MintKey(mint) => self::mint(world, action, *mint, fresh, made),
        Step::ReleaseKey { id, enabled, .. } => {
            let record = world.sealed().keys.iter_mut().find(|k| k.id == id).unwrap();
            (record.state, record.since, record.applied.enabled) = (KeyState::Live, now, enabled);
            let (name, permissions) = (record.name.clone(), record.applied.permissions.clone());
            let live = world.live.keys.iter_mut().find(|k| k.id == id).unwrap();
            (live.name, live.disabled, live.permissions) = (name, !enabled, permissions);
        }
        Step::UpdateKey { id, name, permissions, enabled, applied, remember } => {
            let live = world.live.keys.iter_mut().find(|k| k.id == id).unwrap();
            live.name = name.unwrap_or(live.name.clone());
            live.permissions = permissions.unwrap_or(live.permissions.clone());
            live.disabled = enabled.map_or(live.disabled, |enabled| !enabled);
            let name = live.name.clone();
            let record = world.sealed().keys.iter_mut().find(|k| k.id == id).unwrap();
            (record.name, record.applied, record.state) = (name, applied, KeyState::Live);
            let Remembered { owner, protected, quarantine } = remember;
            let is_here = |k: &&mut SealedKey| {
                k.address == action.address && matches!(k.state, KeyState::Live | KeyState::Disabled)
            };
            for record in world.sealed().keys.iter_mut().filter(is_here) {
                record.owner.clone_from(&owner);
                (record.protected, record.quarantine) = (protected, quarantine);
            }
        }
        Step::RetireKey { id, .. } => {
            world.live.keys.iter_mut().find(|k| k.id == id).unwrap().disabled = true;
            let record = world.sealed().keys.iter_mut().find(|k| k.id == id).unwrap();
            (record.state, record.since) = (KeyState::Disabled, now);
        }
        Step::DeleteKey { id } => {
            world.live.keys.retain(|k| k.id != id);
            world.sealed().keys.iter_mut().find(|k| k.id == id).unwrap().state = KeyState::Deleted;
        }
        Step::RevokeKey { id, revoked } => {
            let record = world.sealed().keys.iter_mut().find(|k| k.id == id).unwrap();
            record.since = now;
            record.state = match revoked.how {
                Revocation::Delete => KeyState::Deleted,
                Revocation::Disable => KeyState::Disabled,
            };
            record.revoked = Some(revoked.clone());
            match revoked.how {
                Revocation::Delete => world.live.keys.retain(|k| k.id != id),
                Revocation::Disable => {
                    world.live.keys.iter_mut().find(|k| k.id == id).unwrap().disabled = true;
                }
            }
        }
        Step::DiscardKey(leftover) => {
            world.live.keys.retain(|k| k.id != leftover.id);
            world.sealed().keys.retain(|k| k.id != leftover.id);
        }
    }
}

fn set(live: &mut LiveEnvironment, change: &EnvironmentAttributes) {
    let EnvironmentAttributes { description, color, delete_protected } = change.clone();
    live.description = description.unwrap_or(live.description.clone());
    live.color = color.or(live.color);
    live.delete_protected = delete_protected.unwrap_or(live.delete_protected);
}

fn mint(
    world: &mut World,
    action: &Action,
    mint: MintKey,
    fresh: &str,
    made: &HashMap<Label, EnvironmentId>,
) {
    let MintKey { environment, key_type, name, permissions, enabled, generation, succeeds, remember } = mint;
    let elsewhere = succeeds.into_iter().filter(|old| old.address != action.address);
    let in_place_of = elsewhere.map(|old| old.id).collect();
    let environment = match environment {
        EnvironmentRef::Id(id) => id,
        EnvironmentRef::Planned(label) => {
            assert!(action.after.contains(&Address::Environment(label.clone())), "does not wait for it");
            made[&label].clone()
        }
    };
    let id = KeyId::new(format!("hcxik_{fresh}")).unwrap();
    let now = world.live.now;
    world.live.keys.push(LiveKey {
        id: id.clone(),
        key_type,
        name: name.clone(),
        environment: environment.clone(),
        disabled: !enabled,
        permissions: permissions.clone(),
        unknown_permissions: BTreeMap::new(),
        created: Some(now),
        updated: Some(now),
        editor: None,
    });
    let Remembered { owner, protected, quarantine } = remember;
    world.sealed().keys.push(SealedKey {
        moved_from: vec![],
        in_place_of,
        address: action.address.clone(),
        generation,
        state: KeyState::Live,
        id,
        key_type,
        environment,
        name,
        created: now,
        since: now,
        applied: AppliedKey { enabled, permissions },
        owner,
        protected,
        quarantine,
        recipients: vec![],
        sealed: Some("armor".into()),
        secret: None,
        revoked: None,
        proof: None,
    });
}
