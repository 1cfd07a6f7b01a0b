//! The sealed file and what is beside it, under attack: nothing is written elsewhere, lost, or taken for something else.

use std::os::unix::fs::symlink;

use keycomb::model::{KeyState, SealedKey};
use keycomb::ports::KeepRecord as _;
use keycomb::seal::{Keeper, SealError, merge_by_hand, merge_for_git, open, seal};

use super::support::*;

#[test]
fn a_journal_torn_at_any_byte_keeps_every_record_that_was_whole() {
    let made = folder();
    let mut keeper = made.open().unwrap();
    let records = [minted(1, key("a", "k1")), state("k1", KeyState::Releasing), intent("b", 2)];
    for record in &records {
        keeper.append(record.clone()).unwrap();
    }
    drop(keeper);
    let whole = std::fs::read(made.beside(".journal")).unwrap();
    for cut in 0..=whole.len() {
        let torn = folder();
        std::fs::write(torn.beside(".journal"), &whole[..cut]).unwrap();
        let lines = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
        let mut expected = blank();
        records.iter().take(lines.saturating_sub(1)).for_each(|record| expected.take(record.clone()));
        let keeper = torn.open().unwrap_or_else(|error| panic!("cut at {cut}: {error:?}"));
        assert_eq!(keeper.sealed().keys, expected.keys, "cut at {cut}");
        assert_eq!(keeper.sealed().intents, expected.intents, "cut at {cut}");
        drop(keeper);
        assert!(!torn.beside(".journal").exists(), "cut at {cut}");
    }
}

#[test]
fn nothing_is_written_through_a_hard_link() {
    for suffix in ["", ".lock", ".new"] {
        let folder = folder();
        let target = folder.dir.path().join("target");
        let precious =
            if suffix.is_empty() { keycomb::seal::text::write(&blank()) } else { "precious".into() };
        std::fs::write(&target, &precious).unwrap();
        std::fs::hard_link(&target, folder.beside(suffix)).unwrap();
        match folder.open() {
            Ok(mut keeper) => {
                assert_ne!(suffix, ".lock");
                keeper.preflight(&[]).unwrap();
                keeper.append(minted(1, key("a", "k1"))).unwrap();
                keeper.fold().unwrap();
            }
            Err(SealError::NotAFile { kind, .. }) => {
                assert_eq!((suffix, kind), (".lock", "a hard link to another file"));
            }
            Err(error) => panic!("{suffix}: {error:?}"),
        }
        assert_eq!(std::fs::read_to_string(&target).unwrap(), precious, "through `{suffix}`");
    }
}

/// Another folder, or a link to one, in the place of the one that the lock is in.
#[test]
fn nothing_is_written_into_a_folder_that_was_put_in_the_place_of_ours() {
    for is_link in [false, true] {
        let outer = tempfile::tempdir().unwrap();
        let (ours, theirs) = (outer.path().join("ours"), outer.path().join("theirs"));
        let file = ours.join("keycomb.sealed.toml");
        std::fs::create_dir(&ours).unwrap();
        std::fs::create_dir(&theirs).unwrap();
        let content = keycomb::seal::text::write(&blank());
        for folder in [&ours, &theirs] {
            std::fs::write(folder.join("keycomb.sealed.toml"), &content).unwrap();
        }
        std::fs::write(theirs.join("keycomb.sealed.toml.journal"), "precious").unwrap();
        let mut keeper =
            Keeper::open(&file, &team(), &keycomb::model::Endpoint::us(), lineage(), &holder()).unwrap();
        keeper.append(minted(1, key("a", "k1"))).unwrap();
        let moved = outer.path().join("moved");
        std::fs::rename(&ours, &moved).unwrap();
        if is_link {
            symlink(&theirs, &ours).unwrap();
        } else {
            std::fs::rename(&theirs, &ours).unwrap();
        }
        keeper.preflight(&[]).unwrap_err();
        let error = keeper.fold().unwrap_err();
        let why = std::error::Error::source(&error).unwrap().to_string();
        assert!(why.contains("replaced by another one"), "{why}");
        drop(keeper);
        assert_eq!(std::fs::read_to_string(ours.join("keycomb.sealed.toml.journal")).unwrap(), "precious");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), content);
        assert!(!ours.join("keycomb.sealed.toml.new").exists());
        // What was acknowledged is where it was written.
        let kept = keycomb::seal::read(&moved.join("keycomb.sealed.toml"), None).unwrap().unwrap();
        assert_eq!(kept.keys.len(), 1);
    }
}

/// Where nobody, not even root, can make a file.
#[test]
fn a_folder_that_takes_no_file_is_found_before_anything_is_asked_of_the_service() {
    let file = std::path::Path::new("/proc/self/keycomb.sealed.toml");
    assert!(file.parent().unwrap().exists(), "this test needs a mounted /proc");
    let opened = Keeper::open(file, &team(), &keycomb::model::Endpoint::us(), lineage(), &holder());
    assert!(matches!(opened, Err(SealError::Io { doing: "open", .. })));
}

#[test]
fn two_entries_with_each_others_seal_address_or_id_do_not_open() {
    let (recipient, identities) = identity();
    let make = |name: &str, id: &str| {
        let entry = key(name, id);
        let armor = seal(&payload(&entry, &blank(), &format!("of-{id}")), &[&recipient]).unwrap();
        SealedKey { sealed: Some(armor), ..entry }
    };
    let (one, other) = (make("a", "k_a"), make("b", "k_b"));
    let swap = |change: fn(&mut SealedKey, &SealedKey)| {
        let (mut first, mut second) = (one.clone(), other.clone());
        change(&mut first, &other);
        change(&mut second, &one);
        [first, second]
    };
    for swapped in [
        swap(|to, from| to.sealed = from.sealed.clone()),
        swap(|to, from| to.address = from.address.clone()),
        swap(|to, from| to.id = from.id.clone()),
    ] {
        for entry in swapped {
            let error = open(&entry, &blank(), &identities).unwrap_err();
            assert!(matches!(error, SealError::Moved { .. }), "{error:?}");
        }
    }
    assert!(open(&one, &blank(), &identities).is_ok());
}

#[test]
fn what_a_crash_left_beside_the_file_is_cleared() {
    let folder = folder();
    folder.put(&blank());
    std::fs::write(folder.beside(".new"), "half of a fi").unwrap();
    std::fs::write(folder.beside(".lock"), "process 1 on a machine that is gone").unwrap();
    let mut keeper = folder.open().unwrap();
    keeper.append(minted(1, key("a", "k1"))).unwrap();
    keeper.fold().unwrap();
    drop(keeper);
    assert_eq!(folder.names(), ["keycomb.sealed.toml"]);
}

#[test]
fn a_merge_by_hand_takes_the_journal_in_and_waits_for_nobody() {
    let folder = folder();
    let mut base = blank();
    base.serial = 3;
    folder.put(&base);
    let (base_path, theirs_path) =
        (folder.dir.path().join("base.toml"), folder.dir.path().join("theirs.toml"));
    std::fs::copy(&folder.file, &base_path).unwrap();
    let mut theirs = base;
    theirs.take(minted(2, key("b", "k2")));
    theirs.serial = 4;
    std::fs::write(&theirs_path, keycomb::seal::text::write(&theirs)).unwrap();
    // An apply that is under way.
    let mut keeper = folder.open().unwrap();
    keeper.append(minted(1, key("a", "k1"))).unwrap();
    let merge = || merge_by_hand(&base_path, &folder.file, &theirs_path, &holder());
    assert!(matches!(merge(), Err(SealError::Locked { .. })));
    // And that was cut off.
    drop(keeper);
    let merged = merge().unwrap();
    assert_eq!(merged.sealed.keys, [key("a", "k1"), key("b", "k2")]);
    assert_eq!(folder.read().unwrap().unwrap(), merged.sealed);
    assert_eq!(folder.names(), ["base.toml", "keycomb.sealed.toml", "theirs.toml"]);
    // Once more: it is all there, and nothing is written.
    let before = std::fs::metadata(&folder.file).unwrap().modified().unwrap();
    assert_eq!(merge().unwrap(), merged);
    assert_eq!(std::fs::metadata(&folder.file).unwrap().modified().unwrap(), before);
    // A file that is gone comes back.
    std::fs::remove_file(&folder.file).unwrap();
    merge().unwrap();
    assert_eq!(folder.read().unwrap().unwrap(), theirs);
}

/// The steps that the help of `Diverged` names.
#[test]
fn a_journal_and_a_file_that_went_apart_are_joined_again() {
    let folder = folder();
    let mut begun = blank();
    begun.serial = 1;
    folder.put(&begun);
    let mut keeper = folder.open().unwrap();
    keeper.append(minted(1, key("a", "k1"))).unwrap();
    drop(keeper);
    let mut pulled = begun.clone();
    pulled.take(minted(2, key("b", "k2")));
    pulled.serial = 2;
    folder.put(&pulled);
    let error = folder.open().err().unwrap();
    assert!(matches!(error, SealError::Diverged { .. }), "{error:?}");
    let help = miette::Diagnostic::help(&error).unwrap().to_string();
    assert!(help.contains("`^serial = 1$`") || help.contains("'^serial = 1$'"), "{help}");
    assert!(
        help.contains(&format!("keycomb secrets merge base.toml {} theirs.toml", folder.file.display())),
        "{help}"
    );
    let (base, theirs) = (folder.dir.path().join("base.toml"), folder.dir.path().join("theirs.toml"));
    std::fs::rename(&folder.file, &theirs).unwrap();
    folder.put(&begun);
    std::fs::copy(&folder.file, &base).unwrap();
    merge_by_hand(&base, &folder.file, &theirs, &holder()).unwrap();
    assert_eq!(folder.read().unwrap().unwrap().keys, [key("a", "k1"), key("b", "k2")]);
}

#[test]
fn versions_that_cannot_be_merged_leave_everything_for_git_and_nothing_by_hand() {
    let good = {
        let mut sealed = blank();
        sealed.take(minted(1, key("a", "k1")));
        keycomb::seal::text::write(&sealed)
    };
    let bad = [
        ("conflict", format!("<<<<<<< ours\n{good}=======\n{good}>>>>>>> theirs\n")),
        ("newer", good.replace("version = 1", "version = 2")),
        ("other team", good.replace("acme", "other")),
        ("other lineage", good.replace(lineage().as_str(), "zzzzzzzzzzzzzzzz")),
        ("cut", good[..good.len() - 5].to_owned()),
        ("empty", String::new()),
    ];
    for (what, text) in bad {
        for is_ours_bad in [true, false] {
            let folder = folder();
            let [base, ours, theirs] = ["base", "ours", "theirs"].map(|name| folder.dir.path().join(name));
            let put = || {
                std::fs::write(&base, "").unwrap();
                std::fs::write(&ours, if is_ours_bad { &text } else { &good }).unwrap();
                std::fs::write(&theirs, if is_ours_bad { &good } else { &text }).unwrap();
            };
            put();
            merge_by_hand(&base, &ours, &theirs, &holder()).unwrap_err();
            let kept = std::fs::read_to_string(&ours).unwrap();
            assert_eq!(&kept, if is_ours_bad { &text } else { &good }, "{what}");

            merge_for_git(&base, &ours, &theirs).unwrap_err();
            let left = std::fs::read_to_string(&ours).unwrap();
            assert!(left.contains(&good) && left.contains(&text), "{what}: {left}");
            let read = keycomb::seal::text::parse(&left);
            assert!(matches!(read, Err(keycomb::seal::text::TextError::Conflict { .. })), "{what}");
        }
    }
}

#[test]
fn line_ends_and_byte_order_marks_do_not_keep_versions_apart() {
    let version = |name: &str, id: &str| {
        let mut sealed = blank();
        sealed.take(minted(1, key(name, id)));
        keycomb::seal::text::write(&sealed)
    };
    let folder = folder();
    let [base, ours, theirs] = ["base", "ours", "theirs"].map(|name| folder.dir.path().join(name));
    std::fs::write(&base, "\r\n").unwrap();
    std::fs::write(&ours, format!("\u{feff}{}", version("a", "k1"))).unwrap();
    std::fs::write(&theirs, version("b", "k2").replace('\n', "\r\n")).unwrap();
    assert_eq!(merge_for_git(&base, &ours, &theirs).unwrap(), []);
    let merged = keycomb::seal::text::parse(&std::fs::read_to_string(&ours).unwrap()).unwrap();
    assert_eq!(merged.keys, [key("a", "k1"), key("b", "k2")]);
}
