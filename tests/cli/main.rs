//! The built binary, as people and machines run it, against sandboxes over real HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stderr,
    reason = "test code"
)]

mod attacked;
mod credentials;
mod diagnosis;
mod drift;
mod examples;
mod git;
mod hardening;
mod hostile;
mod leaked;
mod leaks;
mod main_job;
mod many;
mod readme;
mod rehearse;
mod removal;
mod revoke;
mod rotate;
mod scan;
mod signals;
mod staged;
mod team;
mod terminal;
mod words;
