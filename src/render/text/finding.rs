//! Findings: what is worth saying and needs no action now.

use super::action::{put_help, put_sentence};
use super::change;
use super::page::Page;
use crate::plan::Finding;
use crate::render::style::Tone;

/// Puts findings below each other, starting at column `base`.
pub(super) fn put_all(page: &mut Page<'_>, base: usize, findings: &[Finding]) {
    let severity = findings.iter().map(|f| f.severity.as_str().len()).max().unwrap_or_default();
    for finding in findings {
        put(page, base, severity, finding);
    }
}

fn put(page: &mut Page<'_>, base: usize, width: usize, finding: &Finding) {
    let Finding { kind, severity, address, id, text, help, changes } = finding;
    page.to(base);
    page.put(Tone::of_severity(*severity), severity.as_str());
    let indent = base + width + 2;
    page.to(indent);
    let address = address.as_ref().map(|address| (Tone::Plain, address.to_string()));
    let id = id.as_ref().map(|id| (Tone::Dim, page.style.shown(id)));
    let kind = (Tone::of_severity(*severity), kind.as_str().replace('_', " "));
    let parts: Vec<_> = address.into_iter().chain([kind]).chain(id).collect();
    page.parts(indent, &parts);
    page.end();
    put_sentence(page, indent, Tone::Plain, text);
    let label = changes.iter().map(|change| change.field.len()).max().unwrap_or_default();
    for change in changes {
        change::put(page, indent, label, change);
    }
    if let Some(help) = help {
        put_help(page, indent, help);
    }
}
