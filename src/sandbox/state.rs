//! The state file: the whole store as JSON, replaced in one step.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tempfile::NamedTempFile;

use super::SandboxError;
use super::store::{Store, VERSION};

/// Reads a state file; none if there is no such file.
pub(super) fn load(path: &Path, team: &str) -> Result<Option<Store>, SandboxError> {
    // A name that leads elsewhere is refused now: saving would put a file in its place.
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        let source = io::Error::new(io::ErrorKind::InvalidInput, "it is a link, a folder or a device");
        return Err(SandboxError::State { path: path.to_owned(), source });
    }
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(SandboxError::State { path: path.to_owned(), source });
        }
    };
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let Version { version: found } = parse(path, &text)?;
    if found != VERSION {
        return Err(SandboxError::StateVersion { path: path.to_owned(), found, expected: VERSION });
    }
    let store: Store = parse(path, &text)?;
    if store.team.slug != team {
        let found = store.team.slug;
        return Err(SandboxError::StateTeam { path: path.to_owned(), found, expected: team.to_owned() });
    }
    Ok(Some(store))
}

/// The place of a mistake, never the parser's words: they quote the text, and the text holds secrets.
fn parse<'de, T: Deserialize<'de>>(path: &Path, text: &'de [u8]) -> Result<T, SandboxError> {
    serde_json::from_slice(text).map_err(|error| SandboxError::StateSyntax {
        path: path.to_owned(),
        line: error.line(),
        column: error.column(),
    })
}

/// Replaces the state file: a temporary file (mode 0600) beside it, fsync, rename, fsync of the folder.
pub(super) fn save(path: &Path, store: &Store) -> io::Result<()> {
    let folder = folder(path);
    fs::create_dir_all(&folder)?;
    let file = NamedTempFile::new_in(&folder)?;
    let mut writer = BufWriter::new(&file);
    serde_json::to_writer(&mut writer, store)?;
    writer.write_all(b"\n")?;
    writer.flush()?;
    drop(writer);
    file.as_file().sync_all()?;
    file.persist(path)?;
    if cfg!(unix) {
        File::open(&folder)?.sync_all()?;
    }
    Ok(())
}

fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> jiff::Timestamp {
        "2026-03-01T08:00:00Z".parse().unwrap()
    }

    #[test]
    fn what_is_saved_is_loaded_and_readable_by_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/state.json");
        assert!(load(&path, "acme").unwrap().is_none());
        let mut store = Store::new(1, "acme", "Acme");
        store.fill(1, 3, now());
        save(&path, &store).unwrap();
        let loaded = load(&path, "acme").unwrap().unwrap();
        assert_eq!(loaded.truth(), store.truth());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    #[cfg(unix)]
    fn links_and_folders_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("state.json"), folder.path().join("link.json"));
        std::os::unix::fs::symlink(&path, &link).unwrap();
        for refused in [link.as_path(), folder.path()] {
            assert!(
                matches!(load(refused, "acme"), Err(SandboxError::State { .. })),
                "{}",
                refused.display()
            );
        }
    }

    #[test]
    fn foreign_files_are_refused_without_quoting_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        save(&path, &Store::new(1, "acme", "Acme")).unwrap();
        assert!(matches!(load(&path, "other"), Err(SandboxError::StateTeam { .. })));
        fs::write(&path, r#"{"version": 99}"#).unwrap();
        assert!(matches!(load(&path, "acme"), Err(SandboxError::StateVersion { found: 99, .. })));
        fs::write(&path, r#"{"version": 1, "seed": "hush-hush"}"#).unwrap();
        let error = load(&path, "acme").err().unwrap();
        assert!(matches!(error, SandboxError::StateSyntax { .. }));
        assert!(!format!("{error} {error:?}").contains("hush"));
    }
}
