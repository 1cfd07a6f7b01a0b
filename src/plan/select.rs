//! Which part of a plan a person wants: chosen by address.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::ask::Ask;
use super::draft::Refusal;
use super::value::Action;
use crate::model::{Address, Desired, Label, Pattern, Sealed};

/// What of the files a plan is about. Nothing chosen: all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Select {
    /// At least one of these; empty: any.
    pub only: BTreeSet<Pattern>,
    /// None of these.
    pub skip: BTreeSet<Pattern>,
    /// These environments and the keys in them; empty: any.
    pub environments: BTreeSet<Label>,
}

impl Select {
    /// Whether all is chosen.
    pub fn is_all(&self) -> bool {
        let Self { only, skip, environments } = self;
        only.is_empty() && skip.is_empty() && environments.is_empty()
    }

    /// Whether an address is chosen.
    pub fn takes(&self, address: &Address) -> bool {
        let Self { only, skip, environments } = self;
        let is_in = |patterns: &BTreeSet<Pattern>| patterns.iter().any(|pattern| pattern.matches(address));
        (only.is_empty() || is_in(only))
            && !is_in(skip)
            && (environments.is_empty() || environments.contains(address.environment()))
    }

    /// What was chosen, as options of the command line; empty for all.
    pub fn options(&self) -> String {
        let Self { only, skip, environments } = self;
        let only = only.iter().map(|pattern| format!("--only {pattern}"));
        let skip = skip.iter().map(|pattern| format!("--skip {pattern}"));
        let environments = environments.iter().map(|label| format!("--env {label}"));
        only.chain(skip).chain(environments).collect::<Vec<_>>().join(" ")
    }

    /// The globs and labels that mean nothing that is declared or recorded, as they were given.
    pub fn unmatched(&self, addresses: &BTreeSet<Address>) -> Vec<String> {
        let is_idle = |pattern: &&Pattern| !addresses.iter().any(|address| pattern.matches(address));
        let is_empty = |label: &&Label| !addresses.iter().any(|address| address.environment() == *label);
        let patterns = self.only.iter().chain(&self.skip).filter(is_idle).map(ToString::to_string);
        patterns.chain(self.environments.iter().filter(is_empty).map(ToString::to_string)).collect()
    }
}

/// Every address that is declared or recorded.
pub fn addresses(desired: &Desired, sealed: Option<&Sealed>) -> BTreeSet<Address> {
    let declared = desired.environments.values().map(|environment| environment.address());
    let recorded = sealed.into_iter().flat_map(|sealed| {
        let environments = sealed.environments.iter().map(|environment| &environment.address);
        environments.chain(sealed.keys.iter().map(|key| &key.address)).cloned()
    });
    declared.chain(desired.keys.keys().cloned()).chain(recorded).collect()
}

/// Leaves out what this run is not about, and holds what would need it.
pub(super) fn narrow(ask: &Ask, actions: Vec<Action>) -> Vec<Action> {
    let is_taken = |action: &Action| ask.is_about(&action.address) && ask.select.takes(&action.address);
    let (kept, left): (Vec<Action>, Vec<Action>) = actions.into_iter().partition(is_taken);
    let left: BTreeSet<Address> = left.into_iter().filter(Action::is_taken).map(|a| a.address).collect();
    let hold = |action: Action| match action.after.iter().find(|address| left.contains(*address)) {
        Some(address) => {
            let refusal = unselected(address);
            action.block(refusal)
        }
        None => action,
    };
    kept.into_iter().map(hold).collect()
}

fn unselected(address: &Address) -> Refusal {
    let text = format!("it waits for `{address}`, which this partial plan leaves out");
    Refusal::new("unselected", text, format!("Choose `{address}` too, or apply that first."))
}
