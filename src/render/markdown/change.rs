//! What differs.

use std::fmt::Write as _;

use similar::{Algorithm, ChangeTag, TextDiff};

use super::escape;
use crate::model::cut;
use crate::plan::Change;

/// Items of a list, or lines of a text, that are shown at most.
const SHOWN: usize = 40;
/// Characters of a line at most.
const LINE: usize = 300;

/// Puts each change on a line of its own, two spaces in.
pub(super) fn put_all(text: &mut String, changes: &[Change]) {
    for change in changes {
        put(text, change);
    }
}

fn put(text: &mut String, change: &Change) {
    let Change { field, before, after, undoes_drift } = change;
    let _ = write!(text, "  - {}:", escape::code(field));
    let note = if *undoes_drift { " (undoes a change made at the service)" } else { "" };
    let is_long = [before, after].into_iter().flatten().any(|side| side.contains('\n'));
    if *field == "permissions" {
        let _ = writeln!(text, " {}{note}", list(before.as_deref(), after.as_deref()));
    } else if is_long {
        let _ = writeln!(text, "{note}\n");
        put_diff(text, before.as_deref().unwrap_or_default(), after.as_deref().unwrap_or_default());
    } else {
        let side = |side: &Option<String>| {
            side.as_ref().map_or_else(|| "(none)".to_owned(), |side| escape::code(side))
        };
        let was = before.as_ref().map(|_| format!("{} → ", side(before))).unwrap_or_default();
        let _ = writeln!(text, " {was}{}{note}", side(after));
    }
}

/// What a list gains and loses; all of it where it is new.
fn list(before: Option<&str>, after: Option<&str>) -> String {
    let items = |side: Option<&'_ str>| -> Vec<String> {
        side.unwrap_or_default().split('\n').filter(|item| !item.is_empty()).map(str::to_owned).collect()
    };
    let (was, becomes) = (items(before), items(after));
    if before.is_none() {
        return shown(&becomes.iter().collect::<Vec<_>>()).unwrap_or_else(|| "(none)".to_owned());
    }
    let gained: Vec<&String> = becomes.iter().filter(|item| !was.contains(item)).collect();
    let lost: Vec<&String> = was.iter().filter(|item| !becomes.contains(item)).collect();
    let parts = [("added", shown(&gained)), ("removed", shown(&lost))];
    let parts: Vec<String> =
        parts.into_iter().filter_map(|(word, items)| items.map(|items| format!("{word} {items}"))).collect();
    if parts.is_empty() { "the same".to_owned() } else { parts.join("; ") }
}

fn shown(items: &[&String]) -> Option<String> {
    let mut shown: Vec<String> = items.iter().take(SHOWN).map(|item| escape::code(item)).collect();
    if let Some(more) = items.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        shown.push(format!("{more} more"));
    }
    (!shown.is_empty()).then(|| shown.join(", "))
}

/// The lines that differ, in a fence.
fn put_diff(text: &mut String, before: &str, after: &str) {
    let lines =
        |side: &str| -> Vec<String> { side.split('\n').map(|line| cut(line, LINE).into_owned()).collect() };
    let (before, after) = (lines(before), lines(after));
    let (before, after): (Vec<&str>, Vec<&str>) =
        (before.iter().map(String::as_str).collect(), after.iter().map(String::as_str).collect());
    let mut config = TextDiff::configure();
    // Pinned, and without a deadline: the same values give the same lines on any machine.
    config.algorithm(Algorithm::Myers);
    let diff = config.diff_slices(&before, &after);
    let mut lines: Vec<String> = diff
        .grouped_ops(1)
        .iter()
        .flatten()
        .flat_map(|op| diff.iter_changes(op))
        .map(|line| {
            let sign = match line.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            format!("{sign} {}", tail_shown(line.value()))
        })
        .collect();
    let more = lines.len().saturating_sub(SHOWN);
    lines.truncate(SHOWN);
    text.push_str(&escape::fenced("diff", &lines, "    "));
    if more > 0 {
        let _ = writeln!(text, "\n    {more} more lines are not shown");
    }
    text.push('\n');
}

/// Spaces at a line's end would not be seen.
fn tail_shown(line: &str) -> String {
    let bare = line.trim_end_matches(' ');
    bare.to_owned() + &"\\u{20}".repeat(line.len() - bare.len())
}
