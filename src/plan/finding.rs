//! A finding as a value: what is worth saying and needs no action now.

use serde::{Deserialize, Serialize};

use super::value::Change;
use crate::model::{Address, DriftClass, Origin, Timestamp};

/// Something worth saying that needs no action now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What kind.
    pub kind: FindingKind,
    /// How grave.
    pub severity: Severity,
    /// The address, for something managed or declared.
    pub address: Option<Address>,
    /// The service's id, where there is one.
    pub id: Option<String>,
    /// One sentence; may hold hostile text.
    pub text: String,
    /// How to go on.
    pub help: Option<String>,
    /// What differs, for drift: `before` is last applied, `after` is live.
    pub changes: Vec<Change>,
    /// The place in the files that declares it, or that the finding is about; `None` for what the files do not have.
    pub origin: Option<Origin>,
    /// The id of the user who changed it last, where the service says so. Hostile text.
    pub editor: Option<String>,
    /// When it was changed last, by the service's clock.
    pub updated: Option<Timestamp>,
}

/// A finding that a rule of the configuration hides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// What is hidden.
    pub finding: Finding,
    /// Why, in the rule's words.
    pub reason: String,
    /// Until when.
    pub until: Option<Timestamp>,
    /// Where the rule is written.
    pub rule: Origin,
}

/// What kind of finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FindingKind {
    /// A key of ours that the sealed file has no entry of: it was rolled back, or a merge dropped it. Comes first.
    Unsealed,
    /// Managed, and gone from the service.
    Missing,
    /// Live differs from last applied.
    Drift,
    /// A key of ours that was never finished.
    Unfinished,
    /// A rotation, or a step of one, that waits, or that is late.
    Rotation,
    /// At the service, and nobody declared it.
    Unmanaged,
    /// A key that is only watched was tried, and is not what is declared.
    ExternalMismatch,
    /// A key that is only watched is to be replaced, or could not be tried.
    ExternalDue,
    /// A rule of `[[ignore]]` that ended, or that hides nothing.
    Ignore,
    /// Something about the declaration that deserves a look.
    Advice,
}

impl FindingKind {
    /// The stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unsealed => "unsealed",
            Self::Missing => "missing",
            Self::Drift => "drift",
            Self::Unfinished => "unfinished",
            Self::Rotation => "rotation",
            Self::Unmanaged => "unmanaged",
            Self::ExternalMismatch => "external_mismatch",
            Self::ExternalDue => "external_due",
            Self::Ignore => "ignore",
            Self::Advice => "advice",
        }
    }
}

impl Finding {
    /// What kind of drift it is; `None` for what is none.
    pub fn class(&self) -> Option<DriftClass> {
        match self.kind {
            FindingKind::Missing => Some(DriftClass::Missing),
            FindingKind::Drift | FindingKind::ExternalMismatch => Some(DriftClass::Changed),
            FindingKind::Unsealed | FindingKind::Unfinished => Some(DriftClass::Orphan),
            FindingKind::Unmanaged => Some(DriftClass::Unmanaged),
            FindingKind::Rotation | FindingKind::ExternalDue => Some(DriftClass::Overdue),
            // One that hides nothing is only litter.
            FindingKind::Ignore => (self.severity > Severity::Note).then_some(DriftClass::Overdue),
            FindingKind::Advice => None,
        }
    }
}

/// How grave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Look at it.
    Warning,
    /// Something is wrong.
    High,
}

impl Severity {
    /// The stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::High => "high",
        }
    }
}
