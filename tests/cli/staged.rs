//! `apply --stage` and the recipe around it: a runner's disk that is gone, a remote that refuses, lies, or loses an entry.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use keycomb::sandbox::{ManualClock, Options};

use crate::team::{Ran, Team, keycomb};

const DAY: u64 = 24 * 60 * 60;
const FIRST: &str =
    "[environment.production]\n[key.first]\nenvironment = \"production\"\ntype = \"ingest\"\n";

/// A team, and a bare repository as its sealed file's home. Time stands still unless it is moved.
struct Home {
    team: Team,
    clock: Arc<ManualClock>,
}

/// A checkout.
struct Clone<'a> {
    home: &'a Home,
    folder: PathBuf,
}

fn declaration(name: &str) -> String {
    format!("[key.{name}]\nenvironment = \"production\"\ntype = \"ingest\"\n")
}

impl Home {
    /// With one key, applied and pushed.
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new("2026-11-21T12:00:00Z".parse().unwrap()));
        let options =
            Options { clock: Arc::clone(&clock) as Arc<dyn keycomb::sandbox::Clock>, ..Options::default() };
        let team = Team::with(options);
        team.declare("");
        let home = Self { team, clock };
        let folder = home.team.path("seed");
        fs::create_dir_all(folder.join("keys")).unwrap();
        let text = fs::read_to_string(home.team.path("keycomb.toml")).unwrap();
        let text = text.replace("version = 1", "version = 1\ninclude = [\"keys/*.toml\"]");
        fs::write(folder.join("keycomb.toml"), text).unwrap();
        fs::write(folder.join("keys/first.toml"), FIRST).unwrap();
        fs::write(folder.join(".gitattributes"), "*.sealed.toml merge=keycomb\n").unwrap();
        fs::write(folder.join(".gitignore"), "*.lock\n*.journal\n").unwrap();
        home.git(home.team.folder.path(), &["init", "--quiet", "--bare", "remote.git"]);
        home.git(&folder, &["init", "--quiet"]);
        home.git(&folder, &["remote", "add", "origin", home.remote().to_str().unwrap()]);
        let seed = Clone { home: &home, folder };
        seed.run(&["apply", "--yes"]).exits(0);
        seed.commit("first");
        seed.git(&["push", "--quiet", "origin", "main"]);
        home
    }

    fn remote(&self) -> PathBuf {
        self.team.path("remote.git")
    }

    fn command(&self, program: &str, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.team.folder.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs([("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "init.defaultBranch")])
            .env("GIT_CONFIG_VALUE_0", "main")
            .envs([("GIT_AUTHOR_NAME", "Sam"), ("GIT_AUTHOR_EMAIL", "sam@example.com")])
            .envs([("GIT_COMMITTER_NAME", "Sam"), ("GIT_COMMITTER_EMAIL", "sam@example.com")]);
        command
    }

    #[track_caller]
    fn git(&self, folder: &Path, arguments: &[&str]) -> Ran {
        let ran = self.command("git", folder).args(arguments).output();
        Ran::from(ran.unwrap_or_else(|error| panic!("install git (apt-get install git): {error}"))).exits(0)
    }

    fn clone(&self, name: &str) -> Clone<'_> {
        let folder = self.team.path(name);
        self.git(self.team.folder.path(), &["clone", "--quiet", "remote.git", name]);
        Clone { home: self, folder }
    }

    /// A runner whose commit declares one key more.
    fn runner(&self, name: &str, key: &str) -> Clone<'_> {
        let clone = self.clone(name);
        fs::write(clone.folder.join(format!("keys/{key}.toml")), declaration(key)).unwrap();
        clone.commit(key);
        clone
    }

    fn hook(&self, name: &str, text: &str) {
        let path = self.remote().join("hooks").join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The names of enabled keys.
    fn live(&self) -> Vec<String> {
        let truth = self.team.sandbox.truth();
        let mut names: Vec<_> = truth.live_keys().filter(|k| !k.disabled).map(|k| k.name.clone()).collect();
        names.sort();
        names
    }

    fn staged(&self) -> usize {
        let truth = self.team.sandbox.truth();
        truth.live_keys().filter(|k| k.disabled && k.name.starts_with("keycomb-pending.")).count()
    }

    /// A fresh checkout has nothing to do, and opens every key to what the service issued.
    fn assert_whole(&self, keys: usize) {
        let clone = self.clone("whole");
        let ran = clone.run(&["plan", "--detailed-exitcode"]).exits(0);
        assert!(ran.stdout.contains("No changes"), "{}", ran.stdout);
        let identity = self.team.identity.to_str().unwrap();
        let exported = clone.run(&["secrets", "export", "--format", "json", "-i", identity]).exits(0).stdout;
        assert_eq!(self.live().len(), keys);
        for key in self.team.sandbox.truth().live_keys().filter(|key| !key.disabled) {
            assert!(exported.contains(&key.credential), "{} does not open", key.name);
        }
        clone.vanish();
    }
}

impl Clone<'_> {
    fn git(&self, arguments: &[&str]) -> Ran {
        self.home.git(&self.folder, arguments)
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    fn with_key(&self, command: &mut Command) {
        let key = self.home.team.sandbox.management_key();
        command.env("HONEYCOMB_KEY_ID", &key.id).env("HONEYCOMB_KEY_SECRET", &key.secret);
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = keycomb();
        self.with_key(command.current_dir(&self.folder).args(arguments));
        command.output().unwrap().into()
    }

    /// The recipe, with a folder before all others in PATH where one is given.
    fn recipe(&self, arguments: &[&str], first: Option<&Path>) -> Ran {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ci/stage-with-git.sh");
        let mut command = self.home.command("sh", &self.folder);
        let path = std::env::var_os("PATH").unwrap();
        let folders = first.map(Path::to_owned).into_iter().chain(std::env::split_paths(&path));
        command
            .arg(script)
            .args(arguments)
            .env("PATH", std::env::join_paths(folders).unwrap())
            .env("KEYCOMB", assert_cmd::cargo::cargo_bin!("keycomb"))
            .envs([("PAUSE", "0"), ("TRIES", "3")]);
        self.with_key(&mut command);
        command.output().unwrap().into()
    }

    fn sealed(&self) -> PathBuf {
        self.folder.join("keycomb.sealed.toml")
    }

    /// The runner and its disk are gone.
    fn vanish(self) {
        fs::remove_dir_all(&self.folder).unwrap();
    }
}

/// A `git` that does something else for `push`; the rest is the real one's.
fn other_git(home: &Home, push: &str) -> PathBuf {
    let real = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|folder| folder.join("git"))
        .find(|path| path.is_file())
        .expect("install git (apt-get install git)");
    let folder = home.team.path("other");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("git");
    let real = real.display();
    fs::write(
        &path,
        format!("#!/bin/sh\nif [ \"$1\" = push ]; then {push}; fi\nexec '{real}' \"$@\"\n")
            .replace("GIT", &real.to_string()),
    )
    .unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

#[test]
fn a_runner_stages_and_pushes_and_after_its_end_a_fresh_clone_releases() {
    let home = Home::new();
    let runner = home.runner("runner", "second");
    let ran = runner.recipe(&["stage"], None).exits(0);
    assert!(ran.stdout.contains("1 staged"), "{}", ran.stdout);
    for words in ["commit `keycomb.sealed.toml`", "before 2026-11-28T12:00:00Z", "keycomb apply"] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    runner.vanish();
    assert_eq!((home.live(), home.staged()), (vec!["first".to_owned()], 1));
    home.clock.advance(Duration::from_secs(7 * DAY - 60));
    let fresh = home.clone("fresh");
    let planned = fresh.run(&["plan"]).exits(0);
    assert!(
        planned.stdout.contains("release") && planned.stdout.contains("2026-11-28T12:00:00Z"),
        "{}",
        planned.stdout
    );
    fresh.recipe(&["release"], None).exits(0);
    fresh.vanish();
    assert_eq!((home.live(), home.staged()), (vec!["first".to_owned(), "second".to_owned()], 0));
    home.assert_whole(2);
}

#[test]
fn the_whole_recipe_in_one_run_ends_with_a_live_key_and_the_record_of_it_at_home() {
    let home = Home::new();
    home.runner("runner", "second").recipe(&[], None).exits(0);
    home.assert_whole(2);
    // Nothing more to do: nothing is written, nothing is pushed.
    let head = home.git(&home.remote(), &["rev-parse", "main"]).stdout;
    let again = home.clone("again").recipe(&[], None).exits(0);
    assert!(again.stderr.contains("nothing to stage"), "{}", again.stderr);
    assert_eq!(home.git(&home.remote(), &["rev-parse", "main"]).stdout, head);
}

/// A key that was not staged waits for a run that stages: made here, its only seal would be on the runner's disk.
#[test]
fn releasing_makes_no_key() {
    let home = Home::new();
    let runner = home.runner("runner", "second");
    runner.git(&["push", "--quiet", "origin", "main"]);
    let ran = runner.recipe(&["release"], None).exits(0);
    assert!(ran.stderr.contains("left for `keycomb apply --stage`"), "{}", ran.stderr);
    assert_eq!((home.live(), home.staged()), (vec!["first".to_owned()], 0));
    assert_eq!(home.team.sandbox.truth().keys.len(), 1);
}

#[test]
fn staging_needs_a_sealed_file_that_is_known() {
    let home = Home::new();
    let runner = home.runner("runner", "second");
    fs::remove_file(runner.folder.join("keycomb.sealed.toml")).unwrap();
    let ran = runner.run(&["apply", "--stage", "--yes"]).exits(9);
    assert!(ran.stderr.contains("no sealed file"), "{}", ran.stderr);
    assert_eq!(home.team.sandbox.truth().keys.len(), 1);
}

/// Fault matrix, row 61.
#[test]
fn row_61_a_push_that_a_hook_refuses_leaves_nothing_live() {
    let home = Home::new();
    home.hook("pre-receive", "#!/bin/sh\necho protected branch >&2\nexit 1\n");
    let runner = home.runner("runner", "second");
    let ran = runner.recipe(&[], None).exits(1);
    assert!(ran.stderr.contains("stays disabled"), "{}", ran.stderr);
    // Nor does releasing by itself go around the home.
    let ran = runner.recipe(&["release"], None).exits(1);
    assert!(ran.stderr.contains("nothing is released"), "{}", ran.stderr);
    assert_eq!((home.live(), home.staged()), (vec!["first".to_owned()], 1));
    // The same disk goes on where it was once the hook lets it through.
    fs::remove_file(home.remote().join("hooks/pre-receive")).unwrap();
    runner.recipe(&[], None).exits(0);
    home.assert_whole(2);
    assert_eq!(home.team.sandbox.truth().keys.len(), 2, "it was made twice");
}

/// Fault matrix, row 62.
#[test]
fn row_62_a_push_counts_by_what_the_remote_has_and_not_by_what_it_says() {
    // The answer is lost.
    let home = Home::new();
    let lost = other_git(&home, "GIT \"$@\"; exit 128");
    home.runner("runner", "second").recipe(&[], Some(&lost)).exits(0);
    home.assert_whole(2);
    // It says yes and does nothing.
    let home = Home::new();
    let lies = other_git(&home, "exit 0");
    let ran = home.runner("runner", "second").recipe(&[], Some(&lies)).exits(1);
    assert!(ran.stderr.contains("stays disabled"), "{}", ran.stderr);
    assert_eq!((home.live(), home.staged()), (vec!["first".to_owned()], 1));
}

#[test]
fn git_and_its_hooks_see_no_management_key() {
    let home = Home::new();
    let runner = home.runner("runner", "second");
    let seen = home.team.path("seen");
    let hook = runner.folder.join(".git/hooks/pre-push");
    fs::write(&hook, format!("#!/bin/sh\nenv >> '{}'\n", seen.display())).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    runner.recipe(&[], None).exits(0);
    let (seen, key) = (fs::read_to_string(seen).unwrap(), home.team.sandbox.management_key());
    assert!(seen.contains("GIT_TERMINAL_PROMPT=0"), "{seen}");
    assert!(!seen.contains(&key.secret) && !seen.contains(&key.id), "{seen}");
}

/// Fault matrix, row 63: between staging and the push, and between the push and the release.
#[test]
fn row_63_a_runner_that_dies_leaves_what_the_next_one_settles() {
    let home = Home::new();
    let runner = home.runner("runner", "second");
    runner.git(&["push", "--quiet", "origin", "main"]);
    runner.run(&["apply", "--stage", "--yes"]).exits(0);
    runner.vanish();
    assert_lost(&home);
}

#[test]
fn an_entry_that_a_merge_dropped_is_never_released() {
    let home = Home::new();
    let runner = home.runner("runner", "second");
    runner.recipe(&["stage"], None).exits(0);
    // "Take ours": the sealed file as it was before.
    runner.git(&["checkout", "--quiet", "HEAD~1", "--", "keycomb.sealed.toml"]);
    runner.commit("Resolve");
    runner.git(&["push", "--quiet", "origin", "main"]);
    runner.vanish();
    assert_lost(&home);
}

/// The key `second` is staged and its entry is nowhere: it is left alone for eight days, then deleted and made anew.
fn assert_lost(home: &Home) {
    for days in [0, 7, 8] {
        home.clock.set("2026-11-21T12:00:00Z".parse().unwrap());
        home.clock.advance(Duration::from_secs(days * DAY - days.min(1)));
        let fresh = home.clone("fresh");
        let ran = fresh.run(&["apply", "--yes"]).exits(8);
        assert!(ran.stdout.contains("not in this checkout"), "{}", ran.stdout);
        assert_eq!((home.live(), home.staged()), (vec!["first".to_owned()], 1));
        fresh.vanish();
    }
    home.clock.advance(Duration::from_secs(1));
    home.clone("fresh").recipe(&[], None).exits(0);
    assert_eq!((home.live().len(), home.staged()), (2, 0));
    let truth = home.team.sandbox.truth();
    let dead = truth.keys.iter().filter(|key| key.deleted.is_some()).count();
    assert_eq!(dead, 1);
    home.assert_whole(2);
}

#[test]
fn a_dropped_entrys_key_goes_at_once_when_its_address_is_named() {
    let home = Home::new();
    let runner = home.runner("runner", "second");
    runner.git(&["push", "--quiet", "origin", "main"]);
    runner.run(&["apply", "--stage", "--yes"]).exits(0);
    runner.vanish();
    let fresh = home.clone("fresh");
    fresh.run(&["apply", "--yes", "--allow", "key.production.second"]).exits(0);
    assert_eq!((home.live().len(), home.staged()), (2, 0));
}

#[test]
fn an_altered_entry_is_never_released_and_says_so() {
    let home = Home::new();
    let runner = home.runner("runner", "second");
    runner.recipe(&["stage"], None).exits(0);
    let text = fs::read_to_string(runner.sealed()).unwrap();
    let at = text.find("name = \"second\"").unwrap();
    let name = format!("{}{}", &text[..at], text[at..].replacen("second", "sekond", 1));
    // Another's secret in its place: whole armor, that opens.
    let armors: Vec<&str> = text.split("'''").skip(1).step_by(2).collect();
    let swapped = text.replace(armors[1], armors[0]);
    for altered in [name, swapped] {
        fs::write(runner.sealed(), &altered).unwrap();
        for command in [&["apply", "--yes"][..], &["apply", "--yes", "--stage"]] {
            let ran = runner.run(command).exits(5);
            assert!(
                ran.stdout.contains("altered") && ran.stdout.contains("it was changed since"),
                "{}",
                ran.stdout
            );
        }
        assert_eq!((home.live(), home.staged()), (vec!["first".to_owned()], 1));
    }
    fs::write(runner.sealed(), &text).unwrap();
    runner.run(&["apply", "--yes"]).exits(0);
    assert_eq!(home.live().len(), 2);
}

#[test]
fn two_runners_that_stage_different_keys_at_once_end_with_both() {
    let home = Home::new();
    let (one, two) = (home.runner("one", "second"), home.runner("two", "third"));
    // Both are staged before either is pushed.
    one.run(&["apply", "--stage", "--yes"]).exits(0);
    two.run(&["apply", "--stage", "--yes"]).exits(0);
    one.recipe(&["stage"], None).exits(0);
    two.recipe(&["stage"], None).exits(0);
    one.vanish();
    two.vanish();
    assert_eq!((home.live().len(), home.staged()), (1, 2));
    home.clone("fresh").recipe(&["release"], None).exits(0);
    home.assert_whole(3);
}

#[test]
fn staging_says_what_it_leaves_and_exits_0() {
    let home = Home::new();
    let runner = home.runner("runner", "second");
    fs::write(
        runner.folder.join("keys/first.toml"),
        FIRST.replace("[key.first]", "[key.first]\nname = \"new name\""),
    )
    .unwrap();
    let ran = runner.run(&["apply", "--stage", "--yes", "--format", "json"]).exits(0);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&report["summary"]["staged"], &report["summary"]["left"]), (&1.into(), &1.into()));
    assert!(ran.stderr.contains("1 action is left"), "{}", ran.stderr);
    let again = runner.run(&["apply", "--stage", "--yes"]).exits(0);
    assert!(again.stdout.contains("staged already"), "{}", again.stdout);
    assert_eq!(home.staged(), 1);
    let status = runner.run(&["status"]).exits(0);
    assert!(status.stdout.contains("until 2026-11-28"), "{}", status.stdout);
    runner.run(&["apply", "--yes"]).exits(0);
    assert_eq!(home.live(), ["new name", "second"]);
    let ran = runner.run(&["apply", "--stage", "--yes"]).exits(0);
    assert!(ran.stderr.contains("nothing to stage"), "{}", ran.stderr);
}

#[test]
fn an_environment_made_by_a_lost_runner_is_finished_by_the_next() {
    for is_pushed in [true, false] {
        let home = Home::new();
        let runner = home.clone("runner");
        let text = "[environment.staging]\ndescription = \"ours\"\n[key.s]\nenvironment = \"staging\"\ntype = \"ingest\"\n";
        fs::write(runner.folder.join("keys/s.toml"), text).unwrap();
        runner.commit("staging");
        runner.git(&["push", "--quiet", "origin", "main"]);
        if is_pushed {
            runner.recipe(&["stage"], None).exits(0);
        } else {
            runner.run(&["apply", "--stage", "--yes"]).exits(0);
            home.clock.advance(Duration::from_secs(8 * DAY));
        }
        runner.vanish();
        home.clone("fresh").recipe(&[], None).exits(0);
        home.assert_whole(2);
    }
}
