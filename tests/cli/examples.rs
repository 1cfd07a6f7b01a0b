//! Every example is checked, fits the schema, plans, applies, and then needs nothing.

use std::fs;
use std::path::{Path, PathBuf};

use crate::team::{Ran, files, keycomb};

fn examples() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut found: Vec<PathBuf> =
        files(&root).into_iter().filter(|file| file.file_name().unwrap() == "keycomb.toml").collect();
    found.sort();
    assert!(found.len() >= 2, "the examples are gone");
    found
}

/// A copy of an example's folder, without anything a run may have left there.
fn copy(config: &Path) -> tempfile::TempDir {
    let from = config.parent().unwrap();
    let to = tempfile::tempdir().unwrap();
    for file in files(from) {
        let inside = file.strip_prefix(from).unwrap();
        if inside.starts_with(".keycomb") {
            continue;
        }
        let target = to.path().join(inside);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&file, target).unwrap();
    }
    to
}

#[test]
fn every_example_is_checked_planned_and_applied() {
    for config in examples() {
        let folder = copy(&config);
        let run = |arguments: &[&str]| -> Ran {
            keycomb().current_dir(folder.path()).args(arguments).output().unwrap().into()
        };
        run(&["check"]).exits(0);
        run(&["plan", "--sandbox", "--detailed-exitcode"]).exits(2);
        run(&["apply", "--sandbox", "--yes"]).exits(0);
        run(&["plan", "--sandbox", "--detailed-exitcode"]).exits(0);
        run(&["drift", "--sandbox"]).exits(0);
    }
}

#[test]
fn every_example_fits_the_published_schema() {
    let printed: Ran = keycomb().args(["schema"]).output().unwrap().into();
    let schema: serde_json::Value = serde_json::from_str(&printed.exits(0).stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for config in examples() {
        let text = fs::read_to_string(&config).unwrap();
        let value: serde_json::Value = toml::from_str(&text).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", config.display());
    }
}
