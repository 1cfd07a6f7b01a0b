//! The words of `drift`.

use std::path::PathBuf;

use clap::Args;

use super::{Emit, Format, Service, parse_file};
use crate::model::{Address, DriftClass};
use crate::plan::FailOn;

const HELP: &str = "\
Exit codes: 2 when something managed was changed or is gone (or as --fail-on says), 10 when a key of
ours lost its entry in the sealed file, else 0. What rules of [[ignore]] hide counts for neither.

Classes: changed, missing, unmanaged, orphan (ours, and not finished), overdue (a rotation, a watched
key, a rule of [[ignore]] that ended).

Drift that is right as it is:
  keycomb drift --accept key.production.ci            what the files would have; exit 2
  keycomb drift --accept key.production.ci --write    written to the files and to the record
Nothing is sent to the service. What cannot be written, such as a value that several environments
share, is told and left.

A snapshot holds no secret. With --hash-names it holds no names but those that the files and the
sealed file have; whoever has it can still try out names that they guess. Rules of [[ignore]] that match what is
not managed by name do not see hashed names; those by id do.";

/// `keycomb drift`
#[derive(Debug, Args)]
#[command(after_help = HELP)]
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
    /// Exit 2 on this instead: whatever is of severity high, whatever has a class, or a class (see below); may be repeated
    #[arg(long, value_name = "high|any|CLASS", value_parser = parse_fail_on)]
    pub fail_on: Vec<FailOn>,
    /// Take what was changed at this address over: show what the files would have; may be repeated
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["emit", "probe", "fail_on", "save_snapshot"])]
    pub accept: Vec<Address>,
    /// With --accept: write it to the files and to the record
    #[arg(long, requires = "accept")]
    pub write: bool,
    /// With --write: do not ask
    #[arg(short, long, requires = "write")]
    pub yes: bool,
    /// Save what was read, for `plan --snapshot`
    #[arg(long, value_name = "FILE", value_parser = parse_file)]
    pub save_snapshot: Option<PathBuf>,
    /// With --save-snapshot: keyed hashes in place of names and descriptions
    #[arg(long, requires = "save_snapshot")]
    pub hash_names: bool,
}

fn parse_fail_on(text: &str) -> Result<FailOn, String> {
    match text {
        "high" => Ok(FailOn::High),
        "any" => Ok(FailOn::Any),
        _ => match DriftClass::ALL.iter().find(|class| class.as_str() == text) {
            Some(class) => Ok(FailOn::Class(*class)),
            None => {
                let classes: Vec<&str> = DriftClass::ALL.iter().map(|class| class.as_str()).collect();
                Err(format!("expected `high`, `any` or a class: {}", classes.join(", ")))
            }
        },
    }
}
