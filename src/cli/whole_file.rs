//! Files that are read whole, and files for others to read, which may do so at any moment: whole or not at all.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

/// Reads a regular file of at most so many bytes: opening a pipe would wait for its writer.
///
/// # Errors
/// What cannot be read, is no regular file, or is larger.
pub(super) fn read(path: &Path, largest: u64) -> io::Result<Vec<u8>> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = vec![];
    File::open(path)?.take(largest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > largest {
        return Err(io::Error::other("it is larger than such a file can be"));
    }
    Ok(bytes)
}

/// Writes a file in place of what is there. It gets the rights that a new file gets here; what it holds is no secret. A
/// link stays one, and what is no file (a pipe, a device) is written to.
///
/// # Errors
/// When its folder takes none; what was there is as it was then.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        return std::fs::OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Adds to a file that others add to as well; makes it where there is none. A blank line parts it from what is there.
///
/// # Errors
/// When it takes nothing more.
pub(super) fn add(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path)?;
    let mut text = Vec::with_capacity(bytes.len() + 2);
    if file.metadata()?.len() > 0 {
        text.extend_from_slice(b"\n\n");
    }
    text.extend_from_slice(bytes);
    file.write_all(&text)
}
