//! The team as a plain value: its environments, its keys, and what may be done to them.

use std::collections::BTreeMap;

use fastrand::Rng;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{self, IdKind};
use super::permissions::{self, Permissions};
use super::records::{
    Environment, EnvironmentChange, Key, KeyChange, Management, NewEnvironment, NewKey, Team,
};
use super::truth::{KeyType, ManagementKey, Truth};

/// The version of the state file that this code reads and writes.
pub(super) const VERSION: u32 = 1;

/// The ten colours (OpenAPI: EnvironmentColor without the read-only `classic`).
pub(super) const COLORS: [&str; 10] = [
    "blue",
    "green",
    "gold",
    "red",
    "purple",
    "lightBlue",
    "lightGreen",
    "lightGold",
    "lightRed",
    "lightPurple",
];

/// The colour of Classic environments, which nobody can give or take.
pub(super) const CLASSIC: &str = "classic";

/// Serial numbers of what exists before anything is made.
const TEAM: u64 = u64::MAX;
const USER: u64 = u64::MAX - 1;
const MANAGEMENT_KEY: u64 = u64::MAX - 2;

/// The whole state. No `Debug`: it is full of secrets.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Store {
    pub(super) version: u32,
    pub(super) seed: u64,
    serial: u64,
    pub(super) team: Team,
    pub(super) user: String,
    pub(super) management_keys: Vec<Management>,
    pub(super) environments: BTreeMap<String, Environment>,
    pub(super) deleted_environments: Vec<Environment>,
    pub(super) keys: BTreeMap<String, Key>,
    pub(super) deleted_keys: Vec<Key>,
    /// Other teams of the same service: `/1/auth` knows their keys too, and nothing else here does.
    #[serde(default)]
    pub(super) neighbours: Vec<Store>,
    /// Counts changes, to know when to save.
    #[serde(skip)]
    pub(super) revision: u64,
}

impl Store {
    /// A team without environments and keys, and one management key that may do everything.
    pub(super) fn new(seed: u64, slug: &str, name: &str) -> Self {
        let made = |kind, serial| ids::id(kind, epoch(), serial, &mut ids::chance(seed, serial));
        let ManagementKey { id, secret } = Self::main_key(seed);
        let management = Management {
            id,
            secret,
            name: "sandbox".to_owned(),
            scopes: vec!["api-keys:write".to_owned(), "environments:write".to_owned()],
            disabled: false,
            created: epoch(),
        };
        Self {
            version: VERSION,
            seed,
            serial: 0,
            team: Team { id: made(IdKind::Team, TEAM), slug: slug.to_owned(), name: name.to_owned() },
            user: made(IdKind::User, USER),
            management_keys: vec![management],
            environments: BTreeMap::new(),
            deleted_environments: Vec::new(),
            keys: BTreeMap::new(),
            deleted_keys: Vec::new(),
            neighbours: Vec::new(),
            revision: 0,
        }
    }

    /// The management key that every store of a seed has.
    pub(super) fn main_key(seed: u64) -> ManagementKey {
        let mut chance = ids::chance(seed, MANAGEMENT_KEY);
        let id = ids::id(IdKind::ManagementKey, epoch(), MANAGEMENT_KEY, &mut chance);
        ManagementKey { id, secret: ids::long_secret(&mut chance) }
    }

    /// Fills a new store with `environments` environments and `keys` keys.
    pub(super) fn fill(&mut self, environments: usize, keys: usize, now: Timestamp) {
        let environments = if keys > 0 { environments.max(1) } else { environments };
        let ids: Vec<String> = (1..=environments)
            .map(|number| {
                let name = format!("Env {number}");
                self.create_environment(NewEnvironment { name, description: String::new(), color: None }, now)
            })
            .collect();
        // Both types in one environment before the next, so that each environment has both.
        let homes = ids.iter().flat_map(|id| [(id, KeyType::Ingest), (id, KeyType::Configuration)]).cycle();
        for (number, (environment, key_type)) in (1..=keys).zip(homes) {
            let environment = environment.clone();
            let name = format!("Key {number}");
            self.create_key(
                NewKey { key_type, name, environment, disabled: false, permissions: Permissions::new() },
                now,
            );
        }
    }

    fn next(&mut self) -> (u64, Rng) {
        self.revision += 1;
        self.serial += 1;
        (self.serial, ids::chance(self.seed, self.serial))
    }

    /// Adds another team with an environment and a key of each type; gives what it has. Its ids are of another seed.
    pub(super) fn create_neighbour(&mut self, slug: &str, now: Timestamp) -> Truth {
        let (serial, _) = self.next();
        let mut neighbour = Self::new(!self.seed.wrapping_add(serial), slug, slug);
        neighbour.fill(1, 2, now);
        let truth = neighbour.truth();
        self.neighbours.push(neighbour);
        truth
    }

    /// Makes a management key; a write scope makes the read scope of the same name redundant and drops it.
    pub(super) fn create_management_key(
        &mut self,
        scopes: &[&str],
        disabled: bool,
        now: Timestamp,
    ) -> ManagementKey {
        let (serial, mut chance) = self.next();
        let implied = |scope: &str| {
            scope
                .strip_suffix(":read")
                .is_some_and(|name| scopes.iter().any(|other| *other == format!("{name}:write")))
        };
        let management = Management {
            id: ids::id(IdKind::ManagementKey, now, serial, &mut chance),
            secret: ids::long_secret(&mut chance),
            name: format!("sandbox {serial}"),
            scopes: scopes.iter().filter(|scope| !implied(scope)).map(|scope| (*scope).to_owned()).collect(),
            disabled,
            created: now,
        };
        let face = ManagementKey { id: management.id.clone(), secret: management.secret.clone() };
        self.management_keys.push(management);
        face
    }

    /// Whether an environment of this name, or of its slug, exists.
    pub(super) fn is_taken(&self, name: &str) -> bool {
        let slug = slug(name);
        self.environments.values().any(|environment| environment.name == name || environment.slug == slug)
    }

    /// Makes an environment, protected from deletion, and returns its id. Ask [`Store::is_taken`] first.
    pub(super) fn create_environment(&mut self, new: NewEnvironment, now: Timestamp) -> String {
        let (serial, mut chance) = self.next();
        let NewEnvironment { name, description, color } = new;
        let id = ids::id(IdKind::Environment, now, serial, &mut chance);
        let color = color.unwrap_or_else(|| chance.choice(COLORS).unwrap_or_default().to_owned());
        let slug = Some(slug(&name))
            .filter(|slug| !slug.is_empty())
            .unwrap_or_else(|| format!("environment-{serial}"));
        let environment = Environment {
            id: id.clone(),
            serial,
            name,
            slug,
            description,
            color,
            delete_protected: true,
            created: now,
            deleted: None,
        };
        self.environments.insert(id.clone(), environment);
        id
    }

    /// Makes an environment of the Classic kind and returns its id.
    pub(super) fn create_classic_environment(&mut self, now: Timestamp) -> String {
        let name = (1..)
            .map(|number| if number == 1 { "Classic".to_owned() } else { format!("Classic {number}") })
            .find(|name| !self.is_taken(name))
            .unwrap_or_default();
        let color = Some(CLASSIC.to_owned());
        self.create_environment(NewEnvironment { name, description: String::new(), color }, now)
    }

    /// Changes what is named of an environment; false if there is none of this id.
    pub(super) fn update_environment(&mut self, id: &str, change: EnvironmentChange) -> bool {
        let Some(environment) = self.environments.get_mut(id) else {
            return false;
        };
        let EnvironmentChange { description, color, delete_protected } = change;
        environment.description = description.unwrap_or_else(|| environment.description.clone());
        environment.color = color.unwrap_or_else(|| environment.color.clone());
        environment.delete_protected = delete_protected.unwrap_or(environment.delete_protected);
        self.revision += 1;
        true
    }

    /// Deletes an environment and its keys; protection is the caller's to look at. False if there is none of this id.
    pub(super) fn delete_environment(&mut self, id: &str, now: Timestamp) -> bool {
        let Some(mut environment) = self.environments.remove(id) else {
            return false;
        };
        let inside: Vec<String> =
            self.keys.values().filter(|key| key.environment == id).map(|key| key.id.clone()).collect();
        for key in inside {
            self.delete_key(&key, now);
        }
        environment.deleted = Some(now);
        self.deleted_environments.push(environment);
        self.revision += 1;
        true
    }

    /// Makes a key and returns its id.
    pub(super) fn create_key(&mut self, new: NewKey, now: Timestamp) -> String {
        let (serial, mut chance) = self.next();
        let NewKey { key_type, name, environment, disabled, permissions } = new;
        let kind = match key_type {
            KeyType::Ingest => IdKind::IngestKey,
            KeyType::Configuration => IdKind::ConfigurationKey,
        };
        let id = ids::id(kind, now, serial, &mut chance);
        let secret = match key_type {
            KeyType::Ingest => ids::long_secret(&mut chance),
            KeyType::Configuration => ids::short_secret(&mut chance),
        };
        let first = if disabled { "created disabled" } else { "created enabled" };
        let key = Key {
            id: id.clone(),
            serial,
            key_type,
            made_as: name.clone(),
            name,
            environment,
            disabled,
            permissions: permissions::complete(key_type, &permissions),
            created: now,
            updated: now,
            deleted: None,
            secret,
            short_id: ids::short_id(&mut chance),
            history: vec![(now, first.to_owned())],
        };
        self.keys.insert(id.clone(), key);
        id
    }

    /// Changes what is named of a key; false if there is none of this id. Naming a value moves `updated`, even if the
    /// value is the same; naming none does not.
    pub(super) fn update_key(&mut self, id: &str, change: KeyChange, now: Timestamp) -> bool {
        let Some(key) = self.keys.get_mut(id) else {
            return false;
        };
        let KeyChange { name, disabled, permissions } = change;
        if name.is_none() && disabled.is_none() && permissions.is_none() {
            return true;
        }
        if let Some(name) = name.filter(|name| *name != key.name) {
            key.name = name;
            key.history.push((now, "renamed".to_owned()));
        }
        if let Some(disabled) = disabled.filter(|disabled| *disabled != key.disabled) {
            key.disabled = disabled;
            key.history.push((now, if disabled { "disabled" } else { "enabled" }.to_owned()));
        }
        if let Some(permissions) = permissions {
            let before = key.permissions.clone();
            key.permissions.extend(permissions);
            if key.permissions != before {
                key.history.push((now, "permissions".to_owned()));
            }
        }
        key.updated = now;
        self.revision += 1;
        true
    }

    /// Deletes a key; false if there is none of this id.
    pub(super) fn delete_key(&mut self, id: &str, now: Timestamp) -> bool {
        let Some(mut key) = self.keys.remove(id) else {
            return false;
        };
        key.deleted = Some(now);
        key.history.push((now, "deleted".to_owned()));
        self.deleted_keys.push(key);
        self.revision += 1;
        true
    }
}

/// When everything began that depends on the seed alone: 2026-01-01.
fn epoch() -> Timestamp {
    Timestamp::from_second(1_767_225_600).unwrap_or_default()
}

/// Lower case, every run of other characters one hyphen. The service's algorithm is undocumented; its examples agree
/// (`Test Env` becomes `test-env`).
fn slug(name: &str) -> String {
    let words = name.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests;
