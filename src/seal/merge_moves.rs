//! One side moved an address, the other one made a further generation of the key there: that follows.

use crate::model::{Address, KeyState, Sealed, SealedKey};

/// Where an entry is that only one of two sides moved on from where the other has it; `None` where that cannot be told.
pub(super) fn later_place(ours: &SealedKey, theirs: &SealedKey) -> Option<(Address, Vec<Address>)> {
    let follows = |key: &SealedKey, other: &SealedKey| key.moved_from.contains(&other.address);
    let later = match (follows(ours, theirs), follows(theirs, ours)) {
        (true, false) => ours,
        (false, true) => theirs,
        _ => return None,
    };
    Some((later.address.clone(), later.moved_from.clone()))
}

/// Takes the keys that only one side has to where the other side moved their address. Nobody uses the old one any more: left
/// there they would be retired as no longer declared.
pub(super) fn follow(ours: &Sealed, theirs: &Sealed, merged: &mut Sealed) {
    for (side, other) in [(ours, theirs), (theirs, ours)] {
        let moves = moves_since(side, merged);
        let is_alone = |key: &SealedKey| side.key(&key.id).is_some() && other.key(&key.id).is_none();
        for key in merged.keys.iter_mut().filter(|key| is_alone(key) && is_settled(key.state)) {
            if let Some(to) = moves.iter().find_map(|(from, to)| key.address.moved(from, to)) {
                // Its secret is sealed for the address that it leaves.
                let from = std::mem::replace(&mut key.address, to);
                key.moved_from.retain(|known| *known != from && *known != key.address);
                key.moved_from.push(from);
            }
        }
    }
}

/// What was moved between one side and the merged file: keys first, as they are the nearer fact.
fn moves_since(side: &Sealed, merged: &Sealed) -> Vec<(Address, Address)> {
    let keys = side.keys.iter().filter_map(|key| {
        let now = merged.key(&key.id)?;
        now.moved_from.contains(&key.address).then(|| (key.address.clone(), now.address.clone()))
    });
    let environments = side.environments.iter().filter_map(|environment| {
        let now = merged.environments.iter().find(|known| known.id == environment.id)?;
        Some((environment.address.clone(), now.address.clone()))
    });
    keys.chain(environments).filter(|(from, to)| from != to).collect()
}

/// What is still being made has its address in its name at the service, and cannot move.
fn is_settled(state: KeyState) -> bool {
    matches!(state, KeyState::Live | KeyState::Disabled | KeyState::Deleted)
}
