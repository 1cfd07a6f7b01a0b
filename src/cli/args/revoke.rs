//! The words of `revoke`.

use std::path::PathBuf;

use clap::Args;

use super::{Format, Service, parse_file};

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
