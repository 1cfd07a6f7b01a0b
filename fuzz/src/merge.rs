//! Two versions of a sealed file to one: nothing is dropped, and neither side matters more.

use std::collections::BTreeSet;

use keycomb::model::{Sealed, SealedKey};
use keycomb::seal::text::{TextError, parse, write};
use keycomb::seal::{Merged, merge};

use super::oracle::parts;

/// The input is what both came from (or nothing), ours, and theirs, between lines of `%%`.
pub fn run(data: &[u8]) {
    let [base, ours, theirs] = parts(data)[..] else { return };
    let file = |part| std::str::from_utf8(part).ok().and_then(|text| parse(text).ok());
    let (Some(ours), Some(theirs)) = (file(ours), file(theirs)) else { return };
    for base in [file(base), None] {
        assert_merged(base.as_ref(), &ours, &theirs);
    }
    assert_eq!(merge(None, &ours, &ours).expect("one file").sealed, ours, "with itself it changes");
}

fn assert_merged(base: Option<&Sealed>, ours: &Sealed, theirs: &Sealed) {
    let of = |sealed: &Sealed| (sealed.team.clone(), sealed.endpoint.clone(), sealed.lineage.clone());
    let (here, there) = (merge(base, ours, theirs), merge(base, theirs, ours));
    assert_eq!(here.is_ok(), of(ours) == of(theirs));
    let (Ok(here), Ok(there)) = (here, there) else { return };
    let names = |merged: &Merged| merged.undecided.iter().map(|entry| entry.what.clone()).collect::<Vec<_>>();
    if here.undecided.is_empty() {
        assert_eq!(here, there, "ours and theirs are not the same");
        assert_absorbed(&here.sealed, [ours, theirs]);
    } else {
        assert_eq!(names(&here).len(), names(&there).len());
    }
    assert_union(&here.sealed, ours, theirs);
    assert_read_back(&here);
}

/// Merged again with what went into it, nothing is left to do.
fn assert_absorbed(merged: &Sealed, sides: [&Sealed; 2]) {
    for side in sides {
        let again = merge(None, merged, side).expect("one file");
        let ids = |sealed: &Sealed| sealed.keys.iter().map(|key| key.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&again.sealed), ids(merged));
    }
}

fn assert_union(merged: &Sealed, ours: &Sealed, theirs: &Sealed) {
    let keys = |sealed: &Sealed| sealed.keys.iter().map(|key| key.id.to_string()).collect::<BTreeSet<_>>();
    assert_eq!(keys(merged), &keys(ours) | &keys(theirs), "a key is dropped, or made up");
    let intents =
        |sealed: &Sealed| sealed.intents.iter().map(|i| i.nonce.to_string()).collect::<BTreeSet<_>>();
    assert_eq!(intents(merged), &intents(ours) | &intents(theirs));
    let places =
        |sealed: &Sealed| sealed.environments.iter().map(|e| e.address.to_string()).collect::<BTreeSet<_>>();
    assert!(places(merged).is_subset(&(&places(ours) | &places(theirs))));
    let serial = ours.serial.max(theirs.serial);
    assert!((serial..=serial.saturating_add(1)).contains(&merged.serial));
    for key in &merged.keys {
        let sides: Vec<&SealedKey> = [ours, theirs].iter().filter_map(|side| side.key(&key.id)).collect();
        assert!(sides.iter().any(|side| side.sealed == key.sealed && side.recipients == key.recipients));
        assert!(sides.iter().any(|side| side.state == key.state && side.since == key.since), "{key:?}");
        assert!(key.protected || sides.len() == 2 || !sides[0].protected);
    }
}

/// A whole merge is a sealed file; one that a person must decide cannot be taken for one.
fn assert_read_back(merged: &Merged) {
    let text = merged.text();
    let read = parse(&text);
    if merged.undecided.is_empty() {
        assert_eq!(read.as_ref(), Ok(&merged.sealed), "{text}");
        assert_eq!(write(&merged.sealed), text);
    } else {
        assert!(matches!(read, Err(TextError::Conflict { .. })), "{text}");
    }
}
