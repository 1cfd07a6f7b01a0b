//! `keycomb undo`: takes an earlier run back, as far as the service allows it; without a run, lists them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use super::args::{Format, Global, Undo as Args};
use super::carry::{Order, carry_out};
use super::exit::Exit;
use super::failure::Failure;
use super::interrupt::Interrupt;
use super::known::Known;
use super::lift::{allow, refuse_nobodys};
use super::output::Output;
use super::plan::style;
use super::session::Session;
use crate::apply::Home;
use crate::model::{Desired, Timestamp, brief, counted};
use crate::plan::{self, Ask, Plan, Undoing};
use crate::render;
use crate::report::Report;
use crate::runs::{self, Run};

/// Lists the runs, or plans, shows and carries out what takes one back.
///
/// # Errors
/// No such run, one of another team or sealed file (3); then those of every command that writes.
pub async fn run(
    args: &Args,
    global: &Global,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let folder = folder_of(global.config.parent().unwrap_or(Path::new("")), args.service.sandbox);
    let Some(id) = &args.run else { return list(&folder, args.format, output) };
    let run = find(&folder, id)?;
    let undoing = run.undoing().map_err(|why| unusable(id, &why))?;
    if args.plan {
        return interrupt.or(show(args, &run, undoing, global, output)).await;
    }
    if !args.yes && !output.interactive {
        return Err(Failure::words(
            Exit::Usage,
            "nobody can be asked here: stdin and stderr are not a terminal",
            format!("look at `keycomb undo {id} --plan`, then run `keycomb undo {id} --yes`"),
        ));
    }
    let order = Order {
        verb: "undo",
        look: "undo",
        service: &args.service,
        lift: &args.lift,
        format: args.format,
        emit: &[],
        yes: args.yes,
        home: Home::Disk,
    };
    let ask = |desired: &Desired, known: &Known<'_>| asked(&run, undoing, desired, known);
    carry_out(&order, ask, global, output, interrupt).await
}

/// Only shows what it would do.
async fn show(
    args: &Args,
    run: &Run,
    undoing: Undoing,
    global: &Global,
    output: &Output,
) -> Result<Exit, Failure> {
    let session = Session::open(global, &args.service, *output).await?;
    let sealed = session.sealed()?;
    let known = Known::read(&session, sealed.as_ref(), output).await?;
    refuse_nobodys(&args.lift, &session.desired, known.sealed)?;
    let ask = asked(run, undoing, &session.desired, &known)?;
    let plan = plan::plan(&known.input(&session.desired, allow(&args.lift), ask));
    session.close().await;
    output.write(&match args.format {
        Format::Text => render::text::plan(&plan, &style(output)),
        Format::Json => render::json::plan(&plan),
    })?;
    Ok(Exit::of_plan(&plan, false))
}

/// A run says something of the objects of its own team and record only.
fn asked(run: &Run, undoing: Undoing, desired: &Desired, known: &Known<'_>) -> Result<Ask, Failure> {
    let is_of = run.team == desired.team.as_str()
        && run.endpoint == desired.endpoint.as_str()
        && known
            .sealed
            .is_some_and(|sealed| run.lineage.as_deref().is_none_or(|l| l == sealed.lineage.as_str()));
    if !is_of {
        let help = "`keycomb undo` lists the runs; nothing was written";
        return Err(Failure::words(
            Exit::Config,
            format!("the run `{}` is of another team, service or sealed file", run.id),
            help,
        ));
    }
    Ok(Ask { undo: Some(undoing), ..Ask::default() })
}

fn find(folder: &Path, id: &str) -> Result<Run, Failure> {
    let newest = || runs::names(folder).ok().and_then(|mut names| names.pop());
    let id = if id == "last" { newest().unwrap_or_else(|| id.to_owned()) } else { id.to_owned() };
    runs::read(folder, &id).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Failure::words(
            Exit::Config,
            format!("there is no run `{}` in `{}`", brief(&id), folder.display()),
            "`keycomb undo` lists the runs that this machine has; others are on the machines that ran them",
        ),
        _ => unusable(&id, &error.to_string()),
    })
}

fn unusable(id: &str, why: &str) -> Failure {
    Failure::words(
        Exit::Config,
        format!("the account of the run `{}` cannot be used: {why}", brief(id)),
        "change the files back instead, and apply",
    )
}

/// Where runs are kept: beside the configuration, a sandbox's apart.
fn folder_of(beside: &Path, sandbox: bool) -> PathBuf {
    beside.join(".keycomb").join(if sandbox { "sandbox-runs" } else { "runs" })
}

/// Keeps the account of a run that did something. A disk that does not take it costs the account, and nothing else.
pub(super) fn keep(
    session: &Session,
    (command, began): (&str, Timestamp),
    (plan, report): (&Plan, &Report),
    output: &Output,
) {
    let id = Run::name(began, &super::surroundings::fresh_nonce());
    let run = Run::of(id, command, began, plan, report);
    if !run.did_something() {
        return;
    }
    let folder = folder_of(&session.folder, session.is_sandbox());
    let kept = make(&folder).and_then(|()| {
        runs::keep(&folder, &run.id, &render::json::document(&run)).map_err(|error| error.to_string())
    });
    if let Err(why) = kept {
        let folder = folder.display();
        output.say(&format!(
            "note: no account of this run is kept in `{folder}`: {why}; `undo` will not know it"
        ));
    }
}

fn make(folder: &Path) -> Result<(), String> {
    for place in folder.parent().into_iter().chain([folder]) {
        if std::fs::symlink_metadata(place).is_ok_and(|found| found.is_symlink()) {
            return Err(format!("`{}` is a symbolic link", place.display()));
        }
    }
    super::session::make_private_folder(folder).map_err(|_| "the folder cannot be made".to_owned())
}

/// `undo --format json` without a run
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Runs")]
pub struct Document {
    /// `keycomb.runs/1`
    format: &'static str,
    /// The newest first.
    runs: Vec<Run>,
}

fn list(folder: &Path, format: Format, output: &Output) -> Result<Exit, Failure> {
    let names = runs::names(folder).map_err(|source| {
        Failure::io(format!("cannot read `{}`", folder.display()), "check the folder's permissions", source)
    })?;
    // What cannot be read is not listed, and said.
    let (mut found, mut broken) = (Vec::new(), 0);
    for name in names.iter().rev() {
        match runs::read(folder, name) {
            Ok(run) => found.push(run),
            Err(_) => broken += 1,
        }
    }
    if broken > 0 {
        output.say(&format!("note: {} in `{}` cannot be used", counted(broken, "account"), folder.display()));
    }
    output.write(&match format {
        Format::Text => text(&found),
        Format::Json => render::json::document(&Document { format: "keycomb.runs/1", runs: found }),
    })?;
    Ok(Exit::Done)
}

fn text(runs: &[Run]) -> String {
    if runs.is_empty() {
        return "no runs are remembered here\n".to_owned();
    }
    let mut text = String::new();
    for run in runs {
        let mut counts = std::collections::BTreeMap::<&str, usize>::new();
        for action in
            run.actions.iter().filter(|action| action.state != "not_started" && action.state != "left")
        {
            *counts.entry(&action.verb).or_default() += 1;
        }
        let counts: Vec<String> =
            counts.iter().map(|(verb, count)| format!("{count} {}", brief(verb))).collect();
        let failed = run
            .actions
            .iter()
            .filter(|action| action.state == "failed" || action.state == "in_doubt")
            .count();
        let failed = if failed > 0 { format!(" ({failed} not as planned)") } else { String::new() };
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{}  {}  {}{failed}", brief(&run.id), brief(&run.command), counts.join(", "));
    }
    text.push_str("keycomb undo RUN --plan shows what taking one back would do; `last` is the newest\n");
    text
}
