//! `keycomb rehearse`, as a person runs it: no credential, no service, nothing left behind.

use std::fs;
use std::process::{Command, Stdio};

use crate::team::{Ran, keycomb};

const HEAD: &str = "version = 1\n[honeycomb]\nteam = \"acme\"\n[seal.recipients]\n\
    ops = \"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\"\n[environment.production]\n";

const KEYS: &str = "[key.collector]\nenvironment = \"production\"\ntype = \"ingest\"\n\
    [key.agent]\nenvironment = \"production\"\ntype = \"configuration\"\npermissions = [\"run_queries\"]\n";

fn rehearse(text: &str, arguments: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("keycomb.toml"), text).unwrap();
    let temporary = folder.path().join("temporary");
    fs::create_dir(&temporary).unwrap();
    let mut command = keycomb();
    command.current_dir(folder.path()).env("TMPDIR", &temporary).arg("rehearse").args(arguments);
    let ran: Ran = command.output().unwrap().into();
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0, "something was left behind");
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        2,
        "something was written beside the configuration"
    );
    ran
}

#[test]
fn a_rehearsal_finds_nothing_and_says_the_same_each_time() {
    let text = format!("{HEAD}{KEYS}");
    let first = rehearse(&text, &["--seeds", "6"]).exits(0).stdout;
    assert!(first.starts_with("6 runs of 2 keys\n"), "{first}");
    for zero in ["secrets lost", "live unsealed", "duplicates", "unmanaged touched", "leaked bytes"] {
        let line = first.lines().find(|line| line.trim_start().starts_with(zero)).expect(zero);
        assert!(line.ends_with("     0"), "{line}");
    }
    assert!(
        first.lines().any(|line| line.trim_start().starts_with("came to rest") && line.ends_with("     6"))
    );
    assert!(first.contains("a first apply of 2 keys takes "), "{first}");
    assert_eq!(rehearse(&text, &["--seeds", "6"]).exits(0).stdout, first);
}

#[test]
fn one_run_tells_its_steps() {
    let text = format!("{HEAD}{KEYS}");
    let first = rehearse(&text, &["--seed", "4"]).exits(0).stdout;
    assert!(first.contains("\nrun 4\n") && first.contains("  trouble stops; 4 hours pass\n"), "{first}");
    assert_eq!(rehearse(&text, &["--seed", "4"]).exits(0).stdout, first);
    rehearse(&text, &["--seed", "4", "--seeds", "4"]).exits(64);
}

#[test]
fn its_json_fits_the_published_schema() {
    let ran = rehearse(&format!("{HEAD}{KEYS}"), &["--seeds", "2", "--format", "json"]).exits(0);
    let path = format!("{}/schema/rehearsal.schema.json", env!("CARGO_MANIFEST_DIR"));
    let schema = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    jsonschema::validate(&schema, &document).unwrap();
    assert_eq!(
        (&document["runs"], &document["rested"], &document["failed"]),
        (&2.into(), &2.into(), &().into())
    );
}

#[test]
fn without_keys_there_is_nothing_to_rehearse() {
    let ran = rehearse(HEAD, &[]).exits(0);
    assert!(ran.stderr.contains("nothing to rehearse") && ran.stdout.is_empty(), "{ran:?}");
    let ran = rehearse(HEAD, &["--format", "json"]).exits(0);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&document["runs"], &document["calls"]), (&0.into(), &().into()));
}

#[test]
fn no_run_at_all_is_refused() {
    let ran = rehearse(&format!("{HEAD}{KEYS}"), &["--seeds", "0"]).exits(64);
    assert!(ran.stderr.contains("0 is not in 1.."), "{ran:?}");
}

/// There are more seeds than any machine gets through, and it is interrupted once the first run has its folder: what it
/// got to is printed whole.
#[test]
fn interrupted_it_prints_what_was_done() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("keycomb.toml"), format!("{HEAD}{KEYS}")).unwrap();
    let temporary = folder.path().join("temporary");
    fs::create_dir(&temporary).unwrap();
    let mut command = keycomb();
    command.current_dir(folder.path()).env("TMPDIR", &temporary);
    command.args(["rehearse", "--seeds", "1000000000", "--format", "json"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while fs::read_dir(&temporary).unwrap().count() == 0 {
        std::thread::yield_now();
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.expect("`kill` is missing: install procps").success());
    let ran: Ran = child.wait_with_output().unwrap().into();
    let document: serde_json::Value = serde_json::from_str(&ran.exits(130).stdout).unwrap();
    assert_eq!((&document["runs"], &document["failed"]), (&document["rested"], &().into()));
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0, "something was left behind");
}
