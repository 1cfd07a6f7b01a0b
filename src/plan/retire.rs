//! Keys on their way out: disabled first, deleted after their quarantine, one step an apply. When it is the turn of one that
//! a later generation has taken the place of is told in `succession`.

use super::draft::Refusal;
use super::index::Index;
use super::phase::Phase;
use super::revoke::revoke;
use super::update::by_whom;
use super::value::{Action, Change, Reason, ReasonCode, SecretEffect, Step, Verb};
use crate::model::{Address, KeyId, KeyState, LiveKey, SealedKey, Timestamp};

/// The next step of a generation that nothing declares any more; `None` while there is nothing but to wait.
pub(super) fn retire(index: &Index<'_>, record: &SealedKey, phase: &Phase<'_>) -> Option<Action> {
    let reason = || {
        let text = format!("no longer declared; deleted {} after this, on a later apply", record.quarantine);
        Reason::new(ReasonCode::Undeclared, text)
    };
    let action = match phase {
        Phase::Serving(live) | Phase::Late(live) => next_step(index, record, live, None, reason),
        Phase::Missing => step_of_missing(index, record),
        Phase::Revoked(live) => revoke(index, record, *live),
        Phase::Over
        | Phase::Vanished
        | Phase::Unreleased(_)
        | Phase::Pending
        | Phase::Altered(_)
        | Phase::Abandoned(_) => None,
    }?;
    let is_named = index.is_named(&record.address) || index.asked_to_revoke(record).is_some();
    if record.protected && !is_named && !matches!(phase, Phase::Revoked(None)) {
        return Some(action.block(protected_refusal(&record.address)));
    }
    Some(action)
}

/// A protected key is neither disabled nor deleted.
pub(super) fn protected_refusal(address: &Address) -> Refusal {
    Refusal::guard(
        "protected",
        "it is protected: it is neither disabled nor deleted",
        format!("Set `protected = false` and apply that first, or name it: `--allow {address}`."),
    )
}

/// Disabled, for `reason`, or deleted once its quarantine is over; `successor` is the key that has taken its place.
pub(super) fn next_step(
    index: &Index<'_>,
    record: &SealedKey,
    live: &LiveKey,
    successor: Option<&KeyId>,
    reason: impl FnOnce() -> Reason,
) -> Option<Action> {
    match (record.state, live.disabled) {
        (KeyState::Disabled, true) => is_over(index, record, live.updated).then(|| delete(record, live)),
        (KeyState::Disabled, false) => {
            let text = format!(
                "enabled again after keycomb disabled it{}; its quarantine begins anew",
                by_whom(live)
            );
            Some(disable(record, live, successor, Reason::new(ReasonCode::Drifted, text)))
        }
        _ => Some(disable(record, live, successor, reason())),
    }
}

fn disable(record: &SealedKey, live: &LiveKey, successor: Option<&KeyId>, reason: Reason) -> Action {
    let is_drift = reason.code == ReasonCode::Drifted;
    // Only what still works needs another in its place.
    let successor = successor.filter(|_| !live.disabled).cloned();
    let step = Step::RetireKey { id: live.id.clone(), successor };
    let action = Action::on(record, live, Verb::Disable, reason, step);
    if live.disabled {
        return action;
    }
    let change = Change::from_to("enabled", true, false).undoing(is_drift);
    action.changes(vec![change]).secret(SecretEffect::StopsWorking)
}

fn delete(record: &SealedKey, live: &LiveKey) -> Action {
    let text =
        format!("disabled since {}, and its quarantine of {} is over", record.since, record.quarantine);
    let reason = Reason::new(ReasonCode::QuarantineOver, text);
    let step = Step::DeleteKey { id: live.id.clone() };
    Action::on(record, live, Verb::Delete, reason, step).secret(SecretEffect::Destroyed).irreversible()
}

/// Deleting what is gone already is how the record learns that it is over.
fn step_of_missing(index: &Index<'_>, record: &SealedKey) -> Option<Action> {
    if !is_over(index, record, None) && !index.is_all_missing() {
        return None;
    }
    let text = "no longer declared, and gone from the service: only keycomb's record of it ends";
    let reason = Reason::new(ReasonCode::Missing, text);
    let step = Step::DeleteKey { id: record.id.clone() };
    let action = Action::new(&record.address, Verb::Delete, &record.name, reason, step);
    Some(action.key(record.key_type, record.generation, Some(&record.id)).irreversible())
}

/// Whether the quarantine is over. It begins anew with every change at the service: somebody may have let the key work
/// for a while since keycomb disabled it.
fn is_over(index: &Index<'_>, record: &SealedKey, updated: Option<Timestamp>) -> bool {
    quarantine_ends(record, updated) <= index.input.now
}

/// When it is over, if nothing changes meanwhile.
pub(super) fn quarantine_ends(record: &SealedKey, updated: Option<Timestamp>) -> Timestamp {
    let begun = updated.map_or(record.since, |updated| updated.max(record.since));
    record.quarantine.after(begun)
}
