//! What is kept from being stopped, unless a person names it.

use std::fs;

use crate::team::Team;

const KEPT: &str = "[environment.production]\n[key.main]\nenvironment = \"production\"\ntype = \"ingest\"\n";

fn with(lines: &str) -> String {
    format!("{KEPT}[key.web]\nenvironment = \"production\"\ntype = \"configuration\"\n{lines}")
}

fn is_disabled(team: &Team, name: &str) -> bool {
    team.sandbox.truth().keys.iter().find(|key| key.name == name).unwrap().disabled
}

#[test]
fn protection_outlives_its_block() {
    let team = Team::new();
    team.declare(&with("protected = true\n")).run(&["apply", "--yes"]).exits(0);
    team.declare(KEPT);
    assert!(team.run(&["plan"]).exits(5).stdout.contains("protected"));
    team.run(&["apply", "--yes"]).exits(5);
    assert!(!is_disabled(&team, "web"));
    team.run(&["apply", "--yes", "--allow", "key.production.web"]).exits(0);
    assert!(is_disabled(&team, "web"));
}

#[test]
fn lifting_protection_is_a_change_of_its_own_one_apply_before_it_matters() {
    let team = Team::new();
    team.declare(&with("protected = true\n")).run(&["apply", "--yes"]).exits(0);
    // Both at once: the protection goes, and the key goes on working.
    team.declare(&with("enabled = false\n"));
    let ran = team.run(&["apply", "--yes"]).exits(5);
    assert!(ran.stdout.contains("protected"), "{}", ran.stdout);
    assert!(!is_disabled(&team, "web"));
    team.run(&["apply", "--yes"]).exits(0);
    assert!(is_disabled(&team, "web"));
}

#[test]
fn an_environment_keeps_its_last_ingest_key_when_several_go_at_once() {
    let team = Team::new();
    let keys = |names: &[&str]| -> String {
        let key = |name: &&str| format!("[key.{name}]\nenvironment = \"production\"\ntype = \"ingest\"\n");
        format!("[environment.production]\n{}", names.iter().map(key).collect::<String>())
    };
    team.declare(&keys(&["a", "b", "c"])).run(&["apply", "--yes"]).exits(0);
    team.declare(&keys(&[]));
    let ran = team.run(&["apply", "--yes"]).exits(5);
    assert!(ran.stdout.contains("last_ingest"), "{}", ran.stdout);
    let working: Vec<String> =
        team.sandbox.truth().keys.into_iter().filter(|key| !key.disabled).map(|key| key.name).collect();
    assert_eq!(working, ["c"]);
    team.run(&["apply", "--yes"]).exits(5);
    team.run(&["apply", "--yes", "--allow", "key.production.c"]).exits(0);
    assert!(is_disabled(&team, "c"));
}

#[test]
fn the_key_that_keycomb_uses_is_not_stopped_whatever_the_record_says() {
    let team = Team::new();
    team.declare(&with("")).run(&["apply", "--yes"]).exits(0);
    // A record that was written by hand calls the management key one of ours, long on its way out.
    let id = team.key_id("web");
    let own = team.sandbox.management_key().id;
    let text = fs::read_to_string(team.path("keycomb.sealed.toml")).unwrap();
    let (before, entry) = text.split_once("[[key]]\naddress = \"key.production.web\"").unwrap();
    let entry = entry.replace(&id, &own).replace("state = \"live\"", "state = \"disabled\"");
    let entry = entry.replacen("since = \"2", "since = \"1", 1);
    let forged = format!("{before}[[key]]\naddress = \"key.production.web\"{entry}");
    fs::write(team.path("keycomb.sealed.toml"), forged).unwrap();
    team.declare(KEPT);
    let ran = team.run(&["apply", "--yes"]).exits(5);
    assert!(ran.stdout.contains("own_key"), "{}", ran.stdout);
    assert!(team.sandbox.requests().iter().all(|request| request.method != "DELETE"));
}
