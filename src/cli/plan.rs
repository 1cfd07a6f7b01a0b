//! `keycomb plan`: read, decide, show.

use std::collections::BTreeMap;

use super::args::{Format, Global, Plan as Args};
use super::choose::choose;
use super::emit;
use super::exit::Exit;
use super::external;
use super::failure::Failure;
use super::known::Known;
use super::lift::{allow, refuse_nobodys};
use super::output::Output;
use super::saved_file::{save, whole_second};
use super::session::Session;
use crate::model::Scope;
use crate::plan::{self, Ask};
use crate::render::{self, Sheet, StatusRow, Style};

/// Shows what would change.
///
/// # Errors
/// Those of [`Session`].
pub async fn run(args: &Args, global: &Global, output: &Output) -> Result<Exit, Failure> {
    let session = Session::open(global, &args.service, *output).await?;
    let writes = [Scope::EnvironmentsWrite, Scope::KeysWrite];
    if !session.is_sandbox() && writes.iter().any(|scope| session.access.scopes.contains(scope)) {
        output.say("note: this management key can write; a key with only read scopes is enough for `plan`");
    }
    let sealed = session.sealed()?;
    let mut known = Known::read(&session, sealed.as_ref(), output).await?;
    refuse_nobodys(&args.lift, &session.desired, known.sealed)?;
    if args.out.is_some() {
        known.live.now = whole_second(known.live.now);
    }
    let mut input = known.input(&session.desired, allow(&args.lift), Ask::default());
    input.ask.select = choose(&args.choose, &input)?;
    if let Some(later) = args.at {
        input.now = later.after(input.now);
        output.say(&format!(
            "note: a forecast for {:.0}: only the clock is moved, by {later}; everything else is taken as it is now, and no apply \
             carries this out",
            input.now
        ));
    }
    let plan = plan::plan(&input);
    let drift = plan::drift(&input);
    let keys: Vec<StatusRow> =
        plan::lives(&input).iter().map(|life| StatusRow::of(life, input.now)).collect();
    let saved = match &args.out {
        Some(path) => Some((path, save(path, &plan, args.valid_for, &session, &known)?)),
        None => None,
    };
    let external = external::rows(&session.desired, &BTreeMap::new(), input.now);
    session.close().await;
    output.write(&match args.format {
        Format::Text => render::text::plan(&plan, &style(output)),
        Format::Json => render::json::plan(&plan),
    })?;
    if plan.summary.changes > 0 && !plan.header.is_forecast() {
        output.say(&format!("intent: {}", plan.intent()));
    }
    if let Some((path, saved)) = saved {
        let (path, until) = (path.display(), saved.valid_until);
        output
            .say(&format!("saved: {path}, valid until {until:.0}; carry it out with `keycomb apply {path}`"));
    }
    let sheet =
        Sheet { plan: Some(&plan), drift: Some(&drift), keys: &keys, external: &external, report: None };
    emit::write(&args.emit.emit, &sheet, output)?;
    Ok(Exit::of_plan(&plan, args.detailed_exitcode))
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
