//! `keycomb status`: the managed keys, and what is next for each.

use std::collections::BTreeMap;
use std::path::Path;

use super::args::{Format, Global, Status as Args};
use super::exit::Exit;
use super::external;
use super::failure::Failure;
use super::known::Known;
use super::output::Output;
use super::plan::table_style;
use super::session::Session;
use super::whole_file;
use crate::model::visible;
use crate::plan::{self, Allow, Ask, FindingKind};
use crate::render::{self, StatusRow};

/// Shows the managed keys.
///
/// # Errors
/// Those of [`Session`].
pub async fn run(args: &Args, global: &Global, output: &Output) -> Result<Exit, Failure> {
    let session = Session::open(global, &args.service, *output).await?;
    let sealed = session.sealed()?;
    let known = Known::read(&session, sealed.as_ref(), output).await?;
    let probed = if args.probe { external::probe(&session).await? } else { BTreeMap::new() };
    let mut watched = external::rows(&session.desired, &probed, known.live.now);
    let ask = Ask { probed, ..Ask::default() };
    let input = known.input(&session.desired, Allow::default(), ask);
    let now = input.now;
    let mut rows: Vec<StatusRow> = plan::lives(&input).iter().map(|life| StatusRow::of(life, now)).collect();
    if let Some(within) = args.due {
        rows.retain(|row| row.is_due(within.after(now)));
        watched.retain(|row| row.due.is_some_and(|due| due <= within.after(now)));
    }
    let drift = plan::drift(&input);
    let calendar =
        args.ics.as_ref().map(|path| (path, render::calendar(&rows, &watched, &session.desired.team, now)));
    session.close().await;
    let style = table_style(output);
    output.write(&match args.format {
        Format::Text => render::text::status(&rows, &style) + &render::text::external(&watched, &style),
        Format::Json => render::json::status(&rows, &watched),
    })?;
    if let Some((path, text)) = calendar {
        write_calendar(path, &text)?;
    }
    for finding in &drift.findings {
        match finding.kind {
            FindingKind::Unsealed => output.say(&format!("unsealed: {}", visible(&finding.text))),
            FindingKind::ExternalMismatch | FindingKind::ExternalDue => output.say(&visible(&finding.text)),
            _ => {}
        }
    }
    Ok(if drift.is_unsealed() { Exit::Unconfirmed } else { Exit::Done })
}

/// Whole or not at all: calendars are read by others while they are written.
fn write_calendar(path: &Path, text: &str) -> Result<(), Failure> {
    let is_other = |found: Vec<u8>| !found.is_empty() && !found.starts_with(b"BEGIN:VCALENDAR");
    if std::fs::read(path).is_ok_and(is_other) {
        return Err(Failure::words(
            Exit::Usage,
            format!("`{}` is there and is no calendar", path.display()),
            "nothing was written; name a new file, or a calendar to replace",
        ));
    }
    whole_file::write(path, text.as_bytes()).map_err(|source| {
        let what = format!("cannot write the calendar `{}`", path.display());
        Failure::io(what, "name a file in a folder that takes one", source)
    })
}
