//! Texts and dates as the page shows them.

use std::borrow::Cow;

use maud::{Markup, html};

use crate::model::{Timestamp, cut};
use crate::plan::{Severity, Verb};
use crate::render::style::{Style, Tone};

/// No text of others is shown longer, in characters; JSON has it whole.
const LONGEST: usize = 2_000;

/// A page is Unicode; it has neither a width nor a terminal's colours.
pub(super) const STYLE: Style = Style { color: false, unicode: true, width: 0 };

/// Text of others: nothing in it is invisible or turns its neighbours around, and it is cut where nobody would read on.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    cut(text, LONGEST)
}

/// The same for a name within a sentence of ours: kept apart, so that a name in another direction moves nothing.
pub(super) fn named(text: &str) -> Markup {
    html! { bdi { (shown(text)) } }
}

/// A sentence of the planner's: what it has between backquotes is shown as code.
pub(super) fn prose(text: &str) -> Markup {
    let text = shown(text);
    let pieces: Vec<&str> = text.split('`').collect();
    html! {
        @for (n, piece) in pieces.iter().enumerate() {
            // The last piece has no second backquote behind it.
            @if n % 2 == 1 && n + 1 < pieces.len() { code { bdi { (piece) } } }
            @else { @if n % 2 == 1 { "`" } (piece) }
        }
    }
}

/// A day: `24 Feb`, with its year where that is another.
pub(super) fn day(at: Timestamp, now: Timestamp) -> String {
    let is_same = at.strftime("%Y").to_string() == now.strftime("%Y").to_string();
    at.strftime(if is_same { "%-d %b" } else { "%-d %b %Y" }).to_string()
}

/// How long until then: `in 5 days`, `today`.
pub(super) fn until(at: Timestamp, now: Timestamp) -> String {
    match days(now, at) {
        ..=0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        days => format!("in {days} days"),
    }
}

/// From one day of the calendar to another one.
pub(super) fn days(from: Timestamp, to: Timestamp) -> i64 {
    const DAY: i64 = 86_400;
    to.as_second().div_euclid(DAY) - from.as_second().div_euclid(DAY)
}

/// An instant, to the minute.
pub(super) fn instant(at: Timestamp) -> Markup {
    html! { time datetime=(format!("{at:.0}")) { (at.strftime("%-d %b %Y, %H:%M")) } }
}

/// The class of a tone; what it means is always said in words too.
pub(super) fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good | Tone::GoodPart => "good",
        Tone::Change => "warn",
        Tone::Bad | Tone::BadPart => "bad",
        Tone::Plain | Tone::Strong | Tone::Dim => "calm",
    }
}

/// The class of a finding.
pub(super) fn severity(severity: Severity) -> &'static str {
    class(Tone::of_severity(severity))
}

/// A verb's symbol, beside the word.
pub(super) fn symbol(verb: Verb) -> Markup {
    // A hyphen is too thin beside the others.
    let symbol = if verb == Verb::Delete { "−" } else { STYLE.symbol(verb) };
    html! { span.sym aria-hidden="true" { (symbol) } }
}
