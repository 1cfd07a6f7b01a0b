//! A key that the files put into another environment: the one made there takes its place, and both work for the overlap.
//!
//! They are two addresses. The entry of the later one says which keys it was made in the place of, so that no later run has
//! to guess: one environment of several that is taken out of `environments` has no successor.

use std::collections::BTreeSet;

use super::index::Index;
use super::keys::current_of;
use super::phase::Phase;
use super::retire::{next_step, protected_refusal, retire};
use super::succession::{overlap_ends, overlap_of, stands, unless_unproven, waits_until};
use super::value::{Action, Change, Predecessor, Reason, ReasonCode, Step};
use crate::model::{Address, DesiredKey, KeyState, LiveKey, SealedKey, Timestamp};

/// The declared key that takes the place of what is recorded at an address which nothing declares any more: the one that was
/// made for that, wherever it is declared by now; or, where none was yet, the first of its table that the record has nothing
/// of, and after those the first that is declared as moved from its table.
///
/// A key that is switched off takes nobody's place.
pub(super) fn successor_of<'a>(index: &Index<'a>, old: &Address) -> Option<&'a DesiredKey> {
    if index.input.desired.keys.contains_key(old) {
        return None;
    }
    let generations = index.generations(old);
    made_for(index, &generations).or_else(|| {
        let table = index.table(old)?;
        let mut others = table.declared.iter().chain(&table.renamed).filter(|desired| desired.enabled);
        let works = |(record, phase): &(&SealedKey, Phase<'_>)| {
            stands(record, phase).is_some_and(|live| !live.disabled)
        };
        let is_new = |desired: &&&DesiredKey| {
            index.generations(&desired.address).iter().all(|(record, _)| record.state == KeyState::Deleted)
        };
        others.find(is_new).filter(|_| generations.iter().any(works)).copied()
    })
}

/// The first declared key of which the record says that it was made in the place of one of these.
fn made_for<'a>(index: &Index<'a>, generations: &[(&SealedKey, Phase<'_>)]) -> Option<&'a DesiredKey> {
    let declared = &index.input.desired.keys;
    let records = generations.iter().flat_map(|(old, _)| index.made_for(&old.id));
    let found = records.filter_map(|record| declared.get_full(&record.address));
    let (_, _, desired) = found.filter(|(_, _, desired)| desired.enabled).min_by_key(|(at, _, _)| *at)?;
    Some(desired)
}

/// The addresses whose keys one at this address may take the place of: those of its table, those of the table that it is
/// moved from, and those that the record names.
fn places<'a>(index: &Index<'a>, desired: &DesiredKey) -> BTreeSet<&'a Address> {
    let generations = index.generations(&desired.address);
    let named = generations.iter().flat_map(|(record, _)| &record.in_place_of);
    let named = named.filter_map(|id| Some(&index.owner(id)?.address));
    let tables = [Some(&desired.address), desired.moved_from.as_ref()];
    let tables = tables.into_iter().flatten().filter_map(|address| index.table(address));
    tables.flat_map(|table| table.undeclared.iter().copied()).chain(named).collect()
}

/// What a key that is minted at an address takes the place of in other environments, by address, oldest first.
pub(super) fn predecessors(index: &Index<'_>, desired: &DesiredKey) -> Vec<Predecessor> {
    let is_ours = |old: &&Address| successor_of(index, old).is_some_and(|to| to.address == desired.address);
    let of = |old: &Address| {
        let until = ends(index, desired, old).unwrap_or_else(|| overlap_of(desired).after(index.input.now));
        let of = |(record, phase): &(&SealedKey, Phase<'_>)| {
            let live = stands(record, phase)?;
            Some(Predecessor {
                address: record.address.clone(),
                id: record.id.clone(),
                generation: record.generation,
                until: (!live.disabled).then_some(until),
            })
        };
        index.generations(old).iter().rev().filter_map(of).collect::<Vec<_>>()
    };
    places(index, desired).into_iter().filter(is_ours).flat_map(of).collect()
}

/// Why a key is made, and what differs: it is the same one in another environment. `None` where it takes no such place.
pub(super) fn reason(
    index: &Index<'_>,
    desired: &DesiredKey,
    succeeds: &[Predecessor],
) -> Option<(Reason, Change)> {
    let elsewhere = || succeeds.iter().filter(|old| old.address != desired.address);
    let name_of = |address: &Address| {
        let label = address.environment();
        let declared = index.input.desired.environments.get(label).map(|e| e.name.as_str());
        let recorded =
            || index.environment_record(&Address::Environment(label.clone())).map(|e| e.name.as_str());
        declared.or_else(recorded).unwrap_or(label.as_str()).to_owned()
    };
    let mut from: Vec<String> = elsewhere().map(|old| name_of(&old.address)).collect();
    from.dedup();
    let from = (!from.is_empty()).then(|| from.join(", "))?;
    let change = Change::from_to("environment", from, name_of(&desired.address));
    let until = elsewhere().filter_map(|old| old.until).max();
    let works =
        until.map_or_else(String::new, |until| format!("; the one it had works until {until:.0} at least"));
    let text = format!("environment of a key cannot change: it gets a successor in another one{works}");
    let origins = &desired.attribute_origins;
    let origin =
        origins.get("environment").or_else(|| origins.get("environments")).unwrap_or(&desired.origin);
    Some((Reason::at(origin, ReasonCode::Changed, text), change))
}

/// When the keys at an address may stop: the first that was made in their place has worked for the overlap then. `None` while
/// none works.
pub(super) fn ends(index: &Index<'_>, desired: &DesiredKey, old: &Address) -> Option<Timestamp> {
    let ids: Vec<_> = index.generations(old).into_iter().map(|(record, _)| &record.id).collect();
    let generations = index.generations(&desired.address);
    let works = |(record, phase): &(&SealedKey, Phase<'_>)| match phase {
        Phase::Serving(live) if record.state == KeyState::Live && !live.disabled => {
            let is_made_for = ids.iter().any(|id| record.in_place_of.contains(id));
            is_made_for.then(|| overlap_ends(desired, record, live))
        }
        _ => None,
    };
    generations.iter().filter_map(works).min()
}

/// The generation that serves the address which took another one's place, if it works.
fn serving<'a>(index: &Index<'a>, desired: &DesiredKey) -> Option<(&'a SealedKey, &'a LiveKey)> {
    let generations = index.generations(&desired.address);
    match current_of(&generations).and_then(|at| generations.get(at)) {
        Some((record, Phase::Serving(live))) if record.state == KeyState::Live && !live.disabled => {
            Some((record, live))
        }
        _ => None,
    }
}

/// The next step of a generation at an address that another one takes the place of; `None` while there is nothing but to wait.
pub(super) fn make_way(
    index: &Index<'_>,
    desired: &DesiredKey,
    (old, phase): (&SealedKey, &Phase<'_>),
) -> Option<Action> {
    // What was never relied on needs no overlap.
    let Phase::Serving(live) = phase else { return retire(index, old, phase) };
    // What was in quarantine before has its end whoever takes the place of the others.
    if stands(old, phase).is_none() && index.made_for(&old.id).is_empty() {
        return retire(index, old, phase);
    }
    // While it does not work nothing goes on here.
    let (record, _) = serving(index, desired)?;
    if !live.disabled {
        let ends = ends(index, desired, &old.address)?;
        if ends > index.input.now || waits_until(index, desired, ends).is_some() {
            return None;
        }
    }
    let text = || {
        let (to, since, quarantine) = (&desired.address, record.since, old.quarantine);
        format!(
            "`{to}` has taken its place since {since:.0}; deleted {quarantine} after this, on a later apply"
        )
    };
    let reason = || Reason::new(ReasonCode::Superseded, text());
    let action = next_step(index, old, live, Some(&record.id), reason)?;
    if index.is_named(&old.address) {
        return Some(action);
    }
    // Protection goes with the key. Where the files lift it on the way, that is a change of its own, before this one.
    if old.protected && !desired.protected {
        return Some(action.block(protected_refusal(&old.address)));
    }
    let is_stop = matches!(action.step, Step::RetireKey { .. }) && !live.disabled;
    Some(if is_stop { unless_unproven(action, record, old.protected) } else { action })
}
