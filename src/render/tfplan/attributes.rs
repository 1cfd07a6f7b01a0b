//! An action or a finding as the provider's attributes, before and after.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::model::Permission;
use crate::plan::{Action, Change, EnvironmentRef, Finding, FindingKind, MintKey, SecretEffect, Step, Verb};

type Attributes = Map<String, Value>;

/// Both sides of a change, of what is known here; `None` where there is nothing on that side.
#[derive(Debug, Default)]
pub(super) struct Sides {
    /// Terraform's word for it.
    pub(super) action: &'static str,
    /// As it is.
    pub(super) before: Option<Attributes>,
    /// As it will be.
    pub(super) after: Option<Attributes>,
    /// What only the service will say, each `true`.
    pub(super) unknown: Attributes,
}

impl Sides {
    /// The sides of an action.
    pub(super) fn of_action(action: &Action) -> Self {
        let same = |word| {
            let side = base(action);
            Self { action: word, before: Some(side.clone()), after: Some(side), unknown: Attributes::new() }
        };
        match action.verb {
            Verb::Create | Verb::Replace | Verb::Rotate => Self::of_creation(action),
            Verb::Update | Verb::Enable | Verb::Disable | Verb::Release => Self::of_update(action),
            Verb::Delete | Verb::Discard => Self::of_deletion(action),
            Verb::Forget => Self { action: "forget", before: Some(base(action)), ..Self::default() },
            Verb::Adopt | Verb::Move | Verb::Blocked => same("no-op"),
        }
    }

    /// The sides of drift: last applied, and live.
    pub(super) fn of_finding(finding: &Finding) -> Self {
        let Finding { id, changes, .. } = finding;
        let mut known = Attributes::new();
        if let Some(id) = id {
            known.insert("id".to_owned(), Value::from(id.as_str()));
        }
        let before = with(known.clone(), changes, |change| &change.before);
        if finding.kind == FindingKind::Missing {
            return Self { action: "delete", before: Some(before), ..Self::default() };
        }
        let after = with(known, changes, |change| &change.after);
        Self { action: "update", before: Some(before), after: Some(after), unknown: Attributes::new() }
    }

    fn of_creation(action: &Action) -> Self {
        let mut after = with(base(action), &action.changes, |change| &change.after);
        // An environment whose creation was cut short has its id; all else has none yet.
        let is_new = matches!(action.step, Step::MintKey(_)) || action.id.is_none();
        let mut unknown: Vec<&str> = Vec::new();
        if is_new {
            after.remove("id");
            unknown.push("id");
        }
        if let Step::MintKey(mint) = &action.step {
            unknown.extend(["key", "secret"]);
            unknown.extend(put_mint(&mut after, mint));
        } else if !action.address.is_key() {
            unknown.push("slug");
        }
        let unknown = unknown.into_iter().map(|name| (name.to_owned(), Value::Bool(true))).collect();
        Self { action: "create", before: None, after: Some(after), unknown }
    }

    fn of_deletion(action: &Action) -> Self {
        let mut before = with(base(action), &action.changes, |change| &change.before);
        let is_disabled = match action.secret {
            SecretEffect::StopsWorking => Some(false),
            SecretEffect::Destroyed => Some(true),
            // What is discarded was never enabled.
            _ => (action.verb == Verb::Discard).then_some(true),
        };
        if let Some(is_disabled) = is_disabled.filter(|_| action.address.is_key()) {
            before.insert("disabled".to_owned(), Value::Bool(is_disabled));
        }
        Self { action: "delete", before: Some(before), ..Self::default() }
    }

    fn of_update(action: &Action) -> Self {
        let mut before = with(base(action), &action.changes, |change| &change.before);
        let mut after = with(base(action), &action.changes, |change| &change.after);
        if let Step::UpdateKey { applied, .. } = &action.step {
            let is_disabled = Value::Bool(!applied.enabled);
            before.entry("disabled").or_insert_with(|| is_disabled.clone());
            after.entry("disabled").or_insert(is_disabled);
        }
        if let Some((was, becomes)) = switched(action) {
            before.insert("disabled".to_owned(), Value::Bool(was));
            after.insert("disabled".to_owned(), Value::Bool(becomes));
        }
        if action.verb == Verb::Release {
            // It has a provisional name until then.
            before.remove("name");
        }
        // What only the record keeps is nothing to Terraform.
        let word = if before == after { "no-op" } else { "update" };
        Self { action: word, before: Some(before), after: Some(after), unknown: Attributes::new() }
    }
}

/// Whether it is disabled (before, after), where the verb says so.
fn switched(action: &Action) -> Option<(bool, bool)> {
    match (action.verb, &action.step) {
        (_, Step::ReleaseKey { enabled, .. }) => Some((true, !enabled)),
        (Verb::Enable | Verb::Release, _) => Some((true, false)),
        (Verb::Disable, _) => Some((false, true)),
        _ => None,
    }
}

/// What is known of it whatever is done.
fn base(action: &Action) -> Attributes {
    let mut known = Attributes::new();
    if let Some(id) = &action.id {
        known.insert("id".to_owned(), Value::from(id.as_str()));
    }
    known.insert("name".to_owned(), Value::from(action.name.as_str()));
    if let Some(key_type) = action.key_type {
        known.insert("type".to_owned(), Value::from(key_type.as_str()));
    }
    known
}

/// All of a key that is to be made; which of its attributes only the service will say.
fn put_mint(after: &mut Attributes, mint: &MintKey) -> Option<&'static str> {
    let MintKey { environment, key_type, name, permissions, enabled, .. } = mint;
    after.insert("name".to_owned(), Value::from(name.as_str()));
    after.insert("type".to_owned(), Value::from(key_type.as_str()));
    after.insert("disabled".to_owned(), Value::Bool(!enabled));
    after.insert("permissions".to_owned(), granted(permissions.iter().map(|one: &Permission| one.as_str())));
    match environment {
        EnvironmentRef::Id(id) => {
            after.insert("environment_id".to_owned(), Value::from(id.as_str()));
            None
        }
        EnvironmentRef::Planned(_) => Some("environment_id"),
    }
}

/// Adds one side of the changes, by the provider's names; what it has none for is left out.
fn with(mut side: Attributes, changes: &[Change], which: impl Fn(&Change) -> &Option<String>) -> Attributes {
    for change in changes {
        let Some(text) = which(change).as_deref() else { continue };
        let (name, value) = match change.field {
            "name" | "description" | "color" => (change.field, Value::from(text)),
            "delete_protected" => (change.field, Value::Bool(text == "true")),
            "enabled" => ("disabled", Value::Bool(text != "true")),
            "permissions" => (change.field, granted(text.lines())),
            _ => continue,
        };
        side.insert(name.to_owned(), value);
    }
    side
}

/// A block of flags, of which only those that are set are here.
fn granted<'a>(permissions: impl Iterator<Item = &'a str>) -> Value {
    let names: BTreeSet<&str> = permissions.filter(|name| !name.is_empty()).collect();
    let flags: Attributes = names.into_iter().map(|name| (name.to_owned(), Value::Bool(true))).collect();
    Value::Array(vec![Value::Object(flags)])
}
