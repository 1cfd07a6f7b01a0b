//! The recipes of examples/: their files are parsed, their steps run as the service would run them, in a scratch repository and
//! against a sandbox. A recipe that rots fails here.

mod consumers;
mod container;
mod cron;
mod github;
mod gitlab;
mod jenkins;
mod pre_commit;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use keycomb::sandbox::ManagementKey;

use crate::team::{Ran, Team};

/// The main branch declares these.
const KEYS: &str = r#"
[environment.production]
name = "Production"
[key.checkout]
environment = "production"
type = "ingest"
permissions = ["create_datasets"]
[key.frontend]
environment = "production"
type = "configuration"
permissions = ["run_queries"]
"#;

/// A file of the checkout.
fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(example(name)).unwrap()
}

fn yaml(name: &str) -> serde_yaml_ng::Value {
    let mut value: serde_yaml_ng::Value = serde_yaml_ng::from_str(&read(name)).unwrap();
    value.apply_merge().unwrap();
    value
}

/// A repository with a configuration and its sealed file, its remote, and a folder of programs before all others.
struct Scratch {
    team: Team,
    bin: PathBuf,
    reading: ManagementKey,
}

impl Scratch {
    /// The configuration is applied and pushed.
    fn new() -> Self {
        let team = Team::new();
        let bin = team.path("bin");
        fs::create_dir(&bin).unwrap();
        symlink(assert_cmd::cargo::cargo_bin!("keycomb"), bin.join("keycomb")).unwrap();
        let reading = team.sandbox.add_management_key(&["environments:read", "api-keys:read"], false);
        let scratch = Self { team, bin, reading };
        scratch.stub("cargo", "cargo");
        scratch.stub("gh", "gh");
        let seed = scratch.team.path("seed");
        scratch.team.declare(KEYS);
        fs::create_dir(&seed).unwrap();
        fs::rename(scratch.team.path("keycomb.toml"), seed.join("keycomb.toml")).unwrap();
        fs::write(seed.join(".gitattributes"), "*.sealed.toml merge=keycomb\n").unwrap();
        fs::write(seed.join(".gitignore"), "*.lock\n*.journal\n.keycomb/\n").unwrap();
        let script = seed.join("stage-with-git.sh");
        fs::copy(example("ci/stage-with-git.sh"), script).unwrap();
        scratch.git(scratch.team.folder.path(), &["init", "--quiet", "--bare", "remote.git"]);
        scratch.git(&seed, &["init", "--quiet"]);
        scratch.git(&seed, &["remote", "add", "origin", scratch.remote().to_str().unwrap()]);
        scratch.sh(&seed, "keycomb apply --yes", &scratch.writing()).exits(0);
        scratch.git(&seed, &["add", "--all"]);
        scratch.git(&seed, &["commit", "--quiet", "--message", "first"]);
        scratch.git(&seed, &["push", "--quiet", "origin", "main"]);
        scratch
    }

    fn remote(&self) -> PathBuf {
        self.team.path("remote.git")
    }

    /// Puts one of `stubs/` among the programs.
    fn stub(&self, file: &str, name: &str) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/recipes/stubs").join(file);
        let to = self.bin.join(name);
        fs::copy(from, &to).unwrap();
        fs::set_permissions(&to, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn command(&self, program: &str, folder: &Path) -> Command {
        let path = std::env::var_os("PATH").unwrap();
        let folders = std::iter::once(self.bin.clone()).chain(std::env::split_paths(&path));
        let mut command = Command::new(program);
        command
            .current_dir(folder)
            .env_clear()
            .env("PATH", std::env::join_paths(folders).unwrap())
            .env("HOME", self.team.folder.path())
            .env("LANG", "C.UTF-8")
            .env("PAUSE", "0")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs([("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "init.defaultBranch")])
            .env("GIT_CONFIG_VALUE_0", "main")
            .envs([("GIT_AUTHOR_NAME", "Sam"), ("GIT_AUTHOR_EMAIL", "sam@example.com")])
            .envs([("GIT_COMMITTER_NAME", "Sam"), ("GIT_COMMITTER_EMAIL", "sam@example.com")])
            .stdin(Stdio::null());
        command
    }

    fn git(&self, folder: &Path, arguments: &[&str]) -> Ran {
        let ran = self.command("git", folder).args(arguments).output();
        Ran::from(ran.unwrap_or_else(|error| panic!("install git (apt-get install git): {error}"))).exits(0)
    }

    fn clone(&self, name: &str) -> PathBuf {
        let folder = self.team.path(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        self.git(self.team.folder.path(), &["clone", "--quiet", "remote.git", name]);
        folder
    }

    /// A clone on a branch of its own, in which `key` is declared too; committed and pushed.
    fn branch(&self, name: &str, key: &str) -> PathBuf {
        let folder = self.clone(name);
        self.git(&folder, &["switch", "--quiet", "--create", name]);
        let path = folder.join("keycomb.toml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{text}[key.{key}]\nenvironment = \"production\"\ntype = \"ingest\"\n"))
            .unwrap();
        self.git(&folder, &["commit", "--quiet", "--all", "--message", name]);
        self.git(&folder, &["push", "--quiet", "origin", name]);
        folder
    }

    /// What people do with a request: it becomes the main branch.
    fn merge(&self, name: &str) -> PathBuf {
        let folder = self.clone("merging");
        self.git(&folder, &["merge", "--quiet", "--no-ff", "--message", "merge", &format!("origin/{name}")]);
        self.git(&folder, &["push", "--quiet", "origin", "main"]);
        folder
    }

    fn head(&self, folder: &Path) -> String {
        self.git(folder, &["rev-parse", "HEAD"]).stdout.trim().to_owned()
    }

    /// A script as the services run it: the first failing line ends it.
    fn sh(&self, folder: &Path, script: &str, variables: &[(String, String)]) -> Ran {
        let file = self.team.path("step.sh");
        fs::write(&file, script).unwrap();
        let ran = self
            .command("bash", folder)
            .args(["--noprofile", "--norc", "-e"])
            .arg(&file)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .output();
        let ran = Ran::from(ran.unwrap());
        for key in [self.key(true), self.key(false)] {
            assert!(!ran.stdout.contains(&key.secret) && !ran.stderr.contains(&key.secret), "{ran:?}");
        }
        ran
    }

    /// The management key that may write, or one that may only read.
    fn key(&self, writes: bool) -> ManagementKey {
        if writes { self.team.sandbox.management_key() } else { self.reading.clone() }
    }

    fn writing(&self) -> Vec<(String, String)> {
        let key = self.key(true);
        vec![("HONEYCOMB_KEY_ID".to_owned(), key.id), ("HONEYCOMB_KEY_SECRET".to_owned(), key.secret)]
    }

    /// The names of enabled keys.
    fn live(&self) -> Vec<String> {
        let truth = self.team.sandbox.truth();
        let mut names: Vec<_> = truth.live_keys().filter(|k| !k.disabled).map(|k| k.name.clone()).collect();
        names.sort();
        names
    }

    /// A fresh clone has nothing to do, and opens every key to what the service issued.
    fn assert_whole(&self) {
        let clone = self.clone("whole");
        let ran = self.sh(&clone, "keycomb plan --detailed-exitcode", &self.writing()).exits(0);
        assert!(ran.stdout.contains("No changes"), "{}", ran.stdout);
        let identity = self.team.identity.to_str().unwrap().to_owned();
        let export = "keycomb secrets export --format json -i \"$IDENTITY\"";
        let exported = self.sh(&clone, export, &[("IDENTITY".to_owned(), identity)]).exits(0).stdout;
        for key in self.team.sandbox.truth().live_keys().filter(|key| !key.disabled) {
            assert!(exported.contains(&key.credential), "{} does not open", key.name);
        }
    }
}
