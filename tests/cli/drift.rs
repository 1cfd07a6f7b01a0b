//! What changed behind keycomb's back.

use crate::team::{SAMPLE, Team};

#[test]
fn a_key_disabled_by_hand_is_drift_and_plan_repairs_it() {
    let team = Team::new();
    team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    team.run(&["drift"]).exits(0);
    team.set_disabled(&team.key_id("ci"), true);
    let drift = team.run(&["drift"]).exits(2);
    assert!(drift.stdout.contains("key.staging.ci"), "{}", drift.stdout);
    let json = team.run(&["drift", "--format", "json"]).exits(2).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["findings"][0]["kind"], "drift");
    let plan = team.run(&["plan", "--detailed-exitcode"]).exits(2);
    assert!(plan.stdout.contains("enable"), "{}", plan.stdout);
    team.run(&["apply", "--yes"]).exits(0);
    team.run(&["drift"]).exits(0);
}

#[test]
fn what_only_a_listing_leaves_out_is_looked_up_and_not_missed() {
    let team = Team::new();
    team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    team.sandbox.add_fault("stale-list:GET:environments=2".parse().unwrap());
    team.sandbox.add_fault("stale-list:GET:api-keys=3".parse().unwrap());
    let (_, listed) = team.by_hand("GET", "/2/teams/acme/environments", None);
    assert_eq!(listed["data"].as_array().unwrap().len(), 0, "the listing should lag");
    team.run(&["drift"]).exits(0);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
    // An environment that is no longer declared is not deleted because a listing leaves it out.
    team.declare("");
    team.run(&["apply", "--yes", "--allow", "key.production.checkout", "--allow", "key.staging.checkout"]);
    assert_eq!(team.sandbox.truth().environments.iter().filter(|e| e.deleted.is_none()).count(), 2);
}

#[test]
fn a_key_deleted_by_hand_is_missing_and_not_made_again_unasked() {
    let team = Team::new();
    team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    let id = team.key_id("ci");
    assert_eq!(team.by_hand("DELETE", &format!("/2/teams/acme/api-keys/{id}"), None).0, 204);
    let drift = team.run(&["drift"]).exits(2);
    assert!(drift.stdout.contains("missing") || drift.stdout.contains("gone"), "{}", drift.stdout);
    team.run(&["apply", "--yes"]).exits(5);
    assert!(team.sandbox.truth().keys.iter().filter(|key| key.name == "ci").all(|key| key.deleted.is_some()));
    team.declare(&format!("[policy]\non_missing = \"recreate\"\n{SAMPLE}"));
    team.run(&["apply", "--yes"]).exits(0);
    assert_ne!(team.key_id("ci"), id);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn a_name_made_to_fool_a_terminal_is_shown_harmless() {
    let team = Team::new();
    team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    let id = team.key_id("ci");
    let body = format!(
        r#"{{"data":{{"id":"{id}","type":"api-keys","attributes":{{"name":"\u001b[2J\u001b]8;;http://x\u0007\u202efdp.exe\u0085\r\nPlan: 0 to change\u200b"}}}}}}"#
    );
    assert_eq!(team.by_hand("PATCH", &format!("/2/teams/acme/api-keys/{id}"), Some(&body)).0, 200);
    for arguments in [&["plan"][..], &["drift"], &["status"], &["plan", "-vv"], &["plan", "--format", "json"]]
    {
        let ran = team.run(arguments);
        for text in [&ran.stdout, &ran.stderr] {
            let raw = text.chars().find(|c| {
                (c.is_control() && *c != '\n')
                    || matches!(c, '\u{202a}'..='\u{202e}' | '\u{200b}'..='\u{200f}')
            });
            assert_eq!(raw, None, "{arguments:?} printed a raw control character");
            assert!(
                !text.lines().any(|line| line.starts_with("Plan: 0")),
                "{arguments:?} let a name start a line"
            );
        }
    }
}
