//! `revoke --leaked -`: what a credential is, and its key revoked; never shown.

use std::io::Write as _;
use std::process::Stdio;

use keycomb::sandbox::KeyTruth;

use crate::team::{Ran, Team};

const KEYS: &str = r#"
[environment.production]
name = "Production"
[key.checkout]
environment = "production"
type = "ingest"
permissions = ["create_datasets"]
consumers = ["collector-eu"]
[key.ci]
environment = "production"
type = "configuration"
permissions = ["manage_markers"]
consumers = ["the pipeline"]
[key.twin]
environment = "production"
type = "configuration"
permissions = ["manage_markers"]
[key.slo]
environment = "production"
type = "configuration"
permissions = ["manage_slos"]
"#;

fn applied() -> Team {
    let team = Team::new();
    team.declare(KEYS).run(&["apply", "--yes"]).exits(0);
    team
}

pub fn truth(team: &Team, name: &str) -> KeyTruth {
    let id = team.key_id(name);
    team.sandbox.truth().keys.into_iter().find(|key| key.id == id).unwrap()
}

/// Pipes a text in; nothing of `secret` may come out again, nor be left in a file.
pub fn leak(team: &Team, text: &str, secret: &str, more: &[&str]) -> Ran {
    let mut arguments = vec!["revoke", "--leaked", "-"];
    arguments.extend(more);
    let mut child = team
        .command(&arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let ran: Ran = child.wait_with_output().unwrap().into();
    for said in [&ran.stdout, &ran.stderr] {
        assert!(!said.contains(secret), "{said}");
    }
    for file in crate::team::files(team.folder.path()) {
        let content = std::fs::read(&file).unwrap();
        let is_in = content.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!is_in, "{}", file.display());
    }
    ran
}

pub fn is_gone(team: &Team, id: &str) -> bool {
    team.sandbox.truth().keys.iter().any(|key| key.id == id && key.deleted.is_some())
}

#[test]
fn an_ingest_key_is_known_by_its_id_and_revoked() {
    let team = applied();
    let old = truth(&team, "checkout");
    let text = format!("export HONEYCOMB_API_KEY=\"{}\"\n", old.credential);
    // Without an answer to the question nothing is done, and all is said.
    let ran = leak(&team, &text, &old.secret, &[]).exits(64);
    for said in ["key.production.checkout", "create_datasets", "it works", "collector-eu", "Production"] {
        assert!(ran.stderr.to_lowercase().contains(&said.to_lowercase()), "{said}: {}", ran.stderr);
    }
    assert!(!is_gone(&team, &old.id));
    leak(&team, &text, &old.secret, &["--yes"]).exits(0);
    assert!(is_gone(&team, &old.id));
    assert_ne!(team.key_id("checkout"), old.id);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
    // Once more: it is over.
    let ran = leak(&team, &text, &old.secret, &["--yes"]).exits(0);
    assert!(ran.stderr.contains("is deleted"), "{}", ran.stderr);
    assert_eq!(team.sandbox.truth().live_keys().count(), 4);
}

#[test]
fn a_configuration_key_is_told_by_what_it_may_do_or_by_what_is_sealed() {
    let team = applied();
    let slo = truth(&team, "slo");
    leak(&team, &slo.credential, &slo.secret, &["--yes"]).exits(0);
    assert!(is_gone(&team, &slo.id));
    // Two that may do the same cannot be told apart without an identity.
    let ci = truth(&team, "ci");
    let ran = leak(&team, &ci.credential, &ci.secret, &["--yes"]).exits(3);
    assert!(
        ran.stderr.contains("key.production.ci") && ran.stderr.contains("key.production.twin"),
        "{}",
        ran.stderr
    );
    assert!(!is_gone(&team, &ci.id));
    leak(&team, &ci.credential, &ci.secret, &["--yes", "-i", "identity.txt"]).exits(0);
    assert!(is_gone(&team, &ci.id));
    assert!(!is_gone(&team, &team.key_id("twin")));
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}

/// The service accepts a key for minutes after it was disabled or deleted.
#[test]
fn a_configuration_key_that_is_off_or_gone_is_a_suspect_too() {
    for disable in [true, false] {
        let team = applied();
        let (ci, twin) = (truth(&team, "ci"), truth(&team, "twin"));
        let (before, rest) = KEYS.split_once("[key.twin]").unwrap();
        let (_, after) = rest.split_once("[key.slo]").unwrap();
        team.declare(&format!("{before}[key.slo]{after}"));
        let how = ["revoke", "key.production.twin", "--reason", "x", "--yes", "--disable"];
        team.run(&how[..if disable { 6 } else { 5 }]).exits(0);
        assert_eq!(is_gone(&team, &twin.id), !disable);
        let ran = leak(&team, &ci.credential, &ci.secret, &["--yes"]).exits(3);
        for said in ["any of 2 keys", "key.production.ci", "key.production.twin", "-i IDENTITY"] {
            assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
        }
        assert!(!is_gone(&team, &ci.id));
        leak(&team, &ci.credential, &ci.secret, &["--yes", "-i", "identity.txt"]).exits(0);
        assert!(is_gone(&team, &ci.id));
    }
}

/// Reading may mean to ask for a passphrase.
#[test]
fn an_identity_is_read_once_whatever_it_is_compared_with() {
    use std::os::unix::fs::PermissionsExt as _;
    let team = applied();
    let twin = truth(&team, "twin");
    // Each time it is read it is said that others can read it.
    std::fs::set_permissions(&team.identity, std::fs::Permissions::from_mode(0o644)).unwrap();
    let more = ["--yes", "-i", "identity.txt"];
    let ran = leak(&team, &twin.credential, &twin.secret, &more).exits(0);
    assert!(is_gone(&team, &twin.id));
    assert_eq!(ran.stderr.matches("others on this machine can read").count(), 1, "{}", ran.stderr);
    let made_up = "Ab1Ab1Ab1Ab1Ab1Ab1Ab1A";
    let ran = leak(&team, made_up, made_up, &more).exits(10);
    assert_eq!(ran.stderr.matches("others on this machine can read").count(), 1, "{}", ran.stderr);
}

#[test]
fn a_key_that_is_switched_off_is_found_by_comparing() {
    let team = applied();
    let ci = truth(&team, "ci");
    team.set_disabled(&ci.id, true);
    let ran = leak(&team, &ci.credential, &ci.secret, &["--yes"]).exits(10);
    assert!(ran.stderr.contains("-i IDENTITY"), "{}", ran.stderr);
    leak(&team, &ci.credential, &ci.secret, &["--yes", "-i", "identity.txt"]).exits(0);
    assert!(is_gone(&team, &ci.id));
}

/// Ids are in the sealed file, for everybody to read.
#[test]
fn a_credential_made_up_of_a_known_id_revokes_nothing() {
    let team = applied();
    let id = team.key_id("checkout");
    let made_up = "a1b2c3d4e5f6g7h8a1b2c3d4e5f6g7h8";
    for more in [&["--yes"][..], &["--yes", "-i", "identity.txt"]] {
        let ran = leak(&team, &format!("{id}{made_up}"), made_up, more).exits(10);
        assert!(ran.stderr.contains("is not that key's"), "{}", ran.stderr);
    }
    assert_eq!(team.key_id("checkout"), id);
}

/// A key that is off is refused with its right secret too, so the id is all that is known.
#[test]
fn a_credential_made_up_of_the_id_of_a_key_that_is_off_revokes_nothing() {
    let team = applied();
    let key = truth(&team, "checkout");
    let made_up = "a1b2c3d4e5f6g7h8a1b2c3d4e5f6g7h8";
    let text = format!("{}{made_up}", key.id);
    team.set_disabled(&key.id, true);
    for credential in [&text, &key.credential] {
        let ran = leak(&team, credential, &credential[key.id.len()..], &["--yes"]).exits(10);
        for said in
            ["switched off", "cannot be tried", "-i IDENTITY", "keycomb revoke key.production.checkout"]
        {
            assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
        }
    }
    let ran = leak(&team, &text, made_up, &["--yes", "-i", "identity.txt"]).exits(10);
    assert!(ran.stderr.contains("is not that key's"), "{}", ran.stderr);
    assert!(!is_gone(&team, &key.id));
    leak(&team, &key.credential, &key.secret, &["--yes", "-i", "identity.txt"]).exits(0);
    assert!(is_gone(&team, &key.id));
}

#[test]
fn the_id_of_a_key_that_somebody_deleted_revokes_nothing() {
    let team = applied();
    let key = truth(&team, "checkout");
    assert_eq!(team.by_hand("DELETE", &format!("/2/teams/acme/api-keys/{}", key.id), None).0, 204);
    let sealed = std::fs::read_to_string(team.path("keycomb.sealed.toml")).unwrap();
    let ran = leak(&team, &key.credential, &key.secret, &["--yes"]).exits(10);
    assert!(ran.stderr.contains("gone from the service"), "{}", ran.stderr);
    assert_eq!(std::fs::read_to_string(team.path("keycomb.sealed.toml")).unwrap(), sealed);
    assert_eq!(team.sandbox.truth().live_keys().count(), 3, "no successor");
}

#[test]
fn only_the_generation_that_leaked_is_revoked() {
    let team = applied();
    let old = truth(&team, "checkout");
    team.run(&["revoke", "key.production.checkout", "--reason", "x", "--yes", "--disable"]).exits(0);
    let new = team.sandbox.truth().live_keys().find(|k| k.name == "checkout" && !k.disabled).unwrap().clone();
    leak(&team, &old.credential, &old.secret, &["--yes", "-i", "identity.txt"]).exits(0);
    assert!(is_gone(&team, &old.id) && !is_gone(&team, &new.id));
    assert_eq!(team.key_id("checkout"), new.id, "the one that serves stays, and no third is made");
}

#[test]
fn what_keycomb_does_not_manage_is_told_and_left_alone() {
    let team = applied();
    let environment = team.sandbox.truth().environments[0].id.clone();
    for (kind, permissions) in [("ingest", "create_datasets"), ("configuration", "manage_boards")] {
        let body = format!(
            r#"{{"data":{{"type":"api-keys","attributes":{{"key_type":"{kind}","name":"by hand","permissions":{{"{permissions}":true}}}},
               "relationships":{{"environment":{{"data":{{"id":"{environment}","type":"environments"}}}}}}}}}}"#
        );
        let (status, answer) = team.by_hand("POST", "/2/teams/acme/api-keys", Some(&body));
        assert_eq!(status, 201, "{answer}");
        let id = answer["data"]["id"].as_str().unwrap();
        let key = team.sandbox.truth().keys.into_iter().find(|key| key.id == id).unwrap();
        let ran = leak(&team, &key.credential, &key.secret, &["--yes"]).exits(10);
        assert!(ran.stderr.contains(id) && ran.stderr.contains("adopt"), "{}", ran.stderr);
        assert!(!is_gone(&team, id), "S8");
    }
}

#[test]
fn a_management_key_is_recognised_and_what_to_do_is_said() {
    let team = applied();
    let other = team.sandbox.add_management_key(&["api-keys:write"], false);
    let ran = leak(&team, &format!("{}:{}", other.id, other.secret), &other.secret, &["--yes"]).exits(10);
    assert!(ran.stderr.contains("it works") && ran.stderr.contains("By hand"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("keycomb uses here"), "{}", ran.stderr);
    let own = team.sandbox.management_key();
    let ran = leak(&team, &format!("{}:{}", own.id, own.secret), &own.secret, &["--yes"]).exits(10);
    assert!(ran.stderr.contains("keycomb uses here"), "{}", ran.stderr);
    let wrong = "k3j9x0q7w2e8r5t1y6u4i0p9a3s7d2f8";
    let ran = leak(&team, &format!("{}:{wrong}", own.id), wrong, &["--yes"]).exits(10);
    assert!(ran.stderr.contains("does not work"), "{}", ran.stderr);
}

#[test]
fn a_key_of_another_team_is_told() {
    let team = applied();
    let theirs = team.sandbox.add_neighbour("theirs");
    let before = team.sandbox.truth();
    let sealed = std::fs::read_to_string(team.path("keycomb.sealed.toml")).unwrap();
    for key in &theirs.keys {
        for more in [&["--yes"][..], &["--yes", "-i", "identity.txt"]] {
            team.sandbox.clear_requests();
            let ran = leak(&team, &key.credential, &key.secret, more).exits(10);
            for said in ["it works", "`theirs`, not to `acme`", "only they can revoke it"] {
                assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
            }
            let requests = team.sandbox.requests();
            assert!(requests.iter().all(|request| request.method == "GET"), "{requests:?}");
        }
    }
    assert_eq!(team.sandbox.truth(), before);
    assert_eq!(std::fs::read_to_string(team.path("keycomb.sealed.toml")).unwrap(), sealed);
}

/// What is not Honeycomb's may be anybody's secret.
#[test]
fn what_does_not_look_like_honeycombs_is_sent_nowhere() {
    let team = applied();
    team.sandbox.clear_requests();
    let secret = "k3j9x0q7w2e8r5t1y6u4i0p9a3s7d2f8";
    for (text, exit) in [
        (format!("hh_{secret}"), 10),
        (format!("hh_fgdp_Ab1Ab1Ab1Ab1Ab1Ab1Ab1Ab1_{secret}{secret}"), 10),
        (format!("ghp_{secret}"), 10),
        (format!("hcaic_01k5v7m3t9q4w8x2y6z0a1b2c4{secret}"), 10),
        ("hcaik_01k5v7m3t9q4w8x2y6z0a1b2c4".to_owned(), 0),
        ("".to_owned(), 64),
        ("x".repeat(5000), 64),
    ] {
        let ran = leak(&team, &text, secret, &["--yes"]).exits(exit);
        assert!(!text.starts_with("hh_") || ran.stderr.contains("HoneyHive"), "{}", ran.stderr);
    }
    assert_eq!(team.sandbox.requests().len(), 0);
    // On the command line it is refused, whatever it is.
    for given in [format!("hh_{secret}"), secret.to_owned(), format!("--{secret}")] {
        let ran = team.run(&["revoke", "--leaked", &given, "--yes"]).exits(64);
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(secret), "{}", ran.stderr);
    }
    let ran = leak(&team, secret, secret, &["-i", "-"]).exits(64);
    assert!(ran.stderr.contains("stdin"), "{}", ran.stderr);
}
