//! `keycomb forget` and `keycomb mv`: what is managed and where, and never the service.

use super::args::{Forget, Format, Global, Lift, Mv, Service};
use super::carry::{Order, carry_out};
use super::exit::Exit;
use super::failure::Failure;
use super::interrupt::Interrupt;
use super::output::Output;
use crate::apply::Home;
use crate::plan::Ask;

/// Takes addresses out of the record.
///
/// # Errors
/// Those of [`carry_out`].
pub async fn forget(
    args: &Forget,
    global: &Global,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let ask = Ask { forget: args.address.iter().cloned().collect(), ..Ask::default() };
    let order = ("forget", &args.service, args.format, args.yes);
    carry(order, ask, global, output, interrupt).await
}

/// Moves what is recorded at one address to another.
///
/// # Errors
/// Those of [`carry_out`].
pub async fn mv(args: &Mv, global: &Global, output: &Output, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let ask = Ask { moves: [(args.from.clone(), args.to.clone())].into(), ..Ask::default() };
    carry(("mv", &args.service, args.format, args.yes), ask, global, output, interrupt).await
}

async fn carry(
    (verb, service, format, yes): (&'static str, &Service, Format, bool),
    ask: Ask,
    global: &Global,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let lift = &Lift::default();
    let order = Order { verb, look: "status", service, lift, format, emit: &[], yes, home: Home::Disk };
    carry_out(&order, |_, _| Ok(ask), global, output, interrupt).await
}
