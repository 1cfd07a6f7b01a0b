//! `keycomb secrets exec`: a command with a credential in its environment.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::args::{Exec as Args, Global, Variable};
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::secrets::{identities_of, newest, read};
use super::session::from_seal;
use crate::model::{KeyState, Secret};
use crate::seal;

/// What programs that send to Honeycomb look for as a rule.
const USUAL: &str = "HONEYCOMB_API_KEY";

/// Opens the credentials and lets the command take this process's place. Comes back only when that failed.
///
/// # Errors
/// Two keys for one variable (64); what cannot be opened (3, 9); a command that cannot be started (126, 127).
pub fn run(args: &Args, global: &Global, output: &Output) -> Result<Exit, Failure> {
    let mut names = BTreeMap::new();
    for Variable { name, address } in &args.variable {
        let name = name.as_deref().unwrap_or(USUAL);
        if let Some(other) = names.insert(name, address) {
            return Err(Failure::words(
                Exit::Usage,
                format!("`{other}` and `{address}` would both be the variable {name}"),
                "name a variable for each: NAME=ADDRESS",
            ));
        }
    }
    let sealed = read(args.opener.sandbox, global)?;
    let identities = identities_of(&args.opener.identity, output)?;
    let mut variables: Vec<(&str, Secret)> = Vec::new();
    for (name, address) in names {
        let key = newest(&sealed, address)?;
        if key.state != KeyState::Live {
            let state = key.state.as_str();
            output.say(&format!("note: `{address}` is {state}, its credential may be refused"));
        }
        variables.push((name, seal::open(key, &sealed, &identities).map_err(from_seal)?.credential));
    }
    start(&args.command, &variables)
}

#[cfg(unix)]
fn start(command: &[OsString], variables: &[(&str, Secret)]) -> Result<Exit, Failure> {
    use std::os::unix::process::CommandExt as _;

    let Some((program, arguments)) = command.split_first() else { return Ok(Exit::Usage) };
    let mut command = std::process::Command::new(program);
    command.args(arguments);
    for (name, credential) in variables {
        command.env(name, credential.expose());
    }
    super::hardening::give_core_files_back();
    // Only a failure comes back.
    let source = command.exec();
    Err(not_started(program, source))
}

/// As shells say it, so that a script tells it from what the command itself ends with.
#[cfg(unix)]
fn not_started(program: &std::ffi::OsStr, source: std::io::Error) -> Failure {
    let is_path = program.to_string_lossy().contains('/');
    // A script that is there is not found either where its interpreter is not.
    let is_there = is_path && std::path::Path::new(program).exists();
    let (exit, help) = match source.kind() {
        std::io::ErrorKind::NotFound if is_there => {
            (Exit::NotExecutable, "it is there, and the interpreter that its first line names is not")
        }
        std::io::ErrorKind::NotFound if is_path => (Exit::NotFound, "check its name"),
        std::io::ErrorKind::NotFound => (Exit::NotFound, "no folder of PATH has it; check its name"),
        _ => (Exit::NotExecutable, "check that it is a program, and that it may be executed"),
    };
    let program = program.to_string_lossy();
    let program = crate::config::mask(&program);
    let mut failure = Failure::io(format!("cannot start `{program}`"), help, source);
    failure.exit = exit;
    failure
}

#[cfg(not(unix))]
fn start(_command: &[OsString], _variables: &[(&str, Secret)]) -> Result<Exit, Failure> {
    Err(Failure::words(
        Exit::Usage,
        "`secrets exec` needs a system on which a program can take another one's place",
        "use `keycomb secrets open` instead",
    ))
}
