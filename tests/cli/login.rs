//! A stored login: made by `auth login` alone, used by every command, counted last, taken out again.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::team::{Ran, SAMPLE, Team, files};

/// A command without the variables that a team's commands have, and with a home.
fn at_home(team: &Team, arguments: &[&str]) -> Command {
    let mut command = team.command(arguments);
    command
        .env_remove("HONEYCOMB_KEY_ID")
        .env_remove("HONEYCOMB_KEY_SECRET")
        .env("HOME", team.folder.path().join("home"));
    command
}

fn run(team: &Team, arguments: &[&str]) -> Ran {
    at_home(team, arguments).output().unwrap().into()
}

fn with_stdin(mut command: Command, text: &str) -> Ran {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may have refused before it reads.
    let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
    child.wait_with_output().unwrap().into()
}

fn stored(team: &Team) -> PathBuf {
    team.path("home/.config/keycomb/credentials.toml")
}

fn team() -> Team {
    let team = Team::new();
    team.declare(SAMPLE);
    fs::create_dir(team.path("home")).unwrap();
    team
}

#[test]
fn a_login_is_used_by_every_command_until_it_is_taken_out() {
    let team = team();
    let key = team.sandbox.management_key();
    for text in [format!("{}:{}\n", key.id, key.secret), format!("{}\n{}\n", key.id, key.secret)] {
        run(&team, &["plan"]).exits(4);
        let ran = with_stdin(at_home(&team, &["auth", "login"]), &text).exits(0);
        assert!(ran.stdout.contains(&key.id) && ran.stdout.contains("team acme"), "{}", ran.stdout);
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(&key.secret));
        assert_eq!(fs::metadata(stored(&team)).unwrap().permissions().mode() & 0o777, 0o600);
        for command in [&["plan"][..], &["apply", "--yes"], &["drift"], &["status"], &["doctor"]] {
            run(&team, command).exits(0);
        }
        let status = run(&team, &["auth", "status"]).exits(0).stdout;
        assert!(status.contains("the login stored in") && status.contains("credentials.toml"), "{status}");
        let ran = run(&team, &["auth", "logout"]).exits(0);
        assert!(ran.stdout.starts_with("removed:"), "{}", ran.stdout);
        assert!(run(&team, &["auth", "logout"]).exits(0).stdout.starts_with("nothing is stored"));
        assert_eq!(files(&team.path("home")), Vec::<PathBuf>::new());
    }
}

#[test]
fn what_the_environment_gives_counts_more_and_status_says_what_it_shadows() {
    let team = team();
    let key = team.sandbox.management_key();
    let other = team.sandbox.add_management_key(&["environments:read", "api-keys:read"], false);
    let mut command = at_home(&team, &["auth", "login"]);
    command.env("HONEYCOMB_KEY_ID", &key.id).env("HONEYCOMB_KEY_SECRET", &key.secret);
    let ran = with_stdin(command, &format!("{}:{}", other.id, other.secret)).exits(0);
    assert!(ran.stderr.contains("HONEYCOMB_KEY_ID and HONEYCOMB_KEY_SECRET counts more"), "{}", ran.stderr);
    let mut status = at_home(&team, &["auth", "status"]);
    status.env("HONEYCOMB_KEY_ID", &key.id).env("HONEYCOMB_KEY_SECRET", &key.secret);
    let shown = Ran::from(status.output().unwrap()).exits(0).stdout;
    assert!(shown.contains("from      HONEYCOMB_KEY_ID and HONEYCOMB_KEY_SECRET"), "{shown}");
    assert!(shown.contains("shadows   the login stored in"), "{shown}");
    assert!(run(&team, &["auth", "status"]).exits(0).stdout.contains(&other.id));
}

#[test]
fn what_the_service_refuses_or_is_another_teams_is_not_stored() {
    let team = team();
    let key = team.sandbox.management_key();
    let ran = with_stdin(at_home(&team, &["auth", "login"]), &format!("{}:nosuchsecret", key.id)).exits(4);
    assert!(!ran.stderr.contains("nosuchsecret"), "{}", ran.stderr);
    for text in ["", "\n", "onlyanid\n", "a b:c d\n"] {
        with_stdin(at_home(&team, &["auth", "login"]), text).exits(64);
    }
    let path = team.path("keycomb.toml");
    let text = fs::read_to_string(&path).unwrap().replace("team = \"acme\"", "team = \"umbrella\"");
    fs::write(&path, text).unwrap();
    let ran = with_stdin(at_home(&team, &["auth", "login"]), &format!("{}:{}", key.id, key.secret)).exits(4);
    assert!(ran.stderr.contains("umbrella"), "{}", ran.stderr);
    assert!(!stored(&team).exists());
}

#[test]
fn a_login_as_an_argument_is_refused_and_not_repeated() {
    let team = team();
    let key = team.sandbox.management_key();
    let both = format!("{}:{}", key.id, key.secret);
    for arguments in [&["auth", "login", &both][..], &["auth", "login", "--key", &both]] {
        let ran = run(&team, arguments).exits(64);
        assert!(!ran.stderr.contains(&key.secret), "{}", ran.stderr);
    }
    assert!(!stored(&team).exists());
}

#[test]
fn nothing_is_asked_or_stored_through_a_link_or_where_others_can_write() {
    let team = team();
    let key = team.sandbox.management_key();
    let text = format!("{}:{}", key.id, key.secret);
    let folder = stored(&team).parent().unwrap().to_owned();
    fs::create_dir_all(folder.parent().unwrap()).unwrap();
    let elsewhere = team.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, &folder).unwrap();
    let ran = with_stdin(at_home(&team, &["auth", "login"]), &text).exits(1);
    assert!(ran.stderr.contains("symbolic link"), "{}", ran.stderr);
    fs::remove_file(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    symlink(elsewhere.join("file"), stored(&team)).unwrap();
    let ran = with_stdin(at_home(&team, &["auth", "login"]), &text).exits(1);
    assert!(ran.stderr.contains("symbolic link"), "{}", ran.stderr);
    fs::remove_file(stored(&team)).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    let ran = with_stdin(at_home(&team, &["auth", "login"]), &text).exits(1);
    assert!(ran.stderr.contains("others on this machine can write"), "{}", ran.stderr);
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    assert!(team.sandbox.requests().is_empty(), "the key was tried before the place was looked at");
}

#[test]
fn a_login_needs_no_configuration_and_one_that_others_can_read_is_not_used() {
    let team = Team::new();
    fs::create_dir(team.path("home")).unwrap();
    let key = team.sandbox.management_key();
    let endpoint = team.sandbox.endpoint().to_owned();
    let command = at_home(&team, &["auth", "login", "--endpoint", &endpoint]);
    with_stdin(command, &format!("{}:{}", key.id, key.secret)).exits(0);
    team.declare(SAMPLE);
    run(&team, &["plan"]).exits(0);
    fs::set_permissions(stored(&team), fs::Permissions::from_mode(0o644)).unwrap();
    let ran = run(&team, &["plan"]).exits(4);
    assert!(ran.stderr.contains("chmod 600"), "{}", ran.stderr);
    fs::set_permissions(stored(&team), fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(team.path("keycomb.toml")).unwrap();
    run(&team, &["auth", "logout", "--endpoint", &endpoint]).exits(64);
    run(&team, &["auth", "logout", "--endpoint", &endpoint, "--team", "acme"]).exits(0);
    assert!(!stored(&team).exists());
}
