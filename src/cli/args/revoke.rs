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

Where the generation that leaked is a successor within its overlap, the older one works on, and a
third is made at once for whoever took up the leaked one.

What only the successor needs does not hold the deletion up: a writable sealed file, its lock,
recipients, the rest of the configuration, a whole list of what the service has. The team and the
service must be told by the configuration or, where that cannot be read, by the sealed file.
Whatever stays undone: run the same command again. Once the sealed file says that the key is
revoked, `keycomb apply` makes the successor too.

Where the sealed file is an older version and git has a newer one, generations that only that one
knows are named, with the commit; --leaked revokes one too whose id is in the credential.

Exit 3, 7 or 9: revoked, and no successor yet. Exit 10: the service did not show that the key is
gone, or a generation is alive that this sealed file does not know. Take it for working, and look.";

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
