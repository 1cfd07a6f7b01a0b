//! Two branches that touched different entries merge in git.

use keycomb::model::{KeyState, Record, Sealed};
use keycomb::seal::text::{TextError, parse, write};

use super::support::*;

fn base() -> Sealed {
    let mut sealed = blank();
    for (name, id) in [("c", "k_c"), ("m", "k_m"), ("t", "k_t")] {
        sealed.take(Record::Key { key: Box::new(key(name, id)) });
    }
    sealed.serial = 5;
    sealed
}

fn branch(serial: u64, records: Vec<Record>) -> Sealed {
    let mut sealed = base();
    for record in records {
        sealed.take(record);
    }
    sealed.serial = serial;
    sealed
}

/// `git merge-file`: the number of conflicts, and the text.
fn merge(ours: &Sealed, theirs: &Sealed) -> (i32, String) {
    let folder = folder();
    let put = |name: &str, sealed: &Sealed| {
        let path = folder.dir.path().join(name);
        std::fs::write(&path, write(sealed)).unwrap();
        path.into_os_string().into_string().unwrap()
    };
    let (ours, base, theirs) = (put("ours", ours), put("base", &base()), put("theirs", theirs));
    let output = try_run("git", "git", &["merge-file", "-p", &ours, &base, &theirs], b"");
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

fn put(name: &str, id: &str) -> Record {
    Record::Key { key: Box::new(key(name, id)) }
}

#[test]
fn keys_added_and_changed_on_two_branches_merge_line_by_line() {
    let ours = vec![put("a", "k_a"), put("d", "k_d"), state("k_m", KeyState::Live)];
    let theirs = vec![put("p", "k_p"), put("z", "k_z"), state("k_t", KeyState::Disabled)];
    let (conflicts, text) = merge(&branch(6, ours.clone()), &branch(6, theirs.clone()));
    assert_eq!(conflicts, 0, "{text}");
    assert_eq!(parse(&text).unwrap(), branch(6, [ours, theirs].concat()));
}

#[test]
fn only_the_serial_can_be_in_the_way() {
    let ours = vec![put("a", "k_a")];
    let theirs = vec![put("z", "k_z")];
    let (conflicts, text) = merge(&branch(6, ours.clone()), &branch(9, theirs.clone()));
    assert_eq!(conflicts, 1, "{text}");
    assert!(matches!(parse(&text), Err(TextError::Conflict { .. })));
    let resolved: String = text
        .lines()
        .filter(|line| !line.starts_with("<<<<<<<") && !line.starts_with(">>>>>>>"))
        .filter(|line| *line != "=======" && *line != "serial = 6")
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(parse(&resolved).unwrap(), branch(9, [ours, theirs].concat()));
}

#[test]
fn the_same_key_made_on_both_branches_does_not_go_through_unseen() {
    let (_, text) = merge(&branch(6, vec![put("a", "k_1")]), &branch(6, vec![put("a", "k_2")]));
    assert!(parse(&text).is_err());
}
