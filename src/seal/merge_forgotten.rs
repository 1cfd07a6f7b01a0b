//! Merges what was forgotten. A key is forgotten where one side forgot the very entry that the other side still has as both
//! had it, and made no further generation of it.
//!
//! Whatever else happened meanwhile counts more: the entries stay, as they may hold the only copy of a secret that is in use,
//! and the key stays marked as forgotten too. That is for a person: see [`Sealed::forgotten`].

use std::collections::BTreeMap;

use crate::model::{Forgotten, KeyId, Sealed, SealedKey};

/// Fills in what `merged` has forgotten, and takes out the entries of that.
pub(super) fn merge(base: Option<&Sealed>, ours: &Sealed, theirs: &Sealed, merged: &mut Sealed) {
    // The last of an id counts: the one that is known to be gone.
    let known = ours.forgotten.iter().chain(&theirs.forgotten);
    let mut all: Vec<&Forgotten> = known.collect();
    all.sort();
    let all: BTreeMap<&KeyId, &Forgotten> = all.into_iter().map(|known| (&known.id, known)).collect();
    for (id, forgotten) in all {
        match fate(base, (ours, theirs), id) {
            Fate::Forgotten => {
                merged.keys.retain(|key| &key.id != id);
                merged.forgotten.push(forgotten.clone());
            }
            Fate::Disputed => merged.forgotten.push(forgotten.clone()),
            Fate::Managed => {}
        }
    }
}

enum Fate {
    /// Its entry goes, and its id stays.
    Forgotten,
    /// Both stay.
    Disputed,
    /// Its entry stays: it was taken back.
    Managed,
}

fn fate(base: Option<&Sealed>, (ours, theirs): (&Sealed, &Sealed), id: &KeyId) -> Fate {
    let (in_ours, in_theirs) = (ours.key(id), theirs.key(id));
    let (other, entry) = match (in_ours, in_theirs) {
        (None, None) => return Fate::Forgotten,
        (Some(_), Some(_)) => return settled(base, ours, theirs, id),
        (Some(entry), None) => (ours, entry),
        (None, Some(entry)) => (theirs, entry),
    };
    let Some(base) = base else { return Fate::Disputed };
    match base.key(id) {
        // It was forgotten before, and only the side that has an entry did anything since.
        None if base.is_forgotten(id) => Fate::Managed,
        Some(known) if known == entry && !goes_on(base, other, entry) => Fate::Forgotten,
        _ => Fate::Disputed,
    }
}

/// Both manage it, so that at most one of them has settled a dispute: that counts.
fn settled(base: Option<&Sealed>, ours: &Sealed, theirs: &Sealed, id: &KeyId) -> Fate {
    let is_disputed = |side: &Sealed| side.is_forgotten(id);
    let was = base.is_some_and(|base| base.key(id).is_some() && is_disputed(base));
    let is =
        if was { is_disputed(ours) && is_disputed(theirs) } else { is_disputed(ours) || is_disputed(theirs) };
    if is { Fate::Disputed } else { Fate::Managed }
}

/// Whether a side has made another generation of the same key since.
fn goes_on(base: &Sealed, side: &Sealed, entry: &SealedKey) -> bool {
    side.generations(&entry.address).any(|other| base.key(&other.id).is_none())
}
