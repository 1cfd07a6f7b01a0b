//! `keycomb drift`: live against last applied.

use std::collections::BTreeMap;
use std::path::Path;

use super::args::{Drift as Args, Format, Global};
use super::exit::Exit;
use super::external;
use super::failure::Failure;
use super::interrupt::Interrupt;
use super::known::Known;
use super::output::Output;
use super::plan::style;
use super::session::Session;
use super::{accept, emit, outputs, reading, traced, whole_file};
use crate::plan::{self, Allow, Ask, Drift};
use crate::render::{self, Run, Sheet, StatusRow};

/// Shows what changed at the service since the last apply, or takes it over.
///
/// # Errors
/// Those of [`Session`], and of what is written.
pub async fn run(
    args: &Args,
    global: &Global,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    match args.accept.is_empty() {
        true => interrupt.or(show(args, global, output)).await,
        false => accept::run(args, global, output, interrupt).await,
    }
}

async fn show(args: &Args, global: &Global, output: &Output) -> Result<Exit, Failure> {
    emit::check(&args.emit.emit, Run::Drift, global)?;
    outputs::refuse_ours(args.save_snapshot.as_deref(), global)?;
    let session = Session::open(global, &args.service, *output).await?;
    let sealed = session.sealed()?;
    if sealed.is_none() {
        output.say(&format!(
            "note: there is no sealed file at `{}`: nothing was applied yet, or it was not committed",
            session.sealed_path.display()
        ));
    }
    let known = Known::read(&session, sealed.as_ref(), output).await?;
    let probed = if args.probe { external::probe(&session).await? } else { BTreeMap::new() };
    let external = external::rows(&session.desired, &probed, known.live.now);
    let ask = Ask { probed, ..Ask::default() };
    let input = known.input(&session.desired, Allow::default(), ask);
    let drift = traced::phase("decide").in_scope(|| plan::drift(&input));
    let keys: Vec<StatusRow> =
        plan::lives(&input).iter().map(|life| StatusRow::of(life, input.now)).collect();
    let snapshot = args.save_snapshot.as_ref().map(|path| {
        let text = reading::snapshot(&session, &known, args.hash_names);
        save(path, &text, output)
    });
    session.close().await;
    output.write(&match args.format {
        Format::Text => render::text::drift(&drift, &style(output)),
        Format::Json => render::json::drift(&drift),
    })?;
    let sheet = Sheet { drift: Some(&drift), keys: &keys, external: &external, ..Sheet::default() };
    emit::write(&args.emit.emit, &sheet, &global.config, output)?;
    snapshot.transpose()?;
    Ok(exit(&drift, args))
}

fn exit(drift: &Drift, args: &Args) -> Exit {
    if drift.is_unsealed() {
        Exit::Unconfirmed
    } else if drift.fails(&args.fail_on) {
        Exit::Changes
    } else {
        Exit::Done
    }
}

fn save(path: &Path, text: &str, output: &Output) -> Result<(), Failure> {
    whole_file::write(path, text.as_bytes()).map_err(|source| {
        let what = format!("cannot write `{}`", path.display());
        Failure::io(what, "name a file in a folder that takes one", source)
    })?;
    output.say(&format!("saved: {}", path.display()));
    Ok(())
}
