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
    team.run(&["apply", "--yes", "--allow", "disable=0"]).exits(0);
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
    team.run(&["apply", "--yes"]).exits(0);
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
