//! `keycomb completions`

use clap::CommandFactory as _;

use super::args::{Cli, Completions};
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;

/// Prints a shell's completion script.
///
/// # Errors
/// When stdout cannot be written.
pub fn run(args: &Completions, output: &Output) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "keycomb", &mut script);
    output.write(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
