//! Files that a person names for a result: never one of those that keycomb lives by.

use std::path::{Path, PathBuf};

use super::args::Global;
use super::exit::Exit;
use super::failure::Failure;
use super::session::{load, sealed_path};

/// Refuses to write a result over the configuration, the sealed file, its journal or its lock; before anything is read.
///
/// # Errors
/// Names the file (64).
pub(super) fn refuse_ours<'a>(
    paths: impl IntoIterator<Item = &'a Path>,
    global: &Global,
) -> Result<(), Failure> {
    let mut paths = paths.into_iter().filter(|path| *path != Path::new("-")).peekable();
    if paths.peek().is_none() {
        return Ok(());
    }
    let ours = ours(global);
    let is_ours = |path: &Path| {
        let place = resolved(path);
        // Whatever the configuration says, or is: no result is TOML, and none is a journal or a lock.
        let is_kind = |kind: &str| place.extension().is_some_and(|found| found.eq_ignore_ascii_case(kind));
        ["toml", "journal", "lock"].into_iter().any(is_kind) || ours.contains(&place)
    };
    match paths.find(|path| is_ours(path)) {
        None => Ok(()),
        Some(path) => Err(Failure::words(
            Exit::Usage,
            format!("`{}` is no place for a result: it may be what keycomb lives by", path.display()),
            "nothing was read or written; name another file, such as one that ends in .json or .md",
        )),
    }
}

/// The configuration's files, and both sealed files with what stands beside them.
fn ours(global: &Global) -> Vec<PathBuf> {
    let mut ours = vec![global.config.clone()];
    if let Ok(loaded) = load(global) {
        ours.extend(loaded.files.iter().map(|file| loaded.folder.join(&file.name)));
        for sandbox in [false, true] {
            ours.push(sealed_path(&loaded.folder, &loaded.desired, sandbox));
        }
    }
    ours.iter().map(|path| resolved(path)).collect()
}

/// Where a path leads, through links; of a file that is not there, where it would be.
fn resolved(path: &Path) -> PathBuf {
    if let Ok(place) = path.canonicalize() {
        return place;
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}
