//! Two versions of a sealed file as one.

use crate::model::{KeyState, Sealed, SealedKey};

/// The union; of an entry that both have, the version that is further along.
pub(super) fn merge(base: Option<&Sealed>, ours: Sealed, theirs: Sealed) -> Sealed {
    let is_as_before = |key: &SealedKey| base.and_then(|base| base.key(&key.id)) == Some(key);
    let mut all = Sealed { serial: ours.serial.max(theirs.serial), ..ours };
    for key in theirs.keys {
        match all.keys.iter_mut().find(|known| known.id == key.id) {
            Some(known) if is_as_before(&key) && !is_as_before(known) => {}
            Some(known) if is_as_before(known) || progress(known) < progress(&key) => *known = key,
            Some(_) => {}
            None => all.keys.push(key),
        }
    }
    let (keys, environments) = (all.keys.clone(), all.environments.clone());
    // Of two tries at one generation, one of which gave way, only the other can have been released.
    all.keys.retain(|key| {
        let is_rival = |other: &&SealedKey| {
            other.id != key.id && other.address == key.address && other.generation == key.generation
        };
        !matches!(key.state, KeyState::Provisional | KeyState::Dropping) || !keys.iter().any(|o| is_rival(&o))
    });
    let is_new = |e: &crate::model::SealedEnvironment| environments.iter().all(|known| known.address != e.address);
    all.environments.extend(theirs.environments.into_iter().filter(is_new));
    let nonces: Vec<_> = all.intents.iter().map(|intent| intent.nonce.clone()).collect();
    all.intents.extend(theirs.intents.into_iter().filter(|intent| !nonces.contains(&intent.nonce)));
    all
}

fn progress(key: &SealedKey) -> (crate::model::Timestamp, KeyState) {
    (key.since, key.state)
}
