//! From the tables as written to the model: files joined, defaults filled in, references resolved.

use super::collector::Collector;
use super::defaults::{endpoint, key_defaults, policy};
use super::environments::{Environments, environments};
use super::external::external_keys;
use super::ignore::ignore_rules;
use super::include::Pattern;
use super::keys::keys;
use super::place::{At, Place};
use super::problem::Problems;
use super::raw::{RawEnvironment, RawExternalKey, RawFile, RawKey};
use super::seal::seal;
use super::{DEFAULT_SEAL_FILE, SourceFile, VERSION, syntax};
use crate::model::{Desired, Label};

/// What the main file says about other files.
pub(super) struct Includes {
    /// The globs, in file order.
    pub(super) patterns: Vec<At<Pattern>>,
    /// The sealed file, which lies beside the main file and may match them.
    pub(super) seal_file: String,
}

/// Builds the model from the main file and from what `read_includes` finds for it.
pub(super) fn build(
    main: SourceFile,
    read_includes: impl FnOnce(Includes, &mut Collector) -> Vec<SourceFile>,
) -> Result<Desired, Problems> {
    let mut out = Collector::default();
    let is_empty = main.text.iter().all(u8::is_ascii_whitespace);
    let (file, raw) = syntax::read::<RawFile>(main, &mut out);
    let mut raw = raw.unwrap_or_default();
    if is_empty && out.is_clean() {
        out.missing(Place::new(file, 0..0), "the file is empty")
            .help("`keycomb init` writes one to start from");
        return Err(out.into_problems());
    }
    if let Some(newer) = raw.version.as_ref().filter(|version| version.value.0 > VERSION) {
        // Whatever else seems wrong with a file of a later format may be right there.
        out.drop_values();
        out.wrong(newer.place, "this file is written for a newer keycomb; this one reads version 1")
            .label("newer")
            .help("update keycomb");
        return Err(out.into_problems());
    }
    check_version(file, &raw, &mut out);
    let mut declared = Declared::default();
    declared.add(&mut raw);
    for included in read_includes(includes(&mut raw), &mut out) {
        let (_, raw) = syntax::read::<RawFile>(included, &mut out);
        let mut raw = raw.unwrap_or_default();
        refuse_main_tables(&raw, &mut out);
        declared.add(&mut raw);
    }
    let desired = normalize(file, raw, declared, &mut out);
    match desired {
        Some(desired) if out.is_clean() => Ok(desired),
        _ => Err(out.into_problems()),
    }
}

/// The tables that may stand in any file, in file order.
#[derive(Default)]
struct Declared {
    environments: Vec<(At<Label>, Option<RawEnvironment>)>,
    keys: Vec<(At<Label>, Option<RawKey>)>,
    external_keys: Vec<(At<Label>, Option<RawExternalKey>)>,
}

impl Declared {
    fn add(&mut self, raw: &mut RawFile) {
        self.environments.extend(raw.environment.take().map(|at| at.value.0).unwrap_or_default());
        self.keys.extend(raw.key.take().map(|at| at.value.0).unwrap_or_default());
        self.external_keys.extend(raw.external_key.take().map(|at| at.value.0).unwrap_or_default());
    }
}

fn normalize(file: usize, raw: RawFile, declared: Declared, out: &mut Collector) -> Option<Desired> {
    let RawFile {
        version: _,
        include: _,
        honeycomb,
        seal: raw_seal,
        policy: raw_policy,
        defaults,
        environment: _,
        key: _,
        external_key: _,
        ignore,
        present,
    } = raw;
    if honeycomb.is_none() && !present.has("honeycomb") {
        out.missing(Place::new(file, 0..0), "the table `honeycomb` is missing")
            .help("write `[honeycomb]` and below it `team = \"…\"`, the team's slug");
    }
    let honeycomb = honeycomb.map(|at| (at.place, at.value));
    let service = honeycomb.and_then(|(place, raw)| endpoint(place, raw, out));
    let policy = policy(raw_policy.map(|at| at.value));
    let defaults = key_defaults(defaults.and_then(|at| at.value.key).map(|at| at.value), out);
    let environments: Environments = environments(declared.environments, out);
    let first_key = declared.keys.first().map(|(label, _)| label.place);
    let quarantine = defaults.quarantine;
    let keys = keys(declared.keys, &environments, &defaults, out);
    let external_keys = external_keys(declared.external_keys, out);
    let ignore = ignore_rules(ignore.map(|at| at.value).unwrap_or_default(), out);
    let seal = seal(raw_seal, &environments, first_key, out);
    let (team, endpoint) = service?;
    let environments = environments.desired;
    Some(Desired { team, endpoint, seal, policy, quarantine, environments, keys, external_keys, ignore })
}

fn includes(raw: &mut RawFile) -> Includes {
    let patterns = raw.include.take().map(|at| at.value).unwrap_or_default();
    let file = raw.seal.as_ref().and_then(|seal| seal.value.file.as_ref());
    let seal_file = file.map_or_else(|| DEFAULT_SEAL_FILE.to_owned(), |file| file.value.0.clone());
    Includes { patterns, seal_file }
}

fn check_version(file: usize, raw: &RawFile, out: &mut Collector) {
    let help = "write `version = 1` at the top of the file";
    match &raw.version {
        Some(version) if version.value.0 < VERSION => {
            out.wrong(version.place, "there is no such version of the format; expected 1")
                .label("not 1")
                .help(help);
        }
        None if !raw.present.has("version") => {
            out.missing(Place::new(file, 0..0), "`version` is missing").help(help);
        }
        _ => {}
    }
}

fn refuse_main_tables(raw: &RawFile, out: &mut Collector) {
    let is_main = |key: &str| !matches!(key, "environment" | "key" | "external_key");
    for (key, place) in raw.present.iter().filter(|(key, _)| is_main(key)) {
        out.wrong(place, format!("`{key}` belongs in the main file"))
            .label("not in an included file")
            .help("an included file holds `environment`, `key` and `external_key` tables only");
    }
}
