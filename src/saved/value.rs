//! What a saved plan's file holds.

use serde::{Deserialize, Serialize};

use crate::model::{Endpoint, Lineage, PlanDigest, PlanIntent, RecipientRef, Sealed, TeamSlug, Timestamp};
use crate::plan::{Expected, Plan};

/// The form that this keycomb writes and reads.
pub const FORMAT: &str = "keycomb.saved_plan/1";

/// A plan, with all that it was made from. Holds no secret: the plan's own sealed texts are none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saved {
    /// [`FORMAT`].
    pub format: String,
    /// The version of keycomb that wrote it; for people.
    pub keycomb: String,
    /// The team.
    pub team: TeamSlug,
    /// The service.
    pub endpoint: Endpoint,
    /// What the plan does.
    pub intent: PlanIntent,
    /// Whether an apply may carry it out; not what was made only to be looked at.
    pub may_be_applied: bool,
    /// The service's clock when everything was read, in whole seconds.
    pub made: Timestamp,
    /// Until when it may be carried out, by the service's clock.
    pub valid_until: Timestamp,
    /// Every file of the configuration; sorted by name.
    pub files: Vec<ConfigFile>,
    /// The sealed file; `None` when there was none.
    pub sealed: Option<SealedFile>,
    /// Everyone in `[seal.recipients]`; sorted by name.
    pub recipients: Vec<RecipientRef>,
    /// The scopes that carrying it out needs besides reading; sorted.
    pub scopes: Vec<String>,
    /// What it touches, as that was; sorted.
    pub objects: Vec<Expected>,
    /// The plan itself; its header has what was chosen and which guards were lifted.
    pub plan: Plan,
}

/// A file of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    /// Relative to the main file's folder.
    pub name: String,
    /// Of its bytes.
    pub sha256: PlanDigest,
}

/// A sealed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedFile {
    /// Made once, random.
    pub lineage: Lineage,
    /// One more with each save.
    pub serial: u64,
    /// Of its content; line ends have no say.
    pub sha256: PlanDigest,
}

impl SealedFile {
    /// What is said of a record whose text has this digest; `None` of one that was never saved.
    pub fn of(sealed: &Sealed, sha256: PlanDigest) -> Option<Self> {
        let (lineage, serial) = (sealed.lineage.clone(), sealed.serial);
        (serial > 0).then_some(Self { lineage, serial, sha256 })
    }
}
