//! `keycomb import terraform`: what Terraform made is managed from here on, as it is.

mod document;
mod matching;
mod secrets;
mod shown;
mod source;

pub use document::Document;

use super::args::{Format, Global, ImportTerraform as Args, Lift};
use super::carry::{Asked, Order, carry_out_with};
use super::exit::Exit;
use super::failure::Failure;
use super::interrupt::Interrupt;
use super::known::Known;
use super::output::Output;
use super::session::Session;
use crate::apply::Home;
use crate::model::visible;
use crate::render;
use crate::terraform::State;
use matching::{Found, find};

/// Shows what would be taken over; with `--write` takes it over.
///
/// # Errors
/// A file that is no state (3), and those of [`carry_out_with`].
pub async fn run(
    args: &Args,
    global: &Global,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let state = source::read(&args.file, output)?;
    match &args.write {
        None => interrupt.or(look(args, &state, global, output)).await,
        Some(folder) => take_over(args, &state, folder, global, output, interrupt).await,
    }
}

/// Nothing is written, and no secret is used.
async fn look(args: &Args, state: &State, global: &Global, output: &Output) -> Result<Exit, Failure> {
    let session = Session::open(global, &args.service, *output).await?;
    let sealed = session.sealed()?;
    let known = Known::read(&session, sealed.as_ref(), output).await?;
    let found = find(state, matching::EXAMPLE, &session, &known, &global.config)?;
    let document = Document::of(state, &found, known.live.now);
    session.close().await;
    output.write(&match args.format {
        Format::Text => shown::look(&document),
        Format::Json => render::json::document(&document),
    })?;
    Ok(Exit::Done)
}

async fn take_over(
    args: &Args,
    state: &State,
    folder: &str,
    global: &Global,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let order = Order {
        verb: "import terraform",
        look: "import terraform FILE",
        service: &args.service,
        lift: &Lift::default(),
        format: args.format,
        emit: &[],
        yes: args.yes,
        home: Home::Disk,
    };
    let mut told = None;
    let asked = async |session: &Session, known: &Known<'_>| {
        let mut found = find(state, folder, session, known, &global.config)?;
        secrets::seal(state, &mut found, session, known, output).await?;
        told = Some(Document::of(state, &found, known.live.now));
        let Found { ask, files, .. } = found;
        Ok(Asked { ask, files, skipped: vec![] })
    };
    let exit = carry_out_with(&order, asked, global, output, interrupt).await?;
    let Some(document) = told.filter(|_| exit == Exit::Done) else { return Ok(exit) };
    match args.format {
        // Below the report, which is the result.
        Format::Text => output.write(&shown::after(&document))?,
        Format::Json => output.say(shown::after(&document).trim_end()),
    }
    Ok(exit)
}

/// A line about something that may have any name.
fn line(text: &str) -> String {
    visible(text).into_owned()
}
