//! The words of `secrets`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::holders::{Exec, MERGE_HELP, Prove, Rekey, Verify};
use super::{Format, parse_file};
use crate::model::{Address, Label};

/// `keycomb secrets …`
#[derive(Debug, Subcommand)]
pub enum Secrets {
    /// List what is sealed and who can open it; needs no identity
    List {
        /// The sealed file of the sandbox
        #[arg(long)]
        sandbox: bool,
        /// The result's form
        #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
        format: Format,
    },
    /// Print one credential, ready for the X-Honeycomb-Team header, to stdout
    Open {
        /// Which key: key.ENVIRONMENT.NAME
        address: Address,
        /// Who opens it.
        #[command(flatten)]
        opener: Opener,
        /// All fields as JSON
        #[arg(long)]
        json: bool,
    },
    /// Use each credential once, and see whether it is the key it should be; exit 2 when one is not
    Verify(Verify),
    /// Run a command with a credential in its environment
    Exec(Exec),
    /// Seal anew to the recipients of the configuration, after they changed
    Rekey(Rekey),
    /// Show that a recipient can open what is sealed to it
    Prove(Prove),
    /// Merge two versions of the sealed file: every entry of both, none dropped; git's merge driver
    #[command(long_about = MERGE_HELP)]
    Merge {
        /// The version that both came from; may be an empty file
        base: PathBuf,
        /// Our version; the result is written here
        ours: PathBuf,
        /// Their version
        theirs: PathBuf,
        /// Git calls: what the file is called in the repository
        #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
        path: Option<String>,
    },
    /// Print all credentials that the identity can open
    Export(Export),
}

const EXPORT_HELP: &str = "\
  keycomb secrets export -i ID --env production > .env
  eval \"$(keycomb secrets export -i ID --env staging --format shell)\"
  keycomb secrets export -i ID --format kubernetes --name honeycomb | kubectl apply -f -
  keycomb secrets export -i ID | gh secret set --env-file -

What is printed is in clear: hand it on, and leave no copy. Of each address it is the newest key
that works.";

/// `keycomb secrets export`
#[derive(Debug, Args)]
#[command(after_help = EXPORT_HELP)]
pub struct Export {
    /// Who opens them.
    #[command(flatten)]
    pub opener: Opener,
    /// The result's form: NAME='value' lines (dotenv), the same for a shell to evaluate (shell), an object of address to
    /// credential (json), or the manifest of a Secret (kubernetes)
    #[arg(
        long,
        value_name = "dotenv|shell|json|kubernetes",
        default_value = "dotenv",
        hide_possible_values = true
    )]
    pub format: ExportFormat,
    /// Only this environment's, by its name in the configuration
    #[arg(long, value_name = "NAME", value_parser = |text: &str| Label::new(text))]
    pub env: Option<Label>,
    /// With --format kubernetes: what the Secret is called
    #[arg(long, value_name = "NAME", default_value = "honeycomb", value_parser = parse_object_name)]
    pub name: String,
}

/// A name as Kubernetes wants it for most objects (RFC 1123).
fn parse_object_name(text: &str) -> Result<String, String> {
    let is_inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let is_edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if text.len() <= 253
        && text.chars().all(is_inside)
        && text.starts_with(is_edge)
        && text.ends_with(is_edge)
    {
        Ok(text.to_owned())
    } else {
        Err("expected lower-case letters, digits, `-` and `.`, with a letter or digit at both ends"
            .to_owned())
    }
}

/// Who opens a secret.
#[derive(Debug, Clone, Args)]
pub struct Opener {
    /// An age identity file, or an SSH private key (ed25519, rsa); `-` for stdin; may be repeated
    #[arg(short, long, value_name = "FILE", value_parser = parse_file, required = true)]
    pub identity: Vec<PathBuf>,
    /// The sealed file of the sandbox
    #[arg(long)]
    pub sandbox: bool,
}

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// NAME='value' lines.
    Dotenv,
    /// The same, exported.
    Shell,
    /// An object of address to credential.
    Json,
    /// The manifest of a Secret.
    Kubernetes,
}
