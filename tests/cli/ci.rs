//! What a CI runner's variable adds to the output, and that it adds nothing else.

use std::fs;

use crate::team::{Ran, SAMPLE, Team};

const HOSTILE: &str = "\n::endgroup::\n::error::x\u{1b}[0Ksection_end:0:keycomb_plan\r\u{1b}[0K";

fn run(team: &Team, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = team.command(arguments);
    command.envs(variables.iter().copied());
    command.output().unwrap().into()
}

/// A team with one environment of a hostile name that the plan shows.
fn team() -> Team {
    let team = Team::new();
    team.declare(SAMPLE);
    let name = serde_json::to_string(HOSTILE).unwrap();
    let body = format!(r#"{{"data":{{"type":"environments","attributes":{{"name":{name}}}}}}}"#);
    assert_eq!(team.by_hand("POST", "/2/teams/acme/environments", Some(&body)).0, 201);
    team
}

/// Without what differs between two runs: the port, ids, the time.
fn timeless(team: &Team, text: &str) -> String {
    let text = text.replace(team.sandbox.endpoint(), "http://127.0.0.1:PORT");
    let mut words: Vec<&str> = text.split(' ').collect();
    let mut is_time = false;
    for word in &mut words {
        let is_id = word.starts_with("hcx");
        if is_id || is_time {
            *word = if is_id { "ID\n" } else { "TIME" };
        }
        is_time = *word == "ended";
    }
    words.join(" ")
}

/// The lines that are not the runner's own.
fn unfolded(text: &str) -> String {
    let is_ours = |line: &&str| !line.starts_with("::") && !line.contains("\u{1b}[0Ksection_");
    text.lines().filter(is_ours).map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_plan_is_the_same_with_and_without_a_runner() {
    let team = team();
    let plain = team.run(&["plan"]).exits(0);
    for variable in ["GITHUB_ACTIONS", "GITLAB_CI", "CI"] {
        let ran = run(&team, &["plan"], &[(variable, "true")]).exits(0);
        assert_eq!((&ran.stdout, &ran.stderr), (&plain.stdout, &plain.stderr), "{variable}");
    }
}

#[test]
fn an_applys_plan_is_folded_and_no_name_ends_the_fold() {
    let plain_team = team();
    let plain = timeless(&plain_team, &plain_team.run(&["apply", "--yes"]).exits(0).stdout);
    for (variable, begins, ends) in [
        ("GITHUB_ACTIONS", "::group::Plan: 5 to create", "::endgroup::"),
        ("GITLAB_CI", "\u{1b}[0Ksection_start:", "\u{1b}[0Ksection_end:"),
    ] {
        let team = team();
        let ran = run(&team, &["apply", "--yes"], &[(variable, "true")]).exits(0);
        let text = timeless(&team, &ran.stdout);
        let count = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
        assert_eq!((count(begins), count(ends)), (1, 1), "{text}");
        assert_eq!(
            text.lines().filter(|line| line.starts_with("::")).count(),
            if variable == "GITHUB_ACTIONS" { 2 } else { 0 }
        );
        assert!(text.contains("endgroup"), "the hostile name is not in the plan:\n{text}");
        let rest = unfolded(&text);
        assert_eq!(rest, plain, "{variable}");
        // The report is not in the fold.
        let after = text.rsplit(ends).next().unwrap();
        assert!(after.contains("5 done"), "{text}");
    }
}

#[test]
fn a_json_report_is_the_same_with_and_without_a_runner() {
    let team = team();
    team.run(&["apply", "--yes"]).exits(0);
    let plain = team.run(&["apply", "--yes", "--format", "json"]).exits(0).stdout;
    let ended = |text: &str| {
        let mut report: serde_json::Value = serde_json::from_str(text).unwrap();
        report.as_object_mut().unwrap().remove("ended");
        report.as_object_mut().unwrap().remove("serial");
        report
    };
    let ran = run(&team, &["apply", "--yes", "--format", "json"], &[("GITHUB_ACTIONS", "true")]).exits(0);
    assert_eq!(ended(&ran.stdout), ended(&plain));
    assert!(ran.stderr.contains("::group::") && ran.stderr.contains("::endgroup::"), "{}", ran.stderr);
}

#[test]
fn a_problem_of_the_configuration_is_noted_on_its_line_from_the_repositorys_root() {
    let team = Team::new();
    fs::create_dir(team.path("deploy")).unwrap();
    let wrong =
        "version = 1\n[honeycomb]\nteam = \"acme\"\n[environment.\"a::b\"]\ncolor = \"%0A::error::x\"\n";
    fs::write(team.path("deploy/keycomb.toml"), wrong).unwrap();
    let arguments = ["check", "-c", "deploy/keycomb.toml"];
    let root = team.folder.path().to_str().unwrap().to_owned();
    let github = [("GITHUB_ACTIONS", "true"), ("GITHUB_WORKSPACE", root.as_str())];
    let plain = team.run(&arguments).exits(3);
    assert!(!plain.stderr.lines().any(|line| line.starts_with("::")), "{}", plain.stderr);
    let ran = run(&team, &arguments, &github).exits(3);
    assert_eq!(ran.stdout, plain.stdout);
    let notes: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("::")).collect();
    assert!(!notes.is_empty(), "{}", ran.stderr);
    for note in &notes {
        assert!(note.starts_with("::error file=deploy/keycomb.toml,line="), "{note}");
        assert!(note.matches("::").count() == 2 && !note.contains("%0A"), "{note}");
    }
    assert_eq!(unfolded(&ran.stderr), plain.stderr);
    let gitlab = run(&team, &arguments, &[("GITLAB_CI", "true")]).exits(3);
    assert_eq!(gitlab.stderr, plain.stderr);
}
