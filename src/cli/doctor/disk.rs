//! What is on this machine: recipients, the sealed file, its journal and lock, the stored login.

use std::collections::BTreeSet;
use std::path::Path;

use super::line::Line;
use crate::cli::exit::Exit;
use crate::cli::private_file;
use crate::cli::session::Machine;
use crate::cli::stored;
use crate::model::{Address, Desired, Sealed, Timestamp, counted};
use crate::seal::{self, SealError};

/// Whether every recipient can be sealed to, and who has shown that it can open.
pub(super) fn recipients(desired: &Desired, sealed: Option<&Sealed>) -> Line {
    const NAME: &str = "recipients";
    let settings = &desired.seal;
    let all: Vec<_> = settings.recipients.iter().map(|(name, key)| (name.as_str(), key)).collect();
    if all.is_empty() {
        return Line::warn(
            NAME,
            "none is declared, so no key can be made",
            "add one under [seal.recipients]",
        );
    }
    if let Err(error) = seal::try_recipients(&all) {
        let fix = "give another public key for it under [seal.recipients]";
        return Line::fail(NAME, Exit::Seal, error.to_string(), Some(fix));
    }
    let is_proven = |(_, key): &&(&str, &crate::model::Recipient)| sealed.is_some_and(|s| s.is_proven(key));
    let proven = all.iter().filter(is_proven).count();
    let found = format!(
        "{} declared and fit to seal to; {proven} proven, min_proven is {}",
        all.len(),
        settings.min_proven
    );
    let environments: BTreeSet<_> = desired.keys.keys().map(Address::environment).collect();
    let is_short = environments.iter().any(|environment| {
        let of = settings.recipients_of(environment);
        let proven = of.iter().filter(|(_, key)| sealed.is_some_and(|s| s.is_proven(key))).count();
        u32::try_from(proven).is_ok_and(|proven| proven < settings.min_proven)
    });
    let fix = "each holder runs `keycomb secrets prove -i IDENTITY`: what is sealed to a key that nobody has is lost";
    if is_short {
        Line::fail(NAME, Exit::Blocked, found, Some(fix))
    } else if proven == 0 {
        Line::warn(NAME, found, fix)
    } else {
        Line::pass(NAME, found)
    }
}

/// Whether it can be read, whose it is, and what an apply left beside it.
pub(super) fn sealed_file(desired: &Desired, path: &Path) -> (Vec<Line>, Option<Sealed>) {
    const NAME: &str = "sealed file";
    let shown = path.display();
    let sealed = match seal::read(path, Some((&desired.team, &desired.endpoint))) {
        Err(error) => return (vec![broken(NAME, &error)], None),
        Ok(None) => {
            let text = format!("there is none at `{shown}`");
            let line = Line::warn(
                NAME,
                text,
                "the first apply makes it; if there was one, get it back from git first",
            );
            return (vec![line], None);
        }
        Ok(Some(sealed)) => sealed,
    };
    let found = format!(
        "`{shown}`: lineage {}, serial {}, {}",
        sealed.lineage,
        sealed.serial,
        counted(sealed.keys.len(), "key")
    );
    let mut lines = vec![match others_may_write(path) {
        Some(mode) => Line::warn(
            NAME,
            format!("{found}; mode {mode:04o}: others can change it"),
            format!("chmod go-w {shown}"),
        ),
        None => Line::pass(NAME, found),
    }];
    match seal::left_over(path) {
        Ok(None) => {}
        Ok(Some(records)) => lines.push(Line::warn(
            "journal",
            format!("an apply is at work or was cut off: {records} records beside the sealed file"),
            "if none is at work, the next `keycomb apply` folds them; do not remove the journal",
        )),
        Err(error) => lines.push(broken("journal", &error)),
    }
    (lines, Some(sealed))
}

fn broken(name: &'static str, error: &SealError) -> Line {
    let fix = miette::Diagnostic::help(error).map(|help| help.to_string());
    Line::fail(name, Exit::Seal, error.to_string(), fix.as_deref())
}

#[cfg(unix)]
fn others_may_write(path: &Path) -> Option<u32> {
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(path).ok()?) & 0o7777;
    (mode & 0o022 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn others_may_write(_path: &Path) -> Option<u32> {
    None
}

/// Who holds the lock.
pub(super) fn lock(sealed_path: &Path) -> Line {
    const NAME: &str = "lock";
    match seal::lock_holder(sealed_path, Timestamp::now()) {
        Ok(None) => Line::pass(NAME, "free"),
        Ok(Some(holder)) => Line::warn(
            NAME,
            format!("held by {holder}"),
            "an apply ends with exit 8 until that one has ended; the lock ends with its process",
        ),
        Err(error) => broken(NAME, &error),
    }
}

/// Whether the file of stored logins is its owner's alone.
pub(super) fn stored_login() -> Line {
    const NAME: &str = "stored login";
    let Some(path) = stored::path(&Machine) else {
        return Line::pass(NAME, "none: there is no home folder to keep one in");
    };
    let Ok(found) = std::fs::metadata(&path) else {
        return Line::pass(NAME, "none");
    };
    let shown = path.display();
    match private_file::mend(&found, &path) {
        Some(mend) => Line::warn(NAME, format!("others can read or change `{shown}`; it is not used"), mend),
        None => Line::pass(NAME, format!("`{shown}`")),
    }
}
