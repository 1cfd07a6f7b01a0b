//! Managed keys and sealed secrets as tables.

use std::time::Duration;

use comfy_table::{ContentArrangement, Table, TableStyle};

use super::page::Page;
use super::summary::counted;
use crate::render::status::{SecretRow, StatusRow};
use crate::render::style::{Style, Tone};

/// The managed keys as a person reads them, in the order given, ending in a line break.
pub fn status(rows: &[StatusRow], style: &Style) -> String {
    let cells = |row: &StatusRow| {
        let StatusRow { address, id, key_type, age, generation, state, recipients, next } = row;
        let dash = || "-".to_owned();
        vec![
            address.to_string(),
            key_type.to_string(),
            generation.map_or_else(dash, |generation| generation.to_string()),
            style.shown(state),
            age.map_or_else(dash, short),
            id.as_deref().map_or_else(dash, |id| style.shown(id)),
            names(style, recipients),
            next.as_deref().map(|next| style.shown(next)).unwrap_or_default(),
        ]
    };
    let header = ["ADDRESS", "TYPE", "GEN", "STATE", "AGE", "ID", "SEALED TO", "NEXT"];
    let mut page = Page::new(style);
    put_table(&mut page, &header, rows.iter().map(cells).collect());
    let due = rows.iter().filter(|row| row.next.is_some()).count();
    let mut parts = vec![(Tone::Strong, counted(rows.len(), "key"))];
    if due > 0 {
        parts.push((Tone::Change, format!("{due} with something to come")));
    }
    page.parts(2, &parts);
    page.finish()
}

/// The entries of a sealed file as a person reads them, in the order given, ending in a line break.
pub fn secrets(rows: &[SecretRow], style: &Style) -> String {
    let cells = |row: &SecretRow| {
        let SecretRow { address, generation, id, state, recipients, sealed } = row;
        vec![
            address.to_string(),
            generation.to_string(),
            style.shown(state),
            style.shown(id),
            if *sealed { "yes" } else { "no" }.to_owned(),
            names(style, recipients),
        ]
    };
    let header = ["ADDRESS", "GEN", "STATE", "ID", "SEALED", "OPENED BY"];
    let mut page = Page::new(style);
    put_table(&mut page, &header, rows.iter().map(cells).collect());
    let sealed = rows.iter().filter(|row| row.sealed).count();
    let without = rows.len() - sealed;
    let mut parts = vec![(Tone::Strong, counted(sealed, "sealed secret"))];
    if without > 0 {
        parts.push((Tone::Change, format!("{} without", counted(without, "key"))));
    }
    page.parts(2, &parts);
    page.finish()
}

/// Puts a table and a blank line; nothing where there are no rows.
fn put_table(page: &mut Page<'_>, header: &[&str], rows: Vec<Vec<String>>) {
    if rows.is_empty() {
        return;
    }
    let mut table = Table::new();
    table.load_style(TableStyle::new()).set_content_arrangement(ContentArrangement::Dynamic);
    // The padding of the last column is cut off.
    table.set_width(u16::try_from(page.width() + 2).unwrap_or(u16::MAX));
    table.set_header(header.to_vec()).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines: Vec<String> = table.lines().collect();
    let header_lines = header_height(&lines, header);
    for (number, line) in lines.iter().enumerate() {
        page.put(if number < header_lines { Tone::Dim } else { Tone::Plain }, line.trim_end());
        page.end();
    }
    page.end();
}

/// How many lines the header takes: narrow columns break it.
fn header_height(lines: &[String], header: &[&str]) -> usize {
    let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
    let wanted: usize = header.iter().map(|title| letters(title)).sum();
    let mut seen = 0;
    let missing = |line: &&String| {
        let is_missing = seen < wanted;
        seen += letters(line);
        is_missing
    };
    lines.iter().take_while(missing).count()
}

fn names(style: &Style, names: &[String]) -> String {
    if names.is_empty() {
        return "-".to_owned();
    }
    names.iter().map(|name| style.shown(name)).collect::<Vec<_>>().join(", ")
}

/// A length of time in its largest unit.
fn short(age: Duration) -> String {
    let seconds = age.as_secs();
    let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
    match units.into_iter().find(|(size, _)| seconds >= *size) {
        Some((size, unit)) => format!("{}{unit}", seconds / size),
        None => format!("{seconds}s"),
    }
}
