//! The command line: arguments, one file per verb, exit codes.
//!
//! Each verb is: load, read, plan, show, confirm, apply; as far as it goes.

mod apply;
mod args;
mod auth;
mod carry;
mod check;
mod completions;
mod credential;
mod drift;
mod exit;
mod failure;
mod git;
mod hardening;
mod history;
mod init;
mod interrupt;
mod known;
mod log;
mod man;
mod merge;
mod output;
mod place;
mod plan;
mod private_file;
mod progress;
mod rehearse;
mod revoke;
mod rotate;
mod run;
mod sandbox;
mod scan;
mod schema;
mod secrets;
mod session;
mod staged;
mod status;
mod surroundings;

pub use args::Cli;
pub use exit::Exit;
pub use run::main;
