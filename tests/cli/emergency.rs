//! What only a successor needs does not hold a revocation up.

use std::fs;
use std::process::{Command, Stdio};

use crate::git::git;
use crate::leaked::{is_gone, leak, truth};
use crate::team::{Ran, Team};

const KEYS: &str = r#"
[environment.production]
name = "Production"
[key.checkout]
environment = "production"
type = "ingest"
permissions = ["create_datasets"]
owner = "team-checkout"
purpose = "spans of the shop"
consumers = ["collector-eu", "collector-us"]
[key.ci]
environment = "production"
type = "configuration"
permissions = ["manage_markers"]
"#;
const AT: &str = "key.production.checkout";
const CONFIG: &str = "keycomb.toml";
const SEALED: &str = "keycomb.sealed.toml";

fn applied() -> Team {
    let team = Team::new();
    team.declare(KEYS).run(&["apply", "--yes"]).exits(0);
    team.sandbox.clear_requests();
    team
}

fn revoke_at(team: &Team, address: &str) -> Ran {
    team.run(&["revoke", address, "--reason", "it is in a build log", "--yes"])
}

fn text(team: &Team, name: &str) -> String {
    fs::read_to_string(team.path(name)).unwrap()
}

fn writes(team: &Team) -> Vec<String> {
    let requests = team.sandbox.requests();
    let writes = requests.iter().filter(|request| request.method != "GET");
    writes.map(|r| format!("{} {}", r.method, r.path.rsplit('/').next().unwrap())).collect()
}

fn says(ran: &Ran, all: &[&str]) {
    // As it is wrapped is not what matters.
    let said: String =
        ran.stderr.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    for one in all {
        assert!(said.contains(one), "{one}: {}", ran.stderr);
    }
}

/// Once more, when it is mended: the successor is made, and all is as declared.
fn finishes(team: &Team, old: &str) {
    revoke_at(team, AT).exits(0);
    assert_ne!(team.key_id("checkout"), old);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn a_configuration_that_is_wrong_elsewhere_holds_up_only_the_successor() {
    let recipient = |text: &str| {
        let (before, rest) = text.split_once("ops = \"").unwrap();
        format!("{before}ops = \"age1broken{}", &rest[rest.find('"').unwrap()..])
    };
    let endpoint = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("endpoint")).unwrap().to_owned();
        text.replace(&line, "region = \"moon\"")
    };
    type Break<'a> = &'a dyn Fn(&str) -> String;
    let breaks: [(&str, Break<'_>, &str); 8] = [
        ("a recipient that is none", &recipient, "recipient"),
        ("an unknown key", &|text| format!("{text}colour = \"red\"\n"), "unknown key `colour`"),
        ("a name twice", &|text| format!("{text}[key.ci]\ntype = \"ingest\"\n"), "given twice"),
        (
            "the same key at the service twice",
            &|t| {
                format!(
                    "{t}{}",
                    KEYS.split_once("[key.ci]").unwrap().1.replacen("\n", "\n[key.also]\nname = \"ci\"\n", 1)
                )
            },
            "ci",
        ),
        ("an unresolved merge", &|text| format!("<<<<<<< ours\n{text}"), "not TOML"),
        ("a region that is none", &endpoint, "moon"),
        ("a newer format", &|text| text.replace("version = 1", "version = 2"), "newer keycomb"),
        ("nothing in it", &|_| String::new(), "empty"),
    ];
    for (what, broken, problem) in breaks {
        let team = applied();
        let (old, whole) = (team.key_id("checkout"), text(&team, CONFIG));
        fs::write(team.path(CONFIG), broken(&whole)).unwrap();
        let ran = revoke_at(&team, AT).exits(3);
        assert_eq!(writes(&team), [format!("DELETE {old}")], "{what}: {}", ran.stderr);
        assert!(
            ran.stdout.contains("Plan: 1 to delete") && ran.stdout.contains("1 key stops working"),
            "{}",
            ran.stdout
        );
        says(&ran, &[problem, "has no successor yet", "fix the file", "run the same command again"]);
        // Whom to tell, as far as the record knows.
        says(&ran, &["used in: `Production`, named `checkout`", "owner: team-checkout"]);
        assert!(text(&team, SEALED).contains("revoked.how = \"delete\""), "{what}");
        // Not mended yet: there is nothing more to delete, and the end is no other.
        revoke_at(&team, AT).exits(3);
        fs::write(team.path(CONFIG), whole).unwrap();
        finishes(&team, &old);
    }
}

#[test]
fn a_configuration_that_is_gone_leaves_the_sealed_file_to_say_where() {
    let team = applied();
    let (old, whole) = (team.key_id("checkout"), text(&team, CONFIG));
    fs::remove_file(team.path(CONFIG)).unwrap();
    let ran = revoke_at(&team, AT).exits(3);
    assert!(is_gone(&team, &old), "{}", ran.stderr);
    fs::write(team.path(CONFIG), whole).unwrap();
    finishes(&team, &old);
}

#[test]
fn where_neither_file_tells_the_team_and_the_service_nothing_is_asked_of_anybody() {
    let team = applied();
    let whole = text(&team, CONFIG);
    fs::rename(team.path(SEALED), team.path("elsewhere.toml")).unwrap();
    for broken in [format!("<<<<<<< ours\n{whole}"), String::new()] {
        fs::write(team.path(CONFIG), broken).unwrap();
        revoke_at(&team, AT).exits(3);
        assert_eq!(team.sandbox.requests().len(), 0);
    }
    // Where the file does say, and it is another team's record, that is refused as ever.
    fs::rename(team.path("elsewhere.toml"), team.path(SEALED)).unwrap();
    fs::write(team.path(CONFIG), format!("{}colour = 1\n", whole.replace("\"acme\"", "\"other\""))).unwrap();
    revoke_at(&team, AT).exits(4);
    assert_eq!(writes(&team), [""; 0]);
}

#[test]
fn a_list_that_cannot_be_read_holds_up_only_the_successor() {
    for fault in ["no-links:GET:api-keys", "no-links:GET:environments"] {
        let team = applied();
        let old = team.key_id("checkout");
        team.sandbox.add_fault(fault.parse().unwrap());
        let ran = revoke_at(&team, AT).exits(7);
        assert_eq!(writes(&team), [format!("DELETE {old}")], "{fault}: {}", ran.stderr);
        says(
            &ran,
            &["stops working at once", "no successor in this run", "has no successor yet", "collector-eu"],
        );
        team.sandbox.clear_faults();
        // The record says that it is revoked: an apply finishes it.
        team.run(&["apply", "--yes"]).exits(0);
        assert_ne!(team.key_id("checkout"), old);
        team.run(&["plan", "--detailed-exitcode"]).exits(0);
    }
}

#[test]
fn a_credential_is_recognised_without_the_list_where_its_id_or_its_seal_tells() {
    let team = applied();
    let (checkout, ci) = (truth(&team, "checkout"), truth(&team, "ci"));
    team.sandbox.add_fault("no-links:GET:api-keys".parse().unwrap());
    leak(&team, &checkout.credential, &checkout.secret, &["--yes"]).exits(7);
    assert!(is_gone(&team, &checkout.id));
    // Which of several it is, only the whole list could tell.
    leak(&team, &ci.credential, &ci.secret, &["--yes"]).exits(7);
    assert!(!is_gone(&team, &ci.id));
    leak(&team, &ci.credential, &ci.secret, &["--yes", "-i", "identity.txt"]).exits(7);
    assert!(is_gone(&team, &ci.id));
}

/// A credential that may change keys and sees no environments: enough to delete one.
#[test]
fn the_scope_for_environments_is_the_successors_alone() {
    let team = applied();
    let old = team.key_id("checkout");
    let key = team.sandbox.add_management_key(&["api-keys:write"], false);
    let mut command = team.command(&["revoke", AT, "--reason", "x", "--yes"]);
    command.env("HONEYCOMB_KEY_ID", &key.id).env("HONEYCOMB_KEY_SECRET", &key.secret);
    let ran: Ran = command.output().unwrap().into();
    assert!(is_gone(&team, &old), "{}", ran.stderr);
    assert_eq!(ran.exit, 4, "{}", ran.stderr);
    finishes(&team, &old);
}

/// What is at the service is two generations; the sealed file is the one of before the second.
fn rolled_back(at: &str) -> (Team, String, String) {
    let team = applied();
    fs::write(team.path(".gitignore"), "identity.txt\n*.lock\n.keycomb\n").unwrap();
    let commit = |message: &str| {
        git(&team, &["add", "--all"]).exits(0);
        git(&team, &["commit", "--quiet", "--message", message]).exits(0);
    };
    git(&team, &["init", "--quiet"]).exits(0);
    commit("first");
    let name = at.rsplit('.').next().unwrap();
    let old = team.key_id(name);
    team.run(&["rotate", at, "--yes"]).exits(0);
    commit("second");
    git(&team, &["checkout", "--quiet", "HEAD~1", "--", SEALED]).exits(0);
    let truth = team.sandbox.truth();
    let new = truth.live_keys().find(|key| key.name == name && key.id != old).unwrap().id.clone();
    team.sandbox.clear_requests();
    (team, old, new)
}

#[test]
fn a_generation_that_only_gits_history_knows_is_named_with_its_commit() {
    let (team, old, new) = rolled_back(AT);
    let commit = git(&team, &["rev-parse", "--short=12", "HEAD"]).exits(0).stdout;
    let ran = revoke_at(&team, AT).exits(10);
    assert_eq!(
        writes(&team),
        [format!("DELETE {old}")],
        "what is known goes, and the rest stays: {}",
        ran.stderr
    );
    says(
        &ran,
        &[
            &format!("`{new}`, generation 2 of `{AT}`, WORKS"),
            commit.trim(),
            "secrets merge",
            "revoke --leaked -",
        ],
    );
    assert!(!is_gone(&team, &new));
    // As it says: the entry comes back, and the same command revokes that too.
    let newer = git(&team, &["show", &format!("{}:./{SEALED}", commit.trim())]).exits(0).stdout;
    fs::write(team.path("newer.toml"), newer).unwrap();
    team.run(&["secrets", "merge", "newer.toml", SEALED, "newer.toml"]).exits(0);
    team.run(&["revoke", AT, "--reason", "x", "--yes"]).exits(0);
    assert!(is_gone(&team, &new), "{}", text(&team, SEALED));
}

#[test]
fn a_leaked_credential_that_only_gits_history_knows_is_revoked() {
    let (team, old, new) = rolled_back(AT);
    let key = team.sandbox.truth().keys.into_iter().find(|key| key.id == new).unwrap();
    let ran = leak(&team, &key.credential, &key.secret, &["--yes"]).exits(0);
    says(&ran, &["rolled back", "generation 2"]);
    assert!(is_gone(&team, &new) && !is_gone(&team, &old));
    let kept = text(&team, SEALED);
    assert!(kept.contains(&new) && kept.contains("revoked.how"), "{kept}");
    // Whoever took it up gets another, and the first works on.
    let third =
        team.sandbox.truth().live_keys().filter(|key| key.name == "checkout" && !key.disabled).count();
    assert_eq!(third, 2);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}

/// Anybody can commit a file: only a version of this very record says whose a key is.
#[test]
fn another_files_history_revokes_nothing() {
    let (team, old, new) = rolled_back(AT);
    let lineage = |text: &str| text.lines().find(|line| line.starts_with("lineage")).unwrap().to_owned();
    let here = text(&team, SEALED);
    fs::write(team.path(SEALED), here.replace(&lineage(&here), "lineage = \"zzzzzzzzzzzzzzzz\"")).unwrap();
    let key = team.sandbox.truth().keys.into_iter().find(|key| key.id == new).unwrap();
    let ran = leak(&team, &key.credential, &key.secret, &["--yes"]).exits(10);
    says(&ran, &["keycomb does not manage it"]);
    assert!(!is_gone(&team, &new) && !is_gone(&team, &old));
}

/// Its credential does not say which key it is, and any branch can hold a version that says so.
#[test]
fn a_leaked_configuration_key_that_only_gits_history_knows_is_told_with_its_commit() {
    let (team, old, new) = rolled_back("key.production.ci");
    let commit = git(&team, &["rev-parse", "--short=12", "HEAD"]).exits(0).stdout;
    let key = team.sandbox.truth().keys.into_iter().find(|key| key.id == new).unwrap();
    let ran = leak(&team, &key.credential, &key.secret, &["--yes", "-i", "identity.txt"]).exits(10);
    says(&ran, &[&new, "generation 2 of `key.production.ci`, WORKS", commit.trim(), "secrets merge"]);
    assert!(!is_gone(&team, &new) && !is_gone(&team, &old));
}

#[test]
fn a_leaked_successor_within_the_overlap_gets_another_beside_the_older_one() {
    let team = applied();
    let old = team.key_id("checkout");
    team.run(&["rotate", AT, "--yes"]).exits(0);
    let leaked =
        team.sandbox.truth().live_keys().find(|k| k.name == "checkout" && k.id != old).unwrap().clone();
    team.sandbox.clear_requests();
    let ran = leak(&team, &leaked.credential, &leaked.secret, &["--yes"]).exits(0);
    says(&ran, &["generation 3, is made right after it", "collector-eu"]);
    let working: Vec<String> = {
        let truth = team.sandbox.truth();
        truth.live_keys().filter(|k| k.name == "checkout" && !k.disabled).map(|k| k.id.clone()).collect()
    };
    assert!(working.contains(&old) && !working.contains(&leaked.id) && working.len() == 2, "{working:?}");
    let third = working.iter().find(|id| **id != old).unwrap();
    assert_eq!(writes(&team)[0], format!("DELETE {}", leaked.id));
    let opened = team.run(&["secrets", "open", AT, "-i", "identity.txt"]).exits(0);
    assert!(opened.stdout.starts_with(third.as_str()), "it is the third that consumers take up");
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn what_was_renamed_in_the_files_is_revoked_before_the_renaming_is_applied() {
    let keys = [
        KEYS.replace("[key.checkout]", "[key.payments]\nmoved_from = \"checkout\""),
        KEYS.replace("[environment.production]", "[environment.prod]\nmoved_from = \"production\"")
            .replace("environment = \"production\"", "environment = \"prod\""),
    ];
    for (keys, at, name) in
        [(&keys[0], "key.production.payments", "payments"), (&keys[1], "key.prod.checkout", "checkout")]
    {
        let team = applied();
        let old = team.key_id("checkout");
        team.declare(keys);
        let ran = revoke_at(&team, at).exits(0);
        says(&ran, &[&format!("`{at}` is recorded as `{AT}`")]);
        assert_eq!(writes(&team)[0], format!("DELETE {old}"));
        assert_ne!(team.key_id(name), old);
        team.run(&["plan", "--detailed-exitcode"]).exits(0);
    }
}

#[test]
fn a_renaming_that_cannot_be_applied_holds_up_only_the_successor() {
    let team = applied();
    let old = team.key_id("checkout");
    // A key never becomes one of another type.
    let renamed = KEYS
        .replace("[key.checkout]", "[key.payments]\nmoved_from = \"checkout\"")
        .replace("\"ingest\"", "\"configuration\"")
        .replace("\"create_datasets\"", "\"manage_boards\"");
    team.declare(&renamed);
    let ran = revoke_at(&team, "key.production.payments").exits(5);
    assert_eq!(writes(&team), [format!("DELETE {old}")], "{}", ran.stderr);
    says(&ran, &["cannot become", "keycomb plan"]);
}

/// No file can grow beyond a few blocks: what is not written, and what is said of it, differs with their number.
#[test]
fn a_full_disk_saves_no_key_and_what_to_do_next_is_true() {
    let mut ends = vec![];
    for blocks in [1, 2, 4, 8, 12, 16, 64] {
        let team = applied();
        let old = team.key_id("checkout");
        let plain = team.command(&["revoke", AT, "--reason", "x", "--yes"]);
        let mut limited = Command::new("sh");
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        limited.args(["-c", &script]).arg(plain.get_program()).args(plain.get_args());
        limited.env_clear().stdin(Stdio::null()).current_dir(team.folder.path());
        limited.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let ran: Ran = limited.output().unwrap().into();
        let said = format!("{blocks} blocks: {}\n{}", ran.stdout, ran.stderr);
        assert_eq!(writes(&team)[0], format!("DELETE {old}"), "{said}");
        assert!(is_gone(&team, &old), "{said}");
        // What it says to do is what puts it right.
        let is_again = said.contains("run the same command again");
        ends.push((ran.exit, is_again));
        match ran.exit {
            0 => {}
            9 if is_again => {
                revoke_at(&team, AT).exits(0);
            }
            9 => {
                team.run(&["apply", "--yes"]).exits(0);
            }
            exit => panic!("{exit} {said}"),
        }
        assert_ne!(team.key_id("checkout"), old, "{said}");
        team.run(&["plan", "--detailed-exitcode"]).exits(0);
    }
    // An apply knows nothing of what could not be written down.
    assert!(ends.contains(&(9, true)), "{ends:?}");
}

#[test]
fn the_document_says_whom_to_tell() {
    let team = applied();
    let ran = team.run(&["revoke", AT, "--reason", "x", "--yes", "--format", "json"]).exits(0);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        document["users"],
        serde_json::json!({
            "address": AT,
            "environment": "Production",
            "name": "checkout",
            "owner": "team-checkout",
            "purpose": "spans of the shop",
            "consumers": ["collector-eu", "collector-us"],
        })
    );
    let ran = team.run(&["apply", "--yes", "--format", "json"]).exits(0);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["users"], serde_json::Value::Null, "only where something was revoked");
}
