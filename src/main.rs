//! Parse, run, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    keycomb::cli::main()
}
