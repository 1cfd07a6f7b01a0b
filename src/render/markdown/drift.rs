//! A look for drift as Markdown: the body of a team's one issue about it.

use super::ladder::Rung;
use super::{escape, finding, look};
use crate::plan::Drift;

/// The text, ending in a line break.
pub(super) fn body(drift: &Drift, rung: Rung) -> String {
    let Drift { header, findings, ignored, summary: _ } = drift;
    let mut text = format!("## keycomb drift: team {}\n\n", escape::code(header.team.as_str()));
    let is_drifted = drift.is_drifted() || drift.is_unsealed();
    text.push_str(if is_drifted {
        "**The service is not as keycomb left it.**\n"
    } else {
        "**No drift:** what keycomb manages is as it was last applied.\n"
    });
    look::put_drift(&mut text, findings, rung);
    finding::put_all(&mut text, findings, rung);
    finding::put_ignored(&mut text, ignored.len());
    if is_drifted {
        text.push_str("\n### To go on\n\n`keycomb plan` shows what the next apply puts back; what is right as it is now goes into the files.\n");
    }
    text.push_str(&format!("\nRead {} by the service's clock.\n", escape::time(header.read)));
    text + &rung.left_out("keycomb drift")
}
