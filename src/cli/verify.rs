//! `keycomb secrets verify`: uses each credential once, and holds the answer against what the key should be.

use std::collections::BTreeSet;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::args::{Format, Global, Verify as Args};
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::plan::table_style;
use super::secrets::{Opened, identities_of, read_all, refuse_unknown};
use super::session::{USER_AGENT, parse_endpoint, say_waiting, start_sandbox, unconnected};
use crate::honeycomb::{Connection, KeyOptions, Patience, Reader};
use crate::model::{Address, Desired, KeyState, KeyType, Payload, Sealed, SealedKey, brief};
use crate::ports::{Proof, ReadLive as _, ServiceError};
use crate::render::{self, Verified, VerifyRow};
use crate::sandbox::Sandbox;
use crate::seal::{self, Identities, SealError};

/// Verifies, and shows one row for each generation.
///
/// # Errors
/// A wrong configuration, an address that nothing is sealed for, nothing to verify (3); no usable sealed file (9).
pub async fn run(args: &Args, global: &Global, output: &Output) -> Result<Exit, Failure> {
    let Opened { desired, folder, sealed, .. } = read_all(args.opener.sandbox, global)?;
    refuse_unknown(&sealed, &args.address)?;
    let identities = identities_of(&args.opener.identity, output)?;
    let (sandbox, endpoint) = match args.opener.sandbox {
        true => {
            let sandbox = start_sandbox(&folder, &desired.team).await?;
            let endpoint = parse_endpoint(sandbox.endpoint())?;
            (Some(sandbox), endpoint)
        }
        false => (None, desired.endpoint.clone()),
    };
    let said_on = *output;
    let connection = Connection::of_keys(KeyOptions {
        endpoint,
        team: desired.team.clone(),
        ca_file: args.ca_file.clone(),
        user_agent: USER_AGENT.to_owned(),
        patience: Patience::default(),
        notice: Arc::new(move |notice| say_waiting(notice, said_on)),
    })
    .map_err(unconnected)?;
    let reader = connection.reader().map_err(unconnected)?;
    let mut rows = verify_all(args, &desired, &sealed, &identities, &reader).await;
    if let Some(sandbox) = sandbox {
        Sandbox::stop(sandbox).await;
    }
    fail_what_was_named(&args.address, &mut rows);
    output.write(&match args.format {
        Format::Text => render::text::verified(&rows, &table_style(output)),
        Format::Json => render::json::document(&document(&rows)),
    })?;
    exit(&rows)
}

fn exit(rows: &[VerifyRow]) -> Result<Exit, Failure> {
    let has = |wanted: &dyn Fn(&VerifyRow) -> bool| rows.iter().any(wanted);
    if has(&|row| row.is_failed) {
        return Ok(Exit::Changes);
    }
    if has(&|row| row.result == Verified::Unreachable) {
        return Ok(Exit::Failed);
    }
    if has(&|row| !is_closed(row)) {
        return Ok(Exit::Done);
    }
    Err(Failure::words(
        Exit::Config,
        "there is nothing that this identity can open",
        "`keycomb secrets list` shows what is sealed and to whom",
    ))
}

async fn verify_all(
    args: &Args,
    desired: &Desired,
    sealed: &Sealed,
    identities: &Identities,
    reader: &Reader,
) -> Vec<VerifyRow> {
    let is_wanted = |key: &&SealedKey| {
        key.state != KeyState::Deleted && (args.address.is_empty() || args.address.contains(&key.address))
    };
    let mut rows = Vec::new();
    // A service that is not there is waited for once, not once for each key.
    let mut is_gone = false;
    for key in sealed.keys.iter().filter(is_wanted) {
        let (result, detail) = match seal::open(key, sealed, identities) {
            Err(error) => unopened(&error),
            Ok(_) if is_gone => {
                (Verified::Unreachable, Some("not asked, as the service was not there".to_owned()))
            }
            Ok(payload) => match reader.prove(&payload.credential).await {
                Ok(proof) => judge(key, desired, sealed, &payload, proof.as_ref()),
                Err(error) => {
                    is_gone = true;
                    (Verified::Unreachable, Some(told(&error)))
                }
            },
        };
        rows.push(VerifyRow {
            address: key.address.clone(),
            generation: key.generation,
            id: key.id.to_string(),
            state: key.state.as_str(),
            result,
            is_failed: result.is_failure(),
            detail,
        });
    }
    rows
}

fn told(error: &ServiceError) -> String {
    error.to_string()
}

fn unopened(error: &SealError) -> (Verified, Option<String>) {
    match error {
        SealError::NoSecret { .. } => (Verified::NoSecret, Some("it was adopted".to_owned())),
        SealError::WrongIdentity { .. } => (Verified::Closed, Some("not sealed to this identity".to_owned())),
        error => (Verified::Broken, Some(error.to_string())),
    }
}

/// Whether a credential should work, as far as the record can say.
fn should_work(key: &SealedKey) -> Option<bool> {
    match key.state {
        // What a person revoked never works again, even if what became of it at the service is not known yet.
        _ if key.revoked.is_some() => Some(false),
        KeyState::Live => Some(key.applied.enabled),
        KeyState::Provisional
        | KeyState::Staged
        | KeyState::Dropping
        | KeyState::Disabled
        | KeyState::Deleted => Some(false),
        KeyState::Releasing => None,
    }
}

fn judge(
    key: &SealedKey,
    desired: &Desired,
    sealed: &Sealed,
    payload: &Payload,
    proof: Option<&Proof>,
) -> (Verified, Option<String>) {
    let differs = proof.map(|proof| differences(key, desired, sealed, payload, proof)).unwrap_or_default();
    match (proof, should_work(key)) {
        (None, Some(true)) => {
            (Verified::Refused, Some("it was disabled or deleted at the service, or never worked".to_owned()))
        }
        (None, Some(false)) => (Verified::Off, Some("refused, as it should be".to_owned())),
        (None, None) => (Verified::Off, Some("refused: its release was not confirmed".to_owned())),
        (Some(_), _) if differs.is_other => (Verified::OtherKey, Some(differs.text())),
        (Some(_), Some(false)) => {
            (Verified::Accepted, Some("it works, and the record says that it should not".to_owned()))
        }
        (Some(_), _) if !differs.words.is_empty() => (Verified::Differs, Some(differs.text())),
        (Some(_), _) => (Verified::Works, None),
    }
}

/// What an answer says otherwise than the record.
#[derive(Default)]
struct Differences {
    words: Vec<String>,
    /// What can never change of a key differs: it is another one.
    is_other: bool,
}

impl Differences {
    fn text(&self) -> String {
        self.words.join("; ")
    }

    fn unless_same(&mut self, what: &str, found: &str, expected: &str) {
        if found != expected {
            self.is_other = true;
            self.words.push(format!("{what} `{}` instead of `{}`", brief(found), brief(expected)));
        }
    }
}

fn differences(
    key: &SealedKey,
    desired: &Desired,
    sealed: &Sealed,
    payload: &Payload,
    proof: &Proof,
) -> Differences {
    let Proof { key_type, team, environment: _, environment_name, id, permissions: _ } = proof;
    let mut differs = Differences::default();
    differs.unless_same("type", key_type.as_str(), payload.key_type.as_str());
    differs.unless_same("team", team, sealed.team.as_str());
    if let Some(name) = environment_name_of(key, desired, sealed) {
        differs.unless_same("environment", environment_name, name);
    }
    // A configuration key has another id at this endpoint.
    if *key_type == KeyType::Ingest && payload.key_type == KeyType::Ingest {
        differs.unless_same("id", id, payload.id.as_str());
    }
    if differs.is_other {
        return differs;
    }
    let words = |wanted: bool| -> Vec<&str> {
        let differing = proof.differing(&key.applied.permissions);
        differing.filter(|p| key.applied.permissions.contains(p) != wanted).map(|p| p.as_str()).collect()
    };
    for (wanted, what) in [(true, "may, and should not"), (false, "may not, and should")] {
        let words = words(wanted);
        if !words.is_empty() {
            differs.words.push(format!("{what}: {}", words.join(", ")));
        }
    }
    differs
}

/// The name of a key's environment: it cannot change. `None` where neither record nor configuration have it.
fn environment_name_of<'a>(key: &SealedKey, desired: &'a Desired, sealed: &'a Sealed) -> Option<&'a str> {
    let recorded = sealed.environments.iter().find(|entry| entry.id == key.environment);
    let declared = || desired.environments.get(key.address.environment());
    recorded.map(|entry| entry.name.as_str()).or_else(|| declared().map(|entry| entry.name.as_str()))
}

/// What was asked for by name must have been looked at, in one of its generations.
fn fail_what_was_named(named: &[Address], rows: &mut [VerifyRow]) {
    let seen: BTreeSet<Address> =
        rows.iter().filter(|row| !is_closed(row)).map(|row| row.address.clone()).collect();
    for row in rows.iter_mut().filter(|row| named.contains(&row.address) && !seen.contains(&row.address)) {
        row.is_failed = true;
    }
}

fn is_closed(row: &VerifyRow) -> bool {
    matches!(row.result, Verified::Closed | Verified::NoSecret)
}

/// `secrets verify --format json`
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Verification")]
pub struct Document<'a> {
    /// `keycomb.verification/1`
    format: &'static str,
    /// By address, then generation.
    keys: Vec<KeyView<'a>>,
    /// How many are not as they should be.
    failed: usize,
}

/// One generation of a key.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Key")]
struct KeyView<'a> {
    /// Where it is declared, or was.
    address: String,
    /// 1, 2, 3 …
    generation: u32,
    /// The service's id.
    id: &'a str,
    /// Where in its life it is, in a word.
    state: &'a str,
    /// `works`, `off` (refused, as it should be), `refused`, `accepted` (works, and should not), `other_key`, `differs`
    /// (its permissions), `broken` (the entry is damaged, moved or forged), `closed` (not sealed to this identity),
    /// `no_secret`, `unreachable`.
    result: &'static str,
    /// Whether it is not as it should be.
    failed: bool,
    /// In words; null where there is nothing to add. May hold the service's words.
    detail: Option<&'a str>,
}

fn document(rows: &[VerifyRow]) -> Document<'_> {
    fn view(row: &VerifyRow) -> KeyView<'_> {
        KeyView {
            address: row.address.to_string(),
            generation: row.generation,
            id: &row.id,
            state: row.state,
            result: row.result.as_str(),
            failed: row.is_failed,
            detail: row.detail.as_deref(),
        }
    }
    Document {
        format: "keycomb.verification/1",
        failed: rows.iter().filter(|row| row.is_failed).count(),
        keys: rows.iter().map(view).collect(),
    }
}
