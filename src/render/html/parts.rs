//! The page's parts, in their order; what there is nothing of is left out, or said in a line where its absence is news.

use maud::{Markup, html};

use super::{agenda, changes, external, findings, keys};
use crate::plan::{Finding, FindingKind, Header};
use crate::render::emit::Sheet;

/// A section of the page.
#[derive(Debug)]
pub(super) struct Part {
    /// Its anchor.
    pub(super) id: &'static str,
    /// Its title.
    pub(super) title: &'static str,
    /// How many things are in it; `None`: that is no number worth knowing.
    pub(super) count: Option<usize>,
    /// What is below the title.
    pub(super) body: Markup,
}

/// All parts.
pub(super) fn all(sheet: &Sheet<'_>, header: &Header) -> Vec<Part> {
    let mut parts = vec![];
    if let Some(plan) = sheet.plan {
        let title = if sheet.report.is_some() { "What became of it" } else { "Changes" };
        let body = changes::changes(plan, sheet.report);
        parts.push(Part { id: "changes", title, count: Some(plan.actions.len()), body });
    }
    let (drifted, others) = findings_of(sheet);
    if sheet.drift.is_some() || !drifted.is_empty() {
        let body = before(sheet, &findings::drift(&drifted));
        parts.push(Part { id: "drift", title: "Drift", count: Some(drifted.len()), body });
    }
    if !others.is_empty() {
        let body = before(sheet, &findings::others(&others));
        parts.push(Part { id: "findings", title: "Findings", count: Some(others.len()), body });
    }
    if !sheet.keys.is_empty() || !sheet.external.is_empty() {
        let body = agenda::agenda(sheet.keys, sheet.external, header.now);
        parts.push(Part { id: "calendar", title: "Next 90 days", count: None, body });
    }
    let body = if sheet.keys.is_empty() { unread(sheet, header) } else { keys::keys(sheet.keys, header.now) };
    parts.push(Part {
        id: "keys",
        title: "Keys",
        count: is_read(sheet, header).then_some(sheet.keys.len()),
        body,
    });
    if !sheet.external.is_empty() {
        let body = external::external(sheet.external, header.now);
        let count = Some(sheet.external.len());
        parts.push(Part { id: "external", title: "External keys", count, body });
    }
    parts
}

/// An apply tells of what was found before it.
fn before(sheet: &Sheet<'_>, body: &Markup) -> Markup {
    html! { @if sheet.report.is_some() { p.lead { "As it was before this apply." } } (body) }
}

/// What was found (at the service other than keycomb left it, anything else). The first as `drift` tells it, where it was
/// asked: a plan leaves out what it undoes.
fn findings_of<'a>(sheet: &Sheet<'a>) -> (Vec<&'a Finding>, Vec<&'a Finding>) {
    let planned = sheet.plan.map(|plan| plan.findings.as_slice());
    let drift = sheet.drift.map(|drift| drift.findings.as_slice());
    let drifted = drift.or(planned).unwrap_or_default().iter().filter(|f| is_drift(f)).collect();
    let others = planned.or(drift).unwrap_or_default().iter().filter(|f| !is_drift(f)).collect();
    (drifted, others)
}

fn is_drift(finding: &Finding) -> bool {
    use FindingKind::{Drift, ExternalMismatch, Missing, Unsealed};
    matches!(finding.kind, Unsealed | Missing | Drift | ExternalMismatch)
}

/// Whether there are keys to tell of, as far as one can know.
fn is_read(sheet: &Sheet<'_>, header: &Header) -> bool {
    let is_of_key = sheet.plan.is_some_and(|plan| plan.actions.iter().any(|a| a.address.is_key()));
    !sheet.keys.is_empty() || (header.declared.1 == 0 && !is_of_key)
}

fn unread(sheet: &Sheet<'_>, header: &Header) -> Markup {
    let text = match (is_read(sheet, header), sheet.report.is_some(), sheet.plan.is_some()) {
        (true, ..) => "No key is declared, and none is managed.",
        (false, true, _) => {
            "The keys were not read again after this apply: this page tells only what it did."
        }
        (false, _, true) => "The keys are not part of this plan: this page tells only what would change.",
        (false, ..) => "The keys are not part of this page: it tells only what changed at the service.",
    };
    html! {
        p.empty {
            (text)
            @if !is_read(sheet, header) { " Each key, its dates and the calendar: " code { "keycomb plan --emit html=FILE" } }
        }
    }
}
