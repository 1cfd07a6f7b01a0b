//! External keys: watched by `status`, `plan` and `drift`, tried with `--probe`, never written.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::team::Team;

const DECLARED: &str = r#"
[environment.production]
[external_key.ops]
kind = "management"
owner = "platform"
created = "2020-01-01"
max_age = "90d"
source = { env = "OPS_KEY" }
[external_key.board]
kind = "configuration"
source = { file = "board.key" }
[external_key.elsewhere]
kind = "other"
expires = "2999-01-01"
"#;

/// A team with one key made by hand: its credential.
fn team() -> (Team, String) {
    let team = Team::new();
    team.declare(DECLARED);
    team.run(&["apply", "--yes"]).exits(0);
    let environment = team.sandbox.truth().environments[0].id.clone();
    let body = format!(
        r#"{{"data":{{"type":"api-keys","attributes":{{"key_type":"configuration","name":"board"}},
        "relationships":{{"environment":{{"data":{{"id":"{environment}","type":"environments"}}}}}}}}}}"#
    );
    let (status, _) = team.by_hand("POST", "/2/teams/acme/api-keys", Some(&body));
    assert_eq!(status, 201);
    let credential = team.sandbox.truth().keys[0].credential.clone();
    (team, credential)
}

fn put(team: &Team, credential: &str, mode: u32) {
    fs::write(team.path("board.key"), format!("{credential}\n")).unwrap();
    fs::set_permissions(team.path("board.key"), fs::Permissions::from_mode(mode)).unwrap();
}

/// `status --probe` as JSON, with a management key in OPS_KEY: the states by name.
fn states(team: &Team, management: &str) -> Vec<(String, String)> {
    let mut command = team.command(&["status", "--probe", "--format", "json"]);
    let ran: crate::team::Ran = command.env("OPS_KEY", management).output().unwrap().into();
    let ran = ran.exits(0);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let keys = document["external_keys"].as_array().unwrap().iter();
    keys.map(|key| (key["name"].as_str().unwrap().into(), key["state"].as_str().unwrap().into())).collect()
}

fn expected(board: &str, ops: &str) -> Vec<(String, String)> {
    [("board", board), ("elsewhere", "no source"), ("ops", ops)]
        .map(|(name, state)| (name.into(), state.into()))
        .into()
}

#[test]
fn an_overdue_key_is_a_finding_and_no_drift() {
    let (team, _) = team();
    for verb in ["plan", "drift"] {
        let ran = team.run(&[verb]).exits(0);
        assert!(
            ran.stdout.contains("`external_key.ops` (management) was to be replaced by 2020-03-31"),
            "{}",
            ran.stdout
        );
        assert!(!ran.stdout.contains("external_key.elsewhere"), "{}", ran.stdout);
    }
    let ran = team.run(&["status"]).exits(0);
    assert!(ran.stdout.contains("external_key.ops") && ran.stdout.contains("overdue"), "{}", ran.stdout);
    assert!(ran.stdout.contains("3 external keys"), "{}", ran.stdout);
}

#[test]
fn a_calendar_has_the_days_of_watched_keys_too() {
    let (team, _) = team();
    team.run(&["status", "--ics", "keys.ics"]).exits(0);
    let text = fs::read_to_string(team.path("keys.ics")).unwrap();
    for line in [
        "SUMMARY:replace external_key.ops (management)\r\nDESCRIPTION:",
        "DTSTART;VALUE=DATE:20200331\r\n",
        "UID:acme-external_key.elsewhere-replace@keycomb\r\n",
        "DTSTART;VALUE=DATE:29990101\r\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert_eq!(text.matches("BEGIN:VEVENT").count(), 2, "what has no date is no event");
    // Where only a part is asked for, the calendar has that part.
    team.run(&["status", "--due", "30d", "--ics", "keys.ics"]).exits(0);
    let text = fs::read_to_string(team.path("keys.ics")).unwrap();
    assert!(text.contains("external_key.ops") && !text.contains("external_key.elsewhere"), "{text}");
}

#[test]
fn a_key_is_tried_only_where_that_is_asked_for() {
    let (team, credential) = team();
    put(&team, &credential, 0o600);
    team.sandbox.clear_requests();
    let tried = || team.sandbox.requests().iter().filter(|request| request.path == "/1/auth").count();
    team.run(&["status"]).exits(0);
    team.run(&["drift"]).exits(0);
    assert_eq!(tried(), 0);
    team.run(&["drift", "--probe"]).exits(0);
    assert_eq!(tried(), 1);
    assert!(team.sandbox.requests().iter().all(|request| request.method == "GET"), "nothing is written");
}

#[test]
fn a_key_that_is_tried_works_is_refused_or_is_another() {
    let (team, credential) = team();
    let management = team.sandbox.management_key().credential();
    put(&team, &credential, 0o600);
    assert_eq!(states(&team, &management), expected("works", "works"));
    assert_eq!(states(&team, &format!("{management}x")), expected("works", "refused"));
    assert_eq!(states(&team, "no-colon"), expected("works", "another key"));
    put(&team, "Qw9eRt2yUi4oPa6sDf8gHj1", 0o600);
    assert_eq!(states(&team, ""), expected("refused", "not tried"));
    put(&team, &credential, 0o644);
    assert_eq!(states(&team, &management), expected("not tried", "works"));
}

#[test]
fn what_is_refused_is_drift_and_its_text_is_shown_nowhere() {
    let (team, credential) = team();
    put(&team, &credential, 0o600);
    let id = team.key_id("board");
    team.set_disabled(&id, true);
    let ran = team.run(&["drift", "--probe", "-vv"]).exits(2);
    assert!(ran.stdout.contains("`external_key.board` is refused by the service"), "{}", ran.stdout);
    assert!(ran.stdout.contains("1 external not as declared"), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("`external_key.ops` could not be tried: `OPS_KEY` is not set"),
        "{}",
        ran.stdout
    );
    assert!(!(ran.stdout + &ran.stderr).contains(&credential));
}
