//! Ctrl-C in the middle: what is in flight is finished, sealed, reported; running again converges.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use keycomb::sandbox::RateLimit;

use crate::team::{Ran, SAMPLE, Team};

pub fn interrupted(signal: &str, exit: i32) {
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

fn twelve_keys() -> String {
    let key = |n| format!("[key.k{n:02}]\nenvironment = \"production\"\ntype = \"ingest\"\n");
    format!("[environment.production]\n{}", (0..12).map(key).collect::<String>())
}

/// With its environment made, so that an apply begins with keys.
fn team_of_twelve_keys() -> Team {
    let team = Team::new();
    team.declare("[environment.production]\n");
    team.run(&["apply", "--yes"]).exits(0);
    team.declare(&twelve_keys());
    team.sandbox.clear_requests();
    team
}

fn posts(team: &Team) -> usize {
    team.sandbox.requests().iter().filter(|r| r.method == "POST" && r.path.ends_with("/api-keys")).count()
}

/// Applies under a rate limit and interrupts it when it has sent some requests for keys and waits for the next window.
fn interrupted_while_it_waits(team: &Team, asked: usize) -> (Ran, Duration) {
    let child =
        team.command(&["apply", "--yes"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    for _ in 0..1000 {
        if posts(team) >= asked {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(500));
    let before = posts(team);
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let begun = Instant::now();
    let ran = Ran::from(child.wait_with_output().unwrap()).exits(130);
    assert!((asked..=4).contains(&before), "{before}");
    assert_eq!(posts(team), before, "sent after the interrupt");
    (ran, begun.elapsed())
}

fn not_started(ran: &Ran) -> usize {
    ran.stdout.matches("create  not started").count()
}

fn assert_a_later_apply_converges(team: &Team) {
    team.sandbox.set_rate_limit(None);
    team.run(&["apply", "--yes"]).exits(0);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
    let truth = team.sandbox.truth();
    let live = truth.keys.iter().filter(|key| key.deleted.is_none());
    assert!(live.clone().all(|key| !key.disabled));
    assert_eq!(live.count(), 12);
}

#[test]
fn ctrl_c_ends_the_wait_for_a_rate_limit() {
    let team = team_of_twelve_keys();
    team.sandbox.set_rate_limit(Some(RateLimit { limit: 4, window: Duration::from_secs(60) }));
    // Somebody else has used up what may be written in this window.
    for _ in 0..4 {
        team.by_hand("DELETE", "/2/teams/acme/api-keys/hcxik_nobodys", None);
    }
    let (ran, took) = interrupted_while_it_waits(&team, 1);
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(not_started(&ran), 12, "{}", ran.stdout);
    assert_eq!(team.sandbox.truth().keys.len(), 0);
    assert_a_later_apply_converges(&team);
}

#[test]
fn ctrl_c_asks_for_no_further_key_and_finishes_those_that_are_made() {
    let team = team_of_twelve_keys();
    let window = Duration::from_secs(5);
    team.sandbox.set_rate_limit(Some(RateLimit { limit: 4, window }));
    let (ran, took) = interrupted_while_it_waits(&team, 4);
    // What is made is released in the next window, and read back in the one after it.
    assert!(took < 4 * window, "{took:?}");
    assert_eq!(not_started(&ran), 8, "{}", ran.stdout);
    let truth = team.sandbox.truth();
    assert_eq!(truth.keys.iter().filter(|key| !key.disabled).count(), 4);
    assert_a_later_apply_converges(&team);
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
