//! What is left of a plan that was begun: never more than it said.

use std::collections::BTreeSet;

use super::refuse::told;
use crate::model::{EnvironmentAttributes, KeyId};
use crate::plan::{Action, EnvironmentRef, MintKey, Plan, Step};

/// The actions of a plan that an earlier one does not cover, in words; empty when it covers all.
///
/// Covered is what the earlier one does too, what does less of it, and what settles keys that it began to make.
pub fn uncovered(saved: &Plan, now: &Plan) -> Vec<String> {
    let left = now.actions.iter().filter(|action| action.blocked.is_none());
    left.filter(|action| !covers(saved, action)).map(told).collect()
}

/// Whether a plan covers an action.
pub(super) fn covers(saved: &Plan, action: &Action) -> bool {
    let is_here = |before: &&Action| before.blocked.is_none() && before.address == action.address;
    let is_settling = matches!(action.step, Step::ReleaseKey { .. } | Step::DiscardKey(_));
    saved
        .actions
        .iter()
        .filter(is_here)
        .any(|before| is_settling && may_leave_keys(&before.step) || is_no_more(before, action))
}

/// Whether a step makes a key or settles one, so that a first try may have left some to settle.
fn may_leave_keys(step: &Step) -> bool {
    matches!(step, Step::MintKey(_) | Step::ReleaseKey { .. } | Step::DiscardKey(_))
}

/// Whether an action does no more than an earlier one of the same address.
fn is_no_more(before: &Action, now: &Action) -> bool {
    if before.is_same_deed(now) {
        return true;
    }
    match (&before.step, &now.step) {
        (Step::MintKey(a), Step::MintKey(b)) => {
            (before.verb, &before.secret) == (now.verb, &now.secret) && is_same_key(a, b)
        }
        // Released, and not recorded as that; nothing is asked for that was not asked for then.
        (Step::MintKey(mint), Step::UpdateKey { id: _, name, permissions, enabled, applied, remember }) => {
            let MintKey { name: n, permissions: p, enabled: e, remember: r, .. } = &**mint;
            (applied.enabled, &applied.permissions, remember) == (*e, p, r)
                && name.as_ref().is_none_or(|name| name == n)
                && permissions.as_ref().is_none_or(|permissions| permissions == p)
                && enabled.is_none_or(|enabled| enabled == *e)
        }
        // It has an id by now, or is made and wants the rest of its attributes.
        (
            Step::CreateEnvironment { name, attributes },
            Step::CreateEnvironment { name: n, attributes: a },
        ) => name == n && attributes == a,
        (Step::CreateEnvironment { attributes, .. }, Step::UpdateEnvironment { change, applied, .. }) => {
            attributes == applied && is_part(change, attributes)
        }
        (
            Step::UpdateEnvironment { id, change, applied },
            Step::UpdateEnvironment { id: i, change: c, applied: a },
        ) => id == i && applied == a && is_part(c, change),
        (Step::DeleteEnvironment { id }, Step::ForgetEnvironment { id: i }) => id == i,
        (
            Step::UpdateKey { id, name, permissions, enabled, applied, remember },
            Step::UpdateKey { id: i, name: n, permissions: p, enabled: e, applied: a, remember: r },
        ) => {
            (id, applied, remember) == (i, a, r)
                && is_unset_or(n, name)
                && is_unset_or(p, permissions)
                && is_unset_or(e, enabled)
        }
        _ => false,
    }
}

/// The same key again: in the environment that is there by now, and in place of what was left of the first try too. What
/// works is not left: in its place comes nothing that was not approved.
fn is_same_key(before: &MintKey, now: &MintKey) -> bool {
    let MintKey { environment, key_type, name, permissions, enabled, generation, succeeds: _, remember } =
        before;
    let is_there = match (environment, &now.environment) {
        (EnvironmentRef::Planned(_), EnvironmentRef::Id(_)) => true,
        (before, now) => before == now,
    };
    let ids =
        |mint: &'_ MintKey| -> BTreeSet<KeyId> { mint.succeeds.iter().map(|old| old.id.clone()).collect() };
    let (approved, ids) = (ids(before), ids(now));
    is_there
        && (key_type, name, permissions, enabled, remember)
            == (&now.key_type, &now.name, &now.permissions, &now.enabled, &now.remember)
        && now.generation >= *generation
        && approved.is_subset(&ids)
        && now.succeeds.iter().all(|old| old.until.is_none() || approved.contains(&old.id))
}

fn is_unset_or<T: PartialEq>(now: &Option<T>, before: &Option<T>) -> bool {
    now.is_none() || now == before
}

fn is_part(now: &EnvironmentAttributes, before: &EnvironmentAttributes) -> bool {
    let EnvironmentAttributes { description, color, delete_protected } = now;
    is_unset_or(description, &before.description)
        && is_unset_or(color, &before.color)
        && is_unset_or(delete_protected, &before.delete_protected)
}
