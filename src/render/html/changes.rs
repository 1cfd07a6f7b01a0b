//! What would be done, or what became of it: in groups, the gravest first.

use maud::{Markup, html};

use super::change;
use crate::plan::{Action, Plan, SecretEffect, Step, Undo, Verb};
use crate::report::{Became, Outcome, Report};

/// A group of more is folded.
const OPEN: usize = 60;
/// The same for one that nobody may overlook.
const OPEN_GRAVE: usize = 300;

/// What actions have in common, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    Wrong,
    Blocked,
    Irreversible,
    Stopping,
    Issued,
    Changed,
    Recorded,
}

impl Group {
    const ALL: [Self; 7] = [
        Self::Wrong,
        Self::Blocked,
        Self::Irreversible,
        Self::Stopping,
        Self::Issued,
        Self::Changed,
        Self::Recorded,
    ];

    fn of(action: &Action, outcome: Option<&Outcome>) -> Self {
        let is_wrong = |outcome: &Outcome| {
            use Became::{Failed, InDoubt, NotStarted};
            matches!(outcome.became, Failed { .. } | InDoubt { .. } | NotStarted { .. })
        };
        if outcome.is_some_and(is_wrong) {
            return Self::Wrong;
        }
        match (&action.secret, action.undo, &action.step) {
            _ if action.blocked.is_some() => Self::Blocked,
            (_, Undo::Irreversible, _) => Self::Irreversible,
            (SecretEffect::StopsWorking | SecretEffect::Destroyed, ..) => Self::Stopping,
            (SecretEffect::Issued { .. }, ..) => Self::Issued,
            (_, _, Step::Record(_)) => Self::Recorded,
            _ => Self::Changed,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Wrong => "Did not come to its end",
            Self::Blocked => "Blocked",
            Self::Irreversible => "Cannot be undone",
            Self::Stopping => "Stops working",
            Self::Issued => "New secrets",
            Self::Changed => "Made or changed",
            Self::Recorded => "The record alone",
        }
    }

    fn is_grave(self) -> bool {
        matches!(self, Self::Wrong | Self::Blocked | Self::Irreversible | Self::Stopping)
    }
}

/// All actions of a plan; with a report also how each ended.
pub(super) fn changes(plan: &Plan, report: Option<&Report>) -> Markup {
    if plan.actions.is_empty() {
        return html! { p.empty { "Nothing is to be done." } };
    }
    // Outcomes are in the plan's order; one that does not match is of another plan.
    let outcomes = report.map(|report| report.outcomes.as_slice()).unwrap_or_default();
    let matching = |action: &Action, outcome: &&Outcome| {
        action.address == outcome.address && action.verb == outcome.verb
    };
    let items: Vec<(&Action, Option<&Outcome>)> = plan
        .actions
        .iter()
        .enumerate()
        .map(|(n, action)| (action, outcomes.get(n).filter(|outcome| matching(action, outcome))))
        .collect();
    html! {
        @for group in Group::ALL {
            @let of_group: Vec<_> =
                items.iter().copied().filter(|(a, o)| Group::of(a, *o) == group).collect();
            @if !of_group.is_empty() { (put_group(group, &of_group)) }
        }
    }
}

fn put_group(group: Group, items: &[(&Action, Option<&Outcome>)]) -> Markup {
    let most = if group.is_grave() { OPEN_GRAVE } else { OPEN };
    html! {
        details.group open[items.len() <= most] {
            summary {
                h3 { (group.title()) " " span.n { (items.len()) } }
                @if let Some(told) = verbs(items) { span.told { (told) } }
            }
            ol.acts { @for (action, outcome) in items { (change::item(action, *outcome)) } }
        }
    }
}

/// How many of each, where there is more than one kind.
fn verbs(items: &[(&Action, Option<&Outcome>)]) -> Option<String> {
    let mut counts: Vec<(Verb, usize)> = vec![];
    for (action, _) in items {
        match counts.iter_mut().find(|(verb, _)| *verb == action.verb) {
            Some((_, count)) => *count += 1,
            None => counts.push((action.verb, 1)),
        }
    }
    let told: Vec<String> = counts.iter().map(|(verb, n)| format!("{n} to {}", verb.as_str())).collect();
    (counts.len() > 1).then(|| told.join(", "))
}
