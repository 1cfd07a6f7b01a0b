//! Every version of every file that git remembers, each once, with the commit that brought it; and what commits say.

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use super::managed::Managed;
use super::text::{self, Buffer};
use super::{Counts, Found, is_about_honeycomb};
use crate::cli::git;

/// All commits, the oldest first; each with what it says and with the blobs it brought.
const LOG: &[&str] = &[
    "log",
    "--all",
    "--reflog",
    "--full-history",
    "--reverse",
    "--topo-order",
    "-m",
    "--root",
    "--raw",
    "-z",
    "--no-abbrev",
    "--no-renames",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-notes",
    "--no-show-signature",
    // No message has a NUL, so none can pass for a line of ours.
    "--format=%x00commit %H%x00%B%x00",
];

/// Longer than any path, or any message that matters.
const LONGEST: u64 = 1024 * 1024;

/// Looks through the history of the repository that `folder` is in. `home` is the sealed file's name.
///
/// # Errors
/// What git could not do.
pub(super) fn scan(
    folder: &Path,
    home: Option<&str>,
    managed: &Managed,
    found: &mut Vec<Found>,
) -> Result<Counts, &'static str> {
    let mut log = start(folder, LOG, Stdio::null())?;
    let mut cat = start(folder, &["cat-file", "--batch"], Stdio::piped())?;
    let walked = walk(&mut log, &mut cat, home, managed, found);
    // `cat-file` waits for more as long as its stdin is open.
    drop(cat.stdin.take());
    let _ = cat.kill();
    let _ = cat.wait();
    if walked.is_err() {
        let _ = log.kill();
    }
    match log.wait() {
        Ok(status) if status.success() || walked.is_err() => {
            walked.map(|counts| Counts { is_shallow: is_shallow(folder), ..counts })
        }
        _ => Err("git finds no repository there, or does not trust it (`safe.directory`)"),
    }
}

fn is_shallow(folder: &Path) -> bool {
    let asked = git::command(folder)
        .and_then(|mut command| command.args(["rev-parse", "--is-shallow-repository"]).output().ok());
    asked.is_some_and(|asked| asked.stdout.starts_with(b"true"))
}

fn start(folder: &Path, arguments: &[&str], stdin: Stdio) -> Result<Child, &'static str> {
    let mut command = git::command(folder).ok_or("there is no `git` in PATH")?;
    command.args(arguments).stdin(stdin).spawn().map_err(|_| "`git` could not be started")
}

fn walk(
    log: &mut Child,
    cat: &mut Child,
    home: Option<&str>,
    managed: &Managed,
    found: &mut Vec<Found>,
) -> Result<Counts, &'static str> {
    let (Some(log), Some(stdin), Some(stdout)) = (log.stdout.take(), cat.stdin.take(), cat.stdout.take())
    else {
        return Err("`git` could not be started");
    };
    let mut blobs = Blobs { stdin, stdout: BufReader::new(stdout) };
    let mut walk = Walk {
        managed,
        found,
        counts: Counts::default(),
        seen: HashSet::new(),
        commit: String::new(),
        buffer: Buffer::new(),
    };
    let mut tokens = BufReader::new(log);
    let mut token = Vec::new();
    while next(&mut tokens, &mut token)? {
        let text = String::from_utf8_lossy(&token).into_owned();
        // The line break that git puts between a commit's head and its changes.
        let text = text.trim_start_matches('\n');
        if let Some(hash) = text.strip_prefix("commit ") {
            walk.commit = hash.chars().take(12).collect();
            next(&mut tokens, &mut token)?;
            walk.message(&token);
        } else if let Some(change) = text.strip_prefix(':') {
            next(&mut tokens, &mut token)?;
            let path = String::from_utf8_lossy(&token).into_owned();
            if let Some(blob) = blob_of(change).filter(|_| !is_home(&path, home)) {
                walk.blob(blob, &path, &mut blobs)?;
            }
        }
    }
    Ok(walk.counts)
}

/// The sealed file, in whatever folder it was: ids belong there.
fn is_home(path: &str, home: Option<&str>) -> bool {
    let name = Path::new(path).file_name().and_then(|name| name.to_str());
    name.is_some() && name == home
}

/// Up to the next NUL; `false` at the end.
fn next(tokens: &mut impl BufRead, token: &mut Vec<u8>) -> Result<bool, &'static str> {
    token.clear();
    let read = tokens.by_ref().take(LONGEST).read_until(0, token);
    let read = read.map_err(|_| "what git printed could not be read")?;
    if token.last() == Some(&0) {
        token.pop();
        return Ok(true);
    }
    // The rest of one that is longer than any that matters.
    if read as u64 == LONGEST {
        let mut rest = Vec::new();
        tokens
            .by_ref()
            .take(64 * LONGEST)
            .read_until(0, &mut rest)
            .map_err(|_| "what git printed is too long")?;
    }
    Ok(read > 0)
}

/// The new blob of `:OLDMODE NEWMODE OLD NEW STATUS`; `None` for what was taken out, links and submodules.
fn blob_of(change: &str) -> Option<&str> {
    let mut words = change.split(' ');
    let mode = words.nth(1)?;
    let blob = words.nth(1)?;
    let is_hash = matches!(blob.len(), 40 | 64) && blob.bytes().all(|byte| byte.is_ascii_hexdigit());
    (mode.starts_with("100") && is_hash && blob.bytes().any(|byte| byte != b'0')).then_some(blob)
}

struct Walk<'a> {
    managed: &'a Managed,
    found: &'a mut Vec<Found>,
    counts: Counts,
    seen: HashSet<u128>,
    commit: String,
    buffer: Buffer,
}

impl Walk<'_> {
    fn message(&mut self, message: &[u8]) {
        let mut hits = vec![];
        // From memory it can always be read.
        let _ = text::look(message, false, self.managed, &mut self.buffer, &mut hits);
        self.put("(message)", hits);
    }

    fn blob(&mut self, blob: &str, path: &str, blobs: &mut Blobs) -> Result<(), &'static str> {
        // Half of a hash tells all blobs of a repository apart.
        let key = blob.get(..32).and_then(|half| u128::from_str_radix(half, 16).ok());
        if !key.is_some_and(|key| self.seen.insert(key)) {
            return Ok(());
        }
        let mut hits = vec![];
        let hint = is_about_honeycomb(Path::new(path));
        let (managed, buffer) = (self.managed, &mut self.buffer);
        match blobs.read(blob, |content| text::look(content, hint, managed, buffer, &mut hits)) {
            Ok(Some(looked)) => self.counts.add(&Ok(looked)),
            // A partial clone lacks it.
            Ok(None) => self.counts.unread += 1,
            Err(_) => return Err("what git printed could not be read"),
        }
        self.put(path, hits);
        Ok(())
    }

    fn put(&mut self, path: &str, hits: Vec<text::Hit>) {
        let (path, commit) = (path.to_owned(), self.commit.clone());
        let found = |hit| Found { path: path.clone(), commit: Some(commit.clone()), hit };
        self.found.extend(hits.into_iter().map(found));
    }
}

/// A running `git cat-file --batch`.
struct Blobs {
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Blobs {
    /// `None` where git does not have it.
    fn read<T>(
        &mut self,
        blob: &str,
        look: impl FnOnce(&mut dyn Read) -> io::Result<T>,
    ) -> io::Result<Option<T>> {
        writeln!(self.stdin, "{blob}")?;
        self.stdin.flush()?;
        let mut head = String::new();
        self.stdout.by_ref().take(256).read_line(&mut head)?;
        let Some(length) = head.trim_end().strip_prefix(blob).and_then(|rest| rest.strip_prefix(" blob "))
        else {
            return Ok(None);
        };
        let length: u64 = length.parse().map_err(io::Error::other)?;
        let mut content = self.stdout.by_ref().take(length);
        let looked = look(&mut content)?;
        io::copy(&mut content, &mut io::sink())?;
        // The line break after it.
        self.stdout.read_exact(&mut [0])?;
        Ok(Some(looked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_new_contents_of_files_are_read() {
        let (old, new, none) = ("a".repeat(40), "b".repeat(40), "0".repeat(40));
        assert_eq!(blob_of(&format!("100644 100755 {old} {new} M")), Some(new.as_str()));
        assert_eq!(blob_of(&format!("000000 100644 {none} {new} A")), Some(new.as_str()));
        for change in [
            format!("100644 000000 {old} {none} D"),
            format!("000000 120000 {none} {new} A"),
            format!("000000 160000 {none} {new} A"),
            format!("000000 100644 {none} {new}x A"),
            "100644".to_owned(),
            String::new(),
        ] {
            assert_eq!(blob_of(&change), None, "{change}");
        }
    }

    #[test]
    fn what_is_longer_than_anything_that_matters_is_passed_over() {
        let mut bytes = vec![b'x'; usize::try_from(LONGEST).unwrap() + 10];
        bytes.extend(b"\0commit a\0");
        let mut reader = BufReader::new(bytes.as_slice());
        let mut token = Vec::new();
        assert!(next(&mut reader, &mut token).unwrap());
        assert!(next(&mut reader, &mut token).unwrap());
        assert_eq!(token, b"commit a");
        assert!(!next(&mut reader, &mut token).unwrap());
    }
}
