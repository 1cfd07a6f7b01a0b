//! Writes configuration: adds `[environment.X]` and `[key.X]` blocks, changes single values, and keeps all that people
//! wrote as it is.
//!
//! An [`Edit`] collects changes in memory. [`Edit::preview`] says what the files would declare with them, so that it can be
//! planned and shown before anything is written; [`Edit::write`] then writes whole files, all or none, and puts the old ones
//! back if they do not read as previewed. Same input, same bytes.
//!
//! ```
//! use keycomb::config::write::{EnvironmentBlock, Labels};
//! use keycomb::model::{EnvironmentAttributes, Label};
//!
//! let mut labels = Labels::new([Label::new("production")?]);
//! assert_eq!(labels.make("Production", "environment").as_str(), "production-2");
//! let block = EnvironmentBlock {
//!     label: Label::new("staging")?,
//!     name: "Staging".into(),
//!     attributes: EnvironmentAttributes::default(),
//!     comment: vec!["hcxen_1".into()],
//! };
//! assert_eq!(block.text(), "# hcxen_1\n[environment.staging]\nname = \"Staging\"\n");
//! # Ok::<(), keycomb::model::AddressError>(())
//! ```

mod array;
mod block;
mod disk;
mod edit;
mod labels;

pub use block::{Block, EnvironmentBlock, KeyBlock};
pub use disk::WriteError;
pub use edit::{Edit, EditError, Scalar, Written};
pub use labels::Labels;
