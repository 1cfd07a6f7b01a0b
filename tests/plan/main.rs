//! The planner's rules, one by one, and what must hold of every plan.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "test code"
)]

mod ahead;
mod builders;
mod drift;
mod elsewhere;
mod environments;
mod external;
mod findings;
mod guards;
mod intent;
mod keys;
mod minting;
mod properties;
mod records;
mod retire;
mod revoke;
mod rotation;
mod saved;
mod select;
mod simulate;
mod size;
mod staged;
mod twins;
mod undo;
