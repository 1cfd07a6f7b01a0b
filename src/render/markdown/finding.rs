//! Findings: what is worth saying and needs no action now.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::ladder::Rung;
use super::{change, escape};
use crate::model::counted;
use crate::plan::{Finding, Severity};

/// Puts all findings, folded; or how many there are of each kind.
pub(super) fn put_all(text: &mut String, findings: &[Finding], rung: Rung) {
    if findings.is_empty() {
        return;
    }
    text.push_str("\n### Findings\n\n");
    put_counts(text, findings);
    if !rung.has_lines() {
        return;
    }
    let _ = writeln!(text, "\n<details><summary>{}</summary>\n", counted(findings.len(), "finding"));
    for finding in findings {
        put(text, finding, rung);
    }
    text.push_str("\n</details>\n");
}

fn put_counts(text: &mut String, findings: &[Finding]) {
    let mut kinds: BTreeMap<&str, BTreeMap<Severity, usize>> = BTreeMap::new();
    for finding in findings {
        *kinds.entry(finding.kind.as_str()).or_default().entry(finding.severity).or_default() += 1;
    }
    text.push_str("| finding | high | warning | note |\n|---|--:|--:|--:|\n");
    for (kind, counts) in kinds {
        let count = |severity| counts.get(&severity).copied().unwrap_or_default();
        let (high, warning, note) = (count(Severity::High), count(Severity::Warning), count(Severity::Note));
        let _ = writeln!(text, "| {} | {high} | {warning} | {note} |", kind.replace('_', " "));
    }
}

/// How many findings the rules of the files hide.
pub(super) fn put_ignored(text: &mut String, count: usize) {
    if count > 0 {
        let _ = writeln!(
            text,
            "\n{} hidden by `[[ignore]]`; `keycomb drift` lists what is.",
            counted(count, "finding")
        );
    }
}

fn put(text: &mut String, finding: &Finding, rung: Rung) {
    let Finding { kind, severity, address, id, text: told, help, changes, origin: _, editor: _, updated: _ } =
        finding;
    let _ = write!(text, "- **{}** {}", severity.as_str(), kind.as_str().replace('_', " "));
    if let Some(address) = address {
        let _ = write!(text, " {}", escape::address(address));
    } else if let Some(id) = id.as_ref().filter(|_| rung == Rung::Lines) {
        let _ = write!(text, " {}", escape::code(id));
    }
    if rung == Rung::Lines {
        text.push('\n');
        return;
    }
    if let Some(id) = id {
        let _ = write!(text, " ({})", escape::code(id));
    }
    let _ = writeln!(text, ": {}", escape::sentence(told));
    change::put_all(text, changes);
    if let Some(help) = help.as_ref().filter(|_| rung == Rung::Everything) {
        let _ = writeln!(text, "  - help: {}", escape::sentence(help));
    }
}
