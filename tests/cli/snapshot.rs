//! Planning without a credential: from what `drift --save-snapshot` wrote, with nothing else to read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::team::{Ran, SAMPLE, Team, files, keycomb};

/// An applied team, somewhat drifted, with a key that nobody manages; and one more key that is declared since.
fn drifted() -> Team {
    let team = Team::new();
    team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    let ci = team.key_id("ci");
    team.set_disabled(&ci, true);
    let home = team.sandbox.truth().environments[0].id.clone();
    let body = format!(
        r#"{{"data":{{"type":"api-keys","attributes":{{"key_type":"ingest","name":"jenkins \u001b[31m"}},
           "relationships":{{"environment":{{"data":{{"id":"{home}","type":"environments"}}}}}}}}}}"#
    );
    assert_eq!(team.by_hand("POST", "/2/teams/acme/api-keys", Some(&body)).0, 201);
    let more = "[key.more]\nenvironment = \"staging\"\ntype = \"ingest\"\n";
    team.declare(&format!("{SAMPLE}{more}"));
    team
}

fn save(team: &Team, more: &[&str]) -> Ran {
    let arguments: Vec<&str> =
        ["drift", "--save-snapshot", "saved.json"].into_iter().chain(more.iter().copied()).collect();
    team.run(&arguments).exits(2)
}

/// The binary in the team's folder, with no credential.
fn alone(team: &Team, arguments: &[&str]) -> Command {
    let mut command = keycomb();
    command.current_dir(team.folder.path()).args(arguments);
    command
}

fn plan_of(json: &str) -> serde_json::Value {
    let mut plan: serde_json::Value = serde_json::from_str(json).unwrap();
    for field in ["now", "read", "snapshot"] {
        plan["header"][field].take();
    }
    plan
}

#[test]
fn the_plan_from_a_snapshot_is_the_plan() {
    let team = drifted();
    let online = plan_of(&team.run(&["plan", "--format", "json"]).exits(0).stdout);
    for hashed in [&[][..], &["--hash-names"]] {
        let ran = save(&team, hashed);
        assert!(ran.stderr.contains("saved: saved.json"), "{}", ran.stderr);
        team.sandbox.clear_requests();
        let arguments = ["plan", "--snapshot", "saved.json", "--format", "json"];
        let saved: Ran = alone(&team, &arguments).output().unwrap().into();
        let mut saved = plan_of(&saved.exits(0).stdout);
        let mut online = online.clone();
        if !hashed.is_empty() {
            // The one name that nothing here has.
            for (plan, shown) in [(&mut saved, "`hashed:"), (&mut online, "`jenkins")] {
                let findings = plan["findings"].as_array_mut().unwrap();
                let unmanaged = findings.iter_mut().find(|f| f["kind"] == "unmanaged").unwrap();
                assert!(unmanaged["text"].as_str().unwrap().contains(shown), "{unmanaged}");
                unmanaged["text"].take();
            }
        }
        assert_eq!(saved, online, "{hashed:?}");
        assert_eq!(team.sandbox.requests().len(), 0);
    }
}

#[test]
fn a_plan_from_a_snapshot_says_so_and_takes_the_options_of_a_plan() {
    let team = drifted();
    save(&team, &[]);
    let run = |more: &[&str]| -> Ran {
        let arguments: Vec<&str> =
            ["plan", "--snapshot", "saved.json"].into_iter().chain(more.iter().copied()).collect();
        alone(&team, &arguments).output().unwrap().into()
    };
    let text = run(&["--detailed-exitcode"]).exits(2).stdout;
    let read =
        serde_json::from_slice::<serde_json::Value>(&fs::read(team.path("saved.json")).unwrap()).unwrap();
    let read = read["read"].as_str().unwrap().to_owned();
    assert!(text.lines().next().unwrap().contains(&format!("from a snapshot of {}", &read[..16])), "{text}");
    let ran = run(&["--at", "+30d", "--emit", "json=plan.json"]).exits(0);
    assert!(ran.stdout.contains("forecast") && ran.stdout.contains("snapshot"), "{}", ran.stdout);
    let emitted: serde_json::Value =
        serde_json::from_slice(&fs::read(team.path("plan.json")).unwrap()).unwrap();
    assert_eq!(emitted["header"]["snapshot"], true);
    for more in [&["--key-file", "x"][..], &["--ca-file", "x"]] {
        run(more).exits(64);
    }
}

#[test]
fn a_snapshot_is_canonical_and_holds_no_secret_and_no_name_that_was_to_be_hashed() {
    let team = drifted();
    save(&team, &[]);
    let first = fs::read_to_string(team.path("saved.json")).unwrap();
    assert!(first.contains("\"jenkins \\u001b[31m\""), "harmless to a terminal: {first}");
    let read = |text: &str| {
        let mut value: serde_json::Value = serde_json::from_str(text).unwrap();
        value["read"].take();
        value
    };
    save(&team, &[]);
    assert_eq!(read(&fs::read_to_string(team.path("saved.json")).unwrap()), read(&first));
    let schema: serde_json::Value =
        serde_json::from_str(&team.run(&["schema", "snapshot"]).exits(0).stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&serde_json::from_str(&first).unwrap()));
    save(&team, &["--hash-names"]);
    let hashed = fs::read_to_string(team.path("saved.json")).unwrap();
    for name in ["jenkins", "checkout", "Production", "staging"] {
        assert!(!hashed.contains(name), "{name}: {hashed}");
    }
    let truth = team.sandbox.truth();
    let management = team.sandbox.management_key();
    for secret in truth.keys.iter().map(|key| key.secret.as_str()).chain([management.secret.as_str()]) {
        assert!(!first.contains(secret) && !hashed.contains(secret));
    }
}

#[test]
fn a_sandboxs_snapshot_is_a_sandboxs_own() {
    let team = Team::new();
    team.declare(SAMPLE);
    let run = |arguments: &[&str]| -> Ran { alone(&team, arguments).output().unwrap().into() };
    run(&["apply", "--sandbox", "--yes"]).exits(0);
    run(&["drift", "--sandbox", "--save-snapshot", "saved.json"]).exits(0);
    run(&["plan", "--sandbox", "--snapshot", "saved.json", "--detailed-exitcode"]).exits(0);
    let ran = run(&["plan", "--snapshot", "saved.json"]).exits(3);
    assert!(ran.stderr.contains("sandbox.invalid"), "{}", ran.stderr);
}

#[test]
fn what_is_no_snapshot_of_this_team_is_refused() {
    let team = drifted();
    save(&team, &[]);
    let saved = fs::read_to_string(team.path("saved.json")).unwrap();
    let run = |text: &str| -> Ran {
        fs::write(team.path("saved.json"), text).unwrap();
        alone(&team, &["plan", "--snapshot", "saved.json"]).output().unwrap().into()
    };
    let other = saved.replacen("\"team\": \"acme\"", "\"team\": \"other\\u001b[31m\"", 1);
    let ran = run(&other).exits(3);
    assert!(ran.stderr.contains("`other\\u{1b}[31m`"), "{}", ran.stderr);
    run(&saved.replacen("\"http://127", "\"http://128", 1)).exits(3);
    run(&saved.replacen("keycomb.snapshot/1", "keycomb.snapshot/2", 1)).exits(3);
    for text in ["", "{", "SECRET", &saved.replacen("\"ingest\"", "\"SECRET\"", 1)] {
        let ran = run(text).exits(3);
        assert!(!ran.stderr.contains("SECRET"), "{}", ran.stderr);
    }
    fs::remove_file(team.path("saved.json")).unwrap();
    let ran: Ran = alone(&team, &["plan", "--snapshot", "saved.json"]).output().unwrap().into();
    ran.exits(1);
}

#[test]
fn an_old_snapshot_is_said_to_be_old() {
    let team = drifted();
    save(&team, &[]);
    let text = fs::read_to_string(team.path("saved.json")).unwrap();
    let mut saved: serde_json::Value = serde_json::from_str(&text).unwrap();
    saved["read"] = "2026-01-01T00:00:00Z".into();
    fs::write(team.path("saved.json"), saved.to_string()).unwrap();
    // A record that is newer would not do with it.
    fs::remove_file(team.path("keycomb.sealed.toml")).unwrap();
    let run = |more: &[&str]| -> Ran {
        let arguments: Vec<&str> =
            ["plan", "--snapshot", "saved.json"].into_iter().chain(more.iter().copied()).collect();
        let ran: Ran = alone(&team, &arguments).output().unwrap().into();
        ran.exits(0)
    };
    assert!(run(&[]).stderr.contains("older than 7d"), "{}", run(&[]).stderr);
    assert!(!run(&["--snapshot-age", "99999d"]).stderr.contains("older"));
}

/// `unshare` (util-linux) gives the program a network with nothing in it, not even this machine's own address.
#[cfg(target_os = "linux")]
#[test]
fn it_needs_no_network() {
    let team = drifted();
    save(&team, &["--hash-names"]);
    let cut_off = |program: &Path, arguments: &[&str]| -> Ran {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--net"]).arg(program).args(arguments);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("LANG", "C.UTF-8");
        let ran = command.current_dir(team.folder.path()).output();
        ran.expect("this test needs unshare: apt-get install util-linux").into()
    };
    let allowed = cut_off(Path::new("true"), &[]);
    assert_eq!(
        allowed.exit, 0,
        "this test needs network namespaces (in a container: --privileged or a seccomp profile that allows unshare): {}",
        allowed.stderr
    );
    let program = assert_cmd::cargo::cargo_bin!("keycomb");
    let ran = cut_off(program, &["plan", "--snapshot", "saved.json", "--detailed-exitcode"]).exits(2);
    assert!(ran.stdout.contains("key.staging.more"), "{}", ran.stdout);
    // The network is cut off, not only unused.
    fs::write(team.path("key"), "hcxmk_x:y\n").unwrap();
    #[cfg(unix)]
    fs::set_permissions(team.path("key"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let ran = cut_off(program, &["plan", "--key-file", "key"]);
    assert_ne!(ran.exit, 0, "{}", ran.stdout);
    assert!(!ran.stderr.contains("internal error"), "{}", ran.stderr);
}

/// What a run opened, by strace: (path, whether to write), and the addresses that it connected to.
#[cfg(target_os = "linux")]
fn watched(team: &Team, with_key: bool, arguments: &[&str]) -> (Vec<(String, bool)>, Vec<String>) {
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new("strace");
    // -s: whole paths; what is read or written is not traced.
    let calls = "trace=%file,connect,sendto,bind,execve";
    command.args(["-f", "-qq", "-s", "4096", "-e", calls, "-e", "signal=none", "-o"]).arg(log.path());
    command.arg(assert_cmd::cargo::cargo_bin!("keycomb")).args(arguments);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("LANG", "C.UTF-8");
    if with_key {
        let key = team.sandbox.management_key();
        command.env("HONEYCOMB_KEY_ID", &key.id).env("HONEYCOMB_KEY_SECRET", &key.secret);
    }
    let ran = command
        .current_dir(team.folder.path())
        .output()
        .expect("this test needs strace: apt-get install strace");
    let ran: Ran = ran.into();
    assert_eq!(ran.exit, 0, "strace needs leave to trace (SYS_PTRACE in a container): {}", ran.stderr);
    let text = fs::read_to_string(log.path()).unwrap();
    let (mut opened, mut reached) = (vec![], vec![]);
    for line in joined(&text).iter().filter(|line| !line.contains("= -1 ")) {
        let call = line.split_whitespace().nth(1).unwrap().split('(').next().unwrap();
        match call {
            "connect" | "sendto" | "bind" => reached.push(line.to_owned()),
            "openat" | "open" | "creat" | "execve" => {
                let path = line.split('"').nth(1).unwrap_or_default().to_owned();
                let writes =
                    ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"].iter().any(|flag| line.contains(flag));
                opened.push((path, writes || call == "creat"));
            }
            // Looks, and does not open; but these leave something behind.
            call if [
                "rename", "unlink", "mkdir", "rmdir", "link", "symlink", "chmod", "chown", "truncate",
                "utime", "mknod",
            ]
            .iter()
            .any(|changes| call.starts_with(changes)) =>
            {
                opened.push((line.to_owned(), true));
            }
            _ => {}
        }
    }
    assert!(opened.iter().any(|(path, _)| path.ends_with("keycomb.toml")), "strace saw nothing: {text}");
    (opened, reached)
}

/// One line for each call: what another thread interrupted is put together again.
#[cfg(target_os = "linux")]
fn joined(log: &str) -> Vec<String> {
    let mut begun: BTreeMap<&str, &str> = BTreeMap::new();
    let mut lines = vec![];
    for line in log.lines() {
        let (thread, rest) = line.split_once(' ').unwrap();
        if let Some(start) = line.strip_suffix(" <unfinished ...>") {
            begun.insert(thread, start);
        } else if rest.trim_start().starts_with("<... ") {
            let start = begun.remove(thread).unwrap_or_else(|| panic!("nothing begun: {line}"));
            lines.push(format!("{start}{}", rest.split_once("resumed>").unwrap().1));
        } else if rest.contains('(') {
            lines.push(line.to_owned());
        }
    }
    // A thread that ended with the program.
    lines.extend(begun.values().map(|start| (*start).to_owned()));
    lines
}

/// What the system opens for any program, and what the runtime asks of it.
#[cfg(target_os = "linux")]
fn is_the_systems(path: &str) -> bool {
    let program = assert_cmd::cargo::cargo_bin!("keycomb");
    let libraries = [
        "/lib",
        "/usr/lib",
        "/etc/ld.so",
        "/proc/",
        "/sys/fs/cgroup",
        "/sys/devices/system/cpu",
        "/dev/null",
    ];
    Path::new(path) == program || libraries.iter().any(|folder| path.starts_with(folder))
}

/// All files, and what they hold.
fn contents(team: &Team) -> BTreeSet<(std::path::PathBuf, Vec<u8>)> {
    files(team.folder.path()).into_iter().map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn planning_reads_nothing_but_the_folder_and_writes_nothing() {
    let team = drifted();
    save(&team, &[]);
    let before = contents(&team);
    let mine = team.folder.path().to_str().unwrap().to_owned();
    let is_mine = |path: &str| !path.starts_with('/') || path.starts_with(&mine);
    let (opened, reached) = watched(&team, false, &["plan", "--snapshot", "saved.json"]);
    let others: Vec<_> = opened.iter().filter(|(path, _)| !is_mine(path) && !is_the_systems(path)).collect();
    assert!(others.is_empty(), "from a snapshot: {others:#?}");
    let written: Vec<_> = opened.iter().filter(|(path, writes)| *writes && path != "/dev/null").collect();
    assert!(written.is_empty(), "from a snapshot: {written:#?}");
    assert!(reached.is_empty(), "from a snapshot: {reached:#?}");
    let read: BTreeSet<&str> =
        opened.iter().map(|(path, _)| path.as_str()).filter(|path| is_mine(path)).collect();
    let names = ["keycomb.toml", "keycomb.sealed.toml", "saved.json"];
    assert!(names.iter().all(|name| read.iter().any(|path| path.ends_with(name))), "{read:?}");

    assert_eq!(contents(&team), before, "something was changed");

    // Nothing that the record does not know, so that git is not asked.
    let team = Team::new();
    team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    let before = contents(&team);
    let mine = team.folder.path().to_str().unwrap().to_owned();
    let is_mine = |path: &str| !path.starts_with('/') || path.starts_with(&mine);
    let (opened, reached) = watched(&team, true, &["plan"]);
    let mut others: Vec<&str> = opened
        .iter()
        .map(|(path, _)| path.as_str())
        .filter(|path| !is_mine(path) && !is_the_systems(path))
        .collect();
    // The certificates that the system trusts, and names of hosts.
    let allowed = [
        "/etc/ssl",
        "/etc/pki",
        "/usr/share/ca-certificates",
        "/usr/local/share/ca-certificates",
        "/etc/resolv.conf",
        "/etc/hosts",
        "/etc/nsswitch.conf",
        "/etc/host.conf",
        "/etc/gai.conf",
    ];
    others.retain(|path| !allowed.iter().any(|folder| path.starts_with(folder)));
    assert!(others.is_empty(), "{others:#?}");
    let written: Vec<_> = opened.iter().filter(|(path, writes)| *writes && path != "/dev/null").collect();
    assert!(written.is_empty(), "{written:#?}");
    let service = team.sandbox.endpoint().rsplit_once(':').unwrap().1.to_owned();
    let elsewhere: Vec<_> = reached
        .iter()
        .filter(|line| line.contains("sin") && !line.contains(&format!("htons({service})")))
        .collect();
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
    assert_eq!(contents(&team), before, "something was changed");
}

#[cfg(target_os = "linux")]
#[test]
fn a_call_that_another_thread_interrupted_is_seen() {
    let log = "1 openat(AT_FDCWD, \"a\", O_RDONLY <unfinished ...>\n2 openat(AT_FDCWD, \"b\", O_RDONLY) = 3\n\
               1 <... openat resumed>) = 4\n1 +++ exited with 0 +++\n2 openat(AT_FDCWD, \"c\" <unfinished ...>\n";
    let expected = [
        "2 openat(AT_FDCWD, \"b\", O_RDONLY) = 3",
        "1 openat(AT_FDCWD, \"a\", O_RDONLY) = 4",
        "2 openat(AT_FDCWD, \"c\"",
    ];
    assert_eq!(joined(log), expected);
}

/// What was made since would look as if it were gone.
#[test]
fn a_snapshot_that_is_older_than_the_record_is_refused() {
    let team = drifted();
    save(&team, &[]);
    // The service's clock counts whole seconds at some places.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    team.run(&["rotate", "key.staging.ci", "--yes"]).exits(0);
    let ran = Ran::from(alone(&team, &["plan", "--snapshot", "saved.json"]).output().unwrap()).exits(3);
    assert!(ran.stderr.contains("older than the sealed file"), "{}", ran.stderr);
}
