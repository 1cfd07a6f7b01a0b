//! External keys: tried where somebody asks for it, and shown by `status`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::credential::Lookup;
use super::failure::Failure;
use super::private_file::Unread;
use super::session::{Machine, Session};
use crate::honeycomb::Credential;
use crate::model::{
    Desired, ExternalKey, ExternalKind, KeySource, KeyType, Label, Probed, Secret, Timestamp,
};
use crate::plan::external_severity;
use crate::ports::ReadLive as _;
use crate::render::ExternalRow;

/// Tries every external key that has a source, one after the other: what came of each.
///
/// # Errors
/// A service that does not answer. A source that cannot be read is no error.
pub(super) async fn probe(session: &Session) -> Result<BTreeMap<Label, Probed>, Failure> {
    let mut probed = BTreeMap::new();
    for key in session.desired.external_keys.values() {
        let Some(source) = &key.source else { continue };
        let came = match read(session, source) {
            Ok(text) => try_key(session, key, &text).await?,
            Err(why) => Probed::Untried(why),
        };
        probed.insert(key.label.clone(), came);
    }
    Ok(probed)
}

/// The credential, or why there is none, in words that do not repeat it.
fn read(session: &Session, source: &KeySource) -> Result<Secret, String> {
    match source {
        KeySource::Env(name) => Machine.variable(name).ok_or_else(|| format!("`{name}` is not set")),
        KeySource::File(path) => Machine.read(&session.folder.join(path)).map_err(|unread| match unread {
            Unread::Io(error) => format!("`{path}` cannot be read: {error}"),
            Unread::Loose { mend } => format!("others can read or change `{path}`: {mend}"),
        }),
    }
}

async fn try_key(session: &Session, key: &ExternalKey, text: &Secret) -> Result<Probed, Failure> {
    let trimmed = Secret::new(text.expose().trim().to_owned());
    match key.kind {
        ExternalKind::Management => try_management(session, &trimmed).await,
        ExternalKind::Ingest => try_other(session, &trimmed, Some(KeyType::Ingest)).await,
        ExternalKind::Configuration => try_other(session, &trimmed, Some(KeyType::Configuration)).await,
        ExternalKind::Other => try_other(session, &trimmed, None).await,
    }
}

async fn try_management(session: &Session, text: &Secret) -> Result<Probed, Failure> {
    let parts =
        text.expose().split_once(':').filter(|(id, secret)| is_header_safe(id) && is_header_safe(secret));
    let Some((id, secret)) = parts else {
        return Ok(Probed::Mismatch("its source holds no management key; expected ID:SECRET".to_owned()));
    };
    let credential = Credential { id: id.to_owned(), secret: Secret::new(secret.to_owned()) };
    let Some(access) = session.access_of(credential).await? else { return Ok(Probed::Refused) };
    Ok(of_team(session, access.team.as_str()))
}

async fn try_other(session: &Session, text: &Secret, wanted: Option<KeyType>) -> Result<Probed, Failure> {
    if !text.is_printable() {
        return Ok(Probed::Mismatch("its source holds no key".to_owned()));
    }
    let proof = session.reader.prove(text).await.map_err(|error| session.explain(&error))?;
    let Some(proof) = proof else { return Ok(Probed::Refused) };
    match wanted.filter(|wanted| *wanted != proof.key_type) {
        Some(_) => Ok(Probed::Mismatch(format!("the service says it is of type `{}`", proof.key_type))),
        None => Ok(of_team(session, &proof.team)),
    }
}

fn of_team(session: &Session, team: &str) -> Probed {
    if team == session.desired.team.as_str() {
        return Probed::Works;
    }
    Probed::Mismatch(format!("it belongs to the team `{team}`"))
}

fn is_header_safe(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && b != b':')
}

/// A row for each external key, by label.
pub(super) fn rows(desired: &Desired, probed: &BTreeMap<Label, Probed>, now: Timestamp) -> Vec<ExternalRow> {
    let mut rows: Vec<ExternalRow> =
        desired.external_keys.values().map(|key| row(key, probed.get(&key.label), now)).collect();
    rows.sort_by(|a, b| a.label.cmp(&b.label));
    rows
}

fn row(key: &ExternalKey, probed: Option<&Probed>, now: Timestamp) -> ExternalRow {
    let ExternalKey { label, kind, owner, created, expires: _, max_age: _, source, origin: _ } = key;
    let due = key.due();
    let state = match probed {
        Some(Probed::Works) => "works",
        Some(Probed::Refused) => "refused",
        Some(Probed::Mismatch(_)) => "another key",
        Some(Probed::Untried(_)) => "not tried",
        None if due.is_some_and(|due| due <= now) => "overdue",
        None if source.is_none() => "no source",
        None => "not tried",
    };
    ExternalRow {
        label: label.clone(),
        kind: *kind,
        owner: owner.clone(),
        age: created.map(|created| Duration::try_from(now.duration_since(created)).unwrap_or_default()),
        state: state.to_owned(),
        due,
        severity: due.and_then(|due| external_severity(due, now)),
    }
}
