//! Thirteen weeks at a glance: how much falls on each day.

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday};
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use maud::{Markup, html};

const DAYS: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

/// The day of an instant, in UTC.
pub(super) fn date(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// A table of weeks, from that of `first` to that of `last`: a number on each day that has one.
pub(super) fn weeks(counts: &BTreeMap<Date, usize>, first: Date, last: Date) -> Markup {
    let mondays = mondays(first, last);
    let most = counts.values().copied().max().unwrap_or(1);
    html! {
        div.table {
            table.weeks {
                caption { "Steps on each day; a column is a week" }
                thead {
                    tr {
                        th {}
                        @for (name, length) in months(&mondays) {
                            // One column is too narrow for a name beside the next month's.
                            th.month scope="colgroup" colspan=(length) {
                                @if length > 1 { (name) } @else { span.hidden { (name) } }
                            }
                        }
                    }
                    tr {
                        th scope="col" { span.hidden { "Week of" } }
                        @for monday in &mondays { th scope="col" { (monday.day()) } }
                    }
                }
                tbody {
                    @for weekday in DAYS {
                        tr {
                            th scope="row" { (name(weekday)) }
                            @for monday in &mondays { (cell(day_of(*monday, weekday), counts, most, (first, last))) }
                        }
                    }
                }
            }
        }
    }
}

fn cell(
    day: Option<Date>,
    counts: &BTreeMap<Date, usize>,
    most: usize,
    (first, last): (Date, Date),
) -> Markup {
    let Some(day) = day.filter(|day| *day >= first && *day <= last) else { return html! { td.out {} } };
    let count = counts.get(&day).copied().unwrap_or_default();
    // Four depths; the number itself is there too.
    let depth = (count * 4).div_ceil(most.max(1)).min(4);
    let today = if day == first { " today" } else { "" };
    html! { td class={ "d" (depth) (today) } { @if count > 0 { (short(count)) } } }
}

/// What fits a cell on a phone; the list beside it has the number.
fn short(count: usize) -> String {
    if count < 1_000 { count.to_string() } else { format!("{}k", count / 1_000) }
}

fn mondays(first: Date, last: Date) -> Vec<Date> {
    let back = i64::from(first.weekday().to_monday_zero_offset());
    let start = first.checked_sub(back.days()).unwrap_or(first);
    let mut mondays = vec![];
    let mut monday = Some(start);
    while let Some(day) = monday.filter(|day| *day <= last) {
        mondays.push(day);
        monday = day.checked_add(7.days()).ok();
    }
    mondays
}

fn day_of(monday: Date, weekday: Weekday) -> Option<Date> {
    monday.checked_add(i64::from(weekday.to_monday_zero_offset()).days()).ok()
}

/// The months that the weeks begin in, and how many of each.
fn months(mondays: &[Date]) -> Vec<(String, usize)> {
    mondays
        .chunk_by(|a, b| (a.year(), a.month()) == (b.year(), b.month()))
        .filter_map(|weeks| weeks.first().map(|first| (first.strftime("%b").to_string(), weeks.len())))
        .collect()
}

fn name(weekday: Weekday) -> &'static str {
    match weekday {
        Weekday::Monday => "Mon",
        Weekday::Tuesday => "Tue",
        Weekday::Wednesday => "Wed",
        Weekday::Thursday => "Thu",
        Weekday::Friday => "Fri",
        Weekday::Saturday => "Sat",
        Weekday::Sunday => "Sun",
    }
}
