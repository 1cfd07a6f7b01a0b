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
mod exec;
mod exit;
mod failure;
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
mod prove;
mod rehearse;
mod rekey;
mod rotate;
mod run;
mod sandbox;
mod schema;
mod secrets;
mod secrets_args;
mod session;
mod staged;
mod status;
mod surroundings;
mod undo;
mod verify;

pub use args::Cli;
pub use exit::Exit;
pub use run::main;
