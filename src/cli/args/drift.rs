//! The words of `drift`.

use clap::Args;

use super::{Emit, Format, Service};

/// `keycomb drift`
#[derive(Debug, Args)]
pub struct Drift {
    /// The service.
    #[command(flatten)]
    pub service: Service,
    /// The result's form
    #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
    pub format: Format,
    /// Further forms.
    #[command(flatten)]
    pub emit: Emit,
    /// Try the external keys that have a `source`: one request each, with the key itself
    #[arg(long)]
    pub probe: bool,
}
