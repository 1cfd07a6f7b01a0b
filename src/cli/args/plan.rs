//! The words of `plan`.

use clap::Args;

use super::{Emit, Format, Lift, Service};
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
    /// Exit 2 when there are changes
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Show what falls due until then, such as +30d: a forecast, of which nothing is carried out
    #[arg(long, value_name = "+DURATION", value_parser = parse_later)]
    pub at: Option<Period>,
}

/// `+30d`; the sign may be left out.
fn parse_later(text: &str) -> Result<Period, String> {
    text.strip_prefix('+').unwrap_or(text).parse().map_err(|error: PeriodError| error.to_string())
}
