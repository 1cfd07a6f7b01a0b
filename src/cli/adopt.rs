//! `keycomb adopt`: what is at the service is managed from here on, as it is.

use super::args::{Adopt as Args, Global, Lift};
use super::carry::{Asked, Order, carry_out_with};
use super::exit::Exit;
use super::failure::Failure;
use super::given::{self, Given};
use super::interrupt::Interrupt;
use super::known::Known;
use super::output::Output;
use super::session::Session;
use super::survey;
use crate::apply::Home;
use crate::config::write::{Block, Edit, EnvironmentBlock, KeyBlock};
use crate::model::{Address, EnvironmentAttributes, Label, LiveEnvironment, LiveKey, brief, visible};
use crate::plan::{Adopt, Ask};
use crate::report::Skipped;

/// Adopts one thing, or all.
///
/// # Errors
/// Those of [`carry_out_with`]; a secret that is not the key's, a block that cannot be written.
pub async fn run(
    args: &Args,
    global: &Global,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let order = Order {
        verb: "adopt",
        look: "plan",
        service: &args.service,
        lift: &Lift::default(),
        format: args.format,
        emit: &[],
        yes: args.yes,
        home: Home::Disk,
    };
    let ask = async |session: &Session, known: &Known<'_>| match (&args.id, &args.address) {
        (Some(id), Some(address)) => one(args, id, address, session, known, global, output).await,
        _ => all(args, session, known, global, output),
    };
    carry_out_with(&order, ask, global, output, interrupt).await
}

async fn one(
    args: &Args,
    id: &str,
    address: &Address,
    session: &Session,
    known: &Known<'_>,
    global: &Global,
    output: &Output,
) -> Result<Asked, Failure> {
    let files = match &args.write {
        Some(file) => Some(declare(file, id, address, session, known, global)?),
        None => None,
    };
    let secret = match args.secret_stdin {
        true => {
            let desired = files.as_ref().map_or(&session.desired, |(_, desired)| desired);
            let given = Given { id, address, credential: given::read_stdin(output)? };
            Some(given::seal(given, desired, session, known, output).await?)
        }
        false => None,
    };
    let adopt = [(address.clone(), Adopt { id: id.to_owned(), secret })].into();
    Ok(Asked { ask: Ask { adopt, ..Ask::default() }, files, skipped: vec![] })
}

fn all(
    args: &Args,
    session: &Session,
    known: &Known<'_>,
    global: &Global,
    output: &Output,
) -> Result<Asked, Failure> {
    let folder = args.write.as_deref().unwrap_or_default().trim_end_matches('/');
    if folder.is_empty() {
        return Err(Failure::words(
            Exit::Usage,
            "`--all` needs a folder to write to",
            "such as `--write adopted`: relative to the configuration's folder",
        ));
    }
    let found = survey::survey(folder, &args.env, session, known, &global.config)?;
    for skipped in &found.skipped {
        output.say(&format!("skipped: {}", visible(&line(skipped))));
    }
    if found.asked.ask.adopt.is_empty() {
        output.say("nothing to adopt");
    }
    Ok(Asked { skipped: found.skipped, ..found.asked })
}

fn line(skipped: &Skipped) -> String {
    let Skipped { key_type, id, name, why } = skipped;
    let what = key_type.map_or_else(|| "environment".to_owned(), |key_type| format!("{key_type} key"));
    format!("{what} `{}` ({id}): {why}", brief(name))
}

/// The block for one thing, at the end of a file.
fn declare(
    file: &str,
    id: &str,
    address: &Address,
    session: &Session,
    known: &Known<'_>,
    global: &Global,
) -> Result<(Edit, crate::model::Desired), Failure> {
    let desired = &session.desired;
    let is_declared = match address {
        Address::Environment(label) => desired.environments.contains_key(label),
        Address::Key { .. } => desired.keys.contains_key(address),
    };
    if is_declared {
        let help = "leave `--write` out: it is adopted as it is declared";
        return Err(Failure::words(Exit::Config, format!("`{address}` is declared already"), help));
    }
    let block = match address {
        Address::Environment(label) => {
            let live = known.live.environments.iter().find(|live| live.id.as_str() == id);
            live.map(|live| environment_block(label.clone(), live)).transpose()
        }
        Address::Key { environment, key } => {
            let live = known.live.keys.iter().find(|live| live.id.as_str() == id);
            Ok(live.map(|live| Block::Key(key_block(key.clone(), environment.clone(), live))))
        }
    };
    let unwritable = |why: String| {
        Failure::words(
            Exit::Config,
            format!("what it is cannot be declared: {why}"),
            "change it in Honeycomb first; nothing was written",
        )
    };
    let Some(block) = block.map_err(unwritable)? else {
        return Err(Failure::words(
            Exit::Config,
            format!("the service has nothing with the id `{}` that `{address}` could be", visible(id)),
            "look at the findings of `keycomb plan`: they name the ids of what is not managed",
        ));
    };
    if let Some(problem) = block.problem() {
        return Err(unwritable(problem));
    }
    let (mut edit, _) =
        Edit::open(&global.config).map_err(|problems| Failure::new(Exit::Config, problems))?;
    let file = if file.is_empty() { edit.main().to_owned() } else { file.to_owned() };
    edit.add(&file, &[block]).map_err(|error| Failure::new(Exit::Config, error))?;
    let desired = edit.preview().map_err(|problems| Failure::new(Exit::Config, problems))?;
    Ok((edit, desired))
}

/// An environment declared as it is.
///
/// # Errors
/// Why it cannot be declared.
pub(super) fn environment_block(label: Label, live: &LiveEnvironment) -> Result<Block, String> {
    let block = EnvironmentBlock {
        label,
        name: live.name.clone(),
        attributes: EnvironmentAttributes {
            description: Some(live.description.clone()).filter(|text| !text.is_empty()),
            color: live.color,
            delete_protected: Some(live.delete_protected),
        },
        comment: vec![format!("adopted: {}", live.id)],
    };
    let (mut block, left_out) = block.writable()?;
    let note = |field| format!("its {field} cannot be written here, and is not managed");
    block.comment.extend(left_out.into_iter().map(note));
    Ok(Block::Environment(block))
}

/// A key declared as it is.
pub(super) fn key_block(label: Label, environment: Label, live: &LiveKey) -> KeyBlock {
    KeyBlock {
        label,
        environment,
        key_type: live.key_type,
        name: live.name.clone(),
        permissions: live.permissions.clone(),
        enabled: !live.disabled,
        protected: false,
        comment: vec![format!("adopted: {}", live.id)],
    }
}
