//! Findings and changes as JSON.

use schemars::JsonSchema;
use serde::Serialize;

use super::action::OriginView;
use crate::model::{Address, DriftClass};
use crate::plan::{Change, Finding, Ignored};

/// Something worth saying that needs no action now.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Finding")]
pub(super) struct FindingView<'a> {
    /// Stable: `unsealed`, `missing`, `drift`, `unfinished`, `rotation`, `unmanaged`, `external_mismatch`, `external_due`,
    /// `ignore`, `advice`.
    kind: &'static str,
    /// What kind of drift it is: `changed`, `missing`, `unmanaged`, `orphan` or `overdue`; null for what is none.
    class: Option<&'static str>,
    /// `high`, `warning` or `note`.
    severity: &'static str,
    /// The address of something managed or declared; null for anything else.
    address: Option<String>,
    /// The service's id, where there is one.
    id: Option<&'a str>,
    /// One sentence.
    text: &'a str,
    /// How to go on.
    help: Option<&'a str>,
    /// What differs, for drift: `before` is last applied, `after` is live.
    changes: Vec<ChangeView<'a>>,
    /// The place in the files that declares it, or that the finding is about; null for what the files do not have.
    origin: Option<OriginView<'a>>,
    /// The id of the user who changed it last, where the service says so.
    editor: Option<&'a str>,
    /// When it was changed last, by the service's clock, RFC 3339 in UTC.
    #[schemars(extend("format" = "date-time"))]
    updated: Option<String>,
}

impl<'a> FindingView<'a> {
    pub(super) fn of(finding: &'a Finding) -> Self {
        let Finding { kind, severity, address, id, text, help, changes, origin, editor, updated } = finding;
        Self {
            kind: kind.as_str(),
            class: finding.class().map(DriftClass::as_str),
            severity: severity.as_str(),
            address: address.as_ref().map(Address::to_string),
            id: id.as_deref(),
            text,
            help: help.as_deref(),
            changes: changes.iter().map(ChangeView::of).collect(),
            origin: origin.as_ref().map(OriginView::of),
            editor: editor.as_deref(),
            updated: updated.map(|updated| updated.to_string()),
        }
    }
}

/// A finding that a rule of the configuration hides.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Ignored")]
pub(super) struct IgnoredView<'a> {
    /// What is hidden.
    finding: FindingView<'a>,
    /// Why, in the rule's words.
    reason: &'a str,
    /// Until when, RFC 3339 in UTC.
    #[schemars(extend("format" = "date-time"))]
    until: Option<String>,
    /// The rule's place: its file, and its line from 1.
    file: &'a str,
    /// The line.
    line: usize,
}

impl<'a> IgnoredView<'a> {
    pub(super) fn of(ignored: &'a Ignored) -> Self {
        let Ignored { finding, reason, until, rule } = ignored;
        Self {
            finding: FindingView::of(finding),
            reason,
            until: until.map(|until| until.to_string()),
            file: &rule.file,
            line: rule.line,
        }
    }
}

/// One attribute that differs.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Change")]
pub(super) struct ChangeView<'a> {
    /// The attribute, by its TOML key.
    field: &'static str,
    /// As it is; null for a creation. A list has one item a line.
    before: Option<&'a str>,
    /// As it will be; null for a deletion. A list has one item a line.
    after: Option<&'a str>,
    /// Whether it takes back something changed at the service.
    undoes_drift: bool,
}

impl<'a> ChangeView<'a> {
    pub(super) fn of(change: &'a Change) -> Self {
        let Change { field, before, after, undoes_drift } = change;
        Self { field, before: before.as_deref(), after: after.as_deref(), undoes_drift: *undoes_drift }
    }
}
