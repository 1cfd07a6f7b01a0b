//! For holders of an identity: credentials used once, run with, sealed anew, recipients proven.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::Command;

use crate::team::{Ran, SAMPLE, Team, keycomb};

/// A second identity: (its file, its public half).
fn second(team: &Team, name: &str) -> (String, String) {
    let (public, text) = keycomb::seal::generate_identity("2026-01-02T00:00:00Z".parse().unwrap()).unwrap();
    let path = team.path(name);
    keycomb::seal::write_new_private(&path, &text).unwrap();
    (path.to_str().unwrap().to_owned(), public.to_string())
}

fn sealed_path(team: &Team) -> PathBuf {
    team.path("keycomb.sealed.toml")
}

fn sealed_text(team: &Team) -> String {
    fs::read_to_string(sealed_path(team)).unwrap()
}

/// Edits the sealed file as somebody with an editor could.
fn edit(team: &Team, change: impl FnOnce(String) -> String) {
    fs::write(sealed_path(team), change(sealed_text(team))).unwrap();
}

/// `secrets …` as its holder: without a management key.
fn holder(team: &Team, arguments: &[&str]) -> Ran {
    bare(team, arguments).output().unwrap().into()
}

fn bare(team: &Team, arguments: &[&str]) -> Command {
    let mut command = keycomb();
    command.current_dir(team.folder.path()).arg("secrets").args(arguments);
    command
}

fn json(ran: &Ran) -> serde_json::Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}\n{}{}", ran.stdout, ran.stderr))
}

/// Address to result of `secrets verify`.
fn results(ran: &Ran) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let document = json(ran);
    let keys = document["keys"].as_array().unwrap();
    keys.iter().map(|key| (text(&key["address"]), text(&key["result"]))).collect()
}

fn result_of(ran: &Ran, address: &str) -> String {
    results(ran).into_iter().find(|(known, _)| known == address).unwrap().1
}

fn sampled() -> Team {
    let team = Team::new();
    team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    team
}

const VERIFY: &[&str] = &["verify", "-i", "identity.txt", "--format", "json"];

#[test]
fn verify_uses_each_credential_once_and_needs_no_management_key() {
    let team = sampled();
    let before = team.sandbox.requests().len();
    let ran = holder(&team, VERIFY).exits(0);
    assert_eq!(results(&ran).len(), 3);
    assert!(results(&ran).iter().all(|(_, result)| result == "works"), "{ran:?}");
    let requests = team.sandbox.requests();
    let made: Vec<_> = requests.iter().skip(before).map(|r| format!("{} {}", r.method, r.path)).collect();
    assert_eq!(made, ["GET /1/auth"; 3]);
    let ran = holder(&team, &["verify", "key.staging.ci", "-i", "identity.txt"]).exits(0);
    assert!(ran.stdout.contains("key.staging.ci") && ran.stdout.contains("1 as they should be"), "{ran:?}");
    assert!(!ran.stdout.contains("key.production.checkout"));
}

#[test]
fn verify_tells_the_ways_of_being_wrong_apart() {
    let team = sampled();
    let (disabled, changed) = ("key.production.checkout", "key.staging.ci");
    let truth = team.sandbox.truth();
    let id = |environment: &str, name: &str| {
        let of = truth.environments.iter().find(|e| e.name == environment).unwrap();
        truth.keys.iter().find(|k| k.environment == of.id && k.name == name).unwrap().id.clone()
    };
    team.set_disabled(&id("Production", "checkout"), true);
    let ci = id("staging", "ci");
    let body = format!(
        r#"{{"data":{{"id":"{ci}","type":"api-keys","attributes":{{"permissions":{{"manage_slos":true,"run_queries":false}}}}}}}}"#
    );
    assert_eq!(team.by_hand("PATCH", &format!("/2/teams/acme/api-keys/{ci}"), Some(&body)).0, 200);
    let ran = holder(&team, VERIFY).exits(2);
    assert_eq!(result_of(&ran, disabled), "refused");
    assert_eq!(result_of(&ran, changed), "differs");
    assert_eq!(result_of(&ran, "key.staging.checkout"), "works");
    assert!(ran.stdout.contains("may, and should not: manage_slos"), "{}", ran.stdout);
    assert!(ran.stdout.contains("may not, and should: run_queries"), "{}", ran.stdout);
    // The record says another environment than the key is of.
    edit(&team, |text| text.replacen("name = \"staging\"", "name = \"elsewhere\"", 1));
    assert_eq!(result_of(&holder(&team, VERIFY).exits(2), "key.staging.checkout"), "other_key");
    // Somebody exchanged two entries' secrets.
    edit(&team, |text| text.replacen("generation = 1", "generation = 7", 1));
    assert_eq!(result_of(&holder(&team, VERIFY).exits(2), disabled), "broken");
}

#[test]
fn verify_wants_a_key_that_is_off_refused_and_says_when_it_works() {
    let team = sampled();
    let off = SAMPLE.replace("type = \"configuration\"", "type = \"configuration\"\nenabled = false");
    team.declare(&off).run(&["apply", "--yes"]).exits(0);
    assert_eq!(result_of(&holder(&team, VERIFY).exits(0), "key.staging.ci"), "off");
    team.set_disabled(&team.key_id("ci"), false);
    assert_eq!(result_of(&holder(&team, VERIFY).exits(2), "key.staging.ci"), "accepted");
}

#[test]
fn verify_says_when_a_revoked_key_works() {
    let team = sampled();
    // The run that was to delete it did not come to its end.
    edit(&team, |text| {
        let (before, after) = text.split_once("type = \"configuration\"").unwrap();
        let revoked = "revoked = { how = \"delete\", at = \"2026-01-01T00:00:00Z\", reason = \"x\" }";
        format!("{before}type = \"configuration\"\n{revoked}{after}")
    });
    assert_eq!(result_of(&holder(&team, VERIFY).exits(2), "key.staging.ci"), "accepted");
    team.set_disabled(&team.key_id("ci"), true);
    assert_eq!(result_of(&holder(&team, VERIFY).exits(0), "key.staging.ci"), "off");
}

#[test]
fn verify_says_what_it_could_not_open_and_fails_when_that_was_asked_for() {
    let team = Team::new();
    let (_, other) = second(&team, "second.txt");
    let declared = format!("second = \"{other}\"\n[seal.environment]\nproduction = [\"second\"]\n{SAMPLE}");
    team.declare(&declared).run(&["apply", "--yes"]).exits(0);
    let ran = holder(&team, VERIFY).exits(0);
    assert_eq!(result_of(&ran, "key.production.checkout"), "closed");
    holder(&team, &["verify", "key.production.checkout", "-i", "identity.txt"]).exits(2);
    let (stranger, _) = second(&team, "stranger.txt");
    holder(&team, &["verify", "-i", &stranger]).exits(3);
    holder(&team, &["verify", "key.production.chekout", "-i", "identity.txt"]).exits(3);
}

#[test]
fn verify_says_when_the_service_is_not_there() {
    let Team { folder, sandbox, .. } = sampled();
    let before = sandbox.requests().len();
    assert!(before > 0);
    tokio::runtime::Runtime::new().unwrap().block_on(sandbox.stop());
    let ran: Ran = keycomb().current_dir(folder.path()).arg("secrets").args(VERIFY).output().unwrap().into();
    let ran = ran.exits(1);
    assert!(results(&ran).iter().all(|(_, result)| result == "unreachable"), "{ran:?}");
    assert_eq!(ran.stdout.matches("not asked").count(), 2, "each was waited for: {ran:?}");
}

#[test]
fn verify_sends_no_credential_to_another_service_than_it_was_sealed_for() {
    let team = sampled();
    let before = team.sandbox.requests().len();
    let endpoint = team.sandbox.endpoint().to_owned();
    for name in ["keycomb.toml", "keycomb.sealed.toml"] {
        let text = fs::read_to_string(team.path(name)).unwrap();
        fs::write(team.path(name), text.replace(&endpoint, "http://127.0.0.1:9")).unwrap();
    }
    let ran = holder(&team, VERIFY).exits(2);
    assert!(results(&ran).iter().all(|(_, result)| result == "broken"), "{ran:?}");
    assert_eq!(team.sandbox.requests().len(), before);
}

#[test]
fn verify_in_the_sandbox_works_without_anything_else() {
    let team = Team::new();
    team.declare(SAMPLE);
    team.run(&["apply", "--sandbox", "--yes"]).exits(0);
    let ran = holder(&team, &["verify", "--sandbox", "-i", "identity.txt", "--format", "json"]).exits(0);
    assert!(results(&ran).iter().all(|(_, result)| result == "works"), "{ran:?}");
}

#[test]
fn exec_gives_the_credential_to_the_command_and_its_exit_code_back() {
    let team = sampled();
    let credential = holder(&team, &["open", "key.staging.ci", "-i", "identity.txt"]).exits(0).stdout;
    let exec = ["exec", "key.staging.ci", "-i", "identity.txt", "--", "sh", "-c"];
    let run =
        |script: &str| -> Ran { bare(&team, &exec).arg(script).env("MARK", "kept").output().unwrap().into() };
    let ran =
        run("echo $HONEYCOMB_API_KEY; test \"$MARK\" = kept && test -z \"$HONEYCOMB_KEY_SECRET\" && exit 42");
    assert_eq!(ran.exits(42).stdout, credential);
    let status = bare(&team, &exec).arg("kill -TERM $$").status().unwrap();
    assert_eq!(status.signal(), Some(15));
}

/// As a shell's are, so that a script tells them from what the command ends with.
#[test]
fn exec_of_what_is_not_there_is_127_and_of_what_cannot_be_executed_126() {
    let team = sampled();
    fs::write(team.path("text"), "no program").unwrap();
    fs::write(team.path("script"), "#!/no/such/interpreter\n").unwrap();
    fs::set_permissions(team.path("script"), fs::Permissions::from_mode(0o755)).unwrap();
    for (command, exit) in
        [("no-such-command", 127), ("./no/such/command", 127), ("./text", 126), ("./script", 126), ("/", 126)]
    {
        let ran = holder(&team, &["exec", "key.staging.ci", "-i", "identity.txt", "--", command]).exits(exit);
        assert!(ran.stderr.contains(&format!("cannot start `{command}`")), "{}", ran.stderr);
    }
}

#[test]
fn exec_gives_no_credential_to_what_the_loader_or_a_shell_obeys() {
    let team = sampled();
    for name in ["PATH", "LD_PRELOAD", "DYLD_INSERT_LIBRARIES", "IFS", "ENV", "BASH_ENV", "HOME", "PS4"] {
        let variable = format!("{name}=key.staging.ci");
        let ran =
            holder(&team, &["exec", &variable, "-i", "identity.txt", "--", "echo", "started"]).exits(64);
        assert!(ran.stdout.is_empty() && ran.stderr.contains("another name"), "{name}: {ran:?}");
    }
    // What only looks like one is the user's own.
    for name in ["MY_PATH", "ENVIRONMENT", "SHELL_KEY"] {
        let variable = format!("{name}=key.staging.ci");
        holder(&team, &["exec", &variable, "-i", "identity.txt", "--", "true"]).exits(0);
    }
}

#[test]
fn exec_takes_several_keys_each_with_a_variable_of_its_own() {
    let team = sampled();
    let addresses = ["WRITE=key.production.checkout", "READ=key.staging.ci"];
    let tail = ["-i", "identity.txt", "--", "sh", "-c", "echo $WRITE; echo $READ; echo .$HONEYCOMB_API_KEY"];
    let ran = holder(&team, &[&["exec"], &addresses[..], &tail[..]].concat()).exits(0);
    let opened = |address: &str| holder(&team, &["open", address, "-i", "identity.txt"]).exits(0).stdout;
    let expected = opened("key.production.checkout") + &opened("key.staging.ci") + ".\n";
    assert_eq!(ran.stdout, expected);
    let unnamed = ["exec", "key.production.checkout", "key.staging.ci", "-i", "identity.txt", "--", "true"];
    holder(&team, &unnamed).exits(64);
    holder(&team, &["exec", "1A=key.staging.ci", "-i", "identity.txt", "--", "true"]).exits(64);
}

#[test]
fn rekey_seals_to_who_came_and_away_from_who_left() {
    let team = sampled();
    let (second, public) = second(&team, "second.txt");
    let open = |identity: &str| holder(&team, &["open", "key.staging.ci", "-i", identity]);
    let credential = open("identity.txt").exits(0).stdout;
    open(&second).exits(3);
    team.declare(&format!("second = \"{public}\"\n{SAMPLE}"));
    let ran = holder(&team, &["rekey", "-i", "identity.txt"]).exits(0);
    assert!(ran.stdout.contains("key.staging.ci +second") && ran.stdout.contains("3 sealed anew"), "{ran:?}");
    assert_eq!(open(&second).exits(0).stdout, credential);
    assert_eq!(open("identity.txt").exits(0).stdout, credential);
    let before = sealed_text(&team);
    let again = holder(&team, &["rekey", "-i", &second, "--format", "json"]).exits(0);
    assert_eq!(json(&again)["unchanged"], 3);
    assert_eq!(sealed_text(&team), before, "rekeying again changed the file");
    assert!(team.run(&["plan", "--detailed-exitcode"]).exits(0).stdout.contains("No changes"));

    // `ops` leaves: whoever stays seals anew, and the list remembers who could open it.
    let text = fs::read_to_string(team.path("keycomb.toml")).unwrap();
    let left: String = text.lines().filter(|l| !l.starts_with("ops")).map(|l| format!("{l}\n")).collect();
    fs::write(team.path("keycomb.toml"), left).unwrap();
    let list = holder(&team, &["list"]).exits(0).stdout;
    assert!(list.contains("keycomb secrets rekey") && list.contains("keycomb rotate"), "{list}");
    holder(&team, &["rekey", "-i", &second]).exits(0);
    open("identity.txt").exits(3);
    assert_eq!(open(&second).exits(0).stdout, credential);
    let list = holder(&team, &["list", "--format", "json"]).exits(0);
    for secret in json(&list)["secrets"].as_array().unwrap() {
        assert_eq!(secret["formerly"], serde_json::json!(["ops"]));
        assert_eq!(secret["still_opened_by"], serde_json::json!([]));
    }
    let list = holder(&team, &["list"]).exits(0).stdout;
    assert!(list.contains("ops (older versions of the file)") && !list.contains("secrets rekey"), "{list}");
}

/// The usual case: somebody made themselves a new identity.
#[test]
fn a_recipient_of_the_same_name_with_another_key_is_told_apart() {
    let team = sampled();
    // Two generations, so that one address has two entries.
    team.run(&["rotate", "key.staging.ci", "--yes"]).exits(0);
    let (second, public) = second(&team, "second.txt");
    let text = fs::read_to_string(team.path("keycomb.toml")).unwrap();
    let old = text.lines().find(|line| line.starts_with("ops")).unwrap();
    let mark = |line: &str| {
        let key = line.split('"').nth(1).unwrap().parse::<keycomb::model::Recipient>().unwrap();
        key.fingerprint()[..8].to_owned()
    };
    let new = format!("ops = \"{public}\"");
    let (before, after) = (mark(old), mark(&new));
    fs::write(team.path("keycomb.toml"), text.replace(old, &format!("{new}\nold = {}", &old[6..]))).unwrap();
    let plan = team.run(&["plan"]).exits(0).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(plan.contains(&format!("`ops ({after})` cannot")), "{plan}");
    fs::write(team.path("keycomb.toml"), text.replace(old, &new)).unwrap();
    let list = holder(&team, &["list"]).exits(0).stdout;
    assert!(list.contains(&format!("key.staging.ci generation 1: ops ({before})")), "{list}");
    let proposed: Vec<&str> = list.split("keycomb rotate ").nth(1).unwrap().split_whitespace().collect();
    assert_eq!(proposed.iter().filter(|word| **word == "key.staging.ci").count(), 1, "{list}");
    let ran = holder(&team, &["rekey", "-i", "identity.txt"]).exits(0);
    assert!(ran.stdout.contains(&format!("+ops ({after}) -ops ({before})")), "{}", ran.stdout);
    assert!(ran.stdout.contains(&format!("`ops ({before})` could open them")), "{}", ran.stdout);
    let list = holder(&team, &["list"]).exits(0).stdout;
    assert!(list.contains(&format!("ops ({before}) (older versions of the file)")), "{list}");
    holder(&team, &["open", "key.staging.ci", "-i", &second]).exits(0);
}

#[test]
fn rekey_writes_all_or_nothing_and_names_what_it_could_not_open() {
    let team = Team::new();
    let (second, public) = second(&team, "second.txt");
    let declared = format!("second = \"{public}\"\n[seal.environment]\nproduction = [\"second\"]\n{SAMPLE}");
    team.declare(&declared).run(&["apply", "--yes"]).exits(0);
    // Now all are to be sealed to both.
    team.declare(&format!("second = \"{public}\"\n{SAMPLE}"));
    let before = sealed_text(&team);
    let ran = holder(&team, &["rekey", "-i", "identity.txt"]).exits(3);
    assert!(ran.stderr.contains("key.production.checkout") && !ran.stderr.contains("key.staging"), "{ran:?}");
    assert_eq!(sealed_text(&team), before);
    holder(&team, &["rekey", "-i", "identity.txt", "--env", "staging"]).exits(0);
    holder(&team, &["rekey", "key.production.checkout", "-i", &second]).exits(0);
    holder(&team, &["open", "key.production.checkout", "-i", "identity.txt"]).exits(0);
}

#[test]
fn rekey_seals_to_nobody_who_has_yet_to_prove_themselves() {
    let team = sampled();
    let (second, public) = second(&team, "second.txt");
    holder(&team, &["prove", "-i", "identity.txt"]).exits(0);
    team.declare(&format!("second = \"{public}\"\n[seal]\nmin_proven = 2\n{SAMPLE}"));
    let plan = team.run(&["plan"]).exits(0).stdout;
    assert!(plan.contains("keycomb secrets prove -i IDENTITY"), "{plan}");
    let before = sealed_text(&team);
    let ran = holder(&team, &["rekey", "-i", "identity.txt"]).exits(9);
    assert!(ran.stderr.contains("`min_proven` asks for 2"), "{ran:?}");
    assert!(ran.stderr.contains("keycomb secrets prove -i IDENTITY"), "{ran:?}");
    assert_eq!(sealed_text(&team), before);
    holder(&team, &["prove", "-i", &second]).exits(0);
    assert!(!team.run(&["plan"]).exits(0).stdout.contains("prove"));
    holder(&team, &["rekey", "-i", "identity.txt"]).exits(0);
    holder(&team, &["open", "key.staging.ci", "-i", &second]).exits(0);
}

#[test]
fn rekey_leaves_a_staged_entry_as_its_release_needs_it() {
    let team = Team::new();
    team.declare("[environment.production]\n").run(&["apply", "--yes"]).exits(0);
    let key = "[environment.production]\n[key.web]\nenvironment = \"production\"\ntype = \"ingest\"\n";
    team.declare(key).run(&["apply", "--stage", "--yes"]).exits(0);
    let (_, public) = second(&team, "second.txt");
    team.declare(&format!("second = \"{public}\"\n{key}"));
    let before = sealed_text(&team);
    let ran = holder(&team, &["rekey", "-i", "identity.txt"]).exits(0);
    assert!(ran.stdout.contains("left alone   key.production.web"), "{ran:?}");
    assert_eq!(sealed_text(&team), before);
    team.run(&["apply", "--yes"]).exits(0);
    assert_eq!(
        holder(&team, &["rekey", "-i", "identity.txt"]).exits(0).stdout.matches("sealed anew").count(),
        2
    );
    assert_eq!(result_of(&holder(&team, VERIFY).exits(0), "key.production.web"), "works");
}

#[test]
fn a_recipient_proves_itself_with_the_file_and_its_identity_alone() {
    let team = Team::new();
    let (second, public) = second(&team, "second.txt");
    team.declare(&format!("second = \"{public}\"\n[seal]\nmin_proven = 2\n{SAMPLE}"));
    // Nobody has proven anything: nothing is made.
    let ran = team.run(&["apply", "--yes"]).exits(5);
    assert!(ran.stdout.contains("unproven"), "{}", ran.stdout);
    assert!(team.sandbox.truth().keys.is_empty());
    let states = |ran: &Ran| -> Vec<String> {
        let document = json(ran);
        let all = document["recipients"].as_array().unwrap();
        all.iter()
            .map(|r| format!("{} {}", r["name"].as_str().unwrap(), r["state"].as_str().unwrap()))
            .collect()
    };
    let ran = holder(&team, &["prove", "--format", "json"]).exits(0);
    assert_eq!(states(&ran), ["ops waiting", "second waiting"]);
    let before = sealed_text(&team);
    holder(&team, &["prove"]).exits(0);
    assert_eq!(sealed_text(&team), before, "challenges are made once");
    let ran = holder(&team, &["prove", "-i", &second, "--format", "json"]).exits(0);
    assert_eq!(states(&ran), ["ops waiting", "second proven"]);
    let ran = team.run(&["plan"]).exits(5);
    assert!(ran.stdout.contains("sealed to 1 proven"), "{}", ran.stdout);
    holder(&team, &["prove", "-i", "identity.txt"]).exits(0);
    let ran = team.run(&["apply", "--yes"]).exits(0);
    assert!(!ran.stdout.contains("nobody has shown"), "{}", ran.stdout);
    let (stranger, _) = crate::holders::second(&team, "stranger.txt");
    holder(&team, &["prove", "-i", &stranger]).exits(3);
}

#[test]
fn an_answer_that_was_not_opened_proves_nothing() {
    let team = Team::new();
    team.declare(&format!("[seal]\nmin_proven = 1\n{SAMPLE}"));
    holder(&team, &["prove"]).exits(0);
    edit(&team, |text| format!("{text}answer = \"0123456789abcdef\"\nproven = \"2026-01-01T00:00:00Z\"\n"));
    team.run(&["apply", "--yes"]).exits(5);
    // Whoever then holds the identity gets a new challenge, and proves that.
    holder(&team, &["prove", "-i", "identity.txt"]).exits(0);
    team.run(&["apply", "--yes"]).exits(0);
}

#[test]
fn a_secret_in_a_challenges_place_does_not_come_out() {
    let team = sampled();
    holder(&team, &["prove"]).exits(0);
    let credential = holder(&team, &["open", "key.staging.ci", "-i", "identity.txt"]).exits(0).stdout;
    edit(&team, |text| {
        let blocks: Vec<&str> = text.split("'''").filter(|block| block.contains("BEGIN AGE")).collect();
        let (secret, challenge) = (blocks[0], blocks[blocks.len() - 1]);
        assert_ne!(secret, challenge);
        text.replace(challenge, secret)
    });
    holder(&team, &["prove", "-i", "identity.txt"]).exits(3);
    assert!(!sealed_text(&team).contains("answer"));
    assert!(!sealed_text(&team).contains(credential.trim()));
}
