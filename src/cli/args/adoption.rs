//! The words of `adopt`, `forget` and `mv`.

use clap::Args;

use super::{Format, Service, parse_file};
use crate::model::Address;

const ADOPT_HELP: &str = "\
One thing:
  keycomb adopt hcxik_... --as key.production.checkout           declared already
  keycomb adopt hcxik_... --as key.production.checkout --write   declares it, too
  keycomb adopt hcxen_... --as environment.production            first, for its keys

A whole team, into files that keycomb.toml includes from then on; the next plan is empty:
  keycomb adopt --all --write adopted

The service shows a secret once, so an adopted key's is unavailable until its next rotation. If
you have it, --secret-stdin takes the credential (what goes into the X-Honeycomb-Team header),
tries it once, and seals it. For an ingest key that proves that it is this very key: its id is
part of the credential. For a configuration key the service does not say which key it is; it must
be of the same team, environment, type and permissions. A key that is managed without its secret
gets it the same way, with `--as` its address; a secret that is sealed is never replaced.

Nothing is sent to the service but reads; what the files declare otherwise is told, and left for
the next apply.";

/// `keycomb adopt`
#[derive(Debug, Args)]
#[command(after_help = ADOPT_HELP)]
pub struct Adopt {
    /// The service's id of a key or an environment
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub id: Option<String>,
    /// Where it is declared
    #[arg(long = "as", value_name = "ADDRESS", required_unless_present = "all", conflicts_with = "all")]
    pub address: Option<Address>,
    /// Everything that can be managed, into files in the folder of --write, one for each environment
    #[arg(long, requires = "write")]
    pub all: bool,
    /// With --all: only this environment, by its name or label; may be repeated
    #[arg(long, value_name = "NAME", requires = "all")]
    pub env: Vec<String>,
    /// Declare it as it is, at the end of this file (left out: the main file); with --all: a folder. Relative to the
    /// configuration's folder; what is new there is added to `include`
    #[arg(long, value_name = "FILE|DIR", num_args = 0..=1, default_missing_value = "", value_parser = parse_plain)]
    pub write: Option<String>,
    /// Read the key's credential from stdin (on a terminal it is asked for and not shown), try it, and seal it
    #[arg(long, conflicts_with = "all")]
    pub secret_stdin: bool,
    /// The service.
    #[command(flatten)]
    pub service: Service,
    /// The report's form
    #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
    pub format: Format,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// A file's name for the configuration, as [`parse_file`] takes it.
pub(super) fn parse_plain(text: &str) -> Result<String, String> {
    parse_file(text).map(|_| text.to_owned())
}

const FORGET_HELP: &str = "\
Take its block out of the files first, and run no apply in between: that would disable it. What
is still declared is refused. Whatever secret is sealed for it leaves the sealed file; the
history of the file still has it.";

/// `keycomb forget`
#[derive(Debug, Args)]
#[command(after_help = FORGET_HELP)]
pub struct Forget {
    /// What is no longer managed: key.ENVIRONMENT.NAME, or environment.NAME
    #[arg(required = true)]
    pub address: Vec<Address>,
    /// The service.
    #[command(flatten)]
    pub service: Service,
    /// The report's form
    #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
    pub format: Format,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

const MV_HELP: &str = "\
Rename it in the files first; all generations and their secrets follow. An environment takes its
keys along. The same, as a part of the next apply: `moved_from = \"OLD\"` in the renamed block.";

/// `keycomb mv`
#[derive(Debug, Args)]
#[command(after_help = MV_HELP)]
pub struct Mv {
    /// Where it was declared
    pub from: Address,
    /// Where it is declared
    pub to: Address,
    /// The service.
    #[command(flatten)]
    pub service: Service,
    /// The report's form
    #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
    pub format: Format,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}
