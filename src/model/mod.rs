//! The nouns everything else speaks in: addresses, ids, environments, keys, permissions, secrets, times.
//!
//! Values only. Nothing here reads a file, a socket, a clock or an environment variable.

mod address;
mod counted;
mod desired;
mod digest;
mod document;
mod drift;
mod environment;
mod external;
mod holders;
mod ids;
mod key;
mod live;
mod pattern;
mod permission;
mod plan_intent;
mod policy;
mod provisional;
mod recipient;
mod record;
mod sealed;
mod secret;
mod time;
mod toml;
mod visible;
mod window;

pub use address::{Address, AddressError, Label};
pub use counted::counted;
pub use desired::{Desired, DesiredEnvironment, DesiredKey, Origin, Rotation, SealSettings};
pub use document::document;
pub use drift::{DRIFT_FIELDS, DriftClass, Glob, GlobError, IgnoreMatch, IgnoreRule};
pub use environment::{Color, EnvironmentAttributes, LiveEnvironment};
pub use external::{ExternalKey, ExternalKind, KeySource, Probed};
pub use holders::{Challenge, FormerReader};
pub use ids::{Endpoint, EntryDigest, EnvironmentId, IdError, KeyId, Lineage, Nonce, TeamSlug};
pub use key::{KeyType, LiveKey};
pub use live::{Access, Live, Scope};
pub use pattern::{Pattern, PatternError};
pub use permission::Permission;
pub use plan_intent::{PlanDigest, PlanIntent, PlanIntentError, digest_of};
pub use policy::{Limit, OnMissing, Policy, Unmanaged};
pub use provisional::Provisional;
pub use recipient::{Recipient, RecipientError, RecipientRef};
pub use record::{MovedKey, Record};
pub use sealed::{
    AppliedKey, AppliedPlan, Forgotten, Intent, KeyProof, KeyState, NoSecret, Payload, Revocation, Revoked,
    Sealed, SealedEnvironment, SealedKey,
};
pub use secret::{Secret, credential};
pub use time::{Period, PeriodError, Timestamp};
pub use toml::toml_string;
pub use visible::{brief, cut, is_dangerous, is_visible, visible};
pub use window::{Window, WindowError};
