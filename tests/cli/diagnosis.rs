//! The obvious wrong things: each a one-screen diagnosis, the right exit code, nothing written.

use std::fs;

use crate::team::{Ran, SAMPLE, Team, files};

/// Runs `apply --yes`, which must fail before it writes anything, here or there.
fn refused(team: &Team, environment: &[(&str, &str)], exit: i32) -> String {
    let before = files(team.folder.path());
    let mut command = team.command(&["apply", "--yes"]);
    for (name, value) in environment {
        command.env(name, value);
    }
    let ran = Ran::from(command.output().unwrap()).exits(exit);
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.lines().count() <= 24, "more than a screen:\n{}", ran.stderr);
    let after: Vec<_> =
        files(team.folder.path()).into_iter().filter(|f| f.extension().is_none_or(|e| e != "lock")).collect();
    assert_eq!(after, before, "something was written");
    let wrote = team.sandbox.requests().iter().any(|request| request.method != "GET");
    assert!(!wrote, "the service was written to");
    let endpoint = team.sandbox.endpoint().to_owned();
    ran.stderr.replace(&endpoint, "http://127.0.0.1:PORT")
}

fn snapshot(name: &str, text: &str) {
    let filters = vec![
        (r"hcxmk_\w+", "[management key]"),
        (r"[0-9a-f]{32}", "[error id]"),
        (r"waiting \d+ s", "waiting N s"),
    ];
    insta::with_settings!({ filters => filters }, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn wrong_team() {
    let team = Team::new();
    team.declare(SAMPLE);
    let path = team.path("keycomb.toml");
    let text = fs::read_to_string(&path).unwrap().replace("team = \"acme\"", "team = \"umbrella\"");
    fs::write(path, text).unwrap();
    snapshot("wrong_team", &refused(&team, &[], 4));
}

#[test]
fn wrong_secret() {
    let team = Team::new();
    team.declare(SAMPLE);
    let stderr = refused(&team, &[("HONEYCOMB_KEY_SECRET", "nosuchsecretnosuchsecretnosuchse")], 4);
    assert!(!stderr.contains("nosuchsecret"));
    snapshot("wrong_secret", &stderr);
}

#[test]
fn missing_scope() {
    let team = Team::new();
    team.declare(SAMPLE);
    let key = team.sandbox.add_management_key(&["environments:read", "api-keys:read"], false);
    let environment = [("HONEYCOMB_KEY_ID", key.id.as_str()), ("HONEYCOMB_KEY_SECRET", key.secret.as_str())];
    let mut command = team.command(&["plan"]);
    let planned: Ran = command.envs(environment).output().unwrap().into();
    planned.exits(0);
    let before = files(team.folder.path());
    let ran: Ran = team.command(&["apply", "--yes"]).envs(environment).output().unwrap().into();
    let ran = ran.exits(4);
    let after: Vec<_> =
        files(team.folder.path()).into_iter().filter(|f| f.extension().is_none_or(|e| e != "lock")).collect();
    assert_eq!(after, before);
    snapshot("missing_scope", &ran.stderr);
}

#[test]
fn environments_alone_need_their_own_scope() {
    let team = Team::new();
    team.declare("[environment.a]\n");
    let key = team.sandbox.add_management_key(&["environments:read", "api-keys:write"], false);
    let environment = [("HONEYCOMB_KEY_ID", key.id.as_str()), ("HONEYCOMB_KEY_SECRET", key.secret.as_str())];
    let ran: Ran = team.command(&["apply", "--yes"]).envs(environment).output().unwrap().into();
    assert!(ran.exits(4).stderr.contains("environments:write"));
    assert!(team.sandbox.requests().iter().all(|request| request.method == "GET"));
}

#[test]
fn what_could_not_be_kept_is_not_asked_for() {
    let team = Team::new();
    team.declare(SAMPLE);
    // Stands in the way of the file that a fold writes first.
    fs::create_dir_all(team.path("keycomb.sealed.toml.new/in-the-way")).unwrap();
    let ran = team.run(&["apply", "--yes"]).exits(9);
    assert!(ran.stderr.contains("keycomb.sealed.toml"), "{}", ran.stderr);
    assert!(team.sandbox.requests().iter().all(|request| request.method == "GET"), "a key was asked for");
}

#[test]
fn no_scope_to_read() {
    let team = Team::new();
    team.declare(SAMPLE);
    let key = team.sandbox.add_management_key(&["environments:read"], false);
    let environment = [("HONEYCOMB_KEY_ID", key.id.as_str()), ("HONEYCOMB_KEY_SECRET", key.secret.as_str())];
    snapshot("no_scope_to_read", &refused(&team, &environment, 4));
}

#[test]
fn disabled_management_key() {
    let team = Team::new();
    team.declare(SAMPLE);
    let key = team.sandbox.add_management_key(&["environments:write", "api-keys:write"], true);
    let environment = [("HONEYCOMB_KEY_ID", key.id.as_str()), ("HONEYCOMB_KEY_SECRET", key.secret.as_str())];
    snapshot("disabled_management_key", &refused(&team, &environment, 4));
}

#[test]
fn no_credential() {
    let team = Team::new();
    team.declare(SAMPLE);
    let environment = [("HONEYCOMB_KEY_ID", ""), ("HONEYCOMB_KEY_SECRET", "")];
    snapshot("no_credential", &refused(&team, &environment, 4));
}

#[test]
fn unreachable_host() {
    let team = Team::new();
    team.declare(SAMPLE);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("http://{closed}");
    let stderr = refused(&team, &[("KEYCOMB_ENDPOINT", &endpoint)], 1);
    snapshot("unreachable_host", &stderr.replace(&endpoint, "http://127.0.0.1:CLOSED"));
}

#[test]
fn html_502() {
    let team = Team::new();
    team.declare(SAMPLE);
    team.sandbox.add_fault("status=502-html".parse().unwrap());
    snapshot("html_502", &refused(&team, &[], 1));
}

#[test]
fn barred_team() {
    let team = Team::new();
    team.declare(SAMPLE);
    team.sandbox.set_switches(keycomb::sandbox::Switches { barred_team: true, ..Default::default() });
    snapshot("barred_team", &refused(&team, &[], 4));
}

#[test]
fn a_key_of_another_region_is_an_unknown_key() {
    // The service cannot tell a key of another region from one that never was: the diagnosis has to name the region.
    let us = Team::new();
    let eu = Team::with(keycomb::sandbox::Options { seed: 2, ..Default::default() });
    us.declare(SAMPLE);
    let key = eu.sandbox.management_key();
    let environment = [("HONEYCOMB_KEY_ID", key.id.as_str()), ("HONEYCOMB_KEY_SECRET", key.secret.as_str())];
    let stderr = refused(&us, &environment, 4);
    assert!(stderr.contains("region"), "{stderr}");
}

#[test]
fn what_was_given_for_a_file_or_an_endpoint_is_not_repeated() {
    let team = Team::new();
    team.declare(SAMPLE);
    let key = team.sandbox.management_key();
    let whole = format!("{}:{}", key.id, key.secret);
    let ran = team.run(&["plan", "--key-file", &whole]).exits(64);
    assert!(!ran.stderr.contains(&key.secret), "{}", ran.stderr);
    let identity = "AGE-SECRET-KEY-1GFE6M5525JKTQ0XAZ2PGQ2GHDPJZTENQFCZG8QF8ZVULMDPJ4YAQAM2XKC";
    let ran = team.run(&["init", "-c", "new.toml", "--identity", identity]).exits(64);
    assert!(!ran.stderr.contains("GFE6M") && !team.path(identity).exists(), "{}", ran.stderr);
    let mut command = team.command(&["auth", "status"]);
    command.env_remove("HONEYCOMB_KEY_SECRET").env("HONEYCOMB_KEY_SECRET_FILE", &key.secret);
    let ran = Ran::from(command.output().unwrap()).exits(4);
    assert!(!ran.stderr.contains(&key.secret), "{}", ran.stderr);
    for arguments in [
        &["secrets", "open", &key.secret, "-i", "x"][..],
        &["secrets", "open", "key.staging.ci", "-i", identity],
        &["secrets", "export", "-i", &key.secret],
        &["plan", "--ca-file", &key.secret],
        &["plan", "--key-file", &key.secret],
        &["plan", "--allow", &whole],
    ] {
        let ran = team.run(arguments).exits(64);
        assert!(!ran.stderr.contains(&key.secret) && !ran.stderr.contains("GFE6M"), "{}", ran.stderr);
    }
    for arguments in [
        &["plan", "--endpoint", "https://user:hunter2@host"][..],
        &["secrets", "list", "--endpoint", "hunter2"],
    ] {
        let ran = team.run(arguments).exits(64);
        assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
    }
}

#[test]
fn missing_and_broken_files() {
    let team = Team::new();
    let ran = team.run(&["plan"]).exits(3);
    assert!(ran.stderr.contains("keycomb.toml") && ran.stderr.contains("keycomb init"), "{}", ran.stderr);
    team.declare("[environment.a\n");
    assert!(team.run(&["plan"]).exits(3).stderr.contains("keycomb.toml:"));
    team.declare(SAMPLE);
    fs::write(team.path("keycomb.sealed.toml"), "<<<<<<< ours\n").unwrap();
    let ran = team.run(&["apply", "--yes"]).exits(9);
    assert!(ran.stderr.contains("conflict"), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(team.path("keycomb.sealed.toml")).unwrap(), "<<<<<<< ours\n");
}
