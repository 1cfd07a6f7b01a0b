//! Drift: what changed at the service since it was last applied.

use std::collections::BTreeMap;

use super::action::put_sentence;
use super::finding;
use super::heading;
use super::page::Page;
use super::summary::{counted, put_list, put_more};
use crate::plan::{Drift, FindingKind, Ignored};
use crate::render::style::{Style, Tone};

/// A look for drift as a person reads it, ending in a line break. What is ignored is folded into a line for each rule. The
/// last line has the counts.
pub fn drift(drift: &Drift, style: &Style) -> String {
    let Drift { header, findings, ignored, summary: _ } = drift;
    let mut page = Page::new(style);
    heading::put(&mut page, "keycomb drift", header);
    if !findings.is_empty() {
        page.blank();
        finding::put_classes(&mut page, 2, findings);
    }
    if !ignored.is_empty() {
        page.blank();
        put_ignored(&mut page, ignored);
    }
    page.blank();
    let count = |kind| findings.iter().filter(|finding| finding.kind == kind).count();
    let (changed, missing) = (count(FindingKind::Drift), count(FindingKind::Missing));
    let unsealed = count(FindingKind::Unsealed);
    let external = count(FindingKind::ExternalMismatch);
    let drifted = changed + missing + unsealed + external;
    let others = findings.len() - drifted;
    if drifted > 0 {
        page.put(Tone::Strong, "Drift: ");
        let mut counts =
            vec![(Tone::Change, format!("{changed} changed")), (Tone::Bad, format!("{missing} missing"))];
        if unsealed > 0 {
            counts.push((Tone::Bad, format!("{unsealed} unsealed")));
        }
        if external > 0 {
            counts.push((Tone::Bad, format!("{external} external not as declared")));
        }
        put_list(&mut page, &counts);
    } else if ignored.is_empty() {
        page.flow(2, Tone::Good, "No drift: what keycomb manages is as it was last applied.");
    } else {
        page.flow(2, Tone::Good, "No drift but what is ignored.");
    }
    if others > 0 {
        let noun = if drifted == 0 { "finding" } else { "other finding" };
        put_more(&mut page, &[(Tone::Plain, counted(others, noun))]);
    }
    if !ignored.is_empty() {
        put_more(&mut page, &[(Tone::Dim, format!("{} ignored", ignored.len()))]);
    }
    page.finish()
}

/// One line for each rule that hides something: how many, whom, and why.
fn put_ignored(page: &mut Page<'_>, ignored: &[Ignored]) {
    let mut rules: BTreeMap<_, Vec<&Ignored>> = BTreeMap::new();
    for hidden in ignored {
        rules.entry(&hidden.rule).or_default().push(hidden);
    }
    for (rule, hidden) in rules {
        page.to(2);
        page.put(Tone::Dim, "ignored");
        let indent = 11;
        page.to(indent);
        let names = hidden.iter().take(SHOWN).map(|one| match (&one.finding.address, &one.finding.id) {
            (Some(address), _) => address.to_string(),
            (None, Some(id)) => page.style.shown(id),
            (None, None) => one.finding.kind.as_str().replace('_', " "),
        });
        let mut names = names.collect::<Vec<_>>().join(", ");
        if let Some(more @ 1..) = hidden.len().checked_sub(SHOWN) {
            names.push_str(&format!(" and {more} more"));
        }
        let place = format!("{}:{}", page.style.shown(&rule.file), rule.line);
        page.parts(indent, &[(Tone::Plain, names), (Tone::Dim, place)]);
        page.end();
        let Some(Ignored { reason, until, .. }) = hidden.first() else { continue };
        let until = until.map(|until| format!(", until {}", until.strftime("%Y-%m-%d"))).unwrap_or_default();
        put_sentence(page, indent, Tone::Dim, &format!("{reason}{until}"));
    }
}

/// So many names a rule.
const SHOWN: usize = 5;
