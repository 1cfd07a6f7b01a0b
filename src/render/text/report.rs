//! The end of an apply: what became of each action.

use super::action::{put_help, put_sentence, verb_text};
use super::page::{Page, columns};
use super::summary::{counted, put_list, put_more};
use crate::plan::{Action, Plan, SecretEffect};
use crate::render::style::{Style, Tone};
use crate::report::{Became, Outcome, Report};

/// A report as a person reads it, ending in a line break.
///
/// What went well comes first and what did not last, nearest to where the eye is: done, blocked, not started, in
/// doubt, failed; within each in the plan's order. The plan, where it is given, says what was blocked and how
/// many secrets were issued. The last line has the counts.
pub fn report(report: &Report, plan: Option<&Plan>, style: &Style) -> String {
    // What was skipped is said while it is read.
    let Report { outcomes, interrupted, unfolded, serial, ended, select, users: _, skipped: _ } = report;
    let mut page = Page::new(style);
    let mut parts = vec![
        (Tone::Strong, "keycomb apply".to_owned()),
        (Tone::Dim, format!("ended {ended:.0}")),
        (Tone::Dim, format!("sealed file at serial {serial}")),
    ];
    if !select.is_all() {
        parts.insert(1, (Tone::Change, format!("partial: {}", page.style.shown(&select.options()))));
    }
    page.parts(2, &parts);
    page.blank();
    let actions = plan.map(|plan| plan.actions.as_slice()).unwrap_or_default();
    let mut rows: Vec<Row<'_>> =
        outcomes.iter().enumerate().map(|(n, outcome)| Row::of(outcome, actions.get(n))).collect();
    rows.sort_by_key(|row| rank(&row.outcome.became));
    let grid = Grid::of(&rows, style, page.width());
    for row in &rows {
        put(&mut page, &grid, row);
    }
    if !rows.is_empty() {
        page.end();
    }
    if *interrupted {
        let text = "Interrupted: what was in flight was finished, nothing else was begun.";
        put_sentence(&mut page, 0, Tone::Change, text);
    }
    if let Some(why) = unfolded {
        put_sentence(&mut page, 0, Tone::Bad, &format!("The sealed file could not be replaced: {why}"));
        put_help(&mut page, 2, report.unfolded_help());
    }
    if *interrupted || unfolded.is_some() {
        page.end();
    }
    put_counts(&mut page, report, &rows);
    page.finish()
}

/// An outcome, and the action it is of.
struct Row<'a> {
    outcome: &'a Outcome,
    action: Option<&'a Action>,
    verb: String,
}

impl<'a> Row<'a> {
    /// Outcomes are in the plan's order; an action that does not match is of another plan.
    fn of(outcome: &'a Outcome, action: Option<&'a Action>) -> Self {
        let matches = |action: &&Action| action.address == outcome.address && action.verb == outcome.verb;
        let action = action.filter(matches);
        let verb = action.map_or_else(|| outcome.verb.as_str().to_owned(), verb_text);
        Self { outcome, action, verb }
    }
}

struct Grid {
    verb: usize,
    became: usize,
    /// Whether all of a row fits on one line.
    is_wide: bool,
}

impl Grid {
    fn of(rows: &[Row<'_>], style: &Style, width: usize) -> Self {
        let longest = |length: &dyn Fn(&Row<'_>) -> usize| rows.iter().map(length).max().unwrap_or_default();
        let verb = 4 + longest(&|row| row.outcome.address.to_string().len()) + 2;
        let became = verb + longest(&|row| row.verb.len()) + 2;
        let parts = longest(&|row| {
            let parts = parts(style, row.outcome);
            parts.iter().map(|(_, text)| columns(text) + style.dot().chars().count()).sum()
        });
        Self { verb, became, is_wide: became + parts <= width + style.dot().chars().count() }
    }
}

fn rank(became: &Became) -> u8 {
    match became {
        Became::Done { .. } | Became::Staged { .. } => 0,
        Became::Left { .. } | Became::Blocked => 1,
        Became::NotStarted { .. } => 2,
        Became::InDoubt { .. } => 3,
        Became::Failed { .. } => 4,
    }
}

fn mark(style: &Style, became: &Became) -> (Tone, &'static str, &'static str) {
    let (tone, symbol, ascii, word) = match became {
        Became::Done { .. } => (Tone::Good, "✓", "+", "done"),
        Became::Staged { .. } => (Tone::Good, "✓", "+", "staged"),
        Became::Left { .. } => (Tone::Dim, "○", "-", "not started"),
        Became::Blocked => (Tone::Bad, "!", "!", "blocked"),
        Became::NotStarted { .. } => (Tone::Change, "○", "-", "not started"),
        Became::InDoubt { .. } => (Tone::Change, "?", "?", "in doubt"),
        Became::Failed { .. } => (Tone::Bad, "✗", "x", "failed"),
    };
    (tone, if style.unicode { symbol } else { ascii }, word)
}

/// How it ended, the generation where it is not the first, and the id.
fn parts(style: &Style, outcome: &Outcome) -> Vec<(Tone, String)> {
    let Outcome { address: _, verb: _, generation, id, became, blocked: _ } = outcome;
    let (tone, _, word) = mark(style, became);
    let mut parts = vec![(tone, word.to_owned())];
    let generation = generation.filter(|generation| *generation > 1);
    parts.extend(generation.map(|generation| (Tone::Dim, format!("generation {generation}"))));
    parts.extend(id.as_ref().map(|id| (Tone::Dim, style.shown(id))));
    parts
}

fn put(page: &mut Page<'_>, grid: &Grid, row: &Row<'_>) {
    let (tone, symbol, _) = mark(page.style, &row.outcome.became);
    page.to(2);
    page.put(tone, symbol);
    page.put(Tone::Plain, " ");
    page.flow(4, Tone::Plain, &row.outcome.address.to_string());
    let mut parts = parts(page.style, row.outcome);
    if grid.is_wide {
        page.to(grid.verb);
        page.put(Tone::Plain, &row.verb);
        page.to(grid.became);
        page.parts(grid.became, &parts);
    } else {
        page.end();
        page.to(6);
        parts.insert(0, (Tone::Plain, row.verb.clone()));
        page.parts(6, &parts);
    }
    page.end();
    put_why(page, &row.outcome.became, row.action);
}

fn put_why(page: &mut Page<'_>, became: &Became, action: Option<&Action>) {
    const INDENT: usize = 6;
    match became {
        Became::Done { note } => {
            if let Some(note) = note {
                put_sentence(page, INDENT, Tone::Dim, note);
            }
        }
        Became::Failed { why, help, cause: _ } => {
            put_sentence(page, INDENT, Tone::Plain, why);
            if let Some(help) = help {
                put_help(page, INDENT, help);
            }
        }
        Became::Staged { until, note } => {
            if let Some(note) = note {
                put_sentence(page, INDENT, Tone::Dim, note);
            }
            let text = format!("disabled until its sealed entry is home; can be released until {until:.0}");
            put_sentence(page, INDENT, Tone::Plain, &text);
        }
        Became::Left { why } | Became::NotStarted { why } => put_sentence(page, INDENT, Tone::Dim, why),
        Became::InDoubt { why, help } => {
            put_sentence(page, INDENT, Tone::Plain, why);
            put_help(page, INDENT, help);
        }
        Became::Blocked => {
            if let Some(blocked) = action.and_then(|action| action.blocked.as_ref()) {
                put_sentence(page, INDENT, Tone::Plain, &blocked.text);
                put_help(page, INDENT, &blocked.help);
            }
        }
    }
}

fn put_counts(page: &mut Page<'_>, report: &Report, rows: &[Row<'_>]) {
    let (done, failed, not_started, in_doubt) = report.counts();
    let (staged, left) = report.staged();
    let blocked = rows.iter().filter(|row| row.outcome.became == Became::Blocked).count();
    let toned = |count, tone| if count == 0 { Tone::Plain } else { tone };
    let mut counts = vec![(toned(done, Tone::Good), format!("{done} done"))];
    if staged > 0 {
        counts.push((Tone::Good, format!("{staged} staged")));
    }
    counts.extend([
        (toned(failed, Tone::Bad), format!("{failed} failed")),
        (toned(not_started, Tone::Change), format!("{not_started} not started")),
        (toned(in_doubt, Tone::Change), format!("{in_doubt} in doubt")),
    ]);
    if left > 0 {
        counts.push((Tone::Dim, format!("{left} left for later")));
    }
    if blocked > 0 {
        counts.push((Tone::Bad, format!("{blocked} blocked")));
    }
    page.put(Tone::Strong, "Apply: ");
    put_list(page, &counts);
    let issued = |row: &&Row<'_>| {
        let is_done = matches!(row.outcome.became, Became::Done { .. } | Became::Staged { .. });
        is_done && row.action.is_some_and(|a| matches!(a.secret, SecretEffect::Issued { .. }))
    };
    let sealed = rows.iter().filter(issued).count();
    if sealed > 0 {
        put_more(page, &[(Tone::Good, format!("{} sealed", counted(sealed, "secret")))]);
    }
}
