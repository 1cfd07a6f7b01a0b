//! Drift: what changed at the service since it was last applied.

use super::finding;
use super::heading;
use super::page::Page;
use super::summary::{counted, put_list, put_more};
use crate::plan::{Finding, FindingKind, Header};
use crate::render::style::{Style, Tone};

/// Findings of a look for drift as a person reads them, ending in a line break. The last line has the counts.
pub fn drift(header: &Header, findings: &[Finding], style: &Style) -> String {
    let mut page = Page::new(style);
    heading::put(&mut page, "keycomb drift", header);
    if !findings.is_empty() {
        page.blank();
        finding::put_all(&mut page, 2, findings);
    }
    page.blank();
    let count = |kind| findings.iter().filter(|finding| finding.kind == kind).count();
    let (changed, missing) = (count(FindingKind::Drift), count(FindingKind::Missing));
    let unsealed = count(FindingKind::Unsealed);
    let external = count(FindingKind::ExternalMismatch);
    let drifted = changed + missing + unsealed + external;
    let others = findings.len() - drifted;
    if drifted == 0 {
        page.flow(2, Tone::Good, "No drift: what keycomb manages is as it was last applied.");
    } else {
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
    }
    if others > 0 {
        let noun = if drifted == 0 { "finding" } else { "other finding" };
        put_more(&mut page, &[(Tone::Plain, counted(others, noun))]);
    }
    page.finish()
}
