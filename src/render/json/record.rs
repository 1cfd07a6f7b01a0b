//! A record that is written down, as JSON: what it is about, and never what is sealed in it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{EnvironmentId, Record};

/// A record that is written down.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "Record")]
pub(super) struct RecordView<'a> {
    /// `key`, `environment`, `environment_gone`, `forgotten`, `moved` …
    record: &'static str,
    /// The service's id.
    id: Option<&'a str>,
    /// Where it is from here on.
    address: Option<String>,
    /// For `moved`: where it was.
    from: Option<String>,
    /// The key's generation.
    generation: Option<u32>,
    /// For `key`: whether its secret is sealed.
    sealed: Option<bool>,
}

impl<'a> RecordView<'a> {
    pub(super) fn of(record: &'a Record) -> Self {
        let named = |record| Self { record, ..Self::default() };
        match record {
            Record::Intent { intent } => {
                Self { address: Some(intent.address.to_string()), ..named("intent") }
            }
            Record::IntentOver { .. } => named("intent_over"),
            Record::Minted { key, .. } | Record::Key { key } => Self {
                record: if matches!(record, Record::Key { .. }) { "key" } else { "minted" },
                id: Some(key.id.as_str()),
                address: Some(key.address.to_string()),
                from: None,
                generation: Some(key.generation),
                sealed: Some(key.sealed.is_some()),
            },
            Record::State { id, .. } => Self { id: Some(id.as_str()), ..named("state") },
            Record::KeyGone { id } => Self { id: Some(id.as_str()), ..named("key_gone") },
            Record::Environment { environment } => Self {
                id: Some(environment.id.as_str()),
                address: Some(environment.address.to_string()),
                ..named("environment")
            },
            Record::EnvironmentGone { address } => {
                Self { address: Some(address.to_string()), ..named("environment_gone") }
            }
            Record::AppliedPlan { .. } => named("applied_plan"),
            Record::Forgotten { id } => Self { id: Some(id.as_str()), ..named("forgotten") },
            Record::ForgottenSought { id, .. } => Self { id: Some(id.as_str()), ..named("forgotten_sought") },
            Record::ForgottenOver { id, .. } => Self { id: Some(id.as_str()), ..named("forgotten_over") },
            Record::Moved { from, to, environment, .. } => Self {
                id: environment.as_ref().map(EnvironmentId::as_str),
                address: Some(to.to_string()),
                from: Some(from.to_string()),
                ..named("moved")
            },
        }
    }
}
