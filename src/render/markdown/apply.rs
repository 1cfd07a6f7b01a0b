//! What became of a plan as Markdown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::ladder::Rung;
use super::plan::put_terms;
use super::{escape, finding, look};
use crate::model::{Label, counted};
use crate::plan::Plan;
use crate::report::{Became, Outcome, Report};

/// The text, ending in a line break.
pub(super) fn body(plan: &Plan, report: &Report, intent: &str, rung: Rung) -> String {
    let Report { outcomes, interrupted, unfolded, serial, ended, select, users: _, skipped: _ } = report;
    let mut text = format!("## keycomb apply: team {}\n\n", escape::code(plan.header.team.as_str()));
    put_terms(&mut text, select, &plan.header.terms.allow);
    put_counts(&mut text, report);
    if *interrupted {
        text.push_str("\n**Interrupted:** what was in flight was finished, nothing else was begun.\n");
    }
    if let Some(why) = unfolded {
        let told = escape::sentence(why);
        let _ = writeln!(
            text,
            "\n**The sealed file could not be replaced:** {told}; {}.",
            report.unfolded_help()
        );
    }
    look::put_outcomes(&mut text, outcomes, rung);
    put_outcomes(&mut text, outcomes, rung);
    finding::put_all(&mut text, &plan.findings, rung);
    let _ = writeln!(
        text,
        "\nEnded {} by the service's clock; the sealed file is at serial {serial}. Intent: `{}`",
        escape::time(*ended),
        intent
    );
    text + &rung.left_out("keycomb status")
}

fn put_counts(text: &mut String, report: &Report) {
    if report.outcomes.is_empty() {
        text.push_str("**Nothing to do:** the service is as declared.\n");
        return;
    }
    let mut counts: BTreeMap<u8, (&str, usize)> = BTreeMap::new();
    for outcome in &report.outcomes {
        let (rank, word) = word(&outcome.became);
        counts.entry(rank).or_insert((word, 0)).1 += 1;
    }
    let _ = writeln!(text, "**{}**\n", counted(report.outcomes.len(), "action"));
    text.push_str("| outcome | actions |\n|---|--:|\n");
    for (word, count) in counts.into_values() {
        let _ = writeln!(text, "| {word} | {count} |");
    }
}

/// The gravest first.
fn word(became: &Became) -> (u8, &'static str) {
    match became {
        Became::Failed { .. } => (0, "failed"),
        Became::InDoubt { .. } => (1, "in doubt"),
        Became::NotStarted { .. } => (2, "not started"),
        Became::Blocked => (3, "blocked"),
        Became::Left { .. } => (4, "left"),
        Became::Staged { .. } => (5, "staged"),
        Became::Done { .. } => (6, "done"),
    }
}

fn put_outcomes(text: &mut String, outcomes: &[Outcome], rung: Rung) {
    if outcomes.is_empty() || rung == Rung::Counts {
        return;
    }
    let mut environments: BTreeMap<&Label, Vec<&Outcome>> = BTreeMap::new();
    for outcome in outcomes {
        environments.entry(outcome.address.environment()).or_default().push(outcome);
    }
    text.push_str("\n### Actions\n\n");
    if !rung.has_lines() {
        text.push_str("| environment | actions | done | staged |\n|---|--:|--:|--:|\n");
    }
    for (label, outcomes) in environments {
        let count = |is: fn(&Became) -> bool| outcomes.iter().filter(|o| is(&o.became)).count();
        let done = count(|became| matches!(became, Became::Done { .. }));
        let staged = count(|became| matches!(became, Became::Staged { .. }));
        if !rung.has_lines() {
            let all = outcomes.len();
            let _ = writeln!(text, "| {} | {all} | {done} | {staged} |", escape::code(label.as_str()));
            continue;
        }
        // A label is of letters, digits, `_` and `-` alone.
        let _ = writeln!(
            text,
            "<details><summary><code>{label}</code>: {}, {done} done</summary>\n",
            counted(outcomes.len(), "action")
        );
        for outcome in outcomes {
            put(text, outcome, rung);
        }
        text.push_str("\n</details>\n\n");
    }
}

fn put(text: &mut String, outcome: &Outcome, rung: Rung) {
    let Outcome { address, verb, generation, id, became, blocked } = outcome;
    let verb = blocked.as_ref().map_or(*verb, |blocked| blocked.verb);
    let (_, word) = word(became);
    let _ = write!(text, "- {word}: **{}** {}", verb.as_str(), escape::address(address));
    if rung == Rung::Lines {
        text.push('\n');
        return;
    }
    if let Some(generation) = generation.filter(|generation| *generation > 1) {
        let _ = write!(text, ", generation {generation}");
    }
    if let Some(id) = id {
        let _ = write!(text, ", {}", escape::code(id));
    }
    text.push('\n');
    let (told, help) = match became {
        Became::Done { note } => (note.as_deref(), None),
        Became::Staged { until, note } => {
            let _ = writeln!(text, "  - can be released until {}", escape::time(*until));
            (note.as_deref(), None)
        }
        Became::Left { why } | Became::NotStarted { why } => (Some(why.as_str()), None),
        Became::InDoubt { why, help } => (Some(why.as_str()), Some(help.as_str())),
        Became::Failed { why, help, .. } => (Some(why.as_str()), help.as_deref()),
        Became::Blocked => match blocked {
            Some(blocked) => (Some(blocked.text.as_str()), Some(blocked.help.as_str())),
            None => (None, None),
        },
    };
    if let Some(told) = told {
        let _ = writeln!(text, "  - {}", escape::sentence(told));
    }
    if let Some(help) = help.filter(|_| rung == Rung::Everything) {
        let _ = writeln!(text, "  - help: {}", escape::sentence(help));
    }
}
