//! One action: what, to which, why, from what to what, and what it does to secrets.

use maud::{Markup, html};

use super::words::{class, instant, named, prose, shown, symbol};
use crate::model::Address;
use crate::plan::{Action, Change, SecretEffect, Step, Undo, Verb};
use crate::render::style::Tone;
use crate::render::text::{is_telling, verb_text};
use crate::report::{Became, Outcome};

/// Fields whose value is a list, one item a line.
const LISTS: &[&str] = &["permissions"];

/// An action, and how it ended where that is known.
pub(super) fn item(action: &Action, outcome: Option<&Outcome>) -> Markup {
    let tone = class(Tone::of(action.verb));
    html! {
        li.act {
            p.head {
                span class={ "verb " (tone) } { (symbol(action.verb)) (verb_text(action)) }
                " " code.addr { (action.address) }
                @if has_own_name(action) { " " span { "“" (named(&action.name)) "”" } }
                @if let Some(kind) = action.key_type { " " span.dim { (kind) } }
                @if let Some(generation) = action.generation.filter(|generation| *generation > 1) {
                    " " span.dim { "generation " (generation) }
                }
                @if action.undo == Undo::Irreversible && action.blocked.is_none() {
                    " " span.chip.bad { "cannot be undone" }
                }
                @if let Some(outcome) = outcome { " " (ended(&outcome.became)) }
                @if let Some(origin) = &action.reason.origin {
                    " " span.src { (shown(&origin.file)) ":" (origin.line) }
                }
            }
            @if let Some(outcome) = outcome { (why(&outcome.became)) }
            @if let Some(blocked) = &action.blocked { p { (prose(&blocked.text)) } }
            @if is_telling(action) { p.dim { (prose(&action.reason.text)) } }
            (facts(action))
            @if let Some(blocked) = &action.blocked { p.help { (prose(&blocked.help)) } }
        }
    }
}

/// Whether its name says more than its address.
fn has_own_name(action: &Action) -> bool {
    let label = match &action.address {
        Address::Environment(label) | Address::Key { key: label, .. } => label,
    };
    let is_changed = action.changes.iter().any(|change| change.field == "name");
    !action.name.is_empty() && action.name != label.as_str() && !is_changed
}

fn facts(action: &Action) -> Markup {
    let Action { id, changes, secret, step, .. } = action;
    // The id is what a person looks up before something goes for good, or is decided by hand.
    let needs_id = matches!(action.verb, Verb::Delete | Verb::Discard | Verb::Disable | Verb::Blocked);
    html! {
        dl.facts {
            @if let Some(id) = id.as_ref().filter(|_| needs_id) { div { dt { "id" } dd { code { (shown(id)) } } } }
            @for change in changes { (difference(change)) }
            @if let Some(told) = told_secret(secret) { div { dt { "secret" } dd { (told) } } }
            @if let Step::MintKey(mint) = step {
                @for old in &mint.succeeds {
                    div {
                        dt { "old key" }
                        dd {
                            "generation " (old.generation) " "
                            @match old.until {
                                Some(until) => { "works until " (instant(until)) " at least" },
                                None => "does not work",
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A field with its value before and after.
pub(super) fn difference(change: &Change) -> Markup {
    let Change { field, before, after, undoes_drift } = change;
    html! {
        div {
            dt { (field) }
            dd {
                @if LISTS.contains(field) { (list(before.as_deref(), after.as_deref())) }
                @else if has_lines(before) || has_lines(after) {
                    @if let Some(before) = before { del.lines { (value(before)) } }
                    @if let Some(after) = after { ins.lines { (value(after)) } }
                } @else {
                    @if let Some(before) = before { del { (value(before)) } span.to aria-hidden="true" { " → " } }
                    @match (after, before) {
                        (Some(after), Some(_)) => ins { (value(after)) },
                        (Some(after), None) => (value(after)),
                        (None, _) => span.dim { "(none)" },
                    }
                }
                @if *undoes_drift { " " span.chip.warn { "undoes a change made at the service" } }
            }
        }
    }
}

fn has_lines(side: &Option<String>) -> bool {
    side.as_ref().is_some_and(|text| text.contains('\n'))
}

/// Whatever has lines keeps them.
fn value(text: &str) -> Markup {
    if text.is_empty() {
        return html! { span.dim { "(empty)" } };
    }
    html! {
        @for (n, line) in text.split('\n').enumerate() { @if n > 0 { br; } (named(line)) }
    }
}

/// What a list loses, what it gains, and, less loud, what stays.
fn list(before: Option<&str>, after: Option<&str>) -> Markup {
    let items = |side: Option<&str>| -> Vec<String> {
        let side = side.unwrap_or_default();
        if side.is_empty() { vec![] } else { side.split('\n').map(|item| shown(item).into_owned()).collect() }
    };
    let is_new = before.is_none();
    let (before, after) = (items(before), items(after));
    if before.is_empty() && after.is_empty() {
        return html! { span.dim { "(none)" } };
    }
    html! {
        ul.items {
            @for item in before.iter().filter(|item| !after.contains(item)) { li { del { "− " (item) } } }
            @for item in &after {
                @if is_new { li { (item) } }
                @else if before.contains(item) { li.dim { (item) } }
                @else { li { ins { "+ " (item) } } }
            }
        }
    }
}

fn told_secret(effect: &SecretEffect) -> Option<Markup> {
    Some(match effect {
        SecretEffect::None => return None,
        SecretEffect::Issued { recipients } => html! {
            span.good { "issued" } ", sealed to "
            @for (n, recipient) in recipients.iter().enumerate() { @if n > 0 { ", " } strong { (named(&recipient.name)) } }
        },
        SecretEffect::StartsWorking => html! { span.good { "sealed earlier, starts to work" } },
        SecretEffect::StopsWorking => html! { span.bad { "stops working" } },
        SecretEffect::Destroyed => html! { span.bad { "gone for good" } "; it had stopped working before" },
    })
}

fn ended(became: &Became) -> Markup {
    let (tone, text) = ended_as(became);
    html! { span class={ "chip " (tone) } { (text) } }
}

fn ended_as(became: &Became) -> (&'static str, &'static str) {
    match became {
        Became::Done { .. } => ("good", "✓ done"),
        Became::Staged { .. } => ("good", "✓ staged"),
        Became::Left { .. } => ("calm", "○ left for later"),
        Became::Blocked => ("bad", "! blocked"),
        Became::NotStarted { .. } => ("warn", "○ not started"),
        Became::InDoubt { .. } => ("warn", "? in doubt"),
        Became::Failed { .. } => ("bad", "✗ failed"),
    }
}

fn why(became: &Became) -> Markup {
    let (text, help) = match became {
        Became::Blocked => (None, None),
        Became::Done { note } => (note.as_deref(), None),
        Became::Staged { note, .. } => (note.as_deref(), None),
        Became::Failed { why, help, cause: _ } => (Some(why.as_str()), help.as_deref()),
        Became::InDoubt { why, help } => (Some(why.as_str()), Some(help.as_str())),
        Became::Left { why } | Became::NotStarted { why } => (Some(why.as_str()), None),
    };
    let (tone, _) = ended_as(became);
    let tone = if tone == "good" { "calm" } else { tone };
    html! {
        @if let Some(text) = text { p class={ "end " (tone) } { (prose(text)) } }
        @if let Became::Staged { until, .. } = became {
            p { "Disabled until its sealed entry is home; can be released until " (instant(*until)) "." }
        }
        @if let Some(help) = help { p.help { (prose(help)) } }
    }
}
