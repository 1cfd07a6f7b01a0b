//! The words of `plan`.

use std::path::PathBuf;

use clap::Args;

use super::{Choose, Emit, Format, Lift, Service, parse_file};
use crate::model::{Period, PeriodError};

/// `keycomb plan`
#[derive(Debug, Args)]
pub struct Plan {
    /// The service.
    #[command(flatten)]
    pub service: Service,
    /// What is lifted.
    #[command(flatten)]
    pub lift: Lift,
    /// The result's form
    #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
    pub format: Format,
    /// Further forms.
    #[command(flatten)]
    pub emit: Emit,
    /// The part.
    #[command(flatten)]
    pub choose: Choose,
    /// Write the plan to this file, for `keycomb apply FILE` to carry out exactly this
    #[arg(long, value_name = "FILE", value_parser = parse_file, conflicts_with_all = ["at", "snapshot"])]
    pub out: Option<PathBuf>,
    /// How long the file may be carried out
    #[arg(long, value_name = "DURATION", default_value = "1d", requires = "out")]
    pub valid_for: Period,
    /// Exit 2 when there are changes
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Show what falls due until then, such as +30d: a forecast, of which nothing is carried out
    #[arg(long, value_name = "+DURATION", value_parser = parse_later)]
    pub at: Option<Period>,
    /// Plan from what `drift --save-snapshot` wrote, without credential and network; no apply carries such a plan out
    #[arg(long, value_name = "FILE", value_parser = parse_file, conflicts_with_all = ["key_file", "ca_file"])]
    pub snapshot: Option<PathBuf>,
    /// The age from which on a snapshot is said to be old
    #[arg(long, value_name = "DURATION", default_value = "7d", requires = "snapshot")]
    pub snapshot_age: Period,
}

/// `+30d`; the sign may be left out.
fn parse_later(text: &str) -> Result<Period, String> {
    text.strip_prefix('+').unwrap_or(text).parse().map_err(|error: PeriodError| error.to_string())
}
