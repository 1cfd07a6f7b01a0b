//! What falls due within 90 days: on which day, how much, and what.

use std::collections::BTreeMap;

use jiff::civil::Date;
use maud::{Markup, html};

use super::month::{date, weeks};
use super::words::{class, symbol, until};
use crate::model::{Address, Timestamp};
use crate::plan::Verb;
use crate::render::status::{ExternalRow, HORIZON, StatusRow};
use crate::render::style::Tone;

/// So many keys are named for one step of one day, and so many environments for each.
const NAMED: usize = 8;
/// Of more than that only so many, for a taste.
const TASTE: usize = 4;
/// So many days are shown at once.
const DAYS: usize = 14;

/// What is to be done on a day: by an apply, or by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Apply(Verb),
    ByHand,
}

/// For whom: environments by key.
type Whom = BTreeMap<String, Vec<String>>;

/// A day's steps, and an instant of it.
#[derive(Debug)]
struct Day {
    at: Timestamp,
    steps: BTreeMap<What, Whom>,
}

/// The calendar.
pub(super) fn agenda(rows: &[StatusRow], external: &[ExternalRow], now: Timestamp) -> Markup {
    let days = days(rows, external, now);
    if days.is_empty() {
        return html! { p.empty { "Nothing falls due within 90 days." } };
    }
    let counts = days.iter().map(|(date, day)| (*date, day.steps.values().map(size).sum())).collect();
    let (soon, later): (Vec<_>, Vec<_>) = days.values().enumerate().partition(|(n, _)| *n < DAYS);
    html! {
        p.lead { "What applies do that run whenever something is due. One that runs late only puts it off." }
        div.calendar {
            (weeks(&counts, date(now), date(HORIZON.after(now))))
            (totals(&days))
        }
        ol.agenda { @for (_, day) in &soon { (put(day, now)) } }
        @if !later.is_empty() {
            details.group.more {
                summary { h3 { "Later " span.n { (later.len()) " more days" } } }
                ol.agenda { @for (_, day) in &later { (put(day, now)) } }
            }
        }
    }
}

fn days(rows: &[StatusRow], external: &[ExternalRow], now: Timestamp) -> BTreeMap<Date, Day> {
    let mut days: BTreeMap<Date, Day> = BTreeMap::new();
    let mut add = |at: Timestamp, what, key: String, environment: Option<String>| {
        let day = days.entry(date(at)).or_insert_with(|| Day { at, steps: BTreeMap::new() });
        day.steps.entry(what).or_default().entry(key).or_default().extend(environment);
    };
    for row in rows {
        let Address::Key { environment, key } = &row.address else { continue };
        for step in &row.more.ahead {
            add(step.at, What::Apply(step.verb), key.to_string(), Some(environment.to_string()));
        }
    }
    let end = HORIZON.after(now);
    for row in external {
        if let Some(due) = row.due.filter(|due| *due <= end) {
            add(due.max(now), What::ByHand, format!("external_key.{}", row.label), None);
        }
    }
    days
}

/// How many steps; one for what is in no environment.
fn size(whom: &Whom) -> usize {
    whom.values().map(|environments| environments.len().max(1)).sum()
}

/// How many of each there are, the most first.
fn totals(days: &BTreeMap<Date, Day>) -> Markup {
    let mut totals: BTreeMap<What, usize> = BTreeMap::new();
    for (what, whom) in days.values().flat_map(|day| &day.steps) {
        *totals.entry(*what).or_default() += size(whom);
    }
    let mut totals: Vec<(What, usize)> = totals.into_iter().collect();
    totals.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    html! {
        dl.totals { @for (what, count) in totals { div { dt { (put_what(what)) } dd { (count) } } } }
    }
}

fn put(day: &Day, now: Timestamp) -> Markup {
    html! {
        li {
            h3.day { (day.at.strftime("%a %-d %b")) " " span.dim { (until(day.at, now)) } }
            ul {
                @for (what, whom) in &day.steps {
                    li {
                        (put_what(*what)) " "
                        @if size(whom) > 1 { span.n { (size(whom)) } " " }
                        (put_whom(whom))
                    }
                }
            }
        }
    }
}

fn put_whom(whom: &Whom) -> Markup {
    let named = if whom.len() > NAMED { TASTE } else { NAMED };
    html! {
        @for (n, (key, environments)) in whom.iter().take(named).enumerate() {
            @if n > 0 { ", " }
            code { (key) }
            @if !environments.is_empty() {
                span.dim {
                    " in "
                    @for (n, environment) in environments.iter().take(NAMED).enumerate() {
                        @if n > 0 { ", " } (environment)
                    }
                    @if environments.len() > NAMED { " and " (environments.len() - NAMED) " more" }
                }
            }
        }
        @if whom.len() > named { span.dim { ", and " (whom.len() - named) " more keys" } }
    }
}

fn put_what(what: What) -> Markup {
    match what {
        What::Apply(verb) => html! {
            span class={ "verb " (class(Tone::of(verb))) } { (symbol(verb)) (verb.as_str()) }
        },
        What::ByHand => html! {
            span.verb.warn { span.sym aria-hidden="true" { "✎" } "replace by hand" }
        },
    }
}
