//! Orders the actions of a plan into stages, each of which ends before the next begins.

use crate::plan::{Action, Step};

/// What is carried out side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// What somebody else may be using this very moment: before all else, also before what can only fail at the disk.
    RevokeKeys,
    /// What follows is planned for the record as it is then. Takes no time.
    Record,
    /// What earlier applies left comes next: its time runs out.
    ReleaseKeys,
    /// Also before anything is minted: what is left of one try is then in no other's way.
    DiscardKeys,
    CreateEnvironments,
    MintKeys,
    Update,
    Enable,
    /// After everything that gives: a consumer that moves to another key finds it working first.
    Disable,
    DeleteKeys,
    DeleteEnvironments,
}

impl Stage {
    /// All stages, in order.
    pub(super) const ALL: [Self; 11] = [
        Self::RevokeKeys,
        Self::Record,
        Self::ReleaseKeys,
        Self::DiscardKeys,
        Self::CreateEnvironments,
        Self::MintKeys,
        Self::Update,
        Self::Enable,
        Self::Disable,
        Self::DeleteKeys,
        Self::DeleteEnvironments,
    ];

    /// The stage of an action; `None` when it is blocked.
    pub(super) fn of(action: &Action) -> Option<Self> {
        Some(match &action.step {
            Step::Nothing => return None,
            Step::CreateEnvironment { .. } => Self::CreateEnvironments,
            Step::MintKey(_) => Self::MintKeys,
            Step::Record(_) => Self::Record,
            Step::ReleaseKey { .. } => Self::ReleaseKeys,
            Step::DiscardKey(_) => Self::DiscardKeys,
            Step::RevokeKey { .. } => Self::RevokeKeys,
            Step::UpdateEnvironment { .. } | Step::UpdateKey { enabled: None, .. } => Self::Update,
            Step::UpdateKey { enabled: Some(true), .. } => Self::Enable,
            Step::UpdateKey { enabled: Some(false), .. } | Step::RetireKey { .. } => Self::Disable,
            Step::DeleteKey { .. } => Self::DeleteKeys,
            Step::DeleteEnvironment { .. } | Step::ForgetEnvironment { .. } => Self::DeleteEnvironments,
        })
    }
}
