//! The JSON Schemas of the documents, from their types.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::plan::{DriftView, PlanView};
use super::report::ReportView;
use super::status::{SecretsView, StatusView};

/// All schemas by name, as they stand in `schema/NAME.schema.json`; sorted.
pub fn schemas() -> [(&'static str, Value); 5] {
    [
        ("drift", drift_schema()),
        ("plan", plan_schema()),
        ("report", report_schema()),
        ("secrets", secrets_schema()),
        ("status", status_schema()),
    ]
}

/// The JSON Schema (draft 7) of `keycomb.plan/1`.
pub fn plan_schema() -> Value {
    document_schema::<PlanView<'_>>()
}

/// The JSON Schema (draft 7) of `keycomb.drift/1`.
pub fn drift_schema() -> Value {
    document_schema::<DriftView<'_>>()
}

/// The JSON Schema (draft 7) of `keycomb.report/1`.
pub fn report_schema() -> Value {
    document_schema::<ReportView<'_>>()
}

/// The JSON Schema (draft 7) of `keycomb.status/1`.
pub fn status_schema() -> Value {
    document_schema::<StatusView<'_>>()
}

/// The JSON Schema (draft 7) of `keycomb.secrets/1`.
pub fn secrets_schema() -> Value {
    document_schema::<SecretsView<'_>>()
}

/// The JSON Schema (draft 7) of any other document.
pub fn document_schema<T: JsonSchema>() -> Value {
    // What is written, not what would be accepted: every field is always there.
    SchemaSettings::draft07().for_serialize().into_generator().into_root_schema_for::<T>().to_value()
}
