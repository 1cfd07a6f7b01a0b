//! What became of each action of a plan.

use crate::model::{Address, KeyType, Timestamp};
use crate::plan::{Blocked, Select, Verb};

/// The end of an apply: one outcome for each action, whatever happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// In the plan's order.
    pub outcomes: Vec<Outcome>,
    /// Whether somebody asked to stop.
    pub interrupted: bool,
    /// Why the sealed file could not be replaced at the end; its journal still holds everything that could be written down
    /// ([`Report::is_unnoted`]).
    pub unfolded: Option<String>,
    /// The sealed file's serial after the apply.
    pub serial: u64,
    /// The service's clock at the end.
    pub ended: Timestamp,
    /// The part of all that the plan was about.
    pub select: Select,
    /// Whom to tell, where a key was revoked.
    pub users: Option<Users>,
    /// What the command looked at and left out.
    pub skipped: Vec<Skipped>,
}

/// Who uses a key and where, as far as the files and the record say. Hostile text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Users {
    /// The key.
    pub address: Address,
    /// The name of its environment at the service, where that is known; its label otherwise.
    pub environment: String,
    /// Its name at the service.
    pub name: String,
    /// Whom to ask.
    pub owner: Option<String>,
    /// What it is for.
    pub purpose: Option<String>,
    /// What uses it; empty where the files do not say.
    pub consumers: Vec<String>,
}

/// Something at the service that was left out where all was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The key's type; `None` for an environment.
    pub key_type: Option<KeyType>,
    /// The service's id.
    pub id: String,
    /// Its name at the service. Hostile text.
    pub name: String,
    /// Why. May hold hostile text.
    pub why: String,
}

/// What became of one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Whom it concerned.
    pub address: Address,
    /// What was to be done; for a blocked action [`Verb::Blocked`].
    pub verb: Verb,
    /// The key's generation.
    pub generation: Option<u32>,
    /// The service's id, once known.
    pub id: Option<String>,
    /// How it ended.
    pub became: Became,
    /// Why it must not be done, for a blocked action.
    pub blocked: Option<Blocked>,
}

/// How an action ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Became {
    /// As planned, and verified.
    Done {
        /// Something to add, such as that it was already so.
        note: Option<String>,
    },
    /// Made, sealed and disabled: it is released once its sealed entry is home.
    Staged {
        /// Until when it can be released, by the service's clock.
        until: Timestamp,
        /// Something to add, such as that it was already so.
        note: Option<String>,
    },
    /// Not done, and nothing was left half done that the next run would not finish.
    Failed {
        /// What went wrong; may hold the service's words, made visible.
        why: String,
        /// What to do next.
        help: Option<String>,
        /// What kind of failure, for the exit code.
        cause: Cause,
    },
    /// Not begun.
    NotStarted {
        /// Why: what it waited for failed, somebody asked to stop, the run was stopped.
        why: String,
    },
    /// Not for this run: it only stages.
    Left {
        /// For which it is left.
        why: String,
    },
    /// Nobody can say yet whether it happened.
    InDoubt {
        /// What is not known.
        why: String,
        /// What to do next.
        help: String,
    },
    /// Blocked in the plan.
    Blocked,
}

/// What kind of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The service refused or failed.
    Service,
    /// The credential was refused, or lacks a scope.
    Credential,
    /// What was read back is not what was asked for.
    Mismatch,
    /// The object is not as it was when the plan was made.
    Changed,
    /// Another run is making the same key.
    Busy,
    /// Sealing or keeping the record failed; nothing is live that is not sealed.
    Seal,
    /// The service made a key enabled that was asked for disabled; it was deleted.
    NotDisabled,
    /// Released too late, or not proven; running again is safe.
    Unconfirmed,
}

impl Cause {
    /// The stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Credential => "credential",
            Self::Mismatch => "mismatch",
            Self::Changed => "changed",
            Self::Busy => "busy",
            Self::Seal => "seal",
            Self::NotDisabled => "not_disabled",
            Self::Unconfirmed => "unconfirmed",
        }
    }
}

impl Report {
    /// Whether the journal lacks something of what was done: it could not be written down.
    pub fn is_unnoted(&self) -> bool {
        let is_unnoted = |became: &Became| matches!(became, Became::Failed { cause: Cause::Seal, .. });
        self.outcomes.iter().any(|outcome| is_unnoted(&outcome.became))
    }

    /// How to go on where the sealed file could not be replaced.
    pub fn unfolded_help(&self) -> &'static str {
        match self.is_unnoted() {
            true => {
                "not all of the above could be written down, and its journal lacks that too; keep both, mend the cause, and run \
                 the same command again"
            }
            false => "nothing is lost: its journal holds everything; keep both, and run apply again",
        }
    }

    /// How many were (staged, left for a later apply).
    pub fn staged(&self) -> (usize, usize) {
        let count = |is: fn(&Became) -> bool| self.outcomes.iter().filter(|o| is(&o.became)).count();
        (count(|b| matches!(b, Became::Staged { .. })), count(|b| matches!(b, Became::Left { .. })))
    }

    /// Until when all that is staged can be released; `None` when nothing is.
    pub fn stage_ends(&self) -> Option<Timestamp> {
        let until = |outcome: &Outcome| match &outcome.became {
            Became::Staged { until, .. } => Some(*until),
            _ => None,
        };
        self.outcomes.iter().filter_map(until).min()
    }

    /// How many actions were (done, failed, not started, in doubt).
    pub fn counts(&self) -> (usize, usize, usize, usize) {
        let count = |is: fn(&Became) -> bool| self.outcomes.iter().filter(|o| is(&o.became)).count();
        (
            count(|b| matches!(b, Became::Done { .. })),
            count(|b| matches!(b, Became::Failed { .. })),
            count(|b| matches!(b, Became::NotStarted { .. })),
            count(|b| matches!(b, Became::InDoubt { .. })),
        )
    }
}
