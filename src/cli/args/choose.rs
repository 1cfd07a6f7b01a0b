//! The words that choose a part of a plan.

use clap::Args;

use crate::model::{Label, Pattern};

/// A part of all that is declared and recorded.
#[derive(Debug, Clone, Default, Args)]
pub struct Choose {
    /// Only addresses that match, such as 'key.production.*': * is any characters, ? is one
    #[arg(long, value_name = "GLOB")]
    pub only: Vec<Pattern>,
    /// No addresses that match
    #[arg(long, value_name = "GLOB")]
    pub skip: Vec<Pattern>,
    /// Only this environment and its keys, by its label
    #[arg(long, value_name = "NAME", value_parser = parse_label)]
    pub env: Vec<Label>,
}

fn parse_label(text: &str) -> Result<Label, String> {
    Label::new(text).map_err(|error| error.to_string())
}
