//! The first line of a page, and the titles on it.

use super::page::Page;
use super::summary::counted;
use crate::plan::Header;
use crate::render::style::Tone;

/// Puts what was read, of which team, where.
pub(super) fn put(page: &mut Page<'_>, title: &str, header: &Header) {
    let Header { team, endpoint, sealed, now, read, declared: (environments, keys), terms, snapshot } =
        header;
    let declared = format!("{}, {} declared", counted(*environments, "environment"), counted(*keys, "key"));
    let mut parts = vec![
        (Tone::Strong, title.to_owned()),
        (Tone::Plain, format!("team {team}")),
        (Tone::Dim, page.style.shown(endpoint.as_str())),
        (Tone::Dim, declared),
    ];
    if header.is_forecast() {
        parts.insert(1, (Tone::Change, format!("forecast for {now:.0}")));
    }
    if let Some(told) = terms.allow.told() {
        parts.insert(1, (Tone::Change, told));
    }
    if !terms.select.is_all() {
        parts.insert(1, (Tone::Change, format!("partial: {}", page.style.shown(&terms.select.options()))));
    }
    if *snapshot {
        parts.insert(1, (Tone::Change, format!("from a snapshot of {read:.0}")));
    }
    if sealed.is_none() {
        parts.push((Tone::Dim, "no sealed file yet".to_owned()));
    }
    page.parts(2, &parts);
    page.end();
}

/// Puts a title.
pub(super) fn section(page: &mut Page<'_>, title: &str) {
    page.to(2);
    page.put(Tone::Strong, title);
    page.end();
}
