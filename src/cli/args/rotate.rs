//! The words of `rotate`.

use std::str::FromStr;

use clap::Args;

use super::{Format, Lift, Service};
use crate::model::{Address, AddressError, Pattern, PatternError};

const ROTATE_HELP: &str = "\
The new key comes first: it is made, sealed, enabled and tried, and the old one goes on working. It is
disabled by the first apply after the overlap (that of `rotate`, else 7 days), and deleted by the first
one after its quarantine. Nothing else of the plan is done.

Due rotations need no command: every apply carries them out.

  keycomb rotate key.production.checkout
  keycomb rotate 'key.production.*' --yes     all declared keys of an environment
  keycomb rotate 'key.*.checkout'             one key of every environment that has it";

/// `keycomb rotate`
#[derive(Debug, Args)]
#[command(after_help = ROTATE_HELP)]
pub struct Rotate {
    /// Which keys: key.ENVIRONMENT.NAME, or a glob over what is declared ('key.production.*': * is any characters, ? is one)
    #[arg(required = true, value_name = "ADDRESS|GLOB")]
    pub keys: Vec<Keys>,
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
    /// For a runner whose disk does not last: make and seal the keys, and enable none (see `keycomb apply --help`)
    #[arg(long)]
    pub stage: bool,
}

/// One key, or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keys {
    /// This one.
    One(Address),
    /// All declared ones that are like it.
    Like(Pattern),
}

impl FromStr for Keys {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains(['*', '?']) {
            return text.parse().map(Self::Like).map_err(|error: PatternError| error.to_string());
        }
        text.parse().map(Self::One).map_err(|error: AddressError| error.to_string())
    }
}
