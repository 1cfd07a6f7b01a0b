//! Reads what Terraform and OpenTofu leave behind: state files, and what `show -json` prints. Pure.
//!
//! Only the ids, the addresses and the secrets of Honeycomb's resources are taken out; how the things are, the service
//! says. Sources: Terraform's `internal/states/statefile/version4.go` and "JSON Output Format"; OpenTofu's
//! `internal/encryption`; the provider's resources `honeycombio_api_key` and `honeycombio_environment`.

mod address;
mod error;
mod json;
mod removed;
mod show;
mod state;
mod v4;

pub use address::{Index, ResourceAddress, Step};
pub use error::StateError;
pub use removed::{removed, state_rm};
pub use state::{FoundEnvironment, FoundKey, MAX_BYTES, Place, Standing, State, Unusable, read};
