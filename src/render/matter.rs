//! What a run has to say to other programs, one matter for each action, outcome and finding, graded: annotations, SARIF and
//! JUnit show the same matters.

use std::cmp::Reverse;

use super::emit::Subject;
use crate::model::{Address, Origin};
use crate::plan::{Action, Blocked, Change, Finding, Plan, SecretEffect, Severity, Undo};
use crate::report::{Became, Outcome, Report};

/// How grave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Level {
    /// Worth knowing.
    Note,
    /// Look at it.
    Warning,
    /// Something is wrong, or refused.
    Error,
}

impl Level {
    /// All, the gravest first.
    pub(super) const ALL: &[Self] = &[Self::Error, Self::Warning, Self::Note];

    fn of(severity: Severity) -> Self {
        match severity {
            Severity::Note => Self::Note,
            Severity::Warning => Self::Warning,
            Severity::High => Self::Error,
        }
    }
}

/// One thing to say. Texts may be hostile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Matter<'a> {
    /// How grave.
    pub(super) level: Level,
    /// What kind, stable: `blocked/exists`, `irreversible`, `drift`, `failed/service` …
    pub(super) rule: String,
    /// Whom it concerns.
    pub(super) address: Option<&'a Address>,
    /// The service's id.
    pub(super) id: Option<&'a str>,
    /// What is done, by the verb; `None` for a finding.
    pub(super) verb: Option<&'static str>,
    /// One sentence.
    pub(super) text: String,
    /// How to go on.
    pub(super) help: Option<&'a str>,
    /// The place in the files that causes it.
    pub(super) origin: Option<&'a Origin>,
    /// Whether it needs a look: what is only changed, or done, as it should be does not.
    pub(super) needs_look: bool,
}

/// All matters of a run: the gravest first, then what was done or is to be, in its order, then what was found.
pub(super) fn matters<'a>(subject: &Subject<'a>) -> Vec<Matter<'a>> {
    let actions = subject.plan().map(|plan| plan.actions.as_slice()).unwrap_or_default();
    let mut matters: Vec<Matter<'a>> = match subject {
        Subject::Plan(_) => actions.iter().map(of_action).collect(),
        Subject::Apply(plan, report) => of_report(plan, report),
        Subject::Drift(_) => Vec::new(),
    };
    matters.extend(subject.findings().iter().map(of_finding));
    matters.sort_by_key(|matter| (Reverse(matter.level), weight(matter)));
    matters
}

/// Of two matters of one level the lighter number is the worse.
fn weight(matter: &Matter<'_>) -> u8 {
    match matter.rule.as_str() {
        "unsealed" | "unfolded" => 0,
        "in_doubt" => 1,
        rule if rule.starts_with("failed") => 2,
        rule if rule.starts_with("blocked") => 3,
        "irreversible" => 4,
        "stops_working" => 5,
        "wider_permissions" => 6,
        _ if matter.needs_look => 7,
        "secret_issued" => 8,
        _ => 9,
    }
}

/// Whether a key may do more after a change than before.
pub(super) fn widens(changes: &[Change]) -> bool {
    changes.iter().any(|change| {
        let Some(before) = change.before.as_deref().filter(|_| change.field == "permissions") else {
            return false;
        };
        let before: Vec<&str> = before.lines().collect();
        change.after.iter().flat_map(|after| after.lines()).any(|item| !before.contains(&item))
    })
}

/// An action that is to be taken, or must not be.
fn of_action(action: &Action) -> Matter<'_> {
    let Action { address, verb, id, changes, reason, secret, undo, blocked, .. } = action;
    if let Some(blocked) = blocked {
        return of_blocked(address, id.as_deref(), blocked, reason.origin.as_ref());
    }
    let (level, rule) = match secret {
        _ if *undo == Undo::Irreversible => (Level::Warning, "irreversible"),
        SecretEffect::StopsWorking => (Level::Warning, "stops_working"),
        _ if widens(changes) => (Level::Warning, "wider_permissions"),
        SecretEffect::Issued { .. } => (Level::Note, "secret_issued"),
        SecretEffect::None | SecretEffect::StartsWorking | SecretEffect::Destroyed => (Level::Note, "change"),
    };
    let about = match rule {
        "irreversible" => " (cannot be undone)",
        "stops_working" => " (its secret stops working)",
        "wider_permissions" => " (may do more than before)",
        "secret_issued" => " (a secret is issued)",
        _ => "",
    };
    Matter {
        level,
        rule: rule.to_owned(),
        address: Some(address),
        id: id.as_deref(),
        verb: Some(verb.as_str()),
        text: format!("{} `{address}`{about}: {}", verb.as_str(), reason.text),
        help: None,
        origin: reason.origin.as_ref(),
        needs_look: level > Level::Note,
    }
}

fn of_blocked<'a>(
    address: &'a Address,
    id: Option<&'a str>,
    blocked: &'a Blocked,
    origin: Option<&'a Origin>,
) -> Matter<'a> {
    let Blocked { verb, code, text, help, guard } = blocked;
    Matter {
        level: if *guard { Level::Error } else { Level::Warning },
        rule: format!("blocked/{code}"),
        address: Some(address),
        id,
        verb: Some(verb.as_str()),
        text: format!("{} `{address}` is blocked: {text}", verb.as_str()),
        help: Some(help),
        origin,
        needs_look: true,
    }
}

fn of_report<'a>(plan: &'a Plan, report: &'a Report) -> Vec<Matter<'a>> {
    let Report { outcomes, interrupted, unfolded, serial: _, ended: _, select: _, users: _, skipped: _ } =
        report;
    let of_run = |level, rule: &str, text: String| Matter {
        level,
        rule: rule.to_owned(),
        address: None,
        id: None,
        verb: None,
        text,
        help: None,
        origin: None,
        needs_look: true,
    };
    let mut matters: Vec<Matter<'a>> = Vec::new();
    if let Some(why) = unfolded {
        let text = format!("the sealed file could not be replaced: {why}; {}", report.unfolded_help());
        matters.push(of_run(Level::Error, "unfolded", text));
    }
    if *interrupted {
        let text = "interrupted: what was in flight was finished, nothing else was begun";
        matters.push(of_run(Level::Warning, "interrupted", text.to_owned()));
    }
    // Outcomes are in the plan's order.
    matters.extend(
        outcomes.iter().enumerate().map(|(place, outcome)| of_outcome(outcome, plan.actions.get(place))),
    );
    matters
}

fn of_outcome<'a>(outcome: &'a Outcome, action: Option<&'a Action>) -> Matter<'a> {
    let Outcome { address, verb, generation: _, id, became, blocked } = outcome;
    let action = action.filter(|action| action.address == *address);
    let origin = action.and_then(|action| action.reason.origin.as_ref());
    if let (Became::Blocked, Some(blocked)) = (became, blocked) {
        return of_blocked(address, id.as_deref(), blocked, origin);
    }
    let (level, rule, told, help) = match became {
        Became::Done { note } => (Level::Note, "done".to_owned(), note.as_deref(), None),
        Became::Staged { note, .. } => (Level::Note, "staged".to_owned(), note.as_deref(), None),
        Became::Left { why } => (Level::Note, "left".to_owned(), Some(why.as_str()), None),
        Became::Blocked => (Level::Warning, "blocked".to_owned(), None, None),
        Became::NotStarted { why } => (Level::Warning, "not_started".to_owned(), Some(why.as_str()), None),
        Became::InDoubt { why, help } => {
            (Level::Error, "in_doubt".to_owned(), Some(why.as_str()), Some(help.as_str()))
        }
        Became::Failed { why, help, cause } => {
            (Level::Error, format!("failed/{}", cause.as_str()), Some(why.as_str()), help.as_deref())
        }
    };
    let word = rule.split('/').next().unwrap_or_default().replace('_', " ");
    let told = told.map(|told| format!(": {told}")).unwrap_or_default();
    Matter {
        level,
        rule,
        address: Some(address),
        id: id.as_deref(),
        verb: Some(verb.as_str()),
        text: format!("{} `{address}`: {word}{told}", verb.as_str()),
        help,
        origin,
        needs_look: level > Level::Note,
    }
}

fn of_finding(finding: &Finding) -> Matter<'_> {
    Matter {
        level: Level::of(finding.severity),
        rule: finding.kind.as_str().to_owned(),
        address: finding.address.as_ref(),
        id: finding.id.as_deref(),
        verb: None,
        text: finding.text.clone(),
        help: finding.help.as_deref(),
        origin: finding.origin.as_ref(),
        needs_look: true,
    }
}

/// Where a matter is shown: the line that causes it, or the start of the main file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    /// From the repository's root, with `/` between folders.
    pub(super) file: String,
    /// From 1.
    pub(super) line: usize,
    /// In characters, from 1.
    pub(super) column: usize,
}

impl Spot {
    /// `config` is the main file, from the repository's root; files are relative to its folder.
    pub(super) fn of(config: &str, origin: Option<&Origin>) -> Self {
        let main = if config.is_empty() { "keycomb.toml" } else { config };
        match (origin, main.rsplit_once('/')) {
            (None, _) => Self { file: main.to_owned(), line: 1, column: 1 },
            (Some(Origin { file, line, column }), None) => {
                Self { file: file.clone(), line: *line, column: *column }
            }
            (Some(Origin { file, line, column }), Some((folder, _))) => {
                Self { file: format!("{folder}/{file}"), line: *line, column: *column }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_from_the_repository() {
        let origin = Origin { file: "keys/a.toml".into(), line: 3, column: 5 };
        let shown = |config, origin| {
            let Spot { file, line, column } = Spot::of(config, origin);
            format!("{file}:{line}:{column}")
        };
        assert_eq!(shown("", Some(&origin)), "keys/a.toml:3:5");
        assert_eq!(shown("keycomb.toml", Some(&origin)), "keys/a.toml:3:5");
        assert_eq!(shown("infra/honeycomb/keycomb.toml", Some(&origin)), "infra/honeycomb/keys/a.toml:3:5");
        assert_eq!(shown("infra/team.toml", None), "infra/team.toml:1:1");
        assert_eq!(shown("", None), "keycomb.toml:1:1");
    }
}
