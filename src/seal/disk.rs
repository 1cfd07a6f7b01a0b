//! The few things that are done to a disk, one call each, so that a test can stop the program between any two.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::SealError;

/// Changes to the disk. [`OsDisk`] carries them out; a test may fail, cut short or record them.
///
/// What a caller of these must keep to: nothing is durable before `sync`, and no name before `sync_folder`.
pub trait Disk: Send {
    /// Makes a file that was not there, mode 0600, and opens it for writing at its end. Follows no link.
    ///
    /// # Errors
    /// As the system says; `AlreadyExists` when anything has that name.
    fn create_new(&mut self, path: &Path) -> io::Result<File>;
    /// Writes all bytes.
    ///
    /// # Errors
    /// As the system says; some of the bytes may have been written.
    fn write(&mut self, file: &mut File, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Makes the file's content durable.
    ///
    /// # Errors
    /// As the system says; the content may be lost then, and trying again proves nothing.
    fn sync(&mut self, file: &File, path: &Path) -> io::Result<()>;
    /// Puts one file in another's place, at once.
    ///
    /// # Errors
    /// As the system says.
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file, or a link itself.
    ///
    /// # Errors
    /// As the system says.
    fn remove(&mut self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// As the system says.
    fn sync_folder(&mut self, folder: &Path) -> io::Result<()>;
}

/// The disk of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsDisk;

impl Disk for OsDisk {
    fn create_new(&mut self, path: &Path) -> io::Result<File> {
        private(OpenOptions::new().append(true).create_new(true)).open(path)
    }

    fn write(&mut self, file: &mut File, _path: &Path, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    fn sync(&mut self, file: &File, _path: &Path) -> io::Result<()> {
        file.sync_all()
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    #[cfg(unix)]
    fn sync_folder(&mut self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    // A folder cannot be opened for this elsewhere; the file system's own journal has to do.
    #[cfg(not(unix))]
    fn sync_folder(&mut self, _folder: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// Gives what is created with these options the mode 0600.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// The folder that a file is in.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// The file's name with something after it: `keycomb.sealed.toml.journal`.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// No record is larger than this; what is, is something else.
const LARGEST: u64 = 512 * 1024 * 1024;

/// Reads a regular file; `None` when nothing has that name.
///
/// # Errors
/// [`SealError::NotAFile`] for a link, a folder, a device; [`SealError::Io`]; [`SealError::TooLarge`].
pub(super) fn read_regular(path: &Path) -> Result<Option<Vec<u8>>, SealError> {
    let Some(before) = refuse_unless_regular(path)? else { return Ok(None) };
    let file = match File::open(path) {
        Ok(file) => file,
        // Removed between the two calls.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(SealError::io("open", path, error)),
    };
    refuse_if_swapped(&file, &before, path)?;
    let mut bytes = vec![];
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|e| SealError::io("read", path, e))?;
    if bytes.len() as u64 > LARGEST {
        return Err(SealError::TooLarge { path: path.to_owned() });
    }
    Ok(Some(bytes))
}

/// What is at a path, which must be a regular file or nothing.
pub(super) fn refuse_unless_regular(path: &Path) -> Result<Option<Metadata>, SealError> {
    let kind = match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => return Ok(Some(found)),
        Ok(found) if found.is_symlink() => "a symbolic link",
        Ok(found) if found.is_dir() => "a folder",
        Ok(_) => "a device, pipe or socket",
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(SealError::io("look at", path, error)),
    };
    Err(SealError::NotAFile { path: path.to_owned(), kind })
}

/// Opening follows links: what was opened must be what was looked at.
pub(super) fn refuse_if_swapped(file: &File, before: &Metadata, path: &Path) -> Result<(), SealError> {
    let opened = file.metadata().map_err(|e| SealError::io("look at", path, e))?;
    if is_same(before, &opened) {
        Ok(())
    } else {
        Err(SealError::NotAFile { path: path.to_owned(), kind: "another file than a moment ago" })
    }
}

#[cfg(unix)]
pub(super) fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
pub(super) fn is_same(one: &Metadata, other: &Metadata) -> bool {
    one.file_type() == other.file_type()
}
