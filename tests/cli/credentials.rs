//! Credentials from files and variables: whose files, with which modes, with which line ends.

use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Stdio;

use crate::team::{Ran, SAMPLE, Team};

fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Runs without the variables that a team's commands have.
fn run_with(team: &Team, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = team.command(arguments);
    command.env_remove("HONEYCOMB_KEY_ID").env_remove("HONEYCOMB_KEY_SECRET").envs(variables.iter().copied());
    command.output().unwrap().into()
}

fn team_and_key() -> (Team, String) {
    let team = Team::new();
    team.declare(SAMPLE);
    let key = team.sandbox.management_key();
    (team, format!("{}:{}", key.id, key.secret))
}

#[test]
fn a_key_file_that_others_can_read_is_refused_with_the_chmod_to_run() {
    let (team, key) = team_and_key();
    let path = team.path("key");
    symlink("key", team.path("link")).unwrap();
    for (mode, exit) in [(0o644, 4), (0o640, 4), (0o602, 4), (0o600, 0), (0o400, 0)] {
        write(&path, &key, mode);
        for file in ["key", "link"] {
            let before = team.sandbox.requests().len();
            let ran = run_with(&team, &["plan", "--key-file", file], &[]).exits(exit);
            if exit == 4 {
                assert!(ran.stderr.contains(&format!("run `chmod 600 {file}`")), "{}", ran.stderr);
                assert!(!ran.stderr.contains(key.split(':').nth(1).unwrap()), "{}", ran.stderr);
                assert_eq!(team.sandbox.requests().len(), before, "something was sent");
            }
        }
        fs::remove_file(&path).unwrap();
    }
    let (id, secret) = key.split_once(':').unwrap();
    write(&team.path("secret"), secret, 0o644);
    let variables = [("HONEYCOMB_KEY_ID", id), ("HONEYCOMB_KEY_SECRET_FILE", "secret")];
    let ran = run_with(&team, &["plan"], &variables).exits(4);
    assert!(ran.stderr.contains("run `chmod 600 secret`"), "{}", ran.stderr);
    // The command in the message is the one that helps.
    assert!(
        std::process::Command::new("chmod")
            .args(["600", "secret"])
            .current_dir(team.folder.path())
            .status()
            .unwrap()
            .success()
    );
    run_with(&team, &["plan"], &variables).exits(0);
}

#[test]
fn a_key_file_may_be_a_pipe() {
    let (team, key) = team_and_key();
    let mut command = team.command(&["plan", "--key-file", "/dev/stdin"]);
    command.env_remove("HONEYCOMB_KEY_ID").env_remove("HONEYCOMB_KEY_SECRET");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), key.as_bytes()).unwrap();
    Ran::from(child.wait_with_output().unwrap()).exits(0);
}

#[test]
fn a_key_file_that_is_a_folder_or_endless_is_told() {
    let (team, _) = team_and_key();
    fs::create_dir(team.path("folder")).unwrap();
    for file in ["folder", "/dev/zero"] {
        let ran = run_with(&team, &["plan", "--key-file", file], &[]).exits(4);
        assert!(ran.stderr.contains(file), "{}", ran.stderr);
    }
}

#[test]
fn line_ends_of_variables_and_files_are_taken_off() {
    let (team, key) = team_and_key();
    let (id, secret) = key.split_once(':').unwrap();
    write(&team.path("key"), &format!("{key}\r\n"), 0o600);
    write(&team.path("secret"), &format!("{secret}\r\n\r\n"), 0o600);
    let (id_line, secret_line) = (format!("{id}\n"), format!(" {secret}\r\n"));
    run_with(&team, &["plan", "--key-file", "key"], &[]).exits(0);
    let pairs = [
        [("HONEYCOMB_KEY_ID", id_line.as_str()), ("HONEYCOMB_KEY_SECRET", secret_line.as_str())],
        [("KEYCOMB_KEY_ID", id_line.as_str()), ("KEYCOMB_KEY_SECRET_FILE", "secret\n")],
        [("HONEYCOMB_MANAGEMENT_KEY", id_line.as_str()), ("HONEYCOMB_MANAGEMENT_SECRET_FILE", "secret\r\n")],
    ];
    for pair in pairs {
        run_with(&team, &["plan"], &pair).exits(0);
    }
    let endpoint = format!("{}\n", team.sandbox.endpoint());
    let mut command = team.command(&["plan"]);
    command.envs([("KEYCOMB_ENDPOINT", endpoint.as_str()), ("KEYCOMB_CONFIG", "keycomb.toml\r\n")]);
    Ran::from(command.output().unwrap()).exits(0);
}

#[test]
fn what_cannot_stand_in_a_header_is_told_and_never_sent() {
    let (team, key) = team_and_key();
    let (id, _) = key.split_once(':').unwrap();
    let before = team.sandbox.requests().len();
    for secret in [
        &b"a\nb"[..],
        b"a\r\nX-Honeycomb-Team: b",
        b"\"quoted one\"",
        b"a\xffb",
        "\u{feff}a".as_bytes(),
        b" \n",
    ] {
        let mut command = team.command(&["plan"]);
        command.env("HONEYCOMB_KEY_ID", id).env("HONEYCOMB_KEY_SECRET", std::ffi::OsStr::from_bytes(secret));
        let ran = Ran::from(command.output().unwrap()).exits(4);
        assert!(ran.stderr.contains("has characters that no"), "{}", ran.stderr);
        assert!(!ran.stderr.contains("quoted one"), "{}", ran.stderr);
    }
    assert_eq!(team.sandbox.requests().len(), before);
}

#[test]
fn an_identity_that_others_can_read_is_used_and_said() {
    let (team, _) = team_and_key();
    team.run(&["apply", "--yes"]).exits(0);
    let open = ["secrets", "open", "key.staging.ci", "-i", "identity.txt"];
    assert_eq!(team.run(&open).exits(0).stderr, "");
    fs::set_permissions(&team.identity, Permissions::from_mode(0o644)).unwrap();
    let ran = team.run(&open).exits(0);
    assert_eq!(ran.stderr, "note: others on this machine can read `identity.txt`: chmod 600 identity.txt\n");
}

#[test]
fn nothing_is_written_through_a_link_or_over_a_folder() {
    let team = Team::new();
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("target");
    for dangling in [false, true] {
        if dangling {
            fs::remove_file(&target).unwrap()
        } else {
            fs::write(&target, "theirs").unwrap()
        }
        for arguments in [
            &["init", "-c", "link"][..],
            &["init", "-c", "new.toml", "--identity", "link"],
            &["sandbox", "--state", "link"],
        ] {
            let _ = fs::remove_file(team.path("link"));
            symlink(&target, team.path("link")).unwrap();
            let ran = team.run(arguments);
            assert!(ran.exit != 0 && ran.stderr.contains("link"), "{arguments:?}: {}", ran.stderr);
            assert!(!team.path("new.toml").exists(), "{arguments:?}");
        }
        fs::remove_file(team.path("link")).unwrap();
        symlink(&target, team.path(".gitignore")).unwrap();
        let ran = team.run(&["init", "-c", "new.toml"]).exits(3);
        assert!(ran.stderr.contains("a symbolic link"), "{}", ran.stderr);
        fs::remove_file(team.path(".gitignore")).unwrap();
        assert_eq!(fs::read_to_string(&target).ok().as_deref(), (!dangling).then_some("theirs"));
    }
    team.declare(SAMPLE);
    symlink(outside.path(), team.path(".keycomb")).unwrap();
    let ran = team.run(&["plan", "--sandbox"]).exits(3);
    assert!(ran.stderr.contains(".keycomb") && ran.stderr.contains("symbolic link"), "{}", ran.stderr);
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    fs::create_dir(team.path("folder")).unwrap();
    for arguments in [
        &["init", "-c", "folder"][..],
        &["init", "-c", "x.toml", "--identity", "folder"],
        &["sandbox", "--state", "folder"],
    ] {
        let ran = team.run(arguments);
        assert!(ran.exit != 0 && ran.stderr.contains("folder"), "{arguments:?}: {}", ran.stderr);
    }
}
