//! A plan: what needs a look first, then what is done, then what was found, then the counts.

use super::action::{self, Grid};
use super::finding;
use super::heading;
use super::page::Page;
use super::summary;
use crate::plan::{Action, Plan, Undo};
use crate::render::style::{Style, Tone};

/// A plan as a person reads it, ending in a line break.
///
/// Blocked and irreversible actions come first, the others in the order they are carried out; the last line
/// has the counts. Text from the service is shown harmless; no line is wider than `style.width` (or 40).
pub fn plan(plan: &Plan, style: &Style) -> String {
    let Plan { header, actions, findings, summary } = plan;
    let mut page = Page::new(style);
    heading::put(&mut page, "keycomb plan", header);
    let is_grave = |action: &&Action| action.blocked.is_some() || action.undo == Undo::Irreversible;
    let (mut grave, calm): (Vec<&Action>, Vec<&Action>) = actions.iter().partition(is_grave);
    if !grave.is_empty() {
        page.blank();
        heading::section(&mut page, "Look here first");
        grave.sort_by_key(|action| action.blocked.is_none());
        put_actions(&mut page, 4, &grave);
    }
    if !calm.is_empty() {
        page.blank();
        put_actions(&mut page, 2, &calm);
    }
    if !findings.is_empty() {
        page.blank();
        heading::section(&mut page, "Findings");
        finding::put_all(&mut page, 4, findings);
    }
    page.blank();
    if plan.is_empty() && plan.is_guarded() {
        let text =
            "Refused: the service has what nobody declared, and the policy says `unmanaged = \"fail\"`.";
        page.flow(2, Tone::Bad, text);
        summary::put_findings(&mut page, summary);
    } else if plan.is_empty() {
        let is_all = header.terms.select.is_all();
        let text =
            if is_all { "No changes: the service is as declared." } else { "No changes in this part." };
        page.flow(2, Tone::Good, text);
        summary::put_findings(&mut page, summary);
    } else {
        summary::put(&mut page, summary);
    }
    page.finish()
}

fn put_actions(page: &mut Page<'_>, base: usize, actions: &[&Action]) {
    let grid = Grid::of(actions, base, page.style);
    for action in actions {
        action::put(page, &grid, action);
    }
}
