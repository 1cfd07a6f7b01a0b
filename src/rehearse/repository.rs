//! A repository: one lineage, its sealed file as last committed, and the disks that work on it.

use std::path::{Path, PathBuf};

use fastrand::Rng;

use super::RehearseError;
use super::checks::told;
use super::disk::Shared;
use crate::model::{KeyState, Lineage, Sealed};
use crate::seal::{self, text};

/// One repository.
pub(super) struct Repository {
    pub(super) lineage: Lineage,
    pub(super) committed: Option<Sealed>,
    pub(super) disks: Vec<Disk>,
}

/// A checkout of it.
pub(super) struct Disk {
    folder: PathBuf,
    pub(super) platter: Shared,
    /// What was committed when it was last put onto this disk.
    base: Option<Sealed>,
}

impl Disk {
    /// The sealed file.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.join("keycomb.sealed.toml")
    }

    fn has_journal(&self) -> bool {
        self.folder.join("keycomb.sealed.toml.journal").exists()
    }

    /// What is there, with the journal.
    pub(super) fn record(&self) -> Result<Option<Sealed>, String> {
        seal::read(&self.path(), None).map_err(|error| told(&error))
    }
}

impl Repository {
    /// With so many checkouts in folders of their own.
    pub(super) fn new(
        name: &str,
        folder: &Path,
        disks: usize,
        chance: &mut Rng,
    ) -> Result<Self, RehearseError> {
        let mut bytes = [0; 16];
        chance.fill(&mut bytes);
        let disks = (1..=disks).map(|number| {
            let folder = folder.join(format!("{name}-{number}"));
            std::fs::create_dir(&folder)?;
            Ok(Disk { folder, platter: Shared::default(), base: None })
        });
        let disks = disks.collect::<std::io::Result<_>>().map_err(RehearseError::Folder)?;
        Ok(Self { lineage: Lineage::from_random(bytes), committed: None, disks })
    }

    /// Puts what is committed onto a disk, unless something there was not committed: it may be the only copy of a secret.
    pub(super) fn pull(&mut self, number: usize) -> Result<(), RehearseError> {
        let is_clean =
            |disk: &&mut Disk| !disk.has_journal() && disk.record().is_ok_and(|found| found == disk.base);
        let Some(disk) = self.disks.get_mut(number).filter(is_clean) else { return Ok(()) };
        let Some(sealed) = &self.committed else { return Ok(()) };
        disk.base = Some(sealed.clone());
        // What comes with a checkout is taken for durable.
        disk.platter = Shared::default();
        std::fs::write(disk.path(), text::write(sealed)).map_err(RehearseError::Folder)
    }

    /// Commits what is on a disk, merged with what others committed since.
    pub(super) fn push(&mut self, number: usize) -> Result<(), String> {
        // What is in a journal is committed once it is in the file.
        let Some(disk) = self.disks.get_mut(number).filter(|disk| !disk.has_journal()) else { return Ok(()) };
        if let Some(found) = disk.record()? {
            self.committed = Some(match self.committed.take() {
                Some(committed) if Some(&committed) != disk.base.as_ref() => {
                    let merged = seal::merge(disk.base.as_ref(), &committed, &found).map_err(|e| told(&e))?;
                    merged
                        .undecided
                        .first()
                        .map_or(Ok(merged.sealed), |u| Err(format!("undecided: {}", u.what)))?
                }
                _ => found.clone(),
            });
            disk.base = Some(found);
        }
        Ok(())
    }

    /// Everything that any disk holds, or that is committed.
    pub(super) fn records(&self) -> Result<Vec<Sealed>, String> {
        let mut records: Vec<Sealed> = self.committed.iter().cloned().collect();
        for disk in &self.disks {
            records.extend(disk.record()?);
        }
        Ok(records)
    }

    /// Whether a disk may be lost: where it is the home of the record, what it alone holds goes with it, and that is
    /// for its owner to prevent. A runner's disk is not the home of what was staged there.
    pub(super) fn may_lose(&self, disk: &Disk, on_runner: bool) -> bool {
        let (Some(committed), Ok(Some(found))) = (&self.committed, disk.record()) else { return false };
        let never_released = |state| matches!(state, KeyState::Provisional | KeyState::Dropping);
        let may_go = |state| never_released(state) || on_runner && state == KeyState::Staged;
        let is_known = |id| committed.keys.iter().any(|key| &key.id == id && !never_released(key.state));
        found.environments == committed.environments
            && found.keys.iter().all(|key| may_go(key.state) || is_known(&key.id))
    }

    /// Loses a disk, and begins on a new one.
    pub(super) fn lose(disk: &mut Disk) -> std::io::Result<()> {
        std::fs::remove_dir_all(&disk.folder)?;
        std::fs::create_dir(&disk.folder)?;
        (disk.platter, disk.base) = (Shared::default(), None);
        Ok(())
    }
}
