//! The sealed file under git: branches, rebases and cherry-picks join it through the merge driver.

use std::fs;
use std::process::Command;

use crate::team::{Ran, Team};

/// git, without anybody's settings; it must be there.
pub fn git(team: &Team, arguments: &[&str]) -> Ran {
    let program = assert_cmd::cargo::cargo_bin!("keycomb");
    // The driver's line names `keycomb`, as a person's would.
    let path = std::env::join_paths(
        std::iter::once(program.parent().unwrap().to_owned())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    )
    .unwrap();
    let output = Command::new("git")
        .current_dir(team.folder.path())
        .env_clear()
        .env("PATH", path)
        .env("HOME", team.folder.path())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .args(["-c", "user.name=Sam", "-c", "user.email=sam@example.com", "-c", "init.defaultBranch=main"])
        .args(["-c", "commit.gpgSign=false"])
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("install git (apt-get install git): {error}"));
    output.into()
}

const FIRST: &str =
    "[environment.production]\n[key.first]\nenvironment = \"production\"\ntype = \"ingest\"\n";

fn key(name: &str) -> String {
    format!("[key.{name}]\nenvironment = \"production\"\ntype = \"ingest\"\n")
}

/// A repository with one key applied and committed, each key in a file of its own, and the driver set.
fn repository() -> Team {
    let team = Team::new();
    fs::create_dir(team.path("keys")).unwrap();
    fs::write(team.path("keys/first.toml"), FIRST).unwrap();
    team.declare("");
    let text = fs::read_to_string(team.path("keycomb.toml")).unwrap();
    fs::write(
        team.path("keycomb.toml"),
        text.replace("version = 1", "version = 1\ninclude = [\"keys/*.toml\"]"),
    )
    .unwrap();
    fs::write(team.path(".gitignore"), "identity.txt\n*.lock\n").unwrap();
    fs::write(team.path(".gitattributes"), "*.sealed.toml merge=keycomb\n").unwrap();
    git(&team, &["init", "--quiet"]).exits(0);
    git(&team, &["config", "merge.keycomb.driver", "keycomb secrets merge %O %A %B --path %P"]).exits(0);
    team.run(&["apply", "--yes"]).exits(0);
    commit(&team, "first");
    team
}

fn commit(team: &Team, message: &str) {
    git(team, &["add", "--all"]).exits(0);
    git(team, &["commit", "--quiet", "--message", message]).exits(0);
}

/// Applies these keys on a branch of that name, and commits.
fn branch(team: &Team, name: &str, keys: &[&str]) {
    git(team, &["checkout", "--quiet", "-B", name, "main"]).exits(0);
    for one in keys {
        fs::write(team.path(&format!("keys/{one}.toml")), key(one)).unwrap();
    }
    // What only another branch has is missing here: that is said, and the rest is done.
    let ran = team.run(&["apply", "--yes"]);
    assert!([0, 10].contains(&ran.exit), "{ran:?}");
    commit(team, name);
}

fn sealed(team: &Team) -> keycomb::model::Sealed {
    let text = fs::read_to_string(team.path("keycomb.sealed.toml")).unwrap();
    keycomb::seal::text::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Everything at the service is sealed, opens, and nothing is left to do.
fn assert_whole(team: &Team, keys: usize) {
    let ran = team.run(&["plan", "--detailed-exitcode"]).exits(0);
    assert!(ran.stdout.contains("No changes"), "{}", ran.stdout);
    assert_eq!(sealed(team).keys.len(), keys);
    let identity = team.identity.to_str().unwrap();
    let exported = team.run(&["secrets", "export", "--format", "json", "-i", identity]).exits(0).stdout;
    for key in team.sandbox.truth().live_keys() {
        assert!(exported.contains(&key.credential), "{} is lost", key.name);
    }
}

/// Two branches that each made a key; the service has both.
fn two_branches() -> Team {
    let team = repository();
    branch(&team, "one", &["alpha"]);
    // On the second branch the first one's key is unmanaged; it has a name of its own.
    branch(&team, "two", &["beta", "zeta"]);
    team
}

#[test]
fn a_merge_of_two_branches_has_the_keys_of_both() {
    let team = two_branches();
    git(&team, &["merge", "--no-edit", "one"]).exits(0);
    assert_whole(&team, 4);
    // And so has the file that a fresh clone checks out.
    assert_eq!(git(&team, &["status", "--porcelain"]).exits(0).stdout, "");
}

#[test]
fn a_rebase_has_the_keys_of_both() {
    let team = two_branches();
    git(&team, &["rebase", "--quiet", "one"]).exits(0);
    assert_whole(&team, 4);
}

#[test]
fn a_cherry_pick_has_the_keys_of_both() {
    let team = two_branches();
    git(&team, &["cherry-pick", "one"]).exits(0);
    assert_whole(&team, 4);
    // Once more, though it is there already.
    let again = git(&team, &["cherry-pick", "--allow-empty", "--keep-redundant-commits", "one"]);
    again.exits(0);
    assert_whole(&team, 4);
}

/// Renamed on one branch, rotated on the other: both generations are where the files say.
#[test]
fn a_merge_takes_what_one_branch_made_to_where_the_other_moved_the_key() {
    let team = repository();
    let renamed = FIRST.replace("[key.first]", "[key.second]\nname = \"first\"");
    git(&team, &["checkout", "--quiet", "-B", "one", "main"]).exits(0);
    fs::write(team.path("keys/first.toml"), renamed).unwrap();
    team.run(&["mv", "key.production.first", "key.production.second", "--yes"]).exits(0);
    commit(&team, "renamed");
    git(&team, &["checkout", "--quiet", "-B", "two", "main"]).exits(0);
    team.run(&["rotate", "key.production.first", "--yes"]).exits(0);
    commit(&team, "rotated");
    git(&team, &["merge", "--no-edit", "one"]).exits(0);
    let generations: Vec<_> =
        sealed(&team).keys.iter().map(|key| (key.address.to_string(), key.generation)).collect();
    let at = "key.production.second".to_owned();
    assert_eq!(generations, [(at.clone(), 1), (at, 2)]);
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
    let works: Vec<_> = team.sandbox.truth().live_keys().map(|key| !key.disabled).collect();
    assert_eq!(works, [true; 2]);
    let identity = team.identity.to_str().unwrap();
    let opened = team.run(&["secrets", "open", "key.production.second", "-i", identity]).exits(0);
    assert!(team.sandbox.truth().keys.iter().any(|key| key.credential == opened.stdout.trim()));
}

/// Forgotten on one branch, rotated on the other: nothing of it is stopped, nor its only secret lost, before a person has
/// looked.
#[test]
fn a_merge_keeps_what_one_branch_forgot_and_the_other_rotated_and_the_plan_asks() {
    let team = repository();
    git(&team, &["checkout", "--quiet", "-B", "one", "main"]).exits(0);
    fs::write(team.path("keys/first.toml"), "[environment.production]\n").unwrap();
    team.run(&["forget", "key.production.first", "--yes"]).exits(0);
    commit(&team, "forgotten");
    git(&team, &["checkout", "--quiet", "-B", "two", "main"]).exits(0);
    team.run(&["rotate", "key.production.first", "--yes"]).exits(0);
    commit(&team, "rotated");
    git(&team, &["merge", "--no-edit", "one"]).exits(0);
    assert_eq!(sealed(&team).keys.len(), 2);
    let before = writes(&team);
    let ran = team.run(&["apply", "--yes"]).exits(5);
    let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("`keycomb forget key.production.first`"), "{said}");
    assert_eq!(writes(&team), before);
    // Declared again, it is managed with both; forgotten once more, it is nobody's.
    fs::write(team.path("keys/first.toml"), FIRST).unwrap();
    team.run(&["plan", "--detailed-exitcode"]).exits(0);
    fs::write(team.path("keys/first.toml"), "[environment.production]\n").unwrap();
    team.run(&["forget", "key.production.first", "--yes"]).exits(0);
    assert_eq!((sealed(&team).keys.len(), sealed(&team).forgotten.len()), (0, 2));
    assert_eq!(writes(&team), before);
}

#[test]
fn two_first_files_are_refused_and_both_are_left_in_the_file() {
    let team = two_branches();
    // No version of before, and another lineage.
    git(&team, &["checkout", "--quiet", "--orphan", "other"]).exits(0);
    let text = fs::read_to_string(team.path("keycomb.sealed.toml")).unwrap();
    let lineage = sealed(&team).lineage;
    fs::write(team.path("keycomb.sealed.toml"), text.replace(lineage.as_str(), "zzzzzzzzzzzzzzzz")).unwrap();
    commit(&team, "other");
    let ran = git(&team, &["merge", "--no-edit", "--allow-unrelated-histories", "one"]).exits(1);
    assert!(ran.stderr.contains("not versions of one sealed file: lineage"), "{}", ran.stderr);
    let left = fs::read_to_string(team.path("keycomb.sealed.toml")).unwrap();
    assert!(left.contains("alpha") && left.contains("beta"), "{left}");
    team.run(&["plan"]).exits(9);
}

/// A clone without the driver: git stops at the file, and the help says what to run.
#[test]
fn the_commands_that_the_help_names_mend_a_merge_without_the_driver() {
    let team = two_branches();
    git(&team, &["config", "--unset", "merge.keycomb.driver"]).exits(0);
    // Both saved a different number of times, so the serial is in the way.
    fs::write(team.path("keys/gamma.toml"), key("gamma")).unwrap();
    team.run(&["apply", "--yes"]).exits(10);
    commit(&team, "more");
    let merged = git(&team, &["merge", "--no-edit", "one"]);
    assert_eq!(merged.exit, 1, "{merged:?}");
    let refused = team.run(&["plan"]).exits(9);
    // The commands stand in the help, one a line.
    let lines = refused.stderr.lines().map(|line| line.trim_start_matches(['│', '|', ' ']).trim());
    let commands: Vec<&str> = lines
        .filter(|line| ["git show ", "keycomb secrets merge base", "mv "].iter().any(|c| line.starts_with(c)))
        .collect();
    assert_eq!(commands.len(), 5, "{}", refused.stderr);
    let script = commands.join("\n");
    let program = assert_cmd::cargo::cargo_bin!("keycomb");
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let ran = Command::new("sh")
        .current_dir(team.folder.path())
        .env("PATH", path)
        .args(["-ec", &script])
        .output()
        .unwrap();
    assert!(ran.status.success(), "{script}\n{ran:?}");
    assert_whole(&team, 5);
}

#[test]
fn a_base_that_is_not_there_is_not_taken_for_an_empty_one() {
    let team = two_branches();
    let file = team.path("keycomb.sealed.toml");
    let before = fs::read_to_string(&file).unwrap();
    fs::copy(&file, team.path("theirs.toml")).unwrap();
    let ran = team.run(&["secrets", "merge", "mistyped.toml", "keycomb.sealed.toml", "theirs.toml"]).exits(9);
    assert!(ran.stderr.contains("mistyped.toml"), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
}

#[test]
fn init_tells_git_about_the_sealed_file_and_keeps_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".gitattributes"), "*.png binary").unwrap();
    let init = |config: &str| -> Ran {
        let mut command = crate::team::keycomb();
        command.current_dir(folder.path()).args(["init", "-c", config]).output().unwrap().into()
    };
    let ran = init("keycomb.toml").exits(0);
    assert!(
        ran.stderr.contains("git config merge.keycomb.driver 'keycomb secrets merge %O %A %B --path %P'"),
        "{}",
        ran.stderr
    );
    init("second.toml").exits(0);
    let attributes = fs::read_to_string(folder.path().join(".gitattributes")).unwrap();
    assert_eq!(attributes, "*.png binary\n*.sealed.toml merge=keycomb\n");
    let ignored = fs::read_to_string(folder.path().join(".gitignore")).unwrap();
    for name in ["lock", "journal", "new"] {
        assert_eq!(ignored.matches(&format!("*.sealed.toml.{name}\n")).count(), 1, "{ignored}");
    }
}

/// A repository with `first` in its first version and `alpha` in its second, taken back to the first.
fn rolled_back() -> (Team, String) {
    let team = repository();
    fs::write(team.path("keys/alpha.toml"), key("alpha")).unwrap();
    team.run(&["apply", "--yes"]).exits(0);
    commit(&team, "alpha");
    let commit = git(&team, &["rev-parse", "--short=12", "HEAD"]).exits(0).stdout.trim().to_owned();
    git(&team, &["checkout", "--quiet", "HEAD~1", "--", "keycomb.sealed.toml"]).exits(0);
    (team, commit)
}

fn writes(team: &Team) -> usize {
    team.sandbox.requests().iter().filter(|request| request.method != "GET").count()
}

#[test]
fn a_file_that_was_rolled_back_is_told_from_git_and_nothing_is_minted() {
    for is_committed in [false, true] {
        let (team, had_it) = rolled_back();
        if is_committed {
            commit(&team, "back");
        }
        let before = writes(&team);
        for arguments in [&["plan"][..], &["drift"], &["apply", "--yes"], &["status"]] {
            let ran = team.run(arguments).exits(10);
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(said.contains("unsealed"), "{arguments:?}: {said}");
            assert!(arguments == ["status"] || said.contains(&had_it), "{arguments:?}: {had_it} {said}");
        }
        assert_eq!(writes(&team), before, "something was written to the service");
        assert_eq!(team.sandbox.truth().live_keys().count(), 2);
        // The commands that the help names.
        let help = team.run(&["plan"]).exits(10).stdout;
        assert!(help.contains("keycomb secrets merge"), "{help}");
        let old = git(&team, &["show", &format!("{had_it}:./keycomb.sealed.toml")]).exits(0).stdout;
        fs::write(team.path("old.toml"), old).unwrap();
        team.run(&["secrets", "merge", "old.toml", "keycomb.sealed.toml", "old.toml"]).exits(0);
        assert_whole(&team, 2);
    }
}

#[test]
fn a_file_that_was_deleted_is_told_from_git_and_nothing_is_minted() {
    let team = repository();
    let head = git(&team, &["rev-parse", "--short=12", "HEAD"]).exits(0).stdout;
    fs::remove_file(team.path("keycomb.sealed.toml")).unwrap();
    // A key that no version knows must not begin a second file, which could never be joined with the first.
    let found = FIRST.replace("[environment.production]", "[environment.production]\nreference = true");
    fs::write(team.path("keys/first.toml"), found).unwrap();
    fs::write(team.path("keys/new.toml"), key("new")).unwrap();
    team.run(&["plan"]).exits(10);
    let before = writes(&team);
    let ran = team.run(&["apply", "--yes"]).exits(10);
    assert!(format!("{}{}", ran.stdout, ran.stderr).contains(head.trim()), "{ran:?}");
    assert_eq!(writes(&team), before);
    assert!(!team.path("keycomb.sealed.toml").exists());
    assert!(ran.stderr.contains("put it back"), "{}", ran.stderr);
    git(&team, &["checkout", "--quiet", "--", "keycomb.sealed.toml", "keys/first.toml"]).exits(0);
    team.run(&["apply", "--yes"]).exits(0);
    assert_whole(&team, 2);
}

#[test]
fn proving_begins_no_second_file_where_git_has_one() {
    let team = repository();
    let head = git(&team, &["rev-parse", "--short=12", "HEAD"]).exits(0).stdout;
    let before = fs::read_to_string(team.path("keycomb.sealed.toml")).unwrap();
    fs::remove_file(team.path("keycomb.sealed.toml")).unwrap();
    for is_committed in [false, true] {
        if is_committed {
            commit(&team, "gone");
        }
        for arguments in [&["secrets", "prove"][..], &["secrets", "prove", "-i", "identity.txt"]] {
            let ran = team.run(arguments).exits(10);
            let command = format!("git show {}:./keycomb.sealed.toml > keycomb.sealed.toml", head.trim());
            assert!(
                ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ").contains(&command),
                "{ran:?}"
            );
            assert!(!team.path("keycomb.sealed.toml").exists());
        }
    }
    let old = git(&team, &["show", &format!("{}:./keycomb.sealed.toml", head.trim())]).exits(0).stdout;
    assert_eq!(old, before);
    fs::write(team.path("keycomb.sealed.toml"), old).unwrap();
    team.run(&["secrets", "prove", "-i", "identity.txt"]).exits(0);
    // A repository that never had one gets its first.
    let team = Team::new();
    team.declare(FIRST);
    git(&team, &["init", "--quiet"]).exits(0);
    team.run(&["secrets", "prove", "-i", "identity.txt"]).exits(0);
    commit(&team, "first");
    team.run(&["secrets", "prove", "--again"]).exits(0);
}

#[test]
fn an_entry_on_a_branch_that_was_deleted_is_found() {
    let team = two_branches();
    git(&team, &["checkout", "--quiet", "main"]).exits(0);
    git(&team, &["merge", "--quiet", "--no-edit", "two"]).exits(0);
    // The hurried merge that takes one side, and the branch is gone.
    git(&team, &["merge", "--quiet", "--no-edit", "--strategy=ours", "one"]).exits(0);
    git(&team, &["branch", "--quiet", "-D", "one"]).exits(0);
    git(&team, &["reflog", "expire", "--expire=now", "--all"]).exits(0);
    git(&team, &["gc", "--quiet", "--prune=now"]).exits(0);
    team.run(&["plan"]).exits(10);
}

/// git is asked only when the service has a key that the file does not know.
#[test]
fn git_is_not_run_while_every_key_is_known() {
    let team = repository();
    fake_git(&team, "echo run >> ran.txt");
    let run = || with_fake_git(&team, &["plan"]);
    run().exits(0);
    assert!(!team.path("ran.txt").exists());
    make_by_hand(&team);
    run().exits(0);
    assert_eq!(fs::read_to_string(team.path("ran.txt")).unwrap(), "run\n", "once");
}

/// A program called `git` that is first in PATH.
fn fake_git(team: &Team, script: &str) {
    fs::create_dir_all(team.path("bin")).unwrap();
    let path = team.path("bin/git");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

fn with_fake_git(team: &Team, arguments: &[&str]) -> Ran {
    let path = format!("{}:{}", team.path("bin").display(), std::env::var("PATH").unwrap());
    let mut command = team.command(arguments);
    command
        .env("PATH", path)
        .env("HOME", team.folder.path())
        .env("GIT_DIR", "/elsewhere")
        .env("KEYCOMB_CANARY", "x");
    command.output().unwrap().into()
}

/// A key that keycomb did not make.
fn make_by_hand(team: &Team) {
    let environment = team.sandbox.truth().environments[0].id.clone();
    let body = format!(
        r#"{{"data":{{"type":"api-keys","attributes":{{"key_type":"ingest","name":"by hand"}},"relationships":{{"environment":{{"data":{{"type":"environments","id":"{environment}"}}}}}}}}}}"#
    );
    let (status, body) = team.by_hand("POST", "/2/teams/acme/api-keys", Some(&body));
    assert_eq!(status, 201, "{body}");
}

#[test]
fn git_gets_none_of_our_secrets_no_stdin_and_no_file() {
    let team = repository();
    make_by_hand(&team);
    fake_git(
        &team,
        "cd \"$HOME\"; env > env.txt; echo \"$@\" > arguments.txt; cat > stdin.txt; ls -l /proc/$$/fd > files.txt",
    );
    with_fake_git(&team, &["apply", "--yes"]).exits(0);
    let variables = fs::read_to_string(team.path("env.txt")).unwrap();
    let names: Vec<&str> =
        variables.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    let known = ["PATH", "HOME", "LANG", "LC_ALL", "PWD", "OLDPWD", "SHLVL", "_"];
    let strange: Vec<_> =
        names.iter().filter(|name| !known.contains(name) && !name.starts_with("GIT_")).collect();
    assert!(strange.is_empty(), "{variables}");
    assert!(!names.contains(&"GIT_DIR"), "{variables}");
    for wanted in ["GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C"] {
        assert!(variables.lines().any(|line| line == wanted), "{wanted}: {variables}");
    }
    let key = team.sandbox.management_key();
    for name in ["env.txt", "arguments.txt", "stdin.txt"] {
        let text = fs::read_to_string(team.path(name)).unwrap();
        assert!(!text.contains(&key.secret) && !text.contains(&key.id), "{name}: {text}");
    }
    assert_eq!(fs::read_to_string(team.path("stdin.txt")).unwrap(), "");
    let files = fs::read_to_string(team.path("files.txt")).unwrap();
    assert!(!files.contains("keycomb.sealed.toml") && !files.contains("socket:"), "{files}");
}

#[test]
fn what_git_prints_never_reaches_the_terminal() {
    let team = repository();
    make_by_hand(&team);
    for end in ["exit 0", "exit 1", "exit 128", "kill -9 $$"] {
        let script = "printf '\\033]0;owned\\007commit \\033[31m\\n+id = \"\\033[2J\"\\n::set-output x=y\\n'";
        fake_git(&team, &format!("{script}; {script} >&2; {end}"));
        for format in ["text", "json"] {
            let ran = with_fake_git(&team, &["plan", "--format", format]).exits(0);
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(
                !said.contains('\u{1b}') && !said.contains("owned") && !said.contains("set-output"),
                "{said}"
            );
            assert_eq!(said.contains("was not searched"), end != "exit 0", "{said}");
        }
    }
}

#[test]
fn a_git_that_hangs_is_given_up_and_nothing_fails() {
    let team = repository();
    make_by_hand(&team);
    // Its child keeps the pipe open when git itself is killed.
    fake_git(&team, "sleep 30 & sleep 30");
    let ran = with_fake_git(&team, &["plan"]).exits(0);
    assert!(ran.stderr.contains("git took too long"), "{}", ran.stderr);
}

#[test]
fn no_git_and_no_repository_are_said_and_fail_nothing() {
    let team = Team::new();
    team.declare(FIRST).run(&["apply", "--yes"]).exits(0);
    make_by_hand(&team);
    let ran = team.run(&["plan"]).exits(0);
    assert!(ran.stderr.contains("finds no repository"), "{}", ran.stderr);
    let mut command = team.command(&["plan"]);
    // A `git` that only a relative folder has is not taken.
    fake_git(&team, "echo run >> ran.txt");
    let ran: Ran = command.env("PATH", "bin:.").output().unwrap().into();
    assert!(ran.exits(0).stderr.contains("there is no `git` in PATH"));
    assert!(!team.path("ran.txt").exists());
}

#[test]
fn a_shallow_clone_is_said() {
    let (team, _) = rolled_back();
    commit(&team, "back");
    let clone = team.path("clone");
    let source = format!("file://{}", team.folder.path().display());
    git(&team, &["clone", "--quiet", "--depth", "1", &source, clone.to_str().unwrap()]).exits(0);
    let mut command = team.command(&["plan", "-c", "clone/keycomb.toml"]);
    let ran: Ran = command.env("HOME", team.folder.path()).output().unwrap().into();
    assert!(ran.stderr.contains("shallow"), "{ran:?}");
    // Its name is taken, so nothing is minted all the same.
    assert!(ran.stdout.contains("blocked"), "{}", ran.stdout);
}

/// A repository that somebody else wrote: what its settings name is not run.
#[test]
fn the_repository_s_own_programs_are_not_run() {
    let (team, had_it) = rolled_back();
    let trap = format!("touch {}; cat", team.path("sprung").display());
    for setting in [
        "core.fsmonitor",
        "core.pager",
        "diff.external",
        "diff.trap.command",
        "diff.trap.textconv",
        "gpg.program",
        "core.sshCommand",
        "core.askPass",
        "core.editor",
    ] {
        git(&team, &["config", setting, &trap]).exits(0);
    }
    git(&team, &["config", "log.showSignature", "true"]).exits(0);
    git(&team, &["config", "alias.log", &format!("!{trap}")]).exits(0);
    git(&team, &["config", "core.hooksPath", "hooks"]).exits(0);
    fs::write(team.path(".gitattributes"), "*.sealed.toml merge=keycomb diff=trap\n").unwrap();
    let ran = team.run(&["plan"]).exits(10);
    assert!(ran.stdout.contains(&had_it), "{}", ran.stdout);
    assert!(!team.path("sprung").exists());
}
