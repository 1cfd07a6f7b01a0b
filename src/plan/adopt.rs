//! Adoption: what is at the service comes into the record as it is. Nothing is sent.

use super::ask::{Adopt, SealedSecret};
use super::draft::Refusal;
use super::elsewhere::predecessors;
use super::environments::is_classic;
use super::index::Index;
use super::phase::Phase;
use super::unsealed::take_back;
use super::value::{Action, Change, Predecessor, Reason, ReasonCode, Step, Verb};
use crate::model::{
    Address, AppliedKey, DesiredEnvironment, DesiredKey, EnvironmentAttributes, EnvironmentId, KeyId,
    KeyState, LiveEnvironment, LiveKey, NoSecret, Origin, Provisional, Record, Sealed, SealedEnvironment,
    SealedKey, brief,
};

/// The generation that the next key of an address will be.
pub fn next_generation(sealed: &Sealed, address: &Address) -> u32 {
    sealed.generations(address).map(|key| key.generation).max().map_or(1, |newest| newest.saturating_add(1))
}

/// The generation that a secret of a key is sealed for: that of its entry, or the one that it will be adopted as.
pub fn sealed_generation(sealed: &Sealed, address: &Address, id: &KeyId) -> u32 {
    let entry = sealed.key(id).filter(|entry| entry.address == *address);
    entry.map_or_else(|| next_generation(sealed, address), |entry| entry.generation)
}

/// The adoption of one thing; blocked where it cannot be managed at that address. `sealed` is the record so far.
pub(super) fn adopt(index: &Index<'_>, sealed: &Sealed, address: &Address, wanted: &Adopt) -> Action {
    let desired = index.input.desired;
    if let (Some(secret), Some(entry)) = (&wanted.secret, entry_at(sealed, address, &wanted.id)) {
        return seal_into(index, entry, secret);
    }
    match address {
        Address::Environment(label) => match desired.environments.get(label) {
            Some(declared) => environment(index, sealed, declared, wanted),
            None => undeclared(address, wanted),
        },
        Address::Key { .. } => match desired.keys.get(address) {
            Some(declared) => key(index, sealed, declared, wanted),
            None => undeclared(address, wanted),
        },
    }
}

fn entry_at<'a>(sealed: &'a Sealed, address: &Address, id: &str) -> Option<&'a SealedKey> {
    sealed.keys.iter().find(|entry| entry.address == *address && entry.id.as_str() == id)
}

/// The given secret of a key that is managed without one. An entry that has a secret stays as it is.
fn seal_into(index: &Index<'_>, entry: &SealedKey, given: &SealedSecret) -> Action {
    let to = names(given);
    let text = format!("managed already; the given secret is sealed to {to}, and nothing is sent");
    let reason = match index.input.desired.keys.get(&entry.address) {
        Some(desired) => reason(&desired.origin, text),
        None => Reason::new(ReasonCode::Asked, text),
    };
    let action = Action::new(&entry.address, Verb::Adopt, &entry.name, reason, Step::Nothing)
        .key(entry.key_type, entry.generation, Some(&entry.id))
        .changes(vec![Change::from_to("secret", "unavailable", format!("sealed to {to}"))]);
    if let Some(refusal) = refuse_secret(index, entry) {
        return action.block(refusal);
    }
    let SealedSecret { armor, recipients, proof } = given.clone();
    let key = SealedKey { recipients, proof, sealed: Some(armor), secret: None, ..entry.clone() };
    Action { step: Step::Record(vec![Record::Key { key: Box::new(key) }]), ..action }
}

/// Whether a given secret can come into this entry.
pub fn takes_secret(entry: &SealedKey) -> bool {
    let is_of_use = entry.revoked.is_none() && matches!(entry.state, KeyState::Live | KeyState::Disabled);
    is_of_use && entry.sealed.is_none()
}

fn refuse_secret(index: &Index<'_>, entry: &SealedKey) -> Option<Refusal> {
    if entry.sealed.is_some() {
        let text = "its secret is sealed already, and a sealed secret is never replaced";
        let help = "There is nothing to do: `keycomb secrets verify` tries what is sealed.";
        return Some(Refusal::new("sealed", text, help));
    }
    if !takes_secret(entry) {
        let text = "it is on its way out, and its secret would be of no use";
        return Some(Refusal::new("not_live", text, "Rotate the address, if it has no key that works."));
    }
    index.key(&entry.id).is_none().then(|| not_there("key", entry.id.as_str()))
}

fn undeclared(address: &Address, wanted: &Adopt) -> Action {
    let reason = Reason::new(ReasonCode::Asked, "to be managed as it is");
    let text = "no file declares this address";
    let help = format!(
        "Declare it first, or let keycomb write the block: `keycomb adopt {} --as {address} --write FILE`.",
        brief(&wanted.id)
    );
    let action = Action::new(address, Verb::Adopt, "", reason, Step::Nothing).id(&wanted.id);
    action.block(Refusal::new("not_declared", text, help))
}

fn reason(origin: &Origin, text: impl Into<String>) -> Reason {
    Reason::at(origin, ReasonCode::Asked, text)
}

fn environment(index: &Index<'_>, sealed: &Sealed, desired: &DesiredEnvironment, wanted: &Adopt) -> Action {
    let address = desired.address();
    let live = index.input.live.environments.iter().find(|live| live.id.as_str() == wanted.id);
    let name = live.map_or(desired.name.as_str(), |live| live.name.as_str());
    let reason = reason(&desired.origin, "managed from here on, as it is");
    let action = Action::new(&address, Verb::Adopt, name, reason, Step::Nothing).id(&wanted.id);
    let Some(live) = live else { return action.block(not_there("environment", &wanted.id)) };
    if let Some(refusal) = refuse_environment(sealed, desired, live) {
        return action.block(refusal);
    }
    let EnvironmentAttributes { description, color, delete_protected } = &desired.attributes;
    let applied = EnvironmentAttributes {
        description: description.as_ref().map(|_| live.description.clone()),
        color: color.and(live.color),
        delete_protected: delete_protected.map(|_| live.delete_protected),
    };
    let environment = SealedEnvironment { address, id: live.id.clone(), name: live.name.clone(), applied };
    Action { step: Step::Record(vec![Record::Environment { environment }]), ..action }
}

fn refuse_environment(
    sealed: &Sealed,
    desired: &DesiredEnvironment,
    live: &LiveEnvironment,
) -> Option<Refusal> {
    let address = desired.address();
    if desired.reference {
        let text = "it is declared with `reference = true`, and a reference is not managed";
        return Some(Refusal::new("reference", text, "Take `reference = true` away to manage it."));
    }
    if let Some(owner) = sealed.environments.iter().find(|known| known.id == live.id) {
        return Some(managed(&owner.address, &address));
    }
    if let Some(record) = sealed.environment(&address) {
        let text = format!("`{address}` is the environment `{}` already", record.id);
        let help = "Declare the one that is to be adopted in a block of its own, under its own name, and adopt it there.";
        return Some(Refusal::new("occupied", text, help));
    }
    if is_classic(live) {
        return Some(classic(live));
    }
    if Provisional::parse(&live.description).is_some() {
        let text = "its description says that keycomb is making it";
        let help = "If this sealed file is the one that asked for it, `keycomb apply` finishes it; if not, let that run \
                    finish, or take the description away in Honeycomb.";
        return Some(Refusal::new("provisional", text, help));
    }
    (live.name != desired.name).then(|| {
        let text = format!("it is named `{}`, and `{}` is declared", brief(&live.name), brief(&desired.name));
        let help = format!(
            "An environment cannot be renamed: write `name = \"{}\"` in its block, or adopt another one.",
            brief(&live.name)
        );
        Refusal::new("name_differs", text, help)
    })
}

fn key(index: &Index<'_>, sealed: &Sealed, desired: &DesiredKey, wanted: &Adopt) -> Action {
    let address = &desired.address;
    let generation = next_generation(sealed, address);
    let id = KeyId::new(wanted.id.as_str()).ok();
    let live = id.as_ref().and_then(|id| index.key(id));
    let name = live.map_or(desired.name.as_str(), |live| live.name.as_str());
    // What was made by hand takes the place of what the files put here from elsewhere no less.
    let instead = predecessors(index, desired);
    let reason = reason(&desired.origin, how(wanted) + &takes_place(&instead));
    let action = Action::new(address, Verb::Adopt, name, reason, Step::Nothing);
    let key_type = live.map_or(desired.key_type, |live| live.key_type);
    let action = action.key(key_type, generation, None).id(&wanted.id);
    let Some(live) = live else { return action.block(not_there("key", &wanted.id)) };
    if let Some(refusal) = refuse_key(index, sealed, desired, live) {
        return action.block(refusal);
    }
    let in_place_of = instead.into_iter().map(|old| old.id).collect();
    let key = Box::new(SealedKey { in_place_of, ..entry(index, desired, live, generation, wanted) });
    Action { step: Step::Record(vec![Record::Key { key }]), ..action }
}

fn takes_place(instead: &[Predecessor]) -> String {
    let mut of: Vec<String> = instead.iter().map(|old| format!("`{}`", old.address)).collect();
    of.dedup();
    match instead.iter().filter_map(|old| old.until).max() {
        Some(until) => {
            format!("; it takes the place of {}, which works until {until:.0} at least", of.join(", "))
        }
        None => String::new(),
    }
}

fn how(wanted: &Adopt) -> String {
    match &wanted.secret {
        None => {
            "managed from here on, as it is; its secret is unavailable until its next rotation".to_owned()
        }
        Some(secret) => {
            format!("managed from here on, as it is; the given secret is sealed to {}", names(secret))
        }
    }
}

fn names(given: &SealedSecret) -> String {
    let names: Vec<_> = given.recipients.iter().map(|to| format!("`{}`", brief(&to.name))).collect();
    names.join(", ")
}

fn entry(
    index: &Index<'_>,
    desired: &DesiredKey,
    live: &LiveKey,
    generation: u32,
    wanted: &Adopt,
) -> SealedKey {
    let now = index.input.now;
    SealedKey {
        address: desired.address.clone(),
        moved_from: vec![],
        in_place_of: vec![],
        generation,
        state: KeyState::Live,
        id: live.id.clone(),
        key_type: live.key_type,
        environment: live.environment.clone(),
        name: live.name.clone(),
        created: live.created.unwrap_or(now),
        since: now,
        applied: AppliedKey { enabled: !live.disabled, permissions: live.permissions.clone() },
        owner: desired.owner.clone(),
        protected: desired.protected,
        revoked: None,
        quarantine: desired.quarantine,
        recipients: wanted.secret.as_ref().map(|secret| secret.recipients.clone()).unwrap_or_default(),
        sealed: wanted.secret.as_ref().map(|secret| secret.armor.clone()),
        proof: wanted.secret.as_ref().and_then(|secret| secret.proof),
        secret: wanted.secret.is_none().then_some(NoSecret::Unavailable),
    }
}

fn refuse_key(index: &Index<'_>, sealed: &Sealed, desired: &DesiredKey, live: &LiveKey) -> Option<Refusal> {
    let address = &desired.address;
    if let Some(owner) = sealed.key(&live.id) {
        return Some(managed(&owner.address, address));
    }
    if index.is_ours_unfinished(&live.id) || Provisional::parse(&live.name).is_some() {
        let text = "its name says that keycomb is making it: it is not finished";
        let help = "`keycomb apply` with the sealed file that it was made with finishes it or deletes it.";
        return Some(Refusal::new("provisional", text, help));
    }
    if let Some(commit) = index.commit_of(live) {
        let text =
            format!("it is keycomb's own and lost its entry in the sealed file; commit {commit} has it");
        return Some(Refusal::new("unsealed", text, take_back(index, commit)));
    }
    if let Some(home) = index.environment(&live.environment).filter(|home| is_classic(home)) {
        return Some(classic(home));
    }
    if live.key_type != desired.key_type {
        let text = format!("it is a key of type `{}`, and `{}` is declared", live.key_type, desired.key_type);
        let help = "A key's type never changes: correct `type` in its block, or adopt another key.";
        return Some(Refusal::new("type_differs", text, help));
    }
    elsewhere(index, sealed, address, live).or_else(|| taken(index, address))
}

/// Why it is not in the environment that the address says.
fn elsewhere(index: &Index<'_>, sealed: &Sealed, address: &Address, live: &LiveKey) -> Option<Refusal> {
    let home = Address::Environment(address.environment().clone());
    let Some(id) = home_of(index, sealed, &home) else {
        let text = format!("its environment `{home}` is not managed yet");
        let help = format!("Adopt that first: `keycomb adopt {} --as {home}`.", live.environment);
        return Some(Refusal::new("environment_unavailable", text, help));
    };
    (id != live.environment).then(|| {
        let name =
            index.environment(&live.environment).map_or(live.environment.as_str(), |e| e.name.as_str());
        let text = format!("it is in the environment `{}`, which is not `{home}`", brief(name));
        let help = "A key never leaves its environment: declare it where it is, and adopt it there.";
        Refusal::new("environment_differs", text, help)
    })
}

fn home_of(index: &Index<'_>, sealed: &Sealed, home: &Address) -> Option<EnvironmentId> {
    let desired = index.input.desired.environments.get(home.environment())?;
    if !desired.reference {
        return sealed.environment(home).map(|record| record.id.clone());
    }
    let named = index.environments_named(&desired.name);
    named.iter().find(|live| live.name == desired.name).map(|live| live.id.clone())
}

/// Why the address has no room.
pub(super) fn taken(index: &Index<'_>, address: &Address) -> Option<Refusal> {
    let is_there = |record: &SealedKey, phase: &Phase<'_>| match phase {
        Phase::Over | Phase::Vanished | Phase::Missing => false,
        // In quarantine it is out of the way, unless somebody enabled it again.
        Phase::Serving(live) => record.state != KeyState::Disabled || !live.disabled,
        _ => true,
    };
    let generations = index.generations(address);
    if let Some((record, _)) = generations.iter().find(|(record, phase)| is_there(record, phase)) {
        let text = format!("generation {} of this address, `{}`, is there", record.generation, record.id);
        let help = "An address has one key. Declare the one that is to be adopted in a block of its own, with another label and \
                    another `name`, and adopt it there: the next apply renames it.";
        return Some(Refusal::new("occupied", text, help));
    }
    let stray = index.strays_at(address).first()?;
    let text = format!("`{}` was begun for this address and never finished", stray.live.id);
    let help = "`keycomb plan` says what becomes of it; adopt this one once it is released or gone.";
    Some(Refusal::new("occupied", text, help))
}

fn not_there(what: &str, id: &str) -> Refusal {
    let text = format!("the service has no {what} with the id `{}`", brief(id));
    let help = "Look at the findings of `keycomb plan`: they name the ids of what is not managed.";
    Refusal::new("not_there", text, help)
}

fn managed(owner: &Address, address: &Address) -> Refusal {
    let help = match owner == address {
        true => "There is nothing to do. With `--secret-stdin` it gets its secret, if the record has none."
            .to_owned(),
        false => format!("If it was renamed in the files: `keycomb mv {owner} {address}`."),
    };
    Refusal::new("managed", format!("it is managed already, as `{owner}`"), help)
}

fn classic(live: &LiveEnvironment) -> Refusal {
    let text = format!("`{}` is a Classic environment, which keycomb never touches", brief(&live.name));
    Refusal::new("classic", text, "Keys of Classic environments are kept in Honeycomb.")
}
