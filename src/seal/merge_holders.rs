//! Merges riddles for recipients, and former readers: the union, and an answer is never lost.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Challenge, FormerReader, Sealed};

/// One riddle for each recipient: one that is answered counts more, and of two such the greater, on either side.
pub(super) fn merge_challenges(ours: &Sealed, theirs: &Sealed) -> Vec<Challenge> {
    let mut merged: BTreeMap<&str, &Challenge> = BTreeMap::new();
    for challenge in ours.challenges.iter().chain(&theirs.challenges) {
        let weight = |challenge: &Challenge| (challenge.is_answered(&ours.lineage), challenge.clone());
        let known = merged.entry(&challenge.fingerprint).or_insert(challenge);
        if weight(challenge) > weight(known) {
            *known = challenge;
        }
    }
    merged.into_values().cloned().collect()
}

/// Who could once open something could do so, whichever side says it.
pub(super) fn merge_former(ours: &Sealed, theirs: &Sealed) -> Vec<FormerReader> {
    let mut seen = BTreeSet::new();
    let all: BTreeSet<&FormerReader> = ours.former.iter().chain(&theirs.former).collect();
    all.into_iter().filter(|r| seen.insert((&r.id, &r.fingerprint))).cloned().collect()
}
