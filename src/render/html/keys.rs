//! Every key, environment by environment: what it may do, where in its life it is, and what comes next.

use maud::{Markup, html};

use super::external::dash;
use super::strip::strip;
use super::words::{class, day, named, shown, symbol, until};
use crate::model::counted;
use crate::model::{Address, Label, Timestamp};
use crate::plan::{LifeStage, Next, Verb};
use crate::render::status::StatusRow;
use crate::render::style::Tone;
use crate::render::text::short;

/// With more keys their environments are folded.
const OPEN: usize = 120;

/// All keys, in the order given: by address, then generation.
pub(super) fn keys(rows: &[StatusRow], now: Timestamp) -> Markup {
    let groups: Vec<&[StatusRow]> =
        rows.chunk_by(|a, b| a.address.environment() == b.address.environment()).collect();
    let is_open = rows.len() <= OPEN;
    html! {
        p.lead {
            (counted(rows.len(), "key")) " in " (counted(groups.len(), "environment"))
            ". The strip shows 90 days: " span.key-w { "works" } ", " span.key-t { "a successor is made" } ", "
            span.key-q { "off, and kept until it is deleted" } "."
        }
        @for rows in groups {
            @if let Some(first) = rows.first() { (environment(first.address.environment(), rows, now, is_open)) }
        }
    }
}

fn environment(label: &Label, rows: &[StatusRow], now: Timestamp, is_open: bool) -> Markup {
    html! {
        details.group open[is_open] {
            summary { h3 { code { (label) } " " span.n { (rows.len()) } } span.told { (told(rows, now)) } }
            div.table {
                table.keys {
                    thead {
                        tr {
                            th scope="col" { "Key" }
                            th scope="col" { "Type and permissions" }
                            th scope="col" { "Gen" }
                            th scope="col" { "Age" }
                            th scope="col" { "Phase" }
                            th scope="col" { "Next" }
                            th scope="col" { span.scale { span { "today" } span { "30" } span { "60" } span { "90 days" } } }
                        }
                    }
                    tbody {
                        // The newest generation first: it is the one in use.
                        @for of_key in rows.chunk_by(|a, b| a.address == b.address) {
                            @for (n, row) in of_key.iter().rev().enumerate() { (put(row, n > 0, now)) }
                        }
                    }
                }
            }
        }
    }
}

/// What an environment comes to, for when it is folded.
fn told(rows: &[StatusRow], now: Timestamp) -> String {
    let mut stages: Vec<(LifeStage, usize)> = vec![];
    for row in rows {
        match stages.iter_mut().find(|(stage, _)| *stage == row.phase) {
            Some((_, count)) => *count += 1,
            None => stages.push((row.phase, 1)),
        }
    }
    stages.sort();
    let mut parts: Vec<String> =
        stages.iter().map(|(stage, count)| format!("{count} {}", stage.as_str())).collect();
    let next = rows.iter().filter_map(|row| row.more.ahead.first()).min();
    parts.extend(next.map(|step| format!("next {} {}", step.verb.as_str(), until(step.at, now))));
    parts.join(" · ")
}

fn put(row: &StatusRow, is_older: bool, now: Timestamp) -> Markup {
    let StatusRow { address, id, key_type, age, generation, phase, next, revoked, more, recipients: _ } = row;
    let label = match address {
        Address::Key { key, .. } => key.as_str(),
        Address::Environment(label) => label.as_str(),
    };
    let has_name = !more.name.is_empty() && more.name != label;
    let (tone, sign) = look(*phase);
    html! {
        tr {
            th scope="row" title=[id.as_deref().map(shown)] {
                code class=[is_older.then_some("dim")] { (label) }
                @if is_older { span.nm { "an earlier generation" } }
                @else if has_name || more.owner.is_some() {
                    span.nm {
                        @if has_name { (named(&more.name)) }
                        @if has_name && more.owner.is_some() { " · " }
                        @if let Some(owner) = &more.owner { (named(owner)) }
                    }
                }
            }
            td {
                (key_type)
                @if !more.permissions.is_empty() || !more.unknown_permissions.is_empty() {
                    span.nm {
                        @for (n, permission) in more.permissions.iter().enumerate() {
                            @if n > 0 { ", " } (permission)
                        }
                        @for (n, name) in more.unknown_permissions.iter().enumerate() {
                            @if n > 0 || !more.permissions.is_empty() { ", " } (named(name)) " (unknown)"
                        }
                    }
                }
            }
            td.num { @match generation { Some(generation) => (generation), None => (dash()) } }
            td.num { @match age { Some(age) => (short(*age)), None => (dash()) } }
            td {
                span class={ "ph " (tone) } { span.sym aria-hidden="true" { (sign) } (phase.as_str()) }
                @if let Some(reason) = revoked { span.nm { (shown(reason)) } }
            }
            td { @match next { Some(next) => (put_next(*next, now)), None => (dash()) } }
            td.days { (strip(row, now)) }
        }
    }
}

fn put_next(next: Next, now: Timestamp) -> Markup {
    let Next { verb, at } = next;
    html! {
        span class=(class(Tone::of(verb))) { (symbol(verb)) (verb.as_str()) }
        " "
        @match (verb, at) {
            (_, None) => span.nm { "with the next apply" },
            (Verb::Release, Some(at)) => span.nm { "until " (day(at, now)) },
            (_, Some(at)) if at <= now => span.nm { "due since " (day(at, now)) },
            (_, Some(at)) => span.nm { (day(at, now)) " · " (until(at, now)) },
        }
    }
}

/// How a stage looks, with and without colour.
fn look(stage: LifeStage) -> (&'static str, &'static str) {
    match stage {
        LifeStage::Live => ("good", "●"),
        LifeStage::Overlap => ("good", "◐"),
        LifeStage::SwitchedOff => ("calm", "○"),
        LifeStage::Declared => ("calm", "+"),
        LifeStage::Quarantine => ("warn", "◌"),
        LifeStage::Unreleased | LifeStage::Unfinished | LifeStage::Late => ("warn", "▲"),
        LifeStage::Missing | LifeStage::Revoked => ("bad", "◆"),
    }
}
