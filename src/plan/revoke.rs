//! Keys that a person revoked: nothing about them waits.
//!
//! A revocation that is in the record, because the run that was asked for it did not come to its end, is carried on by
//! every later plan, under the guards; one that is asked for in this run lifts them all.

use std::collections::BTreeSet;

use super::draft::Refusal;
use super::index::Index;
use super::phase::Phase;
use super::retire::next_step;
use super::value::{Action, Blocked, Change, Reason, ReasonCode, SecretEffect, Step, Verb};
use crate::model::{Address, KeyState, LiveKey, Provisional, Revocation, Revoked, SealedKey, visible};

/// What is to be done about a revoked generation; `None` for a disabled one while its quarantine lasts.
pub(super) fn revoke(index: &Index<'_>, record: &SealedKey, live: Option<&LiveKey>) -> Option<Action> {
    let asked = index.asked_to_revoke(record).map(|ask| Revoked {
        how: ask.how,
        at: index.input.now,
        reason: ask.reason.clone(),
    });
    // Nothing takes a graver one back.
    let revoked = asked.max(record.revoked.clone())?;
    let Some(live) = live else { return Some(gone(record, revoked)) };
    let is_off = record.state == KeyState::Disabled && live.disabled;
    match how(&revoked, live) {
        Revocation::Delete => Some(delete(record, live, revoked)),
        // Where it is not written down yet that it is revoked, that is what is done: it would come back otherwise.
        Revocation::Disable if is_off && record.revoked.is_some() => {
            next_step(index, record, live, None, || reason(&revoked))
        }
        Revocation::Disable => Some(disable(record, live, &revoked)),
    }
}

/// Whether an action of a plan that is asked to revoke belongs there: the rest waits for an apply.
pub(super) fn belongs_to_revoking(action: &Action) -> bool {
    // What has the name of the successor already is in its way.
    let is_mint = |verb: Verb| matches!(verb, Verb::Create | Verb::Adopt);
    let is_successor = action.reason.code == ReasonCode::Revoked;
    match (&action.step, &action.blocked) {
        (Step::RevokeKey { .. }, _) => true,
        (Step::MintKey(_), _) => is_successor || is_mint(action.verb),
        (_, Some(Blocked { verb, .. })) => is_successor || is_mint(*verb),
        _ => false,
    }
}

/// Whether a generation is revoked: in this run, or by the record.
pub(super) fn is_revoked(record: &SealedKey, phase: &Phase<'_>) -> bool {
    matches!(phase, Phase::Revoked(_)) || record.revoked.is_some()
}

/// Whether a later generation than this one is revoked: whoever took up that one needs another, and this one was to go.
pub(super) fn is_outlived(record: &SealedKey, generations: &[(&SealedKey, Phase<'_>)]) -> bool {
    let is_later = |other: &SealedKey| other.generation > record.generation;
    generations.iter().any(|(other, phase)| is_later(other) && is_revoked(other, phase))
}

/// A successor does not begin to work beside a revoked key that a guard keeps.
pub(super) fn hold_successors(actions: Vec<Action>) -> Vec<Action> {
    let is_kept = |a: &&Action| !a.is_taken() && a.reason.code == ReasonCode::Revoked && a.id.is_some();
    let kept: BTreeSet<Address> =
        actions.iter().filter(is_kept).map(|action| action.address.clone()).collect();
    let hold = |action: Action| match action.step {
        Step::MintKey(_) if kept.contains(&action.address) => {
            let help = format!("`keycomb revoke {}` lifts what holds its deletion up.", action.address);
            action.block(Refusal::new("revoked", "the revoked key of this address is still there", help))
        }
        _ => action,
    };
    actions.into_iter().map(hold).collect()
}

/// A key that was never released cannot be told from one whose release is under way: to disable it is not enough.
fn how(revoked: &Revoked, live: &LiveKey) -> Revocation {
    if Provisional::parse(&live.name).is_some() { Revocation::Delete } else { revoked.how }
}

fn delete(record: &SealedKey, live: &LiveKey, revoked: Revoked) -> Action {
    let secret = if live.disabled { SecretEffect::Destroyed } else { SecretEffect::StopsWorking };
    let revoked = Revoked { how: Revocation::Delete, ..revoked };
    let step = Step::RevokeKey { id: live.id.clone(), revoked: revoked.clone() };
    Action::on(record, live, Verb::Delete, reason(&revoked), step).secret(secret).irreversible()
}

fn disable(record: &SealedKey, live: &LiveKey, revoked: &Revoked) -> Action {
    let step = Step::RevokeKey { id: live.id.clone(), revoked: revoked.clone() };
    let action = Action::on(record, live, Verb::Disable, reason(revoked), step);
    if live.disabled {
        return action;
    }
    let change = Change::from_to("enabled", true, false);
    action.changes(vec![change]).secret(SecretEffect::StopsWorking)
}

/// Deleting what is gone already is how the record learns that it is over.
fn gone(record: &SealedKey, revoked: Revoked) -> Action {
    let text = format!("{}; it is gone from the service already", words(&revoked));
    let revoked = Revoked { how: Revocation::Delete, ..revoked };
    let step = Step::RevokeKey { id: record.id.clone(), revoked };
    let reason = Reason::new(ReasonCode::Revoked, text);
    let action = Action::new(&record.address, Verb::Delete, &record.name, reason, step);
    action.key(record.key_type, record.generation, Some(&record.id)).irreversible()
}

fn reason(revoked: &Revoked) -> Reason {
    Reason::new(ReasonCode::Revoked, words(revoked))
}

fn words(revoked: &Revoked) -> String {
    format!("revoked: {}", visible(&revoked.reason))
}
