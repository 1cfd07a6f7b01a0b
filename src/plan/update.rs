//! A declared key that is there: what differs, and can change in place.

use std::collections::BTreeSet;

use super::draft::list;
use super::environments::Place;
use super::index::Index;
use super::minting::{remember, working_elsewhere};
use super::phase::Phase;
use super::retire::protected_refusal;
use super::succession::succeed;
use super::value::{Action, Change, Reason, ReasonCode, SecretEffect, Step, Verb};
use crate::model::{AppliedKey, DesiredKey, KeyState, KeyType, LiveKey, Permission, SealedKey, brief};

/// What is to be done about a declared key that is there: its successor where it needs one, or one action for all that can
/// change in place; and a blocked one for what is protected.
pub(super) fn update(
    index: &Index<'_>,
    place: &Place<'_>,
    desired: &DesiredKey,
    (record, live): (&SealedKey, &LiveKey),
    generations: &[(&SealedKey, Phase<'_>)],
) -> Vec<Action> {
    let is_named = index.input.allow.addresses.contains(&desired.address);
    let is_held = (desired.protected || record.protected) && !is_named && !desired.enabled && !live.disabled;
    let target = AppliedKey {
        enabled: desired.enabled || is_held,
        permissions: target_permissions(desired, record, live).clone(),
    };
    let change = change(desired, (record, live), generations, target)
        .map(|action| unless_replaced(index, desired, live, action));
    let held = is_held.then(|| held(desired, record, live));
    // What the record does not know as released, or what shall stop, is settled first: one step for each apply.
    let is_first = |action: &Action| record.state != KeyState::Live || action.verb == Verb::Disable;
    let sent = change.as_ref().map(|action| action.changes.as_slice()).unwrap_or_default();
    let successor = succeed(index, place, desired, (record, live), generations, sent);
    let successor = successor.filter(|_| !change.as_ref().is_some_and(is_first));
    // A successor is made as declared: its predecessor stays as it is until it goes.
    let change = change.filter(|_| !successor.as_ref().is_some_and(Action::is_taken));
    change.into_iter().chain(held).chain(successor).collect()
}

/// A key that comes back must not work beside the one that another run, with another copy of the record, has made in its
/// place: that run may have rotated it away or revoked it, and only this copy still calls it live.
fn unless_replaced(index: &Index<'_>, desired: &DesiredKey, live: &LiveKey, action: Action) -> Action {
    if action.verb != Verb::Enable {
        return action;
    }
    match working_elsewhere(index, &live.environment, desired) {
        Some(refusal) => action.block(refusal),
        None => action,
    }
}

/// What can be had without a replacement: an ingest key's permissions never change.
fn target_permissions<'a>(
    desired: &'a DesiredKey,
    record: &'a SealedKey,
    live: &LiveKey,
) -> &'a BTreeSet<Permission> {
    let in_place = is_configuration(desired.key_type) && is_configuration(live.key_type);
    if in_place || desired.permissions == live.permissions {
        &desired.permissions
    } else {
        &record.applied.permissions
    }
}

pub(super) fn is_configuration(key_type: KeyType) -> bool {
    key_type == KeyType::Configuration
}

fn change(
    desired: &DesiredKey,
    (record, live): (&SealedKey, &LiveKey),
    generations: &[(&SealedKey, Phase<'_>)],
    target: AppliedKey,
) -> Option<Action> {
    let sends_permissions = is_configuration(live.key_type) && target.permissions != live.permissions;
    let sends_enabled = target.enabled == live.disabled;
    let sent = sent_changes(desired, record, live, &target, sends_permissions);
    let remembered = remembered_changes(desired, record, generations);
    let is_recorded =
        record.applied == target && record.name == desired.name && record.state == KeyState::Live;
    if sent.is_empty() && remembered.is_empty() && is_recorded {
        return None;
    }
    let (verb, secret) = match (sends_enabled, target.enabled) {
        (true, true) => (Verb::Enable, SecretEffect::StartsWorking),
        (true, false) => (Verb::Disable, SecretEffect::StopsWorking),
        (false, _) => (Verb::Update, SecretEffect::None),
    };
    let step = Step::UpdateKey {
        id: live.id.clone(),
        // Also when only the record has another name: sending it again is how the record learns it.
        name: (live.name != desired.name || record.name != desired.name).then(|| desired.name.clone()),
        permissions: sends_permissions.then(|| target.permissions.clone()),
        enabled: sends_enabled.then_some(target.enabled),
        applied: target,
        remember: remember(desired),
    };
    let reason = change_reason(desired, record, live, &sent);
    let changes = sent.into_iter().chain(remembered).collect();
    Some(Action::on(record, live, verb, reason, step).changes(changes).secret(secret))
}

fn sent_changes(
    desired: &DesiredKey,
    record: &SealedKey,
    live: &LiveKey,
    target: &AppliedKey,
    sends_permissions: bool,
) -> Vec<Change> {
    let changes = [
        (live.name != desired.name)
            .then(|| Change::from_to("name", &live.name, &desired.name).undoing(record.name == desired.name)),
        sends_permissions.then(|| {
            Change::from_to("permissions", list(&live.permissions), list(&target.permissions))
                .undoing(record.applied.permissions == target.permissions)
        }),
        (target.enabled == live.disabled).then(|| {
            Change::from_to("enabled", !live.disabled, target.enabled)
                .undoing(record.state != KeyState::Disabled && record.applied.enabled == target.enabled)
        }),
    ];
    changes.into_iter().flatten().collect()
}

/// What is kept in the record and never sent. It holds for all generations that are or were released: it is an older one that
/// protection keeps, and that a quarantine ends.
fn remembered_changes(
    desired: &DesiredKey,
    record: &SealedKey,
    generations: &[(&SealedKey, Phase<'_>)],
) -> Vec<Change> {
    let is_other = |other: &&SealedKey| {
        other.id != record.id && matches!(other.state, KeyState::Live | KeyState::Disabled)
    };
    let others = || generations.iter().map(|(other, _)| *other).filter(is_other);
    let differing = |differs: &dyn Fn(&SealedKey) -> bool| {
        std::iter::once(record).chain(others()).find(|known| differs(known))
    };
    let owner = |owner: &Option<String>| owner.clone().unwrap_or_default();
    let changes = [
        differing(&|known| known.owner != desired.owner)
            .map(|known| Change::from_to("owner", owner(&known.owner), owner(&desired.owner))),
        differing(&|known| known.protected != desired.protected)
            .map(|known| Change::from_to("protected", known.protected, desired.protected)),
        differing(&|known| known.quarantine != desired.quarantine)
            .map(|known| Change::from_to("quarantine", known.quarantine, desired.quarantine)),
    ];
    changes.into_iter().flatten().collect()
}

fn change_reason(desired: &DesiredKey, record: &SealedKey, live: &LiveKey, sent: &[Change]) -> Reason {
    let (code, text) = if sent.is_empty() {
        let text = "only keycomb's record changes: the service has it as declared";
        (ReasonCode::Changed, text.to_owned())
    } else if record.state == KeyState::Disabled {
        (ReasonCode::Declared, "declared again while it was on its way out".to_owned())
    } else if sent.iter().all(|change| change.undoes_drift) {
        (ReasonCode::Drifted, format!("changed at the service since it was last applied{}", by_whom(live)))
    } else {
        (ReasonCode::Changed, "declared otherwise than it is".to_owned())
    };
    let field = sent.first().and_then(|change| desired.attribute_origins.get(change.field));
    Reason::at(field.unwrap_or(&desired.origin), code, text)
}

/// Who changed it last and when, as far as the service says.
pub(super) fn by_whom(live: &LiveKey) -> String {
    let editor = live.editor.as_ref().map(|editor| brief(editor));
    let updated = live.updated.map(|updated| updated.strftime("%Y-%m-%dT%H:%M:%SZ"));
    match (editor, updated) {
        (Some(editor), Some(updated)) => format!(", last by `{editor}` at {updated}"),
        (Some(editor), None) => format!(", last by `{editor}`"),
        (None, Some(updated)) => format!(", last updated {updated}"),
        (None, None) => String::new(),
    }
}

fn held(desired: &DesiredKey, record: &SealedKey, live: &LiveKey) -> Action {
    let origin = desired.attribute_origins.get("enabled").unwrap_or(&desired.origin);
    let reason = Reason::at(origin, ReasonCode::Changed, "declared with `enabled = false`");
    Action::on(record, live, Verb::Disable, reason, Step::Nothing)
        .changes(vec![Change::from_to("enabled", true, false)])
        .block(protected_refusal(&desired.address))
}
