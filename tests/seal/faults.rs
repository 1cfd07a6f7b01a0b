//! Every operation on the disk fails once in every way: the file is the old one or the new one, whole, and what was
//! acknowledged is found again.

use keycomb::model::{KeyState, Record, Sealed};
use keycomb::ports::KeepRecord as _;

use super::support::*;

fn script() -> Vec<Record> {
    vec![
        intent("checkout", 1),
        minted(1, key("checkout", "k_new")),
        state("k_new", KeyState::Releasing),
        state("k_new", KeyState::Live),
        state("k_old", KeyState::Disabled),
    ]
}

fn old() -> Sealed {
    let mut sealed = blank();
    sealed.take(Record::Key { key: Box::new(key("ancient", "k_old")) });
    sealed.serial = 7;
    sealed
}

fn with(base: &Sealed, records: &[Record]) -> Sealed {
    let mut content = base.clone();
    for record in records {
        content.take(record.clone());
    }
    content.serial += u64::from(content != *base);
    content
}

/// What a run acknowledged.
struct Run {
    acknowledged: Vec<Record>,
    /// The first that was not, and may be on the disk all the same.
    in_doubt: Option<Record>,
    folded: bool,
}

/// An apply's use of the keeper: it goes on after a failure only to fold.
fn apply(folder: &Folder, disk: Faulty) -> Run {
    let mut run = Run { acknowledged: vec![], in_doubt: None, folded: false };
    let Ok(mut keeper) = folder.open_on(disk) else { return run };
    if keeper.preflight(&[]).is_err() {
        return run;
    }
    for record in script() {
        if keeper.append(record.clone()).is_err() {
            run.in_doubt = Some(record);
            break;
        }
        run.acknowledged.push(record);
    }
    run.folded = keeper.fold().is_ok();
    run
}

fn assert_recoverable(folder: &Folder, base: &Sealed, existed: bool, run: &Run, what: &str) {
    let mut maybe = run.acknowledged.clone();
    maybe.extend(run.in_doubt.clone());
    let possible = [with(base, &run.acknowledged), with(base, &maybe)];
    // The file alone is whole, and old or new.
    match std::fs::read_to_string(&folder.file) {
        Ok(text) => {
            let found = keycomb::seal::text::parse(&text).unwrap();
            assert!(existed && found == *base || possible.contains(&found), "{what}: {found:#?}");
            assert!(!run.folded || found == possible[0], "{what}: folded");
        }
        Err(_) => assert!(!existed && (!run.folded || possible[0] == blank()), "{what}: the file is gone"),
    }
    // File and journal together have what was acknowledged, by looking and by opening.
    let read = folder.read().unwrap().unwrap_or_else(blank);
    assert!(possible.contains(&read), "{what}: {read:#?}");
    let keeper = folder.open().unwrap_or_else(|error| panic!("{what}: {error:?}"));
    assert_eq!(*keeper.sealed(), read, "{what}");
    drop(keeper);
    assert_eq!(folder.read().unwrap().unwrap_or_else(blank), read, "{what}");
    assert!(!folder.beside(".journal").exists(), "{what}");
}

#[test]
fn the_file_is_old_or_new_and_whole_whatever_fails() {
    for existed in [true, false] {
        let base = if existed { old() } else { blank() };
        let start = || {
            let folder = folder();
            if existed {
                folder.put(&base);
            }
            folder
        };
        let disk = Faulty::never();
        let clean = apply(&start(), disk.clone());
        assert!(clean.folded && clean.in_doubt.is_none());
        let operations = disk.count();
        assert!(operations > 20, "{operations}");
        for fault in [Fault::Once, Fault::Before, Fault::After, Fault::Half] {
            for at in 0..operations {
                let folder = start();
                let run = apply(&folder, Faulty::new(at, fault));
                assert_recoverable(
                    &folder,
                    &base,
                    existed,
                    &run,
                    &format!("{fault:?} at {at}, file {existed}"),
                );
            }
        }
    }
}

#[test]
fn recovery_itself_can_be_cut_off_anywhere() {
    let leave_journal = || {
        let folder = folder();
        folder.put(&old());
        let mut keeper = folder.open().unwrap();
        for record in script() {
            keeper.append(record).unwrap();
        }
        folder
    };
    let disk = Faulty::never();
    drop(leave_journal().open_on(disk.clone()).unwrap());
    let operations = disk.count();
    assert!(operations >= 6);
    for fault in [Fault::Once, Fault::Before, Fault::After, Fault::Half] {
        for at in 0..operations {
            let folder = leave_journal();
            let what = format!("{fault:?} at {at}");
            assert!(folder.open_on(Faulty::new(at, fault)).is_err(), "{what}");
            assert_eq!(folder.read().unwrap().unwrap(), with(&old(), &script()), "{what}");
            assert_eq!(*folder.open().unwrap().sealed(), with(&old(), &script()), "{what}");
            assert_eq!(folder.names(), ["keycomb.sealed.toml"], "{what}");
        }
    }
}

#[test]
fn every_step_is_durable_before_the_next_begins() {
    let folder = folder();
    folder.put(&old());
    let disk = Faulty::never();
    let mut keeper = folder.open_on(disk.clone()).unwrap();
    keeper.preflight(&[]).unwrap();
    keeper.append(intent("checkout", 1)).unwrap();
    keeper.fold().unwrap();
    let expected = [
        // preflight
        "create FILE.new",
        "write FILE.new",
        "sync FILE.new",
        "remove FILE.new",
        "sync FOLDER",
        "create FILE.journal",
        "write FILE.journal",
        "sync FILE.journal",
        "sync FOLDER",
        // append
        "write FILE.journal",
        "sync FILE.journal",
        // fold
        "create FILE.new",
        "write FILE.new",
        "sync FILE.new",
        "rename FILE.new",
        "sync FOLDER",
        "remove FILE.journal",
        "sync FOLDER",
    ];
    assert_eq!(*disk.log.lock().unwrap(), expected);
}

#[test]
fn after_a_failed_append_nothing_more_is_taken_down_but_the_fold_still_works() {
    let folder = folder();
    // create, write, sync, folder, then the first record's write and sync.
    let mut keeper = folder.open_on(Faulty::new(5, Fault::Once)).unwrap();
    keeper.append(intent("a", 1)).unwrap_err();
    keeper.append(intent("b", 2)).unwrap_err();
    assert!(keeper.sealed().intents.is_empty());
    keeper.fold().unwrap();
    assert_eq!(folder.names(), Vec::<String>::new());
}

#[test]
fn after_a_failed_fsync_of_the_folder_the_journal_stays() {
    let folder = folder();
    folder.put(&old());
    let disk = Faulty::never();
    let mut keeper = folder.open_on(disk.clone()).unwrap();
    keeper.append(intent("a", 1)).unwrap();
    keeper.fold().unwrap();
    let rename = disk.log.lock().unwrap().iter().position(|step| step.starts_with("rename")).unwrap();
    drop(keeper);

    let mut keeper = folder.open_on(Faulty::new(rename + 1, Fault::Once)).unwrap();
    keeper.append(intent("b", 2)).unwrap();
    keeper.fold().unwrap_err();
    keeper.fold().unwrap_err();
    keeper.append(intent("c", 3)).unwrap_err();
    drop(keeper);
    assert!(folder.beside(".journal").exists());
    assert_eq!(folder.open().unwrap().sealed().intents.len(), 2);
}

#[test]
fn after_a_failed_preflight_fsync_nothing_is_taken_down() {
    let disk = Faulty::new(4, Fault::Once);
    let folder = folder();
    let mut keeper = folder.open_on(disk.clone()).unwrap();
    keeper.preflight(&[]).unwrap_err();
    assert_eq!(disk.log.lock().unwrap()[4], "sync FOLDER");
    keeper.append(intent("a", 1)).unwrap_err();
    keeper.fold().unwrap_err();
    assert_eq!(disk.count(), 5);
}
