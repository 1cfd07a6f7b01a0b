//! Several files on the disk at once: all are there whole beside the old ones before the first takes an old one's place.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use miette::Diagnostic;

use crate::config::Problems;

/// One file's change.
pub(super) struct Change {
    /// Relative to the folder, with `/` between the parts.
    pub(super) name: String,
    /// What it must have now; `None`: it must not be there.
    pub(super) before: Option<Vec<u8>>,
    /// What it shall have.
    pub(super) after: Vec<u8>,
}

/// Carries out all changes in their order, then asks `check`. Whatever fails, the old files are put back.
///
/// # Errors
/// Why nothing was changed; [`WriteError::Half`] when the old files could not be put back.
pub(super) fn write(
    folder: &Path,
    changes: &[Change],
    check: impl FnOnce() -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    let mut done = Done::default();
    let result = carry_out(folder, changes, &mut done).and_then(|()| check());
    match result {
        Ok(()) => Ok(()),
        Err(error) => Err(match done.undo() {
            Ok(()) => error,
            Err(source) => WriteError::Half { cause: error.to_string(), source },
        }),
    }
}

fn carry_out(folder: &Path, changes: &[Change], done: &mut Done) -> Result<(), WriteError> {
    for change in changes {
        refuse_unless_as_known(folder, change)?;
    }
    let mut staged = vec![];
    for change in changes {
        let path = folder.join(&change.name);
        make_folders(folder, &path, done)?;
        let temporary = beside(&path);
        done.made.push(temporary.clone());
        put(&temporary, &change.after, mode_of(&path)).map_err(|e| WriteError::io("write", &path, e))?;
        staged.push((temporary, path, change));
    }
    for (temporary, path, change) in staged {
        // Between looking and renaming somebody may have saved the file: the time for that is as short as it can be.
        refuse_unless_as_known(folder, change)?;
        fs::rename(&temporary, &path).map_err(|e| WriteError::io("replace", &path, e))?;
        done.replaced.push((path.clone(), change.before.clone()));
        sync_folder_of(&path).map_err(|e| WriteError::io("sync", &path, e))?;
    }
    Ok(())
}

/// What was done so far, to be taken back.
#[derive(Default)]
struct Done {
    /// Folders, outermost first.
    folders: Vec<PathBuf>,
    /// Temporary files; those that took their place are gone from here.
    made: Vec<PathBuf>,
    /// Files in place, and what was there before.
    replaced: Vec<(PathBuf, Option<Vec<u8>>)>,
}

impl Done {
    fn undo(self) -> io::Result<()> {
        let mut result = Ok(());
        for temporary in &self.made {
            // Most have become files of the configuration.
            let _ = fs::remove_file(temporary);
        }
        for (path, before) in self.replaced.into_iter().rev() {
            let undone = match before {
                Some(text) => {
                    let temporary = beside(&path);
                    put(&temporary, &text, mode_of(&path)).and_then(|()| fs::rename(&temporary, &path))
                }
                None => fs::remove_file(&path),
            };
            result = result.and(undone).and(sync_folder_of(&path));
        }
        for folder in self.folders.iter().rev() {
            // Somebody may have put something into it.
            let _ = fs::remove_dir(folder);
        }
        result
    }
}

/// A file in place of the old one is of the folder itself, and no link leads there.
fn refuse_unless_as_known(folder: &Path, change: &Change) -> Result<(), WriteError> {
    let path = folder.join(&change.name);
    let mut at = folder.to_owned();
    for part in Path::new(&change.name).components() {
        at.push(part);
        if fs::symlink_metadata(&at).is_ok_and(|found| found.is_symlink()) {
            return Err(WriteError::Link { path: at.display().to_string() });
        }
    }
    let found = match fs::symlink_metadata(&path) {
        Ok(found) if found.is_file() => Some(fs::read(&path).map_err(|e| WriteError::io("read", &path, e))?),
        Ok(_) => return Err(WriteError::Changed { path: path.display().to_string() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(WriteError::io("read", &path, error)),
    };
    if found == change.before {
        Ok(())
    } else {
        Err(WriteError::Changed { path: path.display().to_string() })
    }
}

fn make_folders(root: &Path, path: &Path, done: &mut Done) -> Result<(), WriteError> {
    let Some(folder) = path.parent() else { return Ok(()) };
    let missing = |folder: &&Path| folder.starts_with(root) && !folder.exists();
    let mut missing: Vec<&Path> = folder.ancestors().take_while(missing).collect();
    missing.reverse();
    for folder in missing {
        fs::create_dir(folder).map_err(|e| WriteError::io("make the folder", folder, e))?;
        done.folders.push(folder.to_owned());
    }
    Ok(())
}

/// Its name is fixed: what a crash left there is cleared by the next one.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    path.with_file_name(format!(".{name}.keycomb-new"))
}

/// A durable new file.
fn put(path: &Path, bytes: &[u8], mode: Option<fs::Permissions>) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(_) => fs::remove_file(path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    if let Some(mode) = mode {
        file.set_permissions(mode)?;
    }
    file.write_all(bytes)?;
    file.sync_all()
}

/// Who may read and write the file in whose place another comes.
fn mode_of(path: &Path) -> Option<fs::Permissions> {
    fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file).map(|found| found.permissions())
}

#[cfg(unix)]
fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Folders cannot be opened elsewhere.
#[cfg(not(unix))]
fn sync_folder_of(_path: &Path) -> io::Result<()> {
    let _: Option<File> = None;
    Ok(())
}

/// Why the configuration was not written.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum WriteError {
    /// The configuration would be wrong; nothing was kept.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Problems(Problems),
    /// What was written does not read as it was meant.
    #[error("what was written does not declare what it was to declare; nothing was kept")]
    #[diagnostic(help("the old files are in their place; report this as a bug"))]
    Otherwise,
    /// A link is in the way.
    #[error("`{path}` is a symbolic link, expected a file or a folder")]
    #[diagnostic(help("nothing was written; name another file, or put the file itself there"))]
    Link {
        /// Where.
        path: String,
    },
    /// Somebody changed a file meanwhile.
    #[error("`{path}` was changed by something else since it was read")]
    #[diagnostic(help("nothing was written; run the same command again"))]
    Changed {
        /// Which.
        path: String,
    },
    /// The disk.
    #[error("cannot {doing} `{path}`")]
    #[diagnostic(help("nothing was kept; check the folder and its permissions"))]
    Io {
        /// "write", "replace" …
        doing: &'static str,
        /// Where.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The old files could not be put back.
    #[error("{cause}; and not all files could be put back as they were")]
    #[diagnostic(help("look at the configuration's files in your version control before going on"))]
    Half {
        /// What went wrong first.
        cause: String,
        /// What went wrong then.
        #[source]
        source: io::Error,
    },
}

impl WriteError {
    fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { doing, path: path.display().to_string(), source }
    }
}
