//! Keys, address by address: each generation and each leftover is handled once.

use std::collections::{BTreeMap, HashMap};

use super::discard::{address_of_lost, discard_generation, discard_stray};
use super::draft::Refusal;
use super::elsewhere::{self, make_way, successor_of};
use super::environments::Place;
use super::index::Index;
use super::minting::{busy, busy_staged, mint, moved_from};
use super::phase::{Phase, is_staged};
use super::retire::retire;
use super::revoke::{belongs_to_revoking, is_outlived, is_revoked};
use super::succession::{instead_of_create, predecessors, supersede};
use super::times::{STAGE_GRACE, stage_ends};
use super::update::update;
use super::value::{Action, Reason, ReasonCode, SecretEffect, Step, Verb};
use crate::model::{Address, DesiredKey, KeyId, KeyState, Label, LiveKey, OnMissing, SealedKey};

/// The places of the declared environments, by label.
pub(super) type Places<'a> = HashMap<&'a Label, Place<'a>>;

/// What is to be done about all keys; besides discards at most one action that is not blocked for each key, and for each
/// address that is declared and not switched off.
pub(super) fn keys<'a>(index: &Index<'a>, places: &Places<'a>) -> Vec<Action> {
    let mut actions = vec![];
    let asked = index.input.ask.revoke.as_ref();
    let is_asked = |address: &&Address| asked.is_none_or(|asked| asked.address == **address);
    for address in index.key_addresses().into_iter().filter(is_asked) {
        let generations = index.generations(address);
        let found = match index.input.desired.keys.get(address) {
            Some(desired) => {
                let place = places.get(address.environment()).unwrap_or(&Place::Unavailable);
                declared(index, place, desired, &generations)
            }
            None => undeclared(index, address, &generations),
        };
        actions.extend(found);
        actions
            .extend(index.strays_at(address).iter().filter_map(|stray| discard_stray(index, address, stray)));
    }
    if asked.is_some() {
        actions.retain(belongs_to_revoking);
        return actions;
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
    let current = current_of(generations);
    let mut actions = match current.and_then(|at| generations.get(at)) {
        Some((record, Phase::Serving(live))) => update(index, place, desired, (record, live), generations),
        Some((record, Phase::Unreleased(live))) => vec![release(index, desired, (record, live), generations)],
        // What was revoked after it needs a successor, whatever became of this one.
        Some((record, _)) if is_outlived(record, generations) => {
            let succeeds = predecessors(index, desired, generations);
            vec![mint(index, place, desired, first_reason(desired, generations), succeeds)]
        }
        Some((record, _)) => vec![missing(index, place, desired, record, generations)],
        None if generations.iter().any(|(_, phase)| matches!(phase, Phase::Pending)) => {
            let reason =
                Reason::at(&desired.origin, ReasonCode::Declared, "declared, and not at the service");
            vec![mint(index, place, desired, reason, vec![]).block(busy())]
        }
        // What is said of it below says it all.
        None if generations.iter().any(|(_, phase)| matches!(phase, Phase::Altered(_))) => vec![],
        None => vec![first(index, place, desired, generations)],
    };
    actions.extend(revoked(index, generations));
    let others = || generations.iter().enumerate().filter(|(at, _)| Some(*at) != current).map(|(_, g)| g);
    actions.extend(others().filter_map(|(record, phase)| match phase {
        Phase::Altered(live) => Some(altered(record, live)),
        phase => discardable(index, record, phase).map(|live| discard_generation(index, record, live)),
    }));
    let Some((record, Phase::Serving(live))) = current.and_then(|at| generations.get(at)) else {
        return actions;
    };
    let superseded =
        || others().filter_map(|(old, phase)| supersede(index, desired, (record, live), (old, phase)));
    // Whoever switches a key off wants nothing of it to work: what works beside it stops with it. The oldest first, so that
    // what a guard keeps is the newest.
    if !desired.enabled && !live.disabled {
        let mut stops: Vec<Action> =
            superseded().filter(|action| matches!(action.verb, Verb::Disable | Verb::Blocked)).collect();
        stops.reverse();
        stops.append(&mut actions);
        return stops;
    }
    // One step for each address and apply: what serves comes first, what it superseded goes later.
    let is_free = !actions.iter().any(|action| action.is_taken() && action.verb != Verb::Discard);
    if is_free && is_settled(desired, record, live) {
        actions.extend(first_steps(superseded()));
    }
    actions
}

/// The generation that stands for its address: the newest that can, and rather one that is not on its way out. One that is
/// does not come back for a newer one that is revoked: its secret was rotated away.
pub(super) fn current_of(generations: &[(&SealedKey, Phase<'_>)]) -> Option<usize> {
    let stays =
        |(record, phase): &(&SealedKey, Phase<'_>)| phase.is_current() && record.state != KeyState::Disabled;
    let stays = generations.iter().position(stays);
    let revoked = generations.iter().filter(|(record, phase)| is_revoked(record, phase));
    let newest = revoked.map(|(record, _)| record.generation).max();
    let comes_back = |(record, phase): &(&SealedKey, Phase<'_>)| {
        phase.is_current() && newest.is_none_or(|newest| record.generation > newest)
    };
    stays.or_else(|| generations.iter().position(comes_back))
}

fn undeclared(index: &Index<'_>, address: &Address, generations: &[(&SealedKey, Phase<'_>)]) -> Vec<Action> {
    let settled = generations.iter().filter_map(|(record, phase)| match phase {
        Phase::Altered(live) => Some(altered(record, live)),
        phase => discardable(index, record, phase).map(|live| discard_generation(index, record, live)),
    });
    let is_revoked = |phase: &Phase<'_>| matches!(phase, Phase::Revoked(_));
    let is_disputed = index.is_disputed(address) && !index.is_named(address);
    let successor = successor_of(index, address);
    // Whoever takes a key out of the files wants nothing of it to work: each generation takes its step, the oldest first.
    let retired = generations.iter().rev().filter(|(_, phase)| !is_revoked(phase));
    let retired = retired.filter_map(|(record, phase)| match successor {
        Some(successor) => make_way(index, successor, (record, phase)),
        None => retire(index, record, phase),
    });
    let retired = retired.map(|action| if is_disputed { action.block(disputed(address)) } else { action });
    settled.chain(revoked(index, generations)).chain(retired).collect()
}

/// Two branches that do not agree what becomes of an address.
fn disputed(address: &Address) -> Refusal {
    let text =
        "one branch took it out of the record with `forget`, and another one made or changed a key of it";
    let help = format!(
        "If it shall stay as it is and be nobody's here, run `keycomb forget {address}` once more; if it shall be managed, \
         declare it again; if it shall go, name it: `--allow {address}`."
    );
    Refusal::guard("forgotten", text, help)
}

/// The first key of an address, or the first that counts.
fn first(
    index: &Index<'_>,
    place: &Place<'_>,
    desired: &DesiredKey,
    generations: &[(&SealedKey, Phase<'_>)],
) -> Action {
    let succeeds = predecessors(index, desired, generations);
    let is_plain = |(record, phase): &(&SealedKey, Phase<'_>)| {
        !matches!(phase, Phase::Late(_)) && !is_revoked(record, phase)
    };
    match elsewhere::reason(index, desired, &succeeds).filter(|_| generations.iter().all(is_plain)) {
        Some((reason, change)) => {
            let action = instead_of_create(mint(index, place, desired, reason, succeeds), Verb::Replace);
            let changes = std::iter::once(change).chain(action.changes.clone()).collect();
            action.changes(changes)
        }
        None => mint(index, place, desired, first_reason(desired, generations), succeeds),
    }
}

/// The key of a generation that is not needed and was never enabled. A staged one has its entry in other checkouts, which may
/// release it until its time is over.
fn discardable<'a>(index: &Index<'_>, record: &SealedKey, phase: &Phase<'a>) -> Option<&'a LiveKey> {
    match phase {
        Phase::Abandoned(live) => Some(live),
        Phase::Unreleased(live) => (!is_staged(live) || index.is_named(&record.address)).then_some(live),
        _ => None,
    }
}

/// What is revoked does not wait for its turn.
fn revoked(index: &Index<'_>, generations: &[(&SealedKey, Phase<'_>)]) -> impl Iterator<Item = Action> {
    let revoked = generations.iter().filter(|(_, phase)| matches!(phase, Phase::Revoked(_)));
    revoked.filter_map(|(record, phase)| retire(index, record, phase))
}

/// All that are blocked, and the first that is not.
fn first_steps(actions: impl Iterator<Item = Action>) -> Vec<Action> {
    let mut is_first = true;
    actions.filter(|action| !action.is_taken() || std::mem::replace(&mut is_first, false)).collect()
}

/// Whether a generation works as its address declares, so that another one can go.
fn is_settled(desired: &DesiredKey, record: &SealedKey, live: &LiveKey) -> bool {
    record.state == KeyState::Live && live.disabled != desired.enabled
}

fn first_reason(desired: &DesiredKey, generations: &[(&SealedKey, Phase<'_>)]) -> Reason {
    if generations.iter().any(|(_, phase)| matches!(phase, Phase::Late(_))) {
        let text = "the last one was released too late to be relied on, so it gets a successor";
        return Reason::at(&desired.origin, ReasonCode::Unfinished, text);
    }
    if generations.first().is_some_and(|(record, phase)| is_revoked(record, phase)) {
        let text = "the one before it is revoked";
        return Reason::at(&desired.origin, ReasonCode::Revoked, text);
    }
    Reason::at(&desired.origin, ReasonCode::Declared, "declared, and not at the service")
}

fn release(
    index: &Index<'_>,
    desired: &DesiredKey,
    (record, live): (&SealedKey, &LiveKey),
    generations: &[(&SealedKey, Phase<'_>)],
) -> Action {
    let (code, text) = match is_staged(live) {
        true => {
            let ends = stage_ends(record.created);
            let text =
                format!("staged, and its sealed entry is in this checkout; can be released until {ends:.0}");
            (ReasonCode::Staged, text)
        }
        false => {
            let text = "minted and sealed by an apply that was cut short before it released it";
            (ReasonCode::Unreleased, text.to_owned())
        }
    };
    let text = match index.input.ask.rotate.contains(&desired.address) {
        true => format!(
            "not rotated: what an earlier run made is released first, then ask for the rotation again; {text}"
        ),
        false => text,
    };
    let reason = Reason::at(&desired.origin, code, text);
    let succeeds = predecessors(index, desired, generations);
    let step = Step::ReleaseKey { id: live.id.clone(), enabled: desired.enabled, succeeds };
    let secret = if desired.enabled { SecretEffect::StartsWorking } else { SecretEffect::None };
    let action = Action::on(record, live, Verb::Release, reason, step).secret(secret);
    let action = Action { name: record.name.clone(), ..action };
    // Two keys staged for one address, and this checkout knows only one of them: another may release the other.
    let rival = index.strays_at(&record.address).iter().find(|stray| stray.is_staged() && stray.is_busy());
    match rival.filter(|_| code == ReasonCode::Staged) {
        Some(stray) => action.block(busy_staged(stray.live, &record.address)),
        None => action,
    }
}

/// A staged key whose entry is not the one that it waits for.
fn altered(record: &SealedKey, live: &LiveKey) -> Action {
    let reason = Reason::new(ReasonCode::Staged, "staged, and its sealed entry is in this checkout");
    let text = format!(
        "the entry of the staged key `{}` is not the one that was staged: it was changed since",
        live.id
    );
    let help = format!(
        "Take the entry as the run that staged it wrote it (look for `{}` in the sealed file's history). If that is lost: \
         `--allow {}` deletes the key, which was never enabled, and makes another; without that it goes {} days after it was made.",
        live.id,
        record.address,
        STAGE_GRACE.as_secs() / 86_400,
    );
    let action = Action::on(record, live, Verb::Release, reason, Step::Nothing);
    Action { name: record.name.clone(), ..action }.block(Refusal::new("altered", text, help))
}

fn missing(
    index: &Index<'_>,
    place: &Place<'_>,
    desired: &DesiredKey,
    record: &SealedKey,
    generations: &[(&SealedKey, Phase<'_>)],
) -> Action {
    let reason = Reason::at(&desired.origin, ReasonCode::Missing, "gone from the service");
    let action = mint(index, place, desired, reason, predecessors(index, desired, generations));
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
    // What it was made in the place of relies on it.
    let relies_on = |id: &String| {
        let records = index.made_for(&KeyId::new(id.clone()).ok()?).iter();
        records.filter_map(|record| Some((&record.address, claims.get(record.id.as_str())?))).next()
    };
    let hold = |action: Action| {
        let id = action.id.as_ref().filter(|_| is_removal(&action));
        match (id.and_then(|id| claims.get(id)), id.and_then(relies_on)) {
            (None, Some((successor, claim))) => {
                let text = format!("`{successor}` has taken its place, and may have moved to `{claim}`");
                let help = format!("Say first what becomes of `{successor}`; until then this one goes on.");
                action.block(Refusal::new("moved", text, help))
            }
            (Some(claim), _) => {
                let text = format!("`{claim}` declares a key of the same environment, type and name");
                let help = match moved_from(&action.address, claim) {
                    Some(line) => format!(
                        "If it is that one, write `{line}` into its block (or run `keycomb mv {} {claim}`); if not, give \
                         `{claim}` another name.",
                        action.address
                    ),
                    None => format!(
                        "If it moved, declare it at `{}` again; if not, give `{claim}` another name.",
                        action.address
                    ),
                };
                action.block(Refusal::new("moved", text, help))
            }
            (None, None) => action,
        }
    };
    actions.into_iter().map(hold).collect()
}
