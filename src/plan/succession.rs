//! Successor first: when a key that serves gets the next generation, what keeps it from that, and when the one before goes.
//!
//! overlap (both work) → disabled → quarantine → deleted; one step for each apply and address, and no clock of our own: ages
//! count from the service's times.

use super::draft::{Refusal, list};
use super::elsewhere;
use super::environments::Place;
use super::index::Index;
use super::minting::{busy, mint};
use super::phase::Phase;
use super::retire::{next_step, protected_refusal};
use super::revoke::is_outlived;
use super::update::is_configuration;
use super::value::{Action, Blocked, Change, Predecessor, Reason, ReasonCode, Step, Verb};
use crate::model::{DesiredKey, KeyProof, KeyState, LiveKey, Period, SealedKey, Timestamp};

/// How long both work where no `rotate` says: of a key that is replaced, or rotated by name.
pub(super) const OVERLAP: Period = Period::days(7);

/// How long a step waits for its window, however often that opened meanwhile.
const PATIENCE: Period = Period::days(7);

/// How many successors that came too late stand beside a key before no further one is tried.
const MOST_LATE: usize = 2;

/// How long both work.
pub fn overlap_of(desired: &DesiredKey) -> Period {
    desired.rotate.as_ref().map_or(OVERLAP, |rotate| rotate.overlap)
}

/// When a key's rotation is due: by the service's own time of its creation.
pub(super) fn due(desired: &DesiredKey, record: &SealedKey, live: &LiveKey) -> Option<Timestamp> {
    let rotate = desired.rotate.as_ref().filter(|_| desired.enabled)?;
    Some(rotate.every.after(live.created.unwrap_or(record.created)))
}

/// When the predecessors of a key that serves may stop. A change to it begins the overlap anew: it may have been off.
pub(super) fn overlap_ends(desired: &DesiredKey, record: &SealedKey, live: &LiveKey) -> Timestamp {
    let since = live.updated.map_or(record.since, |updated| updated.max(record.since));
    overlap_of(desired).after(since)
}

/// From when on a step that is due at `due` is taken: within its window, but no more than so long after.
pub(super) fn not_before(desired: &DesiredKey, due: Timestamp) -> Timestamp {
    let window = desired.rotate.as_ref().and_then(|rotate| rotate.window.as_ref());
    let last = PATIENCE.after(due);
    window.map_or(due, |window| window.opens(due).map_or(last, |opens| opens.min(last)))
}

/// When the window opens that a step waits for which is due since `due`; `None`: it waits for nothing.
///
/// An apply that never runs within the window does not put a rotation off for ever.
pub(super) fn waits_until(index: &Index<'_>, desired: &DesiredKey, due: Timestamp) -> Option<Timestamp> {
    let window = desired.rotate.as_ref()?.window.as_ref()?;
    let now = index.input.now;
    let is_waiting = due <= now && !window.is_open(now) && now < PATIENCE.after(due);
    is_waiting.then(|| window.opens(now).unwrap_or(now).min(PATIENCE.after(due)))
}

/// Whether a recorded generation works, or may be made to by hand: one in quarantine is out of the way.
pub(super) fn stands<'a>(record: &SealedKey, phase: &Phase<'a>) -> Option<&'a LiveKey> {
    match phase {
        Phase::Serving(live) if record.state != KeyState::Disabled || !live.disabled => Some(live),
        _ => None,
    }
}

/// The generations that one made now would take the place of, oldest first; after them what the files put here from other
/// environments.
pub(super) fn predecessors(
    index: &Index<'_>,
    desired: &DesiredKey,
    generations: &[(&SealedKey, Phase<'_>)],
) -> Vec<Predecessor> {
    let until = overlap_of(desired).after(index.input.now);
    let of = |(record, phase): &(&SealedKey, Phase<'_>)| {
        let live = stands(record, phase)?;
        let until = (!live.disabled).then_some(until);
        let address = record.address.clone();
        Some(Predecessor { address, id: record.id.clone(), generation: record.generation, until })
    };
    generations.iter().rev().filter_map(of).chain(elsewhere::predecessors(index, desired)).collect()
}

/// The successor of a key that serves, if it needs one: it is asked for, it is due, or what is declared cannot be had in
/// place. `sent` is what else differs.
pub(super) fn succeed(
    index: &Index<'_>,
    place: &Place<'_>,
    desired: &DesiredKey,
    (record, live): (&SealedKey, &LiveKey),
    generations: &[(&SealedKey, Phase<'_>)],
    sent: &[Change],
) -> Option<Action> {
    let is_asked = index.input.ask.rotate.contains(&desired.address);
    let fixed = fixed(index, place, desired, live);
    let (verb, reason) = if desired.enabled && !is_asked && is_outlived(record, generations) {
        let text = "the generation that took its place is revoked: whoever took that up needs another";
        (Verb::Rotate, Reason::at(&desired.origin, ReasonCode::Revoked, text))
    } else {
        why(index, desired, (record, live), &fixed, is_asked)?
    };
    let is_newer = |other: &SealedKey| other.generation > record.generation;
    let newer = || generations.iter().filter(|(other, _)| is_newer(other)).map(|(_, phase)| phase);
    // What is said of it says it all.
    if newer().any(|phase| matches!(phase, Phase::Altered(_))) {
        return None;
    }
    let action = mint(index, place, desired, reason, predecessors(index, desired, generations));
    let action =
        instead_of_create(action, verb).changes(fixed.into_iter().chain(sent.iter().cloned()).collect());
    let late = newer().filter(|phase| matches!(phase, Phase::Late(_))).count();
    let refusal = if !desired.enabled {
        Some(switched_off())
    } else if newer().any(|phase| matches!(phase, Phase::Pending)) {
        Some(busy())
    } else if let Some(refusal) = unfinished(desired, (record, live), generations) {
        Some(refusal)
    } else {
        (late >= MOST_LATE && !index.is_named(&desired.address)).then(|| too_late(desired, late))
    };
    Some(match refusal {
        Some(refusal) => action.block(refusal),
        None => action,
    })
}

/// The same minting under the word for why it is done; what is in its way keeps its own.
pub(super) fn instead_of_create(action: Action, verb: Verb) -> Action {
    match action.blocked.clone() {
        Some(blocked) if blocked.verb == Verb::Create => {
            Action { blocked: Some(Blocked { verb, ..blocked }), ..action }
        }
        Some(_) => action,
        None => Action { verb, ..action },
    }
}

fn why(
    index: &Index<'_>,
    desired: &DesiredKey,
    (record, live): (&SealedKey, &LiveKey),
    fixed: &[Change],
    is_asked: bool,
) -> Option<(Verb, Reason)> {
    let origin = |field: &str| desired.attribute_origins.get(field).unwrap_or(&desired.origin);
    if is_asked {
        let text = "its secret is replaced by a new one because you asked for it";
        return Some((Verb::Rotate, Reason::at(&desired.origin, ReasonCode::Asked, text)));
    }
    // Nobody uses a key that is switched off: it is replaced when it is wanted again.
    let first = fixed.first().filter(|_| desired.enabled);
    if let Some(first) = first {
        let fields: Vec<&str> = fixed.iter().map(|change| change.field).collect();
        let text = format!("{} of a key cannot change in place: it gets a successor", fields.join(" and "));
        return Some((Verb::Replace, Reason::at(origin(first.field), ReasonCode::Changed, text)));
    }
    let due = due(desired, record, live).filter(|due| *due <= index.input.now)?;
    if waits_until(index, desired, due).is_some() {
        return None;
    }
    let every = desired.rotate.as_ref()?.every;
    let text = format!("due since {due:.0}: rotated every {every}");
    Some((Verb::Rotate, Reason::at(origin("rotate"), ReasonCode::RotationDue, text)))
}

/// What differs and can never change at the service.
fn fixed(index: &Index<'_>, place: &Place<'_>, desired: &DesiredKey, live: &LiveKey) -> Vec<Change> {
    let is_elsewhere = match place {
        Place::There(id) | Place::Begun(id, _) => **id != live.environment,
        Place::Planned(_) => true,
        Place::Unavailable => false,
    };
    let name_of = |id| index.environment(id).map_or(id.as_str(), |e| e.name.as_str());
    let label = desired.address.environment();
    let to = index.input.desired.environments.get(label).map_or(label.as_str(), |e| e.name.as_str());
    let moved = is_elsewhere.then(|| Change::from_to("environment", name_of(&live.environment), to));
    let mut changes = fixed_in_place(desired, live);
    changes.extend(moved);
    changes
}

/// The same, but for the environment.
pub(super) fn fixed_in_place(desired: &DesiredKey, live: &LiveKey) -> Vec<Change> {
    let sets_permissions = !is_configuration(live.key_type) || !is_configuration(desired.key_type);
    let changes = [
        (live.key_type != desired.key_type).then(|| Change::from_to("type", live.key_type, desired.key_type)),
        (sets_permissions && live.permissions != desired.permissions)
            .then(|| Change::from_to("permissions", list(&live.permissions), list(&desired.permissions))),
    ];
    changes.into_iter().flatten().collect()
}

fn switched_off() -> Refusal {
    let text = "it is declared with `enabled = false`, and nobody can use a new secret of it";
    Refusal::new("disabled", text, "Enable it in the files and apply, then rotate it.")
}

/// Two generations work already: a third is not made before the first is off, or nobody could tell which is in use.
fn unfinished(
    desired: &DesiredKey,
    (record, live): (&SealedKey, &LiveKey),
    generations: &[(&SealedKey, Phase<'_>)],
) -> Option<Refusal> {
    let works = |(old, phase): &&(&SealedKey, Phase<'_>)| {
        old.id != record.id && stands(old, phase).is_some_and(|live| !live.disabled)
    };
    let (old, _) = generations.iter().find(works)?;
    let ends = overlap_ends(desired, record, live);
    let text = format!(
        "its last rotation is not finished: generation {} (`{}`) still works, and no third one is made beside two",
        old.generation, old.id
    );
    let help = format!(
        "An apply after {ends:.0} disables generation {}, and the one after that goes on here.",
        old.generation
    );
    Some(Refusal::new("rotating", text, help))
}

fn too_late(desired: &DesiredKey, late: usize) -> Refusal {
    let text = format!(
        "its last {late} successors were released too late to be relied on, so no further one is tried"
    );
    let help = format!(
        "Find out what slows the requests that enable a key (see `keycomb plan -vv`); then name it: `--allow {}`.",
        desired.address
    );
    Refusal::new("late", text, help)
}

/// The next step of a generation beside the one that serves its address; `None` while there is nothing but to wait.
pub(super) fn supersede(
    index: &Index<'_>,
    desired: &DesiredKey,
    (record, live): (&SealedKey, &LiveKey),
    (old, phase): (&SealedKey, &Phase<'_>),
) -> Option<Action> {
    let (Phase::Serving(old_live) | Phase::Late(old_live)) = phase else { return None };
    // Two of one generation, and what was never relied on, need no overlap; nor does what is to stop by the files.
    let is_predecessor = matches!(phase, Phase::Serving(_)) && old.generation < record.generation;
    let works = !old_live.disabled;
    let ends = overlap_ends(desired, record, live);
    let waits = || ends > index.input.now || waits_until(index, desired, ends).is_some();
    if is_predecessor && works && desired.enabled && waits() {
        return None;
    }
    let successor = desired.enabled.then_some(&record.id);
    let reason = || Reason::new(ReasonCode::Superseded, superseded_text(desired, record, (old, phase)));
    let action = next_step(index, old, old_live, successor, reason)?;
    let is_stop = matches!(action.step, Step::RetireKey { .. }) && works;
    if !is_stop || index.is_named(&old.address) {
        return Some(action);
    }
    let is_protected = old.protected || desired.protected;
    Some(match desired.enabled {
        true => unless_unproven(action, record, is_protected),
        false if is_protected || record.protected => action.block(protected_refusal(&old.address)),
        false => action,
    })
}

/// The stop of a key that `record` has taken the place of, unless that may not work.
pub(super) fn unless_unproven(action: Action, record: &SealedKey, is_protected: bool) -> Action {
    match (record.proof, is_protected) {
        (Some(KeyProof::Accepted), _) | (None, false) => action,
        (Some(KeyProof::Refused), _) => action.block(unproven(record, "was refused when it was tried")),
        // What is protected stops only for what was seen to work.
        (None, true) => action
            .block(unproven(record, "could not be tried when it was released, and the address is protected")),
    }
}

fn superseded_text(
    desired: &DesiredKey,
    record: &SealedKey,
    (old, phase): (&SealedKey, &Phase<'_>),
) -> String {
    let why = match phase {
        Phase::Late(_) if old.generation > record.generation => {
            "released too late to be relied on".to_owned()
        }
        _ if !desired.enabled => "declared with `enabled = false`".to_owned(),
        _ => format!("generation {} has taken its place since {:.0}", record.generation, record.since),
    };
    format!("{why}; deleted {} after this, on a later apply", old.quarantine)
}

fn unproven(record: &SealedKey, what: &str) -> Refusal {
    let (generation, id, address) = (record.generation, &record.id, &record.address);
    let text = format!("the credential of its successor, generation {generation} (`{id}`), {what}");
    let help = format!(
        "Open the successor's secret and try it (`keycomb secrets open {address}`). If it works, name the address: \
         `--allow {address}`; if not, `keycomb rotate {address}` once this generation is settled."
    );
    Refusal::guard("unproven", text, help)
}
