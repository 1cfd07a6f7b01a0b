//! `keycomb drift`: live against last applied.

use std::collections::BTreeMap;

use super::args::{Drift as Args, Format, Global};
use super::emit;
use super::exit::Exit;
use super::external;
use super::failure::Failure;
use super::known::Known;
use super::output::Output;
use super::plan::style;
use super::session::Session;
use crate::plan::{self, Allow, Ask};
use crate::render::{self, Sheet};

/// Shows what changed at the service since the last apply.
///
/// # Errors
/// Those of [`Session`].
pub async fn run(args: &Args, global: &Global, output: &Output) -> Result<Exit, Failure> {
    let session = Session::open(global, &args.service, *output).await?;
    let sealed = session.sealed()?;
    if sealed.is_none() {
        output.say(&format!(
            "note: there is no sealed file at `{}`: nothing was applied yet, or it was not committed",
            session.sealed_path.display()
        ));
    }
    let known = Known::read(&session, sealed.as_ref(), output).await?;
    let probed = if args.probe { external::probe(&session).await? } else { BTreeMap::new() };
    let ask = Ask { probed, ..Ask::default() };
    let drift = plan::drift(&known.input(&session.desired, Allow::default(), ask));
    session.close().await;
    output.write(&match args.format {
        Format::Text => render::text::drift(&drift.header, &drift.findings, &style(output)),
        Format::Json => render::json::drift(&drift.header, &drift.findings),
    })?;
    emit::write(&args.emit.emit, &Sheet { drift: Some(&drift), ..Sheet::default() }, output)?;
    Ok(if drift.is_unsealed() {
        Exit::Unconfirmed
    } else if drift.is_drifted() {
        Exit::Changes
    } else {
        Exit::Done
    })
}
