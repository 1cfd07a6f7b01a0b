//! The words of `scan`.

use std::path::PathBuf;

use clap::Args;

use super::{Format, parse_file};

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
