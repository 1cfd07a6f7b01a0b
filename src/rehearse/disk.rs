//! A disk that fills up, fails, and loses what was not synced when the power is cut. It never really syncs: that takes
//! most of an apply's time and proves nothing here.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fastrand::Rng;

use super::life::Life;
use crate::seal::{Disk, OsDisk};

/// What goes wrong with a disk. Operations count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ailment {
    /// From this operation on nothing can be made or written; half of what is, is.
    FullFrom(u64),
    /// This operation fails.
    FailsAt(u64),
}

/// What is on a disk, and which part of it a power cut would leave.
#[derive(Default)]
pub(super) struct Platter {
    /// How many bytes of a file are durable.
    synced: HashMap<PathBuf, u64>,
    /// What was done to names since the folder was last synced, oldest first.
    unsynced: Vec<Undo>,
}

/// How to take back what was done to a name.
enum Undo {
    Created(PathBuf),
    Renamed { from: PathBuf, to: PathBuf, before: Option<Vec<u8>> },
    Removed(PathBuf, Vec<u8>),
}

pub(super) type Shared = Arc<Mutex<Platter>>;

fn locked(platter: &Shared) -> MutexGuard<'_, Platter> {
    platter.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The bytes of a file that a power cut would leave for certain.
pub(super) fn durable(platter: &Shared, path: &Path) -> Vec<u8> {
    let platter = locked(platter);
    let is_new = |undo: &Undo| matches!(undo, Undo::Created(p) | Undo::Renamed { to: p, .. } if p == path);
    if platter.unsynced.iter().any(is_new) {
        return vec![];
    }
    let mut bytes = std::fs::read(path).unwrap_or_default();
    let whole = bytes.len() as u64;
    let kept = platter.synced.get(path).copied().unwrap_or(whole).min(whole);
    bytes.truncate(usize::try_from(kept).unwrap_or(usize::MAX));
    bytes
}

/// Cuts the power: files lose an unsynced tail, or a part of it; the folder's last unsynced changes are undone.
pub(super) fn cut_power(platter: &Shared, chance: &mut Rng) -> io::Result<()> {
    let mut platter = locked(platter);
    let Platter { synced, unsynced } = std::mem::take(&mut *platter);
    let mut files: Vec<_> = synced.into_iter().collect();
    files.sort();
    for (path, durable) in files {
        let Ok(file) = std::fs::OpenOptions::new().write(true).open(&path) else { continue };
        let length = file.metadata()?.len();
        if durable < length {
            file.set_len(chance.u64(durable..=length))?;
        }
    }
    let kept = chance.usize(..=unsynced.len());
    unsynced.into_iter().skip(kept).rev().try_for_each(take_back)
}

fn take_back(undo: Undo) -> io::Result<()> {
    match undo {
        Undo::Created(path) => gone(&path),
        Undo::Renamed { from, to, before } => {
            std::fs::rename(&to, from)?;
            before.map_or(Ok(()), |bytes| std::fs::write(to, bytes))
        }
        Undo::Removed(path, bytes) => std::fs::write(path, bytes),
    }
}

fn gone(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The platter as one process uses it.
pub(super) struct Drive {
    pub(super) platter: Shared,
    pub(super) life: Arc<Life>,
    pub(super) ailment: Option<Ailment>,
}

/// What becomes of an operation.
enum Fate {
    Done,
    /// It fails, and so does what it writes but for its first half.
    Half(io::Error),
    Fails(io::Error),
}

impl Drive {
    fn fate(&self, takes_room: bool) -> Fate {
        if self.life.is_dead() {
            return Fate::Fails(io::Error::other("the process is dead"));
        }
        let number = self.life.operation();
        if self.life.is_dead() {
            return Fate::Half(io::Error::other("the process is killed here"));
        }
        match self.ailment {
            Some(Ailment::FullFrom(first)) if number >= first && takes_room => {
                Fate::Half(io::ErrorKind::StorageFull.into())
            }
            Some(Ailment::FailsAt(at)) if number == at => Fate::Half(io::Error::other("input/output error")),
            _ => Fate::Done,
        }
    }

    fn may(&self, takes_room: bool) -> io::Result<()> {
        match self.fate(takes_room) {
            Fate::Done => Ok(()),
            Fate::Half(error) | Fate::Fails(error) => Err(error),
        }
    }
}

impl Disk for Drive {
    fn create_new(&mut self, path: &Path) -> io::Result<File> {
        self.may(true)?;
        let file = OsDisk.create_new(path)?;
        let mut platter = locked(&self.platter);
        platter.synced.insert(path.to_owned(), 0);
        platter.unsynced.push(Undo::Created(path.to_owned()));
        Ok(file)
    }

    fn write(&mut self, file: &mut File, path: &Path, bytes: &[u8]) -> io::Result<()> {
        match self.fate(true) {
            Fate::Done => OsDisk.write(file, path, bytes),
            Fate::Half(error) => {
                let (first, _) = bytes.split_at(bytes.len() / 2);
                file.write_all(first)?;
                Err(error)
            }
            Fate::Fails(error) => Err(error),
        }
    }

    fn sync(&mut self, file: &File, path: &Path) -> io::Result<()> {
        self.may(false)?;
        let length = file.metadata()?.len();
        locked(&self.platter).synced.insert(path.to_owned(), length);
        Ok(())
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.may(false)?;
        let before = std::fs::read(to).ok();
        OsDisk.rename(from, to)?;
        let mut platter = locked(&self.platter);
        if let Some(length) = platter.synced.remove(from) {
            platter.synced.insert(to.to_owned(), length);
        }
        platter.unsynced.push(Undo::Renamed { from: from.to_owned(), to: to.to_owned(), before });
        Ok(())
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.may(false)?;
        let bytes = std::fs::read(path)?;
        OsDisk.remove(path)?;
        let mut platter = locked(&self.platter);
        platter.synced.remove(path);
        platter.unsynced.push(Undo::Removed(path.to_owned(), bytes));
        Ok(())
    }

    fn sync_folder(&mut self, _folder: &Path) -> io::Result<()> {
        self.may(false)?;
        locked(&self.platter).unsynced.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drive(ailment: Option<Ailment>) -> Drive {
        Drive { platter: Shared::default(), life: Arc::default(), ailment }
    }

    #[test]
    fn a_power_cut_leaves_what_was_synced_and_perhaps_more() {
        for seed in 0..200 {
            let folder = tempfile::tempdir().unwrap();
            let (old, new) = (folder.path().join("old"), folder.path().join("new"));
            let mut drive = drive(None);
            let mut file = drive.create_new(&old).unwrap();
            drive.write(&mut file, &old, b"durable").unwrap();
            drive.sync(&file, &old).unwrap();
            drive.sync_folder(folder.path()).unwrap();
            drive.write(&mut file, &old, b" and not").unwrap();
            drive.create_new(&new).unwrap();
            drive.remove(&old).unwrap();
            assert_eq!(durable(&drive.platter, &new), b"");
            cut_power(&drive.platter, &mut Rng::with_seed(seed)).unwrap();
            if let Ok(text) = std::fs::read_to_string(&old) {
                assert!(text.starts_with("durable"), "{text}");
            }
            // What came later is not there without what came before.
            assert!(old.exists() || new.exists());
        }
    }

    #[test]
    fn a_rename_that_was_not_synced_may_be_lost_but_nothing_else_is() {
        let mut outcomes = std::collections::BTreeSet::new();
        for seed in 0..50 {
            let folder = tempfile::tempdir().unwrap();
            let (place, next) = (folder.path().join("place"), folder.path().join("next"));
            std::fs::write(&place, "before").unwrap();
            let mut drive = drive(None);
            let mut file = drive.create_new(&next).unwrap();
            drive.write(&mut file, &next, b"after").unwrap();
            drive.sync(&file, &next).unwrap();
            drive.rename(&next, &place).unwrap();
            assert_eq!(durable(&drive.platter, &place), b"");
            cut_power(&drive.platter, &mut Rng::with_seed(seed)).unwrap();
            outcomes.insert(std::fs::read_to_string(&place).unwrap());
        }
        assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), ["after", "before"]);
    }

    #[test]
    fn a_full_disk_takes_half() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut drive = drive(Some(Ailment::FullFrom(2)));
        let mut file = drive.create_new(&path).unwrap();
        let error = drive.write(&mut file, &path, b"12345678").unwrap_err();
        assert_eq!(
            (error.kind(), std::fs::read(&path).unwrap()),
            (io::ErrorKind::StorageFull, b"1234".into())
        );
        assert!(drive.sync(&file, &path).is_ok());
    }
}
