//! The built binary, uninstrumented, attacked from outside: killed before and after everything it does to the disk and
//! at every stage of every request, refused by its disk, signalled, stopped, run against itself.
//!
//! - `cargo test --test crash` takes a sample: of every scenario, each kind of boundary.
//! - `KEYCOMB_CRASH_SEEDS=20 cargo test --release --test crash sweep -- --nocapture` does it finely for that many teams
//!   and prints what it saw; with `KEYCOMB_CRASH_ALL=1` at every boundary.
//! - `KEYCOMB_CRASH_CASE=... cargo test --test crash sweep` runs one again: a failing case prints its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "test code"
)]

mod case;
mod check;
mod leaks;
mod once;
mod point;
mod proxy;
mod record;
mod refused;
mod revoke;
mod rotation;
mod saved;
mod scenario;
mod signals;
mod staged;
mod strace;
mod sweep;
mod team;
mod together;
mod world;
