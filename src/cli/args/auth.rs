//! The words of `auth`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Format, Service, parse_file};
use crate::model::TeamSlug;

/// `keycomb auth …`
#[derive(Debug, Subcommand)]
pub enum Auth {
    /// Show which management key is used, from where, and what it may do
    #[command(after_help = SOURCES)]
    Status {
        /// The service.
        #[command(flatten)]
        service: Service,
        /// The result's form
        #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
        format: Format,
    },
    /// Store a management key for this service and team; asks for it, or reads it from stdin
    ///
    /// It is tried first, and then kept in a file that is yours alone (0600): $XDG_CONFIG_HOME/keycomb/credentials.toml, or
    /// ~/.config/keycomb/credentials.toml. From stdin one line is read, ID:SECRET, or two, the id and the secret. Every command
    /// uses it where no other source gives a key.
    #[command(after_help = SOURCES)]
    Login(Login),
    /// Take the management key out that `auth login` stored for this service and team
    Logout(Logout),
}

/// `keycomb auth login`
#[derive(Debug, Args)]
pub struct Login {
    /// Trust the certificate authorities in this PEM file too
    #[arg(long, value_name = "FILE", value_parser = parse_file)]
    pub ca_file: Option<PathBuf>,
}

/// `keycomb auth logout`
#[derive(Debug, Args)]
pub struct Logout {
    /// The team, where there is no configuration that says it
    #[arg(long, value_name = "SLUG")]
    pub team: Option<TeamSlug>,
}

const SOURCES: &str = "\
Where a management key comes from, what counts most first:
  --key-file FILE
  KEYCOMB_KEY_ID and KEYCOMB_KEY_SECRET
  HONEYCOMB_KEY_ID and HONEYCOMB_KEY_SECRET, or HONEYCOMB_MANAGEMENT_KEY and
  HONEYCOMB_MANAGEMENT_SECRET
  the login that `auth login` stored for this service and team
Each variable may name a file instead, with _FILE behind its name.";
