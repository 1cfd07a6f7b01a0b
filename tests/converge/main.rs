//! The whole, from a configuration's text to the keys at a service over HTTP: it comes to rest, whatever goes wrong on
//! the way, and nothing is lost, doubled or touched that is not its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "test code"
)]

mod crashes;
mod declared;
mod elsewhere;
mod faults;
mod invariants;
mod lab;
mod property;
mod states;
mod year;
