//! The words of `doctor`.

use clap::Args;

use super::{Format, Service};

/// `keycomb doctor`
#[derive(Debug, Args)]
pub struct Doctor {
    /// The service.
    #[command(flatten)]
    pub service: Service,
    /// The result's form
    #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
    pub format: Format,
}
