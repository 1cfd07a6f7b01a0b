//! Moving: the record follows an address that was renamed in the files. Nothing is sent.

use super::draft::Refusal;
use super::forget::unfinished;
use super::input::Input;
use super::value::{Action, Reason, ReasonCode, Step, Verb};
use crate::model::{Address, LiveEnvironment, Provisional, Sealed, SealedKey};

/// What `moved_from` in the files says, where it has something to move: environments first, which take their keys along.
pub(super) fn declared(input: &Input<'_>) -> Vec<(Address, Address, Reason)> {
    // A run that is taken back is all that is done then.
    let Some(sealed) = input.sealed.filter(|_| input.ask.undo.is_none()) else { return vec![] };
    let said = |origin, from: &Address| {
        Reason::at(origin, ReasonCode::Moved, format!("declared as `{from}` before"))
    };
    let environments = input.desired.environments.values().filter_map(|desired| {
        let from = Address::Environment(desired.moved_from.clone()?);
        let reason = said(&desired.origin, &from);
        Some((from, desired.address(), reason))
    });
    let mut wanted: Vec<_> = environments.filter(|(from, _, _)| is_recorded(sealed, from)).collect();
    wanted.retain(|(_, to, _)| input.ask.is_about(to));
    // A key is recorded under the environment's old label until that is moved.
    let homes: Vec<(Address, Address)> =
        wanted.iter().map(|(from, to, _)| (from.clone(), to.clone())).collect();
    let is_there = |address: &Address| {
        let before = homes.iter().find_map(|(from, to)| address.moved(to, from));
        is_recorded(sealed, address) || before.is_some_and(|before| is_recorded(sealed, &before))
    };
    let keys = input.desired.keys.values().filter_map(|desired| {
        let from = desired.moved_from.clone()?;
        let is_wanted = is_there(&from) && input.ask.is_about(&desired.address);
        let reason = said(&desired.origin, &from);
        is_wanted.then(|| (from, desired.address.clone(), reason))
    });
    wanted.extend(keys);
    wanted
}

/// Why a person's own move is in the plan.
pub(super) fn asked() -> Reason {
    Reason::new(ReasonCode::Asked, "renamed in the files")
}

/// Whether anything is recorded at an address; of an environment its keys count too.
fn is_recorded(sealed: &Sealed, address: &Address) -> bool {
    sealed.environment(address).is_some() || !moving(sealed, address).is_empty()
}

/// The keys that move with an address.
fn moving<'a>(sealed: &'a Sealed, from: &Address) -> Vec<&'a SealedKey> {
    sealed.keys.iter().filter(|key| key.address.moved(from, from).is_some()).collect()
}

/// One move; blocked where it would meet something, or what it is about is not the same thing.
pub(super) fn relocate(
    input: &Input<'_>,
    sealed: &Sealed,
    from: &Address,
    to: &Address,
    reason: Reason,
) -> Action {
    let keys = moving(sealed, from);
    let environment = sealed.environment(from);
    let newest = keys.last().filter(|_| from.is_key());
    let name = environment.map(|e| &e.name).or_else(|| newest.map(|key| &key.name));
    let reason = Reason { text: tell(from, &keys, &reason.text), ..reason };
    let action = Action::new(
        to,
        Verb::Move,
        name.map_or("", String::as_str),
        reason,
        Step::Record(vec![sealed.relocated(from, to)]),
    );
    let action = match newest {
        Some(newest) => action.key(newest.key_type, newest.generation, Some(&newest.id)),
        None => Action { id: environment.map(|e| e.id.to_string()), ..action },
    };
    match refusal(input, sealed, from, to, &keys) {
        Some(refusal) => action.block(refusal),
        None => action,
    }
}

fn tell(from: &Address, keys: &[&SealedKey], why: &str) -> String {
    let what = match (from.is_key(), keys.len()) {
        (true, 0 | 1) => String::new(),
        (true, count) => format!(", {count} generations"),
        (false, 0) => String::new(),
        (false, 1) => " and its 1 key".to_owned(),
        (false, count) => format!(" and its {count} keys"),
    };
    format!("recorded as `{from}`{what}; {why}")
}

fn refusal(
    input: &Input<'_>,
    sealed: &Sealed,
    from: &Address,
    to: &Address,
    keys: &[&SealedKey],
) -> Option<Refusal> {
    if from == to || !is_recorded(sealed, from) {
        let help = "`keycomb status` and `keycomb secrets list` show what is managed, and where.";
        return Some(Refusal::new("not_managed", format!("nothing is managed at `{from}`"), help));
    }
    if from.is_key() != to.is_key() || from.is_key() && from.environment() != to.environment() {
        let text = format!("`{from}` cannot become `{to}`");
        let help = "A key stays in its environment, and an environment stays one. Where the environment's own name in the \
                    files changed, move the environment: its keys go with it.";
        return Some(Refusal::new("cannot_move", text, help));
    }
    let is_declared = |address: &Address| match address {
        Address::Environment(label) => input.desired.environments.contains_key(label),
        Address::Key { .. } => input.desired.keys.contains_key(address),
    };
    if is_declared(from) || !is_declared(to) {
        let what = if is_declared(from) { "is still declared" } else { "is gone from the files" };
        let text = format!(
            "`{from}` {what}, and `{to}` {}",
            if is_declared(to) { "is too" } else { "is not declared" }
        );
        let help =
            "Rename it in the files first: what is recorded and not declared is disabled by the next apply.";
        return Some(Refusal::new("not_renamed", text, help));
    }
    other_type(input, to, keys)
        .or_else(|| occupied(sealed, from, to, keys))
        .or_else(|| unfinished(keys))
        .or_else(|| begun(input, sealed, from))
}

fn other_type(input: &Input<'_>, to: &Address, keys: &[&SealedKey]) -> Option<Refusal> {
    let desired = input.desired.keys.get(to)?;
    let key = keys.iter().find(|key| key.key_type != desired.key_type)?;
    let text = format!("it is a key of type `{}`, and `{}` is declared", key.key_type, desired.key_type);
    Some(Refusal::new("type_differs", text, "Correct `type` first; a key's type never changes."))
}

/// Another generation of the very key may be there: one branch moved it, another rotated it.
fn occupied(sealed: &Sealed, from: &Address, to: &Address, keys: &[&SealedKey]) -> Option<Refusal> {
    let is_taken = sealed.environment(from).is_some() && sealed.environment(to).is_some();
    let meets = |key: &&&SealedKey| {
        let Some(address) = key.address.moved(from, to) else { return false };
        let is_other = |known: &SealedKey| {
            !known.moved_from.contains(&key.address) || known.generation == key.generation
        };
        sealed.generations(&address).any(is_other)
    };
    let key = keys.iter().find(meets);
    if key.is_none() && !is_taken {
        return None;
    }
    let address = key.and_then(|key| key.address.moved(from, to)).unwrap_or_else(|| to.clone());
    let text = format!("`{address}` is managed already, besides `{from}`");
    Some(Refusal::new("occupied", text, "Give one of them a name of its own in the files."))
}

/// An environment that is still being made has its address in its description.
fn begun(input: &Input<'_>, sealed: &Sealed, from: &Address) -> Option<Refusal> {
    let id = &sealed.environment(from)?.id;
    let is_begun =
        |live: &&LiveEnvironment| &live.id == id && Provisional::parse(&live.description).is_some();
    input.live.environments.iter().find(is_begun)?;
    Some(Refusal::new(
        "unfinished",
        "it is not finished yet",
        "Run `keycomb apply` under its old name first.",
    ))
}
