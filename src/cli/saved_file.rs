//! The file of a saved plan: made from a session, written, read.

use std::io;
use std::path::Path;

use super::carry::needed_for;
use super::failure::Failure;
use super::known::Known;
use super::session::Session;
use super::whole_file;
use crate::config::LoadedFile;
use crate::model::{Desired, Period, RecipientRef, Sealed, Timestamp, digest_of};
use crate::plan::{self, Plan};
use crate::saved::{self, ConfigFile, FORMAT, Saved, SealedFile};
use crate::seal::text;

/// No plan is larger, in bytes.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Writes a plan to a file, with all that it was made from.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn save(
    path: &Path,
    plan: &Plan,
    valid_for: Period,
    session: &Session,
    known: &Known<'_>,
) -> Result<Saved, Failure> {
    let saved = of(plan, valid_for, session, known);
    whole_file::write(path, saved::write(&saved).as_bytes()).map_err(|source| {
        let what = format!("cannot write `{}`", path.display());
        Failure::io(what, "name a file in a folder that takes one", source)
    })?;
    Ok(saved)
}

fn of(plan: &Plan, valid_for: Period, session: &Session, known: &Known<'_>) -> Saved {
    let made = known.live.now;
    let scopes = needed_for(plan, |action| action.blocked.is_none());
    let mut scopes: Vec<String> = scopes.iter().map(|scope| scope.as_str().to_owned()).collect();
    scopes.sort();
    Saved {
        format: FORMAT.to_owned(),
        keycomb: env!("CARGO_PKG_VERSION").to_owned(),
        team: session.desired.team.clone(),
        endpoint: session.desired.endpoint.clone(),
        intent: plan.intent(),
        may_be_applied: plan.header.may_be_applied(),
        made,
        valid_until: valid_for.after(made),
        files: config_files(&session.files),
        sealed: known.sealed.and_then(sealed_file),
        recipients: recipients(&session.desired),
        scopes,
        objects: plan::expected(plan, &known.live),
        plan: plan.clone(),
    }
}

/// The service's clock in whole seconds: another of its servers may be a part of one behind, and the same plan gives the same
/// bytes for as long.
pub(super) fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// The files of a configuration, by name.
pub(super) fn config_files(files: &[LoadedFile]) -> Vec<ConfigFile> {
    let file = |file: &LoadedFile| ConfigFile { name: file.name.clone(), sha256: file.sha256.clone() };
    let mut files: Vec<ConfigFile> = files.iter().map(file).collect();
    files.sort();
    files
}

/// Everyone that secrets may be sealed to, by name.
pub(super) fn recipients(desired: &Desired) -> Vec<RecipientRef> {
    let all = desired.seal.recipients.iter();
    let mut all: Vec<RecipientRef> = all.map(|(name, recipient)| recipient.named(name)).collect();
    all.sort();
    all
}

/// What is said of a record; `None` of one that was never saved.
pub(super) fn sealed_file(sealed: &Sealed) -> Option<SealedFile> {
    SealedFile::of(sealed, digest_of(text::write(sealed)))
}

/// Reads a file that may be a saved plan.
///
/// # Errors
/// When it cannot be read, is too large, or is no text.
pub(super) fn read(path: &Path) -> io::Result<String> {
    let bytes = whole_file::read(path, LARGEST)?;
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not text"))
}
