//! Holds the table of who may import what: a file imports only from lower levels or its own folder.

#![allow(clippy::unwrap_used, clippy::panic, clippy::string_slice, reason = "test code")]

use std::fs;
use std::path::{Path, PathBuf};

/// Folder (or file) under `src/`, and the modules of ours it may import besides itself.
const TABLE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("config", &["model"]),
    ("plan", &["model"]),
    // What another tool left behind: bytes to values, without deciding anything.
    ("terraform", &["model"]),
    ("ports", &["model"]),
    ("report", &["model", "plan"]),
    ("runs", &["model", "plan", "report"]),
    // A plan in a file, and whether it still holds.
    ("saved", &["model", "plan"]),
    // What was read, kept: values to a file's text and back.
    ("snapshot", &["model"]),
    ("honeycomb", &["model", "ports"]),
    ("seal", &["model", "ports"]),
    ("apply", &["model", "plan", "ports", "report"]),
    ("render", &["model", "plan", "report"]),
    ("sandbox", &["model"]),
    ("rehearse", &["model", "plan", "ports", "report", "honeycomb", "seal", "apply", "render", "sandbox"]),
    (
        "cli",
        &[
            "model",
            "config",
            "plan",
            "ports",
            "report",
            "honeycomb",
            "seal",
            "apply",
            "render",
            "sandbox",
            "rehearse",
            "terraform",
            "runs",
            "saved",
            "snapshot",
            "telemetry",
        ],
    ),
    ("telemetry", &[]),
    ("main", &["cli"]),
    ("lib", &[]),
];

/// Crates (or their modules) that only these folders may name.
const KEPT_TO: &[(&str, &[&str])] = &[
    ("reqwest::", &["honeycomb", "telemetry"]),
    ("opentelemetry", &["telemetry"]),
    ("opentelemetry_sdk", &["telemetry"]),
    ("opentelemetry_otlp", &["telemetry"]),
    ("opentelemetry_http", &["telemetry"]),
    ("tracing_opentelemetry", &["telemetry"]),
    ("axum::", &["sandbox"]),
    ("age::", &["seal", "model"]),
    ("clap::", &["cli"]),
    ("maud::", &["render"]),
    ("std::env", &["cli"]),
    ("std::fs", &["cli", "config", "seal", "sandbox", "honeycomb", "rehearse", "runs", "telemetry"]),
    (".await", &["ports", "honeycomb", "apply", "cli", "sandbox", "rehearse", "telemetry"]),
    ("Timestamp::now", &["cli", "sandbox", "honeycomb"]),
    ("SystemTime::now", &["cli", "sandbox", "honeycomb"]),
    ("println!", &[]),
];

#[test]
fn a_file_imports_only_from_lower_levels() {
    let mut wrong = Vec::new();
    for (file, room, code) in sources() {
        let Some((_, allowed)) = TABLE.iter().find(|(name, _)| *name == room) else {
            panic!("{} is in no room of the table", file.display());
        };
        for imported in ours(&code) {
            let known = TABLE.iter().any(|(name, _)| *name == imported);
            if known && imported != room && !allowed.contains(&imported.as_str()) {
                wrong.push(format!("{}: {room} must not import {imported}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_outside_is_named_only_where_it_belongs() {
    let mut wrong = Vec::new();
    for (file, room, code) in sources() {
        for (name, rooms) in KEPT_TO {
            if names(&code, name) && !rooms.contains(&room.as_str()) {
                wrong.push(format!("{}: {name} belongs to {rooms:?}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whatever only plans must not be able to write: the writer is named by `apply` alone.
#[test]
fn plan_and_drift_never_construct_the_writer() {
    for (file, room, code) in sources() {
        let verb = file.file_stem().unwrap().to_str().unwrap();
        let may_write = matches!(room.as_str(), "ports" | "honeycomb" | "apply" | "rehearse")
            || (room == "cli" && verb == "carry");
        for word in [".writer(", "Writer", "WriteLive"] {
            assert!(may_write || !names(&code, word), "{} names {word}", file.display());
        }
    }
}

#[test]
fn the_table_sees_what_it_forbids() {
    assert_eq!(ours("use crate::honeycomb::Reader;"), ["honeycomb"]);
    assert_eq!(ours("use crate::{model::Key, plan};"), ["model", "plan"]);
    assert_eq!(ours("let x = crate::seal::open();"), ["seal"]);
    assert_eq!(ours("use keycomb::cli;"), ["cli"]);
    assert!(names("std::env::var(x)", "std::env") && !names("mystd::environment", "std::env"));
}

/// (file, room, code without comments and without its unit tests)
fn sources() -> Vec<(PathBuf, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let inside = path.strip_prefix(&root).unwrap();
                let room = inside.components().next().unwrap().as_os_str().to_str().unwrap();
                let text = fs::read_to_string(&path).unwrap();
                found.push((inside.to_owned(), room.trim_end_matches(".rs").to_owned(), code_of(&text)));
            }
        }
    }
    assert!(found.len() > 30, "the sources are not where this test looks");
    found
}

fn code_of(text: &str) -> String {
    let product = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    product.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The modules of ours that a text names after `crate::` or `keycomb::`.
fn ours(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for root in ["crate::", "keycomb::"] {
        for (at, _) in code.match_indices(root) {
            let rest = &code[at + root.len()..];
            if let Some(list) = rest.strip_prefix('{') {
                let mut depth = 0;
                let mut word = String::new();
                for c in list.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => found.push(head(&std::mem::take(&mut word))),
                        c if depth == 0 => word.push(c),
                        _ => {}
                    }
                }
                found.push(head(&word));
            } else {
                found.push(head(rest));
            }
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

fn head(path: &str) -> String {
    path.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

/// Whether `code` has `name` where no longer word has it.
fn names(code: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + name.len()..].chars().next();
        let starts = !name.starts_with(is_word) || !before.is_some_and(is_word);
        let ends = !name.ends_with(is_word) || !after.is_some_and(is_word);
        starts && ends
    })
}
