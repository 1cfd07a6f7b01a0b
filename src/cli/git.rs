//! The child `git`, in a repository that is not ours: nothing that its settings name is run, and it gets none of our
//! variables but a few harmless ones, and no stdin.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// `git` by its whole path: from no folder that the place where we run decides about.
fn find_git(path: Option<&OsStr>) -> Option<PathBuf> {
    let name = if cfg!(windows) { "git.exe" } else { "git" };
    env::split_paths(path?).filter(|folder| folder.is_absolute()).map(|folder| folder.join(name)).find(
        |program| std::fs::metadata(program).is_ok_and(|found| found.is_file() && is_executable(&found)),
    )
}

#[cfg(unix)]
fn is_executable(found: &std::fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_found: &std::fs::Metadata) -> bool {
    true
}

/// Settings of the repository that would run a program or change the form of what is printed.
const SETTINGS: &[&str] = &[
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.askPass=",
    "diff.external=",
    "log.showSignature=false",
    "log.diffMerges=separate",
    "log.follow=false",
];

/// The variables that git may have of ours: where programs are, and whose settings (`safe.directory`) count.
const KEPT: &[&str] = &["HOME", "XDG_CONFIG_HOME", "USERPROFILE", "SYSTEMROOT"];

/// `git` in a folder, to which a subcommand is added; its stdout is a pipe. `None` where there is no `git`.
pub fn command(folder: &Path) -> Option<Command> {
    let mut command = Command::new(find_git(env::var_os("PATH").as_deref())?);
    command.arg("-C").arg(folder);
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    command.args(["--no-pager", "--no-optional-locks", "--literal-pathspecs"]);
    command.env_clear();
    let path: Vec<PathBuf> =
        env::split_paths(&env::var_os("PATH")?).filter(|folder| folder.is_absolute()).collect();
    command.env("PATH", env::join_paths(path).ok()?);
    for name in KEPT {
        command.envs(env::var_os(name).map(|value| (name, value)));
    }
    command
        .env("LC_ALL", "C")
        .env("LANG", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        // A partial clone would fetch what it lacks, through a program that the repository names.
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_ALLOW_PROTOCOL", "none")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    Some(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_is_looked_for_in_whole_paths_only() {
        let folder = tempfile::tempdir().unwrap();
        let git = folder.path().join("git");
        std::fs::write(&git, "").unwrap();
        let paths = env::join_paths([Path::new("."), Path::new(""), folder.path()]).unwrap();
        assert_eq!(find_git(Some(&paths)), None, "it cannot be run");
        #[cfg(unix)]
        {
            std::fs::set_permissions(&git, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
            assert_eq!(find_git(Some(&paths)), Some(git));
        }
        assert_eq!(find_git(None), None);
    }
}
