//! Markdown for pull requests, issues and job summaries.
//!
//! Whatever is not our own words goes out through [`escape`], which lets nothing become a mention, a link, an image, HTML or
//! another cell. Too long for its place, a text is made shorter as a whole ([`ladder`]), never cut in the middle.

mod action;
mod apply;
mod change;
mod drift;
mod escape;
mod finding;
mod ladder;
mod look;
mod plan;

use super::emit::Subject;
use ladder::fit;

/// Bytes of a comment, or of an issue: GitHub takes 65,536 characters.
const COMMENT: usize = 60_000;
/// Bytes of anything else: GitHub takes 1 MiB for a step's summary, GitLab 1,000,000 characters for a note.
const PAGE: usize = 950_000;

/// For wherever Markdown is read. That of a drift is an issue's body, and as short as a comment.
pub(super) fn anywhere(subject: &Subject<'_>) -> String {
    let budget = if matches!(subject, Subject::Drift(_)) { COMMENT } else { PAGE };
    fitting(subject, budget)
}

/// For one comment that is written anew each time, with a mark to find it by.
pub(super) fn comment(subject: &Subject<'_>) -> String {
    let mark = format!("<!-- keycomb:{} -->\n", subject.team());
    let body = fitting(subject, COMMENT - mark.len());
    mark + &body
}

/// For a job's summary.
pub(super) fn summary(subject: &Subject<'_>) -> String {
    fitting(subject, PAGE)
}

/// The longest form that fits.
fn fitting(subject: &Subject<'_>, budget: usize) -> String {
    let items = subject.plan().map_or(0, |plan| plan.actions.len()) + subject.findings().len();
    // Read off the whole plan: once, not for every rung.
    let intent = subject.plan().map(|plan| plan.intent().to_string()).unwrap_or_default();
    fit(budget, items, |rung| match subject {
        Subject::Plan(plan) => plan::body(plan, &intent, rung),
        Subject::Drift(drift) => drift::body(drift, rung),
        Subject::Apply(plan, report) => apply::body(plan, report, &intent, rung),
    })
}
