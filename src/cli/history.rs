//! Looks for keys in the versions of the sealed file that git remembers.
//!
//! One `git log`, bounded in time and output. Of what it prints only ids that were asked for and commits are taken.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::git;
use crate::model::KeyId;

/// How long a search may take.
pub const LIMIT: Duration = Duration::from_secs(10);

/// What a search found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Searched {
    /// The keys that an older version has, each with a commit (12 hex digits) whose version of the file has it.
    pub commits: BTreeMap<KeyId, String>,
    /// Why keys that were not found may be in an older version all the same.
    pub unsure: Option<&'static str>,
}

/// Looks for keys in all versions of a file that any branch, tag or reflog of its repository leads to. Blocks.
pub fn search(file: &Path, wanted: BTreeSet<KeyId>, limit: Duration) -> Searched {
    if wanted.is_empty() {
        return Searched::default();
    }
    let unsure = |why| Searched { unsure: Some(why), ..Searched::default() };
    let Some(mut command) = log_of(file) else { return unsure("there is no `git` in PATH") };
    let Ok(mut child) = command.spawn() else { return unsure("`git` could not be started") };
    let Some(stdout) = child.stdout.take() else { return unsure("`git` could not be started") };
    let searched = listen(&mut child, stdout, wanted, Instant::now() + limit);
    // Also when it was not waited for to the end. What it may have started itself is left to see its pipe closed.
    let _ = child.kill();
    let _ = child.wait();
    searched
}

/// The newest commit (12 hex digits) that any branch, tag or reflog leads to and that put this file there or changed it;
/// `None` where git knows none, or cannot be asked within the limit. Blocks.
pub fn holder_of(file: &Path, limit: Duration) -> Option<String> {
    let mut command = git::command(folder_of(file))?;
    command.args(["log", "--all", "--reflog", "--full-history", "-m", "--no-renames", "--no-show-signature"]);
    command.args(["--diff-filter=AM", "--max-count=1", "--format=%H", "--"]).arg(file.file_name()?);
    let mut child = command.spawn().ok()?;
    let stdout = child.stdout.take()?;
    let (sender, receiver) = mpsc::channel();
    // Not waited for: see `listen`.
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = BufReader::new(stdout.take(LONGEST)).read_line(&mut line);
        let _ = sender.send(read.ok().and_then(|_| short(line.trim_end())));
    });
    let found = receiver.recv_timeout(limit).ok().flatten();
    let _ = child.kill();
    let _ = child.wait();
    found
}

/// The content of the version of a file that a commit has; `None` where git has none, or cannot be asked within the limit.
/// Blocks.
pub fn version(file: &Path, commit: &str, limit: Duration) -> Option<String> {
    let name = file.file_name()?.to_str()?;
    let mut command = git::command(folder_of(file))?;
    command.args(["cat-file", "blob", &format!("{commit}:./{name}")]);
    let mut child = command.spawn().ok()?;
    let stdout = child.stdout.take()?;
    let (sender, receiver) = mpsc::channel();
    // Not waited for: see `listen`.
    std::thread::spawn(move || {
        let mut text = String::new();
        let read = stdout.take(LARGEST_VERSION).read_to_string(&mut text);
        let _ = sender.send(read.ok().map(|_| text));
    });
    let found = receiver.recv_timeout(limit).ok().flatten();
    let _ = child.kill();
    let _ = child.wait();
    found.filter(|text| !text.is_empty())
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Every change of the file, newest first; those of merges against each parent, since a merge is where entries get lost.
const LOG: &[&str] = &[
    "log",
    "--all",
    "--reflog",
    "--full-history",
    "--format=commit %H %P%nrefs %D",
    "--patch",
    "-m",
    "--unified=0",
    "--inter-hunk-context=0",
    "--text",
    "--no-color",
    "--no-renames",
    "--no-ext-diff",
    "--no-textconv",
    "--no-notes",
    "--no-show-signature",
];

fn log_of(file: &Path) -> Option<Command> {
    let mut command = git::command(folder_of(file))?;
    command.args(LOG).arg("--").arg(file.file_name()?);
    Some(command)
}

/// What the reading thread has to say.
#[derive(Debug)]
enum Said {
    Found(KeyId, String),
    Shallow,
    /// All is read, or all is found.
    Over,
}

fn listen(child: &mut Child, stdout: ChildStdout, wanted: BTreeSet<KeyId>, until: Instant) -> Searched {
    let (sender, receiver) = mpsc::channel();
    let mut missing = wanted.len();
    // Not waited for: a pipe that a child of git keeps open would hold it.
    std::thread::spawn(move || read(stdout, wanted, &sender));
    let mut searched = Searched::default();
    loop {
        match receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Said::Found(id, commit)) => {
                missing -= usize::from(searched.commits.insert(id, commit).is_none());
            }
            Ok(Said::Shallow) => {
                searched.unsure = Some("the clone is shallow: `git fetch --unshallow` gets the rest");
            }
            Ok(Said::Over) => break,
            Err(RecvTimeoutError::Timeout) => return Searched { unsure: Some(TOO_LONG), ..searched },
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    if missing == 0 {
        return Searched { unsure: None, ..searched };
    }
    match wait(child, until) {
        None => Searched { unsure: Some(TOO_LONG), ..searched },
        Some(status) if !status.success() => {
            let why = "git finds no repository there, or does not trust it (`safe.directory`)";
            Searched { unsure: Some(why), ..searched }
        }
        Some(_) => searched,
    }
}

const TOO_LONG: &str = "git took too long";

fn wait(child: &mut Child, until: Instant) -> Option<ExitStatus> {
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if Instant::now() >= until {
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// More than any sealed file.
const LARGEST_VERSION: u64 = 64 * 1024 * 1024;
/// More than any history's changes.
const LARGEST: u64 = 4 * 1024 * 1024 * 1024;
/// Longer than any line that matters.
const LONGEST: u64 = 4096;

fn read(stdout: impl Read, mut wanted: BTreeSet<KeyId>, said: &Sender<Said>) {
    let mut lines = BufReader::new(stdout.take(LARGEST));
    let mut line = Vec::new();
    let mut at = Commit::default();
    let mut is_start = true;
    while !wanted.is_empty() {
        line.clear();
        match lines.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        let is_whole = line.ends_with(b"\n");
        if is_start
            && is_whole
            && let Ok(text) = std::str::from_utf8(&line)
        {
            let text = text.trim_end_matches(['\n', '\r']);
            if let Some(commit) = Commit::parse(text) {
                at = commit;
            } else if text
                .strip_prefix("refs ")
                .is_some_and(|refs| refs.split(", ").any(|one| one == "grafted"))
            {
                let _ = said.send(Said::Shallow);
            } else if let Some((id, commit)) = at.holder(text)
                && wanted.remove(&id)
            {
                let _ = said.send(Said::Found(id, commit.to_owned()));
            }
        }
        is_start = is_whole;
    }
    let _ = said.send(Said::Over);
}

/// A commit and its parents, each 12 hex digits.
#[derive(Debug, Default, PartialEq, Eq)]
struct Commit {
    id: String,
    parents: Vec<String>,
}

impl Commit {
    /// `commit HASH PARENT …`
    fn parse(line: &str) -> Option<Self> {
        let mut hashes = line.strip_prefix("commit ")?.split_ascii_whitespace().map(short);
        let id = hashes.next()??;
        Some(Self { id, parents: hashes.collect::<Option<_>>()? })
    }

    /// The id in a line that this commit added or took out, and the commit that has it: this one, or its only parent.
    fn holder(&self, line: &str) -> Option<(KeyId, &str)> {
        let holder = match (line.as_bytes().first()?, self.parents.as_slice()) {
            (b'+', _) => self.id.as_str(),
            (b'-', [parent]) => parent.as_str(),
            _ => return None,
        };
        let id = line.get(1..)?.strip_prefix("id = \"")?.strip_suffix('"')?;
        Some((KeyId::new(id).ok()?, holder)).filter(|_| !holder.is_empty())
    }
}

/// The beginning of a hash, if it is one.
fn short(hash: &str) -> Option<String> {
    let is_hash = matches!(hash.len(), 40 | 64) && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| hash.get(..12).map(ToOwned::to_owned))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(texts: &[&str]) -> BTreeSet<KeyId> {
        texts.iter().map(|text| KeyId::new(*text).unwrap()).collect()
    }

    fn read_all(text: &[u8], wanted: &[&str]) -> (Vec<(String, String)>, bool) {
        let (sender, receiver) = mpsc::channel();
        read(text, ids(wanted), &sender);
        drop(sender);
        let (mut found, mut shallow) = (vec![], false);
        for said in receiver {
            match said {
                Said::Found(id, commit) => found.push((id.to_string(), commit)),
                Said::Shallow => shallow = true,
                Said::Over => {}
            }
        }
        (found, shallow)
    }

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    #[test]
    fn what_a_commit_added_it_has_and_what_it_took_out_its_parent_has() {
        let text = format!(
            "commit {A} {B}\nrefs HEAD -> main\n\n@@ -1 +1 @@ id = \"k3\"\n-id = \"k1\"\n+id = \"k2\"\r\n id = \"k3\"\n\
             commit {B}\nrefs \n+id = \"k1\"\n"
        );
        let (found, shallow) = read_all(text.as_bytes(), &["k1", "k2", "k3"]);
        let expected = [("k1", "bbbbbbbbbbbb"), ("k2", "aaaaaaaaaaaa")];
        assert_eq!(found, expected.map(|(id, commit)| (id.to_owned(), commit.to_owned())));
        assert!(!shallow);
    }

    #[test]
    fn what_a_merge_took_out_is_not_said_of_a_parent() {
        let (found, shallow) =
            read_all(format!("commit {A} {B} {A}\nrefs grafted, x\n-id = \"k1\"\n").as_bytes(), &["k1"]);
        assert_eq!((found.len(), shallow), (0, true));
    }

    #[test]
    fn nothing_but_ids_and_hashes_is_taken() {
        let long = "x".repeat(5000);
        for text in [
            "+id = \"k1\"\n".to_owned(),
            format!("commit {A}x\n+id = \"k1\"\n"),
            "commit \u{1b}[31mred\n+id = \"k1\"\n".to_owned(),
            format!("commit {A}\n+id = \"k1\u{1b}[31m\"\n+id = \"k1\n++id = \"k1\"\n+id='k1'\n"),
            format!("commit {A}\n+{long}+id = \"k1\"\n"),
            // A line whose end looks like one of ours when it is cut.
            format!("commit {A}\n+{}\n+id = \"k1\"", "y".repeat(4095)),
        ] {
            assert_eq!(read_all(text.as_bytes(), &["k1"]).0, [], "{text}");
        }
        let mut bytes = format!("commit {A}\n").into_bytes();
        bytes.extend(b"+\xff\xfe\n+id = \"k1\"\n");
        assert_eq!(read_all(&bytes, &["k1"]).0.len(), 1);
    }
}
