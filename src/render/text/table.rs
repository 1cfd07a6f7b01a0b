//! Managed keys and sealed secrets as tables.

use std::collections::BTreeSet;
use std::time::Duration;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, TableStyle};

use super::page::{Page, columns};
use super::summary::counted;
use crate::model::{Address, RecipientRef};
use crate::plan::{Next, Verb};
use crate::render::status::{SecretRow, StatusRow};
use crate::render::style::{Style, Tone};

/// What a column that may be wrapped gets at least.
const WRAPPED: usize = 12;
/// What stands between columns.
const BETWEEN: usize = 2;

/// A column: its cells, whether they may be wrapped, and how soon it is left out where room is short (0: never).
pub(super) struct Column {
    title: &'static str,
    wraps: bool,
    dispensable: u8,
    cells: Vec<String>,
}

impl Column {
    pub(super) fn new(
        title: &'static str,
        wraps: bool,
        dispensable: u8,
        cells: impl Iterator<Item = String>,
    ) -> Self {
        Self { title, wraps, dispensable, cells: cells.collect() }
    }

    /// The columns it takes at least.
    fn width(&self) -> usize {
        let cells = self.cells.iter().map(String::as_str);
        let longest = cells.chain([self.title]).map(columns).max().unwrap_or_default();
        if self.wraps { longest.min(WRAPPED) } else { longest }
    }
}

/// The managed keys as a person reads them, in the order given, ending in a line break.
///
/// Addresses and ids are never broken while there is another way: where room is short, columns are left out, and
/// the last line says which.
pub fn status(rows: &[StatusRow], style: &Style) -> String {
    let number = |generation: Option<u32>| generation.map_or_else(dash, |generation| generation.to_string());
    let text = |text: &Option<String>| text.as_deref().map_or_else(dash, |text| style.shown(text));
    let mut page = Page::new(style);
    let table = vec![
        Column::new("ADDRESS", false, 0, rows.iter().map(|row| row.address.to_string())),
        Column::new("TYPE", false, 3, rows.iter().map(|row| row.key_type.to_string())),
        Column::new("GEN", false, 4, rows.iter().map(|row| number(row.generation))),
        Column::new("PHASE", false, 0, rows.iter().map(|row| row.phase.as_str().to_owned())),
        Column::new("AGE", false, 2, rows.iter().map(|row| row.age.map_or_else(dash, short))),
        Column::new("ID", false, 5, rows.iter().map(|row| text(&row.id))),
        Column::new("SEALED TO", true, 6, rows.iter().map(|row| names(style, &row.recipients))),
        Column::new(
            "NEXT",
            false,
            1,
            rows.iter().map(|row| row.next.map_or_else(dash, |next| next.verb.as_str().into())),
        ),
        Column::new("DATE", false, 1, rows.iter().map(|row| row.next.map_or_else(dash, date))),
    ];
    let left_out = put_table(&mut page, table, rows.len());
    put_revoked(&mut page, rows);
    let due = rows.iter().filter(|row| row.next.is_some()).count();
    let mut parts = vec![(Tone::Strong, counted(rows.len(), "key"))];
    if due > 0 {
        parts.push((Tone::Change, format!("{due} with something to come")));
    }
    put_last(&mut page, parts, &left_out);
    page.finish()
}

/// Why keys were revoked.
fn put_revoked(page: &mut Page<'_>, rows: &[StatusRow]) {
    let reasons = rows.iter().filter_map(|row| Some((row, row.revoked.as_ref()?)));
    for (row, reason) in reasons {
        let generation = row.generation.unwrap_or_default();
        let text = format!("{} generation {generation} is revoked: {reason}", row.address);
        page.flow(2, Tone::Plain, &page.style.shown(&text));
        page.end();
    }
}

/// The entries of a sealed file as a person reads them, in the order given, ending in a line break.
///
/// Columns are left out as in [`status`].
pub fn secrets(rows: &[SecretRow], style: &Style) -> String {
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let mut page = Page::new(style);
    let table = vec![
        Column::new("ADDRESS", false, 0, rows.iter().map(|row| row.address.to_string())),
        Column::new("GEN", false, 2, rows.iter().map(|row| row.generation.to_string())),
        Column::new("STATE", true, 3, rows.iter().map(|row| style.shown(&row.state))),
        Column::new("ID", false, 4, rows.iter().map(|row| style.shown(&row.id))),
        Column::new("SEALED", false, 1, rows.iter().map(|row| yes(row.sealed))),
        Column::new("OPENED BY", true, 0, rows.iter().map(|row| names(style, &row.recipients))),
    ];
    let left_out = put_table(&mut page, table, rows.len());
    let sealed = rows.iter().filter(|row| row.sealed).count();
    let without = rows.len() - sealed;
    let mut parts = vec![(Tone::Strong, counted(sealed, "sealed secret"))];
    if without > 0 {
        parts.push((Tone::Change, format!("{} without", counted(without, "key"))));
    }
    put_last(&mut page, parts, &left_out);
    put_still_opened(&mut page, rows);
    page.finish()
}

/// Says who is no longer a recipient and can still open what, and what ends that.
fn put_still_opened(page: &mut Page<'_>, rows: &[SecretRow]) {
    let style = page.style;
    let concerned: Vec<&SecretRow> =
        rows.iter().filter(|row| !row.still_opened_by.is_empty() || !row.formerly.is_empty()).collect();
    if concerned.is_empty() {
        return;
    }
    page.blank();
    page.flow(2, Tone::Change, "No longer recipients, and can still open:");
    page.end();
    for row in &concerned {
        let SecretRow { still_opened_by, formerly, declared, .. } = row;
        let named = |readers: &[RecipientRef]| -> Option<String> {
            let all = || declared.iter().chain(still_opened_by).chain(formerly);
            let names: Vec<String> = readers.iter().map(|reader| reader.among(all())).collect();
            (!names.is_empty()).then(|| self::names(style, &names))
        };
        let as_it_is = named(still_opened_by);
        let older = named(formerly).map(|names| format!("{names} (older versions of the file)"));
        let who: Vec<String> = as_it_is.into_iter().chain(older).collect();
        page.to(2);
        let SecretRow { address, generation, .. } = row;
        let several = concerned.iter().filter(|other| other.address == *address).count() > 1;
        let of = if several { format!(" generation {generation}") } else { String::new() };
        page.flow(6, Tone::Plain, &format!("{address}{of}: {}", who.join(", ")));
        page.end();
    }
    if concerned.iter().any(|row| !row.still_opened_by.is_empty()) {
        page.flow(2, Tone::Plain, "Seal anew: keycomb secrets rekey -i IDENTITY");
        page.end();
    }
    let addresses: BTreeSet<&Address> = concerned.iter().map(|row| &row.address).collect();
    let addresses: Vec<String> = addresses.into_iter().map(ToString::to_string).collect();
    let text = format!("Only a new secret takes it from them: keycomb rotate {}", addresses.join(" "));
    page.flow(2, Tone::Plain, &text);
    page.end();
}

/// Puts a table and a blank line, nothing where there are no rows; gives the titles of what was left out.
pub(super) fn put_table(page: &mut Page<'_>, mut table: Vec<Column>, rows: usize) -> Vec<&'static str> {
    if rows == 0 {
        return vec![];
    }
    let left_out = leave_out(&mut table, page.width());
    let fits = taken(&table) <= page.width();
    let mut drawn = Table::new();
    drawn.load_style(TableStyle::new()).set_content_arrangement(ContentArrangement::Dynamic);
    // The space after the last column is cut off.
    drawn.set_width(u16::try_from(page.width() + BETWEEN).unwrap_or(u16::MAX));
    drawn.set_header(table.iter().map(|column| column.title));
    for row in 0..rows {
        drawn.add_row(table.iter().map(|column| column.cells.get(row).map_or("", String::as_str)));
    }
    for (column, of) in drawn.column_iter_mut().zip(&table) {
        column.set_padding((0, 2));
        if fits && !of.wraps {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    for (number, line) in drawn.lines().enumerate() {
        page.put(if number == 0 && fits { Tone::Dim } else { Tone::Plain }, line.trim_end());
        page.end();
    }
    page.end();
    left_out
}

/// Takes out what can best be spared until the rest fits.
fn leave_out(table: &mut Vec<Column>, width: usize) -> Vec<&'static str> {
    let mut left_out = Vec::new();
    while taken(table) > width {
        let spared = table.iter().filter(|c| c.dispensable > 0).max_by_key(|c| c.dispensable);
        let Some(title) = spared.map(|column| column.title) else { break };
        table.retain(|column| column.title != title);
        left_out.push(title);
    }
    left_out
}

fn taken(table: &[Column]) -> usize {
    let all: usize = table.iter().map(|column| column.width() + BETWEEN).sum();
    all.saturating_sub(BETWEEN)
}

pub(super) fn put_last(page: &mut Page<'_>, mut parts: Vec<(Tone, String)>, left_out: &[&str]) {
    if !left_out.is_empty() {
        let titles = left_out.join(", ").to_lowercase();
        parts.push((Tone::Dim, format!("left out, no room: {titles}")));
    }
    page.parts(2, &parts);
}

/// The day, in UTC, from when on an apply does it; for what can be released: until when.
fn date(next: Next) -> String {
    match next {
        Next { at: None, .. } => "next apply".to_owned(),
        Next { verb: Verb::Release, at: Some(at) } => format!("until {}", at.strftime("%Y-%m-%d")),
        Next { at: Some(at), .. } => at.strftime("%Y-%m-%d").to_string(),
    }
}

pub(super) fn dash() -> String {
    "-".to_owned()
}

fn names(style: &Style, names: &[String]) -> String {
    if names.is_empty() {
        return dash();
    }
    names.iter().map(|name| style.shown(name)).collect::<Vec<_>>().join(", ")
}

/// A length of time in its largest unit.
pub(in crate::render) fn short(age: Duration) -> String {
    let seconds = age.as_secs();
    let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
    match units.into_iter().find(|(size, _)| seconds >= *size) {
        Some((size, unit)) => format!("{}{unit}", seconds / size),
        None => format!("{seconds}s"),
    }
}
