//! What a connection is made from, and what it tells while it works.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{Endpoint, Secret, TeamSlug};

/// What a [`super::Connection`] is made from.
pub struct Options {
    /// The only host that is ever spoken to.
    pub endpoint: Endpoint,
    /// The team in every path.
    pub team: TeamSlug,
    /// The management key.
    pub credential: Credential,
    /// PEM certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// How long to wait and how often to try.
    pub patience: Patience,
    /// Is told of every wait of a second or more, as it begins. Must not block.
    pub notice: Arc<dyn Fn(Notice) + Send + Sync>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, team, credential, ca_file, user_agent, patience, notice: _ } = self;
        f.debug_struct("Options")
            .field("endpoint", endpoint)
            .field("team", team)
            .field("credential", credential)
            .field("ca_file", ca_file)
            .field("user_agent", user_agent)
            .field("patience", patience)
            .finish_non_exhaustive()
    }
}

/// What a connection without a management key is made from; each field as in [`Options`].
pub struct KeyOptions {
    /// The only host that is ever spoken to.
    pub endpoint: Endpoint,
    /// The team that keys are expected to belong to.
    pub team: TeamSlug,
    /// PEM certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// How long to wait and how often to try.
    pub patience: Patience,
    /// Is told of every wait of a second or more, as it begins. Must not block.
    pub notice: Arc<dyn Fn(Notice) + Send + Sync>,
}

impl fmt::Debug for KeyOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, team, ca_file, user_agent, patience, notice: _ } = self;
        f.debug_struct("KeyOptions")
            .field("endpoint", endpoint)
            .field("team", team)
            .field("ca_file", ca_file)
            .field("user_agent", user_agent)
            .field("patience", patience)
            .finish_non_exhaustive()
    }
}

/// A management key: sent as `Authorization: Bearer <id>:<secret>` (OpenAPI: `bearerAuth`).
#[derive(Debug)]
pub struct Credential {
    /// The key's id.
    pub id: String,
    /// The key's secret.
    pub secret: Secret,
}

/// How long to wait and how often to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For name lookup, connection and TLS of one try.
    pub connect: Duration,
    /// Between two pieces of an answer.
    pub read: Duration,
    /// For one try, from the first byte sent to the last one read.
    pub exchange: Duration,
    /// Tries of one call, the first included.
    pub tries: usize,
    /// Before the second try; doubled for each one after it, with jitter on top.
    pub first_delay: Duration,
    /// No delay between tries is longer, jitter aside.
    pub longest_delay: Duration,
    /// For all tries of one call; what the service's rate limit makes us wait does not count.
    pub call: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            read: Duration::from_secs(30),
            exchange: Duration::from_secs(60),
            tries: 6,
            first_delay: Duration::from_millis(250),
            longest_delay: Duration::from_secs(10),
            call: Duration::from_secs(120),
        }
    }
}

/// What a rate limit leaves, as the last answer told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetLeft {
    /// Whose calls it counts.
    pub collection: Collection,
    /// Calls left in this window.
    pub remaining: u64,
    /// Calls per window.
    pub limit: Option<u64>,
    /// Until the window ends.
    pub ends_in: Duration,
}

/// What happens while a call is carried out, for progress and logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// A call waits, for a second or more.
    Waiting {
        /// Where it goes.
        collection: Collection,
        /// What it waits for.
        why: Why,
        /// How long.
        time: Duration,
    },
}

/// What a call waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The budget of this window is spent; the next window has a new one.
    Budget,
    /// The service answered 429 and said when to come back.
    RateLimited,
    /// The last try failed.
    Retry,
}

/// Resources that share a rate limit (Honeycomb docs: api/rate-limit).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Collection {
    /// `/2/auth`
    Auth,
    /// `/1/auth`
    KeyAuth,
    /// `/2/teams/…/environments`
    Environments,
    /// `/2/teams/…/api-keys`
    Keys,
}

impl fmt::Display for Collection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Auth => "auth",
            Self::KeyAuth => "key auth",
            Self::Environments => "environments",
            Self::Keys => "api-keys",
        })
    }
}
