//! Keys, address by address: each generation and each leftover is handled once.

use std::collections::{BTreeMap, HashMap};

use super::discard::{address_of_lost, discard_generation, discard_stray};
use super::draft::Refusal;
use super::environments::Place;
use super::index::Index;
use super::minting::{busy, mint};
use super::phase::Phase;
use super::retire::retire;
use super::update::update;
use super::value::{Action, Reason, ReasonCode, SecretEffect, Step, Verb};
use crate::model::{Address, DesiredKey, KeyState, Label, LiveKey, OnMissing, SealedKey};

/// The places of the declared environments, by label.
pub(super) type Places<'a> = HashMap<&'a Label, Place<'a>>;

/// What is to be done about all keys; besides discards at most one action that is not blocked for each address.
pub(super) fn keys<'a>(index: &Index<'a>, places: &Places<'a>) -> Vec<Action> {
    let mut actions = vec![];
    for address in index.key_addresses() {
        let generations = index.generations(address);
        let found = match index.input.desired.keys.get(address) {
            Some(desired) => {
                let place = places.get(address.environment()).unwrap_or(&Place::Unavailable);
                declared(index, place, desired, &generations)
            }
            None => undeclared(index, &generations),
        };
        actions.extend(found);
        actions
            .extend(index.strays_at(address).iter().filter_map(|stray| discard_stray(index, address, stray)));
    }
    let lost = |stray| discard_stray(index, &address_of_lost(index, stray)?, stray);
    actions.extend(index.lost.iter().filter_map(lost));
    hold_what_moved(index, actions)
}

fn declared<'a>(
    index: &Index<'a>,
    place: &Place<'a>,
    desired: &DesiredKey,
    generations: &[(&SealedKey, Phase<'a>)],
) -> Vec<Action> {
    let current = generations.iter().position(|(_, phase)| phase.is_current());
    let mut actions = match current.and_then(|at| generations.get(at)) {
        Some((record, Phase::Serving(live))) => update(index, place, desired, record, live),
        Some((record, Phase::Unreleased(live))) => vec![release(desired, record, live)],
        Some((record, _)) => vec![missing(index, place, desired, record)],
        None if generations.iter().any(|(_, phase)| matches!(phase, Phase::Pending)) => {
            let reason =
                Reason::at(&desired.origin, ReasonCode::Declared, "declared, and not at the service");
            vec![mint(index, place, desired, reason).block(busy())]
        }
        None => vec![mint(index, place, desired, first_reason(desired, generations))],
    };
    let others = || generations.iter().enumerate().filter(|(at, _)| Some(*at) != current).map(|(_, g)| g);
    actions.extend(others().filter_map(|(record, phase)| match phase {
        Phase::Abandoned(live) | Phase::Unreleased(live) => Some(discard_generation(index, record, live)),
        _ => None,
    }));
    let is_settled =
        current.and_then(|at| generations.get(at)).is_some_and(|g| is_settled(index, desired, g));
    // One step for each address and apply: what serves comes first, what it superseded goes later.
    if is_settled && !actions.iter().any(|action| action.is_taken() && action.verb != Verb::Discard) {
        let superseded = others().filter(|(_, phase)| matches!(phase, Phase::Serving(_) | Phase::Late(_)));
        actions.extend(first_steps(superseded.filter_map(|(record, phase)| retire(index, record, phase))));
    }
    actions
}

fn undeclared(index: &Index<'_>, generations: &[(&SealedKey, Phase<'_>)]) -> Vec<Action> {
    let discards = generations.iter().filter_map(|(record, phase)| match phase {
        Phase::Abandoned(live) | Phase::Unreleased(live) => Some(discard_generation(index, record, live)),
        _ => None,
    });
    let retired = generations.iter().filter_map(|(record, phase)| retire(index, record, phase));
    discards.chain(first_steps(retired)).collect()
}

/// All that are blocked, and the first that is not.
fn first_steps(actions: impl Iterator<Item = Action>) -> Vec<Action> {
    let mut is_first = true;
    actions.filter(|action| !action.is_taken() || std::mem::replace(&mut is_first, false)).collect()
}

/// Whether a generation does what the address declares, so that an older one can go.
fn is_settled(index: &Index<'_>, desired: &DesiredKey, (record, phase): &(&SealedKey, Phase<'_>)) -> bool {
    let Phase::Serving(live) = phase else { return false };
    let overlap_over =
        desired.rotate.as_ref().is_none_or(|rotate| rotate.overlap.after(record.since) <= index.input.now);
    record.state == KeyState::Live && live.disabled != desired.enabled && overlap_over
}

fn first_reason(desired: &DesiredKey, generations: &[(&SealedKey, Phase<'_>)]) -> Reason {
    if generations.iter().any(|(_, phase)| matches!(phase, Phase::Late(_))) {
        let text = "the last one was released too late to be relied on, so it gets a successor";
        return Reason::at(&desired.origin, ReasonCode::Unfinished, text);
    }
    Reason::at(&desired.origin, ReasonCode::Declared, "declared, and not at the service")
}

fn release(desired: &DesiredKey, record: &SealedKey, live: &LiveKey) -> Action {
    let text = "minted and sealed by an apply that was cut short before it released it";
    let reason = Reason::at(&desired.origin, ReasonCode::Unreleased, text);
    let step = Step::ReleaseKey { id: live.id.clone(), enabled: desired.enabled };
    let secret = if desired.enabled { SecretEffect::StartsWorking } else { SecretEffect::None };
    let action = Action::on(record, live, Verb::Release, reason, step).secret(secret);
    Action { name: record.name.clone(), ..action }
}

fn missing(index: &Index<'_>, place: &Place<'_>, desired: &DesiredKey, record: &SealedKey) -> Action {
    let reason = Reason::at(&desired.origin, ReasonCode::Missing, "gone from the service");
    let action = mint(index, place, desired, reason);
    if index.input.desired.policy.on_missing == OnMissing::Recreate {
        return action;
    }
    let text = format!("the managed key `{}` is gone: the service answers 404 for it", record.id);
    let help = "Find out who deleted it. With `on_missing = \"recreate\"` under `[policy]` the next apply makes \
                it again, with a new secret; if it shall stay away, take it out of the files.";
    action.block(Refusal::new("missing", text, help)).id(&record.id)
}

/// A key that another address declares by the same name was most likely moved in the files, not removed.
fn hold_what_moved(index: &Index<'_>, actions: Vec<Action>) -> Vec<Action> {
    let is_exists = |a: &&Action| a.blocked.as_ref().is_some_and(|b| b.code == "exists");
    let claims: BTreeMap<String, Address> = actions
        .iter()
        .filter(is_exists)
        .filter_map(|action| Some((action.id.clone()?, action.address.clone())))
        .collect();
    // Once it is on its way out it was said: from there on it goes its way.
    let is_removal = |a: &Action| {
        a.reason.code == ReasonCode::Undeclared && !index.input.desired.keys.contains_key(&a.address)
    };
    let hold = |action: Action| {
        let claim = action.id.as_ref().and_then(|id| claims.get(id));
        match claim.filter(|_| is_removal(&action)) {
            Some(claim) => {
                let text = format!("`{claim}` declares a key of the same environment, type and name");
                let help = format!(
                    "If it moved, declare it at `{}` again; if not, give `{claim}` another name.",
                    action.address
                );
                action.block(Refusal::new("moved", text, help))
            }
            None => action,
        }
    };
    actions.into_iter().map(hold).collect()
}
