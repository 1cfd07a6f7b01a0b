//! Reads the sealed file together with its journal, and changes neither.

use std::path::Path;

use super::SealError;
use super::disk::{beside, read_regular};
use super::journal::{self, Journal, JournalProblem};
use super::text;
use crate::model::{Endpoint, Sealed, TeamSlug};

/// What is on the disk.
#[derive(Debug)]
pub(super) struct Found {
    /// The sealed file's content; `None` when there is no file.
    pub file: Option<Sealed>,
    /// Whether there is a journal, even an empty one.
    pub has_journal: bool,
    /// How many records the journal holds that the file does not.
    pub replayed: usize,
    /// The file's content with the journal's records in it, and the serial it is going to have; `None` when there is
    /// neither.
    pub content: Option<Sealed>,
}

/// Reads the sealed file with the journal of a running or cut-off apply replayed in memory. Never writes.
///
/// `None` when there is neither. With `expected`, the file must belong to that team and service.
///
/// # Errors
/// [`SealError::NotAFile`], [`SealError::Io`], [`SealError::TooLarge`], [`SealError::NotText`],
/// [`SealError::Unreadable`], [`SealError::NewerVersion`], [`SealError::OtherTeam`], [`SealError::OtherEndpoint`],
/// [`SealError::ForeignJournal`], [`SealError::DamagedJournal`], [`SealError::Diverged`].
pub fn read(path: &Path, expected: Option<(&TeamSlug, &Endpoint)>) -> Result<Option<Sealed>, SealError> {
    // An apply may end between the reading of the journal and of the file; then the journal is gone the next time.
    for _ in 0..4 {
        match find(path, expected) {
            Err(SealError::Diverged { .. }) => {}
            found => return Ok(found?.content),
        }
    }
    Ok(find(path, expected)?.content)
}

/// How many records an apply at work, or one that was cut off, has in the journal and not in the file; `None` when there is no
/// journal.
///
/// # Errors
/// Those of [`read`].
pub fn left_over(path: &Path) -> Result<Option<usize>, SealError> {
    find(path, None).map(|found| found.has_journal.then_some(found.replayed))
}

/// Reads what is there. The journal comes first: what an apply that ends meanwhile takes out of it is in the file.
pub(super) fn find(path: &Path, expected: Option<(&TeamSlug, &Endpoint)>) -> Result<Found, SealError> {
    let journal_path = beside(path, ".journal");
    let journal_bytes = read_regular(&journal_path)?;
    let file = read_file(path)?;
    if let Some(file) = &file {
        refuse_other(path, (&file.team, &file.endpoint), expected)?;
    }
    let has_journal = journal_bytes.is_some();
    let journal = match journal_bytes {
        Some(bytes) => journal::decode(&bytes).map_err(|problem| match problem {
            JournalProblem::Damaged { line } => {
                SealError::DamagedJournal { path: journal_path.clone(), line }
            }
            JournalProblem::Newer { found } => {
                SealError::NewerVersion { path: journal_path.clone(), found, known: journal::FORMAT }
            }
        })?,
        None => None,
    };
    let Some(journal) = journal else {
        return Ok(Found { content: file.clone(), file, has_journal, replayed: 0 });
    };
    let owner = file.as_ref().map(|file| (&file.team, &file.endpoint));
    refuse_other(&journal_path, (&journal.header.team, &journal.header.endpoint), expected.or(owner))?;
    let content = replay(&journal_path, file.as_ref(), &journal)?;
    let replayed = if content == file { 0 } else { journal.records.len() };
    Ok(Found { file, has_journal, replayed, content })
}

/// The sealed file alone.
pub(super) fn read_file(path: &Path) -> Result<Option<Sealed>, SealError> {
    let Some(bytes) = read_regular(path)? else { return Ok(None) };
    let content = String::from_utf8(bytes).map_err(|_| SealError::NotText { path: path.to_owned() })?;
    text::parse(&content).map(Some).map_err(|problem| SealError::text(path, problem))
}

fn refuse_other(
    path: &Path,
    (team, endpoint): (&TeamSlug, &Endpoint),
    expected: Option<(&TeamSlug, &Endpoint)>,
) -> Result<(), SealError> {
    let Some((expected_team, expected_endpoint)) = expected else { return Ok(()) };
    if team != expected_team {
        return Err(SealError::OtherTeam {
            path: path.to_owned(),
            found: team.clone(),
            expected: expected_team.clone(),
        });
    }
    if endpoint != expected_endpoint {
        return Err(SealError::OtherEndpoint {
            path: path.to_owned(),
            found: endpoint.clone(),
            expected: expected_endpoint.clone(),
        });
    }
    Ok(())
}

/// The content that folding the journal gives.
///
/// A journal is replayed onto the content it was begun on, and onto no other: records are whole values, and would
/// undo what others wrote meanwhile. The one exception is content that already has it all in it: the fold was cut off
/// after the file was replaced and before the journal was removed.
pub(super) fn replay(
    path: &Path,
    file: Option<&Sealed>,
    journal: &Journal,
) -> Result<Option<Sealed>, SealError> {
    let Journal { header, records } = journal;
    if let Some(file) = file
        && file.lineage != header.lineage
    {
        return Err(SealError::ForeignJournal {
            path: path.to_owned(),
            found: header.lineage.to_string(),
            expected: file.lineage.to_string(),
        });
    }
    if records.is_empty() {
        return Ok(file.cloned());
    }
    let none = || Sealed::new(header.team.clone(), header.endpoint.clone(), header.lineage.clone());
    let base = file.cloned().unwrap_or_else(none);
    let mut content = base.clone();
    for record in records {
        content.take(record.clone());
    }
    text::sort(&mut content);
    let is_changed = content != base;
    if header.is_of(&base) {
        content.serial += u64::from(is_changed);
        return Ok(Some(content));
    }
    if file.is_some() && !is_changed {
        return Ok(Some(content));
    }
    let found = file.map_or_else(|| "gone".to_owned(), |file| format!("at serial {}", file.serial));
    Err(SealError::Diverged { path: path.to_owned(), begun: header.serial, found })
}
