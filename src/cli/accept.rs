//! `keycomb drift --accept`: what was changed at the service is right, and the files and the record say so from here on.

use std::collections::BTreeSet;
use std::path::Path;

use similar::TextDiff;

use super::args::{Drift as Args, Format, Global, Lift};
use super::carry::{Asked, Order, carry_out_with};
use super::exit::Exit;
use super::failure::Failure;
use super::interrupt::Interrupt;
use super::known::Known;
use super::output::Output;
use super::plan::style;
use super::session::Session;
use crate::apply::Home;
use crate::config::mask;
use crate::config::write::{Edit, Scalar};
use crate::model::{Address, Desired, brief, visible};
use crate::plan::{self, Action, Allow, Ask, Change, DECLARED_OTHERWISE};
use crate::render;

/// Shows what the files would have; with `--write` writes it to them and to the record.
///
/// # Errors
/// Those of [`carry_out_with`]; what cannot be declared as it is (3).
pub(super) async fn run(
    args: &Args,
    global: &Global,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    if !args.write {
        return interrupt.or(show(args, global, output)).await;
    }
    let order = Order {
        verb: "drift --accept",
        look: "drift --accept ADDRESS",
        service: &args.service,
        lift: &Lift::default(),
        format: args.format,
        emit: &[],
        yes: args.yes,
        home: Home::Disk,
    };
    let ask = async |session: &Session, known: &Known<'_>| {
        let asked = asked(args, &session.desired, known, &global.config)?;
        if let Some((edit, _)) = &asked.files {
            output.say(diff(edit).trim_end());
        }
        Ok(asked)
    };
    carry_out_with(&order, ask, global, output, interrupt).await
}

async fn show(args: &Args, global: &Global, output: &Output) -> Result<Exit, Failure> {
    let session = Session::open(global, &args.service, *output).await?;
    let sealed = session.sealed()?;
    let known = Known::read(&session, sealed.as_ref(), output).await?;
    let Asked { ask, files, .. } = asked(args, &session.desired, &known, &global.config)?;
    let text = files.as_ref().map(|(edit, _)| diff(edit));
    // The service is the session's, whatever the files say.
    let desired = match files {
        Some((_, desired)) => Desired { endpoint: session.desired.endpoint.clone(), ..desired },
        None => session.desired.clone(),
    };
    let plan = plan::plan(&known.input(&desired, Allow::default(), ask));
    session.close().await;
    match args.format {
        Format::Json => output.write(&render::json::plan(&plan))?,
        Format::Text => {
            output.write(&render::text::plan(&plan, &style(output)))?;
            output.write(
                &text
                    .map_or_else(|| "\nThe files stay as they are.\n".to_owned(), |text| format!("\n{text}")),
            )?;
        }
    }
    let is_accepted = plan.summary.blocked == 0;
    if is_accepted {
        output.say("nothing was written; `--write` does it");
    }
    Ok(if is_accepted { Exit::Changes } else { Exit::Blocked })
}

/// What is asked for, and the files that say the same.
fn asked(args: &Args, desired: &Desired, known: &Known<'_>, config: &Path) -> Result<Asked, Failure> {
    let accept: BTreeSet<Address> = args.accept.iter().cloned().collect();
    let ask = Ask { accept, ..Ask::default() };
    let plan = plan::plan(&known.input(desired, Allow::default(), ask.clone()));
    let is_otherwise = |action: &&Action| {
        let code = action.blocked.as_ref().map(|blocked| blocked.code);
        ask.accept.contains(&action.address) && code == Some(DECLARED_OTHERWISE)
    };
    let changed: Vec<&Action> = plan.actions.iter().filter(is_otherwise).collect();
    if changed.is_empty() {
        return Ok(Asked { ask, ..Asked::default() });
    }
    let (mut edit, _) = Edit::open(config).map_err(|problems| Failure::new(Exit::Config, problems))?;
    for action in &changed {
        for change in &action.changes {
            write(&mut edit, desired, &action.address, change)?;
        }
    }
    let declared = edit.preview().map_err(|problems| {
        let why = problems.list().first().map(|problem| problem.message.clone()).unwrap_or_default();
        unwritable(
            "what is live cannot be declared",
            &why,
            "change it in Honeycomb, or write by hand what can be declared",
        )
    })?;
    check(desired, &declared, &changed)?;
    Ok(Asked { ask, files: Some((edit, declared)), ..Asked::default() })
}

fn unwritable(what: &str, why: &str, help: &str) -> Failure {
    Failure::words(Exit::Config, format!("{what}: {why}"), format!("nothing was written; {help}"))
}

/// Puts one live value in the place of the declared one. What the files do not manage stays out of them.
fn write(edit: &mut Edit, desired: &Desired, address: &Address, change: &Change) -> Result<(), Failure> {
    let (Some(file), Some(declared), Some(live)) =
        (file_of(desired, address), plan::declared_value(desired, address, change.field), &change.after)
    else {
        return Ok(());
    };
    if declared == *live {
        return Ok(());
    }
    let table = match address {
        Address::Environment(label) => ["environment", label.as_str()],
        Address::Key { key, .. } => ["key", key.as_str()],
    };
    let value = match change.field {
        "permissions" => Scalar::List(live.lines().map(str::to_owned).collect()),
        "enabled" | "delete_protected" => Scalar::Bool(live == "true"),
        "name" => {
            refuse_template(edit, file, &table, address)?;
            Scalar::Text(live.replace('{', "{{").replace('}', "}}"))
        }
        _ => Scalar::Text(live.clone()),
    };
    edit.set(file, &table, change.field, &value).map_err(|error| Failure::new(Exit::Config, error))
}

fn file_of<'a>(desired: &'a Desired, address: &Address) -> Option<&'a str> {
    let origin = match address {
        Address::Environment(label) => &desired.environments.get(label)?.origin,
        Address::Key { .. } => &desired.keys.get(address)?.origin,
    };
    Some(&origin.file)
}

/// A name that is made of placeholders is more than one value.
fn refuse_template(edit: &Edit, file: &str, table: &[&str], address: &Address) -> Result<(), Failure> {
    let written = edit.written(file, table, "name").unwrap_or_default();
    let bare = written.replace("{{", "").replace("}}", "");
    if !bare.contains('{') {
        return Ok(());
    }
    Err(unwritable(
        &format!("the name of `{address}` cannot be written"),
        &format!("it is made from `{}`", brief(&written)),
        "name it by hand, in a block of its own if others share this one; or give it its old name in Honeycomb",
    ))
}

/// Refuses files that would change another declaration, or that do not say what is live.
fn check(before: &Desired, after: &Desired, accepted: &[&Action]) -> Result<(), Failure> {
    let is_accepted = |address: &Address| accepted.iter().any(|action| action.address == *address);
    for (address, key) in before.keys.iter().filter(|(address, _)| !is_accepted(address)) {
        let fields = ["name", "permissions", "enabled"];
        let changed = fields.into_iter().find(|field| {
            plan::declared_value(before, address, field) != plan::declared_value(after, address, field)
        });
        if let Some(field) = changed {
            return Err(shared(field, address, &key.origin.file));
        }
    }
    for action in accepted {
        let is_other = |change: &&Change| {
            let declared = plan::declared_value(after, &action.address, change.field);
            declared.is_some() && declared != change.after
        };
        if let Some(change) = action.changes.iter().find(is_other) {
            let file = file_of(before, &action.address).unwrap_or_default();
            return Err(shared(change.field, &action.address, file));
        }
    }
    Ok(())
}

fn shared(field: &str, address: &Address, file: &str) -> Failure {
    unwritable(
        &format!("the live `{field}` cannot be written"),
        &format!("its block in `{}` is that of `{address}` too, which has another", brief(file)),
        "give one of them a block of its own: the same name under `[key]` with its own `environment`, in another file, and \
         that environment taken out of `environments`",
    )
}

/// What the files would have, against what they have; harmless to a terminal.
fn diff(edit: &Edit) -> String {
    let mut text = String::new();
    for file in edit.changes() {
        let (before, after) =
            (edit.before(&file.name).unwrap_or_default(), edit.text(&file.name).unwrap_or_default());
        let diff = TextDiff::from_lines(before, after);
        let unified = diff.unified_diff().context_radius(2).header(&file.name, &file.name).to_string();
        for line in unified.lines() {
            text.push_str(&visible(&mask(line)));
            text.push('\n');
        }
    }
    text
}
