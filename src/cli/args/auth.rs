//! The words of `auth`.

use clap::Subcommand;

use super::{Format, Service};

/// `keycomb auth …`
#[derive(Debug, Subcommand)]
pub enum Auth {
    /// Show which management key is used, from where, and what it may do
    Status {
        /// The service.
        #[command(flatten)]
        service: Service,
        /// The result's form
        #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
        format: Format,
    },
}
