//! A key as the service has it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{EnvironmentId, KeyId, Permission, Timestamp};

/// The two kinds of key that the API can make (OpenAPI: `key_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyType {
    /// Sends events. Its permissions cannot change.
    Ingest,
    /// Uses the configuration and query API. Its permissions change in place.
    Configuration,
}

impl KeyType {
    /// Both types.
    pub const ALL: &'static [Self] = &[Self::Ingest, Self::Configuration];

    /// The name on the wire and in TOML.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Configuration => "configuration",
        }
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for KeyType {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|t| t.as_str() == text).ok_or(())
    }
}

/// A key as the service has it (OpenAPI: `ApiKeyObject`). Never its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveKey {
    /// The service's id.
    pub id: KeyId,
    /// From `attributes.key_type`, never from the id.
    pub key_type: KeyType,
    /// Up to 100 characters of anything: hostile text. Not unique.
    pub name: String,
    /// The environment it belongs to, for good.
    pub environment: EnvironmentId,
    /// Whether its credential is refused.
    pub disabled: bool,
    /// What is granted, of the permissions keycomb knows.
    pub permissions: BTreeSet<Permission>,
    /// Permissions keycomb does not know, as the service said them: shown and left alone. Hostile text.
    pub unknown_permissions: BTreeMap<String, bool>,
    /// When it was made, by the service's clock.
    pub created: Option<Timestamp>,
    /// When it last changed, by the service's clock.
    pub updated: Option<Timestamp>,
    /// The id of the user who last changed it, where the service says so.
    pub editor: Option<String>,
}
