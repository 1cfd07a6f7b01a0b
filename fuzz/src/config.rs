//! Configuration files: everything wrong is said in words that can be shown, at a place that exists, without secrets.

use std::collections::BTreeSet;

use keycomb::config::{Problem, Problems, SourceFile, parse};
use keycomb::model::{Desired, Period, Provisional};
use miette::{GraphicalReportHandler, GraphicalTheme};

use super::oracle::{assert_line, assert_lines, parts};

/// Marks of the input that stand for secrets: a fuzzer would change one within, and then it is none.
/// Those of the second kind have no mark of their own, and are one only where nothing adjoins them.
pub const MARKS: &[(&str, &str, Kind)] = &[
    ("@INGEST@", "hcaik_01k5v7m3t9q4w8x2y6z0a1b2c4k3j9x0q7w2e8r5t1y6u4i0p9a3s7d2f8", Kind::Anywhere),
    (
        "@IDENTITY@",
        "AGE-SECRET-KEY-1GFE6M5525JKTQ0XAZ2PGQ2GHDPJZTENQFCZG8QF8ZVULMDPJ4YAQAM2XKC",
        Kind::Anywhere,
    ),
    ("@CONFIGURATION@", "aB3dE5gH7jK9mN1pQ3sT5v", Kind::Apart),
    ("@CLASSIC@", "0f1e2d3c4b5a69788796a5b4c3d2e1f0", Kind::Apart),
];

/// Where a secret is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Wherever it stands.
    Anywhere,
    /// As a word of its own.
    Apart,
}

const NAMES: [&str; 3] = ["keycomb.toml", "keys/a.toml", "keys/b.toml"];

/// The input is one to three files, between lines of `%%`.
pub fn run(data: &[u8]) {
    let files: Vec<SourceFile> =
        NAMES.iter().zip(parts(data)).map(|(name, part)| source(name, part)).collect();
    let texts: Vec<Vec<u8>> = files.iter().map(|file| file.text.clone()).collect();
    let planted: Vec<&str> =
        MARKS.iter().filter(|mark| is_planted(&texts, mark)).map(|mark| mark.1).collect();
    match (parse(files.clone()), parse(files)) {
        (Ok(desired), Ok(again)) => {
            assert!(planted.is_empty(), "a secret is let pass");
            assert_eq!(desired, again);
            assert_sound(&desired);
        }
        (Err(problems), Err(again)) => {
            let shown = [render(&problems), json(&problems), format!("{problems:?}")];
            assert_eq!(shown[1], json(&again));
            assert_lines(&shown[0]);
            assert!(!problems.list().is_empty());
            problems.list().iter().for_each(|problem| assert_placed(problem, &texts));
            for secret in planted {
                assert_kept(secret, &shown);
            }
        }
        _ => panic!("the same files are right and wrong"),
    }
}

fn source(name: &str, part: &[u8]) -> SourceFile {
    let text = match std::str::from_utf8(part) {
        Ok(text) => MARKS
            .iter()
            .fold(text.to_owned(), |text, (mark, secret, _)| text.replace(mark, secret))
            .into_bytes(),
        Err(_) => part.to_owned(),
    };
    SourceFile { name: name.into(), text }
}

/// Whether a secret is there, and nowhere as a part of something longer, which may be shown.
fn is_planted(texts: &[Vec<u8>], (_, secret, kind): &(&str, &str, Kind)) -> bool {
    let adjoins = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || "_-+/".contains(c));
    let found: Vec<bool> = texts
        .iter()
        .filter_map(|text| std::str::from_utf8(text).ok())
        .flat_map(|text| {
            text.match_indices(secret).map(move |(at, _)| (&text[..at], &text[at + secret.len()..]))
        })
        .map(|(before, after)| !adjoins(before.chars().next_back()) && !adjoins(after.chars().next()))
        .collect();
    // Nor any piece of it without its mark: that is none.
    let rest = |text: &Vec<u8>| String::from_utf8_lossy(text).replace(secret, " ");
    let has_piece = texts.iter().map(rest).any(|rest| pieces(secret).any(|piece| rest.contains(piece)));
    !found.is_empty() && !has_piece && (*kind == Kind::Anywhere || !found.contains(&false))
}

/// Every ten characters in a row; what it begins with is no secret.
fn pieces(secret: &str) -> impl Iterator<Item = &str> {
    let body = &secret.as_bytes()[secret.len().saturating_sub(32)..];
    body.windows(10).map(|window| std::str::from_utf8(window).unwrap())
}

/// No piece of it is shown.
fn assert_kept(secret: &str, shown: &[String]) {
    for piece in pieces(secret) {
        assert!(shown.iter().all(|text| !text.contains(piece)), "`{piece}` is in {}", shown[0]);
    }
}

fn assert_placed(problem: &Problem, texts: &[Vec<u8>]) {
    let Problem { file, line, column, message, help, also, .. } = problem;
    assert_at(file, *line, *column, texts);
    assert_line(message);
    help.iter().for_each(|help| assert_line(help));
    if let Some(also) = also {
        assert_at(&also.file, also.line, also.column, texts);
        assert_line(&also.message);
    }
}

fn assert_at(file: &str, line: usize, column: usize, texts: &[Vec<u8>]) {
    let index = NAMES.iter().position(|name| *name == file).expect("a file of ours");
    // What is no text has no places but its beginning; without a file there is an empty one.
    let text = texts.get(index).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let found = line.checked_sub(1).and_then(|line| text.split('\n').nth(line));
    let width = found.unwrap_or_else(|| panic!("{file} has no line {line}")).chars().count();
    assert!((1..=width + 1).contains(&column), "{file}:{line} has no column {column}");
}

fn assert_sound(desired: &Desired) {
    let mut seen = BTreeSet::new();
    for (address, key) in &desired.keys {
        assert_eq!(address, &key.address);
        assert!(desired.environments.contains_key(address.environment()), "{address}");
        assert!((1..=100).contains(&key.name.chars().count()), "{:?}", key.name);
        assert_line(&key.name);
        assert!(
            Provisional::parse(&key.name).is_none() && key.permissions.iter().all(|p| p.fits(key.key_type))
        );
        assert!(seen.insert((address.environment(), key.key_type, &key.name)), "{address} twice");
        let periods = key.rotate.iter().flat_map(|rotate| [rotate.every, rotate.overlap]);
        periods.chain([key.quarantine]).for_each(assert_read_back);
    }
    for environment in desired.environments.values() {
        assert!((1..=255).contains(&environment.name.chars().count()), "{:?}", environment.name);
    }
    assert!(!desired.seal.recipients.is_empty());
}

/// The record keeps it as text.
fn assert_read_back(period: Period) {
    assert_eq!(period.to_string().parse(), Ok(period));
}

fn render(problems: &Problems) -> String {
    let mut text = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(100)
        .with_links(false)
        .render_report(&mut text, problems)
        .unwrap();
    text
}

fn json(problems: &Problems) -> String {
    serde_json::to_string(problems).unwrap()
}
