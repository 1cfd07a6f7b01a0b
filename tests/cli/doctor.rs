//! Every precondition, each by itself: what is well, what is broken, and how a command would end for it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use keycomb::sandbox::{ManualClock, Options, RateLimit};
use serde_json::Value;

use crate::git::git;
use crate::team::{Ran, SAMPLE, Team};

fn snapshot(name: &str, team: &Team, text: &str) {
    let endpoint = team.sandbox.endpoint().to_owned();
    let text = text.replace(&endpoint, "http://127.0.0.1:PORT");
    let text = text.replace(&team.folder.path().display().to_string(), "FOLDER");
    let filters = vec![
        (r"hcxmk_\w+", "[management key]"),
        (r"lineage \w+", "lineage [lineage]"),
        (r"left for \d+ s", "left for N s"),
        (r"-?\d+ s from the service's", "N s from the service's"),
        (r"\d+ of 1000000", "N of 1000000"),
    ];
    insta::with_settings!({ filters => filters }, {
        insta::assert_snapshot!(name, text);
    });
}

/// The verdict, the text and the mend of one check.
fn check(ran: &Ran, name: &str) -> (String, String, String) {
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    let checks = document["checks"].as_array().unwrap();
    let check =
        checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name}: {ran:?}"));
    let text = |field: &str| check[field].as_str().unwrap_or_default().to_owned();
    (text("verdict"), text("text"), text("fix"))
}

/// Runs it; the check must have this verdict and these words, and the command this exit code.
#[track_caller]
fn finds(
    team: &Team,
    variables: &[(&str, &str)],
    more: &[&str],
    (name, verdict, words): (&str, &str, &str),
    exit: i32,
) {
    let mut command = team.command(&["doctor", "--format", "json"]);
    command.args(more).envs(variables.iter().copied());
    let ran = Ran::from(command.output().unwrap()).exits(exit);
    let (found, text, fix) = check(&ran, name);
    assert_eq!(found, verdict, "{name}: {text}");
    assert!(format!("{text}\n{fix}").contains(words), "{name}: {text} {fix}");
    assert!(verdict != "fail" || !fix.is_empty(), "{name} has no fix");
}

/// A team whose sealed file is applied, proven, committed and joined by the driver.
fn well() -> Team {
    let team = Team::new();
    team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    team.run(&["secrets", "prove", "-i", "identity.txt"]).exits(0);
    fs::write(team.path(".gitignore"), "identity.txt\n*.lock\n").unwrap();
    fs::write(team.path(".gitattributes"), "*.sealed.toml merge=keycomb\n").unwrap();
    git(&team, &["init", "--quiet"]).exits(0);
    git(&team, &["config", "merge.keycomb.driver", "keycomb secrets merge %O %A %B --path %P"]).exits(0);
    git(&team, &["add", "--all"]).exits(0);
    git(&team, &["commit", "--quiet", "--message", "first"]).exits(0);
    team
}

#[test]
fn all_is_well() {
    let team = well();
    let before = crate::team::files(team.folder.path());
    let ran = team.run(&["doctor"]).exits(0);
    assert_eq!(crate::team::files(team.folder.path()), before, "something was written");
    assert!(!ran.stdout.contains("warn ") && ran.stdout.contains("0 warn, 0 fail"), "{}", ran.stdout);
    assert!(!ran.stdout.contains(&team.sandbox.management_key().secret));
    snapshot("all_is_well", &team, &ran.stdout);
    assert!(
        team.sandbox
            .requests()
            .iter()
            .all(|r| r.method == "GET" || r.path.contains("api-keys") || r.path.contains("environments"))
    );
}

#[test]
fn everything_is_broken() {
    let team = Team::new();
    fs::write(team.path("keycomb.toml"), "version = 1\n[honeycomb]\nteem = \"acme\"\n").unwrap();
    let login = team.path("xdg/keycomb/credentials.toml");
    fs::create_dir_all(login.parent().unwrap()).unwrap();
    fs::write(&login, "nonsense").unwrap();
    fs::set_permissions(&login, fs::Permissions::from_mode(0o644)).unwrap();
    let mut command = team.command(&["doctor"]);
    command.env_remove("HONEYCOMB_KEY_ID").env("XDG_CONFIG_HOME", team.path("xdg"));
    let ran = Ran::from(command.output().unwrap()).exits(3);
    assert_eq!(ran.stderr, "");
    snapshot("everything_is_broken", &team, &ran.stdout);
    // With the endpoint given, what is between here and there is looked at even so.
    let endpoint = team.sandbox.endpoint().to_owned();
    let ran = team.run(&["doctor", "--format", "json", "--endpoint", &endpoint]).exits(3);
    assert_eq!(check(&ran, "service").0, "pass");
    assert_eq!(check(&ran, "scopes").0, "pass");
}

#[test]
fn without_a_network_everything_else_is_looked_at() {
    let team = well();
    // A port that nobody listens on any more.
    let endpoint = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let more = ["--endpoint", endpoint.as_str()];
    finds(&team, &[], &more, ("service", "fail", "GET /2/auth"), 1);
    finds(&team, &[], &more, ("clock", "warn", "not checked"), 1);
    finds(&team, &[], &more, ("git", "pass", "is committed"), 1);
}

#[test]
fn the_credential_and_its_scopes_are_looked_at_for_each_command() {
    let team = well();
    let reads = team.sandbox.add_management_key(&["environments:read", "api-keys:read"], false);
    let blind = team.sandbox.add_management_key(&["environments:read"], false);
    fn of(key: &keycomb::sandbox::ManagementKey) -> [(&'static str, String); 2] {
        [("KEYCOMB_KEY_ID", key.id.clone()), ("KEYCOMB_KEY_SECRET", key.secret.clone())]
    }
    let as_key = |key, expected, exit| {
        let pairs = of(key);
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        finds(&team, &pairs, &[], expected, exit);
    };
    as_key(&reads, ("scopes", "warn", "plan, drift, status: yes; apply (keys): lacks api-keys:write"), 0);
    as_key(&blind, ("scopes", "fail", "plan, drift, status: lacks api-keys:read"), 4);
    finds(&team, &[("HONEYCOMB_KEY_SECRET", "nosuchsecret")], &[], ("service", "fail", "401"), 4);
    finds(
        &team,
        &[("HONEYCOMB_KEY_SECRET", "")],
        &[],
        ("credential", "fail", "HONEYCOMB_KEY_SECRET is not"),
        4,
    );
    finds(&team, &[], &["--key-file", "nowhere"], ("credential", "fail", "cannot read"), 4);
    let path = team.path("keycomb.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("team = \"acme\"", "team = \"umbrella\"")).unwrap();
    let ran = team.run(&["doctor", "--format", "json"]).exits(4);
    assert!(check(&ran, "service").1.contains("`umbrella`"), "{ran:?}");
    assert_eq!(check(&ran, "sealed file").0, "fail");
}

#[test]
fn what_is_between_here_and_the_service_is_looked_at() {
    let team = well();
    fs::write(team.path("empty.pem"), "").unwrap();
    finds(&team, &[], &["--ca-file", "empty.pem"], ("certificates", "fail", "no usable certificate"), 1);
    let proxy = [("HTTP_PROXY", "http://somebody:hunter2@127.0.0.1:9")];
    finds(&team, &proxy, &[], ("proxy", "pass", "HTTP_PROXY is set, and `127.0.0.1` is this machine"), 0);
    let elsewhere = ["--endpoint", "https://honeycomb.invalid"];
    let proxy = [("HTTPS_PROXY", "http://somebody:hunter2@127.0.0.1:9")];
    finds(&team, &proxy, &elsewhere, ("proxy", "pass", "HTTPS_PROXY: 127.0.0.1:9"), 1);
    let mut command = team.command(&["doctor", "-vv", "--endpoint", "https://honeycomb.invalid"]);
    let ran = Ran::from(command.envs(proxy).output().unwrap()).exits(1);
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("hunter2"), "{ran:?}");
}

#[test]
fn a_clock_that_is_off_and_a_spent_budget_are_told() {
    let clock = ManualClock::new("2020-01-01T00:00:00Z".parse().unwrap());
    let team = Team::with(Options { clock: Arc::new(clock), ..Options::default() });
    team.declare(SAMPLE);
    finds(&team, &[], &[], ("clock", "warn", "ahead of the service's, which says 2020-01-01T00:00:00Z"), 0);
    let team = well();
    team.sandbox.set_rate_limit(Some(RateLimit { limit: 20, window: Duration::from_secs(60) }));
    for _ in 0..18 {
        assert_eq!(team.by_hand("GET", "/2/teams/acme/environments", None).0, 200);
    }
    finds(&team, &[], &[], ("rate budget", "warn", "environments: 1 of 20 left"), 0);
}

#[test]
fn recipients_are_sealed_to_and_counted() {
    let fresh = Team::new();
    fresh.declare(&format!("[seal]\nmin_proven = 1\n{SAMPLE}"));
    finds(&fresh, &[], &[], ("recipients", "fail", "0 proven, min_proven is 1"), 5);
    fresh.declare(SAMPLE);
    finds(&fresh, &[], &[], ("recipients", "warn", "0 proven"), 0);
    finds(&fresh, &[], &[], ("sealed file", "warn", "there is none at `keycomb.sealed.toml`"), 0);
}

#[test]
fn the_sealed_file_its_journal_and_its_lock_are_looked_at() {
    let team = well();
    let path = team.path("keycomb.sealed.toml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    finds(&team, &[], &[], ("sealed file", "warn", "mode 0666: others can change it"), 0);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, "<<<<<<< ours\n").unwrap();
    finds(&team, &[], &[], ("sealed file", "fail", "keycomb.sealed.toml"), 9);
    fs::write(&path, text).unwrap();

    let sealed = keycomb::seal::read(&path, None).unwrap().unwrap();
    let holder = keycomb::seal::Holder {
        pid: 4711,
        host: "a-host".into(),
        user: Some("sam".into()),
        started: "2026-01-01T00:00:00Z".parse().unwrap(),
        command: "keycomb apply".into(),
    };
    let (team_slug, endpoint, lineage) = (&sealed.team, &sealed.endpoint, sealed.lineage.clone());
    let mut keeper = keycomb::seal::Keeper::open(&path, team_slug, endpoint, lineage, &holder).unwrap();
    finds(&team, &[], &[], ("lock", "warn", "held by process 4711 on a-host of sam"), 0);
    keeper.preflight(&[]).unwrap();
    drop(keeper);
    finds(&team, &[], &[], ("lock", "pass", "free"), 0);
    finds(&team, &[], &[], ("journal", "warn", "the next `keycomb apply` folds them"), 0);
}

#[test]
fn git_is_asked_whether_the_sealed_file_lasts_and_is_joined() {
    let team = well();
    git(&team, &["config", "--unset", "merge.keycomb.driver"]).exits(0);
    finds(&team, &[], &[], ("git", "warn", "git config merge.keycomb.driver"), 0);
    fs::write(team.path(".gitattributes"), "").unwrap();
    finds(&team, &[], &[], ("git", "warn", "*.sealed.toml merge=keycomb"), 0);
    git(&team, &["rm", "--quiet", "--cached", "keycomb.sealed.toml"]).exits(0);
    finds(&team, &[], &[], ("git", "warn", "`keycomb.sealed.toml` is not committed"), 0);
    fs::write(team.path(".gitignore"), "*.toml\n").unwrap();
    finds(&team, &[], &[], ("git", "warn", "git ignores `keycomb.sealed.toml`"), 0);
    fs::remove_dir_all(team.path(".git")).unwrap();
    finds(&team, &[], &[], ("git", "warn", "in no repository"), 0);
    finds(&team, &[("PATH", "/nowhere")], &[], ("git", "warn", "no `git`"), 0);
}

#[test]
fn a_stored_login_that_others_can_read_is_told_with_the_command_that_ends_that() {
    let team = well();
    let login = team.path("xdg/keycomb/credentials.toml");
    fs::create_dir_all(login.parent().unwrap()).unwrap();
    fs::write(&login, "version = 1\n").unwrap();
    let home = team.path("xdg");
    let home = [("XDG_CONFIG_HOME", home.to_str().unwrap())];
    for (mode, verdict, words) in [(0o600, "pass", "credentials.toml"), (0o640, "warn", "chmod 600")] {
        fs::set_permissions(&login, fs::Permissions::from_mode(mode)).unwrap();
        finds(&team, &home, &[], ("stored login", verdict, words), 0);
    }
}

#[test]
fn a_sandbox_is_looked_at_like_the_service() {
    let team = Team::new();
    team.declare(SAMPLE);
    let mut command = team.command(&["doctor", "--sandbox", "--format", "json"]);
    command.env_remove("HONEYCOMB_KEY_ID");
    let ran = Ran::from(command.output().unwrap()).exits(0);
    assert_eq!(check(&ran, "credential").1, "from the sandbox");
    assert_eq!(check(&ran, "scopes").0, "pass");
    assert!(team.sandbox.requests().is_empty());
}
