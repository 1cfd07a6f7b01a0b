//! Minting a key: what it would be, and what stands in its way.

use super::draft::{Refusal, list, some_of};
use super::environments::Place;
use super::index::Index;
use super::value::{Action, Change, EnvironmentRef, MintKey, Reason, Remembered, SecretEffect, Step, Verb};
use crate::model::{Address, DesiredKey, EnvironmentId, KeyId, visible};

/// The creation of a declared key as its next generation; blocked where that would race or make a duplicate.
pub(super) fn mint(index: &Index<'_>, place: &Place<'_>, desired: &DesiredKey, reason: Reason) -> Action {
    let address = &desired.address;
    let generation = next_generation(index, address);
    let action = Action::new(address, Verb::Create, &desired.name, reason, Step::Nothing)
        .key(desired.key_type, generation, None)
        .changes(attributes(desired));
    let Some(environment) = place.as_ref() else { return action.block(unavailable(address)) };
    if index.strays_at(address).iter().any(|stray| stray.is_busy()) {
        return action.block(busy());
    }
    if let Place::There(id) = place
        && let Some((refusal, existing)) = taken(index, id, desired)
    {
        let action = Action { verb: Verb::Adopt, id: existing.map(ToString::to_string), ..action };
        return action.block(refusal);
    }
    let recipients = index.input.desired.seal.recipients_of(address.environment());
    let recipients = recipients.into_iter().map(|(name, _)| name.to_owned()).collect();
    let after = match &environment {
        EnvironmentRef::Planned(label) => vec![Address::Environment(label.clone())],
        EnvironmentRef::Id(_) => vec![],
    };
    let mint = MintKey {
        environment,
        key_type: desired.key_type,
        name: desired.name.clone(),
        permissions: desired.permissions.clone(),
        enabled: desired.enabled,
        generation,
        remember: remember(desired),
    };
    let action = action.secret(SecretEffect::Issued { recipients });
    Action { after, step: Step::MintKey(Box::new(mint)), ..action }
}

/// What the record keeps of a declaration.
pub(super) fn remember(desired: &DesiredKey) -> Remembered {
    Remembered { owner: desired.owner.clone(), protected: desired.protected, quarantine: desired.quarantine }
}

/// Another run is making this key.
pub(super) fn busy() -> Refusal {
    Refusal::new(
        "busy",
        "another run began to make this key less than an hour ago, or a request to enable it may be under way",
        "Let it finish, and run this again later: what is left of it an hour after it began no longer stands in the way.",
    )
}

fn next_generation(index: &Index<'_>, address: &Address) -> u32 {
    index.generations(address).first().map_or(1, |(newest, _)| newest.generation.saturating_add(1))
}

fn attributes(desired: &DesiredKey) -> Vec<Change> {
    let DesiredKey { permissions, enabled, owner, protected, .. } = desired;
    let changes = [
        (!permissions.is_empty()).then(|| Change::set("permissions", list(permissions))),
        (!enabled).then(|| Change::set("enabled", enabled)),
        owner.as_ref().map(|owner| Change::set("owner", owner)),
        protected.then(|| Change::set("protected", protected)),
    ];
    changes.into_iter().flatten().collect()
}

fn unavailable(address: &Address) -> Refusal {
    let environment = Address::Environment(address.environment().clone());
    Refusal::new(
        "environment_unavailable",
        format!("its environment `{environment}` is not there to make keys in"),
        format!("See what is said of `{environment}`; once that is settled, this key can be made."),
    )
}

/// Why a live key already has the environment, type and name; its id where it is a single one.
fn taken<'a>(
    index: &Index<'a>,
    environment: &EnvironmentId,
    desired: &DesiredKey,
) -> Option<(Refusal, Option<&'a KeyId>)> {
    let candidates = index.candidates(environment, desired.key_type, &desired.name, &desired.address);
    match candidates.as_slice() {
        [] => None,
        [key] => Some((exists(index, &key.id, &desired.name), Some(&key.id))),
        several => {
            let ids: Vec<_> = several.iter().map(|key| &key.id).collect();
            let text = format!("{} keys have this environment, type and name: {}", ids.len(), some_of(&ids));
            let help = "Give this one another name, or delete what nobody uses in Honeycomb.";
            Some((Refusal::new("ambiguous", text, help), None))
        }
    }
}

fn exists(index: &Index<'_>, id: &KeyId, name: &str) -> Refusal {
    let name = visible(name);
    match index.owner(id) {
        Some(owner) => Refusal::new(
            "exists",
            format!("the key `{id}` of this environment, type and name is managed as `{}`", owner.address),
            format!("Declare it at `{}` again, or give this one another name.", owner.address),
        ),
        None => Refusal::new(
            "exists",
            format!("a key named `{name}` is there already (`{id}`), and keycomb does not manage it"),
            "Give this one another name and retire the other by hand; taking it under management (`adopt`) is \
             not possible in this version.",
        ),
    }
}
