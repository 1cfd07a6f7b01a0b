//! Carries out plans against a service in memory that logs every call, and looks at the log.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "test code"
)]

mod changes;
mod discard;
mod environments;
mod gate;
mod plans;
mod running;
mod settled;
mod steps;
mod sweep;
mod world;
