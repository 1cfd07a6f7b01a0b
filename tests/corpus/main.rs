//! Every file of `fuzz/corpus/`, through the very functions that the fuzzer calls (`fuzz/README.md`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "test code"
)]

#[path = "../../fuzz/src/lib.rs"]
mod fuzz;

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use fuzz::TARGETS;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

/// The names in a folder, sorted, without their extension.
fn names(name: &str) -> BTreeSet<String> {
    let read = fs::read_dir(folder(name)).unwrap_or_else(|error| panic!("fuzz/{name}: {error}"));
    let stem = |entry: fs::DirEntry| entry.path().file_stem().unwrap().to_str().unwrap().to_owned();
    read.map(|entry| stem(entry.unwrap())).collect()
}

fn replay(target: &str) {
    let (_, run) = TARGETS.iter().find(|(name, _)| *name == target).expect("a target of that name");
    let mut files: Vec<PathBuf> = fs::read_dir(folder("corpus").join(target))
        .unwrap_or_else(|error| panic!("`{target}` has no corpus: {error}"))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 10, "`{target}` has a corpus of {} files", files.len());
    for file in files {
        let data = fs::read(&file).unwrap();
        assert!(catch_unwind(|| run(&data)).is_ok(), "{}: see above", file.display());
    }
}

macro_rules! replayed {
    ($($target:ident)*) => {
        $(#[test] fn $target() { replay(stringify!($target)); })*

        #[test]
        fn every_target_is_replayed_and_has_a_program_and_a_corpus() {
            let expected: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
            let replayed = [$(stringify!($target)),*].map(str::to_owned);
            assert_eq!(BTreeSet::from(replayed), expected);
            assert_eq!(names("targets"), expected);
            assert_eq!(names("corpus"), expected);
            let manifest = fs::read_to_string(folder("Cargo.toml")).unwrap();
            let programs = manifest.lines().filter_map(|line| line.strip_prefix("path = \"targets/"));
            let programs: BTreeSet<String> =
                programs.map(|name| name.trim_end_matches(".rs\"").to_owned()).collect();
            assert_eq!(programs, expected);
        }
    };
}

replayed!(config errors headers journal merge pages plan provisional saved_plan sealed_file terraform visible);
