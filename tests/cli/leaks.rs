//! No secret in clear but in the sandbox's own state.

use std::fs;

use base64::Engine as _;

use crate::team::{SAMPLE, Team, files};

/// Cut off in the middle, as by kill -9: the journal is what is left.
#[test]
fn no_secret_is_in_a_journal_that_a_killed_apply_left() {
    let team = Team::new();
    team.declare(SAMPLE);
    team.sandbox.add_fault("slow:PATCH:api-keys=60s".parse().unwrap());
    let mut child = team.command(&["apply", "--yes"]).spawn().unwrap();
    let journal = team.path("keycomb.sealed.toml.journal");
    let is_sealed = || fs::read_to_string(&journal).is_ok_and(|text| text.matches("BEGIN AGE").count() == 3);
    for _ in 0..3000 {
        if is_sealed() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(is_sealed(), "three keys should have been sealed by now");
    child.kill().unwrap();
    child.wait().unwrap();
    let text = fs::read_to_string(&journal).unwrap();
    for key in team.sandbox.truth().keys {
        assert!(!text.contains(&key.secret), "a secret is in the journal");
    }
    team.sandbox.clear_faults();
    team.run(&["apply", "--yes"]).exits(0);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn no_secret_is_in_any_file_or_output() {
    let team = Team::new();
    let mut said = Vec::new();
    team.declare(SAMPLE);
    for arguments in [
        &["plan", "-vv"][..],
        &["apply", "--yes", "-vv"],
        &["plan", "-vv", "--format", "json"],
        &["drift", "-vv"],
        &["status", "-vv"],
        &["secrets", "list", "-vv"],
        &["auth", "status", "-vv"],
    ] {
        let ran = team.run(arguments);
        said.push((format!("{arguments:?}"), ran.stdout + &ran.stderr));
    }
    let management = team.sandbox.management_key();
    let truth = team.sandbox.truth();
    let mut secrets: Vec<String> = truth.keys.iter().map(|key| key.secret.clone()).collect();
    assert_eq!(secrets.len(), 3);
    secrets.push(management.secret);
    for path in files(team.folder.path()) {
        said.push((
            path.display().to_string(),
            String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned(),
        ));
    }
    assert!(
        said.iter().any(|(_, text)| text.contains("BEGIN AGE ENCRYPTED FILE")),
        "the sealed file was not searched"
    );
    for secret in &secrets {
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        let base64 = base64::engine::general_purpose::STANDARD.encode(secret);
        for (place, text) in &said {
            for form in [secret.as_str(), &hex, base64.trim_end_matches('=')] {
                assert!(!text.contains(form), "a secret is in {place}");
            }
        }
    }
}

/// Where an address, an id or a run belongs.
#[test]
fn a_credential_among_the_arguments_is_refused_and_not_repeated() {
    let team = Team::new();
    team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    let truth = team.sandbox.truth();
    let key = truth.keys.iter().find(|key| key.id.starts_with("hcxik_")).unwrap();
    for arguments in
        [vec!["adopt", &key.credential, "--as", "key.production.checkout"], vec!["undo", &key.credential]]
    {
        let ran = team.run(&arguments).exits(64);
        assert!(ran.stderr.contains("looks like a credential"), "{}", ran.stderr);
        assert!(!ran.stderr.contains(&key.secret) && !ran.stdout.contains(&key.secret));
    }
    // An id alone is none.
    team.run(&["adopt", &key.id, "--as", "key.production.checkout", "--yes"]).exits(5);
}
