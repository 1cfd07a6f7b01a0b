//! On a terminal: the question, colours. `script` (bsdutils, util-linux) gives the binary a terminal of its own.

use std::io::Write as _;
use std::process::Stdio;

use crate::team::{Ran, SAMPLE, Team};

/// Runs keycomb on a terminal, types `answer`, and gives everything that the terminal showed.
fn on_terminal(team: &Team, arguments: &str, variables: &[(&str, &str)], answer: &str) -> Ran {
    let binary = assert_cmd::cargo::cargo_bin!("keycomb");
    let mut command = team.command(&[]);
    let path =
        command.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, path)| path).unwrap().to_owned();
    let mut script = std::process::Command::new("script");
    script
        .env_clear()
        .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("PATH", path);
    script
        .args(["-qec", &format!("{} {arguments}", binary.display()), "/dev/null"])
        .current_dir(team.folder.path())
        .env("TERM", "xterm")
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.env_clear();
    let mut child = script.spawn().expect("this test needs `script`: install bsdutils or util-linux");
    child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

#[test]
fn only_yes_goes_on() {
    for answer in ["no\n", "\n", "y\n"] {
        let team = Team::new();
        team.declare(SAMPLE);
        let ran = on_terminal(&team, "apply", &[], answer).exits(11);
        assert!(ran.stdout.contains("Apply 5 changes?") && ran.stdout.contains("declined"), "{}", ran.stdout);
        assert!(team.sandbox.requests().iter().all(|request| request.method == "GET"));
        assert!(
            !team.path("keycomb.sealed.toml").exists() && !team.path("keycomb.sealed.toml.journal").exists()
        );
    }
    let team = Team::new();
    team.declare(SAMPLE);
    on_terminal(&team, "apply", &[], "yes\n").exits(0);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn a_terminal_gets_colour_unless_it_is_dumb_or_nobody_wants_it() {
    let team = Team::new();
    team.declare(SAMPLE);
    let is_colored = |variables: &[(&str, &str)]| {
        on_terminal(&team, "plan", variables, "").exits(0).stdout.contains("\u{1b}[3")
    };
    assert!(is_colored(&[]));
    assert!(!is_colored(&[("NO_COLOR", "1")]));
    assert!(!is_colored(&[("TERM", "dumb")]));
}

#[test]
fn off_a_terminal_there_is_no_bar() {
    let team = Team::new();
    team.declare(SAMPLE);
    assert_eq!(
        team.run(&["apply", "--yes"]).exits(0).stderr,
        "sealed: ./keycomb.sealed.toml\n".replace("./", "")
    );
}
