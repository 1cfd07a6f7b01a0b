//! `keycomb rotate`: named keys get a new secret now, due or not.

use std::collections::BTreeSet;

use super::args::{Global, Rotate as Args};
use super::carry::{Order, carry_out};
use super::exit::Exit;
use super::failure::Failure;
use super::interrupt::Interrupt;
use super::output::Output;
use crate::apply::Home;
use crate::model::{Address, Desired};
use crate::plan::Ask;

/// Shows the plan for the named keys alone, asks, and carries it out.
///
/// # Errors
/// An address that no file declares (3); those of [`carry_out`].
pub async fn run(
    args: &Args,
    global: &Global,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let order = Order {
        verb: "rotate",
        look: "status",
        service: &args.service,
        lift: &args.lift,
        format: args.format,
        emit: &[],
        yes: args.yes,
        home: Home::Disk,
    };
    let addresses: BTreeSet<Address> = args.addresses.iter().cloned().collect();
    let ask = |desired: &Desired| match addresses.iter().find(|address| !desired.keys.contains_key(*address))
    {
        Some(unknown) => Err(undeclared(unknown)),
        None => Ok(Ask { rotate: addresses.clone(), only: Some(addresses.clone()), ..Ask::default() }),
    };
    carry_out(&order, |desired, _| ask(desired), global, output, interrupt).await
}

fn undeclared(address: &Address) -> Failure {
    Failure::words(
        Exit::Config,
        format!("no file declares `{address}`"),
        "`keycomb status` shows the addresses of all keys; what is not declared is retired, not rotated",
    )
}
