//! The plan as a value: what is shown and what is done.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use super::finding::{Finding, FindingKind, Ignored, Severity};
use super::input::Allow;
use super::select::Select;
use super::words::{self, Word};
use crate::model::{
    Address, AppliedKey, Endpoint, EnvironmentAttributes, EnvironmentId, KeyId, KeyType, Label, Lineage,
    Origin, Period, Permission, RecipientRef, Record, Revoked, TeamSlug, Timestamp,
};

/// What would be done, and what is worth saying.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What the plan was made from.
    pub header: Header,
    /// In the order they are carried out: what changes the record alone, keys that earlier applies left are released and discarded, environments
    /// created, keys minted, updated, enabled, disabled, keys deleted, environments deleted; blocked ones last; by address
    /// within each.
    pub actions: Vec<Action>,
    /// What is unsealed, then the gravest first, then by address and id.
    pub findings: Vec<Finding>,
    /// Counts over `actions` and `findings`.
    pub summary: Summary,
}

/// What the plan was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The team.
    pub team: TeamSlug,
    /// The service.
    pub endpoint: Endpoint,
    /// The sealed file's lineage and serial; `None` when there is no file.
    pub sealed: Option<(Lineage, u64)>,
    /// The instant that was decided for.
    pub now: Timestamp,
    /// The service's clock when it was read; where it is another than `now` the plan is a forecast, and not to be carried out.
    pub read: Timestamp,
    /// How many environments and keys are declared (environments, keys).
    pub declared: (usize, usize),
    /// Whether the service was not asked, and what was read is from a file that an earlier run saved: not to be carried out.
    pub snapshot: bool,
    /// What the person chose and lifted.
    pub terms: Terms,
}

/// What a person said about a plan as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// What the plan is about; everything, or a part.
    pub select: Select,
    /// Which guards were lifted.
    pub allow: Allow,
}

/// One thing to do, or not to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// Whom it concerns.
    pub address: Address,
    /// What is done.
    pub verb: Verb,
    /// The key's type; `None` for an environment.
    pub key_type: Option<KeyType>,
    /// The key's generation; `None` for an environment.
    pub generation: Option<u32>,
    /// The service's id; `None` before creation.
    pub id: Option<String>,
    /// The name at the service, as it is or will be. Hostile text.
    pub name: String,
    /// What differs, in a fixed order; for a creation `before` is `None`.
    pub changes: Vec<Change>,
    /// Why.
    pub reason: Reason,
    /// What happens to secrets.
    pub secret: SecretEffect,
    /// Whether it can be taken back.
    pub undo: Undo,
    /// Set exactly when `verb` is [`Verb::Blocked`].
    pub blocked: Option<Blocked>,
    /// The actions that must have succeeded before, by address.
    pub after: Vec<Address>,
    /// What the executor does; [`Step::Nothing`] exactly when blocked.
    pub step: Step,
}

/// What is done to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Verb {
    /// Make it. For a key: mint, seal, release.
    Create,
    /// Finish a key whose minting was cut short on this disk, or whose staged entry is in this checkout.
    Release,
    /// Change it in place.
    Update,
    /// Let a key work again.
    Enable,
    /// Stop a key.
    Disable,
    /// Delete it for good.
    Delete,
    /// Mint a successor because it cannot change in place.
    Replace,
    /// Mint a successor because it is due.
    Rotate,
    /// Take an existing thing under management.
    Adopt,
    /// Delete a provisional key that was never enabled and never will be.
    Discard,
    /// Take a thing out of the record; it stays at the service as it is.
    Forget,
    /// Record at this address what was recorded at another.
    Move,
    /// Must not be done; [`Action::blocked`] says what and why.
    Blocked,
}

impl Verb {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Release => "release",
            Self::Update => "update",
            Self::Enable => "enable",
            Self::Disable => "disable",
            Self::Delete => "delete",
            Self::Replace => "replace",
            Self::Rotate => "rotate",
            Self::Adopt => "adopt",
            Self::Discard => "discard",
            Self::Forget => "forget",
            Self::Move => "move",
            Self::Blocked => "blocked",
        }
    }
}

/// One attribute that differs. Values are as a person reads them; hostile text where they come from the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The attribute, by its TOML key.
    #[serde(deserialize_with = "words::field")]
    pub field: Word,
    /// As it is; `None` for a creation. A list has one item a line.
    pub before: Option<String>,
    /// As it will be; `None` for a deletion. A list has one item a line.
    pub after: Option<String>,
    /// Whether it takes back something changed behind keycomb's back.
    pub undoes_drift: bool,
}

/// Why an action is in the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Stable, for machines.
    pub code: ReasonCode,
    /// One sentence without a full stop.
    pub text: String,
    /// The place in the files that causes it; `None` when it is the absence of one.
    pub origin: Option<Origin>,
}

/// Why, for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ReasonCode {
    /// Declared, and not there.
    Declared,
    /// Declared otherwise than it is.
    Changed,
    /// The same, and the difference was made behind keycomb's back.
    Drifted,
    /// No longer declared.
    Undeclared,
    /// Past its quarantine.
    QuarantineOver,
    /// Minted and sealed on this disk, not released.
    Unreleased,
    /// Staged, and its sealed entry is in this checkout.
    Staged,
    /// Due for rotation.
    RotationDue,
    /// The person asked for it in this run.
    Asked,
    /// A later generation has taken its place.
    Superseded,
    /// Gone from the service.
    Missing,
    /// Made under a provisional name and never finished.
    Unfinished,
    /// Declared under another name before.
    Moved,
    /// A person revoked it, or the one before it.
    Revoked,
}

impl ReasonCode {
    /// The stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Changed => "changed",
            Self::Drifted => "drifted",
            Self::Undeclared => "undeclared",
            Self::QuarantineOver => "quarantine_over",
            Self::Unreleased => "unreleased",
            Self::Staged => "staged",
            Self::RotationDue => "rotation_due",
            Self::Asked => "asked",
            Self::Superseded => "superseded",
            Self::Missing => "missing",
            Self::Unfinished => "unfinished",
            Self::Moved => "moved",
            Self::Revoked => "revoked",
        }
    }
}

/// What an action does to secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SecretEffect {
    /// Nothing.
    None,
    /// One is issued and sealed to these recipients.
    Issued {
        /// Of `[seal.recipients]`, in file order.
        recipients: Vec<RecipientRef>,
    },
    /// One that was sealed earlier starts to work.
    StartsWorking,
    /// It stops working with this action.
    StopsWorking,
    /// It is lost for good, having stopped working before.
    Destroyed,
}

/// Whether an action can be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Undo {
    /// By changing the configuration back.
    Reversible,
    /// Not at all.
    Irreversible,
}

/// An action that must not be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blocked {
    /// What would have been done.
    pub verb: Verb,
    /// Stable, for machines: `exists`, `ambiguous`, `rotating`, `protected`, `guard_delete` …
    #[serde(deserialize_with = "words::code")]
    pub code: Word,
    /// One sentence: why not. May hold hostile text.
    pub text: String,
    /// One sentence: how to go on.
    pub help: String,
    /// Whether a guard stands in the way (exit 5), rather than something that is not to be done by an apply.
    pub guard: bool,
}

/// What the executor does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Blocked.
    Nothing,
    /// POST an environment with a mark for its description, record it, then PATCH what it is to be. Where the action has
    /// an id an earlier apply sent the POST, and the environment still has its mark: only the rest is left.
    CreateEnvironment {
        /// Its name.
        name: String,
        /// What is managed of it.
        attributes: EnvironmentAttributes,
    },
    /// PATCH an environment.
    UpdateEnvironment {
        /// Which.
        id: EnvironmentId,
        /// Only what differs.
        change: EnvironmentAttributes,
        /// Everything that is managed, for the record.
        applied: EnvironmentAttributes,
    },
    /// DELETE an environment.
    DeleteEnvironment {
        /// Which.
        id: EnvironmentId,
    },
    /// Take an environment that is gone from the service out of the record. Refused if the service still has it.
    ForgetEnvironment {
        /// Which.
        id: EnvironmentId,
    },
    /// Mint a key: POST disabled, seal, release, read back.
    MintKey(Box<MintKey>),
    /// Release a key that is sealed and not released.
    ReleaseKey {
        /// Which.
        id: KeyId,
        /// Whether the configuration wants it enabled.
        enabled: bool,
        /// The keys that it takes the place of, oldest first, and that are in nobody's way.
        succeeds: Vec<Predecessor>,
    },
    /// PATCH a key's name, permissions, and whether it is enabled; all that differ, in one request.
    UpdateKey {
        /// Which.
        id: KeyId,
        /// The new name.
        name: Option<String>,
        /// All that is granted; the rest is sent as `false`.
        permissions: Option<BTreeSet<Permission>>,
        /// Enable or disable.
        enabled: Option<bool>,
        /// Everything that is managed, for the record. Where nothing above is set only the record changes:
        /// no request is sent.
        applied: AppliedKey,
        /// For the record.
        remember: Remembered,
    },
    /// PATCH a key that is no longer declared, or that a later generation has taken the place of: disabled, and its
    /// quarantine begins.
    RetireKey {
        /// Which.
        id: KeyId,
        /// The key that has taken its place: refused unless that works at this moment.
        successor: Option<KeyId>,
    },
    /// DELETE a key past its quarantine.
    DeleteKey {
        /// Which.
        id: KeyId,
    },
    /// DELETE or PATCH a key that is revoked, whatever its state; before anything else.
    RevokeKey {
        /// Which.
        id: KeyId,
        /// What is done to it, and what is recorded of it.
        revoked: Revoked,
    },
    /// DELETE a key that was never enabled, and end what the record has of it.
    DiscardKey(Box<Leftover>),
    /// Nothing is sent; these records are written down, in their order.
    Record(Vec<Record>),
}

/// A provisional key that is to be deleted, as it was seen: it is read again just before, and left where it is when
/// anything is otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leftover {
    /// Which.
    pub id: KeyId,
    /// Its provisional name.
    pub name: String,
    /// Its environment.
    pub environment: EnvironmentId,
    /// When it was changed last, by the service's clock.
    pub updated: Option<Timestamp>,
    /// Whether the person gave it up by naming its address: a staged key goes before its time then.
    pub is_given_up: bool,
}

/// All that is needed to mint a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MintKey {
    /// Where it is made.
    pub environment: EnvironmentRef,
    /// Its type.
    pub key_type: KeyType,
    /// Its final name.
    pub name: String,
    /// What is granted.
    pub permissions: BTreeSet<Permission>,
    /// Whether it is enabled at its release.
    pub enabled: bool,
    /// The generation it will be.
    pub generation: u32,
    /// The generations it takes the place of, oldest first, and after them keys in other environments that the files put here:
    /// they stay as they are, and are in nobody's way.
    pub succeeds: Vec<Predecessor>,
    /// For the record.
    pub remember: Remembered,
}

/// A generation that another takes the place of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predecessor {
    /// Its address: the successor's own, or that of a key in another environment.
    pub address: Address,
    /// Its key.
    pub id: KeyId,
    /// 1, 2, 3 …
    pub generation: u32,
    /// Until when it works at least, if its successor works from now on; `None`: it does not work.
    pub until: Option<Timestamp>,
}

/// What is declared of a key and never sent to the service, but kept in the record for when the block is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remembered {
    /// For people.
    pub owner: Option<String>,
    /// Refuses delete and disable.
    pub protected: bool,
    /// How long it stays disabled before it is deleted.
    pub quarantine: Period,
}

/// An environment that is there, or that an earlier action of the same plan makes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum EnvironmentRef {
    /// It is there.
    Id(EnvironmentId),
    /// It is made by the action at `environment.LABEL`.
    Planned(Label),
}

/// Counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Actions by verb, in the order of [`Verb`], without zeros.
    pub verbs: Vec<(Verb, usize)>,
    /// Actions that will be carried out.
    pub changes: usize,
    /// Actions that must not be taken.
    pub blocked: usize,
    /// Blocked by a guard (exit 5), out of `blocked`.
    pub guarded: usize,
    /// Secrets issued.
    pub issued: usize,
    /// Working keys that stop working.
    pub stopping: usize,
    /// Actions that cannot be taken back.
    pub irreversible: usize,
    /// Findings of kind drift.
    pub drifted: usize,
    /// Findings.
    pub findings: usize,
    /// Findings that rules of `[[ignore]]` hide; not among the others.
    pub ignored: usize,
}

impl Header {
    /// Whether it was decided for another time than that of the reading.
    pub fn is_forecast(&self) -> bool {
        self.now != self.read
    }

    /// Whether an apply could carry it out: it was decided for now, from what the service itself said.
    pub fn may_be_applied(&self) -> bool {
        !self.is_forecast() && !self.snapshot
    }
}

impl Plan {
    /// Whether nothing is to be done and nothing is blocked.
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }

    /// Whether a key of ours has no entry in the sealed file (exit 10).
    pub fn is_unsealed(&self) -> bool {
        self.findings.iter().any(|finding| finding.kind == FindingKind::Unsealed)
    }

    /// Whether a guard refuses something (exit 5): it blocks an action, or the policy is `unmanaged = "fail"`
    /// and something is unmanaged.
    pub fn is_guarded(&self) -> bool {
        let is_refused = |f: &Finding| f.kind == FindingKind::Unmanaged && f.severity == Severity::High;
        self.summary.guarded > 0 || self.findings.iter().any(is_refused)
    }
}
