//! One action: a line with its symbol, and below it only what is worth a line.

use super::change;
use super::page::{Page, columns};
use crate::model::{Origin, brief};
use crate::plan::{Action, Change, Predecessor, ReasonCode, SecretEffect, Step, Undo, Verb};
use crate::render::style::{Style, Tone};

/// Below this width nothing is lined up: each object takes two lines.
const NARROW: usize = 72;
/// What is left to a line's details at least.
const DETAIL: usize = 20;

/// Where the columns of a list of actions stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    base: usize,
    /// `None`: nothing is lined up.
    address: Option<usize>,
    kind: usize,
    verb: usize,
}

impl Grid {
    /// Lines up a list of actions that starts at column `base`.
    pub(super) fn of(actions: &[&Action], base: usize, style: &Style) -> Self {
        let longest =
            |length: fn(&Action) -> usize| actions.iter().map(|a| length(a)).max().unwrap_or_default();
        let kind = longest(|a| a.key_type.map_or(0, |kind| kind.as_str().len()));
        let verb = longest(|a| verb_text(a).len());
        let taken = base + 2 + 2 + kind + 2 + verb + 2 + DETAIL;
        let room = style.width.saturating_sub(taken);
        let fitting = actions.iter().map(|a| a.address.to_string().len()).filter(|length| *length <= room);
        let address = if style.width < NARROW { None } else { fitting.max() };
        Self { base, address, kind, verb }
    }

    fn detail(&self, address: usize) -> usize {
        let kind = if self.kind == 0 { 0 } else { self.kind + 2 };
        self.base + 2 + address + 2 + kind + self.verb + 2
    }
}

/// Puts one action.
pub(super) fn put(page: &mut Page<'_>, grid: &Grid, action: &Action) {
    if let Some(origin) = &action.reason.origin {
        page.keep_right(Tone::Dim, page.style.shown(&place(origin)));
    }
    put_head(page, grid, action);
    let indent = grid.base + 4;
    if let Some(blocked) = &action.blocked {
        put_sentence(page, indent, Tone::Plain, &blocked.text);
    }
    if is_telling(action) {
        put_sentence(page, indent, Tone::Dim, &action.reason.text);
    }
    put_details(page, indent, action);
    if let Some(blocked) = &action.blocked {
        put_help(page, indent, &blocked.help);
    }
    page.settle(indent);
}

/// Puts how to go on.
pub(super) fn put_help(page: &mut Page<'_>, indent: usize, help: &str) {
    page.to(indent);
    page.put(Tone::Strong, "help: ");
    page.flow(indent + 6, Tone::Plain, &page.style.shown(help));
    page.end();
}

/// Puts a sentence on lines of its own.
pub(super) fn put_sentence(page: &mut Page<'_>, indent: usize, tone: Tone, text: &str) {
    page.to(indent);
    page.flow(indent, tone, &page.style.shown(text));
    page.end();
}

/// The verb, and for a blocked action what would have been done.
pub(in crate::render) fn verb_text(action: &Action) -> String {
    match &action.blocked {
        Some(blocked) => format!("blocked: {}", blocked.verb.as_str()),
        None => action.verb.as_str().to_owned(),
    }
}

fn put_head(page: &mut Page<'_>, grid: &Grid, action: &Action) {
    let tone = Tone::of(action.verb);
    let address = action.address.to_string();
    let kind = action.key_type.map(|kind| kind.as_str());
    page.to(grid.base);
    page.put(tone, page.style.symbol(action.verb));
    page.put(Tone::Plain, " ");
    let mut parts = parts(page.style, action);
    match grid.address.filter(|width| columns(&address) <= *width) {
        Some(width) => {
            page.put(Tone::Plain, &address);
            page.to(grid.base + 2 + width + 2);
            page.put(Tone::Dim, kind.unwrap_or_default());
            page.to(grid.detail(width) - 2 - grid.verb);
            page.put(tone, &verb_text(action));
            page.to(grid.detail(width));
            page.parts(grid.detail(width), &parts);
        }
        None => {
            page.flow(grid.base + 2, Tone::Plain, &address);
            let verb = verb_text(action);
            if page.column() + 2 + columns(&verb) > page.width() {
                page.end();
                page.to(grid.base + 2);
            }
            page.to(page.column() + 2);
            page.put(tone, &verb);
            page.end();
            page.to(grid.base + 4);
            if let Some(kind) = kind {
                parts.insert(0, (Tone::Dim, kind.to_owned()));
            }
            page.parts(grid.base + 4, &parts);
        }
    }
    page.end();
}

fn place(origin: &Origin) -> String {
    let Origin { file, line, column: _ } = origin;
    format!("{file}:{line}")
}

/// What stands on the object's own line, the gravest first.
fn parts(style: &Style, action: &Action) -> Vec<(Tone, String)> {
    let mut parts = Vec::new();
    if let Some(blocked) = &action.blocked {
        parts.push((Tone::Bad, blocked.code.to_owned()));
    }
    if action.undo == Undo::Irreversible {
        parts.push((Tone::Bad, "cannot be undone".to_owned()));
    }
    if !action.name.is_empty() {
        parts.push((Tone::Plain, style.quoted(&brief(&action.name))));
    }
    if let Some(generation) = action.generation.filter(|generation| *generation > 1) {
        parts.push((Tone::Dim, format!("generation {generation}")));
    }
    let inline = action.changes.iter().filter(|change| change::is_inline(change));
    parts.extend(inline.map(|change| (Tone::Plain, change::inline(style, change))));
    parts
}

/// Whether the reason says more than the line above it.
pub(in crate::render) fn is_telling(action: &Action) -> bool {
    match action.reason.code {
        ReasonCode::Declared => false,
        ReasonCode::Changed | ReasonCode::Drifted => action.changes.is_empty() && action.blocked.is_none(),
        _ => !action.reason.text.is_empty(),
    }
}

fn put_details(page: &mut Page<'_>, indent: usize, action: &Action) {
    let below: Vec<&Change> = action.changes.iter().filter(|change| !change::is_inline(change)).collect();
    let secret = secret(page.style, &action.secret);
    // The id is what a person looks up before something goes for good, or is decided by hand.
    let needs_id = matches!(action.verb, Verb::Delete | Verb::Discard | Verb::Disable | Verb::Blocked);
    let id = action.id.as_ref().filter(|_| needs_id).map(|id| (Tone::Dim, page.style.shown(id)));
    let old = predecessors(page.style, action);
    let facts: Vec<_> = [("id", id), ("secret", secret), ("old key", old)]
        .into_iter()
        .filter_map(|(label, fact)| fact.map(|(tone, text)| (label, tone, text)))
        .collect();
    let labels = below.iter().map(|change| change.field).chain(facts.iter().map(|(label, ..)| *label));
    let width = labels.map(str::len).max().unwrap_or_default();
    for change in below {
        change::put(page, indent, width, change);
    }
    for (label, tone, text) in &facts {
        page.to(indent);
        page.put(Tone::Dim, label);
        let at = indent + width + 2;
        page.to(at);
        page.flow(at, *tone, text);
        page.end();
    }
}

/// Until when consumers may go on with what they have.
fn predecessors(style: &Style, action: &Action) -> Option<(Tone, String)> {
    let succeeds = match &action.step {
        Step::MintKey(mint) => &mint.succeeds,
        Step::ReleaseKey { succeeds, .. } => succeeds,
        _ => return None,
    };
    let told = |old: &Predecessor| {
        let Predecessor { address, id, generation, until } = old;
        let of = if *address == action.address { String::new() } else { format!(" of {address}") };
        let works = until
            .map_or_else(|| "does not work".to_owned(), |until| format!("works until {until:.0} at least"));
        format!("generation {generation}{of} ({}) {works}", style.shown(id.as_str()))
    };
    let told: Vec<String> = succeeds.iter().map(told).collect();
    (!told.is_empty()).then(|| (Tone::Plain, told.join("; ")))
}

fn secret(style: &Style, effect: &SecretEffect) -> Option<(Tone, String)> {
    match effect {
        SecretEffect::None => None,
        SecretEffect::Issued { recipients } => {
            let names: Vec<String> =
                recipients.iter().map(|recipient| style.shown(&recipient.name)).collect();
            Some((Tone::Good, format!("issued, sealed to {}", names.join(", "))))
        }
        SecretEffect::StartsWorking => Some((Tone::Good, "sealed earlier, starts to work".to_owned())),
        SecretEffect::StopsWorking => Some((Tone::Bad, "stops working".to_owned())),
        SecretEffect::Destroyed => {
            Some((Tone::Bad, "gone for good; it had stopped working before".to_owned()))
        }
    }
}
