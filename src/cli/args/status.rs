//! The words of `status`.

use std::path::PathBuf;

use clap::Args;

use super::{Format, Service, parse_file};
use crate::model::Period;

/// `keycomb status`
#[derive(Debug, Args)]
pub struct Status {
    /// The service.
    #[command(flatten)]
    pub service: Service,
    /// The result's form
    #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
    pub format: Format,
    /// Only what is to be done within so long, such as 30d
    #[arg(long, value_name = "DURATION")]
    pub due: Option<Period>,
    /// Also write the dates to this calendar file (RFC 5545)
    #[arg(long, value_name = "FILE", value_parser = parse_file)]
    pub ics: Option<PathBuf>,
    /// Try the external keys that have a `source`: one request each, with the key itself
    #[arg(long)]
    pub probe: bool,
}
