//! One writer at a time: a lock beside the sealed file that says who holds it.

use std::fmt;
use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use super::SealError;
use super::disk::{beside, is_same, private, refuse_if_swapped, refuse_unless_regular};
use crate::model::{Timestamp, visible};

/// Who holds the lock, for the one who finds it taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The process id.
    pub pid: u32,
    /// The host's name.
    pub host: String,
    /// The user's name, where known.
    pub user: Option<String>,
    /// When it began, by the local clock.
    pub started: Timestamp,
    /// What it runs, such as `apply`; never with arguments that could be secret.
    pub command: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, host, user, started, command } = self;
        write!(f, "process {pid} on {host}")?;
        if let Some(user) = user {
            write!(f, " of {user}")?;
        }
        write!(f, ", running `{command}` since {started}")
    }
}

/// The lock, held until this is dropped or the process ends. Its file stays behind and means nothing then.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Takes the lock of a sealed file without waiting.
    pub(super) fn take(sealed_file: &Path, holder: &Holder) -> Result<Self, SealError> {
        let path = beside(sealed_file, ".lock");
        // A second round only when somebody removed the file between opening and locking it.
        for _ in 0..10 {
            let mut file = open(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(SealError::Locked {
                        path: sealed_file.to_owned(),
                        holder: read_holder(&mut file, holder.started),
                    });
                }
                Err(TryLockError::Error(source)) => return Err(SealError::NoLock { path, source }),
            }
            let locked = file.metadata().map_err(|e| SealError::io("look at", &path, e))?;
            if refuse_unless_regular(&path)?.is_some_and(|named| is_same(&named, &locked)) {
                write_holder(&mut file, holder).map_err(|e| SealError::io("write", &path, e))?;
                return Ok(Self(file));
            }
        }
        let source = std::io::Error::other("it is removed again and again");
        Err(SealError::io("lock", &path, source))
    }
}

/// Who holds the lock of a sealed file, as its lock file says; `None` where nobody does. Makes no file.
///
/// It is shared for a moment to find out: who takes it just then is told that it is taken.
///
/// # Errors
/// [`SealError::NotAFile`], [`SealError::Io`], [`SealError::NoLock`].
pub fn lock_holder(sealed_file: &Path, now: Timestamp) -> Result<Option<String>, SealError> {
    let path = beside(sealed_file, ".lock");
    if refuse_unless_regular(&path)?.is_none() {
        return Ok(None);
    }
    let mut file = File::open(&path).map_err(|e| SealError::io("open", &path, e))?;
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(read_holder(&mut file, now))),
        Err(TryLockError::Error(source)) => Err(SealError::NoLock { path, source }),
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child process that is just being started has it open too. A failure leaves
        // the lock to the end of the process.
        let _ = self.0.unlock();
    }
}

fn open(path: &Path) -> Result<File, SealError> {
    let before = refuse_unless_regular(path)?;
    // Its content is overwritten, so it must not be another file's content too.
    if before.as_ref().is_some_and(has_other_names) {
        return Err(SealError::NotAFile { path: path.to_owned(), kind: "a hard link to another file" });
    }
    let file = private(OpenOptions::new().read(true).write(true).create(true).truncate(false))
        .open(path)
        .map_err(|e| SealError::io("open", path, e))?;
    if let Some(before) = before {
        refuse_if_swapped(&file, &before, path)?;
    }
    Ok(file)
}

fn write_holder(file: &mut File, holder: &Holder) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    // In one call: who looks meanwhile reads all of it or nothing.
    file.write_all(format!("{holder}\n").as_bytes())
}

#[cfg(unix)]
fn has_other_names(found: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(found) > 1
}

#[cfg(not(unix))]
fn has_other_names(_found: &Metadata) -> bool {
    false
}

/// What the lock file says, and how long ago that was.
fn read_holder(file: &mut File, now: Timestamp) -> String {
    let mut bytes = vec![];
    // For a message only: whatever can be read is shown, made harmless.
    let _ = file.take(512).read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    match text.lines().next() {
        Some(line) if !line.trim().is_empty() => {
            let since = line.trim().rsplit(' ').next().and_then(|word| word.parse().ok());
            let age = since.and_then(|since| age(since, now)).unwrap_or_default();
            format!("{}{age}", visible(line.trim()))
        }
        _ => "another process".into(),
    }
}

/// `, 12 minutes ago`; nothing when the clocks of two machines disagree.
fn age(since: Timestamp, now: Timestamp) -> Option<String> {
    let seconds = u64::try_from(now.duration_since(since).as_secs()).ok()?;
    let (count, unit) = match seconds {
        0..60 => return Some(", less than a minute ago".into()),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    Some(format!(", {count} {unit}{} ago", if count == 1 { "" } else { "s" }))
}
