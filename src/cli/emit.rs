//! `--emit KIND=PATH`: the same run, written for other programs too.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::args::{Emitted, Global};
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::{outputs, whole_file};
use crate::render::{self, Run, Sheet};

/// Refuses forms that have nothing to say of such a run, two forms in one file, and files that keycomb lives by; before the
/// service is asked.
///
/// # Errors
/// Names the form, or the file (64).
pub(super) fn check(emits: &[Emitted], run: Run, global: &Global) -> Result<(), Failure> {
    let mut files: BTreeSet<&Path> = BTreeSet::new();
    for Emitted { kind, path } in emits {
        if !kind.is_of(run) {
            return Err(Failure::words(
                Exit::Usage,
                format!("`--emit {}` has nothing to say of `keycomb {}`", kind.as_str(), run.as_str()),
                format!("`keycomb {} --help` lists the forms and what each is of", run.as_str()),
            ));
        }
        if path != Path::new("-") && !files.insert(path) {
            return Err(Failure::words(
                Exit::Usage,
                format!("two forms cannot both be written to `{}`", path.display()),
                "give each `--emit` a file of its own",
            ));
        }
    }
    outputs::refuse_ours(files, global)
}

/// Writes every form that was asked for; `-` is stdout. All are tried, and the first failure is told. `config` is the
/// main configuration file: forms that name lines of it do so from the repository's root.
///
/// # Errors
/// When a file, or stdout, cannot be written.
pub(super) fn write(
    emits: &[Emitted],
    sheet: &Sheet<'_>,
    config: &Path,
    output: &Output,
) -> Result<(), Failure> {
    if emits.is_empty() {
        return Ok(());
    }
    let config = in_repository(config);
    let sheet = Sheet { config: &config, ..*sheet };
    emits.iter().map(|emit| write_one(emit, &sheet, output)).fold(Ok(()), Result::and)
}

fn write_one(emit: &Emitted, sheet: &Sheet<'_>, output: &Output) -> Result<(), Failure> {
    let Some(text) = render::emit(emit.kind, sheet) else {
        output.say(&format!(
            "note: `--emit {}` has nothing to say of this; nothing was written",
            emit.kind.as_str()
        ));
        return Ok(());
    };
    if emit.path == Path::new("-") {
        return output.write(&text);
    }
    let written = if emit.kind.is_added() {
        whole_file::add(&emit.path, text.as_bytes())
    } else {
        whole_file::write(&emit.path, text.as_bytes())
    };
    written.map_err(|source| {
        let what = format!("cannot write `{}`", emit.path.display());
        Failure::io(what, "name a file in a folder that takes one", source)
    })
}

/// The file from the root of the repository that it is in, with `/` between folders: the runner's workspace, or else the
/// nearest folder above with a `.git`, or else where we run.
fn in_repository(config: &Path) -> String {
    let Ok(whole) = std::path::absolute(config) else { return String::new() };
    let named = ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"].into_iter().filter_map(std::env::var_os);
    let found = whole.ancestors().skip(1).find(|folder| folder.join(".git").exists()).map(Path::to_owned);
    let here = std::env::current_dir().ok();
    let roots: Vec<PathBuf> = named.map(PathBuf::from).chain(found).chain(here).collect();
    let inside = roots.iter().find_map(|root| whole.strip_prefix(root).ok()).unwrap_or(config);
    let parts: Vec<String> = inside
        .components()
        .filter(|part| *part != std::path::Component::CurDir)
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    parts.join("/")
}
