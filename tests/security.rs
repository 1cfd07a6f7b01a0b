//! Holds SECURITY.md to its word: every test that it names is there, and every fault of the matrix has its row.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const FAULTS: usize = 87;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap_or_default()
}

/// What stands between backquotes and looks like `path.rs::name`.
fn named(text: &str) -> BTreeSet<(String, String)> {
    let quoted = text.split('`').skip(1).step_by(2);
    let split = quoted.filter_map(|quoted| quoted.split_once(".rs::"));
    split.map(|(file, name)| (format!("{file}.rs"), name.to_owned())).collect()
}

/// Whether a source has a test of that name: the function, with a test's attribute within the lines above it.
fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let is_function = |line: &str| {
        line.starts_with(&format!("fn {name}(")) || line.starts_with(&format!("async fn {name}("))
    };
    lines.iter().enumerate().any(|(at, line)| {
        let above = &lines[at.saturating_sub(4)..at];
        is_function(line)
            && above.iter().any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    })
}

/// The rows of the matrix: their number and their last cell.
fn rows(text: &str) -> Vec<(usize, String)> {
    let cells = |line: &str| {
        line.trim_matches('|').split(" | ").map(str::trim).map(str::to_owned).collect::<Vec<_>>()
    };
    let rows = text.lines().filter(|line| line.starts_with("| ")).map(cells);
    rows.filter_map(|cells| {
        Some((cells.first()?.parse().ok()?, cells.last()?.trim_end_matches(" |").to_owned()))
    })
    .collect()
}

#[test]
fn every_test_that_is_named_is_there() {
    let text = read("SECURITY.md");
    let named = named(&text);
    assert!(named.len() > 100, "only {} tests are named", named.len());
    let missing: Vec<_> = named.iter().filter(|(file, name)| !has_test(&read(file), name)).collect();
    assert!(missing.is_empty(), "SECURITY.md names tests that are not there: {missing:#?}");
}

#[test]
fn every_fault_has_its_row_and_every_row_its_test_or_its_reason() {
    let text = read("SECURITY.md");
    let rows = rows(&text);
    assert_eq!(rows.iter().map(|(number, _)| *number).collect::<Vec<_>>(), (1..=FAULTS).collect::<Vec<_>>());
    for (number, cell) in &rows {
        let has_reason =
            ["Not tested: ", "Not covered: ", "Not injected: "].iter().any(|word| cell.contains(word));
        assert!(!named(cell).is_empty() || has_reason, "row {number} has neither test nor reason: {cell}");
    }
}

#[test]
fn every_promise_and_every_attacker_has_a_test() {
    let text = read("SECURITY.md");
    let part = |from: &str, to: &str| text.split_once(from).unwrap().1.split_once(to).unwrap().0.to_owned();
    let promises = part("## Promises", "\n## ");
    let attackers = part("## What each of these can do", "\n## ");
    for claim in
        promises.split("\n**").chain(promises.split(". **").skip(1)).chain(attackers.split("\n\n**").skip(1))
    {
        assert!(!named(claim).is_empty(), "no test is named for: {claim}");
    }
}

#[test]
fn http_2_is_not_built_in() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let reqwest = &manifest["dependencies"]["reqwest"];
    assert_eq!(reqwest["default-features"].as_bool(), Some(false));
    let features: Vec<_> =
        reqwest["features"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect();
    // Nor anything that unpacks or follows cookies.
    for feature in ["http2", "http3", "gzip", "brotli", "zstd", "deflate", "cookies"] {
        assert!(!features.contains(&feature), "{feature}");
    }
}

#[test]
fn the_search_tells_a_test_from_what_is_none() {
    assert!(has_test("#[test]\nfn a() {\n", "a"));
    assert!(has_test("    #[tokio::test(start_paused = true)]\n    async fn a() {\n", "a"));
    assert!(!has_test("fn a() {\n", "a") && !has_test("#[test]\nfn ab() {\n", "a"));
    assert_eq!(rows("|--:|\n| 7 | a | b | c |\n| | **x** | | |\n"), [(7, "c".to_owned())]);
}
