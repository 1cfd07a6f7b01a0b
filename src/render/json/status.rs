//! Managed keys and sealed secrets as documents.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::RecipientRef;
use crate::plan::Severity;
use crate::render::status::{ExternalRow, SecretRow, StatusRow};

/// The managed keys, all generations.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "keycomb status")]
pub(super) struct StatusView<'a> {
    /// `keycomb.status/1`
    #[schemars(extend("const" = "keycomb.status/1"))]
    format: &'static str,
    /// By address, then generation.
    keys: Vec<KeyView<'a>>,
    /// Keys that are only watched, by name.
    external_keys: Vec<ExternalView<'a>>,
}

impl<'a> StatusView<'a> {
    pub(super) fn of(rows: &'a [StatusRow], external: &'a [ExternalRow]) -> Self {
        Self {
            format: "keycomb.status/1",
            keys: rows.iter().map(KeyView::of).collect(),
            external_keys: external.iter().map(ExternalView::of).collect(),
        }
    }
}

/// A key that is only watched.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ExternalKey")]
struct ExternalView<'a> {
    /// The table's name in the configuration.
    name: &'a str,
    /// `management`, `ingest`, `configuration` or `other`.
    kind: &'static str,
    /// Whom to ask.
    owner: Option<&'a str>,
    /// Seconds since it was made; null where no file says when.
    age_seconds: Option<u64>,
    /// What is known of it, in a word or two.
    state: &'a str,
    /// When it is to be replaced at the latest (RFC 3339, UTC).
    due: Option<String>,
    /// How grave that is: `note`, `warning` or `high`; null while there is time.
    severity: Option<&'static str>,
}

impl<'a> ExternalView<'a> {
    fn of(row: &'a ExternalRow) -> Self {
        let ExternalRow { label, kind, owner, age, state, due, severity } = row;
        Self {
            name: label.as_str(),
            kind: kind.as_str(),
            owner: owner.as_deref(),
            age_seconds: age.map(|age| age.as_secs()),
            state,
            due: due.map(|due| due.to_string()),
            severity: severity.map(Severity::as_str),
        }
    }
}

/// One generation of a managed key.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Key")]
struct KeyView<'a> {
    /// Where it is declared, or was.
    address: String,
    /// The service's id; null for a key that is declared and not minted.
    id: Option<&'a str>,
    /// `ingest` or `configuration`.
    key_type: &'static str,
    /// Seconds since it was made, by the service's clock; null where that is not known.
    age_seconds: Option<u64>,
    /// 1, 2, 3 …; null for a key that is declared and not minted.
    generation: Option<u32>,
    /// Where in its life it is: `declared`, `live`, `switched off`, `overlap`, `quarantine`, `unreleased`, `late`,
    /// `unfinished`, `missing`, `revoked`.
    phase: &'static str,
    /// Who can open its secret, by name.
    recipients: &'a [String],
    /// What comes next for it, by the verb of a plan; null when nothing does.
    next: Option<&'static str>,
    /// From when on an apply does it, RFC 3339 in UTC; for `release`: until when. Null: with the next apply.
    date: Option<String>,
    /// Why a person revoked it; null where nobody did.
    revoked: Option<&'a str>,
}

impl<'a> KeyView<'a> {
    fn of(row: &'a StatusRow) -> Self {
        let StatusRow { address, id, key_type, age, generation, phase, recipients, next, revoked, more: _ } =
            row;
        Self {
            address: address.to_string(),
            id: id.as_deref(),
            key_type: key_type.as_str(),
            age_seconds: age.map(|age| age.as_secs()),
            generation: *generation,
            phase: phase.as_str(),
            recipients,
            next: next.map(|next| next.verb.as_str()),
            date: next.and_then(|next| next.at).map(|at| at.to_string()),
            revoked: revoked.as_deref(),
        }
    }
}

/// The entries of a sealed file, without what is sealed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "keycomb secrets")]
pub(super) struct SecretsView<'a> {
    /// `keycomb.secrets/1`
    #[schemars(extend("const" = "keycomb.secrets/1"))]
    format: &'static str,
    /// By address, then generation.
    secrets: Vec<SecretView<'a>>,
}

impl<'a> SecretsView<'a> {
    pub(super) fn of(rows: &'a [SecretRow]) -> Self {
        Self { format: "keycomb.secrets/1", secrets: rows.iter().map(SecretView::of).collect() }
    }
}

/// One entry of a sealed file.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Secret")]
struct SecretView<'a> {
    /// Where it is declared, or was.
    address: String,
    /// 1, 2, 3 …
    generation: u32,
    /// The service's id.
    id: &'a str,
    /// Where in its life it is, in a word.
    state: &'a str,
    /// Who can open it, by name.
    recipients: &'a [String],
    /// Whether there is a secret to open.
    sealed: bool,
    /// Who is no longer a recipient and can open it as it stands, by name.
    still_opened_by: Vec<&'a str>,
    /// Who could open it before it was sealed anew, and is no recipient: they can open older versions. By name.
    formerly: Vec<&'a str>,
}

impl<'a> SecretView<'a> {
    fn of(row: &'a SecretRow) -> Self {
        let SecretRow {
            address,
            generation,
            id,
            state,
            recipients,
            sealed,
            still_opened_by,
            formerly,
            declared: _,
        } = row;
        let names = |readers: &'a [RecipientRef]| readers.iter().map(|reader| reader.name.as_str()).collect();
        Self {
            address: address.to_string(),
            generation: *generation,
            id,
            state,
            recipients,
            sealed: *sealed,
            still_opened_by: names(still_opened_by),
            formerly: names(formerly),
        }
    }
}
