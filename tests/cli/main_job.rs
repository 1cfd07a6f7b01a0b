//! TOML to plan to apply to sealed secrets, and a second plan that is empty.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::team::{SAMPLE, Team};

#[test]
fn apply_then_plan_says_no_changes() {
    let team = Team::new();
    team.declare(SAMPLE);
    let planned = team.run(&["plan", "--detailed-exitcode"]).exits(2);
    assert!(planned.stdout.contains("key.staging.ci"), "{}", planned.stdout);
    team.run(&["apply", "--yes"]).exits(0);
    let again = team.run(&["plan", "--detailed-exitcode"]).exits(0);
    assert!(again.stdout.contains("No changes"), "{}", again.stdout);
    let writes = || team.sandbox.requests().iter().filter(|request| request.method != "GET").count();
    let before = writes();
    let again = team.run(&["apply", "--yes"]).exits(0);
    assert!(again.stdout.contains("No changes"), "{}", again.stdout);
    assert_eq!(writes(), before, "a second apply wrote to the service");
}

#[test]
fn every_live_key_is_sealed_and_opens_to_what_the_service_issued() {
    let team = Team::new();
    team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    let truth = team.sandbox.truth();
    let live: Vec<_> = truth.keys.iter().filter(|key| key.deleted.is_none()).collect();
    assert_eq!(live.len(), 3);
    let identity = team.identity.to_str().unwrap();
    let exported = team.run(&["secrets", "export", "--format", "json", "-i", identity]).exits(0).stdout;
    let exported: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&exported).unwrap();
    assert_eq!(exported.len(), 3);
    for key in live {
        assert!(!key.disabled, "{} is not enabled", key.name);
        assert!(
            exported.values().any(|credential| credential == &key.credential),
            "{} did not open",
            key.name
        );
    }
    let opened = team.run(&["secrets", "open", "key.staging.ci", "-i", identity]).exits(0);
    assert_eq!(opened.stdout.trim(), exported["key.staging.ci"]);
    assert_eq!(opened.stdout.lines().count(), 1);
}

#[test]
fn an_endpoint_from_the_outside_counts_for_the_sealed_file_too() {
    let team = Team::new();
    team.declare(SAMPLE);
    let endpoint = team.sandbox.endpoint();
    let text = fs::read_to_string(team.path("keycomb.toml")).unwrap();
    fs::write(
        team.path("keycomb.toml"),
        text.replace(&format!("endpoint = \"{endpoint}\""), "region = \"us\""),
    )
    .unwrap();
    team.run(&["apply", "--yes", "--endpoint", endpoint]).exits(0);
    team.run(&["secrets", "list"]).exits(9);
    team.run(&["secrets", "list", "--endpoint", endpoint]).exits(0);
}

#[test]
fn the_sealed_file_is_private_and_the_journal_is_gone() {
    let team = Team::new();
    team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    let sealed = team.path("keycomb.sealed.toml");
    assert_eq!(fs::metadata(&sealed).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!team.path("keycomb.sealed.toml.journal").exists());
}

#[test]
fn the_sandbox_flag_needs_no_credential_and_keeps_its_own_sealed_file() {
    let team = Team::new();
    team.declare(SAMPLE);
    let run = |arguments: &[&str]| {
        let mut command = crate::team::keycomb();
        let ran = command.current_dir(team.folder.path()).args(arguments).output().unwrap();
        crate::team::Ran::from(ran)
    };
    run(&["apply", "--sandbox", "--yes"]).exits(0);
    assert!(!team.path("keycomb.sealed.toml").exists(), "the real service's file was touched");
    let again = run(&["plan", "--sandbox", "--detailed-exitcode"]).exits(0);
    assert!(again.stdout.contains("No changes"), "{}", again.stdout);
    run(&["drift", "--sandbox"]).exits(0);
    run(&["status", "--sandbox"]).exits(0);
    let identity = team.identity.to_str().unwrap();
    let opened = run(&["secrets", "open", "--sandbox", "key.production.checkout", "-i", identity]).exits(0);
    assert_eq!(opened.stdout.trim().len(), 64, "an ingest credential is id and secret joined");
}

#[test]
fn a_report_in_json_is_printed_also_when_there_is_nothing_to_do() {
    let team = Team::new();
    team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    let ran = team.run(&["apply", "--yes", "--format", "json"]).exits(0);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["outcomes"].as_array().unwrap().len(), 0);
}

#[test]
fn what_was_refused_for_one_key_does_not_stop_the_others_and_exits_7() {
    let team = Team::new();
    team.declare(SAMPLE);
    team.sandbox.add_fault("status:POST:api-keys@2=422-jsonapi".parse().unwrap());
    let ran = team.run(&["apply", "--yes"]).exits(7);
    assert!(ran.stdout.contains("4 done, 1 failed"), "{}", ran.stdout);
    team.run(&["apply", "--yes"]).exits(0);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}

/// A 404 that is not true, while the key may be enabled already, must not cost it its seal.
#[test]
fn a_stray_404_around_the_release_loses_no_seal() {
    let one = "[environment.a]\n[key.k]\nenvironment = \"a\"\ntype = \"ingest\"\n";
    for faults in [
        &["drop-after:PATCH:api-keys@1", "status:PATCH:api-keys@2=404-jsonapi"][..],
        &["drop-after:PATCH:api-keys@1", "status:PATCH:api-keys@2=403-jsonapi"],
        &["status-after:PATCH:api-keys@1=404-jsonapi"],
        &["status:GET:api-keys@4=404-jsonapi"],
        &["status:GET:api-keys@5=404-jsonapi"],
        &["status:GET:api-keys@6=404-jsonapi"],
        &["status:GET:api-keys@5+=404-jsonapi"],
    ] {
        let team = Team::new();
        team.declare(one);
        for fault in faults {
            team.sandbox.add_fault(fault.parse().unwrap());
        }
        let ran = team.run(&["apply", "--yes"]);
        team.sandbox.clear_faults();
        let sealed = fs::read_to_string(team.path("keycomb.sealed.toml")).unwrap();
        for key in team.sandbox.truth().live_keys().filter(|key| !key.disabled) {
            assert!(sealed.contains(&key.id), "{faults:?}: live and not sealed\n{}", ran.stdout);
        }
        team.run(&["apply", "--yes"]).exits(0);
        team.run(&["plan", "--detailed-exitcode"]).exits(0);
        assert_eq!(team.sandbox.truth().live_keys().filter(|key| !key.disabled).count(), 1, "{faults:?}");
    }
}

#[test]
fn an_answer_that_was_lost_is_in_doubt_and_exits_10() {
    let team = Team::new();
    team.declare(SAMPLE);
    team.sandbox.add_fault("drop-after:POST:api-keys@1".parse().unwrap());
    let ran = team.run(&["apply", "--yes"]).exits(10);
    assert!(ran.stdout.contains("1 in doubt"), "{}", ran.stdout);
    let posts =
        team.sandbox.requests().iter().filter(|r| r.method == "POST" && r.path.contains("api-keys")).count();
    assert_eq!(posts, 3, "a POST whose outcome is not known must not be sent again");
    let enabled = team.sandbox.truth().live_keys().filter(|key| !key.disabled).count();
    assert_eq!(enabled, 2, "what nobody holds the secret of must not be live");
}

#[test]
fn off_a_terminal_a_write_needs_yes() {
    let team = Team::new();
    team.declare(SAMPLE);
    let ran = team.run(&["apply"]).exits(64);
    assert!(ran.stderr.contains("--yes"), "{}", ran.stderr);
    assert!(team.sandbox.requests().is_empty(), "it asked the service before it refused");
}

#[test]
fn a_second_apply_at_the_same_time_exits_8_and_names_the_first() {
    let team = Team::new();
    team.declare(SAMPLE);
    team.sandbox.add_fault("slow:POST=700ms".parse().unwrap());
    let first = team.command(&["apply", "--yes"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let journal = team.path("keycomb.sealed.toml.journal");
    for _ in 0..200 {
        if journal.exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let second = team.run(&["apply", "--yes"]).exits(8);
    assert!(second.stderr.contains(&first.id().to_string()), "{}", second.stderr);
    let first = first.wait_with_output().unwrap();
    assert_eq!(first.status.code(), Some(0));
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn a_permission_changes_in_place_without_a_new_secret() {
    let team = Team::new();
    team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    let id = team.key_id("ci");
    team.declare(&SAMPLE.replace("\"run_queries\"", "\"manage_slos\""));
    let planned = team.run(&["plan"]).exits(0);
    assert!(
        planned.stdout.contains("manage_slos") && planned.stdout.contains("run_queries"),
        "{}",
        planned.stdout
    );
    team.run(&["apply", "--yes"]).exits(0);
    assert_eq!(team.key_id("ci"), id);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}
