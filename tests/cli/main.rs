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

mod adopt;
mod attacked;
mod ci;
mod credentials;
mod diagnosis;
mod doctor;
mod drift;
mod emergency;
mod emit;
mod examples;
mod exits;
mod external;
mod git;
mod hardening;
mod holders;
mod hostile;
mod leaked;
mod leaks;
mod login;
mod main_job;
mod many;
mod protection;
mod readme;
mod recipes;
mod rehearse;
mod removal;
mod revoke;
mod rotate;
mod saved;
mod scan;
mod select;
mod signals;
mod snapshot;
mod staged;
mod team;
mod telemetry;
mod terminal;
mod terraform;
mod undo;
mod words;
