//! Rotation from the command line: the new key first, the old one off after the overlap, deleted after its quarantine.

use std::sync::Arc;
use std::time::Duration;

use keycomb::sandbox::{Clock, KeyTruth, ManualClock, Options};
use serde_json::Value;

use crate::team::{Ran, Team};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const CI: &str = "key.staging.ci";

const TWO: &str = r#"
[environment.staging]
[key.ci]
environment = "staging"
type = "configuration"
permissions = ["run_queries"]
rotate = { every = "90d", overlap = "7d" }
[key.web]
environment = "staging"
type = "ingest"
permissions = ["create_datasets"]
rotate = "never"
"#;

fn team() -> (Team, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new("2026-11-21T12:00:00Z".parse().unwrap()));
    let options = Options { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..Options::default() };
    let team = Team::with(options);
    team.declare(TWO).run(&["apply", "--yes"]).exits(0);
    (team, clock)
}

/// The keys of a name that are there, oldest first.
fn keys(team: &Team, name: &str) -> Vec<KeyTruth> {
    let is_there = |key: &KeyTruth| key.name == name && key.deleted.is_none();
    let mut keys: Vec<_> = team.sandbox.truth().keys.into_iter().filter(is_there).collect();
    keys.sort_by_key(|key| (key.created, key.id.clone()));
    keys
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}\n{}", ran.stdout))
}

/// (phase, next, date) of each generation of an address.
fn status(team: &Team, address: &str) -> Vec<[Value; 3]> {
    let status = json(&team.run(&["status", "--format", "json"]).exits(0));
    let rows = status["keys"].as_array().unwrap();
    let rows = rows.iter().filter(|row| row["address"] == address);
    rows.map(|row| ["phase", "next", "date"].map(|field| row[field].clone())).collect()
}

#[test]
fn a_key_is_rotated_at_once_and_the_old_one_works_until_the_overlap_is_over() {
    let (team, clock) = team();
    clock.advance(DAY);
    // Something else is to be done, and is left.
    team.declare(&TWO.replace("\"create_datasets\"", ""));
    let ran = team.run(&["rotate", CI, "--yes"]).exits(0);
    assert!(ran.stdout.contains("works until 2026-11-29T12:00:0"), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("issued, sealed to ops") && !ran.stdout.contains("key.staging.web"),
        "{}",
        ran.stdout
    );
    let two = keys(&team, "ci");
    assert_eq!(two.iter().map(|key| key.disabled).collect::<Vec<_>>(), [false, false]);
    let identity = team.identity.to_str().unwrap();
    let opened = team.run(&["secrets", "open", CI, "-i", identity]).exits(0);
    assert_eq!(opened.stdout.trim(), two[1].credential, "the newest is handed out");
    team.declare(TWO);

    team.run(&["plan", "--detailed-exitcode"]).exits(0);
    let [old, new] = &status(&team, CI)[..] else { panic!() };
    assert_eq!((old[0].as_str(), old[1].as_str()), (Some("overlap"), Some("disable")));
    assert!(old[2].as_str().unwrap().starts_with("2026-11-29T12:00:0"), "{old:?}");
    assert_eq!((new[0].as_str(), new[1].as_str()), (Some("live"), Some("rotate")));

    // No third one beside two.
    let ran = team.run(&["rotate", CI, "--yes"]).exits(5);
    assert!(ran.stdout.contains("no third one is made"), "{}", ran.stdout);
    assert_eq!(keys(&team, "ci").len(), 2);

    clock.advance(8 * DAY);
    team.run(&["apply", "--yes"]).exits(0);
    let two = keys(&team, "ci");
    assert_eq!(two.iter().map(|key| key.disabled).collect::<Vec<_>>(), [true, false]);
    assert_eq!(status(&team, CI)[0][..2], ["quarantine", "delete"]);
    clock.advance(13 * DAY);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
    clock.advance(2 * DAY);
    team.run(&["apply", "--yes"]).exits(0);
    assert_eq!(keys(&team, "ci").len(), 1);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn what_is_due_is_rotated_by_any_apply_and_forecast_before() {
    let (team, clock) = team();
    let before = team.sandbox.truth();
    let ran = team.run(&["plan", "--at", "+30d", "--detailed-exitcode"]).exits(0);
    assert!(ran.stdout.contains("forecast for 2026-12-21T12:00:0"), "{}", ran.stdout);
    assert!(ran.stderr.contains("no apply carries this out"), "{}", ran.stderr);
    let ran = team.run(&["plan", "--at", "+91d", "--detailed-exitcode"]).exits(2);
    assert!(ran.stdout.contains("rotate") && ran.stdout.contains("works until 2027-02-27"), "{}", ran.stdout);
    let plan = json(&team.run(&["plan", "--at", "91d", "--format", "json"]).exits(0));
    assert!(plan["header"]["now"].as_str() > plan["header"]["read"].as_str());
    assert_eq!(plan["actions"][0]["step"]["succeeds"][0]["generation"], 1);
    assert_eq!(team.sandbox.truth(), before, "a forecast wrote");

    let due = |within: &str| {
        let status = json(&team.run(&["status", "--due", within, "--format", "json"]).exits(0));
        status["keys"].as_array().unwrap().len()
    };
    assert_eq!((due("30d"), due("91d")), (0, 1));
    clock.advance(91 * DAY);
    assert_eq!(due("1d"), 1);
    team.run(&["apply", "--yes"]).exits(0);
    assert_eq!((keys(&team, "ci").len(), keys(&team, "web").len()), (2, 1));
}

#[test]
fn what_cannot_change_in_place_is_replaced_and_its_consumers_have_the_overlap_to_move() {
    let (team, clock) = team();
    team.declare(&TWO.replace("\"create_datasets\"", ""));
    let ran = team.run(&["apply", "--yes"]).exits(0);
    assert!(ran.stdout.contains("replace") && ran.stdout.contains("old key"), "{}", ran.stdout);
    let two = keys(&team, "web");
    assert_eq!(two.iter().map(|key| key.disabled).collect::<Vec<_>>(), [false, false]);
    assert_eq!((two[0].permissions["create_datasets"], two[1].permissions["create_datasets"]), (true, false));
    clock.advance(8 * DAY);
    team.run(&["apply", "--yes"]).exits(0);
    assert!(keys(&team, "web")[0].disabled);
}

/// An environment cannot change either: the key there is another one, at another address.
#[test]
fn a_key_in_another_environment_is_made_there_and_the_one_it_had_works_for_the_overlap() {
    let (team, clock) = team();
    let moved = TWO.replacen("environment = \"staging\"", "environment = \"production\"", 1);
    team.declare(&format!("[environment.production]{moved}"));
    let ran = team.run(&["apply", "--yes"]).exits(0);
    let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("key.production.ci configuration replace"), "{}", ran.stdout);
    assert!(
        said.contains("generation 1 of key.staging.ci") && said.contains("works until 2026-11-28T12:00:"),
        "{said}"
    );
    assert_eq!(keys(&team, "ci").iter().map(|key| key.disabled).collect::<Vec<_>>(), [false, false]);
    let ran = team.run(&["plan", "--detailed-exitcode"]).exits(0);
    assert!(ran.stdout.contains("`key.production.ci` has taken its place"), "{}", ran.stdout);
    assert_eq!(status(&team, CI)[0][..2], ["overlap", "disable"]);
    assert_eq!(status(&team, "key.production.ci")[0][..2], ["live", "rotate"]);

    clock.advance(8 * DAY);
    let ran = team.run(&["apply", "--yes"]).exits(0);
    assert!(ran.stdout.contains("has taken its place since"), "{}", ran.stdout);
    let two = keys(&team, "ci");
    assert_eq!(two.iter().map(|key| key.disabled).collect::<Vec<_>>(), [true, false]);
    clock.advance(15 * DAY);
    team.run(&["apply", "--yes"]).exits(0);
    assert_eq!(keys(&team, "ci").len(), 1);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn a_calendar_holds_what_is_to_come() {
    let (team, _) = team();
    team.run(&["status", "--ics", "keys.ics"]).exits(0);
    // Again over a calendar, and over nothing else.
    team.run(&["status", "--ics", "keys.ics"]).exits(0);
    let sealed = std::fs::read(team.path("keycomb.sealed.toml")).unwrap();
    let refused = team.run(&["status", "--ics", "keycomb.sealed.toml"]).exits(64);
    assert!(refused.stderr.contains("is no calendar"), "{}", refused.stderr);
    assert_eq!(std::fs::read(team.path("keycomb.sealed.toml")).unwrap(), sealed);
    let text = std::fs::read_to_string(team.path("keys.ics")).unwrap();
    assert!(text.contains("SUMMARY:rotate key.staging.ci (generation 1)\r\n"), "{text}");
    assert!(
        text.contains("DTSTART;VALUE=DATE:20270219\r\n") && text.contains("DTSTAMP:20261121T1200"),
        "{text}"
    );
    assert_eq!(text.matches("BEGIN:VEVENT").count(), 1, "what has no date is no event");
}

#[test]
fn what_cannot_be_rotated_says_why() {
    let (team, _) = team();
    let ran = team.run(&["rotate", "key.staging.nobody", "--yes"]).exits(3);
    assert!(ran.stderr.contains("no file declares `key.staging.nobody`"), "{}", ran.stderr);
    team.run(&["rotate", CI]).exits(64);
    team.declare(&TWO.replace("[key.web]", "enabled = false\n[key.web]")).run(&["apply", "--yes"]).exits(0);
    let ran = team.run(&["rotate", CI, "--yes"]).exits(5);
    assert!(ran.stdout.contains("enabled = false"), "{}", ran.stdout);
    assert_eq!(keys(&team, "ci").len(), 1);
}

#[test]
fn a_glob_means_all_declared_keys_that_are_like_it() {
    let (team, _) = team();
    let ran = team.run(&["rotate", "key.staging.*", "--yes"]).exits(0);
    assert!(
        ran.stderr.contains("`key.staging.*` is 2 keys: key.staging.ci, key.staging.web"),
        "{}",
        ran.stderr
    );
    assert!(ran.stdout.contains("2 to rotate"), "{}", ran.stdout);
    assert_eq!((keys(&team, "ci").len(), keys(&team, "web").len()), (2, 2));
    // Nothing is like it: nothing is asked of the service but what there is.
    team.sandbox.clear_requests();
    for (glob, told) in [
        ("key.stagin.*", "did you mean `key.staging.*`?"),
        ("key.staging.c?i", "no declared key is like `key.staging.c?i`"),
        ("key.production.x*", "declared are `key.staging.ci`, `key.staging.web`"),
        ("environment.*", "no declared key is like"),
    ] {
        let ran = team.run(&["rotate", glob, "--yes"]).exits(3);
        assert!(ran.stderr.contains(told), "{glob}: {}", ran.stderr);
    }
    let ran = team.run(&["rotate", "environment.staging", "--yes"]).exits(3);
    assert!(ran.stderr.contains("`key.staging.*`"), "{}", ran.stderr);
    let ran = team.run(&["rotate", "key.staging.cj", "--yes"]).exits(3);
    assert!(ran.stderr.contains("did you mean `key.staging.ci`?"), "{}", ran.stderr);
    team.run(&["rotate", "ci", "--yes"]).exits(64);
    assert!(team.sandbox.requests().iter().all(|request| request.method == "GET"));
}

#[test]
fn a_staged_rotation_enables_nothing_until_its_entry_is_home() {
    let (team, _) = team();
    let ran = team.run(&["rotate", CI, "--stage", "--yes"]).exits(0);
    assert!(ran.stderr.contains("keycomb apply --release"), "{}", ran.stderr);
    let is_on = |team: &Team| team.sandbox.truth().live_keys().filter(|key| !key.disabled).count();
    assert_eq!((is_on(&team), team.sandbox.truth().live_keys().count()), (2, 3));
    team.run(&["apply", "--release", "--yes"]).exits(0);
    assert_eq!(is_on(&team), 3);
    let ci = keys(&team, "ci");
    let identity = team.identity.to_str().unwrap();
    let opened = team.run(&["secrets", "open", CI, "-i", identity]).exits(0);
    assert_eq!(opened.stdout.trim(), ci[1].credential);
}

#[test]
fn what_is_lifted_must_be_somebodys() {
    let (team, _) = team();
    let before = std::fs::read(team.path("keycomb.sealed.toml")).unwrap();
    team.sandbox.clear_requests();
    for command in [&["plan"][..], &["apply", "--yes"], &["rotate", CI, "--yes"]] {
        let arguments = [command, &["--allow", "key.staging.cj"]].concat();
        let ran = team.run(&arguments).exits(64);
        assert!(ran.stderr.contains("did you mean `key.staging.ci`?"), "{command:?}: {}", ran.stderr);
    }
    assert!(team.sandbox.requests().iter().all(|request| request.method == "GET"));
    assert_eq!(std::fs::read(team.path("keycomb.sealed.toml")).unwrap(), before);
    team.run(&["plan", "--allow", "environment.staging", "--allow", CI]).exits(0);
    // Recorded counts, too: what is no longer declared is what is most often lifted.
    team.declare("").run(&["plan", "--allow", CI]);
    let ran = team.run(&["plan", "--allow", CI]);
    assert_ne!(ran.exit, 64, "{}", ran.stderr);
}

/// The proof after the release is what the old key's end hangs on.
#[test]
fn the_old_key_does_not_stop_while_the_new_one_is_refused() {
    let (team, clock) = team();
    team.sandbox.add_fault("status:GET:auth@2+=401-legacy".parse().unwrap());
    team.run(&["rotate", CI, "--yes"]).exits(10);
    team.sandbox.clear_faults();
    team.run(&["apply", "--yes"]).exits(0);
    clock.advance(8 * DAY);
    let ran = team.run(&["apply", "--yes"]).exits(5);
    assert!(ran.stdout.contains("unproven"), "{}", ran.stdout);
    assert!(keys(&team, "ci").iter().all(|key| !key.disabled));
    team.run(&["apply", "--yes", "--allow", CI]).exits(0);
    assert!(keys(&team, "ci")[0].disabled);
}

/// Of two that work, who takes all takes the newer one; what is revoked is handed to nobody.
#[test]
fn an_export_has_the_newest_key_of_each_address() {
    let (team, clock) = team();
    clock.advance(DAY);
    team.run(&["rotate", CI, "--yes"]).exits(0);
    let identity = team.identity.to_str().unwrap();
    let two = keys(&team, "ci");
    let export = |format: &str| {
        let ran = team.run(&["secrets", "export", "-i", identity, "--format", format]).exits(0);
        assert_eq!(ran.stderr, "");
        ran.stdout
    };
    for format in ["dotenv", "shell", "json", "kubernetes"] {
        let text = export(format);
        assert!(text.contains(&two[1].credential) && !text.contains(&two[0].credential), "{format}");
    }
    assert!(export("shell").starts_with("export HONEYCOMB_STAGING_CI='"));
    let reason = ["--reason", "leaked", "--disable", "--yes"];
    team.run(&[&["revoke", CI][..], &reason].concat()).exits(0);
    let text = export("dotenv");
    assert!(two.iter().all(|key| !text.contains(&key.credential)), "a revoked credential is exported");
}
