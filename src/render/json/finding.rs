//! Findings and changes as JSON.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::Address;
use crate::plan::{Change, Finding};

/// Something worth saying that needs no action now.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Finding")]
pub(super) struct FindingView<'a> {
    /// Stable: `unsealed`, `missing`, `drift`, `unfinished`, `rotation`, `unmanaged`, `advice`.
    kind: &'static str,
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
}

impl<'a> FindingView<'a> {
    pub(super) fn of(finding: &'a Finding) -> Self {
        let Finding { kind, severity, address, id, text, help, changes } = finding;
        Self {
            kind: kind.as_str(),
            severity: severity.as_str(),
            address: address.as_ref().map(Address::to_string),
            id: id.as_deref(),
            text,
            help: help.as_deref(),
            changes: changes.iter().map(ChangeView::of).collect(),
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
