//! Findings: what is worth saying and needs no action of this plan.

use std::collections::HashSet;
use std::fmt::Display;

use super::drifted::{environment_drift, key_drift};
use super::environments::is_classic;
use super::index::{Index, Stray};
use super::keys::current_of;
use super::phase::{Phase, is_staged};
use super::value::{Action, Finding, FindingKind, Severity, Verb};
use crate::model::{Address, Desired, KeyState, LiveKey, Origin, Provisional, SealedKey, Unmanaged, brief};

impl Finding {
    /// A finding about nothing in particular yet.
    pub(super) fn new(kind: FindingKind, severity: Severity, text: impl Into<String>) -> Self {
        Self {
            kind,
            severity,
            address: None,
            id: None,
            text: text.into(),
            help: None,
            changes: vec![],
            origin: None,
            editor: None,
            updated: None,
        }
    }

    /// Says where it is declared or recorded.
    pub(super) fn at(mut self, address: &Address) -> Self {
        self.address = Some(address.clone());
        self
    }

    /// Says which object at the service it concerns.
    pub(super) fn about(mut self, id: impl Display) -> Self {
        self.id = Some(id.to_string());
        self
    }

    /// Says who changed it last and when, as far as the service does.
    pub(super) fn by(mut self, live: &LiveKey) -> Self {
        (self.editor, self.updated) = (live.editor.clone(), live.updated);
        self
    }

    /// Says which place in the files it is about.
    pub(super) fn from(mut self, origin: &Origin) -> Self {
        self.origin = Some(origin.clone());
        self
    }

    /// Says how to go on.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Says of each finding where its address is declared, if it does not say where it is from already.
pub(super) fn locate(findings: &mut [Finding], desired: &Desired) {
    for finding in findings.iter_mut().filter(|finding| finding.origin.is_none()) {
        finding.origin = finding.address.as_ref().and_then(|address| declared_at(address, desired)).cloned();
    }
}

fn declared_at<'a>(address: &Address, desired: &'a Desired) -> Option<&'a Origin> {
    match address {
        Address::Environment(label) => desired.environments.get(label).map(|environment| &environment.origin),
        Address::Key { .. } => desired.keys.get(address).map(|key| &key.origin),
    }
}

/// What differs from what was last applied, and keys that were never finished: the same for plan and drift, but for what
/// one of `actions` discards.
pub(super) fn since_last_applied(index: &Index<'_>, actions: &[Action]) -> Vec<Finding> {
    let told: HashSet<&str> =
        actions.iter().filter(|a| a.verb == Verb::Discard).filter_map(|a| a.id.as_deref()).collect();
    let environments = index.environment_records().filter_map(|record| environment_drift(index, record));
    let keys = index.records().filter_map(|record| key_drift(index, record));
    let strays = index
        .strays
        .iter()
        .flat_map(|(address, strays)| strays.iter().filter_map(|stray| Some(unfinished(stray)?.at(address))))
        .chain(index.lost.iter().filter_map(unfinished))
        .filter(|finding| finding.id.as_deref().is_none_or(|id| !told.contains(id)));
    let unreleased = index.records().filter_map(|record| unreleased(index, record));
    environments.chain(keys).chain(strays).chain(unreleased).collect()
}

/// A recorded key whose release came, or may yet come, too late.
fn unreleased(index: &Index<'_>, record: &SealedKey) -> Option<Finding> {
    let (severity, text) = match index.phase(record) {
        Phase::Pending => {
            (Severity::Note, "it was not released in time, and a request to do so may yet arrive")
        }
        Phase::Late(_) => (Severity::Warning, "it was released too late to be relied on"),
        Phase::Unreleased(live)
            if is_staged(live) && !index.input.desired.keys.contains_key(&record.address) =>
        {
            (Severity::Note, "it is staged, and no longer declared: it goes 8 days after it was made")
        }
        _ => return None,
    };
    Some(Finding::new(FindingKind::Unfinished, severity, text).at(&record.address).about(&record.id))
}

/// One that somebody enabled is unsealed.
fn unfinished(stray: &Stray<'_>) -> Option<Finding> {
    let text = match stray {
        Stray { live: LiveKey { disabled: false, .. }, .. } => return None,
        stray if stray.is_busy() && stray.is_staged() => {
            "another run staged this key, and its sealed entry is not in this checkout"
        }
        Stray { known: false, young: true, .. } => "another run began to make this key less than an hour ago",
        _ => "a key of ours that was never finished; it was never enabled, and nobody holds its secret",
    };
    Some(Finding::new(FindingKind::Unfinished, Severity::Note, text).about(&stray.live.id).by(stray.live))
}

/// Managed keys that the service does not have. A generation that a later one has taken the place of is not
/// missed, nor is one that `actions` say something about already.
pub(super) fn missing(index: &Index<'_>, actions: &[Action]) -> Vec<Finding> {
    let told: HashSet<&str> =
        actions.iter().filter(|a| is_record_only_delete(a)).filter_map(|a| a.id.as_deref()).collect();
    let newest = index.key_addresses().into_iter().filter_map(|address| {
        let generations = index.generations(address);
        let current = *generations.get(current_of(&generations)?)?;
        matches!(current.1, Phase::Missing).then_some(current.0)
    });
    let keys = newest.filter(|r| !told.contains(r.id.as_str())).map(|record| missing_key(index, record));
    let gone = index.environment_records().filter(|r| index.environment(&r.id).is_none());
    let declared = &index.input.desired.environments;
    let environments =
        gone.filter(|r| declared.get(r.address.environment()).is_some_and(|d| !d.reference)).map(|record| {
            let text =
                format!("the environment `{}` is gone: the service answers 404 for it", brief(&record.name));
            Finding::new(FindingKind::Missing, Severity::High, text).at(&record.address).about(&record.id)
        });
    keys.chain(environments).collect()
}

fn is_record_only_delete(action: &Action) -> bool {
    action.is_taken() && action.verb == Verb::Delete
}

fn missing_key(index: &Index<'_>, record: &SealedKey) -> Finding {
    let is_declared = index.input.desired.keys.contains_key(&record.address);
    let finding = if is_declared {
        let text = "a managed key is gone: the service answers 404 for it";
        Finding::new(FindingKind::Missing, Severity::High, text)
            .help("Find out who deleted it: its secret has stopped working.")
    } else if record.state == KeyState::Disabled {
        let text = "a key on its way out is gone before its quarantine was over";
        Finding::new(FindingKind::Missing, Severity::Note, text)
    } else {
        let text = "a key that is no longer declared is gone already, and not by keycomb";
        Finding::new(FindingKind::Missing, Severity::Warning, text)
    };
    finding.at(&record.address).about(&record.id)
}

/// What is at the service and neither recorded nor declared. `claimed` are the ids that actions speak of.
pub(super) fn unmanaged(index: &Index<'_>, actions: &[Action]) -> Vec<Finding> {
    let policy = index.input.desired.policy.unmanaged;
    if policy == Unmanaged::Ignore {
        return vec![];
    }
    let severity = if policy == Unmanaged::Fail { Severity::High } else { Severity::Note };
    let claimed: HashSet<&str> = actions.iter().filter_map(|action| action.id.as_deref()).collect();
    let referenced: HashSet<&str> =
        index.input.desired.environments.values().filter(|d| d.reference).map(|d| d.name.as_str()).collect();
    let input = index.input.live;
    let environments = input.environments.iter().filter(|e| {
        let known = index.environment_owner(&e.id).is_some() || referenced.contains(e.name.as_str());
        !known && !is_classic(e) && !claimed.contains(e.id.as_str())
    });
    let keys = input.keys.iter().filter(|key| {
        let is_ours = index.is_ours_unfinished(&key.id) || index.is_unsealed(key);
        let known = index.owner(&key.id).is_some() || is_ours;
        !known && !claimed.contains(key.id.as_str())
    });
    let environments = environments.map(|e| {
        let text = format!("the environment `{}` is not managed", brief(&e.name));
        Finding::new(FindingKind::Unmanaged, severity, text).about(&e.id)
    });
    environments.chain(keys.map(|key| unmanaged_key(index, key, severity))).collect()
}

fn unmanaged_key(index: &Index<'_>, key: &LiveKey, severity: Severity) -> Finding {
    let environment =
        index.environment(&key.environment).map_or(key.environment.as_str(), |e| e.name.as_str());
    let text = format!(
        "the {} {} key `{}` in `{}` is not managed",
        if key.disabled { "disabled" } else { "enabled" },
        key.key_type,
        brief(&key.name),
        brief(environment),
    );
    let finding = Finding::new(FindingKind::Unmanaged, severity, text).about(&key.id).by(key);
    match Provisional::parse(&key.name) {
        Some(_) => {
            finding.help("Its name says that keycomb is making it, with another sealed file than this one.")
        }
        None => finding,
    }
}
