//! The command line: arguments, one file per verb, exit codes.
//!
//! Each verb is: load, read, plan, show, confirm, apply; as far as it goes.

mod adopt;
mod apply;
mod args;
mod auth;
mod carry;
mod check;
mod completions;
mod credential;
mod drift;
mod emit;
mod exec;
mod exit;
mod external;
mod failure;
mod git;
mod given;
mod hardening;
mod hidden;
mod history;
mod import;
mod init;
mod interrupt;
mod known;
mod lift;
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
mod rehome;
mod rekey;
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
mod survey;
mod undo;
mod verify;
mod whole_file;

pub use args::Cli;
pub use exit::Exit;
pub use run::main;
