//! The last line: counts.

use super::page::Page;
pub(super) use crate::model::counted;
use crate::plan::{Summary, Verb};
use crate::render::style::Tone;

/// Puts the counts of a plan that has actions.
pub(super) fn put(page: &mut Page<'_>, summary: &Summary) {
    let Summary {
        verbs,
        changes: _,
        blocked,
        guarded: _,
        issued,
        stopping,
        irreversible,
        drifted: _,
        findings,
        ignored,
    } = summary;
    page.put(Tone::Strong, "Plan: ");
    let done = verbs.iter().filter(|(verb, count)| *verb != Verb::Blocked && *count > 0);
    let mut counts: Vec<_> =
        done.map(|(v, count)| (Tone::of(*v), format!("{count} to {}", v.as_str()))).collect();
    if counts.is_empty() {
        counts.push((Tone::Plain, "nothing to do".to_owned()));
    }
    if *blocked > 0 {
        counts.push((Tone::Bad, format!("{blocked} blocked")));
    }
    put_list(page, &counts);
    let mut others = vec![
        (tone(*issued, Tone::Good), format!("{} issued", counted(*issued, "secret"))),
        (tone(*stopping, Tone::Bad), stops(*stopping)),
    ];
    if *irreversible > 0 {
        others.push((Tone::Bad, format!("{irreversible} cannot be undone")));
    }
    if *findings > 0 {
        others.push((Tone::Change, counted(*findings, "finding")));
    }
    if *ignored > 0 {
        others.push((Tone::Dim, format!("{ignored} ignored")));
    }
    put_more(page, &others);
}

/// Puts how many findings there are, after a sentence.
pub(super) fn put_findings(page: &mut Page<'_>, summary: &Summary) {
    if summary.findings > 0 {
        put_more(page, &[(Tone::Change, counted(summary.findings, "finding"))]);
    }
    if summary.ignored > 0 {
        put_more(page, &[(Tone::Dim, format!("{} ignored", summary.ignored))]);
    }
}

/// Puts parts with commas between.
pub(super) fn put_list(page: &mut Page<'_>, parts: &[(Tone, String)]) {
    for (number, (tone, text)) in parts.iter().enumerate() {
        let is_last = number + 1 == parts.len();
        let comma = usize::from(!is_last);
        let space = usize::from(number > 0);
        if page.column() + space + text.len() + comma > page.width() {
            page.end();
            page.to(6);
        } else {
            page.to(page.column() + space);
        }
        page.put(*tone, text);
        page.put(Tone::Plain, if is_last { "" } else { "," });
    }
}

/// Puts parts after what is there, each after a dot.
pub(super) fn put_more(page: &mut Page<'_>, parts: &[(Tone, String)]) {
    for part in parts {
        page.parts(6, &[(Tone::Plain, String::new()), part.clone()]);
    }
}

fn stops(count: usize) -> String {
    if count == 1 { "1 key stops working".to_owned() } else { format!("{count} keys stop working") }
}

fn tone(count: usize, some: Tone) -> Tone {
    if count == 0 { Tone::Plain } else { some }
}
