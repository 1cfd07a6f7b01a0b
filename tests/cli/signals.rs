//! Ctrl-C in the middle: what is in flight is finished, sealed, reported; running again converges.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::team::{Ran, SAMPLE, Team};

fn interrupted(signal: &str, exit: i32) {
    let team = Team::new();
    team.declare(SAMPLE);
    team.sandbox.add_fault("slow:POST:api-keys=600ms".parse().unwrap());
    let child =
        team.command(&["apply", "--yes"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let asked = |team: &Team| {
        team.sandbox.requests().iter().any(|r| r.method == "POST" && r.path.contains("environments"))
    };
    for _ in 0..500 {
        if asked(&team) {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(150));
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let ran = Ran::from(child.wait_with_output().unwrap()).exits(exit);
    assert!(ran.stderr.contains("stopping: what is in flight is finished"), "{}", ran.stderr);
    assert!(ran.stdout.contains("not started") || ran.stdout.contains("done"), "no report:\n{}", ran.stdout);
    for key in team.sandbox.truth().keys.iter().filter(|key| key.deleted.is_none()) {
        let sealed = std::fs::read_to_string(team.path("keycomb.sealed.toml")).unwrap();
        assert!(key.disabled || sealed.contains(&key.id), "{} is live and not sealed", key.name);
    }
    team.sandbox.clear_faults();
    team.run(&["apply", "--yes"]).exits(0);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn ctrl_c_finishes_what_is_in_flight_and_exits_130() {
    interrupted("-INT", 130);
}

#[test]
fn sigterm_finishes_what_is_in_flight_and_exits_143() {
    interrupted("-TERM", 143);
}

#[test]
fn a_second_signal_ends_at_once_and_running_again_converges() {
    let team = Team::new();
    team.declare(SAMPLE);
    team.sandbox.add_fault("slow:PATCH:api-keys=60s".parse().unwrap());
    let child =
        team.command(&["apply", "--yes"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let releasing = |team: &Team| {
        let text = std::fs::read_to_string(team.path("keycomb.sealed.toml.journal")).unwrap_or_default();
        text.contains("releasing")
    };
    for _ in 0..3000 {
        if releasing(&team) {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    for _ in 0..2 {
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        std::thread::sleep(Duration::from_millis(300));
    }
    let ran = Ran::from(child.wait_with_output().unwrap()).exits(130);
    assert!(ran.stderr.contains("ended at once"), "{}", ran.stderr);
    team.sandbox.clear_faults();
    team.run(&["apply", "--yes"]).exits(0);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn a_closed_pipe_is_a_clean_end() {
    let team = Team::new();
    team.declare(SAMPLE);
    let mut child = team.command(&["plan"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
