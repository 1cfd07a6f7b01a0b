//! What the service says.

use std::collections::BTreeSet;

use super::{LiveEnvironment, LiveKey, TeamSlug, Timestamp};

/// Everything the service has of a team, read whole: a partial listing is an error, never a `Live`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// Sorted by id, each once.
    pub environments: Vec<LiveEnvironment>,
    /// Both types, sorted by id, each once.
    pub keys: Vec<LiveKey>,
    /// The service's clock when the listing ended (its `Date` header).
    pub now: Timestamp,
}

/// What a management key may do (OpenAPI: `AuthV2Response`; scopes keycomb has no use for are left out).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// `environments:read`; also given by `environments:write`.
    EnvironmentsRead,
    /// `environments:write`
    EnvironmentsWrite,
    /// `api-keys:read`; also given by `api-keys:write`.
    KeysRead,
    /// `api-keys:write`
    KeysWrite,
}

impl Scope {
    /// The scope's name at the service.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EnvironmentsRead => "environments:read",
            Self::EnvironmentsWrite => "environments:write",
            Self::KeysRead => "api-keys:read",
            Self::KeysWrite => "api-keys:write",
        }
    }
}

/// The answer to "who am I": the management key, its team and its scopes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The management key's id.
    pub key_id: String,
    /// Its name: hostile text.
    pub key_name: String,
    /// The team it belongs to.
    pub team: TeamSlug,
    /// The team's name: hostile text.
    pub team_name: String,
    /// What it may do, with what is implied filled in.
    pub scopes: BTreeSet<Scope>,
    /// The scopes as the service listed them: hostile text.
    pub listed_scopes: Vec<String>,
}

impl Access {
    /// The scopes of `wanted` that this key does not have.
    pub fn missing(&self, wanted: &[Scope]) -> Vec<Scope> {
        wanted.iter().copied().filter(|scope| !self.scopes.contains(scope)).collect()
    }
}
