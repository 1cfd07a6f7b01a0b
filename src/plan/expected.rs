//! What each thing that a plan touches was when the plan was made, so that it can be told later whether it still is.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::shown::{environment_value, key_value};
use super::value::{Action, EnvironmentRef, Plan, Step};
use crate::model::{
    Address, EnvironmentId, KeyId, KeyType, Live, LiveEnvironment, LiveKey, PlanDigest, Timestamp, digest_of,
};

/// A thing that a plan touches, as it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The address of the action that touches it.
    pub address: Address,
    /// What it was.
    pub object: Object,
}

/// What a thing was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Object {
    /// A key.
    Key {
        /// The service's id.
        id: KeyId,
        /// When it was changed last, by the service's clock.
        updated: Option<Timestamp>,
        /// The SHA-256 of its attributes.
        attributes: PlanDigest,
    },
    /// An environment, which has no times.
    Environment {
        /// The service's id.
        id: EnvironmentId,
        /// The SHA-256 of its attributes.
        attributes: PlanDigest,
    },
    /// The service answered 404.
    Gone {
        /// The service's id.
        id: String,
    },
    /// There was no key of that environment, type and name.
    NoKey {
        /// Where it is to be made.
        environment: EnvironmentRef,
        /// Its type.
        key_type: KeyType,
        /// Its name.
        name: String,
    },
    /// There was no environment of that name.
    NoEnvironment {
        /// Its name.
        name: String,
    },
}

/// What a plan touches, as it was when the plan was made; sorted, each once.
pub fn expected(plan: &Plan, live: &Live) -> Vec<Expected> {
    let taken = plan.actions.iter().filter(|action| action.is_taken());
    let found = taken.flat_map(|action| {
        let here = |object| Expected { address: action.address.clone(), object };
        touched(action, live).into_iter().map(here)
    });
    found.collect::<BTreeSet<_>>().into_iter().collect()
}

fn touched(action: &Action, live: &Live) -> Vec<Object> {
    let mut ids: BTreeSet<&str> = action.id.iter().map(String::as_str).collect();
    let mut objects = vec![];
    match &action.step {
        Step::MintKey(mint) => {
            ids.extend(mint.succeeds.iter().map(|old| old.id.as_str()));
            objects.push(Object::NoKey {
                environment: mint.environment.clone(),
                key_type: mint.key_type,
                name: mint.name.clone(),
            });
        }
        Step::CreateEnvironment { name, .. } if action.id.is_none() => {
            objects.push(Object::NoEnvironment { name: name.clone() });
        }
        Step::ReleaseKey { succeeds, .. } => ids.extend(succeeds.iter().map(|old| old.id.as_str())),
        Step::RetireKey { successor, .. } => ids.extend(successor.as_ref().map(KeyId::as_str)),
        _ => {}
    }
    // A successor's name is that of the key that it takes the place of.
    if ids.iter().any(|id| live.keys.iter().any(|key| key.id.as_str() == *id)) {
        objects.retain(|object| !matches!(object, Object::NoKey { .. }));
    }
    // What is there of its name already was no reason not to plan it: a key that is revoked and only off.
    objects.retain(|object| object.moved(live).is_none());
    objects.extend(ids.into_iter().map(|id| object(id, action.address.is_key(), live)));
    objects
}

fn object(id: &str, is_key: bool, live: &Live) -> Object {
    let key = live.keys.iter().find(|key| is_key && key.id.as_str() == id);
    let environment = live.environments.iter().find(|environment| !is_key && environment.id.as_str() == id);
    match (key, environment) {
        (Some(key), _) => key_object(key),
        (_, Some(environment)) => environment_object(environment),
        (None, None) => Object::Gone { id: id.to_owned() },
    }
}

fn key_object(live: &LiveKey) -> Object {
    let unknown: Vec<String> =
        live.unknown_permissions.iter().map(|(name, is_on)| format!("{name}={is_on}")).collect();
    let mut values = vec![live.key_type.to_string(), live.environment.to_string(), unknown.join("\n")];
    values.extend(["name", "enabled", "permissions"].map(|field| key_value(field, live).unwrap_or_default()));
    Object::Key { id: live.id.clone(), updated: live.updated, attributes: digest(&values) }
}

fn environment_object(live: &LiveEnvironment) -> Object {
    let fields = ["name", "description", "color", "delete_protected"];
    let values = fields.map(|field| environment_value(field, live).unwrap_or_default());
    Object::Environment { id: live.id.clone(), attributes: digest(&values) }
}

/// Each value with its length before it: no two lists give the same text.
fn digest(values: &[String]) -> PlanDigest {
    digest_of(values.iter().map(|value| format!("{} {value}\n", value.len())).collect::<String>())
}

impl Object {
    /// The service's id, where it is, or was, there.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Key { id, .. } => Some(id.as_str()),
            Self::Environment { id, .. } => Some(id.as_str()),
            Self::Gone { id } => Some(id),
            Self::NoKey { .. } | Self::NoEnvironment { .. } => None,
        }
    }

    /// What is not as it was, in words; `None` when all is.
    pub fn moved(&self, live: &Live) -> Option<String> {
        match self {
            Self::Key { id, .. } => match live.keys.iter().find(|key| &key.id == id) {
                Some(key) => self.moved_key(key),
                None => Some(format!("the key `{id}` is gone from the service")),
            },
            Self::Environment { id, .. } => match live.environments.iter().find(|live| &live.id == id) {
                Some(environment) => self.moved_environment(environment),
                None => Some(format!("the environment `{id}` is gone from the service")),
            },
            Self::Gone { id } => {
                let is_there = live.keys.iter().any(|key| key.id.as_str() == id)
                    || live.environments.iter().any(|environment| environment.id.as_str() == id);
                is_there.then(|| format!("`{id}` was gone from the service, and is there again"))
            }
            Self::NoKey { environment: EnvironmentRef::Id(id), key_type, name } => {
                let same =
                    |key: &&LiveKey| &key.environment == id && key.key_type == *key_type && &key.name == name;
                let key = live.keys.iter().find(same)?;
                Some(format!("there is a key of its name now: `{}`", key.id))
            }
            Self::NoKey { environment: EnvironmentRef::Planned(_), .. } => None,
            Self::NoEnvironment { name } => {
                let found = live.environments.iter().find(|environment| &environment.name == name)?;
                Some(format!("there is an environment of its name now: `{}`", found.id))
            }
        }
    }

    /// The same of a key that was read alone.
    pub fn moved_key(&self, live: &LiveKey) -> Option<String> {
        let Self::Key { id, updated, attributes } = self else { return None };
        let Self::Key { attributes: now, .. } = key_object(live) else { return None };
        if *attributes != now {
            return Some(format!("the key `{id}` has other attributes"));
        }
        (*updated != live.updated).then(|| {
            let when = live.updated.map_or_else(|| "since".to_owned(), |at| format!("at {at:.0}"));
            format!("the key `{id}` was changed {when}")
        })
    }

    /// The same of an environment that was read alone.
    pub fn moved_environment(&self, live: &LiveEnvironment) -> Option<String> {
        let Self::Environment { id, attributes } = self else { return None };
        let Self::Environment { attributes: now, .. } = environment_object(live) else { return None };
        (*attributes != now).then(|| format!("the environment `{id}` has other attributes"))
    }
}
