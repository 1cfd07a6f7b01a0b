//! `keycomb apply`: what the files say is carried out.

use super::args::{Apply as Args, Global};
use super::carry::{Order, carry_out};
use super::exit::Exit;
use super::failure::Failure;
use super::interrupt::Interrupt;
use super::output::Output;
use crate::apply::Home;
use crate::plan::Ask;

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
    let home = match (args.stage, args.release) {
        (true, _) => Home::Staged,
        (false, true) => Home::Elsewhere,
        (false, false) => Home::Disk,
    };
    let order = Order {
        verb: "apply",
        look: "plan",
        service: &args.service,
        lift: &args.lift,
        format: args.format,
        emit: &args.emit.emit,
        yes: args.yes,
        home,
    };
    carry_out(&order, |_, _| Ok(Ask::default()), global, output, interrupt).await
}
