//! The sealed file attacked, as the binary sees it: refused before anything is asked of the service, or kept for the
//! next run.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use keycomb::model::{Endpoint, Lineage, TeamSlug};
use keycomb::seal::{Holder, Keeper};

use crate::team::{Ran, SAMPLE, Team};

fn writes(team: &Team) -> usize {
    team.sandbox.requests().iter().filter(|request| request.method != "GET").count()
}

/// Without the line breaks and the frame of a message.
fn words(text: &str) -> String {
    text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

#[test]
fn a_lock_that_is_held_says_by_whom_and_since_when() {
    let team = Team::new();
    team.declare(SAMPLE);
    let started = keycomb::model::Timestamp::now() - std::time::Duration::from_secs(12 * 60 + 30);
    let holder = Holder {
        pid: 4711,
        host: "runner-7".into(),
        user: Some("sam".into()),
        started,
        command: "keycomb apply".into(),
    };
    let acme = TeamSlug::new("acme").unwrap();
    let endpoint = Endpoint::new(team.sandbox.endpoint()).unwrap();
    let lineage = Lineage::new("0123456789abcdef").unwrap();
    let file = team.path("keycomb.sealed.toml");
    let keeper = Keeper::open(&file, &acme, &endpoint, lineage, &holder).unwrap();
    let said = words(&team.run(&["apply", "--yes"]).exits(8).stderr);
    assert!(said.contains("process 4711 on runner-7 of sam, running `keycomb apply` since"), "{said}");
    assert!(said.contains("12 minutes ago"), "{said}");
    assert_eq!(writes(&team), 0);
    // Looking needs no lock, and the lock ends with its holder.
    team.run(&["plan"]).exits(0);
    drop(keeper);
    team.run(&["apply", "--yes"]).exits(0);
}

#[test]
fn what_is_no_regular_file_is_refused_before_anything_is_written() {
    type Put = fn(&Path, &Path);
    let kinds: [(&str, Put); 4] = [
        ("a symbolic link", |place, target| symlink(target, place).unwrap()),
        ("a symbolic link", |place, _| symlink("/nowhere/at/all", place).unwrap()),
        ("a folder", |place, _| fs::create_dir(place).unwrap()),
        ("a device, pipe or socket", |place, _| {
            let made = Command::new("mkfifo").arg(place).status();
            assert!(made.expect("install mkfifo (apt-get install coreutils)").success());
        }),
    ];
    for suffix in ["", ".journal", ".lock"] {
        for (kind, put) in kinds {
            let team = Team::new();
            team.declare(SAMPLE);
            let target = team.path("precious");
            fs::write(&target, "precious").unwrap();
            put(&team.path(&format!("keycomb.sealed.toml{suffix}")), &target);
            let ran = team.run(&["apply", "--yes"]).exits(9);
            assert!(ran.stderr.contains(kind), "{suffix}: {}", ran.stderr);
            assert_eq!(writes(&team), 0, "{suffix}: {kind}");
            assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
            if suffix != ".lock" {
                team.run(&["plan"]).exits(9);
            }
        }
    }
}

#[test]
fn a_file_of_another_lineage_team_or_format_changes_nothing() {
    let team = Team::new();
    team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    let file = team.path("keycomb.sealed.toml");
    let good = fs::read_to_string(&file).unwrap();
    let before = writes(&team);
    let lineage = good.lines().find(|line| line.starts_with("lineage")).unwrap();
    for (from, to, exit) in [
        ("version = 1", "version = 2", 9),
        ("team = \"acme\"", "team = \"other\"", 9),
        // Nothing in the clear tells one lineage from another: what is sealed does.
        (lineage, "lineage = \"zzzzzzzzzzzzzzzz\"", 0),
    ] {
        fs::write(&file, good.replace(from, to)).unwrap();
        team.run(&["apply", "--yes"]).exits(exit);
        assert_eq!(writes(&team), before, "{to}");
    }
    let identity = team.identity.to_str().unwrap();
    let ran = team.run(&["secrets", "open", "key.staging.ci", "-i", identity]).exits(9);
    assert!(ran.stderr.contains("lineage") && ran.stdout.is_empty(), "{}", ran.stderr);
}

/// Somebody checks out another version of the file while an apply works.
#[test]
fn a_file_that_was_swapped_during_the_run_is_left_alone_and_the_journal_is_kept() {
    let team = Team::new();
    team.declare("[environment.a]\n").run(&["apply", "--yes"]).exits(0);
    let file = team.path("keycomb.sealed.toml");
    let begun = fs::read_to_string(&file).unwrap();
    fs::copy(&file, team.path("base.toml")).unwrap();
    team.declare("[environment.a]\n[key.k]\nenvironment = \"a\"\ntype = \"ingest\"\n");
    team.sandbox.add_fault("slow:POST:api-keys=3s".parse().unwrap());
    let journal = team.path("keycomb.sealed.toml.journal");
    let mut child = team.command(&["apply", "--yes"]);
    let child =
        child.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    while !journal.exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let swapped = begun.replace("serial = 1", "serial = 5");
    assert_ne!(swapped, begun);
    fs::write(&file, &swapped).unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap()).exits(9);
    assert!(words(&ran.stdout).contains("changed by something else"), "{ran:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), swapped);
    assert!(journal.exists());
    // The key is live, and its secret only in the journal: nothing goes on before the two are joined.
    let ran = team.run(&["apply", "--yes"]).exits(9);
    assert!(words(&ran.stderr).contains("secrets merge base.toml keycomb.sealed.toml"), "{}", ran.stderr);
    fs::rename(&file, team.path("theirs.toml")).unwrap();
    fs::write(&file, &begun).unwrap();
    team.run(&["secrets", "merge", "base.toml", "keycomb.sealed.toml", "theirs.toml"]).exits(0);
    assert!(!journal.exists());
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
    let identity = team.identity.to_str().unwrap();
    let opened = team.run(&["secrets", "open", "key.a.k", "-i", identity]).exits(0).stdout;
    let truth = team.sandbox.truth();
    assert_eq!(opened.trim(), truth.live_keys().next().unwrap().credential);
    assert_eq!(truth.keys.len(), 1);
}

/// Without git nothing tells that the file was there, but the names at the service are taken.
#[test]
fn a_file_that_is_gone_mints_nothing_twice() {
    let team = Team::new();
    team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    fs::remove_file(team.path("keycomb.sealed.toml")).unwrap();
    let (before, keys) = (writes(&team), team.sandbox.truth().keys.len());
    team.run(&["apply", "--yes"]).exits(5);
    assert_eq!((writes(&team), team.sandbox.truth().keys.len()), (before, keys));
}

#[test]
fn who_is_a_recipient_in_the_clear_does_not_change_who_can_open_it() {
    let team = Team::new();
    team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    let file = team.path("keycomb.sealed.toml");
    let good = fs::read_to_string(&file).unwrap();
    let start = good.find("fingerprint = \"").unwrap() + "fingerprint = \"".len();
    let fingerprint = &good[start..start + good[start..].find('"').unwrap()];
    fs::write(&file, good.replace(fingerprint, "0000000000000000")).unwrap();
    let plan = team.run(&["plan"]).exits(0).stdout;
    assert!(plan.contains("sealed to others than are declared now"), "{plan}");
    let identity = team.identity.to_str().unwrap();
    team.run(&["secrets", "open", "key.staging.ci", "-i", identity]).exits(0);
}
