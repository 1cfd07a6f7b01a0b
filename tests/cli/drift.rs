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

/// Changes attributes of a key or environment behind keycomb's back.
fn patch(team: &Team, collection: &str, id: &str, attributes: &serde_json::Value) {
    let body = serde_json::json!({ "data": { "id": id, "type": collection, "attributes": attributes } });
    let path = format!("/2/teams/acme/{collection}/{id}");
    let (status, answer) = team.by_hand("PATCH", &path, Some(&body.to_string()));
    assert_eq!(status, 200, "{answer}");
}

fn writes(team: &Team) -> Vec<String> {
    let all = team.sandbox.requests();
    all.iter().filter(|r| r.method != "GET").map(|r| format!("{} {}", r.method, r.path)).collect()
}

fn config(team: &Team) -> String {
    std::fs::read_to_string(team.path("keycomb.toml")).unwrap()
}

const COMMENTED: &str = r#"
# the house
[environment.production]
name = "Production" # its name
color = "red" # loud

# what builds use
[key.ci]
environment = "production"
type = "configuration"
permissions = [
    "manage_markers", # deploys
    "run_queries",    # checks
]
# off in summer
enabled = true

[key.web]
environment = "production"
type = "ingest"
"#;

#[test]
fn drift_is_accepted_into_the_files_and_nothing_is_sent() {
    let team = Team::new();
    team.declare(COMMENTED).run(&["apply", "--yes"]).exits(0);
    let ci = team.key_id("ci");
    let more = serde_json::json!({ "name": "ci {x}", "disabled": true,
        "permissions": { "manage_markers": true, "run_queries": false, "manage_slos": true } });
    patch(&team, "api-keys", &ci, &more);
    let home = team.sandbox.truth().environments[0].id.clone();
    patch(
        &team,
        "environments",
        &home,
        &serde_json::json!({ "settings": { "delete_protected": true }, "color": "blue" }),
    );
    let found = team.run(&["drift", "--format", "json"]).exits(2).stdout;
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    assert_eq!(found["findings"][0]["class"], "changed");
    assert!(found["findings"][0]["updated"].is_string(), "{found}");
    team.sandbox.clear_requests();
    let before = config(&team);
    let accept = ["drift", "--accept", "key.production.ci", "--accept", "environment.production"];
    // Without --write it is only shown.
    let shown = team.run(&accept).exits(2);
    for line in ["-color = \"red\" # loud", "+color = \"blue\" # loud", "-enabled = true", "+enabled = false"]
    {
        assert!(shown.stdout.lines().any(|shown| shown == line), "{line}: {}", shown.stdout);
    }
    assert_eq!(config(&team), before);
    team.run(&[&accept[..], &["--write"]].concat()).exits(64);
    assert_eq!(config(&team), before);
    let written = team.run(&[&accept[..], &["--write", "--yes"]].concat()).exits(0);
    assert!(written.stderr.contains("+enabled = false"), "{}", written.stderr);
    assert!(written.stderr.contains("wrote keycomb.toml"), "{}", written.stderr);
    assert_eq!(writes(&team), Vec::<String>::new(), "nothing is sent");
    let after = config(&team);
    for comment in [
        "# the house",
        "# its name",
        "# loud",
        "# what builds use",
        "# deploys",
        "# checks",
        "# off in summer",
    ] {
        assert!(after.contains(comment), "{comment}: {after}");
    }
    assert!(after.contains("name = \"ci {{x}}\"") && !after.contains("run_queries"), "{after}");
    let plan = team.run(&["plan", "--detailed-exitcode"]).exits(0);
    assert!(plan.stdout.contains("No changes"), "{}", plan.stdout);
    team.run(&["drift"]).exits(0);
    team.run(&["drift", "--accept", "key.production.ci", "--write", "--yes"]).exits(5);
}

#[test]
fn what_cannot_be_written_is_told_and_left() {
    let team = Team::new();
    let shared = "[key.shared]\nenvironments = [\"production\", \"staging\"]\ntype = \"configuration\"\n\
        permissions = [\"run_queries\"]\n[key.named]\nenvironment = \"staging\"\ntype = \"configuration\"\nname = \"{key} of {environment}\"\n";
    team.declare(&format!("{SAMPLE}{shared}")).run(&["apply", "--yes"]).exits(0);
    let home = |name: &str| {
        let truth = team.sandbox.truth();
        truth.environments.iter().find(|e| e.name.eq_ignore_ascii_case(name)).unwrap().id.clone()
    };
    let in_production = {
        let truth = team.sandbox.truth();
        let production = home("production");
        truth.keys.iter().find(|k| k.name == "shared" && k.environment == production).unwrap().id.clone()
    };
    patch(&team, "api-keys", &in_production, &serde_json::json!({ "permissions": { "manage_slos": true } }));
    patch(&team, "api-keys", &team.key_id("named of staging"), &serde_json::json!({ "name": "other" }));
    patch(&team, "api-keys", &team.key_id("ci"), &serde_json::json!({ "name": "a\u{1b}[31mb" }));
    let (before, record) = (config(&team), std::fs::read(team.path("keycomb.sealed.toml")).unwrap());
    for (whom, words) in [
        ("key.production.shared", "`key.staging.shared`"),
        ("key.staging.named", "`{key} of {environment}`"),
        ("key.staging.ci", "cannot be declared"),
        ("key.staging.nothing", "nothing is managed"),
    ] {
        for write in [&[][..], &["--write", "--yes"]] {
            let ran = team.run(&[&["drift", "--accept", whom], write].concat());
            assert!([3, 5].contains(&ran.exit), "{whom}: {}\n{}{}", ran.exit, ran.stdout, ran.stderr);
            let said = format!("{}{}", ran.stdout, ran.stderr).replace("\n", " ");
            let said = said.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
            assert!(said.contains(words), "{whom}: {said}");
            assert!(!said.contains('\u{1b}'));
        }
    }
    assert_eq!(config(&team), before);
    assert_eq!(std::fs::read(team.path("keycomb.sealed.toml")).unwrap(), record);
}

#[test]
fn a_value_that_environments_share_is_written_where_all_of_them_have_it() {
    let team = Team::new();
    team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    let ids: Vec<String> = team
        .sandbox
        .truth()
        .live_keys()
        .filter(|key| key.name == "checkout")
        .map(|key| key.id.clone())
        .collect();
    assert_eq!(ids.len(), 2);
    ids.iter().for_each(|id| team.set_disabled(id, true));
    let one = ["drift", "--accept", "key.production.checkout", "--write", "--yes"];
    team.run(&one).exits(3);
    team.run(&[&one[..], &["--accept", "key.staging.checkout"]].concat()).exits(0);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
    team.run(&["drift"]).exits(0);
}

/// A few random teams and drifts, through files, record and service.
#[test]
fn after_random_drift_is_accepted_plan_and_drift_are_empty() {
    for seed in 1..=4 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let team = Team::new();
        let mut text = String::from("[environment.production]\ncolor = \"red\"\ndescription = \"ours\"\n");
        for number in 0..4 {
            text.push_str(&format!(
                "[key.k{number}]\nenvironment = \"production\"\ntype = \"configuration\"\npermissions = [\"run_queries\", \"manage_slos\"]\n"
            ));
        }
        text.push_str("[key.base]\nenvironment = \"production\"\ntype = \"ingest\"\n");
        team.declare(&text).run(&["apply", "--yes"]).exits(0);
        let permissions = ["run_queries", "manage_slos", "manage_boards", "send_events"];
        for number in 0..4 {
            let id = team.key_id(&format!("k{number}"));
            let granted: serde_json::Map<_, _> =
                permissions.iter().map(|name| ((*name).to_owned(), rng.bool().into())).collect();
            let name = ["k", "two words", "é \"quoted\" \\", "{{x}", "::error::\u{200b}"][rng.usize(..5)];
            let name = if rng.bool() { format!("{name}{number}") } else { format!("k{number}") };
            patch(
                &team,
                "api-keys",
                &id,
                &serde_json::json!({ "name": name, "disabled": rng.bool(), "permissions": granted }),
            );
        }
        let home = team.sandbox.truth().environments[0].id.clone();
        let color = ["red", "blue", "lightGold"][rng.usize(..3)];
        patch(
            &team,
            "environments",
            &home,
            &serde_json::json!({ "color": color, "description": "two\nlines" }),
        );
        let found = team.run(&["drift", "--format", "json"]).stdout;
        let found: serde_json::Value = serde_json::from_str(&found).unwrap();
        let drifted: Vec<&str> =
            found["findings"].as_array().unwrap().iter().filter_map(|f| f["address"].as_str()).collect();
        assert!(drifted.len() > 1, "seed {seed}: {found}");
        let accept = drifted.iter().flat_map(|address| ["--accept", address]);
        let arguments: Vec<&str> = ["drift"].into_iter().chain(accept).chain(["--write", "--yes"]).collect();
        let ran = team.run(&arguments);
        assert_eq!(ran.exit, 0, "seed {seed}: {}{}", ran.stdout, ran.stderr);
        let text = config(&team);
        for hostile in ["\u{200b}", "::"] {
            assert!(!text.contains(hostile), "seed {seed}: {text}");
            assert!(!ran.stderr.contains(hostile), "seed {seed}: {}", ran.stderr);
        }
        let plan = team.run(&["plan", "--detailed-exitcode"]);
        assert_eq!(plan.exit, 0, "seed {seed}: {}", plan.stdout);
        let drift = team.run(&["drift", "--fail-on", "any"]);
        assert_eq!(drift.exit, 0, "seed {seed}: {}", drift.stdout);
    }
}

#[test]
fn what_is_lived_with_is_folded_and_changes_no_exit_code() {
    let team = Team::new();
    team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    team.set_disabled(&team.key_id("ci"), true);
    let rule = |more: &str| {
        format!("[[ignore]]\nmatch = \"key.staging.*\"\nreason = \"in repair\"\n{more}\n{SAMPLE}")
    };
    team.declare(&rule("")).run(&["check"]).exits(0);
    let ran = team.run(&["drift", "--fail-on", "any"]).exits(0);
    assert!(ran.stdout.contains("in repair") && ran.stdout.contains("1 ignored"), "{}", ran.stdout);
    let json: serde_json::Value =
        serde_json::from_str(&team.run(&["drift", "--format", "json"]).exits(0).stdout).unwrap();
    assert_eq!(
        (json["findings"].as_array().unwrap().len(), json["ignored"].as_array().unwrap().len()),
        (0, 1)
    );
    // It hides what is found, and not what an apply does.
    assert!(team.run(&["plan", "--detailed-exitcode"]).exits(2).stdout.contains("enable"));
    team.declare(&rule("until = 2020-01-01"));
    let ran = team.run(&["drift"]).exits(2);
    assert!(ran.stdout.contains("ended on 2020-01-01"), "{}", ran.stdout);
    team.declare(&rule("class = \"missing\"")).run(&["drift"]).exits(2);
    team.run(&["drift", "--fail-on", "missing"]).exits(0);
    team.run(&["drift", "--fail-on", "missing", "--fail-on", "changed"]).exits(2);
    team.run(&["drift", "--fail-on", "high"]).exits(2);
    team.run(&["drift", "--fail-on", "sideways"]).exits(64);
}
