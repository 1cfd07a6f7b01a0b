//! Keeps the record while an apply works: one writer, a journal, and at the end a new file in the old one's place.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::disk::{Disk, OsDisk, beside, folder_of, is_same, refuse_unless_regular};
use super::journal::{Chain, Header};
use super::lock::{Holder, Lock};
use super::{SealError, crypt, read, text};
use crate::model::{
    Address, Endpoint, EnvironmentId, Lineage, MovedKey, Payload, Recipient, Record, Sealed,
    SealedEnvironment, SealedKey, TeamSlug,
};
use crate::ports::{KeepError, KeepRecord};

/// The sealed file, held under its lock.
///
/// Dropped without [`KeepRecord::fold`], it leaves its journal behind, and the next one takes it in.
pub struct Keeper {
    path: PathBuf,
    /// The folder as it was when this was opened.
    folder: Metadata,
    disk: Box<dyn Disk>,
    _lock: Lock,
    /// What the file holds; `None` when there is none.
    file: Option<Sealed>,
    /// What it holds with the journal's records in it, under the file's serial.
    now: Sealed,
    has_journal: bool,
    journal: Option<Journal>,
    trust: Trust,
    replayed: usize,
}

struct Journal {
    file: File,
    chain: Chain,
}

/// What may still be written. Only ever becomes less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    Everything,
    /// The journal may end in a part of a line, or may not be durable: nothing is added to it.
    FoldOnly,
    /// An fsync failed, and nobody knows what is on the disk: the journal stays for the next run.
    Nothing,
}

impl Keeper {
    /// Takes the lock, reads the file, and folds the journal of a cut-off apply into it.
    ///
    /// Where there is no file, the record is empty and gets `fresh_lineage`; the file is made by the first fold.
    ///
    /// # Errors
    /// [`SealError::Locked`] when another process has it, [`SealError::Keep`] when a left-over journal cannot be
    /// folded, and those of [`super::read`].
    pub fn open(
        path: &Path,
        team: &TeamSlug,
        endpoint: &Endpoint,
        fresh_lineage: Lineage,
        holder: &Holder,
    ) -> Result<Self, SealError> {
        Self::open_on(Box::new(OsDisk), path, team, endpoint, fresh_lineage, holder)
    }

    /// As [`Keeper::open`], with every change to the disk (but the lock's) going through `disk`.
    ///
    /// # Errors
    /// As [`Keeper::open`].
    pub fn open_on(
        disk: Box<dyn Disk>,
        path: &Path,
        team: &TeamSlug,
        endpoint: &Endpoint,
        fresh_lineage: Lineage,
        holder: &Holder,
    ) -> Result<Self, SealError> {
        let lock = Lock::take(path, holder)?;
        let read::Found { file, has_journal, replayed, content } = read::find(path, Some((team, endpoint)))?;
        let mut now = content.unwrap_or_else(|| Sealed::new(team.clone(), endpoint.clone(), fresh_lineage));
        now.serial = file.as_ref().map_or(0, |file| file.serial);
        let folder =
            std::fs::metadata(folder_of(path)).map_err(|e| SealError::io("look at", folder_of(path), e))?;
        let mut keeper = Self {
            path: path.to_owned(),
            folder,
            disk,
            _lock: lock,
            file,
            now,
            has_journal,
            journal: None,
            trust: Trust::Everything,
            replayed,
        };
        if has_journal {
            keeper.fold().map_err(SealError::Keep)?;
        }
        Ok(keeper)
    }

    /// How many records of a cut-off apply were found and folded when this was opened.
    pub fn replayed(&self) -> usize {
        self.replayed
    }

    /// Proves, before anything is asked of the service, that what comes back can be kept: the folder takes a file, the
    /// journal is begun and fsynced, and every recipient (name in the configuration, public key) can be sealed to.
    ///
    /// # Errors
    /// [`SealError::NotAFile`], [`SealError::Io`], [`SealError::Keep`] for the disk; [`SealError::Recipient`] for the
    /// first recipient that cannot be sealed to.
    pub fn preflight(&mut self, recipients: &[(&str, &Recipient)]) -> Result<(), SealError> {
        crypt::try_recipients(recipients)?;
        refuse_unless_regular(&self.path)?;
        self.write_beside(b"canary").map_err(SealError::Keep)?;
        let temporary = self.temporary();
        self.step("remove", &temporary, |disk, path| disk.remove(path)).map_err(SealError::Keep)?;
        self.sync_folder().map_err(SealError::Keep)?;
        self.begin_journal().map_err(SealError::Keep)
    }

    /// Puts a merge of the record with another version of it into the file's place. The journal must be empty.
    ///
    /// # Errors
    /// When the file could not be replaced; it is the old one then.
    pub(super) fn replace_with(&mut self, merged: Sealed) -> Result<(), KeepError> {
        let before = std::mem::replace(&mut self.now, merged);
        if self.file.as_ref() == Some(&self.now) {
            return Ok(());
        }
        // Replacing adds one.
        self.now.serial = self.now.serial.saturating_sub(1);
        self.replace().inspect_err(|_| self.now = before)
    }

    fn begin_journal(&mut self) -> Result<(), KeepError> {
        if self.journal.is_some() {
            return Ok(());
        }
        let path = self.journal_path();
        let mut chain = Chain::default();
        let line = encode(&mut chain, &Header::of(&self.now), &path)?;
        let mut file = self.create(&path)?;
        self.has_journal = true;
        self.write_line(&mut file, &line)?;
        self.sync_folder()?;
        self.journal = Some(Journal { file, chain });
        Ok(())
    }

    fn write_line(&mut self, file: &mut File, line: &[u8]) -> Result<(), KeepError> {
        let path = self.journal_path();
        let written = self
            .step("write", &path, |disk, path| disk.write(file, path, line))
            .and_then(|()| self.step("sync", &path, |disk, path| disk.sync(file, path)));
        if written.is_err() && self.trust == Trust::Everything {
            self.trust = Trust::FoldOnly;
        }
        written
    }

    /// Puts the content into the file's place: the old file or the new one is there at any time, whole.
    fn replace(&mut self) -> Result<(), KeepError> {
        let mut next = self.now.clone();
        next.serial += 1;
        let content = text::write(&next);
        let path = self.path.clone();
        // Never replace a file with one that could not be read again.
        match text::parse(&content) {
            Ok(back) if back == next => {}
            Ok(_) => return Err(refused("replace", &path, "the record would read back changed")),
            Err(problem) => return Err(refused("replace", &path, problem)),
        }
        // A checkout or a merge may have come while the apply ran; its entries must not be lost.
        if read::read_file(&path).map_err(|e| refused("replace", &path, e))? != self.file {
            return Err(refused("replace", &path, "it was changed by something else during this run"));
        }
        let temporary = self.write_beside(content.as_bytes())?;
        // From here until the journal is gone, its header may no longer name what is in the file's place.
        if self.trust == Trust::Everything {
            self.trust = Trust::FoldOnly;
        }
        if let Err(error) = self.step("replace", &path, |disk, path| disk.rename(&temporary, path)) {
            let _ = self.disk.remove(&temporary);
            return Err(error);
        }
        self.sync_folder()?;
        self.now = next.clone();
        self.file = Some(next);
        Ok(())
    }

    /// A durable file beside the sealed file. Its name is fixed: the lock keeps others away, and what a crash left
    /// there is cleared by the next one.
    fn write_beside(&mut self, bytes: &[u8]) -> Result<PathBuf, KeepError> {
        let path = self.temporary();
        if std::fs::symlink_metadata(&path).is_ok() {
            self.step("remove", &path, |disk, path| disk.remove(path))?;
        }
        let mut file = self.create(&path)?;
        let written = self
            .step("write", &path, |disk, path| disk.write(&mut file, path, bytes))
            .and_then(|()| self.step("sync", &path, |disk, path| disk.sync(&file, path)));
        if written.is_err() {
            // Only to leave no litter; the failure that matters is the first.
            let _ = self.disk.remove(&path);
        }
        written.map(|()| path)
    }

    /// A new file, in the very folder that the lock is in.
    fn create(&mut self, path: &Path) -> Result<File, KeepError> {
        self.refuse_other_folder()?;
        self.step("create", path, |disk, path| disk.create_new(path))
    }

    fn refuse_other_folder(&self) -> Result<(), KeepError> {
        match std::fs::metadata(folder_of(&self.path)) {
            Ok(folder) if is_same(&folder, &self.folder) => Ok(()),
            _ => Err(refused("write", &self.path, "its folder was replaced by another one during this run")),
        }
    }

    /// The folder's fsync. When it fails, nothing more is done in this run.
    fn sync_folder(&mut self) -> Result<(), KeepError> {
        let folder = folder_of(&self.path).to_owned();
        let synced = self.step("sync", &folder, |disk, path| disk.sync_folder(path));
        if synced.is_err() {
            self.trust = Trust::Nothing;
        }
        synced
    }

    fn step<T>(
        &mut self,
        doing: &'static str,
        path: &Path,
        action: impl FnOnce(&mut dyn Disk, &Path) -> io::Result<T>,
    ) -> Result<T, KeepError> {
        action(self.disk.as_mut(), path).map_err(|source| KeepError::Io {
            doing,
            path: path.display().to_string(),
            source,
        })
    }

    fn journal_path(&self) -> PathBuf {
        beside(&self.path, ".journal")
    }

    fn temporary(&self) -> PathBuf {
        beside(&self.path, ".new")
    }
}

impl KeepRecord for Keeper {
    /// The serial is the file's; the fold adds one.
    fn sealed(&self) -> &Sealed {
        &self.now
    }

    fn append(&mut self, record: Record) -> Result<(), KeepError> {
        let path = self.journal_path();
        if self.trust != Trust::Everything {
            return Err(refused("write", &path, "an earlier write failed, and what it left is not known"));
        }
        refuse_unreadable(&self.now, &record).map_err(|problem| refused("write", &path, problem))?;
        self.begin_journal()?;
        let Some(mut journal) = self.journal.take() else {
            return Err(refused("write", &path, "it is not open"));
        };
        let line = encode(&mut journal.chain, &record, &path)?;
        let written = self.write_line(&mut journal.file, &line);
        self.journal = Some(journal);
        written?;
        self.now.take(record);
        text::sort(&mut self.now);
        Ok(())
    }

    fn seal(&self, payload: &Payload, recipients: &[&Recipient]) -> Result<String, KeepError> {
        crypt::seal(payload, recipients).map_err(|error| KeepError::Seal(error.to_string()))
    }

    /// Without a change of the content, the file stays as it is.
    fn fold(&mut self) -> Result<(), KeepError> {
        if self.trust == Trust::Nothing {
            return Err(refused(
                "replace",
                &self.path,
                "an earlier fsync failed; the journal is kept for the next run",
            ));
        }
        self.refuse_other_folder()?;
        let is_changed = match &self.file {
            Some(file) => *file != self.now,
            None => !is_blank(&self.now),
        };
        let trust = self.trust;
        if is_changed {
            self.replace()?;
        }
        if self.has_journal {
            let path = self.journal_path();
            self.step("remove", &path, |disk, path| disk.remove(path))?;
            self.has_journal = false;
            self.journal = None;
            self.sync_folder()?;
        }
        self.trust = trust;
        Ok(())
    }
}

/// Refuses to seal to too few recipients that have proven themselves in this file.
///
/// # Errors
/// [`SealError::Unproven`].
pub fn refuse_unproven(
    sealed: &Sealed,
    recipients: &[(&str, &Recipient)],
    wanted: u32,
) -> Result<(), SealError> {
    let proven = recipients.iter().filter(|(_, recipient)| sealed.is_proven(recipient)).count();
    if u32::try_from(proven).is_ok_and(|proven| proven < wanted) {
        return Err(SealError::Unproven { proven, wanted });
    }
    Ok(())
}

fn is_blank(sealed: &Sealed) -> bool {
    let Sealed { environments, keys, intents, forgotten, challenges, applied_plans, .. } = sealed;
    environments.is_empty()
        && keys.is_empty()
        && intents.is_empty()
        && forgotten.is_empty()
        && challenges.is_empty()
        && applied_plans.is_empty()
}

/// A record that would make a file which cannot be read again, or take a secret away, is not taken down.
pub(super) fn refuse_unreadable(sealed: &Sealed, record: &Record) -> Result<(), String> {
    match record {
        Record::Minted { key, .. } | Record::Key { key } => refuse_key(sealed, key),
        Record::Environment { environment } if environment.address.is_key() => {
            Err(format!("`{}` is no environment", environment.address))
        }
        Record::Environment { environment } => {
            let other = |known: &&_| {
                let known: &crate::model::SealedEnvironment = known;
                known.id == environment.id && known.address != environment.address
            };
            match sealed.environments.iter().find(other) {
                Some(known) => {
                    Err(format!("environment `{}` is already `{}`", environment.id, known.address))
                }
                None => Ok(()),
            }
        }
        Record::Intent { .. }
        | Record::IntentOver { .. }
        | Record::State { .. }
        | Record::KeyGone { .. }
        | Record::EnvironmentGone { .. }
        | Record::Forgotten { .. }
        | Record::ForgottenSought { .. }
        | Record::ForgottenOver { .. }
        | Record::AppliedPlan { .. } => Ok(()),
        Record::Moved { to, environment, keys, .. } => refuse_move(sealed, to, environment.as_ref(), keys),
    }
}

/// What is moved must not meet anything of its own kind where it comes to be.
fn refuse_move(
    sealed: &Sealed,
    to: &Address,
    environment: Option<&EnvironmentId>,
    keys: &[MovedKey],
) -> Result<(), String> {
    let is_other = |known: &&SealedEnvironment| known.address == *to && Some(&known.id) != environment;
    if environment.is_some() && (to.is_key() || sealed.environments.iter().any(|known| is_other(&known))) {
        return Err(format!("`{to}` is already there"));
    }
    let generation = |moved: &MovedKey| sealed.key(&moved.id).map(|key| key.generation);
    let is_moving = |known: &SealedKey| keys.iter().any(|moved| moved.id == known.id);
    for moved in keys {
        let meets = |known: &SealedKey| Some(known.generation) == generation(moved) && !is_moving(known);
        if !moved.address.is_key() || sealed.generations(&moved.address).any(meets) {
            return Err(format!("`{}` is already there", moved.address));
        }
    }
    Ok(())
}

fn refuse_key(sealed: &Sealed, key: &SealedKey) -> Result<(), String> {
    let SealedKey { address, generation, id, .. } = key;
    if !address.is_key() {
        return Err(format!("`{address}` is no key"));
    }
    if key.sealed.is_some() == key.secret.is_some() {
        return Err(format!("key `{address}` needs exactly one of `sealed` and `secret`"));
    }
    if key.sealed.as_deref().is_some_and(|armor| !text::is_armor(armor)) {
        return Err(format!("the `sealed` of key `{address}` is no armored age file"));
    }
    if let Some(known) = sealed.key(id) {
        // A merge may have left two keys of one generation: each of them can still be written.
        return if known.sealed.is_some() && known.sealed != key.sealed {
            Err(format!("the sealed secret of `{id}` never changes"))
        } else {
            Ok(())
        };
    }
    match sealed.generations(address).find(|known| known.generation == *generation) {
        Some(known) => Err(format!("`{address}` generation {generation} is already `{}`", known.id)),
        None => Ok(()),
    }
}

fn encode(chain: &mut Chain, content: &impl Serialize, path: &Path) -> Result<Vec<u8>, KeepError> {
    chain.line(content).map_err(|error| refused("write", path, error))
}

fn refused(
    doing: &'static str,
    path: &Path,
    why: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> KeepError {
    KeepError::Io { doing, path: path.display().to_string(), source: io::Error::other(why) }
}
