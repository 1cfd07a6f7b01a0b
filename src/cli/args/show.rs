//! The words of `show`.

use std::path::PathBuf;

use clap::Args;

use super::{Emit, Format, parse_file};

/// `keycomb show`
#[derive(Debug, Args)]
pub struct Show {
    /// What `keycomb plan --out FILE` wrote
    #[arg(value_name = "FILE", value_parser = parse_file)]
    pub file: PathBuf,
    /// The result's form; JSON is that of `plan --format json`
    #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
    pub format: Format,
    /// Further forms.
    #[command(flatten)]
    pub emit: Emit,
}
