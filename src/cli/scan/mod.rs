//! `keycomb scan`: managed ids and credentials in a tree or its history. Offline, and nothing that is found is printed.

mod blobs;
mod files;
mod managed;
mod text;

use std::io;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use super::args::{Format, Global, Scan as Args};
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::session::{load, sealed_path};
use crate::config::Loaded;
use crate::model::{counted, visible};
use crate::{render, seal};

use managed::Managed;
use text::{Hit, Kind, Looked, Severity};

/// A finding and where it is.
#[derive(Debug)]
struct Found {
    path: String,
    /// The commit that brought it, for one in the history: 12 hex digits.
    commit: Option<String>,
    hit: Hit,
}

/// What was looked at.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    files: u64,
    bytes: u64,
    binary: u64,
    unread: u64,
    /// Whether the clone lacks the older part of the history.
    is_shallow: bool,
}

impl Counts {
    fn add(&mut self, looked: &io::Result<Looked>) {
        match looked {
            Ok(Looked::Whole(bytes)) => (self.files, self.bytes) = (self.files + 1, self.bytes + bytes),
            Ok(Looked::Binary) => self.binary += 1,
            Err(_) => self.unread += 1,
        }
    }
}

/// Looks, and says what it found.
///
/// # Errors
/// A path that is not there, a sealed file that cannot be read, a history that git does not show.
pub fn run(args: &Args, global: &Global, output: &Output) -> Result<Exit, Failure> {
    let (managed, home) = managed(global, output)?;
    if !args.path.exists() {
        return Err(Failure::words(
            Exit::Usage,
            format!("there is no `{}`", visible(&args.path.to_string_lossy())),
            "give a file or a folder; without one the current folder is looked through",
        ));
    }
    let mut found = Vec::new();
    let counts = if args.history {
        let folder =
            if args.path.is_dir() { &args.path } else { args.path.parent().unwrap_or(Path::new(".")) };
        let home = home.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
        blobs::scan(folder, home, &managed, &mut found).map_err(|why| {
            let help = "run it in a clone that has the whole history (`git fetch --unshallow`)";
            Failure::words(Exit::Failed, format!("the history cannot be looked through: {why}"), help)
        })?
    } else {
        files::scan(&args.path, &managed, args.ignored, &mut found)
    };
    output.write(&match args.format {
        Format::Text => found.iter().map(line).collect(),
        Format::Json => render::json::document(&Document::of(&found, counts)),
    })?;
    say(&found, counts, output);
    let is_grave = |found: &Found| found.hit.severity > Severity::Note;
    Ok(if found.iter().any(is_grave) { Exit::Changes } else { Exit::Done })
}

/// The managed keys, and where their record is. Without a configuration none are known.
fn managed(global: &Global, output: &Output) -> Result<(Managed, Option<PathBuf>), Failure> {
    if !global.config.exists() {
        output.say("note: there is no configuration here, so no managed keys are known; credentials are found by their shape");
        return Ok((Managed::default(), None));
    }
    // Looking for secrets must not wait for a configuration to be mended.
    let Ok(Loaded { desired, folder, .. }) = load(global) else {
        output.say("note: the configuration has problems (`keycomb check`), so no managed keys are known; credentials are found by their shape");
        return Ok((Managed::default(), None));
    };
    let path = sealed_path(&folder, &desired, false);
    let sealed = seal::read(&path, None).map_err(super::session::from_seal)?;
    Ok((Managed::of(sealed.as_ref(), &path), Some(path)))
}

/// Whether what a file is called says that it is about Honeycomb.
fn is_about_honeycomb(path: &Path) -> bool {
    path.to_string_lossy().to_ascii_lowercase().contains("honeycomb")
}

/// `PATH:LINE:COLUMN  SEVERITY  WHAT`, with `COMMIT:` before it for the history. Names may be hostile.
fn line(found: &Found) -> String {
    let Found { path, commit, hit } = found;
    let Hit { line, column, kind, severity, id, owner, fingerprint } = hit;
    let place = format!("{}:{line}:{column}", visible(path));
    let place = commit.as_ref().map_or(place.clone(), |commit| format!("{commit}:{place}"));
    let id = id.as_ref().map_or_else(String::new, |id| format!(" {}", visible(id)));
    let owner = owner.as_ref().map_or_else(String::new, |owner| {
        format!(", {} generation {} ({})", owner.address, owner.generation, owner.state)
    });
    format!("{place}  {}  {}{id}{owner}, fingerprint {fingerprint}\n", severity.as_str(), words(*kind))
}

fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::KeyId => "the id of a managed key (no secret)",
        Kind::Ingest => "an ingest key's credential",
        Kind::Configuration => "what looks like a configuration key's credential",
        Kind::Management => "a management key with its secret",
        Kind::HoneyHive => "a HoneyHive key",
        Kind::Identity => "an age identity, which opens what is sealed to it",
    }
}

fn say(found: &[Found], counts: Counts, output: &Output) {
    let Counts { files, bytes, binary, unread, is_shallow } = counts;
    if is_shallow {
        output.say("note: the clone is shallow, and older commits were not looked at: `git fetch --unshallow` gets them");
    }
    let count = |severity| found.iter().filter(|found| found.hit.severity == severity).count();
    output.say(&format!(
        "looked through {} ({} MB), passed over {binary} that {} no text: {} high, {}, {}",
        counted(usize::try_from(files).unwrap_or(usize::MAX), "text"),
        bytes.div_ceil(1_000_000),
        if binary == 1 { "is" } else { "are" },
        count(Severity::High),
        counted(count(Severity::Warning), "warning"),
        counted(count(Severity::Note), "note")
    ));
    if unread > 0 {
        output.say(&format!("{unread} could not be read"));
    }
    if count(Severity::High) > 0 {
        output.say("what leaked stays leaked when its line is taken out: `keycomb revoke --leaked -` reads one and revokes its key");
    }
}

/// `keycomb scan --format json`
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Scan")]
pub struct Document {
    /// `keycomb.scan/1`
    #[schemars(extend("const" = "keycomb.scan/1"))]
    format: &'static str,
    /// In the order they were met: by path, or from the oldest commit on.
    findings: Vec<FindingView>,
    /// Texts that were looked through.
    files: u64,
    /// Their length.
    bytes: u64,
    /// Files that are no text.
    binary: u64,
    /// Files that could not be read.
    unread: u64,
    /// Whether the clone lacks the older part of its history; false where the history was not asked for.
    shallow: bool,
}

/// One finding. What was found is not in it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ScanFinding")]
struct FindingView {
    /// The file; `(message)` for what a commit says.
    path: String,
    /// From 1.
    line: usize,
    /// From 1, in characters.
    column: usize,
    /// The commit that brought it, 12 hex digits; null for a file of the tree.
    commit: Option<String>,
    /// `key_id`, `ingest`, `configuration`, `management`, `honeyhive`, `age_identity`.
    kind: &'static str,
    /// `high`, `warning`, `note`.
    severity: &'static str,
    /// The key's id; null where what was found has none.
    id: Option<String>,
    /// The managed key's address; null where it is none that is known.
    address: Option<String>,
    /// The managed key's generation.
    generation: Option<u32>,
    /// 8 hex digits of a hash: the same secret in two places has the same ones.
    fingerprint: String,
}

impl Document {
    fn of(found: &[Found], counts: Counts) -> Self {
        let Counts { files, bytes, binary, unread, is_shallow } = counts;
        let findings = found.iter().map(FindingView::of).collect();
        Self { format: "keycomb.scan/1", findings, files, bytes, binary, unread, shallow: is_shallow }
    }
}

impl FindingView {
    fn of(found: &Found) -> Self {
        let Found { path, commit, hit } = found;
        let Hit { line, column, kind, severity, id, owner, fingerprint } = hit;
        Self {
            path: path.clone(),
            line: *line,
            column: *column,
            commit: commit.clone(),
            kind: kind.as_str(),
            severity: severity.as_str(),
            id: id.clone(),
            address: owner.as_ref().map(|owner| owner.address.to_string()),
            generation: owner.as_ref().map(|owner| owner.generation),
            fingerprint: fingerprint.clone(),
        }
    }
}
