//! On a terminal: the question, colours. `script` (bsdutils, util-linux) gives the binary a terminal of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Stdio};

use crate::team::{Ran, SAMPLE, Team};

const NEEDED: &str = "this test needs `script`: install bsdutils or util-linux";

/// keycomb on a terminal of its own; `before` is what the shell there does first.
fn script(team: &Team, before: &str, arguments: &str, variables: &[(&str, &str)]) -> Command {
    let binary = assert_cmd::cargo::cargo_bin!("keycomb");
    let mut command = team.command(&[]);
    let path =
        command.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, path)| path).unwrap().to_owned();
    let mut script = Command::new("script");
    script
        .env_clear()
        .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("PATH", path);
    script
        .args(["-qec", &format!("{before}{} {arguments}", binary.display()), "/dev/null"])
        .current_dir(team.folder.path())
        .env("TERM", "xterm")
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.env_clear();
    script
}

/// Runs keycomb on a terminal, types `answer`, and gives everything that the terminal showed.
pub fn on_terminal(team: &Team, arguments: &str, variables: &[(&str, &str)], answer: &str) -> Ran {
    let mut child = script(team, "", arguments, variables).spawn().expect(NEEDED);
    child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

/// Whether a terminal shows what is typed.
fn is_shown(terminal: &str) -> bool {
    let told = Command::new("stty").args(["-F", terminal, "-a"]).output();
    let told = String::from_utf8(told.expect("this test needs `stty`: install coreutils").stdout).unwrap();
    assert!(told.contains("echo "), "{told}");
    !told.contains("-echo ")
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

/// Id and secret are asked for one after the other.
#[test]
fn a_management_key_that_is_typed_is_stored_and_not_shown() {
    let team = Team::new();
    team.declare(SAMPLE);
    let key = team.sandbox.management_key();
    let home = [("XDG_CONFIG_HOME", team.folder.path().to_str().unwrap())];
    let mut child = script(&team, "stty echo; tty; exec ", "auth login", &home).spawn().expect(NEEDED);
    let mut shown = BufReader::new(child.stdout.take().unwrap());
    let mut terminal = String::new();
    shown.read_line(&mut terminal).unwrap();
    let mut typed = child.stdin.take().unwrap();
    let mut said = String::new();
    for (asked, answer) in [("ID:SECRET (not shown)", &key.id), ("its secret (not shown)", &key.secret)] {
        // Each question is there before it is answered, and hides what is typed.
        while !said.contains(asked) {
            let mut byte = [0];
            shown.read_exact(&mut byte).unwrap_or_else(|_| panic!("never asked for {asked}:\n{said}"));
            said.push(char::from(byte[0]));
        }
        let is_hidden = (0..1000).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            !is_shown(terminal.trim())
        });
        assert!(is_hidden, "what is typed would be shown");
        typed.write_all(format!("{answer}\n").as_bytes()).unwrap();
    }
    shown.read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success(), "{said}");
    assert!(said.contains("stored: the management key") && !said.contains(&key.secret), "{said}");
    let stored = std::fs::read_to_string(team.path("keycomb/credentials.toml")).unwrap();
    assert!(stored.contains(&key.id) && stored.contains(&key.secret));
}

#[test]
fn a_credential_that_is_typed_is_not_shown() {
    let team = Team::new();
    team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    let id = team.key_id("ci");
    team.declare("[environment.staging]\n");
    team.run(&["forget", "key.staging.ci", "--yes"]).exits(0);
    let credential = team.sandbox.truth().key(&id).unwrap().credential.clone();
    let adopt = format!("adopt {id} --as key.staging.ci --write --secret-stdin --yes");
    // Without a terminal for its own stdin, `script` would show nothing from the beginning.
    let mut child = script(&team, "stty echo; tty; exec ", &adopt, &[]).spawn().expect(NEEDED);
    let mut shown = BufReader::new(child.stdout.take().unwrap());
    let mut terminal = String::new();
    shown.read_line(&mut terminal).unwrap();
    let mut typed = child.stdin.take().unwrap();
    // It is long past reading then, or was never going to hide anything.
    let is_hidden = (0..1000).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        !is_shown(terminal.trim())
    });
    assert!(is_hidden, "what is typed would be shown");
    typed.write_all(format!("{credential}\n").as_bytes()).unwrap();
    let mut rest = String::new();
    shown.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success(), "{rest}");
    assert!(rest.contains("the key's credential (not shown)") && !rest.contains(&credential), "{rest}");
    let opened = team.run(&["secrets", "open", "key.staging.ci", "-i", "identity.txt"]).exits(0);
    assert_eq!(opened.stdout.trim(), credential);
}

/// Ctrl-C ends a hidden question at once, and what is typed afterwards is seen again.
#[test]
fn a_hidden_question_is_given_up_with_one_key() {
    let team = Team::new();
    team.declare(SAMPLE);
    let home = [("XDG_CONFIG_HOME", team.folder.path().to_str().unwrap())];
    let mut child =
        script(&team, "stty echo; trap : INT; tty; ", "auth login; echo \"ended $?\"; stty -a", &home)
            .spawn()
            .expect(NEEDED);
    let mut shown = BufReader::new(child.stdout.take().unwrap());
    let mut terminal = String::new();
    shown.read_line(&mut terminal).unwrap();
    let mut typed = child.stdin.take().unwrap();
    let is_asked = (0..1000).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        !is_shown(terminal.trim())
    });
    assert!(is_asked, "never asked");
    typed.write_all(b"\x03").unwrap();
    let mut said = String::new();
    shown.read_to_string(&mut said).unwrap();
    child.wait().unwrap();
    assert!(said.contains("interrupted; nothing was written") && said.contains("ended 130"), "{said}");
    assert!(said.contains(" echo ") && !said.contains("-echo "), "{said}");
    assert!(!team.path("keycomb/credentials.toml").exists());
}
