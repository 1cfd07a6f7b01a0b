//! What changes the record alone: adopted, forgotten and moved. Decided first; everything else is planned for the record
//! as it is after it.

use std::collections::BTreeSet;

use super::index::Index;
use super::input::Input;
use super::value::{Action, Blocked, Change, Finding, FindingKind, Plan, Severity, Step, Verb};
use super::{accept, adopt, forget, moves};
use crate::model::{Address, Lineage, Sealed};

/// What was decided.
pub(super) struct Decided {
    /// In any order.
    pub(super) actions: Vec<Action>,
    /// The record with these actions carried out.
    pub(super) sealed: Sealed,
}

/// `None` when nothing changes the record alone.
pub(super) fn decide(input: &Input<'_>) -> Option<Decided> {
    let declared = moves::declared(input);
    if declared.is_empty() && !input.ask.is_of_record() {
        return None;
    }
    let mut so_far =
        Decided { actions: vec![], sealed: input.sealed.cloned().unwrap_or_else(|| blank(input)) };
    for (from, to, reason) in declared {
        so_far.take(|sealed| moves::relocate(input, sealed, &from, &to, reason));
    }
    for (from, to) in &input.ask.moves {
        so_far.take(|sealed| moves::relocate(input, sealed, from, to, moves::asked()));
    }
    for address in &input.ask.forget {
        so_far.take(|sealed| forget::forget(input, sealed, address));
    }
    // Environments sort before the keys in them.
    let known = so_far.sealed.clone();
    let known = Input { sealed: Some(&known), ..input.clone() };
    let index = Index::new(&known);
    for (address, wanted) in &input.ask.adopt {
        so_far.take(|sealed| adopt::adopt(&index, sealed, address, wanted));
    }
    for address in &input.ask.accept {
        so_far.take(|_| accept::accept(&index, address));
    }
    (!so_far.actions.is_empty()).then_some(so_far)
}

impl Decided {
    fn take(&mut self, decide: impl FnOnce(&Sealed) -> Action) {
        let action = decide(&self.sealed);
        if let Step::Record(records) = &action.step {
            records.iter().for_each(|record| self.sealed.take(record.clone()));
        }
        self.actions.push(action);
    }
}

/// Where there is no sealed file the first apply makes its lineage; until then no key is of it.
fn blank(input: &Input<'_>) -> Sealed {
    #[expect(clippy::expect_used, reason = "the literal is a lineage")]
    let lineage = Lineage::new("0000000000000000").expect("a literal lineage");
    Sealed::new(input.desired.team.clone(), input.desired.endpoint.clone(), lineage)
}

/// What the next plan would hold for the addresses that these actions are about. Told, and not done in this run.
///
/// Nothing is told of what was `accepted`: only what drifted is as it is then, and the rest of it waits as before.
pub(super) fn told(actions: &[Action], accepted: &BTreeSet<Address>, then: Plan) -> Vec<Finding> {
    let actions = actions.iter().filter(|action| !is_of_secret(action)).map(|action| &action.address);
    let about: BTreeSet<&Address> = actions.filter(|address| !accepted.contains(address)).collect();
    let is_about = |address: &Address| {
        about.contains(address) || about.contains(&Address::Environment(address.environment().clone()))
    };
    then.actions.into_iter().filter(|action| is_about(&action.address)).map(next).collect()
}

/// A secret that comes into an entry changes nothing that a plan goes by.
fn is_of_secret(action: &Action) -> bool {
    action.verb == Verb::Adopt && action.changes.iter().any(|change| change.field == "secret")
}

fn next(action: Action) -> Finding {
    let Action { address, verb, id, changes, blocked, .. } = action;
    let (severity, text, help) = match blocked {
        Some(Blocked { verb, text, help, .. }) => {
            let text = format!("the next plan would want to {}, and be held: {text}", verb.as_str());
            (Severity::Warning, text, Some(help))
        }
        None => {
            let fields: BTreeSet<&str> = changes.iter().map(|change: &Change| change.field).collect();
            let fields: Vec<&str> = fields.into_iter().collect();
            let of = if fields.is_empty() { String::new() } else { format!(" ({})", fields.join(", ")) };
            (Severity::Note, format!("after this, the next plan would {} it{of}", verb.as_str()), None)
        }
    };
    let finding = Finding::new(FindingKind::Advice, severity, text).at(&address);
    Finding { id, help, changes, ..finding }
}
