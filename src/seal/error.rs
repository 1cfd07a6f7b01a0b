//! What can go wrong with the sealed file, its journal, its lock, and the secrets in it.

use std::io;
use std::path::{Path, PathBuf};

use miette::Diagnostic;

use super::IdentityProblem;
use super::merge::Unrelated;
use super::text::TextError;
use crate::model::{Address, Endpoint, TeamSlug};
use crate::ports::KeepError;

/// The sealed file cannot be used. Never holds a secret or text out of a file.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[non_exhaustive]
pub enum SealError {
    /// The system refused.
    #[error("cannot {doing} `{}`", path.display())]
    #[diagnostic(help("check that the folder exists, is writable, and that its disk is not full"))]
    Io {
        /// What was being done: "open", "read", "lock" …
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process works with the file.
    #[error("`{}` is in use by {holder}", path.display())]
    #[diagnostic(help("wait until it has ended, then run again; the lock ends with the process"))]
    Locked {
        /// The sealed file.
        path: PathBuf,
        /// Who, as the lock file says: process, host, user, start, command.
        holder: String,
    },
    /// The file system takes no locks.
    #[error("cannot lock `{}`", path.display())]
    #[diagnostic(help(
        "without a lock two applies could write the sealed file at once: keep it on a file system that has locks (some \
         network and FUSE mounts have none)"
    ))]
    NoLock {
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Not a regular file.
    #[error("`{}` is {kind}; expected a regular file", path.display())]
    #[diagnostic(help("name the file itself in `[seal] file`; keycomb writes through no link"))]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// Larger than any record.
    #[error("`{}` is larger than 512 MiB; this is no sealed file", path.display())]
    #[diagnostic(help("check `[seal] file`"))]
    TooLarge {
        /// The path.
        path: PathBuf,
    },
    /// The file is there but is no sealed file.
    #[error("cannot use `{}`", path.display())]
    #[diagnostic(help("{}", help_with(path, problem)))]
    Unreadable {
        /// The sealed file.
        path: PathBuf,
        /// Why.
        #[source]
        problem: TextError,
    },
    /// Not UTF-8.
    #[error("`{}` is not UTF-8; this is no sealed file", path.display())]
    #[diagnostic(help("take the last good version from your version control"))]
    NotText {
        /// The sealed file.
        path: PathBuf,
    },
    /// Written by a newer keycomb.
    #[error("`{}` has format {found}; this keycomb knows {known}", path.display())]
    #[diagnostic(help("use a newer keycomb; this one has changed nothing"))]
    NewerVersion {
        /// The sealed file or its journal.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest one that this version reads.
        known: u32,
    },
    /// It belongs to another team.
    #[error("`{}` belongs to team `{found}`; expected `{expected}`", path.display())]
    #[diagnostic(help("name another file in `[seal] file`, or the right team in `[honeycomb] team`"))]
    OtherTeam {
        /// The sealed file or its journal.
        path: PathBuf,
        /// Its team.
        found: TeamSlug,
        /// The configured team.
        expected: TeamSlug,
    },
    /// It belongs to another service.
    #[error("`{}` belongs to `{found}`; expected `{expected}`", path.display())]
    #[diagnostic(help("name another file in `[seal] file`, or the right region in `[honeycomb] region`"))]
    OtherEndpoint {
        /// The sealed file or its journal.
        path: PathBuf,
        /// Its service.
        found: Endpoint,
        /// The configured service.
        expected: Endpoint,
    },
    /// A journal that is no journal of this file.
    #[error("`{}` is the journal of another sealed file: lineage `{found}`; expected `{expected}`", path.display())]
    #[diagnostic(help(
        "move the journal back beside its own sealed file; it may hold the only copy of a secret"
    ))]
    ForeignJournal {
        /// The journal.
        path: PathBuf,
        /// Its lineage.
        found: String,
        /// The sealed file's lineage.
        expected: String,
    },
    /// A line of the journal is damaged, and it is not the torn end that a crash leaves.
    #[error("`{}`, line {line}: damaged", path.display())]
    #[diagnostic(help(
        "keep a copy of the journal: it may hold the only copy of a secret, and each armored block in it opens with \
         `age`. Moved aside, it is in nobody's way: `keycomb plan` then shows every key that only it knew as one that exists"
    ))]
    DamagedJournal {
        /// The journal.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
    /// The sealed file was changed by others since the journal was begun.
    #[error(
        "`{}` was begun on serial {begun} of the sealed file, which is {found} now and has other content",
        path.display()
    )]
    #[diagnostic(help(
        "an apply was cut off, and the sealed file was changed before it could be ended. Move the file away, to \
         `theirs.toml`; put serial {begun} of it back (`git log -G '^serial = {begun}$'` names the commit) and copy it to \
         `base.toml`; then `keycomb secrets merge base.toml {} theirs.toml` takes the journal in and joins the two",
        sealed_of(path)
    ))]
    Diverged {
        /// The journal.
        path: PathBuf,
        /// The serial it was begun on.
        begun: u64,
        /// What is there: "at serial 7", or "gone".
        found: String,
    },
    /// Two files that are not versions of one.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Unrelated(#[from] Unrelated),
    /// A merge was asked for, and there is nothing to merge.
    #[error("`{}` is not there, or is empty", path.display())]
    #[diagnostic(help(
        "a merge needs two versions of the sealed file: OURS and THEIRS; only BASE may be empty"
    ))]
    NoVersion {
        /// The file.
        path: PathBuf,
    },
    /// Nobody to seal to.
    #[error("there are no recipients to seal to")]
    #[diagnostic(help("name at least one in `[seal.recipients]`"))]
    NoRecipients,
    /// Too few recipients have proven that they can open what is sealed to them.
    #[error("{proven} of the recipients have proven themselves; `min_proven` asks for {wanted}")]
    #[diagnostic(help("their holders run `keycomb secrets prove -i IDENTITY` once"))]
    Unproven {
        /// How many have.
        proven: usize,
        /// How many must have.
        wanted: u32,
    },
    /// A recipient that nothing can be sealed to.
    #[error("cannot seal to recipient `{name}`: {problem}")]
    #[diagnostic(help("replace it in `[seal.recipients]`"))]
    Recipient {
        /// Its name in the configuration.
        name: String,
        /// Why.
        problem: String,
    },
    /// Sealing failed.
    #[error("cannot seal: {problem}")]
    #[diagnostic(help("nothing was enabled; run again"))]
    Seal {
        /// Why.
        problem: String,
    },
    /// The record could not be kept.
    #[error("the record cannot be kept")]
    #[diagnostic(help(
        "free space or mend the folder, then run the same command again; if a journal is beside the file, keep it: it holds \
         what could be written down"
    ))]
    Keep(#[source] KeepError),
    /// An identity that cannot be used.
    #[error("cannot use identity `{name}`: {problem}")]
    #[diagnostic(help("{}", problem.advice()))]
    Identity {
        /// The file, or "standard input".
        name: String,
        /// Why.
        problem: IdentityProblem,
    },
    /// No secret was ever given to keycomb.
    #[error("the secret of `{address}` is unavailable: the key was adopted")]
    #[diagnostic(help("the service shows a secret once; only a new key has a secret that keycomb can seal"))]
    NoSecret {
        /// The key.
        address: Address,
    },
    /// None of the identities opens it.
    #[error("no identity given opens `{address}`; it is sealed to {recipients}")]
    #[diagnostic(help("use the identity of one of them: `-i FILE`"))]
    WrongIdentity {
        /// The key.
        address: Address,
        /// The names of its recipients, in backquotes, with their fingerprints.
        recipients: String,
    },
    /// The armored block is not whole.
    #[error("the sealed secret of `{address}` is damaged")]
    #[diagnostic(help("take the entry's last good version from your version control"))]
    Damaged {
        /// The key.
        address: Address,
    },
    /// The armored block was sealed for something else.
    #[error("the sealed secret in the entry of `{address}` is not this entry's: {differs}")]
    #[diagnostic(help("an entry was moved or copied; take its last good version from your version control"))]
    Moved {
        /// The key whose entry was opened.
        address: Address,
        /// What differs, and both values.
        differs: String,
    },
    /// What is inside is no credential that keycomb seals: anybody can seal to public recipients.
    #[error("the sealed secret in the entry of `{address}` is forged: {problem}")]
    #[diagnostic(help(
        "nothing of it was used: find out who changed the sealed file, and take the entry's last good version from your \
         version control"
    ))]
    Forged {
        /// The key whose entry was opened.
        address: Address,
        /// What is wrong with it; nothing of what it holds.
        problem: &'static str,
    },
}

/// What to do about a file that is no sealed file; with the very commands where a merge was left undone.
fn help_with(path: &Path, problem: &TextError) -> String {
    let TextError::Conflict { .. } = problem else {
        return problem.help().map_or_else(String::new, |help| help.to_string());
    };
    let folder = super::disk::folder_of(path).display().to_string();
    let git = if folder == "." { "git".to_owned() } else { format!("git -C {folder}") };
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let file = path.display();
    format!(
        "drop no entry by hand, it may be the only copy of a live secret. Join the versions that git has of it:\n\
         {git} show :1:./{name} > base.toml\n\
         {git} show :2:./{name} > ours.toml\n\
         {git} show :3:./{name} > theirs.toml\n\
         keycomb secrets merge base.toml ours.toml theirs.toml\n\
         mv ours.toml {file}; git add {file}\n\
         Committed already? Then ours is `HEAD^1:./{name}`, theirs `HEAD^2:./{name}`, and base.toml an empty file. With the \
         merge driver (`keycomb secrets merge --help`) git does it by itself."
    )
}

/// The sealed file that a journal belongs to.
fn sealed_of(journal: &Path) -> String {
    let journal = journal.display().to_string();
    journal.strip_suffix(".journal").map_or(journal.clone(), ToOwned::to_owned)
}

impl SealError {
    pub(super) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), source }
    }

    pub(super) fn text(path: &Path, problem: TextError) -> Self {
        let path = path.to_owned();
        match problem {
            TextError::NewerVersion { found } => {
                Self::NewerVersion { path, found, known: super::text::VERSION }
            }
            problem => Self::Unreadable { path, problem },
        }
    }
}
