//! A part of a plan from the command line.

use serde_json::Value;

use crate::team::{SAMPLE, Team};

fn addresses(json: &str) -> Vec<String> {
    let plan: Value = serde_json::from_str(json).unwrap();
    plan["actions"].as_array().unwrap().iter().map(|a| a["address"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_part_is_planned_said_and_carried_out() {
    let team = Team::new();
    team.declare(SAMPLE);
    let part = ["--env", "staging", "--skip", "*.ci"];
    let json = team.run(&[&["plan", "--format", "json"], part.as_slice()].concat()).exits(0).stdout;
    assert_eq!(addresses(&json), ["environment.staging", "key.staging.checkout"]);
    let plan: Value = serde_json::from_str(&json).unwrap();
    let select = serde_json::json!({ "only": [], "skip": ["*.ci"], "environments": ["staging"] });
    assert_eq!(plan["header"]["select"], select);
    let said = "partial: --skip *.ci --env staging";
    assert!(team.run(&[&["plan"], part.as_slice()].concat()).exits(0).stdout.contains(said));
    let report =
        team.run(&[&["apply", "--yes", "--format", "json"], part.as_slice()].concat()).exits(0).stdout;
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!((&report["select"], &report["summary"]["done"]), (&select, &Value::from(2)));
    assert_eq!(team.sandbox.truth().keys.len(), 1);
    let rest = team.run(&["apply", "--yes", "--only", "*"]).exits(0).stdout;
    assert!(rest.matches("partial: --only *").count() == 2, "the plan and the report: {rest}");
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
    let none = team.run(&["plan", "--env", "staging", "--detailed-exitcode"]).exits(0).stdout;
    assert!(none.contains("No changes in this part."), "{none}");
}

#[test]
fn a_key_waits_for_its_environment() {
    let team = Team::new();
    team.declare(SAMPLE);
    let only = ["--only", "key.staging.*"];
    let plan = team.run(&[&["plan"], only.as_slice()].concat()).exits(0).stdout;
    assert!(plan.contains("which this partial plan leaves out"), "{plan}");
    team.run(&[&["apply", "--yes"], only.as_slice()].concat()).exits(5);
    assert!(team.sandbox.truth().keys.is_empty());
}

#[test]
fn what_means_nothing_is_a_mistake_with_a_hint() {
    let team = Team::new();
    team.declare(SAMPLE);
    for (options, hint) in [
        (["--only", "key.staging.cj"], "did you mean `key.staging.ci`?"),
        (["--env", "stagin"], "did you mean `staging`?"),
        (["--skip", "key.prod*.x"], "near it: `key.production.checkout`"),
    ] {
        for verb in [&["plan"][..], &["apply", "--yes"]] {
            let ran = team.run(&[verb, options.as_slice()].concat()).exits(64);
            assert!(ran.stderr.replace('\n', " ").contains(hint), "{}", ran.stderr);
        }
    }
    team.run(&["plan", "--only", "key.[ab]"]).exits(64);
    team.run(&["rotate", "key.staging.ci", "--only", "*"]).exits(64);
}

#[test]
fn off_a_terminal_a_write_needs_a_yes_and_yes_lifts_no_guard() {
    let team = Team::new();
    let guarded = format!("{SAMPLE}[policy]\nmax_disable = 0\n");
    team.declare(&guarded);
    let ran = team.run(&["apply"]).exits(64);
    assert!(ran.stderr.contains("--yes"), "{}", ran.stderr);
    team.run(&["apply", "--yes"]).exits(0);
    team.declare(&guarded.replace("[\"production\", \"staging\"]", "[\"production\"]"));
    team.run(&["apply", "--yes"]).exits(5);
    team.run(&["apply", "--yes", "--allow", "disable=1", "--allow", "key.staging.checkout"]).exits(0);
}
