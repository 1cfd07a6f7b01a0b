//! Where sealed entries last, and what a run may do because of it.

use crate::plan::{Action, Step};
use crate::report::Became;

/// Where sealed entries last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// On this disk: what is fsynced is home.
    Disk,
    /// Elsewhere, and the sealed file reaches it after the run: environments and keys are made, nothing is enabled. Each new
    /// key stays disabled, with the digest of its sealed entry in its name, until a run finds that very entry in the
    /// checkout that it runs on.
    Staged,
    /// Elsewhere, and what is to be released is there: all else is carried out, but nothing is made whose secret this disk
    /// alone would hold.
    Elsewhere,
}

impl Home {
    /// Whether a run carries an action out; the others are left for another run.
    pub fn allows(self, action: &Action) -> bool {
        match self {
            Self::Disk => true,
            Self::Staged => is_staged(&action.step),
            Self::Elsewhere => makes_nothing(action),
        }
    }

    /// The outcome of an action that is left.
    pub(super) fn left(self) -> Became {
        let why = match self {
            Self::Disk | Self::Staged => "left for the apply after the sealed file is home",
            Self::Elsewhere => "left for `keycomb apply --stage`: this run makes no key and no environment",
        };
        Became::Left { why: why.to_owned() }
    }
}

fn is_staged(step: &Step) -> bool {
    match step {
        Step::Nothing
        | Step::CreateEnvironment { .. }
        | Step::MintKey(_)
        | Step::ReleaseKey { .. }
        | Step::RevokeKey { .. }
        | Step::DiscardKey(_) => true,
        Step::UpdateEnvironment { .. }
        | Step::DeleteEnvironment { .. }
        | Step::ForgetEnvironment { .. }
        | Step::UpdateKey { .. }
        | Step::RetireKey { .. }
        | Step::DeleteKey { .. } => false,
    }
}

/// All but asking for keys and for environments. An environment that was asked for already is finished.
fn makes_nothing(action: &Action) -> bool {
    match &action.step {
        Step::MintKey(_) => false,
        Step::CreateEnvironment { .. } => action.id.is_some(),
        _ => true,
    }
}
