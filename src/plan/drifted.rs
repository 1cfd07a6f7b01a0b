//! Drift: what the service has, held against what was last applied.

use super::draft::list;
use super::index::Index;
use super::shown::color_text;
use super::update::by_whom;
use super::value::{Change, Finding, FindingKind, Severity};
use crate::model::{
    AppliedKey, EnvironmentAttributes, KeyState, LiveKey, SealedEnvironment, SealedKey, brief,
};

/// What was changed of a recorded environment, of what is managed.
pub(super) fn environment_drift(index: &Index<'_>, record: &SealedEnvironment) -> Option<Finding> {
    let live = index.environment(&record.id)?;
    let EnvironmentAttributes { description, color, delete_protected } = &record.applied;
    let description = description.as_ref().filter(|text| **text != live.description);
    let color = color.filter(|color| Some(*color) != live.color);
    let protected = delete_protected.filter(|protected| *protected != live.delete_protected);
    let changes = [
        description.map(|text| Change::from_to("description", text, &live.description)),
        color.map(|color| Change::from_to("color", color, color_text(live.color))),
        protected.map(|protected| Change::from_to("delete_protected", protected, live.delete_protected)),
    ];
    let severity = if protected == Some(true) { Severity::High } else { Severity::Warning };
    let text = format!("the environment `{}` was changed at the service", brief(&live.name));
    let changes = changes.into_iter().flatten().collect();
    finding(severity, text, changes).map(|f| f.at(&record.address).about(&live.id))
}

/// What was changed of a recorded key.
pub(super) fn key_drift(index: &Index<'_>, record: &SealedKey) -> Option<Finding> {
    let live = index.key(&record.id)?;
    let found = match record.state {
        KeyState::Live => changed(record, live),
        KeyState::Disabled if !live.disabled => {
            let text = format!("a key on its way out was enabled again{}", by_whom(live));
            finding(Severity::High, text, vec![Change::from_to("enabled", false, true)])
        }
        KeyState::Deleted => {
            let text = "a key that is recorded as deleted is at the service";
            let severity = if live.disabled { Severity::Warning } else { Severity::High };
            Some(Finding::new(FindingKind::Drift, severity, text))
        }
        KeyState::Disabled
        | KeyState::Provisional
        | KeyState::Staged
        | KeyState::Releasing
        | KeyState::Dropping => None,
    };
    found.map(|f| f.at(&record.address).about(&live.id).by(live))
}

fn changed(record: &SealedKey, live: &LiveKey) -> Option<Finding> {
    let AppliedKey { enabled, permissions } = &record.applied;
    let is_switched = *enabled == live.disabled;
    let is_wider = !live.permissions.is_subset(permissions);
    let changes = [
        (record.name != live.name).then(|| Change::from_to("name", &record.name, &live.name)),
        (*permissions != live.permissions)
            .then(|| Change::from_to("permissions", list(permissions), list(&live.permissions))),
        is_switched.then(|| Change::from_to("enabled", enabled, !live.disabled)),
    ];
    let what = match (is_switched, live.disabled) {
        (true, true) => "disabled",
        (true, false) => "enabled",
        (false, _) => "changed",
    };
    let severity = if is_switched || is_wider { Severity::High } else { Severity::Warning };
    let text = format!("the key `{}` was {what} at the service{}", brief(&live.name), by_whom(live));
    finding(severity, text, changes.into_iter().flatten().collect())
}

fn finding(severity: Severity, text: String, changes: Vec<Change>) -> Option<Finding> {
    let finding = Finding::new(FindingKind::Drift, severity, text);
    (!changes.is_empty()).then_some(Finding { changes, ..finding })
}
