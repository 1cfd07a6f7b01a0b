//! Versions of one sealed file on a disk, merged: for git, and by hand.

use std::path::Path;

use super::disk::{Disk as _, OsDisk, beside, folder_of, read_regular};
use super::merge::{Merged, Undecided, marked, merge};
use super::read::{self, read_file};
use super::{Holder, Keeper, SealError};
use crate::model::Sealed;
use crate::ports::{KeepError, KeepRecord as _};

/// Merges for git: `ours` is git's own copy of our version, and becomes the result. `base` may be empty.
///
/// What a person must decide is left in `ours` twice, between conflict markers, and so are two files that cannot be
/// merged at all: git never goes on with a file that is short of an entry. Gives what is to be decided.
///
/// # Errors
/// [`SealError::Unrelated`], [`SealError::NoVersion`], those of reading a sealed file, and [`SealError::Keep`].
pub fn merge_for_git(base: &Path, ours: &Path, theirs: &Path) -> Result<Vec<Undecided>, SealError> {
    let merged = read_side(ours).and_then(|content| join(base, &content, theirs));
    let content = match &merged {
        Ok(merged) => merged.text(),
        Err(_) => marked(&raw(ours)?, &raw(theirs)?),
    };
    put(ours, &content)?;
    Ok(merged?.undecided)
}

/// Merges `theirs` into the sealed file `ours`, under its lock and with the journal of a cut-off apply taken in first.
/// A sealed file that is gone comes back as `theirs` has it.
///
/// Where a person must decide, nothing is written.
///
/// # Errors
/// [`SealError::Locked`], [`SealError::Unrelated`], [`SealError::NoVersion`], those of reading a sealed file, and
/// [`SealError::Keep`].
pub fn merge_by_hand(base: &Path, ours: &Path, theirs: &Path, holder: &Holder) -> Result<Merged, SealError> {
    let known = match read::read(ours, None)? {
        Some(known) => known,
        None => read_side(theirs)?,
    };
    let mut keeper = Keeper::open(ours, &known.team, &known.endpoint, known.lineage, holder)?;
    let merged = join(base, keeper.sealed(), theirs)?;
    if merged.undecided.is_empty() {
        keeper.replace_with(merged.sealed.clone()).map_err(SealError::Keep)?;
    }
    Ok(merged)
}

fn join(base: &Path, ours: &Sealed, theirs: &Path) -> Result<Merged, SealError> {
    let theirs = read_side(theirs)?;
    // Without a base what was taken out comes back, so a name that is mistyped must not pass for none.
    let text = read_regular(base)?.ok_or_else(|| SealError::NoVersion { path: base.to_owned() })?;
    let base = if text.trim_ascii().is_empty() { None } else { read_file(base)? };
    Ok(merge(base.as_ref(), ours, &theirs)?)
}

/// One side: a version alone, whatever journal is beside it.
fn read_side(path: &Path) -> Result<Sealed, SealError> {
    read_file(path)?.ok_or_else(|| SealError::NoVersion { path: path.to_owned() })
}

/// A file's text as far as it is text; empty when there is no file.
fn raw(path: &Path) -> Result<String, SealError> {
    Ok(String::from_utf8_lossy(&read_regular(path)?.unwrap_or_default()).into_owned())
}

/// Replaces a file at once: a part of one could be a whole file with fewer entries.
fn put(path: &Path, content: &str) -> Result<(), SealError> {
    let temporary = beside(path, ".new");
    let mut disk = OsDisk;
    // What a crash left there.
    let _ = disk.remove(&temporary);
    let written = disk
        .create_new(&temporary)
        .and_then(|mut file| {
            disk.write(&mut file, &temporary, content.as_bytes())?;
            disk.sync(&file, &temporary)
        })
        .and_then(|()| disk.rename(&temporary, path))
        .and_then(|()| disk.sync_folder(folder_of(path)));
    written.map_err(|source| {
        // Only to leave no litter.
        let _ = disk.remove(&temporary);
        SealError::Keep(KeepError::Io { doing: "replace", path: path.display().to_string(), source })
    })
}
