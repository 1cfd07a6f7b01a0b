//! An action of a plan as JSON.

use schemars::JsonSchema;
use serde::Serialize;

use super::finding::ChangeView;
use super::step::StepView;
use crate::model::{Address, Origin};
use crate::plan::{Action, Blocked, Reason, SecretEffect, Undo};

/// One thing to do, or not to do.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Action")]
pub(super) struct ActionView<'a> {
    /// Whom it concerns: `environment.NAME` or `key.ENVIRONMENT.NAME`.
    address: String,
    /// What is done: `create`, `release`, `update`, `enable`, `disable`, `delete`, `replace`, `rotate`, `adopt`,
    /// `discard`; `blocked` for what must not be done.
    verb: &'static str,
    /// `ingest` or `configuration`; null for an environment.
    key_type: Option<&'static str>,
    /// The key's generation; null for an environment.
    generation: Option<u32>,
    /// The service's id; null before creation.
    id: Option<&'a str>,
    /// The name at the service, as it is or will be.
    name: &'a str,
    /// What differs.
    changes: Vec<ChangeView<'a>>,
    /// Why.
    reason: ReasonView<'a>,
    /// What happens to secrets.
    secret: SecretView<'a>,
    /// Whether changing the configuration back takes it back.
    reversible: bool,
    /// Why it must not be done; null unless `verb` is `blocked`.
    blocked: Option<BlockedView<'a>>,
    /// The addresses of the actions that must have succeeded before.
    after: Vec<String>,
    /// What is sent to the service.
    step: StepView<'a>,
}

impl<'a> ActionView<'a> {
    pub(super) fn of(action: &'a Action) -> Self {
        let Action {
            address,
            verb,
            key_type,
            generation,
            id,
            name,
            changes,
            reason,
            secret,
            undo,
            blocked,
            after,
            step,
        } = action;
        Self {
            address: address.to_string(),
            verb: verb.as_str(),
            key_type: key_type.map(|key_type| key_type.as_str()),
            generation: *generation,
            id: id.as_deref(),
            name,
            changes: changes.iter().map(ChangeView::of).collect(),
            reason: ReasonView::of(reason),
            secret: SecretView::of(secret),
            reversible: *undo == Undo::Reversible,
            blocked: blocked.as_ref().map(BlockedView::of),
            after: after.iter().map(Address::to_string).collect(),
            step: StepView::of(step),
        }
    }
}

/// Why an action is in the plan.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Reason")]
struct ReasonView<'a> {
    /// Stable: `declared`, `changed`, `drifted`, `undeclared`, `quarantine_over`, `unreleased`, `staged`,
    /// `rotation_due`, `asked`, `superseded`, `missing`, `unfinished`, `revoked`.
    code: &'static str,
    /// One sentence.
    text: &'a str,
    /// The place in the files that causes it; null when it is the absence of one.
    origin: Option<OriginView<'a>>,
}

impl<'a> ReasonView<'a> {
    fn of(reason: &'a Reason) -> Self {
        let Reason { code, text, origin } = reason;
        Self { code: code.as_str(), text, origin: origin.as_ref().map(OriginView::of) }
    }
}

/// A place in the files.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Origin")]
pub(super) struct OriginView<'a> {
    /// Relative to the main configuration file's folder.
    file: &'a str,
    /// From 1.
    line: usize,
    /// In characters, from 1.
    column: usize,
}

impl<'a> OriginView<'a> {
    pub(super) fn of(origin: &'a Origin) -> Self {
        let Origin { file, line, column } = origin;
        Self { file, line: *line, column: *column }
    }
}

/// What an action does to secrets.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "effect", rename_all = "snake_case")]
#[schemars(rename = "SecretEffect")]
enum SecretView<'a> {
    /// Nothing.
    None,
    /// One is issued and sealed.
    Issued {
        /// Who can open it, by name, in the order of the files.
        recipients: Vec<&'a str>,
    },
    /// One that was sealed earlier starts to work.
    StartsWorking,
    /// It stops working with this action.
    StopsWorking,
    /// It is lost for good, having stopped working before.
    Destroyed,
}

impl<'a> SecretView<'a> {
    fn of(effect: &'a SecretEffect) -> Self {
        match effect {
            SecretEffect::None => Self::None,
            SecretEffect::Issued { recipients } => Self::Issued {
                recipients: recipients.iter().map(|recipient| recipient.name.as_str()).collect(),
            },
            SecretEffect::StartsWorking => Self::StartsWorking,
            SecretEffect::StopsWorking => Self::StopsWorking,
            SecretEffect::Destroyed => Self::Destroyed,
        }
    }
}

/// Why an action must not be done.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Blocked")]
pub(super) struct BlockedView<'a> {
    /// What would have been done.
    verb: &'static str,
    /// Stable: `exists`, `ambiguous`, `rotating`, `protected`, `guard_delete` …
    code: &'static str,
    /// One sentence: why not.
    text: &'a str,
    /// How to go on.
    help: &'a str,
    /// Whether a guard stands in the way, rather than something that is not to be done by an apply.
    guard: bool,
}

impl<'a> BlockedView<'a> {
    pub(super) fn of(blocked: &'a Blocked) -> Self {
        let Blocked { verb, code, text, help, guard } = blocked;
        Self { verb: verb.as_str(), code, text, help, guard: *guard }
    }
}
