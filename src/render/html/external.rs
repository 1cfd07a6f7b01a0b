//! The keys that are only watched.

use maud::{Markup, html};

use super::words::{day, named, severity, shown, until};
use crate::model::Timestamp;
use crate::plan::Severity;
use crate::render::status::ExternalRow;
use crate::render::text::short;

/// A table of them, in the order given.
pub(super) fn external(rows: &[ExternalRow], now: Timestamp) -> Markup {
    html! {
        p.lead { "Made by hand, and only watched: keycomb says when they are to be replaced." }
        div.table {
            table.keys.watched {
                thead {
                    tr {
                        th scope="col" { "Key" }
                        th scope="col" { "Kind" }
                        th scope="col" { "Owner" }
                        th scope="col" { "Age" }
                        th scope="col" { "State" }
                        th scope="col" { "Replace by" }
                    }
                }
                tbody { @for row in rows { (put(row, now)) } }
            }
        }
    }
}

fn put(row: &ExternalRow, now: Timestamp) -> Markup {
    let ExternalRow { label, kind, owner, age, state, due, severity: grave } = row;
    html! {
        tr {
            th scope="row" { code { (label) } }
            td { (kind.as_str()) }
            td { @match owner { Some(owner) => (named(owner)), None => (dash()) } }
            td.num { @match age { Some(age) => (short(*age)), None => (dash()) } }
            td { (shown(state)) }
            td {
                @match due {
                    Some(due) => {
                        span class=(grave.map_or("calm", severity)) {
                            @match grave {
                                Some(Severity::High) => { "◆ overdue since " (day(*due, now)) },
                                Some(_) => { "▲ " (day(*due, now)) },
                                None => (day(*due, now)),
                            }
                        }
                        @if *grave != Some(Severity::High) { span.dim { " " (until(*due, now)) } }
                    },
                    None => (dash()),
                }
            }
        }
    }
}

/// Nothing to show, and nothing to read out.
pub(super) fn dash() -> Markup {
    html! { span.dim aria-hidden="true" { "–" } }
}
