//! `scan`: what leaked into a tree or its history, told and never shown.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::team::{Ran, Team};

const KEYS: &str = "[environment.production]\n[key.checkout]\nenvironment = \"production\"\ntype = \"ingest\"\n\
                    [key.ci]\nenvironment = \"production\"\ntype = \"configuration\"\n";
const FOREIGN: &str = "hcaik_01k5v7m3t9q4w8x2y6z0a1b2c4k3j9x0q7w2e8r5t1y6u4i0p9a3s7d2f8";

/// A team with two keys in a git repository of its own.
fn repository() -> Team {
    let team = Team::new();
    team.declare(KEYS).run(&["apply", "--yes"]).exits(0);
    git(&team, &["init", "-q"]);
    git(&team, &["config", "user.email", "a@example.com"]);
    git(&team, &["config", "user.name", "A"]);
    fs::write(team.path(".gitignore"), "identity.txt\n*.lock\nignored/\n.keycomb/\n").unwrap();
    team
}

fn git(team: &Team, arguments: &[&str]) {
    let ran = Command::new("git")
        .args(arguments)
        .current_dir(team.folder.path())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("HOME", team.folder.path())
        .output()
        .expect("these tests need `git` (apt-get install git)");
    assert!(ran.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

fn write(team: &Team, name: &str, text: &str) {
    let path = team.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn credential(team: &Team, name: &str) -> String {
    let id = team.key_id(name);
    team.sandbox.truth().keys.into_iter().find(|key| key.id == id).unwrap().credential
}

/// The findings as (path, line, column, kind, severity, address), sorted.
fn found(ran: &Ran) -> Vec<(String, u64, u64, String, String, String)> {
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["format"], "keycomb.scan/1");
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let one = |f: &Value| {
        let (line, column) = (f["line"].as_u64().unwrap(), f["column"].as_u64().unwrap());
        (text(&f["path"]), line, column, text(&f["kind"]), text(&f["severity"]), text(&f["address"]))
    };
    let mut found: Vec<_> = document["findings"].as_array().unwrap().iter().map(one).collect();
    found.sort();
    found
}

fn row(
    path: &str,
    line: u64,
    column: u64,
    kind: &str,
    severity: &str,
    address: &str,
) -> (String, u64, u64, String, String, String) {
    (path.into(), line, column, kind.into(), severity.into(), address.into())
}

#[test]
fn credentials_and_managed_ids_are_told_with_their_place_and_never_shown() {
    let team = repository();
    let (ingest, configuration, id) =
        (credential(&team, "checkout"), credential(&team, "ci"), team.key_id("ci"));
    write(&team, "deploy/values.yaml", &format!("a: 1\n  key: {ingest}\n"));
    write(&team, ".env", &format!("HONEYCOMB_API_KEY={configuration}\n"));
    write(&team, "docs/keys.md", &format!("the pipeline's key is `{id}`\n"));
    write(&team, "old.txt", &format!("{FOREIGN}\n"));
    write(&team, "ignored/x", &format!("{FOREIGN}\n"));
    write(&team, "image.bin", &format!("\0\0{FOREIGN}\n"));
    team.sandbox.clear_requests();
    let ran = team.run(&["scan", "--format", "json"]).exits(2);
    assert_eq!(
        found(&ran),
        [
            row(".env", 1, 19, "configuration", "high", "-"),
            row("deploy/values.yaml", 2, 8, "ingest", "high", "key.production.checkout"),
            row("docs/keys.md", 1, 24, "key_id", "note", "key.production.ci"),
            row("old.txt", 1, 1, "ingest", "high", "-"),
        ]
    );
    let told = team.run(&["scan"]).exits(2);
    assert!(
        told.stdout.contains("deploy/values.yaml:2:8  high  an ingest key's credential"),
        "{}",
        told.stdout
    );
    assert!(told.stdout.contains("key.production.checkout generation 1 (live)"), "{}", told.stdout);
    for secret in [&ingest[32..], &configuration, &FOREIGN[32..]] {
        for said in [&ran.stdout, &ran.stderr, &told.stdout, &told.stderr] {
            assert!(!said.contains(secret), "{said}");
        }
    }
    assert_eq!(team.sandbox.requests().len(), 0, "it asks nobody");
    let with_ignored = team.run(&["scan", "--ignored", "--format", "json"]).exits(2);
    assert!(found(&with_ignored).iter().any(|f| f.0 == "ignored/x"));
    assert!(found(&with_ignored).iter().any(|f| f.0 == "identity.txt" && f.3 == "age_identity"));
}

#[test]
fn ids_alone_are_no_leak_and_neither_is_the_sealed_file() {
    let team = repository();
    let ran = team.run(&["scan", "--format", "json"]).exits(0);
    assert_eq!(found(&ran), []);
    write(&team, "README.md", &format!("{}\n", team.key_id("checkout")));
    let ran = team.run(&["scan", "README.md", "--format", "json"]).exits(0);
    assert_eq!(found(&ran), [row("README.md", 1, 1, "key_id", "note", "key.production.checkout")]);
    team.run(&["scan", "nowhere"]).exits(64);
}

#[test]
fn the_history_is_looked_through_once_with_the_commit_that_brought_it() {
    let team = repository();
    git(&team, &["add", "."]);
    git(&team, &["commit", "-qm", "clean"]);
    let ingest = credential(&team, "checkout");
    write(&team, "app/config.ini", &format!("x\nkey={ingest}\n"));
    git(&team, &["add", "."]);
    git(&team, &["commit", "-qm", "oops"]);
    write(&team, "app/config.ini", "x\n");
    write(&team, "again.txt", &format!("x\nkey={ingest}\n"));
    git(&team, &["add", "."]);
    git(&team, &["commit", "-qm", &format!("was {FOREIGN}")]);
    git(&team, &["rm", "-q", "again.txt"]);
    git(&team, &["commit", "-qm", "gone"]);
    assert_eq!(found(&team.run(&["scan", "--format", "json"]).exits(0)), []);
    let ran = team.run(&["scan", "--history", "--format", "json"]).exits(2);
    assert_eq!(
        found(&ran),
        [
            row("(message)", 1, 5, "ingest", "high", "-"),
            // The same content elsewhere is the same blob, said once.
            row("app/config.ini", 2, 5, "ingest", "high", "key.production.checkout"),
        ]
    );
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let commits =
        Command::new("git").args(["log", "--format=%H %s"]).current_dir(team.folder.path()).output().unwrap();
    let commits = String::from_utf8(commits.stdout).unwrap();
    let oops = commits.lines().find(|line| line.ends_with(" oops")).unwrap();
    let brought =
        document["findings"].as_array().unwrap().iter().find(|f| f["path"] == "app/config.ini").unwrap();
    assert!(oops.starts_with(brought["commit"].as_str().unwrap()), "{brought} {commits}");
    assert!(!ran.stdout.contains(&ingest[32..]));
}

#[test]
fn a_shallow_clone_is_said() {
    let team = repository();
    for number in 0..2 {
        write(&team, "a.txt", &number.to_string());
        git(&team, &["add", "a.txt"]);
        git(&team, &["commit", "-qm", "x"]);
    }
    let from = format!("file://{}", team.folder.path().display());
    git(&team, &["clone", "-q", "--depth", "1", &from, "shallow"]);
    for (path, is_shallow) in [(".", false), ("shallow", true)] {
        let ran = team.run(&["scan", path, "--history", "--format", "json"]).exits(0);
        let document: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(document["shallow"], is_shallow, "{path}");
        assert_eq!(ran.stderr.contains("shallow"), is_shallow, "{}", ran.stderr);
    }
}

#[test]
fn links_are_not_followed_and_names_are_harmless() {
    let team = repository();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), FOREIGN).unwrap();
    std::os::unix::fs::symlink(outside.path(), team.path("link")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret"), team.path("file")).unwrap();
    assert_eq!(found(&team.run(&["scan", "--format", "json"]).exits(0)), []);
    let name = "a\u{1b}[31m\nb\u{202e}.txt";
    fs::write(team.path(name), FOREIGN).unwrap();
    let ran = team.run(&["scan"]).exits(2);
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stdout.contains('\u{202e}'), "{:?}", ran.stdout);
    assert_eq!(ran.stdout.lines().count(), 1);
    git(&team, &["add", "."]);
    git(&team, &["commit", "-qm", "x"]);
    let ran = team.run(&["scan", "--history"]).exits(2);
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stdout.contains('\u{202e}'), "{:?}", ran.stdout);
}

/// Nothing that a repository's settings name is run, and nothing is asked of a service.
#[test]
fn without_a_configuration_or_a_repository_it_says_so() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x"), FOREIGN).unwrap();
    let run = |arguments: &[&str]| -> Ran {
        crate::team::keycomb().current_dir(folder.path()).args(arguments).output().unwrap().into()
    };
    let ran = run(&["scan"]).exits(2);
    assert!(ran.stderr.contains("no configuration"), "{}", ran.stderr);
    let ran = run(&["scan", "--history"]).exits(1);
    assert!(ran.stderr.contains("no repository"), "{}", ran.stderr);
}

#[test]
fn a_hostile_repository_runs_nothing() {
    let team = repository();
    write(&team, "a.txt", FOREIGN);
    write(&team, ".gitattributes", "* diff=evil filter=evil\n");
    git(&team, &["add", "a.txt", ".gitattributes"]);
    git(&team, &["commit", "-qm", "x"]);
    let mark = team.path("ran");
    let evil = format!("touch {}", mark.display());
    for setting in [
        "core.fsmonitor",
        "core.pager",
        "pager.log",
        "diff.external",
        "diff.evil.textconv",
        "diff.evil.command",
        "filter.evil.smudge",
    ] {
        git(&team, &["config", setting, &evil]);
    }
    team.run(&["scan", "--history"]).exits(2);
    assert!(!Path::new(&mark).exists());
}
