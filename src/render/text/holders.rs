//! Used credentials as a table.

use super::page::Page;
use super::summary::counted;
use super::table::{Column, put_last, put_table};
use crate::render::holders::{Verified, VerifyRow};
use crate::render::style::{Style, Tone};

/// What became of each credential that was used once, in the order given, ending in a line break.
pub fn verified(rows: &[VerifyRow], style: &Style) -> String {
    let detail =
        |row: &VerifyRow| row.detail.as_deref().map_or_else(|| "-".to_owned(), |text| style.shown(text));
    let mut page = Page::new(style);
    let table = vec![
        Column::new("ADDRESS", false, 0, rows.iter().map(|row| row.address.to_string())),
        Column::new("GEN", false, 2, rows.iter().map(|row| row.generation.to_string())),
        Column::new("STATE", false, 3, rows.iter().map(|row| row.state.to_owned())),
        Column::new("ID", false, 4, rows.iter().map(|row| style.shown(&row.id))),
        Column::new("RESULT", false, 0, rows.iter().map(|row| row.result.as_str().replace('_', " "))),
        Column::new("DETAIL", true, 1, rows.iter().map(detail)),
    ];
    let left_out = put_table(&mut page, table, rows.len());
    let count = |wanted: &dyn Fn(&VerifyRow) -> bool| rows.iter().filter(|row| wanted(row)).count();
    let mut parts = vec![(Tone::Strong, format!("{} as they should be", count(&is_good)))];
    let failed = count(&|row| row.is_failed);
    if failed > 0 {
        parts.push((Tone::Bad, format!("{} not", counted(failed, "key"))));
    }
    let unasked = count(&|row| !row.is_failed && row.result == Verified::Unreachable);
    if unasked > 0 {
        parts.push((Tone::Bad, format!("{unasked} not asked about")));
    }
    let closed = count(&|row| !row.is_failed && matches!(row.result, Verified::Closed | Verified::NoSecret));
    if closed > 0 {
        parts.push((Tone::Dim, format!("{closed} not opened")));
    }
    put_last(&mut page, parts, &left_out);
    page.finish()
}

fn is_good(row: &VerifyRow) -> bool {
    matches!(row.result, Verified::Works | Verified::Off)
}
