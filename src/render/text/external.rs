//! External keys as a table below the managed ones.

use super::page::Page;
use super::summary::counted;
use super::table::{Column, dash, put_last, put_table, short};
use crate::plan::Severity;
use crate::render::status::ExternalRow;
use crate::render::style::{Style, Tone};

/// The external keys as a person reads them, in the order given, ending in a line break; nothing where there are none.
pub fn external(rows: &[ExternalRow], style: &Style) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let text = |text: &Option<String>| text.as_deref().map_or_else(dash, |text| style.shown(text));
    let due = |row: &ExternalRow| row.due.map_or_else(dash, |due| due.strftime("%Y-%m-%d").to_string());
    let mut page = Page::new(style);
    let table = vec![
        Column::new("EXTERNAL KEY", false, 0, rows.iter().map(|row| format!("external_key.{}", row.label))),
        Column::new("KIND", false, 3, rows.iter().map(|row| row.kind.as_str().to_owned())),
        Column::new("STATE", true, 0, rows.iter().map(|row| style.shown(&row.state))),
        Column::new("AGE", false, 2, rows.iter().map(|row| row.age.map_or_else(dash, short))),
        Column::new("OWNER", true, 4, rows.iter().map(|row| text(&row.owner))),
        Column::new("REPLACE BY", false, 1, rows.iter().map(due)),
    ];
    let left_out = put_table(&mut page, table, rows.len());
    let overdue = rows.iter().filter(|row| row.severity == Some(Severity::High)).count();
    let mut parts = vec![(Tone::Strong, counted(rows.len(), "external key"))];
    if overdue > 0 {
        parts.push((Tone::Bad, format!("{overdue} overdue")));
    }
    put_last(&mut page, parts, &left_out);
    page.finish()
}
