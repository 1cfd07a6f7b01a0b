//! `keycomb plan`: read, decide, show.

use std::collections::BTreeMap;
use std::path::Path;

use super::args::{Format, Global, Plan as Args};
use super::choose::choose;
use super::emit;
use super::exit::Exit;
use super::external;
use super::failure::Failure;
use super::lift::{allow, refuse_nobodys};
use super::output::Output;
use super::outputs;
use super::reading::Local;
use super::saved_file::{save, whole_second};
use super::traced;
use crate::plan::{self, Ask, Input};
use crate::render::{self, Run, Sheet, StatusRow, Style};

/// Shows what would change.
///
/// # Errors
/// Those of [`Local`].
pub async fn run(args: &Args, global: &Global, output: &Output) -> Result<Exit, Failure> {
    emit::check(&args.emit.emit, Run::Plan, global)?;
    outputs::refuse_ours(args.out.as_deref(), global)?;
    if args.out.as_deref() == Some(Path::new("-")) {
        let help = "`--format json` and `--emit` print to stdout";
        return Err(Failure::words(Exit::Usage, "a saved plan needs a file of its own", help));
    }
    let local = match &args.snapshot {
        Some(file) => Local::alone(global, &args.service, file, args.snapshot_age)?,
        None => Local::connected(global, &args.service, output).await?,
    };
    let mut known = local.known(output).await?;
    refuse_nobodys(&args.lift, &local.desired, known.sealed)?;
    if args.out.is_some() {
        known.live.now = whole_second(known.live.now);
    }
    let ask = Ask { snapshot: args.snapshot.is_some(), ..Ask::default() };
    let mut input = known.input(&local.desired, allow(&args.lift), ask);
    input.ask.select = choose(&args.choose, &input)?;
    if let Some(later) = args.at {
        input.now = later.after(input.now);
        output.say(&format!(
            "note: a forecast for {:.0}: only the clock is moved, by {later}; everything else is taken as it is now, and no apply \
             carries this out",
            input.now
        ));
    }
    let plan = traced::phase("decide").in_scope(|| plan::plan(&input));
    // Only further forms show them.
    let (drift, keys) = match args.emit.emit.is_empty() {
        true => (None, vec![]),
        false => (Some(plan::drift(&input)), rows(&input)),
    };
    let saved = match (&args.out, local.session()) {
        (Some(path), Some(session)) => Some((path, save(path, &plan, args.valid_for, session, &known)?)),
        // The words of the command line allow no `--out` with a snapshot.
        _ => None,
    };
    let external = external::rows(&local.desired, &BTreeMap::new(), input.now);
    local.close().await;
    output.write(&match args.format {
        Format::Text => render::text::plan(&plan, &style(output)),
        Format::Json => render::json::plan(&plan),
    })?;
    if plan.summary.changes > 0 && plan.header.may_be_applied() {
        output.say(&format!("intent: {}", plan.intent()));
    }
    if let Some((path, saved)) = saved {
        let (path, until) = (path.display(), saved.valid_until);
        output
            .say(&format!("saved: {path}, valid until {until:.0}; carry it out with `keycomb apply {path}`"));
        if plan.summary.guarded > 0 {
            output.say("note: what a guard holds in it stays held; guards are lifted where the plan is made, with `--allow`");
        }
    }
    let sheet = Sheet {
        plan: Some(&plan),
        drift: drift.as_ref(),
        keys: &keys,
        external: &external,
        ..Sheet::default()
    };
    emit::write(&args.emit.emit, &sheet, &global.config, output)?;
    Ok(Exit::of_plan(&plan, args.detailed_exitcode))
}

/// The managed keys, as forms show them.
fn rows(input: &Input<'_>) -> Vec<StatusRow> {
    plan::lives(input).iter().map(|life| StatusRow::of(life, input.now)).collect()
}

/// How tables are shown on stdout: in a pipe, with all their columns.
pub(super) fn table_style(output: &Output) -> Style {
    const ALL_COLUMNS: usize = 1_000;
    Style { width: if output.stdout_terminal { output.width } else { ALL_COLUMNS }, ..style(output) }
}

/// How results are shown on stdout.
pub(super) fn style(output: &Output) -> Style {
    Style { color: output.stdout_color, unicode: output.unicode, width: output.width }
}
