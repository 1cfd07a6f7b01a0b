//! The words of `import`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::adoption::parse_plain;
use super::{Format, Service, parse_file};

const IMPORT_HELP: &str = "\
First without --write: what would be taken over, the files, what is left to Terraform. Nothing is
written and no secret is used. The state is `terraform.tfstate` (version 4, of Terraform or
OpenTofu), or what `terraform show -json` prints; an encrypted one through a pipe:

  tofu show -json | keycomb import terraform -

With --write DIR it is taken over as it is: keys and environments are declared in files of DIR,
one for each environment, and recorded; a secret that lies in the state is tried once (/1/auth)
and sealed if it works, also for a key that was adopted before without it. Nothing at Honeycomb
changes, and the next plan is empty. Cut off in the middle, run it again.

At the end it prints how the old repository lets go of them (`removed` blocks, or `state rm`),
and which keys to rotate first: their secrets lay in the state in clear.";

/// `keycomb import …`
#[derive(Debug, Subcommand)]
pub enum Import {
    /// Take over what Terraform or OpenTofu made: honeycombio_api_key and honeycombio_environment
    #[command(after_help = IMPORT_HELP)]
    Terraform(ImportTerraform),
}

/// `keycomb import terraform`
#[derive(Debug, Args)]
pub struct ImportTerraform {
    /// The state, or what `show -json` printed of it; `-` is stdin
    #[arg(value_parser = parse_file)]
    pub file: PathBuf,
    /// Take it over, declaring it in files of this folder, relative to the configuration's; what is new there is
    /// added to `include`
    #[arg(long, value_name = "DIR", value_parser = parse_plain)]
    pub write: Option<String>,
    /// The service.
    #[command(flatten)]
    pub service: Service,
    /// The result's form: without --write of what was found, with it of the report
    #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
    pub format: Format,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}
