//! The command line's words.

use std::path::PathBuf;

use clap::builder::TypedValueParser as _;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::exit;
use crate::model::Address;

mod adoption;
mod apply;
mod auth;
mod choose;
mod doctor;
mod drift;
mod emit;
mod holders;
mod import;
mod plan;
mod revoke;
mod rotate;
mod sandbox;
mod scan;
mod schema;
mod secrets;
mod show;
mod status;

pub use adoption::{Adopt, Forget, Mv};
pub use apply::Apply;
pub use auth::{Auth, Login, Logout};
pub use choose::Choose;
pub use doctor::Doctor;
pub use drift::Drift;
pub use emit::{Emit, Emitted};
pub use holders::{Exec, Prove, Rekey, Undo, Variable, Verify};
pub use import::{Import, ImportTerraform};
pub use plan::Plan;
pub use revoke::Revoke;
pub use rotate::{Keys, Rotate};
pub use sandbox::{Rehearse, Sandbox};
pub use scan::Scan;
pub use schema::{Schema, SchemaKind};
pub use secrets::{Export, ExportFormat, Opener, Secrets};
pub use show::Show;
pub use status::Status;

/// Keep the environments and API keys of a Honeycomb team as code.
///
/// Declare them in TOML; `plan` shows what would change, `apply` carries it out, `drift` says what changed
/// behind your back. A new key's secret is sealed with age before the key is ever enabled.
#[derive(Debug, Parser)]
#[command(name = "keycomb", version, propagate_version = true, after_help = exit::HELP, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The configuration file
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        default_value = "keycomb.toml",
        env = "KEYCOMB_CONFIG",
        value_parser = clap::builder::PathBufValueParser::new().map(without_line_end)
    )]
    pub config: PathBuf,
    /// Use this endpoint instead of the configuration's
    #[arg(long, global = true, value_name = "URL", env = "KEYCOMB_ENDPOINT", hide_env_values = true)]
    pub endpoint: Option<String>,
    /// When to use colour (NO_COLOR and TERM=dumb are respected)
    #[arg(
        long,
        global = true,
        value_name = "auto|always|never",
        default_value = "auto",
        hide_possible_values = true
    )]
    pub color: When,
    /// Say more on stderr: -v what is done, -vv every request (never a header or a secret)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// `auto`, `always`, `never`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal that wants it.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The result's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For machines; the schema is printed by `keycomb schema`.
    Json,
}

/// Which service, and with which credential.
#[derive(Debug, Clone, Args)]
pub struct Service {
    /// Run against an embedded emulator instead of Honeycomb; its state is in .keycomb/ beside the configuration
    #[arg(long)]
    pub sandbox: bool,
    /// A file with the management key, as ID:SECRET
    #[arg(long, value_name = "FILE", value_parser = parse_file, conflicts_with = "sandbox")]
    pub key_file: Option<PathBuf>,
    /// Trust the certificate authorities in this PEM file too
    #[arg(long, value_name = "FILE", value_parser = parse_file, conflicts_with = "sandbox")]
    pub ca_file: Option<PathBuf>,
}

/// What the person lifts by naming it.
#[derive(Debug, Clone, Default, Args)]
pub struct Lift {
    /// Lift a guard: delete=N, disable=N or replace=N, where N is the plan's own number; or the ADDRESS of
    /// something protected, or of a staged key whose sealed entry is lost
    #[arg(long, value_name = "WHAT", value_parser = parse_allow)]
    pub allow: Vec<Allowed>,
}

/// One `--allow`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// `delete=N`
    Delete(u32),
    /// `disable=N`
    Disable(u32),
    /// `replace=N`
    Replace(u32),
    /// An address.
    Address(Address),
}

/// A variable that was filled from a file ends with that file's line end.
fn without_line_end(path: PathBuf) -> PathBuf {
    match path.to_str() {
        Some(text) => PathBuf::from(text.trim_end_matches(['\r', '\n'])),
        None => path,
    }
}

/// A file's name. What looks like a key is refused, and clap's own message about it is masked.
pub(super) fn parse_file(text: &str) -> Result<PathBuf, String> {
    if crate::config::mask(text) == text {
        Ok(PathBuf::from(text))
    } else {
        Err("expected the name of a file, and what was given looks like a key itself".to_owned())
    }
}

fn parse_allow(text: &str) -> Result<Allowed, String> {
    let Some((kind, number)) = text.split_once('=') else {
        return text
            .parse()
            .map(Allowed::Address)
            .map_err(|e| format!("expected `delete=N`, `disable=N`, `replace=N` or an address ({e})"));
    };
    let number = number.parse().map_err(|_| format!("`{number}` is not a number"))?;
    match kind {
        "delete" => Ok(Allowed::Delete(number)),
        "disable" => Ok(Allowed::Disable(number)),
        "replace" => Ok(Allowed::Replace(number)),
        _ => Err(format!("there is no guard `{kind}`; guards are `delete`, `disable` and `replace`")),
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a commented keycomb.toml, and an age identity if asked
    Init(Init),
    /// Check the configuration; no network, no credential
    Check(Check),
    /// Show what would change
    Plan(Plan),
    /// Show a saved plan; no network, no credential
    Show(Show),
    /// Show what would change, ask, and carry it out
    ///
    /// What earlier applies left is settled first: a key that was made and sealed on this disk is released while there is time, and
    /// one that was never enabled is discarded: one of this sealed file's own tries at once, one of another machine's run an hour
    /// after it was made.
    Apply(Apply),
    /// Revoke a key that is not to be trusted any more: delete it at once, then make its successor
    Revoke(Revoke),
    /// Find managed ids and Honeycomb credentials in files or git's history; offline; exit 2 if a secret is found
    Scan(Scan),
    /// Show what changed at the service since the last apply; exit 2 if anything did
    Drift(Drift),
    /// Show the managed keys: age, generation, phase, what is next and when
    Status(Status),
    /// Give keys a new secret now; the old ones work until the overlap is over
    Rotate(Rotate),
    /// Take what is at the service under management as it is; nothing is sent
    Adopt(Adopt),
    /// Bring in what another tool has made
    #[command(subcommand)]
    Import(Import),
    /// Take something out of the record; it stays at the service as it is
    Forget(Forget),
    /// Let the record follow an address that was renamed in the files; nothing is sent
    Mv(Mv),
    /// Take back what an earlier run changed, as far as the service allows it; without a run, list them
    Undo(Undo),
    /// List and open sealed secrets
    #[command(subcommand)]
    Secrets(Secrets),
    /// The credential
    #[command(subcommand)]
    Auth(Auth),
    /// Look at everything that a run needs, each by itself, and say what mends it
    Doctor(Doctor),
    /// Serve an emulator of the Honeycomb Management API on this machine
    Sandbox(Sandbox),
    /// Apply the configuration to an emulator again and again, with everything going wrong that can
    Rehearse(Rehearse),
    /// Print a JSON Schema
    Schema(Schema),
    /// Print a shell's completion script
    Completions(Completions),
    /// Print the manual page, or write all of them to a folder
    Man(Man),
}

/// `keycomb init`
#[derive(Debug, Args)]
pub struct Init {
    /// The team's slug, as in Honeycomb's addresses
    #[arg(long, value_name = "SLUG", default_value = "my-team")]
    pub team: String,
    /// Where the team is
    #[arg(long, value_name = "us|eu", default_value = "us", hide_possible_values = true)]
    pub region: Region,
    /// Make an age identity in this new file (0600), and seal to it
    #[arg(long, value_name = "FILE", value_parser = parse_file)]
    pub identity: Option<PathBuf>,
    /// Seal to this recipient: an age or SSH public key with a name for it
    #[arg(long, value_name = "NAME=PUBLIC-KEY")]
    pub recipient: Vec<String>,
}

/// Honeycomb's regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Region {
    /// United States.
    Us,
    /// European Union.
    Eu,
}

/// `keycomb check`
#[derive(Debug, Args)]
pub struct Check {
    /// The result's form
    #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
    pub format: Format,
}

/// `keycomb completions`
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// `keycomb man`
#[derive(Debug, Args)]
pub struct Man {
    /// Write all pages to this folder
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}
