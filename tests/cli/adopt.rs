//! Adoption, forgetting and moving with the built binary: nothing is written to the service, and the next plan is empty.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use keycomb::sandbox::{ByHand, KeyType, Options};

use crate::team::{Ran, Team, files};

/// Requests that are not reads.
fn writes(team: &Team) -> Vec<String> {
    let all = team.sandbox.requests();
    all.iter().filter(|r| r.method != "GET").map(|r| format!("{} {}", r.method, r.path)).collect()
}

/// All files below the configuration's folder that keycomb may have written.
fn written(team: &Team) -> BTreeMap<String, String> {
    let folder = team.folder.path();
    let name = |path: &std::path::Path| path.strip_prefix(folder).unwrap().display().to_string();
    let all = files(folder);
    // The lock names the process that had it last, and each run leaves an account of its own.
    let kept = all.iter().filter(|path| path.extension().is_none_or(|extension| extension != "lock"));
    let kept = kept.filter(|path| !path.starts_with(folder.join(".keycomb")));
    kept.map(|path| (name(path), fs::read_to_string(path).unwrap_or_default())).collect()
}

fn post(team: &Team, collection: &str, body: &serde_json::Value) -> serde_json::Value {
    let (status, answer) =
        team.by_hand("POST", &format!("/2/teams/acme/{collection}"), Some(&body.to_string()));
    assert_eq!(status, 201, "{answer}");
    answer["data"].clone()
}

fn merge(attributes: &mut serde_json::Value, more: serde_json::Value) {
    let (Some(attributes), serde_json::Value::Object(more)) = (attributes.as_object_mut(), more) else {
        panic!("two objects are joined")
    };
    attributes.extend(more);
}

fn make_environment(team: &Team, name: &str, more: serde_json::Value) -> String {
    let mut attributes = serde_json::json!({ "name": name });
    merge(&mut attributes, more);
    let body = serde_json::json!({ "data": { "type": "environments", "attributes": attributes } });
    post(team, "environments", &body)["id"].as_str().unwrap().to_owned()
}

fn make_key(team: &Team, environment: &str, key_type: &str, name: &str, more: serde_json::Value) -> String {
    let mut attributes = serde_json::json!({ "key_type": key_type, "name": name });
    merge(&mut attributes, more);
    let home = serde_json::json!({ "data": { "id": environment, "type": "environments" } });
    let body = serde_json::json!({ "data": {
        "type": "api-keys", "attributes": attributes, "relationships": { "environment": home } } });
    post(team, "api-keys", &body)["id"].as_str().unwrap().to_owned()
}

fn with_stdin(team: &Team, arguments: &[&str], text: &str) -> Ran {
    let mut command = team.command(arguments);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

/// `environment.production` managed, and two keys in it that nobody manages: (team, ingest id, configuration id)
fn two_keys() -> (Team, String, String) {
    let team = Team::new();
    let environment = make_environment(&team, "production", serde_json::json!({ "color": "red" }));
    let granted = serde_json::json!({ "permissions": { "create_datasets": true } });
    let ingest = make_key(&team, &environment, "ingest", "checkout", granted);
    let granted = serde_json::json!({ "permissions": { "run_queries": true } });
    let configuration = make_key(&team, &environment, "configuration", "ci", granted);
    team.declare("[environment.production]\n");
    team.run(&["adopt", &environment, "--as", "environment.production", "--yes"]).exits(0);
    (team, ingest, configuration)
}

#[test]
fn a_team_of_500_keys_is_adopted_as_it_is_and_one_permission_is_one_patch() {
    let team = Team::with(Options { keys: 500, environments: 20, ..Options::default() });
    team.declare("# mine\n");
    let main = fs::read_to_string(team.path("keycomb.toml")).unwrap();
    team.sandbox.clear_requests();
    let ran = team.run(&["adopt", "--all", "--write", "adopted", "--yes"]).exits(0);
    assert_eq!(writes(&team), Vec::<String>::new());
    assert!(ran.stdout.contains("520 to adopt"), "{}", ran.stdout);
    assert!(!ran.stderr.contains("skipped"), "{}", ran.stderr);
    team.run(&["check"]).exits(0);
    let plan = team.run(&["plan", "--detailed-exitcode"]).exits(0);
    assert!(plan.stdout.contains("No changes"), "{}", plan.stdout);
    team.run(&["drift"]).exits(0);
    // The main file is as it was, but for the line that includes the new ones.
    let line = "include = [\"adopted/*.toml\"]\n";
    let now = fs::read_to_string(team.path("keycomb.toml")).unwrap();
    assert!(now.contains(line) && now.replacen(line, "", 1) == main, "{now}");
    // Again: nothing is left to do, and nothing is written.
    let before = written(&team);
    let again = team.run(&["adopt", "--all", "--write", "adopted", "--yes"]).exits(0);
    assert!(again.stderr.contains("nothing to adopt"), "{}", again.stderr);
    assert_eq!(written(&team), before);

    let truth = team.sandbox.truth();
    let key = truth.live_keys().find(|key| key.key_type == KeyType::Configuration).unwrap();
    let (file, text) =
        before.iter().find(|(_, text)| text.contains(&format!("# adopted: {}\n", key.id))).unwrap();
    let (head, block) = text.split_once(&format!("# adopted: {}\n", key.id)).unwrap();
    let block = match block.find("permissions = [") {
        Some(at) if !block[..at].contains("\n\n") => block
            .replacen("permissions = [", "permissions = [\"manage_boards\", ", 1)
            .replacen("\"manage_boards\", ]", "\"manage_boards\"]", 1),
        _ => block.replacen(
            "type = \"configuration\"\n",
            "type = \"configuration\"\npermissions = [\"manage_boards\"]\n",
            1,
        ),
    };
    assert!(!key.permissions["manage_boards"]);
    fs::write(team.path(file), format!("{head}# adopted: {}\n{block}", key.id)).unwrap();
    team.sandbox.clear_requests();
    team.run(&["apply", "--yes"]).exits(0);
    assert_eq!(writes(&team), [format!("PATCH /2/teams/acme/api-keys/{}", key.id)]);
    let after = team.sandbox.truth();
    let after = after.key(&key.id).unwrap();
    assert!(after.permissions["manage_boards"] && after.secret == key.secret);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn the_same_team_gives_the_same_files() {
    let make = || {
        let team = Team::with(Options { keys: 40, environments: 3, ..Options::default() });
        team.declare("");
        team.run(&["adopt", "--all", "--write", "house/keys", "--yes"]).exits(0);
        let mut all = written(&team);
        all.retain(|name, _| name.starts_with("house"));
        // Ids have the sandbox's clock in them.
        let plain =
            |text: &String| text.lines().filter(|line| !line.starts_with("# adopted: ")).collect::<String>();
        let all: BTreeMap<_, _> = all.iter().map(|(name, text)| (name.clone(), plain(text))).collect();
        assert_eq!(all.len(), 3);
        all
    };
    assert_eq!(make(), make());
}

/// A run that was cut off between the files and the record leaves what a lost sealed file leaves.
#[test]
fn a_record_that_is_gone_is_made_again_from_the_files_which_stay_as_they_are() {
    let team = Team::with(Options { keys: 30, environments: 3, ..Options::default() });
    team.declare("");
    team.run(&["adopt", "--all", "--write", "all", "--yes"]).exits(0);
    let before = written(&team);
    fs::remove_file(team.path("keycomb.sealed.toml")).unwrap();
    let plan = team.run(&["plan"]).exits(0);
    assert!(plan.stdout.contains("blocked"), "{}", plan.stdout);
    team.run(&["adopt", "--all", "--write", "all", "--yes"]).exits(0);
    let now = written(&team);
    assert_eq!(now.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    assert!(now.iter().all(|(name, text)| name.contains("sealed") || before[name] == *text));
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}

/// Names that people, or attackers, give.
const NAMES: &[&str] = &[
    "checkout",
    "Checkout",
    "checkout!",
    "check-out 2",
    "{key}",
    "{{",
    "\"'''\\",
    "# [key.x]",
    "= true",
    "a\u{1b}[31m",
    "line\nbreak",
    " blank ",
    "\u{202e}rtl",
    "a\u{200b}b",
    "::error::x",
    "##[warning]",
    "größe 東京 🚀",
    "../../etc/x",
    "-rf",
    "$(reboot)",
    "key",
    "environment",
    "CON",
    "k3j9x0q7w2e8r5t1y6u4i0p9a3s7d2f8",
    "keycomb-pending.x",
    "<b>&amp;",
];

#[test]
fn after_adopting_all_of_any_team_the_next_plan_is_empty() {
    for seed in 0..8 {
        let mut random = fastrand::Rng::with_seed(seed);
        let team = Team::with(Options { seed, ..Options::default() });
        team.sandbox.add_classic_environment();
        let mut environments = vec![];
        for number in 0..random.usize(1..5) {
            let name = format!("{}{}", random.choice(NAMES).unwrap(), "x".repeat(number));
            let color = *random.choice(&["red", "blue", "gold"]).unwrap();
            let description = *random.choice(&["", "plain", "two\nlines", "bell\u{7}", "\u{2028}"]).unwrap();
            let more = serde_json::json!({ "color": color, "description": description });
            environments.push(make_environment(&team, &name, more));
        }
        for environment in &environments {
            for _ in 0..random.usize(0..14) {
                let name = *random.choice(NAMES).unwrap();
                let permissions = serde_json::json!({ "permissions": {
                    "create_datasets": random.bool(), "run_queries": random.bool(),
                    "visible_team_members": random.bool() }, "disabled": random.bool() });
                let ingest = serde_json::json!({
                    "permissions": { "create_datasets": random.bool() }, "disabled": random.bool() });
                match random.bool() {
                    true => make_key(&team, environment, "ingest", name, ingest),
                    false => make_key(&team, environment, "configuration", name, permissions),
                };
            }
        }
        // Some of it is declared already, and some of that otherwise.
        team.declare(if random.bool() {
            "[environment.mine]\nname = \"checkout\"\ncolor = \"green\"\n"
        } else {
            ""
        });
        team.sandbox.clear_requests();
        let ran = team.run(&["adopt", "--all", "--write", "all", "--yes"]);
        let told = format!("seed {seed}\n{}\n{}", ran.stdout, ran.stderr);
        assert_eq!(ran.exit, 0, "{told}");
        assert_eq!(writes(&team), Vec::<String>::new(), "{told}");
        let hidden =
            |c: char| c.is_control() && c != '\n' || matches!(c, '\u{202e}' | '\u{200b}' | '\u{2028}');
        assert!(!told.contains(hidden) && !told.contains("\n::"), "{told:?}");
        let plan = team.run(&["plan", "--format", "json"]).exits(0);
        let plan: serde_json::Value = serde_json::from_str(&plan.stdout).unwrap();
        // What was declared otherwise than it is, is left to the next apply or to people; the rest is as it is.
        let actions = plan["actions"].as_array().unwrap();
        assert!(actions.iter().all(|a| a["address"] == "environment.mine"), "{told}\n{actions:#?}");
        // Each key is managed, or is said to be left.
        let adopted = ran.stdout.matches("adopt").count();
        let sealed = written(&team).remove("keycomb.sealed.toml").unwrap_or_default();
        for key in team.sandbox.truth().live_keys() {
            let is_managed = sealed.contains(&format!("id = \"{}\"", key.id));
            let is_left =
                ran.stderr.contains(&key.id) || ran.stderr.contains(&format!("({})", key.environment));
            assert!(is_managed != is_left, "{} {:?} ({adopted})\n{told}", key.id, key.name);
        }
        let names: Vec<String> = written(&team).into_keys().collect();
        assert!(names.iter().all(|name| !name.contains("keycomb-new")), "{names:?}");
    }
}

#[test]
fn one_environment_alone_can_be_adopted() {
    let team = Team::with(Options { keys: 30, environments: 3, ..Options::default() });
    team.declare("");
    let truth = team.sandbox.truth();
    let name = &truth.environments[1].name;
    team.run(&["adopt", "--all", "--write", "one", "--env", "nowhere", "--yes"]).exits(3);
    team.run(&["adopt", "--all", "--write", "one", "--env", name, "--yes"]).exits(0);
    assert_eq!(written(&team).keys().filter(|file| file.starts_with("one/")).count(), 1);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn one_key_is_adopted_where_it_is_declared_and_what_differs_is_told() {
    let (team, _, id) = two_keys();
    team.declare(
        "[environment.production]\n[key.build]\nenvironment = \"production\"\ntype = \"configuration\"\n\
         name = \"ci\"\npermissions = [\"run_queries\", \"manage_boards\"]\n",
    );
    let plan = team.run(&["plan"]).exits(0);
    let told = plan.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains(&format!("keycomb adopt {id} --as key.production.build")), "{told}");
    team.sandbox.clear_requests();
    let ran = team.run(&["adopt", &id, "--as", "key.production.build", "--yes"]).exits(0);
    assert_eq!(writes(&team), Vec::<String>::new());
    // Their first lines have the port and the time.
    let lines: Vec<&str> = ran.stdout.lines().filter(|line| !line.starts_with("keycomb ")).collect();
    insta::assert_snapshot!(lines.join("\n").replace(&id, "ID"));
    let list = team.run(&["secrets", "list"]).exits(0);
    assert!(list.stdout.contains("1 key without"), "{}", list.stdout);
    assert!(team.run(&["plan"]).exits(0).stdout.contains("1 to update"));
    let again = team.run(&["adopt", &id, "--as", "key.production.build", "--yes"]).exits(5);
    assert!(again.stdout.contains("managed already"), "{}", again.stdout);
}

#[test]
fn one_key_is_declared_and_adopted_and_a_refusal_writes_nothing() {
    let (team, ingest, configuration) = two_keys();
    let before = written(&team);
    for (id, at, exit) in [
        (ingest.as_str(), "key.nowhere.shop", 3),
        ("hcxik_none", "key.production.shop", 3),
        (ingest.as_str(), "environment.production", 3),
    ] {
        team.run(&["adopt", id, "--as", at, "--write", "--yes"]).exits(exit);
        assert_eq!(written(&team), before);
    }
    // Nobody to ask, and nothing is written.
    team.run(&["adopt", &ingest, "--as", "key.production.shop", "--write"]).exits(64);
    assert_eq!(written(&team), before);
    team.run(&["adopt", &ingest, "--as", "key.production.shop", "--write", "--yes"]).exits(0);
    team.run(&["adopt", &configuration, "--as", "key.production.ci", "--write=keys/ci.toml", "--yes"])
        .exits(0);
    let now = written(&team);
    assert!(
        now["keycomb.toml"]
            .ends_with("type = \"ingest\"\nname = \"checkout\"\npermissions = [\"create_datasets\"]\n")
    );
    assert!(
        now["keys/ci.toml"].contains("[key.ci]")
            && now["keycomb.toml"].contains("include = [\"keys/*.toml\"]")
    );
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
    team.run(&["adopt", &ingest, "--as", "key.production.shop", "--write", "--yes"]).exits(3);
}

#[test]
fn a_given_secret_is_proven_sealed_and_nowhere_in_clear() {
    let (team, ingest, configuration) = two_keys();
    let truth = team.sandbox.truth();
    let (shop, ci) = (truth.key(&ingest).unwrap(), truth.key(&configuration).unwrap());
    let adopt = |id: &str, at: &str, text: &str| {
        with_stdin(&team, &["adopt", id, "--as", at, "--write", "--secret-stdin", "--yes"], text)
    };
    let before = written(&team);
    for (text, exit) in [("", 64), ("two words", 64), ("wrong", 4), (ci.credential.as_str(), 4)] {
        let ran = adopt(&ingest, "key.production.shop", text).exits(exit);
        assert!(text.len() < 8 || !ran.stderr.contains(text), "{}", ran.stderr);
        assert_eq!(written(&team), before);
    }
    let other = adopt(&configuration, "key.production.ci", &shop.credential).exits(4);
    assert!(other.stderr.contains("another key's: type"), "{}", other.stderr);
    assert_eq!(written(&team), before);
    // The header's value, or the bare secret that the web interface shows.
    let ran = adopt(&ingest, "key.production.shop", &format!("{}\n", shop.credential)).exits(0);
    assert!(ran.stdout.contains("sealed to `ops`"), "{}", ran.stdout);
    let ran = adopt(&configuration, "key.production.ci", &ci.credential).exits(0);
    assert!(ran.stderr.contains("no other key is"), "{}", ran.stderr);
    let identity = team.identity.to_str().unwrap();
    for key in [(shop, "key.production.shop"), (ci, "key.production.ci")] {
        let opened = team.run(&["secrets", "open", key.1, "-i", identity]).exits(0);
        assert_eq!(opened.stdout, format!("{}\n", key.0.credential));
        assert!(written(&team).values().all(|text| !text.contains(&key.0.secret)));
    }
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
    // What is disabled cannot prove anything.
    let off = team.sandbox.by_hand(ByHand::CreateKey {
        key_type: KeyType::Ingest,
        environment: shop.environment.clone(),
        name: "off".into(),
        disabled: true,
    });
    let off = off.unwrap();
    let credential = team.sandbox.truth().key(&off).unwrap().credential.clone();
    let ran = adopt(&off, "key.production.off", &credential).exits(4);
    assert!(ran.stderr.contains("the key is disabled"), "{}", ran.stderr);
}

#[test]
fn a_given_secret_is_sealed_to_nobody_who_has_yet_to_prove_themselves() {
    let (team, ingest, _) = two_keys();
    team.declare("[seal]\nmin_proven = 1\n[environment.production]\n");
    let credential = team.sandbox.truth().key(&ingest).unwrap().credential.clone();
    let arguments = ["adopt", &ingest, "--as", "key.production.shop", "--write", "--secret-stdin", "--yes"];
    let before = written(&team);
    let ran = with_stdin(&team, &arguments, &credential).exits(9);
    assert!(ran.stderr.contains("`min_proven` asks for 1"), "{}", ran.stderr);
    assert!(ran.stderr.contains("keycomb secrets prove -i IDENTITY"), "{}", ran.stderr);
    assert_eq!(written(&team), before);
    team.run(&["secrets", "prove", "-i", "identity.txt"]).exits(0);
    with_stdin(&team, &arguments, &credential).exits(0);
}

#[test]
fn a_renamed_key_keeps_its_secret_and_a_forgotten_one_is_left_alone() {
    let team = Team::new();
    let declare = |keys: &str| team.declare(&format!("[environment.production]\n{keys}"));
    let key = |label: &str, more: &str| {
        format!("[key.{label}]\nenvironment = \"production\"\ntype = \"ingest\"\nname = \"one\"\n{more}")
    };
    declare(&key("a", ""));
    team.run(&["apply", "--yes"]).exits(0);
    let identity = team.identity.to_str().unwrap();
    let secret = team.run(&["secrets", "open", "key.production.a", "-i", identity]).exits(0).stdout;
    team.sandbox.clear_requests();

    declare(&key("b", "moved_from = \"a\"\n"));
    let plan = team.run(&["plan", "--detailed-exitcode"]).exits(2);
    assert!(plan.stdout.contains("1 to move"), "{}", plan.stdout);
    team.run(&["apply", "--yes"]).exits(0);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
    let opened = team.run(&["secrets", "open", "key.production.b", "-i", identity]).exits(0);
    assert_eq!(opened.stdout, secret);
    assert!(opened.stderr.contains("sealed as `key.production.a`"), "{}", opened.stderr);

    declare(&key("c", ""));
    team.run(&["mv", "key.production.c", "key.production.b", "--yes"]).exits(5);
    team.run(&["mv", "key.production.b", "key.production.c", "--yes"]).exits(0);
    assert_eq!(team.run(&["secrets", "open", "key.production.c", "-i", identity]).exits(0).stdout, secret);

    team.run(&["forget", "key.production.c", "--yes"]).exits(5);
    declare("");
    let ran = team.run(&["forget", "key.production.c", "--yes", "--format", "json"]).exits(0);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["outcomes"][0]["verb"], "forget");
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
    team.run(&["secrets", "open", "key.production.c", "-i", identity]).exits(3);
    assert_eq!(writes(&team), Vec::<String>::new());
}

#[test]
fn a_key_that_only_reads_can_adopt_and_the_sandbox_can_be_adopted_too() {
    let team = Team::with(Options { keys: 3, environments: 1, ..Options::default() });
    let reads = team.sandbox.add_management_key(&["api-keys:read", "environments:read"], false);
    team.declare("");
    let mut command = team.command(&["adopt", "--all", "--write", "all", "--yes"]);
    command.env("HONEYCOMB_KEY_ID", &reads.id).env("HONEYCOMB_KEY_SECRET", &reads.secret);
    Ran::from(command.output().unwrap()).exits(0);
    team.run(&["adopt", "--all", "--write", "other", "--sandbox", "--yes"]).exits(0);
}

#[test]
fn a_key_that_is_managed_without_its_secret_gets_it_and_never_a_second_time() {
    let (team, ingest, configuration) = two_keys();
    for (id, at) in [(&ingest, "key.production.shop"), (&configuration, "key.production.ci")] {
        team.run(&["adopt", id, "--as", at, "--write", "--yes"]).exits(0);
    }
    // What the files want otherwise is not done by the way.
    let text = fs::read_to_string(team.path("keycomb.toml")).unwrap();
    fs::write(team.path("keycomb.toml"), text.replace("name = \"checkout\"", "name = \"renamed\"")).unwrap();
    let truth = team.sandbox.truth();
    let (shop, ci) = (truth.key(&ingest).unwrap(), truth.key(&configuration).unwrap());
    team.sandbox.clear_requests();
    let give = |id: &str, at: &str, text: &str| {
        with_stdin(&team, &["adopt", id, "--as", at, "--secret-stdin", "--yes", "-vv"], text)
    };
    let before = written(&team);
    // Another key's credential is sealed for nobody.
    for (text, exit) in [("wrong", 4), (ci.credential.as_str(), 4), ("", 64)] {
        give(&ingest, "key.production.shop", text).exits(exit);
        assert_eq!(written(&team), before);
    }
    give(&ingest, "key.production.ci", &shop.credential).exits(5);
    assert_eq!(written(&team), before);
    let ran = give(&ingest, "key.production.shop", &shop.credential).exits(0);
    assert!(ran.stdout.contains("sealed to `ops`, and nothing is sent"), "{}", ran.stdout);
    assert!(ran.stdout.contains("1 to adopt") && !ran.stdout.contains("renamed"), "{}", ran.stdout);
    let other = give(&configuration, "key.production.ci", &ci.credential).exits(0);
    assert_eq!(writes(&team), Vec::<String>::new());
    // Their addresses, generations and ids are those of the entries: they open.
    let identity = team.identity.to_str().unwrap();
    for (key, at) in [(shop, "key.production.shop"), (ci, "key.production.ci")] {
        let opened = team.run(&["secrets", "open", at, "-i", identity]).exits(0);
        assert_eq!(opened.stdout, format!("{}\n", key.credential));
        let said = [&ran, &other].map(|ran| format!("{}{}", ran.stdout, ran.stderr));
        let all = written(&team);
        for text in all.values().chain(&said) {
            assert!(!text.contains(&key.secret), "a secret is in clear");
        }
        let runs = files(&team.path(".keycomb"));
        assert!(runs.len() >= 2, "the accounts of the runs were not searched");
        for path in runs {
            assert!(!fs::read_to_string(path).unwrap().contains(&key.secret));
        }
    }
    team.run(&["secrets", "verify", "-i", identity]).exits(0);
    assert!(team.run(&["plan"]).exits(0).stdout.contains("1 to update"));
    // Not a second time, whatever is given.
    let sealed = written(&team);
    let again = give(&ingest, "key.production.shop", &shop.credential).exits(5);
    assert!(again.stdout.contains("a sealed secret is never replaced"), "{}", again.stdout);
    assert_eq!(written(&team), sealed);
}

#[test]
fn what_is_left_out_is_in_the_document_too() {
    let (team, _, configuration) = two_keys();
    let home = team.sandbox.truth().environments[0].id.clone();
    let twin = make_key(&team, &home, "configuration", "ci", serde_json::json!({}));
    team.sandbox.add_classic_environment();
    let ran = team.run(&["adopt", "--all", "--write", "all", "--yes", "--format", "json"]).exits(0);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let skipped = report["skipped"].as_array().unwrap();
    let classic = skipped.iter().find(|one| one["kind"] == "environment").unwrap();
    assert!(classic["why"].as_str().unwrap().contains("Classic"), "{skipped:?}");
    let second = skipped.iter().find(|one| one["kind"] == "configuration").unwrap();
    let left = second["id"].as_str().unwrap();
    assert!(left == twin || left == configuration, "{skipped:?}");
    assert_eq!(second["name"], "ci");
    assert_eq!(skipped.len(), 2);
    // The same that people read.
    for one in skipped {
        assert!(ran.stderr.contains(one["id"].as_str().unwrap()), "{}", ran.stderr);
    }
    let again = team.run(&["adopt", "--all", "--write", "all", "--yes", "--format", "json"]).exits(0);
    let report: serde_json::Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(report["skipped"].as_array().unwrap().len(), 2);
    assert_eq!(report["outcomes"], serde_json::json!([]));
}

#[test]
fn no_refusal_points_into_a_file_that_was_not_written() {
    let (team, ingest, _) = two_keys();
    team.run(&["adopt", &ingest, "--as", "key.production.shop", "--write", "--yes"]).exits(0);
    // A second environment, whose key is adopted at an address of the first one.
    let other = make_environment(&team, "staging", serde_json::json!({}));
    let key = make_key(&team, &other, "ingest", "web", serde_json::json!({}));
    let ran = team.run(&["adopt", &key, "--as", "key.production.web", "--write=new.toml", "--yes"]).exits(5);
    assert!(!team.path("new.toml").exists());
    assert!(!ran.stdout.contains("new.toml:") && !ran.stderr.contains("new.toml:"), "{ran:?}");
    assert!(ran.stdout.contains("is in the environment `staging`"), "{}", ran.stdout);
}
