//! What a run does to the record's files, by strace; and strace to end or refuse it there.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::point::Call;

const CALLS: &str = "openat,write,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,ftruncate,flock";

/// Fails where there is none: without it, half of this would pass by not happening.
pub fn require() {
    let found = Command::new("strace").arg("-V").output();
    assert!(
        found.is_ok_and(|output| output.status.success()),
        "these tests need strace: apt-get install strace (and leave to trace: SYS_PTRACE in a container)"
    );
}

/// strace, to be given the program. `inject` is one of its own rules.
pub fn command(sealed: &Path, log: &Path, inject: Option<&str>) -> Command {
    let mut command = Command::new("strace");
    // -s 0: what is written is no business of a log.
    command.args(["-f", "-y", "-qq", "-s", "0", "-o"]).arg(log);
    for path in files(sealed) {
        command.arg("-P").arg(path);
    }
    command.args(["-e", &format!("trace={CALLS}"), "-e", "signal=none"]);
    if let Some(inject) = inject {
        command.args(["-e", &format!("inject={inject}")]);
    }
    command
}

fn files(sealed: &Path) -> Vec<PathBuf> {
    let beside = |suffix: &str| PathBuf::from(format!("{}{suffix}", sealed.display()));
    let folder = sealed.parent().unwrap().to_owned();
    vec![sealed.to_owned(), beside(".journal"), beside(".new"), beside(".lock"), folder]
}

/// A call that was seen, with what it gave.
#[derive(Debug, Clone)]
pub struct Seen {
    pub call: Call,
    /// Whether it makes a file.
    pub creates: bool,
    /// What it gave, such as the number of bytes written.
    pub gave: Option<usize>,
}

/// Reads a log. All calls must be of one thread: strace counts for each on its own. Of a run that was ended, only the
/// first thread's are read: strace shows its last call again, under the name of another thread that ends with it.
pub fn read(log: &Path, sealed: &Path, was_ended: bool) -> Vec<Seen> {
    let text = std::fs::read_to_string(log).unwrap();
    let mut seen: Vec<Seen> = Vec::new();
    let mut thread = None;
    for line in text.lines().filter(|line| line.contains('(') && !line.contains(" resumed>")) {
        let (pid, rest) = line.split_once(' ').unwrap();
        // Of a thread that ends: `???( <detached ...>`.
        if rest.trim_start().starts_with('?') {
            continue;
        }
        if *thread.get_or_insert(pid) != pid {
            assert!(was_ended, "the record is written by two threads:\n{text}");
            continue;
        }
        let rest = rest.trim_start();
        let name = rest.split('(').next().unwrap();
        let number = seen.iter().filter(|seen| seen.call.call == name).count() + 1;
        let gave = rest.rsplit_once(" = ").and_then(|(_, gave)| gave.split(['<', ' ']).next()?.parse().ok());
        let call = Call { call: name.to_owned(), number, to: target(rest, sealed).to_owned() };
        seen.push(Seen { call, creates: rest.contains("O_CREAT"), gave });
    }
    seen
}

/// Nothing is relied on before it is durable: what is written is made so at once, and so is a new name or a lost one.
pub fn is_durable(seen: &[Seen]) -> Result<(), String> {
    let changes: Vec<&Seen> = seen.iter().filter(|one| one.call.call != "openat" || one.creates).collect();
    for (at, one) in changes.iter().enumerate() {
        let (call, to) = (one.call.call.as_str(), one.call.to.as_str());
        let made_so = match (call, to) {
            ("write", "journal" | "new") => to,
            ("rename" | "unlink", _) => "folder",
            _ => continue,
        };
        let next = changes.get(at + 1).map(|next| (next.call.call.as_str(), next.call.to.as_str()));
        if next != Some(("fsync", made_so)) {
            return Err(format!("after {call} of {to}: {next:?}"));
        }
    }
    Ok(())
}

fn target(line: &str, sealed: &Path) -> &'static str {
    let sealed = sealed.display().to_string();
    // A renaming names the new file first.
    let names = [(".journal", "journal"), (".new", "new"), (".lock", "lock")];
    let found = names.iter().find(|(suffix, _)| line.contains(&format!("{sealed}{suffix}")));
    found.map_or(if line.contains(&sealed) { "file" } else { "folder" }, |(_, name)| name)
}
