//! `revoke`: one command in an emergency.

use std::fs;

use keycomb::model::{Endpoint, Lineage, TeamSlug};
use keycomb::seal::{Holder, Keeper};

use crate::team::{Ran, Team};

const KEYS: &str = r#"
[environment.production]
name = "Production"
[key.checkout]
environment = "production"
type = "ingest"
permissions = ["create_datasets"]
protected = true
owner = "team-checkout"
purpose = "spans of the shop"
consumers = ["collector-eu", "collector-us"]
[key.ci]
environment = "production"
type = "configuration"
permissions = ["manage_markers"]
"#;
const AT: &str = "key.production.checkout";

fn applied() -> Team {
    let team = Team::new();
    team.declare(KEYS).run(&["apply", "--yes"]).exits(0);
    team.sandbox.clear_requests();
    team
}

fn revoke(team: &Team, more: &[&str]) -> Ran {
    let mut arguments = vec!["revoke", AT, "--reason", "it is in a build log", "--yes"];
    arguments.extend(more);
    team.run(&arguments)
}

fn sealed(team: &Team) -> String {
    fs::read_to_string(team.path("keycomb.sealed.toml")).unwrap()
}

/// The writes so far: method and the collection or id.
fn writes(team: &Team) -> Vec<String> {
    let requests = team.sandbox.requests();
    let writes = requests.iter().filter(|request| request.method != "GET");
    writes.map(|r| format!("{} {}", r.method, r.path.rsplit('/').next().unwrap())).collect()
}

#[test]
fn the_key_is_deleted_first_and_its_successor_takes_its_place() {
    let team = applied();
    let old = team.key_id("checkout");
    let ran = revoke(&team, &[]).exits(0);
    let new = team.key_id("checkout");
    assert_ne!(old, new);
    assert_eq!(writes(&team), [format!("DELETE {old}"), "POST api-keys".into(), format!("PATCH {new}")]);
    // Protected, and the last enabled ingest key of its environment: naming it is all it takes.
    for said in ["stops working at once", "team-checkout", "collector-eu, collector-us", "spans of the shop"]
    {
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    }
    let kept = sealed(&team);
    assert!(
        kept.contains("revoked.reason = \"it is in a build log\"")
            && kept.contains("revoked.how = \"delete\"")
    );
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
    let opened = team.run(&["secrets", "open", AT, "-i", "identity.txt"]).exits(0);
    assert!(opened.stdout.starts_with(&new), "the successor's secret can be opened");
    team.sandbox.clear_requests();
    let again = revoke(&team, &[]).exits(0);
    assert_ne!(team.key_id("checkout"), new, "revoked again: {}", again.stderr);
}

#[test]
fn the_milder_form_disables_and_leaves_the_old_key_to_its_quarantine() {
    let team = applied();
    let old = team.key_id("checkout");
    revoke(&team, &["--disable"]).exits(0);
    let truth = team.sandbox.truth();
    let is_old = |id: &str| id == old;
    assert!(truth.keys.iter().any(|k| is_old(&k.id) && k.disabled && k.deleted.is_none()));
    let new = truth.live_keys().find(|k| k.name == "checkout" && !k.disabled).unwrap().id.clone();
    assert_eq!(writes(&team), [format!("PATCH {old}"), "POST api-keys".into(), format!("PATCH {new}")]);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
    // A request that was under way all along, or somebody: it is seen and undone, and never serves again.
    team.set_disabled(&old, false);
    let ran = team.run(&["apply", "--yes"]).exits(5);
    assert!(ran.stdout.contains("revoked: it is in a build log"), "{}", ran.stdout);
    team.run(&["apply", "--yes", "--allow", AT]).exits(0);
    assert!(team.sandbox.truth().keys.iter().any(|k| is_old(&k.id) && k.disabled));
}

#[test]
fn what_is_not_declared_any_more_goes_without_a_successor() {
    let team = applied();
    team.declare(KEYS.split("[key.checkout]").next().unwrap());
    let ran = revoke(&team, &[]).exits(0);
    assert!(ran.stderr.contains("no successor"), "{}", ran.stderr);
    assert!(!team.sandbox.truth().live_keys().any(|key| key.name == "checkout"));
    assert!(team.sandbox.truth().live_keys().any(|key| key.name == "ci"), "nothing else is in this run");
}

#[test]
fn a_deletion_whose_answers_are_lost_is_done_all_the_same() {
    for fault in [
        "drop-after:DELETE:api-keys@1",
        "drop-before:DELETE:api-keys@1",
        "status-after:DELETE:api-keys@1=504-html",
    ] {
        let team = applied();
        let old = team.key_id("checkout");
        team.sandbox.add_fault(fault.parse().unwrap());
        revoke(&team, &[]).exits(0);
        assert_ne!(team.key_id("checkout"), old, "{fault}");
    }
}

#[test]
fn a_refused_deletion_leaves_no_successor_beside_the_leak_and_the_next_run_finishes_it() {
    let team = applied();
    let old = team.key_id("checkout");
    team.sandbox.add_fault("status:DELETE:api-keys=422-jsonapi".parse().unwrap());
    let ran = revoke(&team, &[]);
    assert_ne!(ran.exit, 0);
    assert_eq!(team.key_id("checkout"), old, "one key, the old one");
    team.sandbox.clear_faults();
    // The person's word is on the record; what it takes is shown, and a guard that was lifted by naming is lifted so again.
    let held = team.run(&["apply", "--yes"]).exits(5);
    assert!(held.stdout.contains("protected"), "{}", held.stdout);
    assert_eq!(team.key_id("checkout"), old);
    team.run(&["apply", "--yes", "--allow", AT]).exits(0);
    assert_ne!(team.key_id("checkout"), old);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn cut_off_between_the_deletion_and_the_successor_the_next_apply_makes_it() {
    let team = applied();
    let old = team.key_id("checkout");
    team.sandbox.add_fault("status:POST:api-keys=500-jsonapi".parse().unwrap());
    assert_ne!(revoke(&team, &[]).exit, 0);
    assert!(!team.sandbox.truth().live_keys().any(|key| key.id == old), "first the leak");
    team.sandbox.clear_faults();
    let ran = team.run(&["apply", "--yes"]).exits(0);
    assert!(ran.stdout.contains("revoked"), "{}", ran.stdout);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
    assert_eq!(team.sandbox.truth().live_keys().filter(|key| key.name == "checkout").count(), 1);
}

#[test]
fn a_key_that_somebody_deleted_already_gets_its_successor() {
    let team = applied();
    let old = team.key_id("checkout");
    let (status, _) = team.by_hand("DELETE", &format!("/2/teams/acme/api-keys/{old}"), None);
    assert_eq!(status, 204);
    team.run(&["apply", "--yes"]).exits(5);
    revoke(&team, &[]).exits(0);
    assert_ne!(team.key_id("checkout"), old);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}

/// Somebody else's apply holds the lock, for however long: the leak does not wait for it.
#[test]
fn a_lock_that_is_taken_does_not_hold_the_deletion_up() {
    let team = applied();
    let old = team.key_id("checkout");
    let holder = Holder {
        pid: 1,
        host: "elsewhere".into(),
        user: None,
        started: "2026-01-01T00:00:00Z".parse().unwrap(),
        command: "apply".into(),
    };
    let endpoint = Endpoint::new(team.sandbox.endpoint()).unwrap();
    let path = team.path("keycomb.sealed.toml");
    let slug = TeamSlug::new("acme").unwrap();
    let fresh = || Lineage::new("0123456789abcdef").unwrap();
    let keeper = Keeper::open(&path, &slug, &endpoint, fresh(), &holder).unwrap();
    let before = sealed(&team);
    let ran = revoke(&team, &[]);
    assert_eq!(writes(&team), [format!("DELETE {old}")], "{}", ran.stderr);
    assert!(ran.exit == 8 || ran.exit == 9, "{} {}", ran.exit, ran.stderr);
    assert!(ran.stderr.contains("has no successor yet"), "{}", ran.stderr);
    assert_eq!(sealed(&team), before);
    drop(keeper);
    // The same command again: what is gone is written down, and the successor made.
    revoke(&team, &[]).exits(0);
    assert_ne!(team.key_id("checkout"), old);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn it_asks_and_off_a_terminal_it_needs_yes() {
    let team = applied();
    let ran = team.run(&["revoke", AT, "--reason", "x"]).exits(64);
    assert!(ran.stderr.contains("--yes"), "{}", ran.stderr);
    assert_eq!(team.sandbox.requests().len(), 0);
    team.run(&["revoke", AT, "--yes"]).exits(64);
    team.run(&["revoke", "key.production.chekout", "--reason", "x", "--yes"]).exits(3);
    team.run(&["revoke", "environment.production", "--reason", "x", "--yes"]).exits(64);
    for reason in ["", "a\nb", "\u{1b}[31mred", &"x".repeat(201)] {
        team.run(&["revoke", AT, "--reason", reason, "--yes"]).exits(64);
    }
    assert_eq!(writes(&team), [""; 0]);
}

/// People paste in a panic.
#[test]
fn a_credential_given_as_an_argument_is_refused_and_not_repeated() {
    let team = applied();
    let truth = team.sandbox.truth();
    for key in &truth.keys {
        for arguments in [
            vec!["revoke", key.credential.as_str(), "--reason", "x", "--yes"],
            vec!["revoke", "--reason", "x", "--yes", key.secret.as_str()],
            vec!["revoke", AT, "--yes", "--reason", key.credential.as_str()],
            vec!["revoke", AT, key.credential.as_str(), "--yes", "--reason", "x"],
        ] {
            let ran = team.run(&arguments).exits(64);
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(!said.contains(&key.secret), "{said}");
        }
    }
    assert_eq!(writes(&team), [""; 0]);
}

#[test]
fn the_report_is_a_document_too_and_stdout_holds_nothing_else() {
    let team = applied();
    let ran = revoke(&team, &["--format", "json"]).exits(0);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["format"], "keycomb.report/1");
    assert_eq!(document["summary"]["done"], 2);
    assert!(ran.stderr.contains("collector-eu"), "{}", ran.stderr);
}
