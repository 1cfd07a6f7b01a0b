//! What to look at first: what stops working, what cannot be undone, who may do more, who gets a secret, what drifted.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::action::{names, verb};
use super::escape;
use super::ladder::Rung;
use crate::model::RecipientRef;
use crate::plan::{Action, Change, Finding, FindingKind, Plan, SecretEffect, Severity, Undo};
use crate::render::matter::widens;
use crate::report::{Became, Outcome};

/// Puts it for a plan; nothing where there is nothing.
pub(super) fn put_plan(text: &mut String, plan: &Plan, rung: Rung) {
    let mut page = Page { text: String::new(), rung };
    let taken = |is: &dyn Fn(&Action) -> bool| -> Vec<&Action> {
        plan.actions.iter().filter(|action| action.blocked.is_none() && is(action)).collect()
    };
    let blocked: Vec<&Action> = plan.actions.iter().filter(|action| action.blocked.is_some()).collect();
    page.group("Blocked", &blocked, |action| {
        action.blocked.as_ref().map(|blocked| escape::sentence(&blocked.text)).unwrap_or_default()
    });
    let because = |action: &Action| escape::sentence(&action.reason.text);
    page.group("Cannot be undone", &taken(&|action| action.undo == Undo::Irreversible), because);
    page.group("Stops working", &taken(&|action| action.secret == SecretEffect::StopsWorking), because);
    page.group("May do more than before", &taken(&|action| widens(&action.changes)), |action| {
        gained(&action.changes)
    });
    page.issued(&taken(&|action| matches!(action.secret, SecretEffect::Issued { .. })));
    page.findings(&plan.findings);
    page.end(text);
}

/// Puts it for a drift.
pub(super) fn put_drift(text: &mut String, findings: &[Finding], rung: Rung) {
    let mut page = Page { text: String::new(), rung };
    page.findings(findings);
    page.end(text);
}

/// Puts it for what became of a plan.
pub(super) fn put_outcomes(text: &mut String, outcomes: &[Outcome], rung: Rung) {
    let mut page = Page { text: String::new(), rung };
    let of = |is: &dyn Fn(&Became) -> bool| -> Vec<&Outcome> {
        outcomes.iter().filter(|outcome| is(&outcome.became)).collect()
    };
    for (title, outcomes) in [
        ("Failed", of(&|became| matches!(became, Became::Failed { .. }))),
        ("In doubt", of(&|became| matches!(became, Became::InDoubt { .. }))),
        ("Not started", of(&|became| matches!(became, Became::NotStarted { .. }))),
        ("Blocked", of(&|became| matches!(became, Became::Blocked))),
    ] {
        page.outcomes(title, &outcomes);
    }
    page.end(text);
}

/// Which permissions are gained.
fn gained(changes: &[Change]) -> String {
    const SHOWN: usize = 15;
    let lines = |side: &Option<String>| -> Vec<String> {
        side.iter().flat_map(|side| side.lines()).map(str::to_owned).collect()
    };
    let gained: Vec<String> = changes
        .iter()
        .filter(|change| change.field == "permissions")
        .flat_map(|change| {
            let before = lines(&change.before);
            lines(&change.after).into_iter().filter(move |item| !before.contains(item))
        })
        .collect();
    let mut shown: Vec<String> = gained.iter().take(SHOWN).map(|item| escape::code(item)).collect();
    if let Some(more) = gained.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        shown.push(format!("{more} more"));
    }
    format!("gains {}", shown.join(", "))
}

struct Page {
    text: String,
    rung: Rung,
}

impl Page {
    /// A title with its number, and below it the first few.
    fn group(&mut self, title: &str, actions: &[&Action], told: impl Fn(&Action) -> String) {
        let lines = actions.iter().take(self.rung.named()).map(|action| {
            let head = format!("{} {}", verb(action), escape::address(&action.address));
            (head, told(action))
        });
        let lines: Vec<(String, String)> = lines.collect();
        self.lines(title, actions.len(), &lines);
    }

    /// Secrets, by who gets them.
    fn issued(&mut self, actions: &[&Action]) {
        let mut groups: BTreeMap<&[RecipientRef], Vec<&Action>> = BTreeMap::new();
        for action in actions {
            if let SecretEffect::Issued { recipients } = &action.secret {
                groups.entry(recipients).or_default().push(action);
            }
        }
        if groups.is_empty() {
            return;
        }
        let _ = writeln!(self.text, "- **Secrets issued** ({})", actions.len());
        let named = self.rung.named();
        for (recipients, actions) in groups.iter().take(named) {
            let mut addresses: Vec<String> =
                actions.iter().take(named).map(|action| escape::address(&action.address)).collect();
            addresses.extend(and_more(actions.len(), named));
            let _ = writeln!(self.text, "  - to {}: {}", names(recipients), addresses.join(", "));
        }
        if groups.len() > named && named > 0 {
            let _ = writeln!(self.text, "  - and to {} other groups", groups.len() - named);
        }
    }

    fn findings(&mut self, findings: &[Finding]) {
        let is_drift = |finding: &&Finding| {
            matches!(finding.kind, FindingKind::Drift | FindingKind::Missing)
                && finding.severity > Severity::Note
        };
        let drift: Vec<&Finding> = findings.iter().filter(is_drift).collect();
        let grave: Vec<&Finding> = findings
            .iter()
            .filter(|finding| finding.severity == Severity::High && !is_drift(finding))
            .collect();
        for (title, findings) in [("Drift", drift), ("Findings that are grave", grave)] {
            let lines = findings.iter().take(self.rung.named()).map(|finding| {
                let what = match (&finding.address, &finding.id) {
                    (Some(address), _) => escape::address(address),
                    (None, Some(id)) => escape::code(id),
                    (None, None) => String::new(),
                };
                let head = format!("{} {what}", finding.kind.as_str().replace('_', " "));
                (head.trim_end().to_owned(), escape::sentence(&finding.text))
            });
            let lines: Vec<(String, String)> = lines.collect();
            self.lines(title, findings.len(), &lines);
        }
    }

    fn outcomes(&mut self, title: &str, outcomes: &[&Outcome]) {
        let lines = outcomes.iter().take(self.rung.named()).map(|outcome| {
            let told = match &outcome.became {
                Became::Failed { why, help: Some(help), .. } | Became::InDoubt { why, help } => {
                    format!("{}. {}", escape::sentence(why), escape::sentence(help))
                }
                Became::Failed { why, .. } | Became::NotStarted { why } => escape::sentence(why),
                _ => outcome
                    .blocked
                    .as_ref()
                    .map(|blocked| escape::sentence(&blocked.text))
                    .unwrap_or_default(),
            };
            let verb = outcome.blocked.as_ref().map_or(outcome.verb, |blocked| blocked.verb);
            (format!("{} {}", verb.as_str(), escape::address(&outcome.address)), told)
        });
        let lines: Vec<(String, String)> = lines.collect();
        self.lines(title, outcomes.len(), &lines);
    }

    fn lines(&mut self, title: &str, count: usize, lines: &[(String, String)]) {
        if count == 0 {
            return;
        }
        let _ = writeln!(self.text, "- **{title}** ({count})");
        for (head, told) in lines {
            let has_told = self.rung <= Rung::Changes && !told.is_empty();
            let told = if has_told { format!(": {told}") } else { String::new() };
            let _ = writeln!(self.text, "  - {head}{told}");
        }
        if let Some(more) = and_more(count, lines.len()).filter(|_| !lines.is_empty()) {
            let _ = writeln!(self.text, "  - {more}");
        }
    }

    fn end(self, text: &mut String) {
        if !self.text.is_empty() {
            text.push_str("\n### Look here first\n\n");
            text.push_str(&self.text);
        }
    }
}

fn and_more(count: usize, shown: usize) -> Option<String> {
    count.checked_sub(shown).filter(|more| *more > 0).map(|more| format!("and {more} more"))
}
