//! How actions are put together, and how one becomes blocked.

use std::collections::BTreeSet;
use std::fmt::Display;

use super::value::{Action, Blocked, Change, Reason, ReasonCode, SecretEffect, Step, Undo, Verb};
use crate::model::{Address, KeyId, KeyType, LiveKey, Origin, Permission, SealedKey};

/// Why an action must not be taken.
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) text: String,
    pub(super) help: String,
    pub(super) guard: bool,
}

impl Refusal {
    /// Something that is not to be done by an apply.
    pub(super) fn new(code: &'static str, text: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code, text: text.into(), help: help.into(), guard: false }
    }

    /// A guard stands in the way.
    pub(super) fn guard(code: &'static str, text: impl Into<String>, help: impl Into<String>) -> Self {
        Self { guard: true, ..Self::new(code, text, help) }
    }
}

impl Reason {
    /// A reason whose cause is the absence of something in the files.
    pub(super) fn new(code: ReasonCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), origin: None }
    }

    /// A reason with its place in the files.
    pub(super) fn at(origin: &Origin, code: ReasonCode, text: impl Into<String>) -> Self {
        Self { origin: Some(origin.clone()), ..Self::new(code, text) }
    }
}

impl Action {
    /// An action that touches no secret, can be taken back, and waits for nothing.
    pub(super) fn new(address: &Address, verb: Verb, name: &str, reason: Reason, step: Step) -> Self {
        Self {
            address: address.clone(),
            verb,
            key_type: None,
            generation: None,
            id: None,
            name: name.to_owned(),
            changes: vec![],
            reason,
            secret: SecretEffect::None,
            undo: Undo::Reversible,
            blocked: None,
            after: vec![],
            step,
        }
    }

    /// The same, of a generation that is recorded and live.
    pub(super) fn on(record: &SealedKey, live: &LiveKey, verb: Verb, reason: Reason, step: Step) -> Self {
        Self::new(&record.address, verb, &live.name, reason, step).key(
            live.key_type,
            record.generation,
            Some(&live.id),
        )
    }

    /// Says which key it concerns.
    pub(super) fn key(mut self, key_type: KeyType, generation: u32, id: Option<&KeyId>) -> Self {
        self.key_type = Some(key_type);
        self.generation = Some(generation);
        self.id = id.map(ToString::to_string);
        self
    }

    /// Says which object at the service it concerns.
    pub(super) fn id(mut self, id: impl Display) -> Self {
        self.id = Some(id.to_string());
        self
    }

    /// Says what differs.
    pub(super) fn changes(mut self, changes: Vec<Change>) -> Self {
        self.changes = changes;
        self
    }

    /// Says what happens to secrets.
    pub(super) fn secret(mut self, secret: SecretEffect) -> Self {
        self.secret = secret;
        self
    }

    /// Says that it cannot be taken back.
    pub(super) fn irreversible(mut self) -> Self {
        self.undo = Undo::Irreversible;
        self
    }

    /// Turns it into an action that must not be taken; an earlier refusal is replaced, what was intended stays.
    pub(super) fn block(mut self, refusal: Refusal) -> Self {
        let Refusal { code, text, help, guard } = refusal;
        let verb = self.blocked.as_ref().map_or(self.verb, |blocked| blocked.verb);
        self.verb = Verb::Blocked;
        self.secret = SecretEffect::None;
        self.after = vec![];
        self.step = Step::Nothing;
        self.blocked = Some(Blocked { verb, code, text, help, guard });
        self
    }

    /// Whether it will be carried out.
    pub(super) fn is_taken(&self) -> bool {
        self.blocked.is_none()
    }
}

impl Change {
    /// What something is created with.
    pub(super) fn set(field: &'static str, after: impl Display) -> Self {
        Self { field, before: None, after: Some(after.to_string()), undoes_drift: false }
    }

    /// From one value to another.
    pub(super) fn from_to(field: &'static str, before: impl Display, after: impl Display) -> Self {
        Self { field, before: Some(before.to_string()), after: Some(after.to_string()), undoes_drift: false }
    }

    /// Marks it as taking back something changed behind keycomb's back.
    pub(super) fn undoing(mut self, undoes_drift: bool) -> Self {
        self.undoes_drift = undoes_drift;
        self
    }
}

/// Permissions one a line, sorted by name.
pub(super) fn list(permissions: &BTreeSet<Permission>) -> String {
    let mut names: Vec<&str> = permissions.iter().map(|p| p.as_str()).collect();
    names.sort_unstable();
    names.join("\n")
}

/// Up to five of them with commas, and how many more.
pub(super) fn some_of<T: Display>(items: &[T]) -> String {
    let shown: Vec<String> = items.iter().take(5).map(|item| format!("`{item}`")).collect();
    match items.len().saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
