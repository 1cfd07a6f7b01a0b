//! Leaving Terraform: every fixture is taken over, the next plan is empty, and no secret of it is in clear anywhere.
//!
//! The fixtures are written by hand from the documented formats; `@id:NAME@`, `@secret:NAME@` and `@env:NAME@` stand for
//! what the sandbox made.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use base64::Engine as _;
use serde_json::{Value, json};

use crate::team::{Ran, Team, files};

const CONFIGURATION: [&str; 11] = [
    "create_datasets",
    "manage_boards",
    "manage_columns",
    "manage_markers",
    "manage_privateBoards",
    "manage_recipients",
    "manage_slos",
    "manage_triggers",
    "read_service_maps",
    "run_queries",
    "send_events",
];

/// (name, type, environment, disabled)
const KEYS: [(&str, &str, &str, bool); 11] = [
    ("checkout", "ingest", "Production", false),
    ("web eu", "ingest", "Production", false),
    ("web us", "ingest", "Production", false),
    ("old", "ingest", "Production", true),
    ("{odd} \"name\" ::error::", "ingest", "Production", false),
    ("ci", "configuration", "Production", false),
    ("off", "configuration", "Staging", true),
    ("board", "configuration", "Staging", false),
    ("worker 0", "ingest", "Staging", false),
    ("worker 1", "ingest", "Staging", false),
    ("worker 2", "ingest", "Staging", false),
];

/// A team as Terraform left it, and nothing declared.
fn team() -> Team {
    let team = Team::new();
    team.declare("");
    let made = |path: &str, body: Value| {
        let (status, answer) =
            team.by_hand("POST", &format!("/2/teams/acme/{path}"), Some(&body.to_string()));
        assert_eq!(status, 201, "{answer}");
        answer["data"]["id"].as_str().unwrap().to_owned()
    };
    let environments = ["Production", "Staging", "Legacy"].map(|name| {
        (name, made("environments", json!({"data": {"type": "environments", "attributes": {"name": name}}})))
    });
    for (name, key_type, environment, disabled) in KEYS {
        let home = &environments.iter().find(|(name, _)| *name == environment).unwrap().1;
        let granted: &[&str] = match (key_type, name) {
            ("configuration", "ci") => &CONFIGURATION,
            ("configuration", "board") => &["run_queries"],
            ("configuration", _) => &[],
            _ => &["create_datasets"],
        };
        let permissions: serde_json::Map<_, _> =
            granted.iter().map(|name| ((*name).to_owned(), json!(true))).collect();
        made(
            "api-keys",
            json!({"data": {
                "type": "api-keys",
                "attributes": {"key_type": key_type, "name": name, "disabled": disabled, "permissions": permissions},
                "relationships": {"environment": {"data": {"id": home, "type": "environments"}}},
            }}),
        );
    }
    team.sandbox.clear_requests();
    team
}

/// A fixture with the team's ids and secrets in it, readable by its owner only.
fn state(team: &Team, name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/terraform").join(name);
    let mut text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let truth = team.sandbox.truth();
    for key in &truth.keys {
        // Within JSON.
        let name = key.name.replace('"', "\\\"");
        text =
            text.replace(&format!("@id:{name}@"), &key.id).replace(&format!("@secret:{name}@"), &key.secret);
    }
    for environment in &truth.environments {
        text = text.replace(&format!("@env:{}@", environment.name), &environment.id);
    }
    assert!(!text.contains("@id:") && !text.contains("@secret:") && !text.contains("@env:"), "{text}");
    let folder = team.path("terraform");
    fs::create_dir_all(&folder).unwrap();
    let copy = folder.join(name);
    fs::write(&copy, text).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).unwrap();
    copy
}

fn import(team: &Team, state: &Path, more: &[&str]) -> Ran {
    let mut arguments = vec!["import", "terraform", state.to_str().unwrap(), "-vv"];
    arguments.extend(more);
    team.run(&arguments)
}

fn take_over(team: &Team, state: &Path) -> Ran {
    import(team, state, &["--write", "imported", "--yes"])
}

/// (address, what stands for its secret) of each recorded key.
fn recorded(team: &Team) -> Vec<(String, String)> {
    let text = fs::read_to_string(team.path("keycomb.sealed.toml")).unwrap_or_default();
    let file: toml::Table = toml::from_str(&text).unwrap();
    let keys = file.get("key").and_then(toml::Value::as_array).cloned().unwrap_or_default();
    let one = |key: &toml::Value| {
        let word = |name: &str| key.get(name).and_then(toml::Value::as_str).map(str::to_owned);
        let sealed = if word("sealed").is_some() { "sealed".to_owned() } else { word("secret").unwrap() };
        (word("address").unwrap(), sealed)
    };
    keys.iter().map(one).collect()
}

/// Everything that keycomb wrote or said has no secret in it: not as it is, not as base64, not as hex.
fn assert_no_leak(team: &Team, said: &str) {
    let truth = team.sandbox.truth();
    let mut secrets: Vec<String> = truth.keys.iter().map(|key| key.secret.clone()).collect();
    secrets.extend(["k3j9x0q7w2e8r5t1y6u4i0p9a3s7d2f8".into(), "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz1".into()]);
    assert_eq!(secrets.len(), KEYS.len() + 2);
    let mut places = vec![("what it said".to_owned(), said.to_owned())];
    let own = [team.path("terraform"), team.identity.clone()];
    for path in
        files(team.folder.path()).into_iter().filter(|path| !own.iter().any(|own| path.starts_with(own)))
    {
        places.push((
            path.display().to_string(),
            String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned(),
        ));
    }
    assert!(places.iter().any(|(_, text)| text.contains("[[key]]")), "the sealed file was not searched");
    for secret in &secrets {
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        let base64 = base64::engine::general_purpose::STANDARD.encode(secret);
        for (place, text) in &places {
            for form in [secret.as_str(), &hex, base64.trim_end_matches('=')] {
                assert!(!text.contains(form), "a secret is in {place}");
            }
        }
    }
}

/// What a person holds after the import is what works.
fn assert_opens(team: &Team) {
    let identity = team.identity.to_str().unwrap().to_owned();
    let truth = team.sandbox.truth();
    for (address, _) in recorded(team).into_iter().filter(|(_, sealed)| sealed == "sealed") {
        let ran = team.run(&["secrets", "open", &address, "-i", &identity, "--json"]).exits(0);
        let opened: Value = serde_json::from_str(&ran.stdout).unwrap();
        let key = truth.key(opened["id"].as_str().unwrap()).unwrap();
        assert_eq!(opened["credential"], key.credential.as_str(), "{address}");
        assert_eq!(opened["secret"], key.secret.as_str(), "{address}");
    }
}

/// Takes a fixture over: what is recorded then is exactly `expected`.
#[track_caller]
fn check(name: &str, expected: &[(&str, &str)]) -> (Team, String) {
    let team = team();
    let state = state(&team, name);

    let before = files(team.folder.path());
    let looked = import(&team, &state, &[]).exits(0);
    assert_eq!(files(team.folder.path()), before, "a look writes nothing");
    assert!(
        team.sandbox.requests().iter().all(|request| request.path != "/1/auth"),
        "a look tries no secret"
    );

    let ran = take_over(&team, &state).exits(0);
    let mut said = looked.stdout + &looked.stderr + &ran.stdout + &ran.stderr;
    let expected: Vec<_> = expected.iter().map(|(at, how)| ((*at).to_owned(), (*how).to_owned())).collect();
    assert_eq!(recorded(&team), expected, "{said}");
    let planned = team.run(&["plan", "--detailed-exitcode"]).exits(0);
    assert!(planned.stdout.contains("No changes"), "{}", planned.stdout);

    let written = |team: &Team| -> Vec<_> {
        // The lock says who had it last.
        let all =
            files(team.folder.path()).into_iter().filter(|path| path.extension().is_none_or(|e| e != "lock"));
        all.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    };
    let first = written(&team);
    let again = take_over(&team, &state).exits(0);
    let second = written(&team);
    let changed: Vec<_> = second.iter().filter(|file| !first.contains(file)).map(|(path, _)| path).collect();
    assert!(second.len() == first.len() && changed.is_empty(), "a second time changes {changed:?}");
    assert!(again.stdout.contains("0 keys and 0 environments taken over"), "{}", again.stdout);
    said.push_str(&(again.stdout + &again.stderr));

    assert!(
        team.sandbox.requests().iter().all(|request| request.method == "GET"),
        "nothing is written to the service"
    );
    assert_no_leak(&team, &said);
    assert_opens(&team);
    (team, ran.stdout)
}

#[test]
fn resources_of_the_root_module() {
    let (_, said) = check(
        "root.tfstate",
        &[
            ("key.production.checkout", "sealed"),
            ("key.production.ci", "sealed"),
            ("key.production.old", "sealed"),
            ("key.staging.off", "sealed"),
        ],
    );
    let below = said.find("Terraform: ").unwrap();
    insta::assert_snapshot!("import_root", &said[below..]);
}

#[test]
fn modules_within_modules_and_an_environment_of_another_repository() {
    let (team, said) = check(
        "modules.tfstate",
        &[
            ("key.environments-production-this.platform-keys-0-ci", "sealed"),
            ("key.environments-production-this.web-eu-ingest", "sealed"),
            ("key.environments-production-this.web-us-ingest", "sealed"),
            ("key.staging.platform-worker", "sealed"),
        ],
    );
    let text = fs::read_to_string(team.path("imported/staging.toml")).unwrap();
    assert!(text.contains("reference = true"), "{text}");
    // One block lets go of both instances of the module.
    assert_eq!(said.matches("from = module.web.honeycombio_api_key.ingest\n").count(), 1, "{said}");
    assert!(said.contains(r#"terraform state rm 'module.web["eu"].honeycombio_api_key.ingest'"#), "{said}");
}

#[test]
fn secrets_are_sealed_to_nobody_who_has_yet_to_prove_themselves() {
    let team = team();
    team.declare("[seal]\nmin_proven = 1\n");
    let state = state(&team, "root.tfstate");
    let ran = take_over(&team, &state).exits(9);
    assert!(ran.stderr.contains("`min_proven` asks for 1"), "{}", ran.stderr);
    assert!(!team.path("imported").exists());
    assert_eq!(recorded(&team), []);
    team.run(&["secrets", "prove", "-i", "identity.txt"]).exits(0);
    take_over(&team, &state).exits(0);
}

#[test]
fn instances_by_count() {
    let sealed = ["worker-0", "worker-1", "worker-2"].map(|label| format!("key.staging.{label}"));
    check("count.tfstate", &sealed.each_ref().map(|address| (address.as_str(), "sealed")));
}

#[test]
fn instances_by_key_with_hostile_names() {
    let (team, said) = check(
        "for_each.tfstate",
        &[
            ("key.production.ingest-error-x-it-s", "sealed"),
            ("key.production.ingest-eu-1", "sealed"),
            ("key.production.ingest-us-1-x", "sealed"),
        ],
    );
    let text = fs::read_to_string(team.path("imported/production.toml")).unwrap();
    for text in [&said, &text] {
        assert!(!text.contains('\u{202e}') && !text.contains("::error"), "{text}");
    }
    assert!(text.contains(r#"name = "{{odd}} \"name\" "#), "{text}");
}

#[test]
fn what_is_tainted_is_taken_over_and_said() {
    let (_, said) = check("tainted.tfstate", &[("key.production.checkout", "sealed")]);
    assert!(said.contains("tainted: Terraform would have replaced it"), "{said}");
}

#[test]
fn what_is_deposed_is_left_and_only_its_successor_let_go() {
    let (_, said) = check("deposed.tfstate", &[("key.production.checkout", "sealed")]);
    assert!(said.contains("deposed: Terraform replaced it"), "{said}");
    assert!(
        !said.contains("from = honeycombio_api_key.checkout"),
        "a block would let go of the deposed one too: {said}"
    );
    assert!(said.contains("terraform state rm 'honeycombio_api_key.checkout'"), "{said}");
}

#[test]
fn what_is_of_another_account_is_left() {
    let (_, said) = check(
        "accounts.tfstate",
        &[("key.production.both-us", "sealed"), ("key.production.checkout", "sealed")],
    );
    assert_eq!(said.matches("this team does not have it").count(), 3, "{said}");
    assert!(!said.contains("from = honeycombio_api_key.both"), "{said}");
    assert!(said.contains("terraform state rm 'honeycombio_api_key.both[\"us\"]'"), "{said}");
    assert!(said.contains("from = honeycombio_api_key.checkout\n"), "{said}");
}

#[test]
fn a_secret_that_does_not_work_is_not_sealed_and_said() {
    let (_, said) = check(
        "stale.tfstate",
        &[
            ("key.production.checkout", "unavailable"),
            ("key.production.ci", "unavailable"),
            ("key.production.web", "unavailable"),
        ],
    );
    assert!(said.contains("key.production.web: the service refuses it"), "{said}");
    assert!(said.contains("key.production.ci: it is another key's: environment"), "{said}");
    assert!(!said.contains("key.production.checkout: "), "{said}");
}

#[test]
fn what_show_prints() {
    let (_, said) = check(
        "show.json",
        &[
            ("key.production.web-ingest-eu", "sealed"),
            ("key.production.web-ingest-us", "sealed"),
            ("key.production.web-platform-0-ci", "sealed"),
        ],
    );
    assert!(said.contains("from = module.web.module.platform.honeycombio_api_key.ci\n"), "{said}");
}

#[test]
fn a_state_of_opentofu_with_the_later_attribute() {
    check("opentofu.tfstate", &[("key.production.checkout", "sealed"), ("key.production.ci", "sealed")]);
}

/// What can do most comes first, then what is old; what is disabled last.
/// Every field that Terraform 1.14 and OpenTofu 1.11 write into a state (their `internal/states/statefile/version4.go`), and a
/// resource that a `moved` block has brought into a module.
#[test]
fn every_documented_field_of_a_state_is_read_or_passed_over() {
    let (_, said) = check(
        "every_field.tfstate",
        &[
            ("key.production.by-region-eu", "sealed"),
            ("key.production.by-region-us", "sealed"),
            ("key.production.keys-after-move-ingest", "sealed"),
        ],
    );
    assert!(
        said.contains(r#"terraform state rm 'module.keys["after.move"].honeycombio_api_key.ingest'"#),
        "{said}"
    );
    assert!(said.contains("1 of other types"), "{said}");
}

#[test]
fn exposed_keys_are_ranked() {
    let (team, said) = check(
        "root.tfstate",
        &[
            ("key.production.checkout", "sealed"),
            ("key.production.ci", "sealed"),
            ("key.production.old", "sealed"),
            ("key.staging.off", "sealed"),
        ],
    );
    let command = said.lines().find(|line| line.trim_start().starts_with("keycomb rotate")).unwrap();
    assert_eq!(
        command.trim(),
        "keycomb rotate key.production.ci key.production.checkout key.staging.off key.production.old"
    );
    // And it is a command.
    let ran = team.run(&["rotate", "key.production.ci", "--yes"]).exits(0);
    assert!(ran.stdout.contains("1 done"), "{}", ran.stdout);
}

#[test]
fn stdin_is_read_and_a_readable_file_is_said() {
    let team = team();
    let path = state(&team, "root.tfstate");
    let mut command = team.command(&["import", "terraform", "-", "--write", "imported", "--yes"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&fs::read(&path).unwrap()).unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap()).exits(0);
    assert!(!ran.stderr.contains("others on this machine"), "{}", ran.stderr);
    assert_eq!(recorded(&team).len(), 4);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let ran = import(&team, &path, &[]).exits(0);
    assert!(ran.stderr.contains("others on this machine can read"), "{}", ran.stderr);
}

/// After the files and before the record, as by kill -9: the same command goes on from there.
#[test]
fn a_run_that_was_cut_off_is_run_again() {
    let team = team();
    let path = state(&team, "root.tfstate");
    take_over(&team, &path).exits(0);
    fs::remove_file(team.path("keycomb.sealed.toml")).unwrap();
    let declared = fs::read(team.path("imported/production.toml")).unwrap();
    take_over(&team, &path).exits(0);
    assert_eq!(recorded(&team).len(), 4);
    assert_eq!(fs::read(team.path("imported/production.toml")).unwrap(), declared);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}

/// A key that was adopted before, without its secret: the state still has it.
#[test]
fn what_is_managed_without_its_secret_gets_it_from_the_state() {
    let team = team();
    let path = state(&team, "root.tfstate");
    team.run(&["adopt", "--all", "--write", "adopted", "--yes"]).exits(0);
    let unavailable = |team: &Team| recorded(team).iter().filter(|(_, how)| how == "unavailable").count();
    let all = recorded(&team).len();
    assert_eq!(unavailable(&team), all);
    // A change in the files is left for the next apply.
    let file = team.path("adopted/production.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("[key.checkout]\n", "[key.checkout]\nname = \"later\"\n")).unwrap();
    let before = fs::read(team.path("keycomb.sealed.toml")).unwrap();
    team.sandbox.clear_requests();
    let looked = import(&team, &path, &[]).exits(0);
    assert!(looked.stdout.contains("keycomb has no secret of it"), "{}", looked.stdout);
    assert_eq!(fs::read(team.path("keycomb.sealed.toml")).unwrap(), before, "a look writes nothing");
    let ran = take_over(&team, &path).exits(0);
    assert!(ran.stdout.contains("nothing is sent"), "{}", ran.stdout);
    assert!(ran.stdout.contains("0 keys and 0 environments taken over"), "{}", ran.stdout);
    assert!(!team.path("imported").exists(), "all of it is declared");
    let sealed: Vec<String> =
        recorded(&team).into_iter().filter(|(_, how)| how == "sealed").map(|(address, _)| address).collect();
    assert_eq!(sealed.len(), 4, "{sealed:?}");
    assert_eq!(unavailable(&team), all - 4);
    assert!(team.sandbox.requests().iter().all(|request| request.method == "GET"));
    assert_opens(&team);
    let plan = team.run(&["plan"]).exits(0);
    assert!(plan.stdout.contains("1 to update"), "{}", plan.stdout);
    // Again: what has its secret keeps the very bytes, and nothing else of the files is done.
    let before = fs::read(team.path("keycomb.sealed.toml")).unwrap();
    let again = take_over(&team, &path).exits(0);
    assert_eq!(fs::read(team.path("keycomb.sealed.toml")).unwrap(), before);
    assert!(team.sandbox.requests().iter().all(|request| request.method == "GET"), "nothing is applied");
    assert!(team.run(&["plan"]).exits(0).stdout.contains("1 to update"));
    assert_no_leak(&team, &(looked.stdout + &ran.stdout + &ran.stderr + &again.stdout + &again.stderr));
}

#[test]
fn what_somebody_changed_since_is_taken_as_it_is_now() {
    let team = team();
    let path = state(&team, "root.tfstate");
    team.set_disabled(&team.key_id("checkout"), true);
    team.sandbox.clear_requests();
    take_over(&team, &path).exits(0);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
    let text = fs::read_to_string(team.path("imported/production.toml")).unwrap();
    assert!(text.contains("enabled = false"), "{text}");
}

#[test]
fn a_look_shows_the_files_and_what_is_left() {
    let team = team();
    let ran = import(&team, &state(&team, "accounts.tfstate"), &[]).exits(0);
    insta::with_settings!({ filters => vec![("hcxi._01m[0-9a-z]{23}", "ID"), ("hcxen_01m[0-9a-z]{23}", "ID"), ("color = \".*\"", "COLOR")] }, {
        insta::assert_snapshot!("import_look", ran.stdout);
    });
}

#[test]
fn a_look_is_a_document_that_fits_its_schema() {
    let team = team();
    let ran = import(&team, &state(&team, "accounts.tfstate"), &["--format", "json"]).exits(0);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let schema: Value = serde_json::from_str(&team.run(&["schema", "import"]).exits(0).stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&document), "{document:#}");
    assert_eq!(document["format"], "keycomb.import/1");
    assert_eq!(document["taken"].as_array().unwrap().len(), 3);
    assert_eq!(document["left"].as_array().unwrap().len(), 3);
}

#[test]
fn what_is_no_state_is_refused_without_quoting_it() {
    let team = team();
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/terraform");
    for (name, words) in [
        ("encrypted", "the state is encrypted by OpenTofu"),
        ("version3", "it is a state of version 3; expected version 4"),
        ("plan", "it is a plan, not a state"),
        ("no_state", "neither a state nor what `show -json` prints"),
        ("truncated", "the JSON ends too early"),
        ("wrong_form", "it is JSON of another form than a state"),
        ("utf16", "it is UTF-16"),
    ] {
        let ran = import(&team, &corpus.join(name), &[]).exits(3);
        assert!(ran.stderr.contains(words), "{name}: {}", ran.stderr);
        assert!(!ran.stderr.contains("s3cr3t9canary7"), "{name}: {}", ran.stderr);
    }
    import(&team, &team.path("nothing.tfstate"), &[]).exits(1);
    import(&team, team.folder.path(), &[]).exits(1);
}
