//! Takes back what a run changed, attribute by attribute, where the service allows it and nothing has moved since.

use super::draft::Refusal;
use super::index::Index;
use super::phase::Phase;
use super::retire::protected_refusal;
use super::shown::{environment_value, key_value};
use super::succession::stands;
use super::value::{
    Action, Change, Finding, FindingKind, Reason, ReasonCode, Remembered, SecretEffect, Severity, Step, Verb,
};
use crate::model::{
    Address, AppliedKey, DesiredKey, EnvironmentAttributes, EnvironmentId, KeyId, KeyState, LiveEnvironment,
    LiveKey, Permission, Provisional, SealedEnvironment, SealedKey, brief,
};

/// A run, as far as it can matter to who takes it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undoing {
    /// The run's name.
    pub run: String,
    /// What it did, in its order.
    pub made: Vec<Made>,
}

/// One thing that a run did, or may have done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Whom it concerned.
    pub address: Address,
    /// The service's id, where it was known.
    pub id: Option<String>,
    /// What kind of thing it was.
    pub what: What,
    /// The attributes that it changed: (by TOML key, as they were, as they became), as [`Change`] has them.
    pub changes: Vec<(String, String, String)>,
}

/// What kind of thing a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It changed attributes: the one kind that can be taken back.
    Changed,
    /// It made a key or an environment, or let a new key work.
    Made,
    /// It deleted something for good.
    Deleted,
    /// It changed what is managed, not the service.
    Recorded,
}

/// What takes a run back; what cannot be taken back is blocked.
pub(super) fn undo(index: &Index<'_>, undoing: &Undoing) -> Vec<Action> {
    // What came last is taken back first; within one plan nothing hangs on it but what is said of one address twice.
    let made = undoing.made.iter().rev();
    made.flat_map(|made| match (made.what, made.address.is_key()) {
        (What::Changed, true) => key_back(index, undoing, made),
        (What::Changed, false) => environment_back(index, undoing, made),
        (What::Made, _) => vec![not_undone(undoing, made, Verb::Delete, &made_help(index, made))],
        (What::Deleted, _) => vec![not_undone(undoing, made, Verb::Create, &deleted_help(made))],
        (What::Recorded, _) => {
            let help =
                "`forget` takes back `adopt`, `adopt` takes back `forget`, and `mv` takes back itself.";
            vec![not_undone(undoing, made, Verb::Update, help)]
        }
    })
    .collect()
}

/// Nothing that is said here ends an older generation: it may be the one that is in use.
fn made_help(index: &Index<'_>, made: &Made) -> String {
    let record = made.id.as_ref().and_then(|id| index.owner(&KeyId::new(id.clone()).ok()?));
    let is_moved = record.is_some_and(|record| !record.in_place_of.is_empty());
    if is_moved {
        format!(
            "It took the place of a key in another environment: declare that one again before its overlap is over, and `{}` no \
             more; the older key goes on, and this one is disabled.",
            made.address
        )
    } else if record.is_some_and(|record| record.generation > 1) {
        format!(
            "It is a new generation of `{}`: leave it and its block there. The one before it works until the overlap is over, \
             which `rotate.overlap` makes longer.",
            made.address
        )
    } else if made.address.is_key() {
        format!(
            "If the key was new: take `{}` out of the files and apply; it is disabled, and deleted after its quarantine. If it \
             was a new generation of one: leave it there.",
            made.address
        )
    } else {
        format!(
            "Set `delete_protected = false` for `{}` and apply, then take it out of the files and apply once more.",
            made.address
        )
    }
}

fn deleted_help(made: &Made) -> String {
    if made.address.is_key() {
        "The service keeps nothing of it. Declared again it is another key, with another secret.".to_owned()
    } else {
        "The service keeps nothing of it, nor of its data. Declared again it is another environment."
            .to_owned()
    }
}

fn reason(undoing: &Undoing) -> Reason {
    Reason::new(ReasonCode::Asked, format!("takes back what the run {} changed", undoing.run))
}

fn not_undone(undoing: &Undoing, made: &Made, verb: Verb, help: &str) -> Action {
    let text = match made.what {
        What::Deleted => "what was deleted cannot be had back",
        What::Made => "what was made is retired, not unmade",
        What::Changed | What::Recorded => "this is not for `undo`",
    };
    blocked(undoing, made, verb, Refusal::new("not_undoable", text, help))
}

fn blocked(undoing: &Undoing, made: &Made, verb: Verb, refusal: Refusal) -> Action {
    let action = Action::new(&made.address, verb, "", reason(undoing), Step::Nothing);
    let action = match &made.id {
        Some(id) => action.id(id),
        None => action,
    };
    action.block(refusal)
}

fn gone(undoing: &Undoing, made: &Made) -> Vec<Action> {
    let text = "it is not there any more, or not under this address";
    let help = "`keycomb plan` and `keycomb status` show what is.";
    vec![blocked(undoing, made, Verb::Update, Refusal::new("gone", text, help))]
}

/// The changes that are still as the run made them, turned round, and the fields that are otherwise now.
fn turned_round(made: &Made, now: impl Fn(&str) -> Option<String>) -> (Vec<Back<'_>>, Vec<String>) {
    let (mut back, mut moved) = (vec![], vec![]);
    for (field, before, after) in &made.changes {
        let Some(field) = FIELDS.iter().find(|known| *known == field) else { continue };
        match now(field) {
            Some(now) if now == *before => {}
            Some(now) if now == *after => back.push((*field, after.as_str(), before.as_str())),
            Some(now) => moved.push(format!("`{field}` is `{}`", one_line(&now))),
            None => {}
        }
    }
    (back, moved)
}

/// What is sent to the service: the rest of what a run changed is in keycomb's own record, which follows the files.
const FIELDS: [&str; 6] = ["name", "permissions", "enabled", "description", "color", "delete_protected"];

fn one_line(text: &str) -> String {
    brief(&text.lines().collect::<Vec<_>>().join(", ")).into_owned()
}

/// One attribute that is set back: its name, what it is, what it was.
type Back<'a> = (&'static str, &'a str, &'a str);

/// Those that `set` can set back to what they were; the others are told in `moved`.
fn settable<'a>(
    mut back: Vec<Back<'a>>,
    moved: &mut Vec<String>,
    mut set: impl FnMut(&str, &str) -> bool,
) -> Vec<Back<'a>> {
    back.retain(|(field, _, to)| {
        let is_set = set(field, to);
        if !is_set {
            moved.push(format!("`{field}` cannot be set back"));
        }
        is_set
    });
    back
}

fn moved_on(undoing: &Undoing, made: &Made, moved: &[String]) -> Vec<Action> {
    if moved.is_empty() {
        return vec![];
    }
    let text = format!("changed again since the run: {}", moved.join("; "));
    let help = "What somebody changed since is left alone: say in the files how it should be.";
    vec![blocked(undoing, made, Verb::Update, Refusal::new("changed_since", text, help))]
}

fn changes_of(back: &[Back<'_>]) -> Vec<Change> {
    back.iter().map(|(field, before, after)| Change::from_to(field, before, after)).collect()
}

fn key_back(index: &Index<'_>, undoing: &Undoing, made: &Made) -> Vec<Action> {
    let id = made.id.as_ref().and_then(|id| KeyId::new(id.clone()).ok());
    let found = id.and_then(|id| Some((index.owner(&id)?, index.key(&id)?)));
    let is_ours = |(record, _): &(&SealedKey, &LiveKey)| {
        record.address == made.address && matches!(record.state, KeyState::Live | KeyState::Disabled)
    };
    let Some((record, live)) = found.filter(is_ours) else { return gone(undoing, made) };
    let (back, mut moved) = turned_round(made, |field| key_value(field, live));
    let (mut name, mut permissions, mut enabled) = (None, None, None);
    let kept = settable(back, &mut moved, |field, to| match field {
        "name" if Provisional::parse(to).is_none() => {
            name = Some(to.to_owned());
            true
        }
        "permissions" => {
            permissions = to.lines().map(|line| line.parse::<Permission>().ok()).collect::<Option<_>>();
            permissions.is_some()
        }
        "enabled" => {
            enabled = to.parse::<bool>().ok();
            enabled.is_some()
        }
        _ => false,
    });
    let mut actions = moved_on(undoing, made, &moved);
    if kept.is_empty() {
        return actions;
    }
    let (verb, secret) = match enabled {
        Some(true) => (Verb::Enable, SecretEffect::StartsWorking),
        Some(false) => (Verb::Disable, SecretEffect::StopsWorking),
        None => (Verb::Update, SecretEffect::None),
    };
    let SealedKey { owner, protected, quarantine, applied, .. } = record;
    let step = Step::UpdateKey {
        id: live.id.clone(),
        name,
        permissions: permissions.clone(),
        enabled,
        applied: AppliedKey {
            enabled: enabled.unwrap_or(applied.enabled),
            permissions: permissions.unwrap_or_else(|| applied.permissions.clone()),
        },
        remember: Remembered { owner: owner.clone(), protected: *protected, quarantine: *quarantine },
    };
    let action =
        Action::on(record, live, verb, reason(undoing), step).changes(changes_of(&kept)).secret(secret);
    if let Some(refusal) = never_again(index, record).filter(|_| enabled == Some(true)) {
        actions.push(action.block(refusal));
        return actions;
    }
    let is_held = *protected && enabled == Some(false) && !index.is_named(&record.address);
    actions.push(if is_held { action.block(protected_refusal(&record.address)) } else { action });
    actions
}

/// Why a generation must not be enabled again.
fn never_again(index: &Index<'_>, record: &SealedKey) -> Option<Refusal> {
    let address = &record.address;
    if record.revoked.is_some() {
        let help = format!("`keycomb rotate {address}` makes another key.");
        return Some(Refusal::new("not_undoable", "a revoked key never works again", help));
    }
    let stands =
        |(record, phase): &(&SealedKey, Phase<'_>)| stands(record, phase).is_some_and(|live| !live.disabled);
    let elsewhere = index.made_for(&record.id).iter().map(|later| (*later, index.phase(later))).find(stands);
    if let Some((later, _)) = elsewhere {
        let help =
            format!("Declare `{address}` again, and `{}` no more: an apply enables it then.", later.address);
        let text = format!("`{}` has taken its place", later.address);
        return Some(Refusal::new("not_undoable", text, help));
    }
    // What was never released took nobody's place.
    let is_unreleased =
        |state| matches!(state, KeyState::Provisional | KeyState::Staged | KeyState::Dropping);
    let is_successor =
        |later: &SealedKey| later.generation > record.generation && !is_unreleased(later.state);
    if !index.generations(address).iter().any(|(later, _)| is_successor(later)) {
        return None;
    }
    let help = format!(
        "Declare `{address}` as it shall be; `keycomb rotate {address}` makes another key where one is needed."
    );
    Some(Refusal::new("not_undoable", "a later generation has taken its place", help))
}

fn environment_back(index: &Index<'_>, undoing: &Undoing, made: &Made) -> Vec<Action> {
    let id = made.id.as_ref().and_then(|id| EnvironmentId::new(id.clone()).ok());
    let found = id.and_then(|id| Some((index.environment_owner(&id)?, index.environment(&id)?)));
    let is_ours = |(record, _): &(&SealedEnvironment, &LiveEnvironment)| record.address == made.address;
    let Some((record, live)) = found.filter(is_ours) else { return gone(undoing, made) };
    let (back, mut moved) = turned_round(made, |field| environment_value(field, live));
    let mut change = EnvironmentAttributes::default();
    let kept = settable(back, &mut moved, |field, to| match field {
        "description" if Provisional::parse(to).is_none() => {
            change.description = Some(to.to_owned());
            true
        }
        "color" => {
            change.color = to.parse().ok();
            change.color.is_some()
        }
        "delete_protected" => {
            change.delete_protected = to.parse().ok();
            change.delete_protected.is_some()
        }
        _ => false,
    });
    let mut actions = moved_on(undoing, made, &moved);
    if kept.is_empty() {
        return actions;
    }
    let EnvironmentAttributes { description, color, delete_protected } = change.clone();
    let applied = EnvironmentAttributes {
        description: description.or_else(|| record.applied.description.clone()),
        color: color.or(record.applied.color),
        delete_protected: delete_protected.or(record.applied.delete_protected),
    };
    let step = Step::UpdateEnvironment { id: live.id.clone(), change, applied };
    let action = Action::new(&record.address, Verb::Update, &live.name, reason(undoing), step).id(&live.id);
    actions.push(action.changes(changes_of(&kept)));
    actions
}

/// What the files still say otherwise: the next apply would do it all again.
pub(super) fn follow(index: &Index<'_>, actions: &[Action]) -> Vec<Finding> {
    actions.iter().filter(|action| action.is_taken()).filter_map(|action| follow_one(index, action)).collect()
}

fn follow_one(index: &Index<'_>, action: &Action) -> Option<Finding> {
    let address = &action.address;
    let newest = index.generations(address).first().map(|(record, _)| record.generation);
    let is_superseded = action.generation.is_some() && action.generation < newest;
    let (text, help) = match (index.input.desired.keys.get(address), is_superseded) {
        (_, true) => (
            "a later generation has taken its place: the next apply retires it again".to_owned(),
            "Make `rotate.overlap` longer, so that both work for as long as it takes.".to_owned(),
        ),
        (Some(desired), false) => still_says(&differing(desired, action), address)?,
        (None, false) if address.is_key() => (
            "it is not declared: the next apply retires it again".to_owned(),
            format!("Declare `{address}` again."),
        ),
        (None, false) => {
            let desired = index.input.desired.environments.get(address.environment())?;
            let EnvironmentAttributes { description, color, delete_protected } = &desired.attributes;
            let says = |field: &str| match field {
                "description" => description.clone(),
                "color" => color.map(|color| color.to_string()),
                "delete_protected" => delete_protected.map(|protected| protected.to_string()),
                _ => None,
            };
            let fields: Vec<&str> = action
                .changes
                .iter()
                .filter(|change| says(change.field).is_some_and(|said| Some(said) != change.after))
                .map(|change| change.field)
                .collect();
            still_says(&fields, address)?
        }
    };
    Some(Finding::new(FindingKind::Advice, Severity::Warning, text).at(address).help(help))
}

fn differing(desired: &DesiredKey, action: &Action) -> Vec<&'static str> {
    let says = |field: &str| match field {
        "name" => Some(desired.name.clone()),
        "permissions" => Some(super::draft::list(&desired.permissions)),
        "enabled" => Some(desired.enabled.to_string()),
        _ => None,
    };
    let differs = |change: &&Change| says(change.field).is_some_and(|said| Some(said) != change.after);
    action.changes.iter().filter(differs).map(|change| change.field).collect()
}

fn still_says(fields: &[&str], address: &Address) -> Option<(String, String)> {
    if fields.is_empty() {
        return None;
    }
    let fields: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
    let fields = fields.join(", ");
    Some((
        format!("the files still say {fields} as the run made it: the next apply makes it so again"),
        format!("Change {fields} of `{address}` in the files too."),
    ))
}
