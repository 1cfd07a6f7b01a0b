//! For machines: versioned JSON, described by the JSON Schemas in `schema/`.
//!
//! Each document names its format (`"format": "keycomb.plan/1"`). Within a version fields are only added.
//! Texts are as the service or the files have them, never shortened; characters that a terminal would obey are
//! written as `\uXXXX`, so that printing a document does no harm. Pretty printed, ending in a line break; same
//! value, same bytes.

mod action;
mod finding;
mod plan;
mod record;
mod report;
mod schema;
mod status;
mod step;

use serde::Serialize;

use crate::model;
use crate::plan::{Drift, Plan};
use crate::render::status::{ExternalRow, SecretRow, StatusRow};
use crate::report::Report;

pub use schema::{
    document_schema, drift_schema, plan_schema, report_schema, schemas, secrets_schema, status_schema,
};

/// Any other document: pretty printed, ending in a line break, harmless to a terminal.
pub fn document(document: &impl Serialize) -> String {
    model::document(document)
}

/// A plan, whole: `keycomb.plan/1`.
pub fn plan(plan: &Plan) -> String {
    model::document(&plan::PlanView::of(plan))
}

/// What a look for drift found: `keycomb.drift/1`.
pub fn drift(drift: &Drift) -> String {
    model::document(&plan::DriftView::of(drift))
}

/// What became of each action of a plan: `keycomb.report/1`.
pub fn report(report: &Report) -> String {
    model::document(&report::ReportView::of(report))
}

/// The managed keys and those only watched, in the order given: `keycomb.status/1`.
pub fn status(rows: &[StatusRow], external: &[ExternalRow]) -> String {
    model::document(&status::StatusView::of(rows, external))
}

/// The entries of a sealed file, in the order given, without what is sealed: `keycomb.secrets/1`.
pub fn secrets(rows: &[SecretRow]) -> String {
    model::document(&status::SecretsView::of(rows))
}
