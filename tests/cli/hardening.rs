//! What others on the same machine get to see of a running apply: nothing.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::team::{SAMPLE, Team, files};

/// `nobody`: root may read everything, so as root both sides become somebody else.
const NOBODY: u32 = 65_534;

fn is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(&fs::metadata("/proc/self").unwrap()) == 0
}

/// A command that runs as the user without rights whom the test is about.
fn as_somebody(program: &str) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--", program]);
    command
}

/// A team whose apply waits for an answer for a minute, and the binary where that user can run it.
fn waiting_team() -> (Team, String) {
    let found = Command::new("setpriv").arg("--version").output();
    assert!(!is_root() || found.is_ok(), "`setpriv` is missing: install util-linux");
    let team = Team::new();
    team.declare(SAMPLE);
    let binary = team.path("keycomb-binary");
    fs::copy(assert_cmd::cargo::cargo_bin!("keycomb"), &binary).unwrap();
    if is_root() {
        fs::set_permissions(team.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for path in files(team.folder.path()).into_iter().chain([team.folder.path().to_owned()]) {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    team.sandbox.add_fault("slow:POST=60s".parse().unwrap());
    (team, binary.to_str().unwrap().to_owned())
}

/// Starts an apply and waits until it has asked for something.
fn waiting_apply(team: &Team, binary: &str) -> Child {
    let key = team.sandbox.management_key();
    // Without limits of its own, so that what is measured is what the program does.
    let line = "ulimit -c unlimited 2>/dev/null; exec \"$0\" apply --yes";
    let mut child = as_somebody("sh")
        .args(["-c", line, binary])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .envs([("HONEYCOMB_KEY_ID", &key.id), ("HONEYCOMB_KEY_SECRET", &key.secret)])
        .current_dir(team.folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..3_000 {
        if team.sandbox.requests().iter().any(|request| request.method == "POST") {
            return child;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    panic!("the apply never asked for anything");
}

/// Whether a second process of the same user can read a file of `/proc/PID`.
fn is_readable(pid: u32, file: &str) -> bool {
    let script = format!("head -c 1 /proc/{pid}/{file} | grep -qz .");
    as_somebody("sh").args(["-c", &script]).stderr(Stdio::null()).status().unwrap().success()
}

#[test]
#[cfg(target_os = "linux")]
fn another_process_of_the_same_user_reads_neither_environment_nor_memory() {
    let (team, binary) = waiting_team();
    let mut child = waiting_apply(&team, &binary);
    let mut open = as_somebody("sleep").arg("60").env("VISIBLE", "yes").stdin(Stdio::null()).spawn().unwrap();
    let pid = open.id();
    // What becomes `sleep` is something else for a moment.
    for _ in 0..1_000 {
        if fs::read_to_string(format!("/proc/{pid}/comm")).unwrap().starts_with("sleep") {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let seen: Vec<_> = ["environ", "maps"]
        .iter()
        .map(|file| (is_readable(pid, file), is_readable(child.id(), file)))
        .collect();
    let folders: Vec<_> = [pid, child.id()]
        .map(|pid| as_somebody("ls").arg(format!("/proc/{pid}/fd")).output().unwrap().status.success())
        .to_vec();
    // Opening `mem` for reading needs the right to debug, which is the right to dump.
    let memory = as_somebody("sh")
        .args(["-c", &format!(": < /proc/{}/mem", child.id())])
        .stderr(Stdio::null())
        .status()
        .unwrap();
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    for process in [&mut child, &mut open] {
        process.kill().unwrap();
        process.wait().unwrap();
    }
    assert_eq!(seen, [(true, false), (true, false)], "(an ordinary process, keycomb)");
    assert_eq!(folders, [true, false], "the open files of (an ordinary process, keycomb)");
    assert!(!memory.success(), "its memory can be opened");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
}

#[test]
fn a_signal_that_dumps_core_leaves_none() {
    let (team, binary) = waiting_team();
    let mut child = waiting_apply(&team, &binary);
    let sent = Command::new("kill").args(["-QUIT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(3), "{status:?}");
    assert!(!status.core_dumped(), "{status:?}");
    let core = files(team.folder.path())
        .into_iter()
        .find(|path| path.file_name().unwrap().to_string_lossy().starts_with("core"));
    assert_eq!(core, None);
}

#[test]
fn variables_that_make_libraries_talk_reveal_nothing() {
    let team = Team::new();
    team.declare(SAMPLE);
    let mut command = team.command(&["apply", "--yes", "-vv"]);
    command.envs([
        ("RUST_LOG", "trace"),
        ("RUST_BACKTRACE", "full"),
        ("RUST_LIB_BACKTRACE", "1"),
        ("SSLKEYLOGFILE", "keys.log"),
        ("TOKIO_CONSOLE_BIND", "127.0.0.1:0"),
        ("MALLOC_CHECK_", "3"),
        ("MALLOC_TRACE", "malloc.log"),
        ("LD_DEBUG_OUTPUT", "linker.log"),
        ("CLICOLOR_FORCE", "0"),
        ("REQWEST_LOG", "trace"),
    ]);
    let ran = crate::team::Ran::from(command.output().unwrap()).exits(0);
    let mut names: Vec<_> = files(team.folder.path())
        .iter()
        // The account of the run, which tests/cli/undo.rs reads.
        .filter(|path| !path.starts_with(team.path(".keycomb/runs")))
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["identity.txt", "keycomb.sealed.toml", "keycomb.sealed.toml.lock", "keycomb.toml"]);
    let said = ran.stdout + &ran.stderr;
    // Only our own words, whatever the variables ask for.
    assert!(
        !["hyper", "reqwest", "rustls", "TRACE", "Bearer"].iter().any(|word| said.contains(word)),
        "{said}"
    );
    let mut secrets: Vec<String> = team.sandbox.truth().keys.iter().map(|key| key.secret.clone()).collect();
    secrets.push(team.sandbox.management_key().secret);
    for secret in secrets {
        assert!(!said.contains(&secret), "{said}");
    }
}
