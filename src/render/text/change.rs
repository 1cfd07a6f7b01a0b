//! What differs: one line for a value, a diff for a list or a text of several lines.

use similar::{Algorithm, ChangeTag, TextDiff};

use super::page::{Page, columns};
use crate::plan::Change;
use crate::render::style::{Style, Tone};

/// Fields whose value is a list, one item a line.
const LISTS: &[&str] = &["permissions"];
/// Fields whose value is somebody's words.
const WORDS: &[&str] = &["name", "description", "owner", "purpose"];

/// Whether it is short enough to stand on its object's own line: what something is created with.
pub(super) fn is_inline(change: &Change) -> bool {
    change.before.is_none() && !is_list(change) && !is_long(change) && !WORDS.contains(&change.field)
}

/// Such a change in a few words.
pub(super) fn inline(style: &Style, change: &Change) -> String {
    let after = change.after.as_deref().unwrap_or_default();
    format!("{} {}", change.field, value(style, change.field, after))
}

/// Puts the others, one below the other; their labels take `label` columns.
pub(super) fn put(page: &mut Page<'_>, indent: usize, label: usize, change: &Change) {
    page.to(indent);
    page.put(Tone::Dim, change.field);
    let at = indent + label + 2;
    page.to(at);
    match &change.after {
        Some(after) if is_list(change) && change.before.is_none() => put_list(page, at, after),
        _ if is_list(change) || is_long(change) => put_diff(page, at, change),
        _ => put_values(page, at, change),
    }
    if change.undoes_drift {
        let note = "undoes a change made at the service";
        if page.column() + 2 + columns(note) <= page.width() {
            page.to(page.column() + 2);
        } else {
            page.end();
            page.to(at);
        }
        page.flow(at, Tone::Change, note);
    }
    page.end();
}

fn is_list(change: &Change) -> bool {
    LISTS.contains(&change.field)
}

fn is_long(change: &Change) -> bool {
    [&change.before, &change.after].into_iter().flatten().any(|text| text.contains('\n'))
}

/// A value on one line. Quoted unless it is a word of ours, so that nobody's text can pass for one.
fn value(style: &Style, field: &str, text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_-.()".contains(c);
    if !WORDS.contains(&field) && !text.is_empty() && text.chars().all(is_word) {
        return text.to_owned();
    }
    style.quoted(text)
}

/// Both values on one line, or one below the other where they do not fit.
fn put_values(page: &mut Page<'_>, at: usize, change: &Change) {
    let Change { field, before, after, undoes_drift: _ } = change;
    let style = page.style;
    let text = |side: &Option<String>| {
        side.as_ref().map_or_else(|| "(none)".to_owned(), |side| value(style, field, side))
    };
    let tone = if after.is_some() { Tone::Good } else { Tone::Dim };
    let (was, becomes) = (text(before), text(after));
    if before.is_none() {
        return page.flow(at, tone, &becomes);
    }
    if at + columns(&was) + columns(style.arrow()) + columns(&becomes) <= page.width() {
        page.put(Tone::Bad, &was);
        page.put(Tone::Dim, style.arrow());
        page.put(tone, &becomes);
        return;
    }
    page.put(Tone::Bad, "- ");
    page.flow(at + 2, Tone::Bad, &was);
    next_line(page, at);
    page.put(tone, "+ ");
    page.flow(at + 2, tone, &becomes);
}

fn put_list(page: &mut Page<'_>, at: usize, items: &str) {
    let items: Vec<String> = lines(items).into_iter().map(|item| page.style.shown(item)).collect();
    let text = if items.is_empty() { "(none)".to_owned() } else { items.join(", ") };
    page.flow(at, Tone::Plain, &text);
}

/// The lines of a value; an empty one has none.
fn lines(text: &str) -> Vec<&str> {
    if text.is_empty() { vec![] } else { text.split('\n').collect() }
}

/// Only the lines that differ; of a text also one on either side of them.
fn put_diff(page: &mut Page<'_>, at: usize, change: &Change) {
    // Made harmless before it is cut into pieces: two harmless pieces can make one that is not.
    let shown = |side: &Option<String>| -> Vec<String> {
        lines(side.as_deref().unwrap_or_default()).into_iter().map(|line| page.style.shown(line)).collect()
    };
    let (before, after) = (shown(&change.before), shown(&change.after));
    let (before, after): (Vec<&str>, Vec<&str>) =
        (before.iter().map(String::as_str).collect(), after.iter().map(String::as_str).collect());
    let mut config = TextDiff::configure();
    // Pinned, and without a deadline: the same values give the same lines on any machine.
    config.algorithm(Algorithm::Myers);
    let diff = config.diff_slices(&before, &after);
    let around = usize::from(!is_list(change));
    for (number, group) in diff.grouped_ops(around).iter().enumerate() {
        if number > 0 && around > 0 {
            next_line(page, at);
            page.put(Tone::Dim, page.style.gap());
        }
        for line in group.iter().flat_map(|op| diff.iter_inline_changes_deadline(op, None)) {
            next_line(page, at);
            let (sign, tone, part) = match line.tag() {
                ChangeTag::Delete => ("- ", Tone::Bad, Tone::BadPart),
                ChangeTag::Insert => ("+ ", Tone::Good, Tone::GoodPart),
                ChangeTag::Equal => ("  ", Tone::Dim, Tone::Dim),
            };
            page.put(tone, sign);
            let pieces = line.values();
            for (number, (differs, piece)) in pieces.iter().enumerate() {
                let is_last = number + 1 == pieces.len();
                let text = if is_last { tail_shown(piece) } else { (*piece).to_owned() };
                page.flow(at + 2, if *differs { part } else { tone }, &text);
            }
        }
    }
    if page.column() <= at {
        page.put(Tone::Dim, "(none)");
    }
}

/// Spaces at a line's end would not be seen.
fn tail_shown(piece: &str) -> String {
    let bare = piece.trim_end_matches(' ');
    bare.to_owned() + &"\\u{20}".repeat(piece.len() - bare.len())
}

fn next_line(page: &mut Page<'_>, at: usize) {
    if page.column() > at {
        page.end();
        page.to(at);
    }
}
