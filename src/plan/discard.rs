//! Keys that were never enabled and never will be: nobody holds their secret, and they are deleted.
//!
//! From when on is one rule, for deciding and for carrying out alike: [`discardable_from`].

use super::draft::Refusal;
use super::index::{Index, Stray};
use super::phase::is_staged;
use super::times::{DEADLINE, GRACE, REQUEST_LIFE, STAGE_GRACE};
use super::value::{Action, Leftover, Reason, ReasonCode, Step, Verb};
use crate::model::{
    Address, EnvironmentId, KeyState, Label, LiveKey, Provisional, Sealed, SealedKey, Timestamp, brief,
};

/// From when on, by the service's clock, a key may be deleted as a leftover of ours; `None`: never.
///
/// `entry` is what `sealed` has of it. A key under another name than a provisional one of this lineage, or one that is
/// enabled, is no leftover. A change at the service begins the wait anew: somebody looked after it.
pub fn discardable_from(sealed: &Sealed, entry: Option<&SealedKey>, live: &LiveKey) -> Option<Timestamp> {
    let mark = Provisional::parse(&live.name).filter(|mark| mark.is_of(&sealed.lineage))?;
    if live.disabled && entry.is_none_or(|entry| mark.is_for(&entry.address)) {
        let is_staged = mark.digest.is_some() || entry.is_some_and(|entry| entry.state == KeyState::Staged);
        due(entry, is_staged, || sealed.intents.iter().any(|intent| intent.nonce == mark.nonce), live)
    } else {
        None
    }
}

fn due(
    entry: Option<&SealedKey>,
    is_staged: bool,
    is_intended: impl FnOnce() -> bool,
    live: &LiveKey,
) -> Option<Timestamp> {
    let after = |start: Timestamp, length| {
        let start = live.updated.map_or(start, |updated| updated.max(start));
        start.checked_add(length).ok()
    };
    match entry {
        Some(SealedKey { state: KeyState::Live | KeyState::Disabled, .. }) => None,
        // Its entry may be in anybody's checkout, whatever this record knows of it.
        _ if is_staged => after(live.created?, STAGE_GRACE),
        None if is_intended() => Some(Timestamp::MIN),
        None => after(live.created?, GRACE),
        Some(entry) => match entry.state {
            KeyState::Dropping => Some(Timestamp::MIN),
            // Taken for deleted, and there after all.
            KeyState::Deleted => after(entry.since.max(live.created?), GRACE),
            // A copy of the file may be on another machine, which may have begun to release it in its last moment.
            KeyState::Provisional => after(entry.created, DEADLINE + REQUEST_LIFE),
            KeyState::Releasing => after(live.created?.max(entry.created), GRACE),
            KeyState::Staged | KeyState::Live | KeyState::Disabled => None,
        },
    }
}

/// The discarding of a recorded generation that was never released.
pub(super) fn discard_generation(index: &Index<'_>, record: &SealedKey, live: &LiveKey) -> Action {
    let reason = Reason::new(
        ReasonCode::Unfinished,
        "minted, and not released in time: it never worked, and its secret was given to nobody",
    );
    let is_given_up = is_staged(live) && index.is_named(&record.address);
    let action = Action::on(record, live, Verb::Discard, reason, step(live, is_given_up)).irreversible();
    match index.input.sealed.and_then(|sealed| discardable_from(sealed, Some(record), live)) {
        Some(from) if from <= index.input.now || is_given_up => action,
        Some(from) => action.block(too_young(from)),
        None => action.block(not_ours_any_more(live)),
    }
}

/// The discarding of a provisional key without an entry; `None` while its maker may be at work.
pub(super) fn discard_stray(index: &Index<'_>, address: &Address, stray: &Stray<'_>) -> Option<Action> {
    let live = stray.live;
    let text = "asked for by an apply that did not finish it: it never worked, and nobody holds its secret";
    let reason = Reason::new(ReasonCode::Unfinished, text);
    let is_given_up = is_staged(live) && index.is_named(address);
    let action =
        Action::new(address, Verb::Discard, &live.name, reason, step(live, is_given_up)).irreversible();
    let action = Action { key_type: Some(live.key_type), ..action.id(&live.id) };
    let is_due = stray.from.is_some_and(|from| from <= index.input.now);
    is_due.then_some(action)
}

/// The address to show a stray at that was made for one nothing names any more:
/// `key.ENVIRONMENT.pending-TAG`, with `unknown` for an environment that is neither recorded nor declared.
pub(super) fn address_of_lost(index: &Index<'_>, stray: &Stray<'_>) -> Option<Address> {
    let tag = Provisional::parse(&stray.live.name)?.tag;
    let environment = label(index, &stray.live.environment).or_else(|| Label::new("unknown").ok())?;
    Some(Address::Key { environment, key: Label::new(format!("pending-{tag}")).ok()? })
}

fn label(index: &Index<'_>, id: &EnvironmentId) -> Option<Label> {
    if let Some(owner) = index.environment_owner(id) {
        return Some(owner.address.environment().clone());
    }
    let live = index.environment(id)?;
    let mut declared = index.input.desired.environments.values();
    declared.find(|environment| environment.name == live.name).map(|environment| environment.label.clone())
}

fn step(live: &LiveKey, is_given_up: bool) -> Step {
    Step::DiscardKey(Box::new(Leftover {
        id: live.id.clone(),
        name: live.name.clone(),
        environment: live.environment.clone(),
        updated: live.updated,
        is_given_up,
    }))
}

fn too_young(from: Timestamp) -> Refusal {
    let text = "another copy of the sealed file may still be releasing it";
    Refusal::new("too_young", text, format!("An apply after {from:.0} deletes it."))
}

fn not_ours_any_more(live: &LiveKey) -> Refusal {
    let what = if live.disabled { "renamed" } else { "enabled" };
    let text = format!("a key was left behind, and somebody else than keycomb has {what} it since");
    let help = format!(
        "Find out who {what} the key `{}` (`{}`) before deleting it in Honeycomb.",
        live.id,
        brief(&live.name)
    );
    Refusal::new("unfinished", text, help)
}
