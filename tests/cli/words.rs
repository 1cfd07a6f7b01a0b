//! What every command says of itself, and the commands that talk to nobody.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::team::{Ran, SAMPLE, Team, keycomb};

fn run(arguments: &[&str]) -> Ran {
    keycomb().args(arguments).output().unwrap().into()
}

#[test]
fn help_of_every_command() {
    let mut all = String::new();
    for command in [
        &[][..],
        &["init"],
        &["check"],
        &["plan"],
        &["apply"],
        &["revoke"],
        &["scan"],
        &["drift"],
        &["status"],
        &["adopt"],
        &["forget"],
        &["mv"],
        &["import", "terraform"],
        &["rotate"],
        &["undo"],
        &["secrets"],
        &["secrets", "list"],
        &["secrets", "open"],
        &["secrets", "export"],
        &["secrets", "verify"],
        &["secrets", "exec"],
        &["secrets", "rekey"],
        &["secrets", "prove"],
        &["secrets", "merge"],
        &["auth", "status"],
        &["auth", "login"],
        &["auth", "logout"],
        &["doctor"],
        &["sandbox"],
        &["rehearse"],
        &["schema"],
        &["completions"],
        &["man"],
    ] {
        let mut arguments = command.to_vec();
        arguments.push("--help");
        all.push_str(&format!("$ keycomb {}\n{}\n", arguments.join(" "), run(&arguments).exits(0).stdout));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_wrong_command_line_exits_64() {
    for arguments in [
        &["plam"][..],
        &["plan", "--nope"],
        &[],
        &["apply", "--allow", "delete=many"],
        &["plan", "--allow", "x=1"],
    ] {
        run(arguments).exits(64);
    }
}

#[test]
fn init_writes_a_configuration_that_checks_and_a_private_identity() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| -> Ran {
        keycomb().current_dir(folder.path()).args(arguments).output().unwrap().into()
    };
    run(&["init", "--team", "acme", "--identity", "identity.txt"]).exits(0);
    let mode = fs::metadata(folder.path().join("identity.txt")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    assert!(
        fs::read_to_string(folder.path().join(".gitignore"))
            .unwrap()
            .lines()
            .any(|line| line == "/identity.txt")
    );
    run(&["check"]).exits(0);
    run(&["apply", "--sandbox", "--yes"]).exits(0);
    run(&["secrets", "open", "--sandbox", "key.development.collector", "-i", "identity.txt"]).exits(0);
    let before = fs::read_to_string(folder.path().join("keycomb.toml")).unwrap();
    run(&["init", "--identity", "other.txt"]).exits(3);
    assert_eq!(fs::read_to_string(folder.path().join("keycomb.toml")).unwrap(), before);
    assert!(!folder.path().join("other.txt").exists());
}

#[test]
fn init_ignores_the_identity_however_its_path_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| -> Ran {
        keycomb().current_dir(folder.path()).args(arguments).output().unwrap().into()
    };
    fs::create_dir(folder.path().join("keys")).unwrap();
    run(&["init", "-c", "./keycomb.toml", "--identity", "keys/me.txt"]).exits(0);
    let ignored = fs::read_to_string(folder.path().join(".gitignore")).unwrap();
    assert!(ignored.lines().any(|line| line == "/keys/me.txt"), "{ignored}");
    run(&["init", "-c", "other.toml", "--identity", "keys/me.txt"]).exits(3);
    run(&["init", "-c", "third.toml", "--identity", "keys/../you.txt"]).exits(0);
    let ignored = fs::read_to_string(folder.path().join(".gitignore")).unwrap();
    assert!(ignored.lines().any(|line| line == "/you.txt"), "{ignored}");
}

#[test]
fn init_without_a_recipient_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| -> Ran {
        keycomb().current_dir(folder.path()).args(arguments).output().unwrap().into()
    };
    assert!(run(&["init"]).exits(0).stdout.contains("[seal.recipients]"));
    assert!(run(&["check"]).exits(3).stderr.contains("recipient"));
    let ran = run(&["init", "-c", "other.toml", "--recipient", "ops=AGE-SECRET-KEY-1QQQQ"]).exits(3);
    assert!(!ran.stderr.contains("QQQQ"), "{}", ran.stderr);
}

#[test]
fn schemas_completions_and_manual_pages_are_printed() {
    for what in [
        "config",
        "plan",
        "saved_plan",
        "report",
        "drift",
        "status",
        "secrets",
        "secret",
        "check",
        "auth",
        "doctor",
        "rehearsal",
        "import",
        "scan",
        "verification",
        "rekeyed",
        "proofs",
        "runs",
        "snapshot",
    ] {
        let printed = run(&["schema", what]).exits(0).stdout;
        let schema: serde_json::Value = serde_json::from_str(&printed).unwrap();
        jsonschema::validator_for(&schema).unwrap();
        let name = if what == "config" { "keycomb" } else { what };
        let path = format!("{}/schema/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            fs::write(&path, &printed).unwrap();
        }
        let stored = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            stored == printed,
            "schema/{name}.schema.json is stale: run the tests once with UPDATE_SCHEMA=1"
        );
    }
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(run(&["completions", shell]).exits(0).stdout.contains("keycomb"));
    }
    assert!(run(&["man"]).exits(0).stdout.contains(".TH keycomb"));
    let folder = tempfile::tempdir().unwrap();
    run(&["man", "--out", folder.path().to_str().unwrap()]).exits(0);
    assert!(folder.path().join("keycomb-plan.1").exists());
}

#[test]
fn json_results_fit_their_schemas() {
    let team = Team::new();
    team.declare(SAMPLE);
    let fits = |kind: &str, text: &str| {
        let schema: serde_json::Value =
            serde_json::from_str(&run(&["schema", kind]).exits(0).stdout).unwrap();
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{kind}: {errors:?}");
    };
    fits("plan", &team.run(&["plan", "--format", "json"]).exits(0).stdout);
    team.run(&["plan", "--out", "saved.json"]).exits(0);
    fits("saved_plan", &fs::read_to_string(team.path("saved.json")).unwrap());
    fits("report", &team.run(&["apply", "--yes", "--format", "json"]).exits(0).stdout);
    fits("status", &team.run(&["status", "--format", "json"]).exits(0).stdout);
    fits("secrets", &team.run(&["secrets", "list", "--format", "json"]).exits(0).stdout);
    fits("check", &team.run(&["check", "--format", "json"]).exits(0).stdout);
    fits("auth", &team.run(&["auth", "status", "--format", "json"]).exits(0).stdout);
    fits("doctor", &team.run(&["doctor", "--format", "json"]).exits(0).stdout);
    let identity = team.identity.to_str().unwrap();
    fits(
        "secret",
        &team.run(&["secrets", "open", "key.staging.ci", "-i", identity, "--json"]).exits(0).stdout,
    );
    let holder =
        |verb: &str| team.run(&["secrets", verb, "-i", identity, "--format", "json"]).exits(0).stdout;
    fits("verification", &holder("verify"));
    fits("rekeyed", &holder("rekey"));
    fits("proofs", &holder("prove"));
    fits("runs", &team.run(&["undo", "--format", "json"]).exits(0).stdout);
    fits("drift", &team.run(&["drift", "--format", "json"]).exits(0).stdout);
    fits("plan", &team.run(&["plan", "--format", "json"]).exits(0).stdout);
}

#[test]
fn check_reports_every_problem_with_its_place() {
    let team = Team::new();
    team.declare("[environment.a]\ncolor = \"gren\"\n[key.k]\nenvironment = \"b\"\ntype = \"ingest\"\n");
    let text = team.run(&["check"]).exits(3).stderr;
    assert!(text.contains("did you mean") && text.contains("green"), "{text}");
    let json = team.run(&["check", "--format", "json"]).exits(3).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["problems"].as_array().unwrap().len(), 2);
    let schema: serde_json::Value = serde_json::from_str(&run(&["schema", "check"]).exits(0).stdout).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&json));
    assert_eq!(json["problems"][0]["file"], "keycomb.toml");
}

#[test]
fn colour_only_where_it_is_wanted() {
    let team = Team::new();
    team.declare(SAMPLE);
    assert!(!team.run(&["plan"]).exits(0).stdout.contains('\u{1b}'));
    assert!(team.run(&["plan", "--color", "always"]).exits(0).stdout.contains("\u{1b}["));
    assert!(!team.run(&["plan", "--color", "never"]).exits(0).stdout.contains('\u{1b}'));
}

#[test]
fn auth_status_shows_who_and_from_where_and_no_secret() {
    let team = Team::new();
    team.declare(SAMPLE);
    let ran = team.run(&["auth", "status"]).exits(0);
    let key = team.sandbox.management_key();
    assert!(ran.stdout.contains(&key.id) && ran.stdout.contains("HONEYCOMB_KEY_ID"), "{}", ran.stdout);
    assert!(!ran.stdout.contains(&key.secret));
    let weak = team.sandbox.add_management_key(&["environments:read", "api-keys:read"], false);
    let mut command = team.command(&["auth", "status"]);
    command.env("KEYCOMB_KEY_ID", &weak.id).env("KEYCOMB_KEY_SECRET", &weak.secret);
    let ran: Ran = command.output().unwrap().into();
    let stdout = ran.exits(0).stdout;
    assert!(stdout.contains("no   apply (keys): needs api-keys:write"), "{stdout}");
    let none = team.sandbox.add_management_key(&[], false);
    let mut command = team.command(&["auth", "status"]);
    command.env("KEYCOMB_KEY_ID", &none.id).env("KEYCOMB_KEY_SECRET", &none.secret);
    let ran = Ran::from(command.output().unwrap()).exits(4);
    assert!(
        ran.stdout.contains("no   plan, drift, status: needs environments:read, api-keys:read"),
        "{}",
        ran.stdout
    );
    assert!(stdout.contains("shadows   HONEYCOMB_KEY_ID and HONEYCOMB_KEY_SECRET"), "{stdout}");
}
