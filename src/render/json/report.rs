//! A report as a document.

use schemars::JsonSchema;
use serde::Serialize;

use super::action::BlockedView;
use super::plan::SelectView;
use crate::model::KeyType;
use crate::report::{Became, Outcome, Report, Skipped, Users};

/// What became of each action of a plan.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "keycomb report")]
pub(super) struct ReportView<'a> {
    /// `keycomb.report/1`
    #[schemars(extend("const" = "keycomb.report/1"))]
    format: &'static str,
    /// In the plan's order.
    outcomes: Vec<OutcomeView<'a>>,
    /// Whether somebody asked to stop.
    interrupted: bool,
    /// Why the sealed file could not be replaced at the end; null when it was. Its journal still holds everything, but what
    /// an outcome of cause `seal` says could not be written down.
    unfolded: Option<&'a str>,
    /// The sealed file's serial after the apply.
    serial: u64,
    /// The service's clock at the end, RFC 3339 in UTC.
    #[schemars(extend("format" = "date-time"))]
    ended: String,
    /// The part of all that the plan was about; null when it was all.
    select: Option<SelectView<'a>>,
    /// Counts over outcomes.
    summary: CountsView,
    /// Whom to tell that a key was revoked; null in the report of anything else.
    users: Option<UsersView<'a>>,
    /// What `adopt --all` left out, and why; empty for everything else.
    skipped: Vec<SkippedView<'a>>,
}

impl<'a> ReportView<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        let Report { outcomes, interrupted, unfolded, serial, ended, select, users, skipped } = report;
        Self {
            format: "keycomb.report/1",
            outcomes: outcomes.iter().map(OutcomeView::of).collect(),
            interrupted: *interrupted,
            unfolded: unfolded.as_deref(),
            serial: *serial,
            ended: ended.to_string(),
            select: SelectView::of(select),
            summary: CountsView::of(report),
            users: users.as_ref().map(UsersView::of),
            skipped: skipped.iter().map(SkippedView::of).collect(),
        }
    }
}

/// Who uses a key and where, as far as the files and the sealed file say.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Users")]
struct UsersView<'a> {
    /// The key.
    address: String,
    /// The name of its environment at the service, where that is known; its label otherwise.
    environment: &'a str,
    /// Its name at the service.
    name: &'a str,
    /// Whom to ask.
    owner: Option<&'a str>,
    /// What it is for.
    purpose: Option<&'a str>,
    /// What uses it; empty where the files do not say.
    consumers: &'a [String],
}

impl<'a> UsersView<'a> {
    fn of(users: &'a Users) -> Self {
        let Users { address, environment, name, owner, purpose, consumers } = users;
        Self {
            address: address.to_string(),
            environment,
            name,
            owner: owner.as_deref(),
            purpose: purpose.as_deref(),
            consumers,
        }
    }
}

/// Counts.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Counts")]
struct CountsView {
    /// As planned, and verified.
    done: usize,
    /// Made, sealed and disabled.
    staged: usize,
    /// Not done.
    failed: usize,
    /// Not begun.
    not_started: usize,
    /// Not for this run: it only stages.
    left: usize,
    /// Nobody can say yet.
    in_doubt: usize,
    /// Blocked in the plan.
    blocked: usize,
}

impl CountsView {
    fn of(report: &Report) -> Self {
        let (done, failed, not_started, in_doubt) = report.counts();
        let (staged, left) = report.staged();
        let blocked = report.outcomes.iter().filter(|outcome| outcome.became == Became::Blocked).count();
        Self { done, staged, failed, not_started, left, in_doubt, blocked }
    }
}

/// Something at the service that was left out.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Skipped")]
struct SkippedView<'a> {
    /// `environment`, `ingest` or `configuration`.
    kind: &'static str,
    /// The service's id.
    id: &'a str,
    /// Its name at the service.
    name: &'a str,
    /// Why.
    why: &'a str,
}

impl<'a> SkippedView<'a> {
    fn of(skipped: &'a Skipped) -> Self {
        let Skipped { key_type, id, name, why } = skipped;
        Self { kind: key_type.map_or("environment", KeyType::as_str), id, name, why }
    }
}

/// What became of one action.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Outcome")]
struct OutcomeView<'a> {
    /// Whom it concerned.
    address: String,
    /// What was to be done; `blocked` for what was not to be.
    verb: &'static str,
    /// The key's generation.
    generation: Option<u32>,
    /// The service's id, once known.
    id: Option<&'a str>,
    /// How it ended.
    became: BecameView<'a>,
    /// Why it must not be done; null unless `verb` is `blocked`.
    blocked: Option<BlockedView<'a>>,
}

impl<'a> OutcomeView<'a> {
    fn of(outcome: &'a Outcome) -> Self {
        let Outcome { address, verb, generation, id, became, blocked } = outcome;
        Self {
            address: address.to_string(),
            verb: verb.as_str(),
            generation: *generation,
            id: id.as_deref(),
            became: BecameView::of(became),
            blocked: blocked.as_ref().map(BlockedView::of),
        }
    }
}

/// How an action ended.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
#[schemars(rename = "Became")]
enum BecameView<'a> {
    /// As planned, and verified.
    Done {
        /// Something to add.
        note: Option<&'a str>,
    },
    /// Made, sealed and disabled: an apply releases it once its sealed entry is in the checkout that it runs on.
    Staged {
        /// Until when it can be released, RFC 3339 in UTC.
        #[schemars(extend("format" = "date-time"))]
        until: String,
        /// Something to add.
        note: Option<&'a str>,
    },
    /// Not done; the next run finishes what was begun.
    Failed {
        /// What went wrong.
        why: &'a str,
        /// What to do next.
        help: Option<&'a str>,
        /// Stable: `service`, `credential`, `mismatch`, `changed`, `busy`, `seal`, `not_disabled`,
        /// `unconfirmed`.
        cause: &'static str,
    },
    /// Not begun.
    NotStarted {
        /// Why.
        why: &'a str,
    },
    /// Not for this run: it only stages.
    Left {
        /// For which it is left.
        why: &'a str,
    },
    /// Nobody can say yet whether it happened.
    InDoubt {
        /// What is not known.
        why: &'a str,
        /// What to do next.
        help: &'a str,
    },
    /// Blocked in the plan.
    Blocked,
}

impl<'a> BecameView<'a> {
    fn of(became: &'a Became) -> Self {
        match became {
            Became::Done { note } => Self::Done { note: note.as_deref() },
            Became::Failed { why, help, cause } => {
                Self::Failed { why, help: help.as_deref(), cause: cause.as_str() }
            }
            Became::Staged { until, note } => {
                Self::Staged { until: until.to_string(), note: note.as_deref() }
            }
            Became::Left { why } => Self::Left { why },
            Became::NotStarted { why } => Self::NotStarted { why },
            Became::InDoubt { why, help } => Self::InDoubt { why, help },
            Became::Blocked => Self::Blocked,
        }
    }
}
