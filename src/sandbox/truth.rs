//! What really is, whatever the answers said: for tests.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The two types of key that the Management API knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyType {
    /// Sends events.
    Ingest,
    /// Everything else.
    Configuration,
}

impl KeyType {
    /// `ingest` or `configuration`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Configuration => "configuration",
        }
    }
}

/// A copy of the whole store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truth {
    /// All environments ever, in the order they were made.
    pub environments: Vec<EnvironmentTruth>,
    /// All keys ever, in the order they were made.
    pub keys: Vec<KeyTruth>,
}

impl Truth {
    /// The keys that have not been deleted.
    pub fn live_keys(&self) -> impl Iterator<Item = &KeyTruth> {
        self.keys.iter().filter(|key| key.deleted.is_none())
    }

    /// The key of an id, deleted or not.
    pub fn key(&self, id: &str) -> Option<&KeyTruth> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// The environment of an id, deleted or not.
    pub fn environment(&self, id: &str) -> Option<&EnvironmentTruth> {
        self.environments.iter().find(|environment| environment.id == id)
    }
}

/// An environment, deleted or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentTruth {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its slug.
    pub slug: String,
    /// Its description, perhaps empty.
    pub description: String,
    /// Its colour.
    pub color: String,
    /// Whether DELETE is refused.
    pub delete_protected: bool,
    /// When it was made.
    pub created: Timestamp,
    /// When it was deleted.
    pub deleted: Option<Timestamp>,
}

/// A key, deleted or not. Its `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyTruth {
    /// Its id.
    pub id: String,
    /// Its type.
    pub key_type: KeyType,
    /// Its name.
    pub name: String,
    /// The id of its environment.
    pub environment: String,
    /// Whether it is off.
    pub disabled: bool,
    /// Every permission of its type.
    pub permissions: BTreeMap<String, bool>,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
    /// When it was deleted.
    pub deleted: Option<Timestamp>,
    /// The secret that the POST answered.
    pub secret: String,
    /// What goes into `X-Honeycomb-Team`.
    pub credential: String,
    /// The name it was made with; empty in a state of an earlier version.
    pub made_as: String,
    /// What became of it, oldest first: `created enabled`, `created disabled`, `renamed`, `permissions`, `enabled`,
    /// `disabled`, `deleted`; with ` by hand` after it what [`super::ByHand`] did.
    pub history: Vec<(Timestamp, String)>,
}

impl fmt::Debug for KeyTruth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            key_type,
            name,
            environment,
            disabled,
            permissions,
            created,
            updated,
            deleted,
            secret: _,
            credential: _,
            made_as,
            history,
        } = self;
        f.debug_struct("KeyTruth")
            .field("id", id)
            .field("key_type", key_type)
            .field("name", name)
            .field("environment", environment)
            .field("disabled", disabled)
            .field("permissions", permissions)
            .field("created", created)
            .field("updated", updated)
            .field("deleted", deleted)
            .field("made_as", made_as)
            .field("history", history)
            .finish_non_exhaustive()
    }
}

/// A management key: the credential of `/2/...`. Its `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ManagementKey {
    /// Its id, `hcxmk_...`.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

impl ManagementKey {
    /// What follows `Bearer ` in `Authorization`: id, colon, secret.
    pub fn credential(&self) -> String {
        format!("{}:{}", self.id, self.secret)
    }
}

impl fmt::Debug for ManagementKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagementKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A request that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The status answered; 0 if the connection was cut or there is no answer yet.
    pub status: u16,
}
