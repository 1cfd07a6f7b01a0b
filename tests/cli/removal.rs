//! What leaves the configuration.

use crate::team::{SAMPLE, Team};

const WITHOUT_CI: &str = r#"
[environment.production]
name = "Production"
color = "red"
[environment.staging]
[key.checkout]
environments = ["production", "staging"]
type = "ingest"
permissions = ["create_datasets"]
"#;

#[test]
fn a_removed_key_is_disabled_and_not_deleted() {
    let team = Team::new();
    team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    let id = team.key_id("ci");
    team.declare(WITHOUT_CI);
    let plan = team.run(&["plan"]).exits(0);
    assert!(plan.stdout.contains("disable") && !plan.stdout.contains("delete  "), "{}", plan.stdout);
    team.run(&["apply", "--yes"]).exits(0);
    let truth = team.sandbox.truth();
    let key = truth.keys.iter().find(|key| key.id == id).unwrap();
    assert!(key.disabled && key.deleted.is_none());
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn a_removed_key_that_comes_back_is_enabled_with_the_same_secret() {
    let team = Team::new();
    team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    let id = team.key_id("ci");
    team.declare(WITHOUT_CI).run(&["apply", "--yes"]).exits(0);
    team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    assert_eq!(team.key_id("ci"), id);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn a_removed_environment_is_blocked_with_how_to_go_on() {
    let team = Team::new();
    let both = "[environment.a]\n[environment.b]\n[key.k]\nenvironment = \"a\"\ntype = \"ingest\"\n";
    team.declare(both).run(&["apply", "--yes"]).exits(0);
    team.declare("[environment.a]\n[key.k]\nenvironment = \"a\"\ntype = \"ingest\"\n");
    let plan = team.run(&["plan"]);
    assert!(
        plan.stdout.contains("environment.b") && plan.stdout.contains("delete_protected = false"),
        "{}",
        plan.stdout
    );
    team.run(&["apply", "--yes"]).exits(5);
    assert_eq!(team.sandbox.truth().environments.len(), 2);
}

#[test]
fn an_environment_goes_in_two_plans() {
    let team = Team::new();
    team.declare("[environment.a]\n[environment.b]\n").run(&["apply", "--yes"]).exits(0);
    team.declare("[environment.a]\n[environment.b]\ndelete_protected = false\n")
        .run(&["apply", "--yes"])
        .exits(0);
    team.declare("[environment.a]\n").run(&["apply", "--yes"]).exits(0);
    let (status, body) = team.by_hand("GET", "/2/teams/acme/environments", None);
    assert_eq!((status, body["data"].as_array().unwrap().len()), (200, 1));
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}
