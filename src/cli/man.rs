//! `keycomb man`

use std::path::Path;

use clap::CommandFactory as _;

use super::args::{Cli, Man};
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;

/// Prints the manual page, or writes one for each command to a folder.
///
/// # Errors
/// When stdout or the folder cannot be written.
pub fn run(args: &Man, output: &Output) -> Result<Exit, Failure> {
    match &args.out {
        Some(folder) => write_all(folder)?,
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command())
                .render(&mut page)
                .map_err(|source| Failure::io("cannot make the manual page", "this is a bug", source))?;
            output.write(&String::from_utf8_lossy(&page))?;
        }
    }
    Ok(Exit::Done)
}

fn write_all(folder: &Path) -> Result<(), Failure> {
    let failed = |source| {
        Failure::io(
            format!("cannot write manual pages to `{}`", folder.display()),
            "give a folder you can write to",
            source,
        )
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(failed)
}
