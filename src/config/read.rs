//! Reads the main file and what it includes. The only input of this folder.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::collector::Collector;
use super::include::Pattern;
use super::normalize::{Includes, build};
use super::place::{At, Place};
use super::problem::Problems;
use super::{MAX_FILE_BYTES, SourceFile};
use crate::model::{Desired, PlanDigest, digest_of};

/// A configuration as it was read from disk.
#[derive(Debug)]
pub struct Loaded {
    /// What it declares.
    pub desired: Desired,
    /// The files it is made of: the main file, then the included ones by name.
    pub files: Vec<LoadedFile>,
    /// The main file's folder; the sealed file's path is relative to it.
    pub folder: PathBuf,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedFile {
    /// Relative to the main file's folder, with `/` between the parts.
    pub name: String,
    /// Of its bytes.
    pub sha256: PlanDigest,
}

/// Reads the main file at `path` and the files it includes.
///
/// # Errors
/// Everything that is wrong, of all files, sorted by file and place; a file that cannot be read is a problem too.
pub fn load(path: &Path) -> Result<Loaded, Problems> {
    load_sources(path).map(|(loaded, _, _)| loaded)
}

/// The same, with the files as they were read, the main file first, and the globs that it includes.
pub(super) fn load_sources(path: &Path) -> Result<(Loaded, Vec<SourceFile>, Vec<String>), Problems> {
    let folder = folder_of(path);
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let text = match read_file(path) {
        Ok(text) => text,
        Err(error) => return Err(unreadable(name, &error)),
    };
    let main = SourceFile { name, text };
    let mut sources = vec![main.clone()];
    let mut patterns = vec![];
    let desired = build(main, |includes, out| {
        patterns.extend(includes.patterns.iter().map(|pattern| pattern.value.0.clone()));
        let included = read_includes(path, &folder, &includes, out);
        sources.extend(included.iter().cloned());
        included
    })?;
    let files = sources.iter().map(fingerprint).collect();
    Ok((Loaded { desired, files, folder }, sources, patterns))
}

/// The folder that a file is in.
pub(super) fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn fingerprint(file: &SourceFile) -> LoadedFile {
    LoadedFile { name: file.name.clone(), sha256: digest_of(&file.text) }
}

fn unreadable(name: String, error: &std::io::Error) -> Problems {
    let mut out = Collector::default();
    let help = match error.kind() {
        std::io::ErrorKind::NotFound => "`keycomb init` makes one; `--config FILE` names another",
        _ => "it must be a file that you can read",
    };
    let file = out.add_file(name, "".into());
    out.broken(Place::new(file, 0..0), format!("the file cannot be read: {}", words(error))).help(help);
    out.into_problems()
}

/// Reads at most one byte more than is allowed: the size is judged where all files are.
pub(super) fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    // Opening a pipe would wait for its writer.
    if !path.metadata()?.is_file() {
        return Err(std::io::Error::other("it is not a regular file"));
    }
    let mut text = vec![];
    File::open(path)?.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut text)?;
    Ok(text)
}

/// The included files by name, each once; never the main file, never the sealed file.
fn read_includes(main: &Path, folder: &Path, includes: &Includes, out: &mut Collector) -> Vec<SourceFile> {
    let Ok(root) = folder.canonicalize() else { return vec![] };
    let excluded = [main.to_owned(), folder.join(&includes.seal_file)].map(|path| path.canonicalize().ok());
    let mut found: BTreeMap<String, (PathBuf, Place)> = BTreeMap::new();
    for pattern in &includes.patterns {
        let matches = expand(folder, pattern, out);
        let candidates = matches.into_iter().filter(|(real, _)| !excluded.contains(&Some(real.clone())));
        let mut is_empty = true;
        for (real, name) in candidates {
            is_empty = false;
            if !real.starts_with(&root) {
                out.wrong(
                    pattern.place,
                    format!("`{name}` is a link that leads out of the configuration's folder"),
                )
                .label("matches it")
                .help("copy the file into the folder");
            } else if !found.values().any(|(other, _)| *other == real) {
                found.insert(name, (real, pattern.place));
            }
        }
        if is_empty {
            out.unresolved(pattern.place, format!("`{}` matches no file", pattern.value.0))
                .label("matches nothing")
                .help("globs are relative to this file's folder, and names that begin with a dot are not matched");
        }
    }
    let mut read = Vec::with_capacity(found.len());
    for (name, (real, place)) in found {
        match read_file(&real) {
            Ok(text) => read.push(SourceFile { name, text }),
            Err(error) => {
                out.broken(place, format!("`{name}` cannot be read: {}", words(&error)))
                    .label("included here")
                    .help("it must be a file that you can read");
            }
        }
    }
    read
}

/// What a glob matches, but folders: the real path and the name relative to the folder, sorted.
fn expand(folder: &Path, pattern: &At<Pattern>, out: &mut Collector) -> Vec<(PathBuf, String)> {
    let options = glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let whole = format!("{}/{}", glob::Pattern::escape(&folder.to_string_lossy()), pattern.value.0);
    let Ok(paths) = glob::glob_with(&whole, options) else { return vec![] };
    let mut matched = vec![];
    for path in paths {
        match path.map_err(std::io::Error::from).and_then(|path| Ok((path.canonicalize()?, path))) {
            Ok((real, path)) if !real.is_dir() => matched.push((real, relative(folder, &path))),
            Ok(_) => {}
            Err(error) => {
                out.broken(pattern.place, format!("what this matches cannot be read: {}", words(&error)))
                    .label("matches it")
                    .help("it must be files that you can read, in folders that you can list");
            }
        }
    }
    matched
}

fn relative(folder: &Path, path: &Path) -> String {
    let below = path.strip_prefix(folder).unwrap_or(path);
    let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

/// The system's words for an error, in the form of our own.
fn words(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "it does not exist".into(),
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => error.to_string(),
    }
}
