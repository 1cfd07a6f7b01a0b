//! `keycomb show`: a saved plan, without network or credential.

use super::args::{Format, Global, Show as Args};
use super::emit;
use super::exit::Exit;
use super::failure::Failure;
use super::held;
use super::output::Output;
use super::plan::style;
use crate::model::Timestamp;
use crate::render::{self, Run, Sheet};
use crate::saved::Saved;

/// Shows it, and whether it may still be carried out by its own dates.
///
/// # Errors
/// When it is not byte for byte what keycomb wrote (6); when a form cannot be written.
pub fn run(args: &Args, global: &Global, output: &Output) -> Result<Exit, Failure> {
    emit::check(&args.emit.emit, Run::Plan, global)?;
    let (saved, _) = held::read(&args.file)?;
    output.write(&match args.format {
        Format::Text => render::text::plan(&saved.plan, &style(output)),
        Format::Json => render::json::plan(&saved.plan),
    })?;
    output.say(&told(&saved, Timestamp::now()));
    let sheet = Sheet { plan: Some(&saved.plan), ..Sheet::default() };
    emit::write(&args.emit.emit, &sheet, &global.config, output)?;
    Ok(Exit::Done)
}

fn told(saved: &Saved, now: Timestamp) -> String {
    let Saved { keycomb, intent, may_be_applied, made, valid_until, plan, .. } = saved;
    let until = if !may_be_applied {
        "only to be looked at".to_owned()
    } else if now > *valid_until {
        format!("expired: it was valid until {valid_until:.0}")
    } else {
        format!("valid until {valid_until:.0}, if nothing it was made from has changed")
    };
    let lifted = plan.header.terms.allow.told().map(|told| format!("; {told}")).unwrap_or_default();
    format!("saved plan {intent}, made {made:.0} by keycomb {keycomb}{lifted}; {until}")
}
