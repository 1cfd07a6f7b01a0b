//! The keeper on a sound disk: lock, journal, fold, and what it refuses.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use keycomb::model::{Endpoint, KeyState, Record, SealedKey, TeamSlug};
use keycomb::ports::KeepRecord as _;
use keycomb::seal::{Holder, Keeper, SealError};

use super::support::*;

#[test]
fn a_first_apply_makes_a_private_file_and_leaves_no_journal() {
    let folder = folder();
    assert_eq!(folder.read().unwrap(), None);
    let mut keeper = folder.open().unwrap();
    keeper.preflight(&[("ops", &identity().0)]).unwrap();
    assert_eq!(folder.names(), ["keycomb.sealed.toml.journal"]);
    keeper.append(intent("a", 1)).unwrap();
    keeper.append(minted(1, key("a", "k1"))).unwrap();
    let looking = folder.read().unwrap().unwrap();
    assert_eq!((looking.serial, looking.keys.len(), looking.intents.len()), (1, 1, 0));
    for name in [".journal", ".lock"] {
        assert_eq!(
            std::fs::metadata(folder.beside(name)).unwrap().permissions().mode() & 0o777,
            0o600,
            "{name}"
        );
    }
    keeper.fold().unwrap();
    assert_eq!(folder.names(), ["keycomb.sealed.toml"]);
    assert_eq!(std::fs::metadata(&folder.file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(folder.read().unwrap().unwrap(), looking);
    assert_eq!(*keeper.sealed(), looking);
}

#[test]
fn a_new_state_has_its_own_time() {
    let folder = folder();
    let since = "2026-11-20T11:00:00Z".parse().unwrap();
    let mut keeper = folder.open().unwrap();
    let before = key("a", "k1");
    keeper.append(minted(1, before.clone())).unwrap();
    let (id, state) = (before.id.clone(), KeyState::Releasing);
    keeper.append(Record::State { id, state, since }).unwrap();
    keeper.fold().unwrap();
    assert_eq!(keeper.sealed().keys, [SealedKey { state, since, ..before }]);
}

#[test]
fn the_serial_counts_changes_of_the_content_only() {
    let folder = folder();
    let serial = |records: Vec<Record>| {
        let mut keeper = folder.open().unwrap();
        for record in records {
            keeper.append(record).unwrap();
        }
        keeper.fold().unwrap();
        let before = std::fs::read(&folder.file).ok();
        keeper.fold().unwrap();
        assert_eq!(std::fs::read(&folder.file).ok(), before);
        keeper.sealed().serial
    };
    assert_eq!(serial(vec![]), 0);
    assert!(!folder.file.exists());
    assert_eq!(serial(vec![intent("a", 1), minted(1, key("a", "k1"))]), 1);
    assert_eq!(serial(vec![]), 1);
    assert_eq!(serial(vec![state("k1", KeyState::Live), state("k1", KeyState::Provisional)]), 1);
    assert_eq!(serial(vec![state("k1", KeyState::Live)]), 2);
}

#[test]
fn a_keeper_goes_on_after_a_fold() {
    let folder = folder();
    let mut keeper = folder.open().unwrap();
    for n in 1..=3 {
        keeper.append(intent("a", n)).unwrap();
        keeper.fold().unwrap();
    }
    assert_eq!(folder.read().unwrap().unwrap().intents.len(), 3);
    assert_eq!(keeper.sealed().serial, 3);
}

#[test]
fn a_file_with_a_looser_mode_works_and_becomes_private() {
    let folder = folder();
    folder.put(&blank());
    std::fs::set_permissions(&folder.file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut keeper = folder.open().unwrap();
    keeper.append(intent("a", 1)).unwrap();
    keeper.fold().unwrap();
    assert_eq!(std::fs::metadata(&folder.file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_second_opener_is_told_who_holds_it_and_the_lock_ends_with_its_holder() {
    let folder = folder();
    let first = folder.open().unwrap();
    let Err(SealError::Locked { holder: told, .. }) = folder.open() else { panic!("it opened twice") };
    let said = "process 42 on web-1 of sam, running `keycomb apply` since 2026-11-20T10:00:00Z";
    assert_eq!(told, format!("{said}, less than a minute ago"));
    for (later, age) in [
        ("2026-11-20T10:01:00Z", ", 1 minute ago"),
        ("2026-11-20T10:12:30Z", ", 12 minutes ago"),
        ("2026-11-20T13:59:00Z", ", 3 hours ago"),
        ("2026-11-23T10:00:00Z", ", 3 days ago"),
        // The clocks of two machines.
        ("2026-11-20T09:00:00Z", ""),
    ] {
        let second = Holder { started: later.parse().unwrap(), ..holder() };
        let opened = Keeper::open(&folder.file, &team(), &Endpoint::us(), lineage(), &second);
        let Err(SealError::Locked { holder: told, .. }) = opened else { panic!("it opened twice") };
        assert_eq!(told, format!("{said}{age}"));
    }
    assert!(folder.read().unwrap().is_none(), "reading needs no lock");
    drop(first);
    assert!(folder.beside(".lock").exists());
    folder.open().unwrap();
}

#[test]
fn a_left_over_journal_is_taken_in_and_counted() {
    let folder = folder();
    let mut keeper = folder.open().unwrap();
    keeper.append(intent("a", 1)).unwrap();
    keeper.append(minted(1, key("a", "k1"))).unwrap();
    drop(keeper);
    let keeper = folder.open().unwrap();
    assert_eq!(keeper.replayed(), 2);
    assert_eq!(keeper.sealed().keys, [key("a", "k1")]);
    assert_eq!(keeper.sealed().lineage, lineage());
    assert_eq!(folder.names(), ["keycomb.sealed.toml"]);
}

#[test]
fn a_journal_that_was_already_folded_is_only_removed() {
    let folder = folder();
    let mut keeper = folder.open().unwrap();
    keeper.append(minted(1, key("a", "k1"))).unwrap();
    let journal = std::fs::read(folder.beside(".journal")).unwrap();
    keeper.fold().unwrap();
    drop(keeper);
    let file = std::fs::read(&folder.file).unwrap();
    std::fs::write(folder.beside(".journal"), journal).unwrap();
    assert_eq!(folder.read().unwrap().unwrap().serial, 1);
    assert_eq!(folder.open().unwrap().replayed(), 0);
    assert_eq!(std::fs::read(&folder.file).unwrap(), file);
    assert_eq!(folder.names(), ["keycomb.sealed.toml"]);
}

#[test]
fn a_journal_whose_file_was_changed_by_others_is_kept() {
    let folder = folder();
    folder.put(&blank());
    let mut keeper = folder.open().unwrap();
    keeper.append(minted(1, key("a", "k1"))).unwrap();
    drop(keeper);
    let mut other = blank();
    other.take(minted(2, key("b", "k2")));
    other.serial = 1;
    let journal = std::fs::read(folder.beside(".journal")).unwrap();
    // Pulled from elsewhere, with a higher serial, with the same serial, and gone.
    for (serial, found) in [(Some(1), "at serial 1"), (Some(0), "at serial 0")] {
        other.serial = serial.unwrap();
        folder.put(&other);
        let Err(SealError::Diverged { begun: 0, found: text, .. }) = folder.open() else { panic!("{found}") };
        assert_eq!(text, found);
        assert!(matches!(folder.read(), Err(SealError::Diverged { .. })));
    }
    assert_eq!(std::fs::read(folder.beside(".journal")).unwrap(), journal);
    // As the help says: put the old one back.
    folder.put(&blank());
    assert_eq!(folder.open().unwrap().sealed().keys.len(), 1);
}

#[test]
fn a_journal_whose_file_is_gone_is_kept() {
    let folder = folder();
    let mut base = blank();
    base.take(minted(1, key("a", "k1")));
    base.serial = 3;
    folder.put(&base);
    let mut keeper = folder.open().unwrap();
    keeper.append(minted(2, key("b", "k2"))).unwrap();
    drop(keeper);
    std::fs::remove_file(&folder.file).unwrap();
    let Err(SealError::Diverged { begun: 3, found, .. }) = folder.open() else { panic!("it opened") };
    assert_eq!(found, "gone");
    assert!(folder.beside(".journal").exists());
}

#[test]
fn a_torn_tail_is_dropped_and_a_damaged_middle_is_not() {
    let folder = folder();
    let mut keeper = folder.open().unwrap();
    for n in 1..=3 {
        keeper.append(intent("a", n)).unwrap();
    }
    drop(keeper);
    let whole = std::fs::read(folder.beside(".journal")).unwrap();
    // The third record's line, cut.
    std::fs::write(folder.beside(".journal"), &whole[..whole.len() - 20]).unwrap();
    assert_eq!(folder.read().unwrap().unwrap().intents.len(), 2);
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    let at = whole[..whole.len() / 2].iter().filter(|byte| **byte == b'\n').count() + 1;
    assert!((2..=3).contains(&at));
    std::fs::write(folder.beside(".journal"), &damaged).unwrap();
    assert!(matches!(folder.read(), Err(SealError::DamagedJournal { line, .. }) if line == at));
    assert!(matches!(folder.open(), Err(SealError::DamagedJournal { .. })));
    assert_eq!(std::fs::read(folder.beside(".journal")).unwrap(), damaged);
    assert!(!folder.file.exists());
    // What the help says to do: the other lines are good.
    let lines = damaged.split_inclusive(|byte| *byte == b'\n').enumerate();
    let rest: Vec<u8> = lines.filter(|(n, _)| n + 1 != at).flat_map(|(_, line)| line.to_vec()).collect();
    std::fs::write(folder.beside(".journal"), &rest).unwrap();
    assert_eq!(folder.read().unwrap().unwrap().intents.len(), 2);
}

#[test]
fn a_foreign_journal_is_refused_and_kept() {
    let theirs = folder();
    let mut sealed = blank();
    sealed.lineage = keycomb::model::Lineage::new("zzzzzzzzzzzzzzzz").unwrap();
    theirs.put(&sealed);
    let mut keeper = theirs.open().unwrap();
    keeper.append(intent("a", 1)).unwrap();
    drop(keeper);

    let ours = folder();
    ours.put(&blank());
    std::fs::copy(theirs.beside(".journal"), ours.beside(".journal")).unwrap();
    assert!(matches!(ours.open(), Err(SealError::ForeignJournal { .. })));
    assert!(ours.beside(".journal").exists());
    // The journal of another team's file, with no file beside it.
    std::fs::remove_file(&ours.file).unwrap();
    let other = TeamSlug::new("other").unwrap();
    let opened = Keeper::open(&ours.file, &other, &Endpoint::us(), lineage(), &holder());
    assert!(matches!(opened, Err(SealError::OtherTeam { .. })));
    // And a file that is no journal at all.
    std::fs::write(ours.beside(".journal"), "dear diary").unwrap();
    assert!(matches!(ours.open(), Err(SealError::DamagedJournal { line: 1, .. })));
    assert!(ours.beside(".journal").exists());
}

#[test]
fn another_team_or_service_is_refused() {
    let folder = folder();
    folder.put(&blank());
    let other = TeamSlug::new("other").unwrap();
    let read =
        |team: &TeamSlug, endpoint: &Endpoint| keycomb::seal::read(&folder.file, Some((team, endpoint)));
    assert!(matches!(read(&other, &Endpoint::us()), Err(SealError::OtherTeam { .. })));
    assert!(matches!(read(&team(), &Endpoint::eu()), Err(SealError::OtherEndpoint { .. })));
    assert!(keycomb::seal::read(&folder.file, None).unwrap().is_some());
    let opened = Keeper::open(&folder.file, &other, &Endpoint::us(), lineage(), &holder());
    assert!(matches!(opened, Err(SealError::OtherTeam { .. })));
}

#[test]
fn links_folders_and_pipes_are_refused() {
    for suffix in ["", ".journal", ".lock"] {
        let folder = folder();
        let target = folder.dir.path().join("target");
        std::fs::write(&target, "precious").unwrap();
        let place = folder.beside(suffix);
        let refused = |what: &str| {
            let Err(SealError::NotAFile { kind, .. }) = folder.open() else { panic!("{what} at `{suffix}`") };
            assert_eq!(kind, what);
        };
        symlink(&target, &place).unwrap();
        refused("a symbolic link");
        std::fs::remove_file(&place).unwrap();
        symlink(folder.dir.path().join("nothing"), &place).unwrap();
        refused("a symbolic link");
        std::fs::remove_file(&place).unwrap();
        std::fs::create_dir(&place).unwrap();
        refused("a folder");
        std::fs::remove_dir(&place).unwrap();
        run("mkfifo", "coreutils", &[place.to_str().unwrap()], b"");
        refused("a device, pipe or socket");
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious");
    }
}

#[test]
fn a_link_that_appears_during_the_run_is_not_written_through() {
    let folder = folder();
    folder.put(&blank());
    let target = folder.dir.path().join("target");
    std::fs::write(&target, "precious").unwrap();
    let mut keeper = folder.open().unwrap();
    symlink(&target, folder.beside(".new")).unwrap();
    keeper.preflight(&[]).unwrap();
    keeper.append(intent("a", 1)).unwrap();
    std::fs::remove_file(&folder.file).unwrap();
    symlink(&target, &folder.file).unwrap();
    keeper.fold().unwrap_err();
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious");
    assert!(folder.beside(".journal").exists());
}

#[test]
fn a_file_that_others_changed_during_the_run_is_not_replaced() {
    let folder = folder();
    folder.put(&blank());
    let mut keeper = folder.open().unwrap();
    keeper.append(intent("a", 1)).unwrap();
    let mut other = blank();
    other.take(minted(2, key("b", "k2")));
    folder.put(&other);
    let error = keeper.fold().unwrap_err();
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("changed by something else"));
    assert_eq!(folder.names(), ["keycomb.sealed.toml", "keycomb.sealed.toml.journal"]);
    assert_eq!(keycomb::seal::text::parse(&std::fs::read_to_string(&folder.file).unwrap()).unwrap(), other);
}

#[test]
fn preflight_finds_a_folder_that_takes_no_file() {
    // A file where the folder should be: this stops even root.
    let outer = folder();
    std::fs::write(outer.dir.path().join("sub"), "").unwrap();
    let file = outer.dir.path().join("sub/keycomb.sealed.toml");
    let opened = Keeper::open(&file, &team(), &Endpoint::us(), lineage(), &holder());
    assert!(matches!(opened, Err(SealError::Io { .. })));

    let folder = folder();
    std::fs::create_dir(folder.beside(".new")).unwrap();
    let mut keeper = folder.open().unwrap();
    assert!(matches!(keeper.preflight(&[]), Err(SealError::Keep(_))));
    assert!(!folder.beside(".journal").exists());
}

#[test]
fn a_record_that_would_break_the_file_or_lose_a_secret_is_refused() {
    let folder = folder();
    let mut keeper = folder.open().unwrap();
    keeper.append(minted(1, key("a", "k1"))).unwrap();
    let twin = key("a", "k2");
    let mut emptied = key("a", "k1");
    emptied.sealed = None;
    emptied.secret = Some(keycomb::model::NoSecret::Unavailable);
    let mut neither = key("b", "k3");
    neither.sealed = None;
    let mut resealed = key("a", "k1");
    resealed.sealed = Some(ARMOR.replace("YWdl", "bm90"));
    let mut clear = key("b", "k3");
    clear.sealed = Some("hunter2".into());
    for bad in [twin, emptied, neither, resealed, clear] {
        keeper.append(Record::Key { key: Box::new(bad) }).unwrap_err();
    }
    // A refusal is no damage: the next record is taken.
    keeper.append(state("k1", KeyState::Live)).unwrap();
    keeper.fold().unwrap();
    let kept = folder.read().unwrap().unwrap();
    assert_eq!(kept.keys.len(), 1);
    assert_eq!(kept.keys[0].state, KeyState::Live);
}
