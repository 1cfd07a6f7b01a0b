//! `keycomb secrets merge`: two versions of the sealed file to one; git's merge driver.

use std::path::Path;

use super::carry::holder;
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::session::from_seal;
use crate::model::visible;
use crate::seal::{self, Undecided};

/// Merges. With `path`, for git: `ours` is git's copy, and keeps what is undecided between conflict markers.
///
/// # Errors
/// Versions that cannot be read or are not of one file (9); a lock (8).
pub fn run(
    base: &Path,
    ours: &Path,
    theirs: &Path,
    path: Option<&str>,
    output: &Output,
) -> Result<Exit, Failure> {
    let Some(path) = path else { return by_hand(base, ours, theirs, output) };
    let undecided = seal::merge_for_git(base, ours, theirs).map_err(from_seal).inspect_err(|_| {
        output.say(&format!("keycomb: cannot merge {}; both versions are left in it", visible(path)));
    })?;
    decided(&undecided, "the file has both between conflict markers: keep one of each, then `git add` it")
}

fn by_hand(base: &Path, ours: &Path, theirs: &Path, output: &Output) -> Result<Exit, Failure> {
    let merged = seal::merge_by_hand(base, ours, theirs, &holder("secrets merge")).map_err(from_seal)?;
    let exit = decided(
        &merged.undecided,
        "nothing was written: bring the two to one version of these entries, then merge again",
    )?;
    let (keys, environments) = (merged.sealed.keys.len(), merged.sealed.environments.len());
    output.write(&format!(
        "merged into {}: serial {}, {keys} key {}, {environments} environment {}\n",
        ours.display(),
        merged.sealed.serial,
        entries(keys),
        entries(environments),
    ))?;
    Ok(exit)
}

fn entries(count: usize) -> &'static str {
    if count == 1 { "entry" } else { "entries" }
}

/// # Errors
/// What a person must decide (1).
fn decided(undecided: &[Undecided], help: &str) -> Result<Exit, Failure> {
    if undecided.is_empty() {
        return Ok(Exit::Done);
    }
    let entries: Vec<&str> = undecided.iter().map(|entry| entry.what.as_str()).collect();
    let message = format!("both sides changed what cannot be joined: {}", entries.join(", "));
    Err(Failure::words(Exit::Failed, message, help))
}
