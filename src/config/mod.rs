//! TOML text to `Desired`: raw tables with places, then normalize; every problem of every file in one run.
//!
//! ```
//! use keycomb::config::{SourceFile, parse};
//!
//! let text = r#"
//!     version = 1
//!     [honeycomb]
//!     team = "acme"
//!     [environment.production]
//!     color = "red"
//! "#;
//! let desired = parse(vec![SourceFile { name: "keycomb.toml".into(), text: text.into() }])?;
//! assert_eq!(desired.environments.len(), 1);
//! # Ok::<(), keycomb::config::Problems>(())
//! ```

mod collector;
mod defaults;
mod environments;
mod essentials;
mod external;
mod field;
mod ignore;
mod include;
mod keys;
mod moves;
mod normalize;
mod place;
mod problem;
mod raw;
mod read;
mod schema;
mod seal;
mod secrets;
mod shown;
mod suggest;
mod syntax;
mod template;
mod text;
mod values;
pub mod write;

pub use essentials::{Essentials, essentials};
pub use problem::{Elsewhere, Problem, Problems};
pub use read::{Loaded, LoadedFile, load};
pub use schema::schema;
pub use secrets::{Kind as SecretKind, find as find_secrets, mask};
pub use suggest::closest;

use crate::model::Desired;

/// The largest configuration file that is read: 1 MiB.
pub const MAX_FILE_BYTES: usize = 1024 * 1024;

/// The sealed file when `[seal]` does not name one, relative to the main file's folder.
pub const DEFAULT_SEAL_FILE: &str = "keycomb.sealed.toml";

/// The version of the format that this program reads.
const VERSION: i64 = 1;

/// One file of the configuration, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Relative to the main file's folder, with `/` between the parts.
    pub name: String,
    /// The bytes; TOML is UTF-8.
    pub text: Vec<u8>,
}

/// Reads a configuration from text: the main file first, then what it includes, in the order of their names.
///
/// Pure: `include` is checked, but the files it names are those that are passed.
///
/// # Errors
/// Everything that is wrong, of all files, sorted by file and place.
pub fn parse(files: Vec<SourceFile>) -> Result<Desired, Problems> {
    let mut files = files.into_iter();
    let main = files.next().unwrap_or_else(|| SourceFile { name: "keycomb.toml".into(), text: vec![] });
    normalize::build(main, |_, _| files.collect())
}
