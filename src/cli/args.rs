//! The command line's words.

use std::path::PathBuf;

use clap::builder::TypedValueParser as _;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::exit;
use super::secrets_args::{Exec, MERGE_HELP, Prove, Rekey, Undo, Verify};
use crate::model::{Address, Label, Period, PeriodError};

mod adoption;
mod import;
mod sandbox;

pub use adoption::{Adopt, Forget, Mv};
pub use import::{Import, ImportTerraform};
pub use sandbox::{Rehearse, Sandbox};

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

/// `keycomb plan`
#[derive(Debug, Args)]
pub struct Plan {
    /// The service.
    #[command(flatten)]
    pub service: Service,
    /// What is lifted.
    #[command(flatten)]
    pub lift: Lift,
    /// The result's form
    #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
    pub format: Format,
    /// Exit 2 when there are changes
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Show what falls due until then, such as +30d: a forecast, of which nothing is carried out
    #[arg(long, value_name = "+DURATION", value_parser = parse_later)]
    pub at: Option<Period>,
}

/// `+30d`; the sign may be left out.
fn parse_later(text: &str) -> Result<Period, String> {
    text.strip_prefix('+').unwrap_or(text).parse().map_err(|error: PeriodError| error.to_string())
}

const ROTATE_HELP: &str = "\
The new key comes first: it is made, sealed, enabled and tried, and the old one goes on working. It is
disabled by the first apply after the overlap (that of `rotate`, else 7 days), and deleted by the first
one after its quarantine. Nothing else of the plan is done.

Due rotations need no command: every apply carries them out.";

/// `keycomb rotate`
#[derive(Debug, Args)]
#[command(after_help = ROTATE_HELP)]
pub struct Rotate {
    /// Which keys: key.ENVIRONMENT.NAME
    #[arg(required = true, value_name = "ADDRESS")]
    pub addresses: Vec<Address>,
    /// The service.
    #[command(flatten)]
    pub service: Service,
    /// What is lifted.
    #[command(flatten)]
    pub lift: Lift,
    /// The report's form
    #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
    pub format: Format,
    /// Do not ask. Never lifts a guard
    #[arg(short, long)]
    pub yes: bool,
}

const STAGE_HELP: &str = "\
Which home does the sealed file need? A key is enabled only once its sealed secret is where it
will last.

  This disk lasts:     keycomb apply, then commit the sealed file.
  It does not (a job   1. keycomb apply --stage makes and seals the keys, and leaves them disabled.
  on a hosted runner): 2. Commit and push the sealed file, or upload it.
                       3. Within 7 days, keycomb apply --release where that file is checked out
                          enables them and does the rest of the plan. Commit the sealed file again.

--release makes no key, so that no secret is on such a disk alone. The first sealed file is made
by a plain apply where the disk lasts.

A staged key whose sealed entry is lost or changed on the way is never enabled. Its address is
busy (exit 8) until it is deleted, 8 days after it was made; --allow ADDRESS deletes it at once.
Do that only when no other pipeline still has its entry: the key could be deleted while that one
enables it.";

/// `keycomb apply`
#[derive(Debug, Args)]
#[command(after_help = STAGE_HELP)]
pub struct Apply {
    /// The service.
    #[command(flatten)]
    pub service: Service,
    /// What is lifted.
    #[command(flatten)]
    pub lift: Lift,
    /// The report's form
    #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
    pub format: Format,
    /// Do not ask. Never lifts a guard
    #[arg(short, long)]
    pub yes: bool,
    /// For a runner whose disk does not last: make and seal keys, and enable none (see below)
    #[arg(long)]
    pub stage: bool,
    /// For the same runner, after --stage: do all but make keys and environments (see below)
    #[arg(long, conflicts_with = "stage")]
    pub release: bool,
}

const REVOKE_HELP: &str = "\
In this order: every generation of the address that the sealed file has is deleted, again until the
service shows that it is gone (a deletion cannot be undone, not even by a request that comes late);
then the successor is made, sealed and released; then you are told whom to tell. Naming the address
lifts every guard: `protected`, the last ingest key of its environment, all numbers.

With --leaked the credential is read from stdin, never an argument, and never shown. An ingest key
is known by the id in it; for a configuration key the service is asked, and where that does not
tell, -i IDENTITY compares it with what is sealed; so it does for a key that is switched off, which
cannot be tried. Management keys, HoneyHive keys, keys of other teams and keys that keycomb does not
manage are recognised, and you are told what to do by hand (exit 10). Where nobody can be asked and
there is no --yes it only says what it is (exit 64).

What only the successor needs (a writable sealed file, its lock, recipients) does not hold the
deletion up. Whatever stays undone: run the same command again. Between the two, `keycomb apply`
finishes it too.

Exit 10: the service did not show that the key is gone. Take it for working, and look.";

/// `keycomb revoke`
#[derive(Debug, Args)]
#[command(after_help = REVOKE_HELP)]
pub struct Revoke {
    /// Whose key: key.ENVIRONMENT.NAME
    // Not an address yet: a message about a wrong one would repeat what was given.
    #[arg(value_name = "ADDRESS", required_unless_present = "leaked", conflicts_with = "leaked")]
    pub address: Option<String>,
    /// Why, for whoever reads the sealed file and `status`
    #[arg(long, value_name = "TEXT", required_unless_present = "leaked")]
    pub reason: Option<String>,
    /// Read a credential from stdin, say what it is, and revoke its key: that generation alone
    // Checked by hand, for the same reason.
    #[arg(long, value_name = "-", allow_hyphen_values = true)]
    pub leaked: Option<String>,
    /// With --leaked: an age identity or SSH private key, to compare with what is sealed; may be repeated
    #[arg(short, long, value_name = "FILE", value_parser = parse_file, requires = "leaked")]
    pub identity: Vec<PathBuf>,
    /// Milder: disable it at once, and delete it after its quarantine
    #[arg(long)]
    pub disable: bool,
    /// The service.
    #[command(flatten)]
    pub service: Service,
    /// The report's form
    #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
    pub format: Format,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

const SCAN_HELP: &str = "\
Nothing that is found is printed: its place, its kind, the key's id and address where they are
known, and a fingerprint that tells whether two are the same. Nothing is sent anywhere.

  high     an ingest or management key with its secret, a HoneyHive key, an age identity;
           22 or 23 random letters and digits close to the word honeycomb
  warning  32 hexadecimal or lower-case ones there: a Classic key, or half of another
  note     the id of a managed key, which is no secret; a key of a sandbox or of documentation
           (hcx...)

Exit 2 for high and warning. Files that git ignores are left out (--ignored), and so are the sealed
file, .git and .keycomb; links are not followed. Not found: what is encoded, compressed, split over
lines or in UTF-16, and configuration keys where nothing within 160 characters, nor the file's name,
says that they are Honeycomb's.";

/// `keycomb scan`
#[derive(Debug, Args)]
#[command(after_help = SCAN_HELP)]
pub struct Scan {
    /// A file or a folder
    #[arg(value_name = "PATH", default_value = ".", value_parser = parse_file)]
    pub path: PathBuf,
    /// Every version of every file that git remembers there, and what commits say, instead of the files
    #[arg(long)]
    pub history: bool,
    /// Also the files that git ignores
    #[arg(long, conflicts_with = "history")]
    pub ignored: bool,
    /// The result's form
    #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
    pub format: Format,
}

/// `keycomb drift`
#[derive(Debug, Args)]
pub struct Drift {
    /// The service.
    #[command(flatten)]
    pub service: Service,
    /// The result's form
    #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
    pub format: Format,
    /// Try the external keys that have a `source`: one request each, with the key itself
    #[arg(long)]
    pub probe: bool,
}

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
    Export {
        /// Who opens them.
        #[command(flatten)]
        opener: Opener,
        /// The result's form
        #[arg(long, value_name = "dotenv|json", default_value = "dotenv", hide_possible_values = true)]
        format: ExportFormat,
        /// Only this environment's, by its name in the configuration
        #[arg(long, value_name = "NAME", value_parser = |text: &str| Label::new(text))]
        env: Option<Label>,
    },
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
    /// An object of address to credential.
    Json,
}

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

/// `keycomb schema`
#[derive(Debug, Args)]
pub struct Schema {
    /// Which one
    #[arg(default_value = "config")]
    pub what: SchemaKind,
}

/// The published schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaKind {
    /// keycomb.toml
    Config,
    /// `plan --format json`
    Plan,
    /// `apply --format json`
    Report,
    /// `drift --format json`
    Drift,
    /// `status --format json`
    Status,
    /// `secrets list --format json`
    Secrets,
    /// `secrets open --json`
    Secret,
    /// `check --format json`
    Check,
    /// `auth status --format json`
    Auth,
    /// `import terraform --format json`
    Import,
    /// `rehearse --format json`
    Rehearsal,
    /// `scan --format json`
    Scan,
    /// `secrets verify --format json`
    Verification,
    /// `secrets rekey --format json`
    Rekeyed,
    /// `secrets prove --format json`
    Proofs,
    /// `undo --format json`, and .keycomb/runs/
    Runs,
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
