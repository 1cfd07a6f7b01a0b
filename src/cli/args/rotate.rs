//! The words of `rotate`.

use clap::Args;

use super::{Format, Lift, Service};
use crate::model::Address;

const ROTATE_HELP: &str = "\
The new key comes first: it is made, sealed, enabled and tried, and the old one goes on working. It is
disabled by the first apply after the overlap (that of `rotate`, else 7 days), and deleted by the first
one after its quarantine. Nothing else of the plan is done.

Due rotations need no command: every apply carries them out.";

/// `keycomb rotate`
#[derive(Debug, Args)]
#[command(after_help = ROTATE_HELP)]
pub struct Rotate {
    /// Which keys: key.ENVIRONMENT.NAME
    #[arg(required = true, value_name = "ADDRESS")]
    pub addresses: Vec<Address>,
    /// The service.
    #[command(flatten)]
    pub service: Service,
    /// What is lifted.
    #[command(flatten)]
    pub lift: Lift,
    /// The report's form
    #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
    pub format: Format,
    /// Do not ask. Never lifts a guard
    #[arg(short, long)]
    pub yes: bool,
}
