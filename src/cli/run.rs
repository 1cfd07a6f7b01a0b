//! Parse, run, exit.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _};

use super::args::{Auth, Cli, Command, Global, Import, Secrets, When};
use super::exit::Exit;
use super::failure::Failure;
use super::interrupt::Interrupt;
use super::output::Output;
use crate::config;

use super::{
    adopt, apply, auth, check, completions, doctor, drift, hardening, import, init, log, login, man, plan,
    rehearse, rehome, revoke, rotate, sandbox, scan, schema, secrets, show, status, traced, undo, verify,
};

/// Runs the command line of this process and gives its exit code.
pub fn main() -> ExitCode {
    hardening::keep_memory_private();
    hide_panics();
    let exit = match parse() {
        Ok((verb, cli)) => run(&verb, cli),
        Err(error) => {
            match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                    // A closed pipe is no error here.
                    let _ = error.print();
                    Exit::Done
                }
                _ => {
                    // clap repeats what was given, and it may be a key that was given in the wrong place.
                    let output = Output::detect(When::Auto);
                    let text = error.render();
                    let text = if output.stderr_color { text.ansi().to_string() } else { text.to_string() };
                    output.say(config::mask(&text).trim_end());
                    Exit::Usage
                }
            }
        }
    };
    ExitCode::from(exit as u8)
}

/// The command line, and the words of its command: `secrets open`.
fn parse() -> Result<(String, Cli), clap::Error> {
    let mut command = Cli::command();
    let matches = command.try_get_matches_from_mut(std::env::args_os())?;
    let mut words = Vec::new();
    let mut below = matches.subcommand();
    while let Some((word, matches)) = below {
        words.push(word.to_owned());
        below = matches.subcommand();
    }
    let cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
    Ok((words.join(" "), cli))
}

/// A credential in the place of an address, an id or a run would be shown with the plan or the error.
///
/// # Errors
/// Says that there is one, and not which (64).
fn refuse_secrets(command: &Command) -> Result<(), Failure> {
    let names_things = matches!(
        command,
        Command::Adopt(_)
            | Command::Forget(_)
            | Command::Mv(_)
            | Command::Rotate(_)
            | Command::Undo(_)
            | Command::Secrets(_)
    );
    // What follows `--` is another command's.
    let mut given = std::env::args_os().skip(1).take_while(|text| text != "--");
    let is_secret =
        |text: std::ffi::OsString| config::mask(&text.to_string_lossy()) != text.to_string_lossy();
    if !names_things || !given.any(is_secret) {
        return Ok(());
    }
    Err(Failure::words(
        Exit::Usage,
        "an argument looks like a credential; nothing was done",
        "other programs and the shell's history see arguments: if it is one, `keycomb revoke --leaked -` takes it from stdin",
    ))
}

fn run(verb: &str, cli: Cli) -> Exit {
    let Cli { command, global } = cli;
    let output = Output::detect(global.color);
    let telemetry = traced::start(global.verbose, &output);
    log::start(global.verbose, telemetry.as_ref(), &output);
    let root = traced::root(telemetry.as_ref(), verb);
    let exit = root.in_scope(|| carry_on(command, &global, output));
    traced::end(telemetry, root, exit, global.verbose, &output);
    exit
}

fn carry_on(command: Command, global: &Global, output: Output) -> Exit {
    // Prompts follow the same choice as everything else.
    dialoguer::console::set_colors_enabled_stderr(output.stderr_color);
    if let Err(refused) = refuse_secrets(&command) {
        refused.say(&output);
        return refused.exit;
    }
    let ended = match command {
        Command::Init(args) => init::run(&args, global, &output),
        Command::Check(args) => check::run(&args, global, &output),
        Command::Secrets(Secrets::Verify(args)) => {
            wait(async |interrupt| interrupt.or(verify::run(&args, global, &output)).await)
        }
        Command::Secrets(args) => secrets::run(&args, global, &output),
        Command::Show(args) => show::run(&args, global, &output),
        Command::Scan(args) => scan::run(&args, global, &output),
        Command::Schema(args) => schema::run(&args, &output),
        Command::Completions(args) => completions::run(&args, &output),
        Command::Man(args) => man::run(&args, &output),
        Command::Plan(args) => wait(async |interrupt| interrupt.or(plan::run(&args, global, &output)).await),
        Command::Drift(args) => wait(async |interrupt| drift::run(&args, global, &output, &interrupt).await),
        Command::Status(args) => {
            wait(async |interrupt| interrupt.or(status::run(&args, global, &output)).await)
        }
        Command::Auth(Auth::Status { service, format }) => {
            wait(async |interrupt| interrupt.or(auth::status(&service, format, global, &output)).await)
        }
        Command::Doctor(args) => {
            wait(async |interrupt| interrupt.or(doctor::run(&args, global, &output)).await)
        }
        Command::Auth(Auth::Login(args)) => {
            wait(async |interrupt| interrupt.or(login::login(&args, global, &output)).await)
        }
        Command::Auth(Auth::Logout(args)) => login::logout(&args, global, &output),
        Command::Apply(args) => wait(async |interrupt| apply::run(&args, global, &output, &interrupt).await),
        Command::Revoke(args) => {
            wait(async |interrupt| revoke::run(&args, global, &output, &interrupt).await)
        }
        Command::Rotate(args) => {
            wait(async |interrupt| rotate::run(&args, global, &output, &interrupt).await)
        }
        Command::Adopt(args) => wait(async |interrupt| adopt::run(&args, global, &output, &interrupt).await),
        Command::Import(Import::Terraform(args)) => {
            wait(async |interrupt| import::run(&args, global, &output, &interrupt).await)
        }
        Command::Forget(args) => {
            wait(async |interrupt| rehome::forget(&args, global, &output, &interrupt).await)
        }
        Command::Mv(args) => wait(async |interrupt| rehome::mv(&args, global, &output, &interrupt).await),
        Command::Undo(args) => wait(async |interrupt| undo::run(&args, global, &output, &interrupt).await),
        Command::Rehearse(args) => {
            wait(async |interrupt| rehearse::run(&args, global, &output, &interrupt).await)
        }
        Command::Sandbox(args) => wait(async |interrupt| sandbox::run(&args, &output, &interrupt).await),
    };
    match ended {
        Ok(exit) => exit,
        Err(failure) => {
            failure.say(&output);
            annotate(&failure, global, &output);
            failure.exit
        }
    }
}

/// Notes what is wrong with the configuration where the runner shows it: on the lines themselves.
fn annotate(failure: &Failure, global: &Global, output: &Output) {
    let folder = global.config.parent().unwrap_or(Path::new(""));
    // The runner counts from the repository's root.
    let whole = folder.canonicalize().ok();
    let root = std::env::var_os("GITHUB_WORKSPACE").and_then(|root| PathBuf::from(root).canonicalize().ok());
    let inside =
        whole.as_deref().zip(root.as_deref()).and_then(|(whole, root)| whole.strip_prefix(root).ok());
    for line in output.ci.annotations(failure.problems(), inside.unwrap_or(folder)) {
        output.say(&line);
    }
}

/// Runs a future to its end, listening for signals.
fn wait<F: AsyncFnOnce(Interrupt) -> Result<Exit, Failure>>(work: F) -> Result<Exit, Failure> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(
            |source| Failure::io("cannot start", "the system refused a thread or a socket", source),
        )?;
    let ended = runtime.block_on(async { work(Interrupt::listen()).await });
    // A thread that waits for an answer at the prompt must not hold the process.
    runtime.shutdown_timeout(Duration::ZERO);
    ended
}

/// A panic is a bug. Its message may quote what it choked on, so only its place is shown.
fn hide_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place =
            panic.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        use std::io::Write as _;
        let _ = writeln!(
            std::io::stderr().lock(),
            "keycomb: internal error{place}; this is a bug. What was sealed is in the journal beside the sealed file: \
             run the same command again"
        );
    }));
}
