//! Accepting drift: what was changed at the service is recorded as it is. Nothing is sent.

use super::draft::{Refusal, list};
use super::drifted::{environment_drift, key_drift};
use super::index::Index;
use super::keys::current_of;
use super::phase::Phase;
use super::shown::{color_text, environment_value, key_value};
use super::value::{Action, Change, Reason, ReasonCode, Step, Verb};
use crate::model::{
    Address, AppliedKey, Desired, DesiredEnvironment, DesiredKey, EnvironmentAttributes, KeyState,
    LiveEnvironment, LiveKey, Record, SealedEnvironment, SealedKey,
};

/// Blocked with this: the files say something else, and it is for whoever asks to change them first.
pub const DECLARED_OTHERWISE: &str = "declared_otherwise";

/// What records the drift at one address; blocked where it cannot be accepted.
pub(super) fn accept(index: &Index<'_>, address: &Address) -> Action {
    match address {
        Address::Environment(_) => environment(index, address),
        Address::Key { .. } => key(index, address),
    }
}

fn reason() -> Reason {
    Reason::new(ReasonCode::Asked, "accepted as it is at the service; nothing is sent")
}

fn blocked(
    address: &Address,
    code: &'static str,
    text: impl Into<String>,
    help: impl Into<String>,
) -> Action {
    Action::new(address, Verb::Adopt, "", reason(), Step::Nothing).block(Refusal::new(code, text, help))
}

fn not_managed(address: &Address) -> Action {
    let help = "`keycomb status` shows what is; `keycomb adopt` takes more under management.";
    blocked(address, "not_managed", "nothing is managed at this address", help)
}

fn no_drift(address: &Address) -> Action {
    let help = "`keycomb drift` shows what differs; `keycomb plan` what is declared and not applied yet.";
    blocked(address, "no_drift", "it is as it was last applied: there is nothing to accept", help)
}

fn environment(index: &Index<'_>, address: &Address) -> Action {
    let Some(record) = index.environment_record(address) else { return not_managed(address) };
    let Some(live) = index.environment(&record.id) else {
        let text = format!("the environment `{}` is gone: nothing of it can be accepted", record.id);
        let help = "Take its block and its keys out of the files and apply; to make it again, declare it once more after \
                    that.";
        return blocked(address, "missing", text, help);
    };
    let Some(found) = environment_drift(index, record) else { return no_drift(address) };
    let fields: Vec<&'static str> = found.changes.iter().map(|change| change.field).collect();
    let action = Action::new(address, Verb::Adopt, &live.name, reason(), Step::Nothing).id(&live.id);
    let action = action.changes(found.changes);
    if fields.contains(&"color") && live.color.is_none() {
        let text = "its colour is one that this version does not know";
        let help = "Choose another in Honeycomb, or take `color` out of its block: it is not managed then.";
        return action.block(Refusal::new("unwritable", text, help));
    }
    let is_otherwise = |field: &&&'static str| {
        let value = declared_value(index.input.desired, address, field);
        value.is_some() && value != environment_value(field, live)
    };
    if let Some(field) = fields.iter().find(is_otherwise) {
        return action.block(otherwise(field));
    }
    let environment = SealedEnvironment { applied: taken(&record.applied, live), ..record.clone() };
    Action { step: Step::Record(vec![Record::Environment { environment }]), ..action }
}

/// What is managed, as it is.
fn taken(applied: &EnvironmentAttributes, live: &LiveEnvironment) -> EnvironmentAttributes {
    let EnvironmentAttributes { description, color, delete_protected } = applied;
    EnvironmentAttributes {
        description: description.as_ref().map(|_| live.description.clone()),
        color: color.and(live.color),
        delete_protected: delete_protected.map(|_| live.delete_protected),
    }
}

/// An attribute as the files declare it, in the form of [`Change::after`]; `None` for what is not declared or not managed.
pub fn declared_value(desired: &Desired, address: &Address, field: &str) -> Option<String> {
    match address {
        Address::Environment(label) => declared_attribute(desired.environments.get(label)?, field),
        Address::Key { .. } => declared_of_key(desired.keys.get(address)?, field),
    }
}

fn declared_attribute(declared: &DesiredEnvironment, field: &str) -> Option<String> {
    let EnvironmentAttributes { description, color, delete_protected } = &declared.attributes;
    match field {
        "description" => description.clone(),
        "color" => color.map(|color| color_text(Some(color)).to_owned()),
        "delete_protected" => delete_protected.map(|protected| protected.to_string()),
        _ => None,
    }
}

fn key(index: &Index<'_>, address: &Address) -> Action {
    let generations = index.generations(address);
    if generations.is_empty() {
        return not_managed(address);
    }
    let current = current_of(&generations).and_then(|at| generations.get(at));
    let (record, live) = match current {
        Some((record, Phase::Serving(live))) => (*record, *live),
        Some((record, Phase::Missing)) => return missing(index, address, record),
        _ => return no_current(address),
    };
    let Some(found) = key_drift(index, record) else {
        let older = generations.iter().find(|(old, _)| key_drift(index, old).is_some());
        return match older {
            Some((old, _)) => of_older(address, old),
            None => no_drift(address),
        };
    };
    let action = Action::on(record, live, Verb::Adopt, reason(), Step::Nothing).changes(found.changes);
    if record.state != KeyState::Live {
        let text = "it is on its way out, and somebody has enabled it again";
        let help = "To keep it, declare it again and apply; if not, the next apply disables it again.";
        return action.block(Refusal::new("retiring", text, help));
    }
    let differs = |change: &&Change| {
        let value = declared_value(index.input.desired, address, change.field);
        value.is_some() && value != key_value(change.field, live)
    };
    if let Some(change) = action.changes.iter().find(differs) {
        let refusal = otherwise(change.field);
        return action.block(refusal);
    }
    let key = Box::new(recorded(record, live));
    Action { step: Step::Record(vec![Record::Key { key }]), ..action }
}

fn recorded(record: &SealedKey, live: &LiveKey) -> SealedKey {
    let applied = AppliedKey { enabled: !live.disabled, permissions: live.permissions.clone() };
    SealedKey { name: live.name.clone(), applied, ..record.clone() }
}

fn declared_of_key(declared: &DesiredKey, field: &str) -> Option<String> {
    match field {
        "name" => Some(declared.name.clone()),
        "permissions" => Some(list(&declared.permissions)),
        "enabled" => Some(declared.enabled.to_string()),
        _ => None,
    }
}

fn missing(index: &Index<'_>, address: &Address, record: &SealedKey) -> Action {
    let text = format!("the key `{}` is gone: nothing of it can be accepted", record.id);
    let help = if index.input.desired.keys.contains_key(address) {
        "To have it again, set `on_missing = \"recreate\"` under `[policy]` and apply: it gets a new secret. To do without \
         it, take its block out of the files and apply."
    } else {
        "No file declares it any more: the next apply takes it out of the record."
    };
    blocked(address, "missing", text, help)
}

fn no_current(address: &Address) -> Action {
    let text = "no key of this address is released, so nothing was applied that could have changed";
    blocked(address, "no_drift", text, "`keycomb plan` says what comes next.")
}

fn of_older(address: &Address, old: &SealedKey) -> Action {
    let text = format!(
        "generation {} was changed, which a later one has taken the place of: the files say nothing of it",
        old.generation
    );
    let help =
        "Change it back in Honeycomb if it matters; it goes when its overlap and its quarantine are over.";
    blocked(address, "superseded", text, help)
}

fn otherwise(field: &str) -> Refusal {
    let text = format!("the files declare another `{field}`");
    Refusal::new(DECLARED_OTHERWISE, text, "With `--write` the files take over what is live.")
}
