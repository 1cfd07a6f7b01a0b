//! `keycomb apply`: read, decide, show, ask, carry out, report.

use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::path::Path;

use super::args::{Apply as Args, Format, Global};
use super::exit::Exit;
use super::failure::Failure;
use super::interrupt::Interrupt;
use super::output::Output;
use super::plan::{allow, style};
use super::progress::Bar;
use super::session::{Session, check_scopes, from_seal, unconnected};
use super::staged;
use super::surroundings::{Real, fresh_lineage};
use crate::apply::{self, Home};
use crate::model;
use crate::model::{KeyId, Recipient, Scope, Sealed};
use crate::plan::{self, Action, Plan, SecretEffect, Step, Verb};
use crate::ports::KeepRecord as _;
use crate::render;
use crate::seal::{Holder, Keeper};

/// Shows the plan, asks, and carries it out.
///
/// # Errors
/// Whatever stops it before the first write; after that the report says what happened, and the exit code follows it.
pub async fn run(
    args: &Args,
    global: &Global,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    if !args.yes && !output.interactive {
        return Err(Failure::words(
            Exit::Usage,
            "nobody can be asked here: stdin and stderr are not a terminal",
            "look at `keycomb plan`, then run `keycomb apply --yes`",
        ));
    }
    let session = interrupt.or(Session::open(global, &args.service, *output)).await?;
    let holder = holder("apply");
    // The lock comes before anything is read: what is decided must still hold when it is carried out.
    let mut keeper = Keeper::open(
        &session.sealed_path,
        &session.desired.team,
        &session.desired.endpoint,
        fresh_lineage(),
        &holder,
    )
    .map_err(from_seal)?;
    if args.stage && keeper.sealed().serial == 0 {
        return Err(Failure::words(
            Exit::Seal,
            format!("there is no sealed file at `{}` to stage into", session.sealed_path.display()),
            "make the first one with `keycomb apply` where the disk lasts, and commit it: what is staged is known again \
             by its lineage alone",
        ));
    }
    let plan = interrupt.or(decide(args, &session, &keeper, output)).await?;
    show(args, &plan, output)?;
    // How many actions this run carries out.
    let count = plan.actions.iter().filter(|action| is_for(args, action)).count();
    if args.stage {
        staged::say_before(&plan, count, output);
    } else if args.release {
        staged::say_unmade(&plan, count, output);
    }
    let is_idle = count == 0;
    if !is_idle {
        check_scopes(&session.access, needed(args, &plan))?;
        if !args.yes {
            interrupt.or(confirm(count, output)).await?;
        }
        keeper.preflight(&recipients(&plan, &session.desired.seal)).map_err(from_seal)?;
    }
    let bar = Bar::new(plan.summary.changes, output);
    let (stopping, said_on) = (interrupt.clone(), *output);
    let say_stopping = tokio::spawn(async move {
        stopping.raised().await;
        said_on.say("stopping: what is in flight is finished and sealed first; once more ends at once");
    });
    let surroundings = Real::new(interrupt.clone());
    let writer = session.connection.writer().map_err(unconnected)?;
    // Also when there is nothing to do: the record is tidied, and what a cut-off run left is folded.
    let ports = (&session.reader, &writer);
    let seal = &session.desired.seal;
    let report = apply::apply_at(home(args), &plan, seal, ports, &mut keeper, &surroundings, &bar).await;
    bar.end();
    say_stopping.abort();
    drop(keeper);
    let told = match args.format {
        Format::Json => output.write(&render::json::report(&report)),
        Format::Text if is_idle && report.unfolded.is_none() => Ok(()),
        Format::Text => output.write(&render::text::report(&report, Some(&plan), &style(output))),
    };
    let is_issued =
        plan.actions.iter().any(|a| matches!(a.secret, SecretEffect::Issued { .. }) && is_for(args, a));
    if args.format == Format::Text && is_issued && report.unfolded.is_none() {
        output.say(&format!("sealed: {}", session.sealed_path.display()));
    }
    if let (None, Some(until)) = (&report.unfolded, report.stage_ends()) {
        staged::say_after(&report, until, &session.sealed_path, output);
    }
    session.close().await;
    let stopped = interrupt.is_raised().then(|| interrupt.exit());
    let exit = Exit::of_apply(&plan, &report, stopped);
    let Err(untold) = told else { return Ok(exit) };
    // What was done must be told somewhere, and what went wrong with it counts for more than where.
    output.say(render::text::report(&report, Some(&plan), &on_stderr(output)).trim_end());
    if exit == Exit::Done {
        return Err(untold);
    }
    untold.say(output);
    Ok(exit)
}

fn on_stderr(output: &Output) -> render::Style {
    render::Style { color: output.stderr_color, ..style(output) }
}

async fn decide(args: &Args, session: &Session, keeper: &Keeper, output: &Output) -> Result<Plan, Failure> {
    let sealed = keeper.sealed();
    let live = session.live(Some(sealed)).await?;
    let elsewhere = session.elsewhere(Some(sealed), &live, output).await;
    refuse_second_file(session, sealed, &elsewhere)?;
    Ok(plan::plan(&plan::Input {
        desired: &session.desired,
        live: &live,
        sealed: Some(sealed),
        now: live.now,
        allow: allow(&args.lift),
        ask: plan::Ask::default(),
        elsewhere,
    }))
}

/// Where the sealed file is gone and git has it, a new one would be of another lineage, and the two could never be joined.
///
/// # Errors
/// Names the commit that has it (10).
fn refuse_second_file(
    session: &Session,
    sealed: &Sealed,
    elsewhere: &BTreeMap<KeyId, String>,
) -> Result<(), Failure> {
    let Some(commit) = elsewhere.values().next().filter(|_| sealed.serial == 0) else { return Ok(()) };
    let file = &session.desired.seal.file;
    Err(Failure::words(
        Exit::Unconfirmed,
        format!(
            "there is no sealed file at `{}`, and {} live at the service {} in that of commit {commit}",
            session.sealed_path.display(),
            if elsewhere.len() == 1 { "a key".to_owned() } else { format!("{} keys", elsewhere.len()) },
            if elsewhere.len() == 1 { "is" } else { "are" },
        ),
        format!(
            "nothing was written; put it back, in the folder of the configuration: `git show {commit}:./{file} > {file}`"
        ),
    ))
}

/// With `--format json` stdout is for the report alone.
fn show(args: &Args, plan: &Plan, output: &Output) -> Result<(), Failure> {
    let text = render::text::plan(plan, &style(output));
    match args.format {
        Format::Text => output.write(&text),
        Format::Json => {
            output.say(text.trim_end());
            Ok(())
        }
    }
}

/// Whether this run carries an action out, as far as it gets.
fn is_for(args: &Args, action: &Action) -> bool {
    action.verb != Verb::Blocked && home(args).allows(action)
}

fn home(args: &Args) -> Home {
    match (args.stage, args.release) {
        (true, _) => Home::Staged,
        (false, true) => Home::Elsewhere,
        (false, false) => Home::Disk,
    }
}

/// The scopes that carrying a plan out needs, besides reading.
fn needed(args: &Args, plan: &Plan) -> &'static [Scope] {
    let of_keys = plan.actions.iter().any(|a| a.address.is_key() && is_for(args, a));
    let of_environments = plan.actions.iter().any(|a| !a.address.is_key() && is_for(args, a));
    match (of_environments, of_keys) {
        (true, true) => &[Scope::EnvironmentsWrite, Scope::KeysWrite],
        (true, false) => &[Scope::EnvironmentsWrite],
        (false, true) => &[Scope::KeysWrite],
        (false, false) => &[],
    }
}

/// Everyone that this plan seals to.
fn recipients<'a>(plan: &Plan, seal: &'a model::SealSettings) -> Vec<(&'a str, &'a Recipient)> {
    let is_used = |name: &String| {
        plan.actions.iter().any(|action| match &action.secret {
            SecretEffect::Issued { recipients } => {
                matches!(action.step, Step::MintKey(_)) && recipients.contains(name)
            }
            _ => false,
        })
    };
    seal.recipients.iter().filter(|(name, _)| is_used(name)).map(|(name, r)| (name.as_str(), r)).collect()
}

/// Asks on stderr; only `yes` goes on.
async fn confirm(changes: usize, output: &Output) -> Result<(), Failure> {
    output.say(&format!(
        "Apply {changes} {}? Only `yes` goes on:",
        if changes == 1 { "change" } else { "changes" }
    ));
    let answer = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    match answer.await {
        Ok(Ok(line)) if line.trim() == "yes" => Ok(()),
        _ => Err(Failure::words(Exit::Declined, "declined", "nothing was written")),
    }
}

/// This process, as the lock says it to others.
pub(super) fn holder(verb: &str) -> Holder {
    let variable = |name: &str| std::env::var(name).ok();
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| variable("HOSTNAME"));
    Holder {
        pid: std::process::id(),
        user: variable("USER"),
        host: host.map_or_else(|| "unknown host".to_owned(), |host| host.trim().to_owned()),
        // For people: whole seconds.
        started: model::Timestamp::now()
            .round(jiff::Unit::Second)
            .unwrap_or_else(|_| model::Timestamp::now()),
        command: std::env::args_os().next().map_or_else(String::new, |program| {
            let name = Path::new(&program).file_name().map(|name| name.to_string_lossy().into_owned());
            format!("{} {verb}", name.unwrap_or_default())
        }),
    }
}
