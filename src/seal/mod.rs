//! The sealed file, its journal, its lock, and age: where the record and the secrets are kept.
//!
//! [`read`] looks, [`Keeper`] writes, [`seal`] and [`open`] go in and out of the ciphertext. A file is written with
//! public recipients only: whoever writes it cannot read the secrets in it.

mod challenge;
mod crypt;
mod disk;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod generate;
mod identity;
mod journal;
mod keeper;
mod lock;
mod merge;
mod merge_forgotten;
mod merge_holders;
mod merge_moves;
mod open;
mod read;
mod rekey;
pub mod text;
mod versions;

pub use challenge::{answer, challenge};
pub use crypt::{seal, try_recipients};
pub use disk::{Disk, OsDisk};
pub use error::SealError;
pub use generate::{generate_identity, write_new_private};
pub use identity::{AskPassphrase, Identities, IdentityProblem};
pub use keeper::{Keeper, refuse_unproven};
pub use lock::{Holder, lock_holder};
pub use merge::{Merged, Undecided, Unrelated, merge};
pub use open::open;
pub use read::{left_over, read};
pub use rekey::{Closed, Rekeyed, rekey};
pub use versions::{merge_by_hand, merge_for_git};
