//! A declared key that is there: what differs, what can change in place, what cannot.

use std::collections::BTreeSet;

use super::draft::{Refusal, list};
use super::environments::Place;
use super::index::Index;
use super::minting::{remember, working_elsewhere};
use super::retire::protected_refusal;
use super::value::{Action, Change, Reason, ReasonCode, SecretEffect, Step, Verb};
use crate::model::{AppliedKey, DesiredKey, KeyState, KeyType, LiveKey, Permission, SealedKey, brief};

/// What is to be done about a declared key that is there: one action for all that can change in place, and
/// blocked ones for what cannot, what is protected and what is due.
pub(super) fn update(
    index: &Index<'_>,
    place: &Place<'_>,
    desired: &DesiredKey,
    record: &SealedKey,
    live: &LiveKey,
) -> Vec<Action> {
    let is_named = index.input.allow.addresses.contains(&desired.address);
    let is_held = (desired.protected || record.protected) && !is_named && !desired.enabled && !live.disabled;
    let target = AppliedKey {
        enabled: desired.enabled || is_held,
        permissions: target_permissions(desired, record, live).clone(),
    };
    let mut actions = vec![];
    actions.extend(
        change(desired, record, live, target)
            .map(|action| unless_replaced(index, desired, record, live, action)),
    );
    if is_held {
        actions.push(held(desired, record, live));
    }
    actions.extend(replace(index, place, desired, record, live));
    actions.extend(rotate(index, desired, record, live));
    actions
}

/// A key that comes back while it was on its way out must not work beside the one that another run, with another copy of
/// the record, has made in its place.
fn unless_replaced(
    index: &Index<'_>,
    desired: &DesiredKey,
    record: &SealedKey,
    live: &LiveKey,
    action: Action,
) -> Action {
    if action.verb != Verb::Enable || record.state != KeyState::Disabled {
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

fn is_configuration(key_type: KeyType) -> bool {
    key_type == KeyType::Configuration
}

fn change(desired: &DesiredKey, record: &SealedKey, live: &LiveKey, target: AppliedKey) -> Option<Action> {
    let sends_permissions = is_configuration(live.key_type) && target.permissions != live.permissions;
    let sends_enabled = target.enabled == live.disabled;
    let sent = sent_changes(desired, record, live, &target, sends_permissions);
    let remembered = remembered_changes(desired, record);
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

/// What is kept in the record and never sent.
fn remembered_changes(desired: &DesiredKey, record: &SealedKey) -> Vec<Change> {
    let owner = |owner: &Option<String>| owner.clone().unwrap_or_default();
    let changes = [
        (desired.owner != record.owner)
            .then(|| Change::from_to("owner", owner(&record.owner), owner(&desired.owner))),
        (desired.protected != record.protected)
            .then(|| Change::from_to("protected", record.protected, desired.protected)),
        (desired.quarantine != record.quarantine)
            .then(|| Change::from_to("quarantine", record.quarantine, desired.quarantine)),
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

fn replace(
    index: &Index<'_>,
    place: &Place<'_>,
    desired: &DesiredKey,
    record: &SealedKey,
    live: &LiveKey,
) -> Option<Action> {
    let is_elsewhere = match place {
        Place::There(id) | Place::Begun(id, _) => **id != live.environment,
        Place::Planned(_) => true,
        Place::Unavailable => false,
    };
    let sets_permissions = !is_configuration(live.key_type) || !is_configuration(desired.key_type);
    let name_of = |id| index.environment(id).map_or(id.as_str(), |e| e.name.as_str());
    let label = desired.address.environment();
    let to = index.input.desired.environments.get(label).map_or(label.as_str(), |e| e.name.as_str());
    let changes = [
        (live.key_type != desired.key_type).then(|| Change::from_to("type", live.key_type, desired.key_type)),
        is_elsewhere.then(|| Change::from_to("environment", name_of(&live.environment), to)),
        (sets_permissions && live.permissions != desired.permissions)
            .then(|| Change::from_to("permissions", list(&live.permissions), list(&desired.permissions))),
    ];
    let changes: Vec<Change> = changes.into_iter().flatten().collect();
    let fields: Vec<&str> = changes.iter().map(|change| change.field).collect();
    let origin = desired.attribute_origins.get(*fields.first()?).unwrap_or(&desired.origin);
    let text = format!("{} of this key cannot change in place", fields.join(" and "));
    let help = "Set it back, or declare a second key under another name beside it and take this one out when \
                nobody uses it any more; `replace` is not possible in this version.";
    let reason = Reason::at(origin, ReasonCode::Changed, "declared otherwise than it is");
    let action = Action::on(record, live, Verb::Replace, reason, Step::Nothing).changes(changes);
    Some(action.block(Refusal::new("needs_replace", text, help)))
}

fn rotate(index: &Index<'_>, desired: &DesiredKey, record: &SealedKey, live: &LiveKey) -> Option<Action> {
    let every = desired.rotate.as_ref()?.every;
    let due = every.after(live.created.unwrap_or(record.created));
    if due > index.input.now || !desired.enabled {
        return None;
    }
    let origin = desired.attribute_origins.get("rotate").unwrap_or(&desired.origin);
    let reason =
        Reason::at(origin, ReasonCode::RotationDue, format!("due since {due}: rotated every {every}"));
    let text = "its secret is due for a new one, and this version does not rotate";
    let help = "Declare a second key beside it, move its users over and take this one out, or give it a longer \
                `rotate.every`.";
    let action = Action::on(record, live, Verb::Rotate, reason, Step::Nothing);
    Some(action.block(Refusal::new("needs_rotate", text, help)))
}
