//! Accounts of runs, and taking one back.

use std::fs;

use crate::team::{SAMPLE, Team};

fn changed() -> String {
    SAMPLE
        .replace("color = \"red\"", "color = \"green\"\ndescription = \"shop\"")
        .replace("\"manage_markers\", \"run_queries\"", "\"manage_slos\"")
        .replace("[key.ci]", "[key.ci]\nname = \"pipeline\"")
}

fn ci_of(team: &Team, name: &str) -> (bool, Vec<String>) {
    let truth = team.sandbox.truth();
    let key = truth.keys.iter().find(|key| key.name == name).unwrap_or_else(|| panic!("no key `{name}`"));
    let granted = key.permissions.iter().filter(|(_, is_on)| **is_on).map(|(name, _)| name.clone());
    (key.disabled, granted.collect())
}

#[test]
fn a_run_is_taken_back_and_what_the_files_still_say_is_said() {
    let team = Team::new();
    let first = SAMPLE.replace("color = \"red\"", "color = \"red\"\ndescription = \"\"");
    team.declare(&first).run(&["apply", "--yes"]).exits(0);
    team.declare(&changed()).run(&["apply", "--yes"]).exits(0);
    assert_eq!(ci_of(&team, "pipeline").1, ["manage_slos"]);

    let listed = team.run(&["undo"]).exits(0).stdout;
    assert!(listed.contains("2 update") && listed.contains("apply"), "{listed}");
    let shown = team.run(&["undo", "last", "--plan"]).exits(0).stdout;
    assert!(shown.contains("key.staging.ci") && shown.contains("the files still say"), "{shown}");
    assert_eq!(ci_of(&team, "pipeline").1, ["manage_slos"], "--plan wrote something");
    team.run(&["undo", "last"]).exits(64);

    team.run(&["undo", "last", "--yes"]).exits(0);
    assert_eq!(ci_of(&team, "ci").1, ["manage_markers", "run_queries"]);
    let environment = team.sandbox.truth().environments.into_iter().find(|e| e.name == "Production").unwrap();
    assert_eq!((environment.color.as_str(), environment.description.as_str()), ("red", ""));
    // The files still ask for it; once they follow, all is as it was.
    team.run(&["plan", "--detailed-exitcode"]).exits(2);
    team.declare(&first).run(&["plan", "--detailed-exitcode"]).exits(0);
    team.run(&["drift"]).exits(0);
    // What was taken back can be had again the same way.
    team.run(&["undo", "last", "--yes"]).exits(0);
    assert_eq!(ci_of(&team, "pipeline").1, ["manage_slos"]);
}

#[test]
fn a_key_that_an_apply_retired_works_again() {
    let team = Team::new();
    team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    let without = SAMPLE.split("[key.ci]").next().unwrap();
    team.declare(without).run(&["apply", "--yes"]).exits(0);
    assert!(ci_of(&team, "ci").0);
    let ran = team.run(&["undo", "last", "--yes"]).exits(0);
    assert!(ran.stdout.contains("not declared"), "{}", ran.stdout);
    assert!(!ci_of(&team, "ci").0);
    team.declare(SAMPLE).run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn what_cannot_be_taken_back_is_said_and_what_moved_is_left() {
    let team = Team::new();
    team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    let ran = team.run(&["undo", "last", "--yes"]).exits(5);
    assert!(
        ran.stdout.contains("not_undoable") && ran.stdout.contains("take `key.staging.ci` out"),
        "{ran:?}"
    );
    team.declare(&changed()).run(&["apply", "--yes"]).exits(0);
    let id = team.key_id("pipeline");
    let body = format!(r#"{{"data":{{"id":"{id}","type":"api-keys","attributes":{{"name":"by hand"}}}}}}"#);
    assert_eq!(team.by_hand("PATCH", &format!("/2/teams/acme/api-keys/{id}"), Some(&body)).0, 200);
    let ran = team.run(&["undo", "last", "--yes"]).exits(5);
    assert!(ran.stdout.contains("changed_since"), "{}", ran.stdout);
    assert_eq!(ci_of(&team, "by hand").1, ["manage_markers", "run_queries"]);
}

#[test]
fn accounts_hold_no_secrets_are_private_and_cost_nothing_when_they_cannot_be_kept() {
    use std::os::unix::fs::PermissionsExt as _;
    let team = Team::new();
    fs::create_dir(team.path(".keycomb")).unwrap();
    fs::write(team.path(".keycomb/runs"), "in the way").unwrap();
    let ran = team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    assert!(ran.stderr.contains("no account of this run"), "{}", ran.stderr);
    fs::remove_file(team.path(".keycomb/runs")).unwrap();
    team.declare(&changed()).run(&["apply", "--yes"]).exits(0);
    let runs: Vec<_> = fs::read_dir(team.path(".keycomb/runs")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(runs.len(), 1);
    assert_eq!(fs::metadata(&runs[0]).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&runs[0]).unwrap();
    for key in team.sandbox.truth().keys {
        assert!(!text.contains(&key.credential), "{text}");
    }
    // Nothing was done: nothing is kept.
    team.run(&["apply", "--yes"]).exits(0);
    assert_eq!(fs::read_dir(team.path(".keycomb/runs")).unwrap().count(), 1);
    // A link is not followed.
    fs::rename(team.path(".keycomb"), team.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(team.path("elsewhere"), team.path(".keycomb")).unwrap();
    let ran = team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    assert!(ran.stderr.contains("symbolic link"), "{}", ran.stderr);
    assert_eq!(fs::read_dir(team.path("elsewhere/runs")).unwrap().count(), 1);
}

#[test]
fn only_a_run_of_this_file_is_taken_back() {
    let team = Team::new();
    team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    team.declare(&changed()).run(&["apply", "--yes"]).exits(0);
    for name in ["../keycomb", "20200101T000000Z-0000", ""] {
        team.run(&["undo", name, "--yes"]).exits(3);
    }
    let newest = || {
        let names = fs::read_dir(team.path(".keycomb/runs")).unwrap().map(|e| e.unwrap().path());
        names.max().unwrap()
    };
    let good = fs::read_to_string(newest()).unwrap();
    fs::write(newest(), good.replace("\"team\": \"acme\"", "\"team\": \"other\"")).unwrap();
    team.run(&["undo", "last", "--yes"]).exits(3);
    fs::write(newest(), "{").unwrap();
    team.run(&["undo", "last", "--yes"]).exits(3);
    fs::write(newest(), good).unwrap();
    team.run(&["undo", "last", "--yes"]).exits(0);
}

#[test]
fn the_sandbox_has_accounts_of_its_own() {
    let team = Team::new();
    team.declare(SAMPLE).run(&["apply", "--sandbox", "--yes"]).exits(0);
    assert!(team.run(&["undo"]).exits(0).stdout.contains("no runs"));
    let listed = team.run(&["undo", "--sandbox", "--format", "json"]).exits(0).stdout;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["runs"].as_array().unwrap().len(), 1);
}
