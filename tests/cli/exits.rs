//! Every exit code that `--help` lists, produced by the binary.

use std::fs;

use keycomb::sandbox::Options;

use crate::signals::interrupted;
use crate::team::{Ran, SAMPLE, Team, keycomb};
use crate::terminal::on_terminal;

fn team() -> Team {
    let team = Team::new();
    team.declare(SAMPLE);
    team
}

const APPLY: &[&str] = &["apply", "--yes"];

fn done() -> i32 {
    team().run(&["plan"]).exit
}

fn failed() -> i32 {
    let team = team();
    fs::write(team.path("empty.pem"), "").unwrap();
    team.run(&["plan", "--ca-file", "empty.pem"]).exit
}

fn changes() -> i32 {
    let team = team();
    let planned = team.run(&["plan", "--detailed-exitcode"]).exits(2).exit;
    team.run(APPLY).exits(0);
    team.set_disabled(&team.key_id("ci"), true);
    assert_eq!(team.run(&["drift"]).exit, planned);
    planned
}

fn wrong_configuration() -> i32 {
    let team = team();
    fs::write(team.path("keycomb.toml"), "version = 2").unwrap();
    team.run(&["check"]).exit
}

fn refused_credential() -> i32 {
    Ran::from(team().command(&["plan"]).env("HONEYCOMB_KEY_SECRET", "wrong").output().unwrap()).exit
}

/// What is declared is there already, and nobody has said that it is ours.
fn blocked() -> i32 {
    let team = Team::with(Options { environments: 1, ..Options::default() });
    team.declare("[environment.one]\nname = \"Env 1\"\n");
    team.run(APPLY).exit
}

/// What the plan was made from has changed since.
fn refused_plan() -> i32 {
    let team = team();
    team.run(&["plan", "--out", "plan.json"]).exits(0);
    team.declare(&SAMPLE.replace("color = \"red\"", "color = \"green\""));
    team.run(&["apply", "plan.json"]).exit
}

fn partly_applied() -> i32 {
    let team = team();
    team.sandbox.add_fault("status:POST:api-keys@2=422-jsonapi".parse().unwrap());
    team.run(APPLY).exit
}

fn locked() -> i32 {
    let team = team();
    team.run(APPLY).exits(0);
    let path = team.path("keycomb.sealed.toml");
    let sealed = keycomb::seal::read(&path, None).unwrap().unwrap();
    let holder = keycomb::seal::Holder {
        pid: 1,
        host: "here".into(),
        user: None,
        started: "2026-01-01T00:00:00Z".parse().unwrap(),
        command: "keycomb apply".into(),
    };
    let (slug, endpoint, lineage) = (&sealed.team, &sealed.endpoint, sealed.lineage.clone());
    let _held = keycomb::seal::Keeper::open(&path, slug, endpoint, lineage, &holder).unwrap();
    team.run(APPLY).exit
}

fn unreadable_sealed_file() -> i32 {
    let team = team();
    fs::write(team.path("keycomb.sealed.toml"), "<<<<<<< ours\n").unwrap();
    team.run(&["plan"]).exit
}

/// The answer to a POST is lost: whether there is a key nobody knows.
fn unconfirmed() -> i32 {
    let team = team();
    team.sandbox.add_fault("drop-after:POST:api-keys@1".parse().unwrap());
    team.run(APPLY).exit
}

fn declined() -> i32 {
    on_terminal(&team(), "apply", &[], "no\n").exit
}

fn wrong_usage() -> i32 {
    Ran::from(keycomb().arg("--nope").output().unwrap()).exit
}

fn signalled(signal: &str, exit: i32) -> i32 {
    interrupted(signal, exit);
    exit
}

fn executed(command: &str) -> i32 {
    let team = team();
    team.run(APPLY).exits(0);
    let identity = team.identity.to_str().unwrap();
    team.run(&["secrets", "exec", "key.production.checkout", "-i", identity, "--", command]).exit
}

/// An exit code, and what ends with it.
type Row = (i32, fn() -> i32);

const TABLE: &[Row] = &[
    (0, done),
    (1, failed),
    (2, changes),
    (3, wrong_configuration),
    (4, refused_credential),
    (5, blocked),
    (6, refused_plan),
    (7, partly_applied),
    (8, locked),
    (9, unreadable_sealed_file),
    (10, unconfirmed),
    (11, declined),
    (64, wrong_usage),
    (126, || executed(".")),
    (127, || executed("no-such-command")),
    (129, || signalled("-HUP", 129)),
    (130, || signalled("-INT", 130)),
    (143, || signalled("-TERM", 143)),
];

#[test]
fn every_exit_code_comes_out_of_the_binary() {
    for (exit, produce) in TABLE {
        assert_eq!(produce(), *exit);
    }
}

#[test]
fn the_table_has_every_code_that_help_lists_and_no_other() {
    let help = Ran::from(keycomb().arg("--help").output().unwrap()).exits(0).stdout;
    let (_, listed) = help.split_once("Exit codes:").unwrap();
    // A code stands at a line's beginning, or behind a comma: `129  hung up, 130 interrupted`.
    let mut listed: Vec<i32> = listed
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .flat_map(|line| line.split(", "))
        .filter_map(|part| part.split_whitespace().next()?.parse().ok())
        .collect();
    listed.sort_unstable();
    assert_eq!(listed, TABLE.iter().map(|(exit, _)| *exit).collect::<Vec<_>>());
}
