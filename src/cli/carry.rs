//! Carries a command's order out: read, decide, show, ask, carry out, report. The one way from a command to a write.

use std::io::BufRead as _;
use std::path::Path;

use tracing::Instrument as _;

use super::args::{Emitted, Format, Global, Lift, Service};
use super::ci::Ci;
use super::emit;
use super::exit::Exit;
use super::failure::Failure;
use super::held::Held;
use super::interrupt::Interrupt;
use super::known::Known;
use super::lift::{allow, refuse_nobodys};
use super::output::Output;
use super::plan::style;
use super::progress::Bar;
use super::session::{Session, check_scopes, from_seal, unconnected};
use super::staged;
use super::surroundings::{Real, fresh_lineage};
use super::traced;
use super::undo;
use crate::apply::{self, Bound, Home};
use crate::config::write::{Edit, Written};
use crate::model;
use crate::model::{Desired, Recipient, Scope, Sealed, visible};
use crate::plan::{self, Action, Ask, Plan, SecretEffect, Step, Terms, Verb};
use crate::ports::KeepRecord;
use crate::render::{self, Sheet};
use crate::report::{Report, Skipped};
use crate::seal::{Holder, Keeper};

/// What a command is to carry out, and how it talks about it.
#[derive(Debug)]
pub(super) struct Order<'a> {
    /// The command's word, for whoever meets its lock.
    pub(super) verb: &'static str,
    /// What to look at first when nobody can be asked: a command that writes nothing.
    pub(super) look: &'static str,
    /// The service.
    pub(super) service: &'a Service,
    /// What is lifted.
    pub(super) lift: &'a Lift,
    /// The report's form.
    pub(super) format: Format,
    /// Further forms of it.
    pub(super) emit: &'a [Emitted],
    /// Whether nobody is asked.
    pub(super) yes: bool,
    /// Where sealed entries last.
    pub(super) home: Home,
}

/// What a command adds to the files for one run.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// What it asks the planner for.
    pub(super) ask: Ask,
    /// Changes to the configuration, and what it declares with them. Written once the plan is agreed to and before
    /// anything is carried out; not at all where the plan could not do what they declare.
    pub(super) files: Option<(Edit, Desired)>,
    /// What it looked at and left out.
    pub(super) skipped: Vec<Skipped>,
}

/// Shows the plan that comes of the files and of what `ask` adds to them, asks, and carries it out. `ask` is called once
/// everything is read.
///
/// # Errors
/// Whatever stops it before the first write, what `ask` refuses included; after that the report says what happened, and the
/// exit code follows it.
pub(super) async fn carry_out(
    order: &Order<'_>,
    ask: impl FnOnce(&Desired, &Known<'_>) -> Result<Ask, Failure>,
    global: &Global,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let asked = async |session: &Session, known: &Known<'_>| {
        ask(&session.desired, known).map(|ask| Asked { ask, ..Asked::default() })
    };
    carry_out_with(order, asked, global, output, interrupt).await
}

/// The same for a command that asks the service more before it knows what it wants, or that writes configuration.
///
/// # Errors
/// As [`carry_out`].
pub(super) async fn carry_out_with(
    order: &Order<'_>,
    ask: impl AsyncFnOnce(&Session, &Known<'_>) -> Result<Asked, Failure>,
    global: &Global,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    carry_out_held(order, &Held::Nothing, ask, global, output, interrupt).await
}

/// The same for what somebody has approved: nothing else is carried out.
///
/// # Errors
/// As [`carry_out`]; when the plan is not what was approved (6).
pub(super) async fn carry_out_held(
    order: &Order<'_>,
    held: &Held,
    ask: impl AsyncFnOnce(&Session, &Known<'_>) -> Result<Asked, Failure>,
    global: &Global,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    if !order.yes && !output.interactive {
        return Err(Failure::words(
            Exit::Usage,
            "nobody can be asked here: stdin and stderr are not a terminal",
            format!("look at `keycomb {}`, then run the same command with `--yes`", order.look),
        ));
    }
    let mut session = interrupt.or(Session::open(global, order.service, *output)).await?;
    let holder = holder(order.verb);
    // The lock comes before anything is read: what is decided must still hold when it is carried out.
    let mut keeper = Keeper::open(
        &session.sealed_path,
        &session.desired.team,
        &session.desired.endpoint,
        fresh_lineage(),
        &holder,
    )
    .map_err(from_seal)?;
    if order.home == Home::Staged && keeper.sealed().serial == 0 {
        return Err(Failure::words(
            Exit::Seal,
            format!("there is no sealed file at `{}` to stage into", session.sealed_path.display()),
            "make the first one with `keycomb apply` where the disk lasts, and commit it: what is staged is known again \
             by its lineage alone",
        ));
    }
    let deciding = decide(order, held, ask, &mut session, &keeper, output);
    let Decided { plan, files, skipped, bound } = interrupt.or(deciding).await?;
    show(order, &plan, output)?;
    if let Some(edit) = &files {
        refuse_half(&plan)?;
        say_files(edit, output);
    }
    // How many actions this run carries out.
    let count = plan.actions.iter().filter(|action| is_for(order, action)).count();
    if order.home == Home::Staged {
        staged::say_before(&plan, count, output);
    } else if order.home == Home::Elsewhere {
        staged::say_unmade(&plan, count, output);
    }
    let is_idle = count == 0;
    if !is_idle {
        check_scopes(&session.access, needed(order, &plan))?;
        if !order.yes {
            let changes = if count == 1 { "change" } else { "changes" };
            interrupt.or(confirm(&format!("Apply {count} {changes}?"), output)).await?;
        }
        refuse_unproven(&keeper, &plan, &session)?;
        keeper.preflight(&recipients(&plan, &session.desired.seal)).map_err(from_seal)?;
    }
    // Before the record: what is recorded and not declared would be disabled by the next apply.
    for written in files.map_or(Ok(vec![]), Edit::write).map_err(|e| Failure::new(Exit::Config, e))? {
        output.say(&format!("wrote {}", visible(&written.name)));
    }
    let began = model::Timestamp::now();
    let report = perform_bound(&bound, order.home, &plan, &session, &mut keeper, output, interrupt).await?;
    let report = Report { skipped, ..report };
    drop(keeper);
    undo::keep(&session, (order.verb, began), (&plan, &report), output);
    let ended = tell(order, &plan, &report, &session, output, interrupt);
    session.close().await;
    ended
}

/// Refuses to make keys whose secrets fewer recipients than the files want have shown that they can open.
///
/// # Errors
/// Names them (9).
pub(super) fn refuse_unproven(keeper: &Keeper, plan: &Plan, session: &Session) -> Result<(), Failure> {
    let seal = &session.desired.seal;
    for action in plan.actions.iter().filter(|action| matches!(action.step, Step::MintKey(_))) {
        let recipients = seal.recipients_of(action.address.environment());
        crate::seal::refuse_unproven(keeper.sealed(), &recipients, seal.min_proven).map_err(from_seal)?;
    }
    Ok(())
}

/// Carries a plan out.
///
/// # Errors
/// When there can be no client for writing; nothing was sent then.
pub(super) async fn perform<K: KeepRecord>(
    home: Home,
    plan: &Plan,
    session: &Session,
    keeper: &mut K,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Report, Failure> {
    perform_bound(&Bound::default(), home, plan, session, keeper, output, interrupt).await
}

/// The same, held to what was approved.
///
/// # Errors
/// As [`perform`].
async fn perform_bound<K: KeepRecord>(
    bound: &Bound,
    home: Home,
    plan: &Plan,
    session: &Session,
    keeper: &mut K,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Report, Failure> {
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
    let applying = apply::apply_bound(bound, home, plan, seal, ports, keeper, &surroundings, &bar);
    let report = applying.instrument(traced::phase("carry out")).await;
    traced::note_report(&report);
    bar.end();
    say_stopping.abort();
    Ok(report)
}

/// Tells what became of a plan.
///
/// # Errors
/// When stdout cannot be written, and nothing else went wrong.
pub(super) fn tell(
    order: &Order<'_>,
    plan: &Plan,
    report: &Report,
    session: &Session,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let is_idle = !plan.actions.iter().any(|action| is_for(order, action));
    let told = match order.format {
        Format::Json => output.write(&render::json::report(report)),
        Format::Text if is_idle && report.unfolded.is_none() => Ok(()),
        Format::Text => output.write(&render::text::report(report, Some(plan), &style(output))),
    };
    let is_issued =
        plan.actions.iter().any(|a| matches!(a.secret, SecretEffect::Issued { .. }) && is_for(order, a));
    if order.format == Format::Text && is_issued && report.unfolded.is_none() {
        output.say(&format!("sealed: {}", session.sealed_path.display()));
    }
    if let (None, Some(until)) = (&report.unfolded, report.stage_ends()) {
        staged::say_after(report, until, &session.sealed_path, output);
    }
    let emitted = emit::write(
        order.emit,
        &Sheet { plan: Some(plan), report: Some(report), ..Sheet::default() },
        &session.config,
        output,
    );
    let stopped = interrupt.is_raised().then(|| interrupt.exit());
    let exit = Exit::of_apply(plan, report, stopped);
    if told.is_err() {
        // What was done must be told somewhere.
        output.say(render::text::report(report, Some(plan), &on_stderr(output)).trim_end());
    }
    let Err(untold) = told.and(emitted) else { return Ok(exit) };
    // What went wrong with what was done counts for more than where it is told.
    if exit == Exit::Done {
        return Err(untold);
    }
    untold.say(output);
    Ok(exit)
}

fn on_stderr(output: &Output) -> render::Style {
    render::Style { color: output.stderr_color, ..style(output) }
}

/// What is to be done.
struct Decided {
    plan: Plan,
    files: Option<Edit>,
    skipped: Vec<Skipped>,
    bound: Bound,
}

async fn decide(
    order: &Order<'_>,
    held: &Held,
    ask: impl AsyncFnOnce(&Session, &Known<'_>) -> Result<Asked, Failure>,
    session: &mut Session,
    keeper: &Keeper,
    output: &Output,
) -> Result<Decided, Failure> {
    held.check_unused(keeper.sealed())?;
    let known = Known::read(session, Some(keeper.sealed()), output).await?;
    refuse_second_file(session, keeper.sealed(), &known)?;
    refuse_nobodys(order.lift, &session.desired, known.sealed)?;
    let Asked { ask, files, skipped } = ask(session, &known).await?;
    let mut ask = Ask { credential: Some(session.access.key_id.clone()), ..ask };
    let mut lifted = allow(order.lift);
    if let Some(Terms { select, allow }) = held.terms() {
        (ask.select, lifted) = (select.clone(), allow.clone());
    }
    let files = files.map(|(edit, desired)| {
        session.declares(desired);
        edit
    });
    let input = known.input(&session.desired, lifted, ask);
    let mut plan = traced::phase("decide").in_scope(|| plan::plan(&input));
    if files.is_some() {
        // Lines of files that are not written yet lead nowhere.
        plan.actions.iter_mut().for_each(|action| action.reason.origin = None);
    }
    let bound = held.check(session, &known, &plan)?;
    Ok(Decided { plan, files, skipped, bound })
}

/// Files that would declare what is not so are not written.
///
/// # Errors
/// When something is blocked, or the next plan would hold something for what they declare (5).
fn refuse_half(plan: &Plan) -> Result<(), Failure> {
    if plan.summary.blocked == 0 && plan.findings.is_empty() {
        return Ok(());
    }
    Err(Failure::words(
        Exit::Blocked,
        "nothing was written: what the files would declare could not be had as it is",
        "the plan says why; leave out what cannot be adopted, or declare it by hand",
    ))
}

fn say_files(edit: &Edit, output: &Output) {
    for Written { name, is_new } in edit.changes() {
        output.say(&format!("{} {}", if is_new { "new file:" } else { "changed file:" }, visible(&name)));
    }
}

/// Where the sealed file is gone and git has it, a new one would be of another lineage, and the two could never be joined.
///
/// # Errors
/// Names the commit that has it (10).
pub(super) fn refuse_second_file(
    session: &Session,
    sealed: &Sealed,
    known: &Known<'_>,
) -> Result<(), Failure> {
    let elsewhere = &known.elsewhere;
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
pub(super) fn show(order: &Order<'_>, plan: &Plan, output: &Output) -> Result<(), Failure> {
    let text = render::text::plan(plan, &style(output));
    // Long, and what becomes of it follows: a runner's log shows its last line.
    let folded = |is_terminal: bool| {
        let last = text.lines().next_back().filter(|_| !output.stdout_color);
        let title = last.unwrap_or("Plan");
        let ci = if is_terminal { Ci::None } else { output.ci };
        ci.folded("plan", title, &text, model::Timestamp::now())
    };
    match order.format {
        Format::Text => output.write(&folded(output.stdout_terminal)),
        Format::Json => {
            output.say(folded(output.stderr_terminal).trim_end());
            Ok(())
        }
    }
}

/// Whether this run carries an action out, as far as it gets.
fn is_for(order: &Order<'_>, action: &Action) -> bool {
    action.verb != Verb::Blocked && order.home.allows(action)
}

/// The scopes that carrying a plan out needs, besides reading.
pub(super) fn needed(order: &Order<'_>, plan: &Plan) -> &'static [Scope] {
    needed_for(plan, |action| is_for(order, action))
}

/// The scopes that some of a plan's actions need, besides reading.
pub(super) fn needed_for(plan: &Plan, is_for: impl Fn(&Action) -> bool) -> &'static [Scope] {
    let writes = |a: &Action| is_for(a) && !matches!(a.step, Step::Record(_));
    let of_keys = plan.actions.iter().any(|a| a.address.is_key() && writes(a));
    let of_environments = plan.actions.iter().any(|a| !a.address.is_key() && writes(a));
    match (of_environments, of_keys) {
        (true, true) => &[Scope::EnvironmentsWrite, Scope::KeysWrite],
        (true, false) => &[Scope::EnvironmentsWrite],
        (false, true) => &[Scope::KeysWrite],
        (false, false) => &[],
    }
}

/// Everyone that this plan seals to.
pub(super) fn recipients<'a>(plan: &Plan, seal: &'a model::SealSettings) -> Vec<(&'a str, &'a Recipient)> {
    let is_used = |name: &String| {
        plan.actions.iter().any(|action| match &action.secret {
            SecretEffect::Issued { recipients } => {
                matches!(action.step, Step::MintKey(_))
                    && recipients.iter().any(|recipient| &recipient.name == name)
            }
            _ => false,
        })
    };
    seal.recipients.iter().filter(|(name, _)| is_used(name)).map(|(name, r)| (name.as_str(), r)).collect()
}

/// Asks on stderr; only `yes` goes on.
pub(super) async fn confirm(question: &str, output: &Output) -> Result<(), Failure> {
    output.say(&format!("{question} Only `yes` goes on:"));
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
