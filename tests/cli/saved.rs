//! Saved plans: what is approved is what is carried out, once, and nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use keycomb::sandbox::{Clock, ManualClock, Options};
use serde_json::Value;

use crate::team::{Ran, SAMPLE, Team};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const PLAN: &str = "plan.json";

fn team() -> (Team, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new("2026-11-21T12:00:00Z".parse().unwrap()));
    let options = Options { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..Options::default() };
    (Team::with(options), clock)
}

/// Another ingest key, so that one can go.
const SPARE: &str = "[key.spare]\nenvironment = \"staging\"\ntype = \"ingest\"\n";

/// All applied; then a permission more, a key less, and one more, saved as a plan.
fn saved() -> (Team, Arc<ManualClock>) {
    let (team, clock) = team();
    team.declare(&format!("{SAMPLE}{SPARE}")).run(&["apply", "--yes"]).exits(0);
    team.declare(&changed());
    team.run(&["plan", "--out", PLAN]).exits(0);
    team.sandbox.clear_requests();
    (team, clock)
}

fn changed() -> String {
    SAMPLE.replace("\"manage_markers\"", "\"manage_markers\", \"manage_slos\"").replace(
        "[key.checkout]\nenvironments = [\"production\", \"staging\"]",
        "[key.checkout]\nenvironment = \"production\"",
    ) + SPARE
        + "[key.new]\nenvironment = \"production\"\ntype = \"ingest\"\n"
}

fn edit(team: &Team, name: &str, edit: impl Fn(&str) -> String) {
    let path = team.path(name);
    let text = fs::read_to_string(&path).unwrap();
    let edited = edit(&text);
    assert_ne!(edited, text, "the edit of {name} changes nothing");
    fs::write(path, edited).unwrap();
}

fn writes(team: &Team) -> usize {
    team.sandbox.requests().iter().filter(|request| request.method != "GET").count()
}

/// One line, without the frame that errors are shown in.
fn words(text: &str) -> String {
    let bare = |c: char| if "│╰─▶×├".contains(c) { ' ' } else { c };
    text.chars().map(bare).collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Exit 6 for this reason, and nothing was written, here or there.
#[track_caller]
fn refused(team: &Team, ran: Ran, why: &str) {
    let ran = ran.exits(6);
    assert!(words(&ran.stderr).contains(why), "{why}:\n{}", ran.stderr);
    assert_eq!((writes(team), ran.stdout.as_str()), (0, ""), "{why}");
}

#[test]
fn a_saved_plan_is_carried_out_without_a_question_and_once() {
    let (team, _) = saved();
    let mode = fs::metadata(team.path(PLAN)).unwrap().permissions().mode() & 0o777;
    assert!(mode == 0o644 || mode == 0o664, "{mode:o}");
    team.run(&["apply"]).exits(64);
    let ran = team.run(&["apply", PLAN]).exits(0);
    assert!(ran.stdout.contains("key.production.new") && ran.stderr.contains("saved plan"), "{ran:?}");
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
    let record = fs::read_to_string(team.path("keycomb.sealed.toml")).unwrap();
    assert!(record.contains("[[applied_plan]]") && record.contains("complete = true"), "{record}");
    team.sandbox.clear_requests();
    refused(&team, team.run(&["apply", PLAN]), "it was carried out already, at 2026-11-21T12:00:00Z");
}

#[test]
fn it_is_the_same_bytes_for_the_same_world_and_holds_no_secret() {
    let (team, _) = saved();
    let first = fs::read_to_string(team.path(PLAN)).unwrap();
    team.run(&["plan", "--out", "again.json"]).exits(0);
    assert_eq!(fs::read_to_string(team.path("again.json")).unwrap(), first);
    let mut secrets: Vec<String> = team.sandbox.truth().keys.into_iter().map(|key| key.secret).collect();
    secrets.push(team.sandbox.management_key().secret);
    assert!(secrets.iter().all(|secret| !first.contains(secret)));
    let saved: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(saved["scopes"], serde_json::json!(["api-keys:write"]));
    assert_eq!(saved["valid_until"], "2026-11-22T12:00:00Z");
    assert_eq!(saved["files"][0]["name"], "keycomb.toml");
    assert_eq!(saved["sealed"]["serial"], 1);
}

type Act = fn(&Team, &ManualClock);

/// Each with its own reason, from the built binary.
#[test]
fn whatever_is_otherwise_is_refused_before_anything_is_written() {
    let acts: [(&str, Act); 17] = [
        ("its digest does not hold", |t, _| edit(t, PLAN, |text| text.replacen("\"new\"", "\"old\"", 1))),
        ("its digest does not hold", |t, _| edit(t, PLAN, |text| text[..text.len() / 2].to_owned() + "x")),
        ("it is no saved plan", |t, _| edit(t, PLAN, |_| "{}".into())),
        ("its format is newer", |t, _| edit(t, PLAN, |text| text.replace("saved_plan/1", "saved_plan/2"))),
        ("`plan.json` cannot be read", |t, _| fs::remove_file(t.path(PLAN)).unwrap()),
        ("the configuration is not what it was made from: `keycomb.toml` was changed", |t, _| {
            edit(t, "keycomb.toml", |text| format!("{text}\n# a comment\n"));
        }),
        ("it is of team `acme`, and the configuration is of team `umbrella`", |t, _| {
            edit(t, "keycomb.toml", |text| text.replace("\"acme\"", "\"umbrella\""));
        }),
        ("the recipients are not those that it was made with: `more` was added", |t, _| {
            let more = "[seal.recipients]\nmore = \"age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg\"";
            edit(t, "keycomb.toml", |text| text.replace("[seal.recipients]", more));
        }),
        ("and the configuration is for https:// api.eu1.honeycomb.io", |t, _| {
            let endpoint = format!("endpoint = \"{}\"", t.sandbox.endpoint());
            edit(t, "keycomb.toml", |text| text.replace(&endpoint, "region = \"eu\""));
        }),
        ("the sealed file is not the one that it was made from", |t, _| {
            edit(t, "keycomb.sealed.toml", |text| {
                text.replacen("quarantine = \"14d\"", "quarantine = \"1d\"", 1)
            });
        }),
        ("serial 1 then", |t, _| {
            edit(t, "keycomb.sealed.toml", |text| text.replace("serial = 1", "serial = 2"));
        }),
        ("no sealed file now", |t, _| fs::remove_file(t.path("keycomb.sealed.toml")).unwrap()),
        ("`key.staging.ci` is not as it was: the key", |t, _| t.set_disabled(&t.key_id("ci"), true)),
        ("was changed at 2026-11-21T13:00:00Z", |t, clock| {
            clock.advance(Duration::from_secs(60 * 60));
            let id = t.key_id("ci");
            t.set_disabled(&id, true);
            t.set_disabled(&id, false);
        }),
        ("`key.production.new` is not as it was: there is a key of its name now", |t, _| {
            let environment =
                t.sandbox.truth().environments.iter().find(|e| e.name == "Production").unwrap().id.clone();
            let body = format!(
                r#"{{"data":{{"type":"api-keys","attributes":{{"key_type":"ingest","name":"new","disabled":false,"permissions":{{"create_datasets":true}}}},"relationships":{{"environment":{{"data":{{"id":"{environment}","type":"environments"}}}}}}}}}}"#
            );
            assert_eq!(t.by_hand("POST", "/2/teams/acme/api-keys", Some(&body)).0, 201);
        }),
        (
            "it was valid until 2026-11-22T12:00:00Z, and the service's clock says 2026-11-22T12:00:01Z",
            |_, clock| {
                clock.advance(DAY + Duration::from_secs(1));
            },
        ),
        ("it was made at 2026-11-21T12:00:00Z, and the service's clock says 2026-11-", |_, clock| {
            clock.set("2026-11-21T11:00:00Z".parse().unwrap());
        }),
    ];
    for (why, act) in acts {
        let (team, clock) = saved();
        act(&team, &clock);
        team.sandbox.clear_requests();
        refused(&team, team.run(&["apply", PLAN]), why);
        // Nor does saying yes change that.
        refused(&team, team.run(&["apply", PLAN, "--yes"]), why);
    }
}

/// Nothing that it was made from has changed, and it would do something else: the last resort.
#[test]
fn a_plan_that_time_has_changed_is_another_plan() {
    let (team, clock) = team();
    let two = "[environment.a]\n[key.one]\nenvironment = \"a\"\ntype = \"ingest\"\n[key.two]\nenvironment = \"a\"\n\
               type = \"ingest\"\nrotate = { every = \"90d\", overlap = \"7d\" }\n[key.three]\nenvironment = \"a\"\n\
               type = \"ingest\"\n";
    team.declare(two).run(&["apply", "--yes"]).exits(0);
    clock.advance(89 * DAY);
    team.declare(&two.replace("[key.one]", "[key.four]"));
    team.run(&["plan", "--out", PLAN, "--valid-for", "3d"]).exits(0);
    clock.advance(2 * DAY);
    team.sandbox.clear_requests();
    refused(
        &team,
        team.run(&["apply", PLAN]),
        "the plan would be another one now: rotate `key.a.two` (only now)",
    );
}

#[test]
fn files_that_are_added_or_removed_count() {
    let (team, _) = team();
    fs::create_dir(team.path("keys")).unwrap();
    let one = "[key.one]\nenvironment = \"a\"\ntype = \"ingest\"\n";
    fs::write(team.path("keys/one.toml"), one).unwrap();
    team.declare("[environment.a]\n");
    edit(&team, "keycomb.toml", |text| {
        text.replace("version = 1", "version = 1\ninclude = [\"keys/*.toml\"]")
    });
    team.run(&["plan", "--out", PLAN]).exits(0);
    team.sandbox.clear_requests();
    fs::write(team.path("keys/two.toml"), "").unwrap();
    refused(&team, team.run(&["apply", PLAN]), "`keys/two.toml` was added");
    fs::rename(team.path("keys/two.toml"), team.path("two.toml")).unwrap();
    fs::rename(team.path("keys/one.toml"), team.path("keys/three.toml")).unwrap();
    refused(&team, team.run(&["apply", PLAN]), "`keys/one.toml` was removed, `keys/three.toml` was added");
    fs::rename(team.path("keys/three.toml"), team.path("keys/one.toml")).unwrap();
    team.run(&["apply", PLAN]).exits(0);
}

#[test]
fn a_credential_without_the_scopes_is_refused_as_ever() {
    let (team, _) = saved();
    let weak = team.sandbox.add_management_key(&["environments:read", "api-keys:read"], false);
    let mut command = team.command(&["apply", PLAN]);
    command.env("HONEYCOMB_KEY_ID", &weak.id).env("HONEYCOMB_KEY_SECRET", &weak.secret);
    let ran = Ran::from(command.output().unwrap()).exits(4);
    assert!(ran.stderr.contains("api-keys:write"), "{}", ran.stderr);
    assert_eq!(writes(&team), 0);
}

#[test]
fn after_a_failure_the_same_file_finishes_it() {
    let (team, _) = saved();
    team.sandbox.add_fault("status:PATCH@1=422-jsonapi".parse().unwrap());
    let first = team.run(&["apply", PLAN]);
    assert!(first.exit == 7 || first.exit == 1, "{first:?}");
    team.sandbox.clear_faults();
    let record = fs::read_to_string(team.path("keycomb.sealed.toml")).unwrap();
    assert!(record.contains("complete = false"), "{record}");
    team.run(&["apply", PLAN]).exits(0);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
    team.sandbox.clear_requests();
    refused(&team, team.run(&["apply", PLAN]), "it was carried out already");
}

#[test]
fn a_plan_is_staged_and_released_by_one_file() {
    let (team, _) = saved();
    team.run(&["apply", PLAN, "--stage"]).exits(0);
    team.run(&["apply", PLAN, "--release"]).exits(0);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
    team.sandbox.clear_requests();
    refused(&team, team.run(&["apply", PLAN, "--release"]), "it was carried out already");
}

/// Staging does none of it, and tidies the record; that is no other record then.
#[test]
fn what_is_tidied_while_nothing_is_staged_stops_no_release() {
    let (team, _) = team();
    let spare = format!("{SAMPLE}{SPARE}");
    team.declare(&spare).run(&["apply", "--yes"]).exits(0);
    let id = team.key_id("spare");
    team.declare(SAMPLE);
    team.run(&["forget", "key.staging.spare", "--yes"]).exits(0);
    assert_eq!(team.by_hand("DELETE", &format!("/2/teams/acme/api-keys/{id}"), None).0, 204);
    team.declare(&SAMPLE.replace("\"manage_markers\"", "\"manage_markers\", \"manage_slos\""));
    team.run(&["plan", "--out", PLAN]).exits(0);
    let record = || fs::read_to_string(team.path("keycomb.sealed.toml")).unwrap();
    let before = record();
    team.sandbox.clear_requests();
    team.run(&["apply", PLAN, "--stage"]).exits(0);
    assert_eq!(writes(&team), 0);
    assert!(record() != before && record().contains("complete = false"), "{}", record());
    team.run(&["apply", PLAN, "--release"]).exits(0);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn the_first_apply_of_all_can_be_a_saved_plan() {
    let (team, _) = team();
    team.declare(SAMPLE).run(&["plan", "--out", PLAN]).exits(0);
    team.run(&["apply", PLAN]).exits(0);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}

fn intent(team: &Team, options: &[&str]) -> String {
    let ran = team.run(&[&["plan", "--format", "json"], options].concat());
    let plan: Value = serde_json::from_str(&ran.stdout).unwrap();
    let intent = plan["intent"].as_str().unwrap().to_owned();
    assert!(ran.stderr.contains(&format!("intent: {intent}\n")), "{}", ran.stderr);
    intent
}

#[test]
fn what_is_expected_is_carried_out_and_nothing_else() {
    let (team, _) = team();
    team.declare(SAMPLE);
    let expected = intent(&team, &[]);
    edit(&team, "keycomb.toml", |text| format!("{text}\n# a comment changes no intent\n"));
    team.sandbox.clear_requests();
    let part = intent(&team, &["--env", "staging"]);
    assert_ne!(part, expected);
    refused(
        &team,
        team.run(&["apply", "--expect", &part]),
        &format!("the plan is {expected}, and {part} was expected"),
    );
    refused(&team, team.run(&["apply", "--yes", "--expect", &part]), "was expected");
    for wrong in ["", "kc1:", &expected[4..], &expected.to_uppercase(), &format!("{expected} ")] {
        team.run(&["apply", "--yes", "--expect", wrong]).exits(64);
    }
    assert_eq!(writes(&team), 0);
    team.run(&["apply", "--expect", &expected]).exits(0);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
    // It is done: the same words mean something else now.
    team.sandbox.clear_requests();
    refused(&team, team.run(&["apply", "--expect", &expected]), "was expected");
}

#[test]
fn what_was_lifted_is_lifted_for_the_saved_plan_alone() {
    let (team, _) = team();
    let guarded = format!("{SAMPLE}[policy]\nmax_disable = 0\n");
    team.declare(&guarded).run(&["apply", "--yes"]).exits(0);
    team.declare(&guarded.replace("[\"production\", \"staging\"]", "[\"production\"]"));
    team.run(&["apply", "--yes"]).exits(5);
    team.run(&["apply", "--yes", "--allow", "disable=2"]).exits(5);
    team.run(&["plan", "--out", "held.json"]).exits(5);
    team.run(&["apply", "held.json"]).exits(5);
    let lift = ["--allow", "disable=1", "--allow", "key.staging.checkout"];
    team.run(&[&["plan", "--out", PLAN], lift.as_slice()].concat()).exits(0);
    team.run(&["apply", PLAN, "--allow", "disable=1"]).exits(64);
    let intent = intent(&team, &lift);
    team.sandbox.clear_requests();
    refused(&team, team.run(&["apply", "--expect", &intent]), "was expected");
    // Whoever approves it, and whoever reads what was done, sees it.
    let lifted = "guards lifted: disable=1, key.staging.checkout";
    let shown = team.run(&["show", PLAN]).exits(0);
    assert!(words(&shown.stdout).contains(lifted) && words(&shown.stderr).contains(lifted), "{shown:?}");
    let ran = team.run(&["apply", PLAN]).exits(0);
    assert!(words(&ran.stdout).contains(lifted) && words(&ran.stderr).contains(lifted), "{ran:?}");
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn a_forecast_is_not_saved() {
    let (team, _) = team();
    team.declare(SAMPLE);
    team.run(&["plan", "--at", "+30d", "--out", PLAN]).exits(64);
    assert!(!team.path(PLAN).exists());
}

#[test]
fn show_needs_no_network_and_says_how_long_it_is_valid() {
    let (team, _) = saved();
    let planned = team.run(&["plan"]).exits(0).stdout;
    let json = team.run(&["plan", "--format", "json"]).exits(0).stdout;
    let alone = tempfile::tempdir().unwrap();
    fs::copy(team.path(PLAN), alone.path().join(PLAN)).unwrap();
    let show = |more: &[&str]| -> Ran {
        let mut command = crate::team::keycomb();
        command.current_dir(alone.path()).args(["show", PLAN]).args(more).output().unwrap().into()
    };
    let shown = show(&[]).exits(0);
    assert_eq!(shown.stdout, planned);
    let words = words(&shown.stderr);
    assert!(
        words.contains("made 2026-11-21T12:00:00Z by keycomb") && words.contains("valid until"),
        "{words}"
    );
    let timeless = |text: &str| {
        let mut plan: Value = serde_json::from_str(text).unwrap();
        (plan["header"]["now"], plan["header"]["read"]) = (Value::Null, Value::Null);
        plan
    };
    assert_eq!(timeless(&show(&["--format", "json"]).exits(0).stdout), timeless(&json));
    show(&["--emit", "json=copy.json"]).exits(0);
    assert_eq!(timeless(&fs::read_to_string(alone.path().join("copy.json")).unwrap()), timeless(&json));
    let path = alone.path().join(PLAN);
    fs::write(&path, fs::read_to_string(&path).unwrap().replacen("\"new\"", "\"old\"", 1)).unwrap();
    let ran = show(&[]).exits(6);
    assert!(ran.stdout.is_empty() && ran.stderr.contains("digest"), "{ran:?}");
}
