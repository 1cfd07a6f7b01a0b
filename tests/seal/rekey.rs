//! Sealing anew: all or nothing, of what is what it says, whatever the disk does.

use keycomb::model::{KeyState, Recipient, RecipientRef, SealSettings, Sealed, SealedKey};
use keycomb::ports::KeepRecord as _;
use keycomb::seal::{Identities, Rekeyed, SealError, open, rekey, seal};

use super::support::*;

/// Everybody may open everything.
fn settings(recipients: &[(&str, &Recipient)]) -> SealSettings {
    SealSettings {
        file: "keycomb.sealed.toml".into(),
        recipients: recipients.iter().map(|(name, r)| ((*name).to_owned(), (*r).clone())).collect(),
        environments: indexmap::IndexMap::new(),
        min_proven: 0,
    }
}

/// A file with the keys `k_1` and `k_2`, sealed to one recipient.
fn sealed_to(name: &str, recipient: &Recipient) -> Sealed {
    let mut sealed = blank();
    sealed.serial = 3;
    for id in ["k_1", "k_2"] {
        let entry = SealedKey { state: KeyState::Live, ..key(id, id) };
        let armor = seal(&payload(&entry, &sealed, &format!("secret-of-{id}")), &[recipient]).unwrap();
        let to = RecipientRef { name: name.into(), fingerprint: recipient.fingerprint() };
        sealed.keys.push(SealedKey { recipients: vec![to], sealed: Some(armor), ..entry });
    }
    sealed
}

fn all(sealed: &Sealed, settings: &SealSettings, identities: &Identities) -> Rekeyed {
    rekey(sealed, settings, identities, &|_| true).unwrap()
}

fn secrets(sealed: &Sealed, identities: &Identities) -> Vec<Option<String>> {
    let one = |entry| open(entry, sealed, identities).ok().map(|payload| payload.secret.expose().to_owned());
    sealed.keys.iter().map(one).collect()
}

#[test]
fn the_file_is_sealed_to_the_old_or_to_the_new_whatever_the_disk_does() {
    let ((old, of_old), (new, of_new)) = (identity(), identity());
    let base = sealed_to("old", &old);
    let rekeyed = all(&base, &settings(&[("new", &new)]), &of_old);
    assert_eq!((rekeyed.anew.len(), rekeyed.closed.len()), (2, 0));
    let every = vec![Some("secret-of-k_1".to_owned()), Some("secret-of-k_2".to_owned())];
    let clean = Faulty::never();
    {
        let folder = folder();
        folder.put(&base);
        folder.open_on(clean.clone()).unwrap().put_rekeyed(&rekeyed).unwrap();
        let found = folder.read().unwrap().unwrap();
        assert_eq!((found.serial, secrets(&found, &of_new)), (4, every.clone()));
        assert_eq!(secrets(&found, &of_old), [None, None]);
        assert_eq!(found.former.len(), 2);
    }
    assert!(clean.count() >= 4, "{:?}", clean.log);
    for fault in [Fault::Once, Fault::Before, Fault::After, Fault::Half] {
        for at in 0..clean.count() {
            let folder = folder();
            folder.put(&base);
            // A failure is told, or everything is in place.
            let told = folder.open_on(Faulty::new(at, fault)).unwrap().put_rekeyed(&rekeyed);
            let found = folder.read().unwrap().unwrap();
            let is_new = secrets(&found, &of_new) == every;
            assert!(is_new || found == base, "{fault:?} at {at}: neither old nor new");
            assert!(told.is_err() || is_new, "{fault:?} at {at}: told to be done");
            // And running it again gets there.
            let mut keeper = folder.open().unwrap();
            let again = all(keeper.sealed(), &settings(&[("new", &new)]), &of_old);
            keeper.put_rekeyed(&again).unwrap();
            assert_eq!(secrets(keeper.sealed(), &of_new), every, "{fault:?} at {at}");
        }
    }
}

#[test]
fn an_entry_that_is_not_what_it_says_is_not_sealed_anew() {
    let ((old, of_old), (new, _)) = (identity(), identity());
    let mut sealed = sealed_to("old", &old);
    let armor = sealed.keys[0].sealed.clone();
    sealed.keys[1].sealed = armor;
    let rekeyed = all(&sealed, &settings(&[("new", &new)]), &of_old);
    assert_eq!((rekeyed.anew.len(), rekeyed.closed.len()), (1, 1));
    assert!(matches!(rekeyed.closed[0].why, SealError::Moved { .. }), "{:?}", rekeyed.closed);
}

#[test]
fn names_change_without_an_identity_and_what_waits_stays_as_it_is() {
    let ((old, _), (new, _)) = (identity(), identity());
    let nobody = Identities::join([]);
    let mut sealed = sealed_to("old", &old);
    let renamed = all(&sealed, &settings(&[("operations", &old)]), &nobody);
    assert_eq!((renamed.renamed.len(), renamed.anew.len(), renamed.closed.len()), (2, 0, 0));
    assert_eq!(renamed.renamed[0].sealed, sealed.keys[0].sealed);
    assert_eq!(renamed.renamed[0].recipients[0].name, "operations");
    for (first, second) in
        [(KeyState::Staged, KeyState::Provisional), (KeyState::Deleted, KeyState::Dropping)]
    {
        (sealed.keys[0].state, sealed.keys[1].state) = (first, second);
        let rekeyed = all(&sealed, &settings(&[("new", &new)]), &nobody);
        assert!(rekeyed.anew.is_empty() && rekeyed.closed.is_empty(), "{rekeyed:?}");
        assert_eq!(rekeyed.waiting.len(), if first == KeyState::Staged { 2 } else { 0 });
    }
}

#[test]
fn a_challenge_is_answered_by_its_recipient_alone() {
    use keycomb::seal::{answer, challenge};
    let ((ops, of_ops), (_, of_other)) = (identity(), identity());
    let (lineage, right) = (blank().lineage, nonce(1));
    let made = challenge("ops", &ops, &lineage, &right).unwrap();
    assert!(!made.sealed.contains(right.as_str()));
    assert_eq!(answer(&made, &lineage, &of_ops), Some(right));
    assert_eq!(answer(&made, &lineage, &of_other), None);
    let other = keycomb::model::Lineage::new("z".repeat(16)).unwrap();
    assert_eq!(answer(&made, &other, &of_ops), None, "a challenge of another file");
    // One recipient's riddle is no other's.
    let moved = keycomb::model::Challenge { fingerprint: "0".repeat(16), ..made };
    assert_eq!(answer(&moved, &lineage, &of_ops), None);
}

#[test]
fn challenges_and_former_readers_read_back() {
    let ((old, of_old), (new, of_new)) = (identity(), identity());
    let folder = folder();
    folder.put(&sealed_to("old", &old));
    let mut keeper = folder.open().unwrap();
    let rekeyed = all(keeper.sealed(), &settings(&[("new", &new)]), &of_old);
    keeper.put_rekeyed(&rekeyed).unwrap();
    let lineage = keeper.sealed().lineage.clone();
    let mut made = keycomb::seal::challenge("new", &new, &lineage, &nonce(2)).unwrap();
    keeper.put_challenges(vec![made.clone()]).unwrap();
    assert!(!folder.read().unwrap().unwrap().is_proven(&new));
    made.answer = keycomb::seal::answer(&made, &lineage, &of_new);
    made.proven = Some("2026-11-20T10:00:00Z".parse().unwrap());
    keeper.put_challenges(vec![made.clone()]).unwrap();
    drop(keeper);
    let found = folder.read().unwrap().unwrap();
    assert!(found.is_proven(&new) && !found.is_proven(&old));
    assert_eq!((found.challenges.as_slice(), found.former.len()), ([made].as_slice(), 2));
    let text = keycomb::seal::text::write(&found);
    assert_eq!(keycomb::seal::text::parse(&text).unwrap(), found);
    for (good, bad) in [
        (
            "[[challenge]]\nname = \"new\"\nfingerprint = \"",
            "[[challenge]]\nname = \"new\"\nfingerprint = \"x",
        ),
        ("answer = \"", "answer = \"x"),
        ("digest = \"", "digest = \"U"),
    ] {
        assert!(
            text.contains(good) && keycomb::seal::text::parse(&text.replacen(good, bad, 1)).is_err(),
            "{good}"
        );
    }
}
