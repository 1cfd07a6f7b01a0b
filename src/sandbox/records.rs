//! The things in the store, and the wishes that make and change them. No `Debug`: they hold secrets.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::permissions::Permissions;
use super::truth::{EnvironmentTruth, KeyTruth, KeyType};

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Team {
    pub(super) id: String,
    pub(super) slug: String,
    pub(super) name: String,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Management {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) name: String,
    pub(super) scopes: Vec<String>,
    pub(super) disabled: bool,
    pub(super) created: Timestamp,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Environment {
    pub(super) id: String,
    pub(super) serial: u64,
    pub(super) name: String,
    pub(super) slug: String,
    pub(super) description: String,
    pub(super) color: String,
    pub(super) delete_protected: bool,
    pub(super) created: Timestamp,
    pub(super) deleted: Option<Timestamp>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Key {
    pub(super) id: String,
    pub(super) serial: u64,
    pub(super) key_type: KeyType,
    pub(super) name: String,
    pub(super) environment: String,
    pub(super) disabled: bool,
    pub(super) permissions: Permissions,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) deleted: Option<Timestamp>,
    pub(super) secret: String,
    pub(super) short_id: String,
    /// The name it was made with.
    #[serde(default)]
    pub(super) made_as: String,
    pub(super) history: Vec<(Timestamp, String)>,
}

/// An environment to be made.
pub(super) struct NewEnvironment {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) color: Option<String>,
}

/// A key to be made.
pub(super) struct NewKey {
    pub(super) key_type: KeyType,
    pub(super) name: String,
    pub(super) environment: String,
    pub(super) disabled: bool,
    /// Those of the type that were named.
    pub(super) permissions: Permissions,
}

/// What to change of an environment.
#[derive(Default)]
pub(super) struct EnvironmentChange {
    pub(super) description: Option<String>,
    pub(super) color: Option<String>,
    pub(super) delete_protected: Option<bool>,
}

/// What to change of a key.
#[derive(Default)]
pub(super) struct KeyChange {
    pub(super) name: Option<String>,
    pub(super) disabled: Option<bool>,
    pub(super) permissions: Option<Permissions>,
}

impl Environment {
    pub(super) fn truth(&self) -> EnvironmentTruth {
        let Self { id, serial: _, name, slug, description, color, delete_protected, created, deleted } =
            self.clone();
        EnvironmentTruth { id, name, slug, description, color, delete_protected, created, deleted }
    }
}

impl Key {
    /// What goes into `X-Honeycomb-Team`: id and secret of an ingest key, the secret alone of a configuration key.
    fn credential(&self) -> String {
        match self.key_type {
            KeyType::Ingest => format!("{}{}", self.id, self.secret),
            KeyType::Configuration => self.secret.clone(),
        }
    }

    pub(super) fn truth(&self) -> KeyTruth {
        let credential = self.credential();
        let Self {
            id,
            serial: _,
            key_type,
            name,
            environment,
            disabled,
            permissions,
            created,
            updated,
            deleted,
            secret,
            short_id: _,
            made_as,
            history,
        } = self.clone();
        KeyTruth {
            id,
            key_type,
            name,
            environment,
            disabled,
            permissions,
            created,
            updated,
            deleted,
            secret,
            credential,
            made_as,
            history,
        }
    }
}
