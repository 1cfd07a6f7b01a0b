//! Findings: what is worth saying and needs no action now.

use super::action::{put_help, put_sentence};
use super::change;
use super::page::Page;
use crate::plan::{Finding, FindingKind, Severity};
use crate::render::style::Tone;

/// Puts findings below each other, starting at column `base`.
pub(super) fn put_all(page: &mut Page<'_>, base: usize, findings: &[Finding]) {
    put_as(page, base, findings, kind_of);
}

/// The same of drift, each with its class.
pub(super) fn put_classes(page: &mut Page<'_>, base: usize, findings: &[Finding]) {
    put_as(page, base, findings, class_of);
}

/// What is unsealed is more than an orphan.
fn class_of(finding: &Finding) -> &'static str {
    match finding.class() {
        Some(class) if finding.kind != FindingKind::Unsealed => class.as_str(),
        _ => finding.kind.as_str(),
    }
}

fn kind_of(finding: &Finding) -> &'static str {
    finding.kind.as_str()
}

fn put_as(page: &mut Page<'_>, base: usize, findings: &[Finding], word: fn(&Finding) -> &'static str) {
    let severity = findings.iter().map(|f| f.severity.as_str().len()).max().unwrap_or_default();
    let mut unmanaged = 0;
    for finding in findings {
        unmanaged += usize::from(is_unmanaged_note(finding));
        if !is_unmanaged_note(finding) || unmanaged <= UNMANAGED_SHOWN {
            put(page, base, severity, word(finding), finding);
        }
    }
    if unmanaged > UNMANAGED_SHOWN {
        page.to(base);
        page.put(Tone::Dim, Severity::Note.as_str());
        let more = unmanaged - UNMANAGED_SHOWN;
        let text = format!("{more} more are not managed; `--format json` lists them all");
        put_sentence(page, base + severity + 2, Tone::Dim, &text);
    }
}

/// A team that has just begun has hundreds of keys that nobody declared yet: they must not bury the rest.
const UNMANAGED_SHOWN: usize = 10;

fn is_unmanaged_note(finding: &Finding) -> bool {
    finding.kind == FindingKind::Unmanaged && finding.severity == Severity::Note
}

fn put(page: &mut Page<'_>, base: usize, width: usize, word: &str, finding: &Finding) {
    // Who changed it, and when, is in the text.
    let Finding { kind: _, severity, address, id, text, help, changes, origin: _, editor: _, updated: _ } =
        finding;
    page.to(base);
    page.put(Tone::of_severity(*severity), severity.as_str());
    let indent = base + width + 2;
    page.to(indent);
    let address = address.as_ref().map(|address| (Tone::Plain, address.to_string()));
    let id = id.as_ref().map(|id| (Tone::Dim, page.style.shown(id)));
    let kind = (Tone::of_severity(*severity), word.replace('_', " "));
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
