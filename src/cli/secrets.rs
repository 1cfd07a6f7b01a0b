//! `keycomb secrets …`: for holders of an identity; never talks to the service.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;
use zeroize::Zeroizing;

use super::args::{ExportFormat, Format, Global, Opener, Secrets};
use super::exit::Exit;
use super::failure::Failure;
use super::merge;
use super::output::Output;
use super::plan::table_style;
use super::private_file;
use super::session::{from_seal, load, sandbox_endpoint, sealed_path};
use crate::config;
use crate::model::{Address, KeyState, Label, Payload, Sealed, SealedKey};
use crate::render::{self, SecretRow};
use crate::seal::{self, Identities, SealError};

/// Lists, opens or exports.
///
/// # Errors
/// A configuration or sealed file that cannot be used; an identity that opens nothing; an address without a secret.
pub fn run(command: &Secrets, global: &Global, output: &Output) -> Result<Exit, Failure> {
    match command {
        Secrets::List { sandbox, format } => list(*sandbox, *format, global, output),
        Secrets::Open { address, opener, json } => open(address, opener, *json, global, output),
        Secrets::Merge { base, ours, theirs, path } => {
            merge::run(base, ours, theirs, path.as_deref(), output)
        }
        Secrets::Export { opener, format, env } => export(opener, *format, env.as_ref(), global, output),
    }
}

fn list(sandbox: bool, format: Format, global: &Global, output: &Output) -> Result<Exit, Failure> {
    let sealed = read(sandbox, global)?;
    output.write(&match format {
        Format::Text => render::text::secrets(&SecretRow::all(&sealed), &table_style(output)),
        Format::Json => render::json::secrets(&SecretRow::all(&sealed)),
    })?;
    Ok(Exit::Done)
}

fn open(
    address: &Address,
    opener: &Opener,
    json: bool,
    global: &Global,
    output: &Output,
) -> Result<Exit, Failure> {
    let sealed = read(opener.sandbox, global)?;
    let key = newest(&sealed, address)?;
    if key.state != KeyState::Live {
        output.say(&format!("note: this key is {}, its credential may be refused", key.state.as_str()));
    }
    let payload = seal::open(key, &sealed, &identities(opener, output)?).map_err(from_seal)?;
    if json {
        output.write(&all_fields(&payload))?;
    } else {
        output.write(&Zeroizing::new(format!("{}\n", payload.credential.expose())))?;
    }
    Ok(Exit::Done)
}

fn export(
    opener: &Opener,
    format: ExportFormat,
    only: Option<&Label>,
    global: &Global,
    output: &Output,
) -> Result<Exit, Failure> {
    let sealed = read(opener.sandbox, global)?;
    let identities = identities(opener, output)?;
    let mut opened: BTreeMap<&Address, Payload> = BTreeMap::new();
    let mut closed = Vec::new();
    for key in &sealed.keys {
        let is_wanted = only.is_none_or(|label| key.address.environment() == label);
        if !is_wanted || key.state != KeyState::Live || key.sealed.is_none() {
            continue;
        }
        match seal::open(key, &sealed, &identities) {
            Ok(payload) => {
                opened.insert(&key.address, payload);
            }
            Err(SealError::WrongIdentity { .. }) => closed.push(key.address.to_string()),
            Err(error) => return Err(from_seal(error)),
        }
    }
    if !closed.is_empty() {
        output.say(&format!("note: not sealed to this identity: {}", closed.join(", ")));
    }
    if opened.is_empty() {
        return Err(Failure::words(
            Exit::Config,
            "there is nothing that this identity can open",
            "`keycomb secrets list` shows what is sealed and to whom",
        ));
    }
    output.write(&match format {
        ExportFormat::Dotenv => dotenv(&opened)?,
        ExportFormat::Json => json(&opened),
    })?;
    Ok(Exit::Done)
}

/// `secrets open --json`: everything that was sealed.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Secret")]
pub struct Document<'a> {
    /// `keycomb.secret/1`
    format: &'static str,
    /// `key.ENVIRONMENT.NAME`
    address: String,
    /// 1, 2, 3 …
    generation: u32,
    /// The service's id of the key.
    id: &'a str,
    /// `ingest` or `configuration`
    r#type: &'static str,
    /// The team's slug.
    team: &'a str,
    /// The service.
    endpoint: &'a str,
    /// The service's id of the environment.
    environment: &'a str,
    /// The sealed file it was made for.
    lineage: &'a str,
    /// What the service showed once.
    secret: &'a str,
    /// The value of the `X-Honeycomb-Team` header.
    credential: &'a str,
}

fn all_fields(payload: &Payload) -> Zeroizing<String> {
    let Payload {
        lineage,
        team,
        endpoint,
        address,
        generation,
        id,
        key_type,
        environment,
        secret,
        credential,
    } = payload;
    Zeroizing::new(render::json::document(&Document {
        format: "keycomb.secret/1",
        address: address.to_string(),
        generation: *generation,
        id: id.as_str(),
        r#type: key_type.as_str(),
        team: team.as_str(),
        endpoint: endpoint.as_str(),
        environment: environment.as_str(),
        lineage: lineage.as_str(),
        secret: secret.expose(),
        credential: credential.expose(),
    }))
}

/// `HONEYCOMB_PRODUCTION_CHECKOUT='…'`, one a line.
fn dotenv(opened: &BTreeMap<&Address, Payload>) -> Result<Zeroizing<String>, Failure> {
    let mut lines: BTreeMap<String, (&Address, &Payload)> = BTreeMap::new();
    for (address, payload) in opened {
        let name = variable(address);
        if let Some((other, _)) = lines.insert(name.clone(), (address, payload)) {
            return Err(Failure::words(
                Exit::Config,
                format!("`{other}` and `{address}` would both be the variable {name}"),
                "export one environment with --env, or use --format json",
            ));
        }
    }
    let mut text = Zeroizing::new(String::new());
    for (name, (address, payload)) in lines {
        let value = payload.credential.expose();
        if value.contains(|c: char| c.is_control() || c == '\'') {
            return Err(Failure::words(
                Exit::Failed,
                format!("the credential of `{address}` has a character that a dotenv file cannot hold"),
                "use --format json",
            ));
        }
        text.push_str(&format!("{name}='{value}'\n"));
    }
    Ok(text)
}

fn variable(address: &Address) -> String {
    let name = match address {
        Address::Environment(label) => label.to_string(),
        Address::Key { environment, key } => format!("{environment}_{key}"),
    };
    format!("HONEYCOMB_{}", name.to_ascii_uppercase().replace('-', "_"))
}

/// `{"key.production.checkout": "…"}`
fn json(opened: &BTreeMap<&Address, Payload>) -> Zeroizing<String> {
    let credentials: BTreeMap<String, &str> =
        opened.iter().map(|(address, payload)| (address.to_string(), payload.credential.expose())).collect();
    Zeroizing::new(render::json::document(&credentials))
}

fn read(sandbox: bool, global: &Global) -> Result<Sealed, Failure> {
    let loaded = load(global)?;
    let endpoint = if sandbox { sandbox_endpoint() } else { loaded.desired.endpoint.clone() };
    let path = sealed_path(&loaded.folder, &loaded.desired, sandbox);
    seal::read(&path, Some((&loaded.desired.team, &endpoint))).map_err(from_seal)?.ok_or_else(|| {
        Failure::words(
            Exit::Config,
            format!("there is no sealed file at `{}`", path.display()),
            "`keycomb apply` makes it with the first key; for what a run with --sandbox sealed, add --sandbox",
        )
    })
}

/// The generation whose credential is the one to use: the newest live one, else the newest with a secret.
fn newest<'a>(sealed: &'a Sealed, address: &Address) -> Result<&'a SealedKey, Failure> {
    let of_address = || sealed.keys.iter().filter(|key| &key.address == address);
    let with_secret = || of_address().filter(|key| key.sealed.is_some() && key.state != KeyState::Deleted);
    with_secret().rfind(|key| key.state == KeyState::Live).or_else(|| with_secret().next_back()).ok_or_else(
        || {
            let known: Vec<String> = sealed.keys.iter().map(|key| key.address.to_string()).collect();
            let (message, help) = if of_address().next().is_some() {
                (
                    format!("`{address}` has no secret that could be opened"),
                    "its key was adopted or deleted".to_owned(),
                )
            } else {
                let named = format!("nothing is sealed for `{address}`");
                let help = config::closest(&address.to_string(), known.iter().map(String::as_str))
                    .map_or_else(
                        || "`keycomb secrets list` shows what is sealed".to_owned(),
                        |name| format!("did you mean `{name}`?"),
                    );
                (named, help)
            };
            Failure::words(Exit::Config, message, help)
        },
    )
}

/// Reads the identities that open secrets, and asks for their passphrases.
///
/// # Errors
/// A file that holds none.
pub(super) fn identities(opener: &Opener, output: &Output) -> Result<Identities, Failure> {
    let ask = |prompt: &str| {
        if !output.interactive {
            return None;
        }
        dialoguer::Password::new()
            .with_prompt(format!("passphrase of {prompt}"))
            .interact()
            .ok()
            .map(secrecy::SecretString::from)
    };
    let read = |path: &PathBuf| {
        // Said and not refused: the file is the reader's own, it may be under a passphrase, and `age` opens it too.
        if let Some(mend) = std::fs::metadata(path).ok().and_then(|file| private_file::mend(&file, path)) {
            let name = path.display();
            output.say(&format!("note: others on this machine can read `{name}`: {mend}"));
        }
        Identities::read(path, &ask)
    };
    let all: Result<Vec<Identities>, SealError> = opener.identity.iter().map(read).collect();
    Ok(Identities::join(all.map_err(from_seal)?))
}
