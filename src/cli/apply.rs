//! `keycomb apply`: what the files say is carried out, or a saved plan.

use super::args::{Apply as Args, Global};
use super::carry::{Asked, Order, carry_out_held};
use super::choose::choose;
use super::emit;
use super::exit::Exit;
use super::failure::Failure;
use super::held::{self, Held};
use super::interrupt::Interrupt;
use super::known::Known;
use super::output::Output;
use super::session::Session;
use crate::apply::Home;
use crate::model::visible;
use crate::plan::{Allow, Ask};
use crate::render::Run;

/// Shows the plan, asks, and carries it out.
///
/// # Errors
/// Whatever stops it before the first write; after that the report says what happened, and the exit code follows it.
pub async fn run(
    args: &Args,
    global: &Global,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    emit::check(&args.emit.emit, Run::Apply, global)?;
    let home = match (args.stage, args.release) {
        (true, _) => Home::Staged,
        (false, true) => Home::Elsewhere,
        (false, false) => Home::Disk,
    };
    let held = held(args, global, output)?;
    // Somebody has looked at it already; who sits at a terminal is asked all the same.
    let is_approved = !matches!(held, Held::Nothing) && !output.interactive;
    let order = Order {
        verb: "apply",
        look: "plan",
        service: &args.service,
        lift: &args.lift,
        format: args.format,
        emit: &args.emit.emit,
        yes: args.yes || is_approved,
        home,
    };
    let ask = async |session: &Session, known: &Known<'_>| {
        let input = known.input(&session.desired, Allow::default(), Ask::default());
        let ask = Ask { select: choose(&args.choose, &input)?, ..Ask::default() };
        Ok(Asked { ask, ..Asked::default() })
    };
    carry_out_held(&order, &held, ask, global, output, interrupt).await
}

fn held(args: &Args, global: &Global, output: &Output) -> Result<Held, Failure> {
    if let Some(intent) = &args.expect {
        return Ok(Held::Intent(intent.clone()));
    }
    let Some(path) = &args.file else { return Ok(Held::Nothing) };
    let (saved, digest) = held::read(path)?;
    let shown = path.display().to_string();
    let lifted = saved.plan.header.terms.allow.told().map(|told| format!("; {told}")).unwrap_or_default();
    output.say(&format!(
        "saved plan {}: {}, made {:.0}, valid until {:.0}{lifted}",
        visible(&shown),
        saved.intent,
        saved.made,
        saved.valid_until
    ));
    let held = Held::Saved(Box::new(saved), digest);
    held.check_files(global, &args.service)?;
    Ok(held)
}
