//! Where files are written for people: never through a link, never over a folder or a device.

use std::path::Path;

use super::exit::Exit;
use super::failure::Failure;

/// Refuses a place that holds anything but a regular file or nothing.
///
/// # Errors
/// Says what is there (exit 3).
pub fn refuse_unless_regular(path: &Path) -> Result<(), Failure> {
    let what = match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => "a symbolic link",
        Ok(found) if found.is_dir() => "a folder",
        Ok(found) if !found.is_file() => "a device, pipe or socket",
        // What cannot be looked at cannot be written either, and that is told better then.
        _ => return Ok(()),
    };
    Err(Failure::words(
        Exit::Config,
        format!("`{}` is {what}, expected a file or nothing", path.display()),
        "it was not written; remove it, or name another place",
    ))
}

/// Refuses a link where a folder is wanted.
///
/// # Errors
/// Names the link (exit 3).
pub fn refuse_link(path: &Path) -> Result<(), Failure> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => Err(Failure::words(
            Exit::Config,
            format!("`{}` is a symbolic link, expected a folder or nothing", path.display()),
            "nothing was written there; remove the link",
        )),
        _ => Ok(()),
    }
}
