//! Declared environments: which live one each is, and what would make it as declared.

use super::draft::{Refusal, some_of};
use super::index::Index;
use super::shown::color_text;
use super::value::{Action, Change, EnvironmentRef, Reason, ReasonCode, Step, Verb};
use crate::model::{
    Color, DesiredEnvironment, EnvironmentAttributes, EnvironmentId, Label, LiveEnvironment, Provisional,
    SealedEnvironment, brief,
};

/// Where a declared environment is, for the keys in it.
#[derive(Debug, Clone)]
pub(super) enum Place<'a> {
    /// At the service.
    There(&'a EnvironmentId),
    /// An action of this plan makes it.
    Planned(&'a Label),
    /// It is at the service, and an action of this plan finishes it.
    Begun(&'a EnvironmentId, &'a Label),
    /// Nowhere that keys may be made; its own blocked action says why.
    Unavailable,
}

impl Place<'_> {
    /// As a mint's step says it.
    pub(super) fn as_ref(&self) -> Option<EnvironmentRef> {
        match self {
            Self::There(id) => Some(EnvironmentRef::Id((*id).clone())),
            Self::Planned(label) | Self::Begun(_, label) => Some(EnvironmentRef::Planned((*label).clone())),
            Self::Unavailable => None,
        }
    }
}

/// Settles one declared environment.
pub(super) fn settle<'a>(index: &Index<'a>, desired: &'a DesiredEnvironment) -> (Place<'a>, Vec<Action>) {
    if desired.reference {
        return refer(index, desired);
    }
    match index.environment_record(&desired.address()) {
        Some(record) => match index.environment(&record.id) {
            Some(live) => update(index, desired, record, live),
            None => (Place::Unavailable, vec![missing(desired, record)]),
        },
        None => create(index, desired),
    }
}

fn refer<'a>(index: &Index<'a>, desired: &'a DesiredEnvironment) -> (Place<'a>, Vec<Action>) {
    let mut named = index.environments_named(&desired.name).iter().filter(|e| e.name == desired.name);
    let live = match (named.next(), named.next()) {
        (Some(live), None) => *live,
        (found, _) => return (Place::Unavailable, vec![no_reference(desired, found.is_some())]),
    };
    if is_classic(live) {
        return (Place::Unavailable, vec![classic(desired, live)]);
    }
    (Place::There(&live.id), vec![])
}

fn create<'a>(index: &Index<'a>, desired: &'a DesiredEnvironment) -> (Place<'a>, Vec<Action>) {
    match index.environments_named(&desired.name) {
        [] => (Place::Planned(&desired.label), vec![creation(desired)]),
        [live] if is_classic(live) => (Place::Unavailable, vec![classic(desired, live)]),
        [live] if live.name == desired.name && is_begun(index, desired, live) => {
            (Place::Begun(&live.id, &desired.label), vec![completion(desired, live)])
        }
        [live] => (Place::Unavailable, vec![exists(index, desired, live)]),
        several => (Place::Unavailable, vec![ambiguous(desired, several)]),
    }
}

/// Whether an apply of ours asked for it, and could not finish it: it still has its mark where its description will be.
fn is_begun(index: &Index<'_>, desired: &DesiredEnvironment, live: &LiveEnvironment) -> bool {
    let is_ours = |mark: &Provisional| {
        index.lineage().is_some_and(|lineage| mark.is_of(lineage)) && mark.is_for(&desired.address())
    };
    Provisional::parse(&live.description).is_some_and(|mark| is_ours(&mark))
}

fn completion(desired: &DesiredEnvironment, live: &LiveEnvironment) -> Action {
    let text = "an earlier apply asked for it and did not see it made: it is there, and is finished";
    let action = creation(desired);
    Action { reason: Reason::at(&desired.origin, ReasonCode::Unfinished, text), ..action }.id(&live.id)
}

fn creation(desired: &DesiredEnvironment) -> Action {
    let EnvironmentAttributes { description, color, delete_protected } = &desired.attributes;
    let changes = [
        description.as_ref().map(|text| Change::set("description", text)),
        color.map(|color| Change::set("color", color)),
        delete_protected.map(|protected| Change::set("delete_protected", protected)),
    ];
    let step = Step::CreateEnvironment { name: desired.name.clone(), attributes: desired.attributes.clone() };
    let reason = Reason::at(&desired.origin, ReasonCode::Declared, "declared, and not at the service");
    of(desired, Verb::Create, reason, step).changes(changes.into_iter().flatten().collect())
}

fn update<'a>(
    index: &Index<'_>,
    desired: &'a DesiredEnvironment,
    record: &'a SealedEnvironment,
    live: &'a LiveEnvironment,
) -> (Place<'a>, Vec<Action>) {
    if is_classic(live) {
        return (Place::Unavailable, vec![classic(desired, live)]);
    }
    let mut actions = vec![];
    if live.name != desired.name {
        actions.push(immutable_name(desired, live));
    }
    let mut attributes = desired.attributes.clone();
    if is_begun(index, desired, live) {
        // The mark goes even where no description is managed.
        attributes.description.get_or_insert_default();
    }
    let (change, changes) = differences(&attributes, &record.applied, live);
    if !changes.is_empty() || record.applied != desired.attributes {
        let applied = desired.attributes.clone();
        let step = Step::UpdateEnvironment { id: live.id.clone(), change, applied };
        let reason = update_reason(desired, &changes);
        let action = Action::new(&desired.address(), Verb::Update, &live.name, reason, step);
        actions.push(action.id(&live.id).changes(changes));
    }
    (Place::There(&live.id), actions)
}

fn update_reason(desired: &DesiredEnvironment, changes: &[Change]) -> Reason {
    let (code, text) = match changes {
        [] => (ReasonCode::Changed, "only keycomb's record changes: the service has it as declared"),
        changes if changes.iter().all(|c| c.undoes_drift) => {
            (ReasonCode::Drifted, "changed at the service since it was last applied")
        }
        _ => (ReasonCode::Changed, "declared otherwise than it is"),
    };
    Reason::at(&desired.origin, code, text)
}

/// What differs of what is managed: as it is sent, and as it is shown.
fn differences(
    desired: &EnvironmentAttributes,
    applied: &EnvironmentAttributes,
    live: &LiveEnvironment,
) -> (EnvironmentAttributes, Vec<Change>) {
    let EnvironmentAttributes { description, color, delete_protected } = desired.clone();
    let change = EnvironmentAttributes {
        description: description.filter(|text| *text != live.description),
        color: color.filter(|color| Some(*color) != live.color),
        delete_protected: delete_protected.filter(|protected| *protected != live.delete_protected),
    };
    let changes = [
        change.description.as_ref().map(|text| {
            Change::from_to("description", &live.description, text)
                .undoing(applied.description.as_ref() == Some(text))
        }),
        change.color.map(|color| {
            Change::from_to("color", color_text(live.color), color).undoing(applied.color == Some(color))
        }),
        change.delete_protected.map(|protected| {
            Change::from_to("delete_protected", live.delete_protected, protected)
                .undoing(applied.delete_protected == Some(protected))
        }),
    ];
    let changes = changes.into_iter().flatten().collect();
    (change, changes)
}

/// Classic environments have no colour of their own and no keys of this API: they are left alone.
pub(super) fn is_classic(live: &LiveEnvironment) -> bool {
    live.color == Some(Color::Classic)
}

fn of(desired: &DesiredEnvironment, verb: Verb, reason: Reason, step: Step) -> Action {
    Action::new(&desired.address(), verb, &desired.name, reason, step)
}

fn refused(desired: &DesiredEnvironment, verb: Verb, code: ReasonCode, refusal: Refusal) -> Action {
    let text = match code {
        ReasonCode::Missing => "gone from the service",
        ReasonCode::Changed => "declared otherwise than it is",
        _ => "declared, and not managed",
    };
    of(desired, verb, Reason::at(&desired.origin, code, text), Step::Nothing).block(refusal)
}

fn no_reference(desired: &DesiredEnvironment, is_ambiguous: bool) -> Action {
    let found = if is_ambiguous { "several environments are" } else { "no environment is" };
    let text = format!("{found} named exactly `{}`, which is declared with `reference = true`", desired.name);
    let help = "Correct `name`, or create the environment, or take `reference = true` away so that keycomb \
                creates it.";
    refused(desired, Verb::Adopt, ReasonCode::Declared, Refusal::new("reference_missing", text, help))
}

fn classic(desired: &DesiredEnvironment, live: &LiveEnvironment) -> Action {
    let text = format!("`{}` is a Classic environment, which keycomb never touches", brief(&live.name));
    let refusal = Refusal::new("classic", text, "Declare another environment, under another name.");
    refused(desired, Verb::Adopt, ReasonCode::Declared, refusal).id(&live.id)
}

fn exists(index: &Index<'_>, desired: &DesiredEnvironment, live: &LiveEnvironment) -> Action {
    let name = brief(&live.name);
    let refusal = match index.environment_owner(&live.id) {
        Some(owner) => Refusal::new(
            "exists",
            format!("the environment named `{name}` is managed as `{}`", owner.address),
            format!(
                "If its block was renamed, write `moved_from = \"{}\"` into `[{}]`; if not, give this one another name.",
                owner.address.environment(),
                desired.address()
            ),
        ),
        None => Refusal::new(
            "exists",
            format!("an environment named `{name}` is there already, and keycomb does not manage it"),
            format!(
                "To manage it: `keycomb adopt {} --as {}`. Or use it as it is with `reference = true`, or give this one \
                 another name.",
                live.id,
                desired.address()
            ),
        ),
    };
    refused(desired, Verb::Adopt, ReasonCode::Declared, refusal).id(&live.id)
}

fn ambiguous(desired: &DesiredEnvironment, several: &[&LiveEnvironment]) -> Action {
    let ids: Vec<_> = several.iter().map(|e| &e.id).collect();
    let text = format!("{} environments have this name already: {}", ids.len(), some_of(&ids));
    let help = "Give this one another name, or delete or rename what is not needed in Honeycomb.";
    refused(desired, Verb::Adopt, ReasonCode::Declared, Refusal::new("ambiguous", text, help))
}

fn missing(desired: &DesiredEnvironment, record: &SealedEnvironment) -> Action {
    let text = "it was deleted at the service, and its data and its keys with it";
    let help = "If that was meant, take its block and its keys out of the files and apply; to make it again, \
                declare it once more after that.";
    let refusal = Refusal::new("missing", text, help);
    refused(desired, Verb::Create, ReasonCode::Missing, refusal).id(&record.id)
}

fn immutable_name(desired: &DesiredEnvironment, live: &LiveEnvironment) -> Action {
    let text = "the service cannot rename an environment; deleting it and making it again would lose its \
                data and all its keys";
    let help = format!(
        "Set `name = \"{}\"` to keep it, or declare a second environment beside it and move over.",
        brief(&live.name)
    );
    refused(desired, Verb::Replace, ReasonCode::Changed, Refusal::new("immutable_name", text, help))
        .id(&live.id)
        .changes(vec![Change::from_to("name", &live.name, &desired.name)])
}
