//! The files of a tree, as git would take them: what is ignored is left out, links are not followed.

use std::fs::File;
use std::path::Path;

use ignore::{DirEntry, WalkBuilder};

use super::managed::Managed;
use super::text::{self, Buffer, Looked};
use super::{Counts, Found, is_about_honeycomb};

/// Looks through a file, or through all files of a folder. What cannot be read is counted, and the rest is looked at.
pub(super) fn scan(root: &Path, managed: &Managed, with_ignored: bool, found: &mut Vec<Found>) -> Counts {
    let (mut counts, mut buffer) = (Counts::default(), Buffer::new());
    let mut walk = WalkBuilder::new(root);
    walk.hidden(false).follow_links(false).require_git(false).parents(true).filter_entry(is_wanted);
    walk.sort_by_file_name(std::ffi::OsStr::cmp);
    if with_ignored {
        walk.standard_filters(false);
    }
    for entry in walk.build() {
        let Ok(entry) = entry else {
            counts.unread += 1;
            continue;
        };
        let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
        if is_file && !managed.is_home(entry.path()) {
            look(entry.path(), managed, &mut buffer, found, &mut counts);
        }
    }
    counts
}

/// Git's own folder is looked at as history; the sandbox's keys work nowhere.
fn is_wanted(entry: &DirEntry) -> bool {
    entry.depth() == 0 || !matches!(entry.file_name().to_str(), Some(".git" | ".keycomb"))
}

fn look(path: &Path, managed: &Managed, buffer: &mut Buffer, found: &mut Vec<Found>, counts: &mut Counts) {
    let mut hits = vec![];
    let looked = File::open(path).and_then(|file| {
        // What was a file when it was listed may be a pipe by now, and would be waited for.
        match file.metadata()?.is_file() {
            true => text::look(file, is_about_honeycomb(path), managed, buffer, &mut hits),
            false => Ok(Looked::Binary),
        }
    });
    counts.add(&looked);
    let path = path.strip_prefix("./").unwrap_or(path).to_string_lossy().into_owned();
    found.extend(hits.into_iter().map(|hit| Found { path: path.clone(), commit: None, hit }));
}
