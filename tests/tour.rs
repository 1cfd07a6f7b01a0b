//! Runs docs/tour.md: every `$ ` line of its console blocks, in one empty folder, and compares what is printed.
//!
//! `[..]` in an expected line stands for anything, a line `...` for any number of lines.

#![allow(clippy::unwrap_used, clippy::panic, clippy::string_slice, reason = "test code")]

use std::fs;
use std::path::Path;
use std::process::Command;

struct Step {
    line: usize,
    command: String,
    expected: Vec<String>,
}

#[test]
fn the_tour_does_what_it_says() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tour.md")).unwrap();
    let steps = steps(&text);
    assert!(steps.len() >= 10, "the tour has lost its steps");
    let folder = tempfile::tempdir().unwrap();
    let program = assert_cmd::cargo::cargo_bin!("keycomb").parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    for step in steps {
        let output = Command::new("bash")
            .args(["-c", &format!("{{ {}\n}} 2>&1", step.command)])
            .current_dir(folder.path())
            .env_clear()
            .env("PATH", &path)
            .env("LANG", "C.UTF-8")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let said: Vec<&str> = said.lines().map(str::trim_end).collect();
        let expected: Vec<&str> = step.expected.iter().map(|line| line.trim_end()).collect();
        assert!(
            matches(&expected, &said),
            "docs/tour.md:{}: $ {}\nexpected:\n{}\nsaid:\n{}",
            step.line,
            step.command,
            expected.join("\n"),
            said.join("\n")
        );
    }
}

#[test]
fn what_differs_does_not_match() {
    assert!(matches(&["a", "...", "b [..] c"], &["a", "x", "y", "b 1 c"]));
    assert!(!matches(&["a"], &["b"]));
    assert!(!matches(&["a"], &["a", "b"]));
    assert!(!matches(&["b [..] c"], &["b 1 d"]));
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| inside) {
            steps.push(Step { line: number + 1, command: command.to_owned(), expected: Vec::new() });
        } else if let Some(more) = line.strip_prefix("> ").filter(|_| inside) {
            let step = steps.last_mut().unwrap();
            step.command = format!("{}\n{more}", step.command);
        } else if inside {
            steps.last_mut().unwrap().expected.push(line.to_owned());
        }
    }
    for step in &mut steps {
        while step.expected.last().is_some_and(String::is_empty) {
            step.expected.pop();
        }
    }
    steps
}

fn matches(expected: &[&str], said: &[&str]) -> bool {
    match expected.split_first() {
        None => said.iter().all(|line| line.is_empty()),
        Some((&"...", rest)) => {
            (0..=said.len()).any(|skip| said.get(skip..).is_some_and(|left| matches(rest, left)))
        }
        Some((first, rest)) => {
            said.split_first().is_some_and(|(line, more)| like(first, line) && matches(rest, more))
        }
    }
}

fn like(expected: &str, said: &str) -> bool {
    let mut parts = expected.split("[..]");
    let Some(mut rest) = said.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.is_empty()
}
