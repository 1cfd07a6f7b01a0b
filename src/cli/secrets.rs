//! `keycomb secrets …`: for holders of an identity. All but `verify` never talk to the service.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;
use zeroize::Zeroizing;

use super::args::{Format, Global, Opener, Secrets};
use super::exit::Exit;
use super::failure::Failure;
use super::hidden;
use super::merge;
use super::output::Output;
use super::plan::table_style;
use super::private_file;
use super::session::{from_seal, load, sandbox_endpoint, sealed_path};
use super::{exec, export, prove, rekey};
use crate::config::{self, Loaded};
use crate::model::{Address, Desired, KeyState, Payload, Sealed, SealedKey};
use crate::render::{self, SecretRow};
use crate::seal::{self, Identities, SealError};

/// Lists, opens, exports, and hands to the verbs that have a file of their own.
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
        Secrets::Exec(args) => exec::run(args, global, output),
        Secrets::Rekey(args) => rekey::run(args, global, output),
        Secrets::Prove(args) => prove::run(args, global, output),
        // It talks to the service; see `run`.
        Secrets::Verify(_) => Ok(Exit::Usage),
        Secrets::Export(args) => export::run(args, global, output),
    }
}

fn list(sandbox: bool, format: Format, global: &Global, output: &Output) -> Result<Exit, Failure> {
    let Opened { desired, sealed, .. } = read_all(sandbox, global)?;
    let rows = SecretRow::all(&sealed, &desired.seal);
    output.write(&match format {
        Format::Text => render::text::secrets(&rows, &table_style(output)),
        Format::Json => render::json::secrets(&rows),
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
    if payload.address != key.address {
        output.say(&format!("note: it was sealed as `{}`, and moved since", payload.address));
    }
    if json {
        output.write(&all_fields(&payload))?;
    } else {
        output.write(&Zeroizing::new(format!("{}\n", payload.credential.expose())))?;
    }
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

pub(super) fn read(sandbox: bool, global: &Global) -> Result<Sealed, Failure> {
    Ok(read_all(sandbox, global)?.sealed)
}

/// A sealed file and the configuration that it belongs to.
pub(super) struct Opened {
    /// With the sandbox's endpoint where it is the sandbox's file.
    pub(super) desired: Desired,
    /// The configuration's folder.
    pub(super) folder: PathBuf,
    /// The sealed file.
    pub(super) path: PathBuf,
    /// What is in it.
    pub(super) sealed: Sealed,
}

/// Reads the configuration, and the sealed file that goes with it.
///
/// # Errors
/// A wrong configuration (3); no sealed file (3), or one that cannot be used (9).
pub(super) fn read_all(sandbox: bool, global: &Global) -> Result<Opened, Failure> {
    let Loaded { mut desired, folder, .. } = load(global)?;
    let path = sealed_path(&folder, &desired, sandbox);
    if sandbox {
        desired.endpoint = sandbox_endpoint();
    }
    let found = seal::read(&path, Some((&desired.team, &desired.endpoint))).map_err(from_seal)?;
    let sealed = found.ok_or_else(|| {
        Failure::words(
            Exit::Config,
            format!("there is no sealed file at `{}`", path.display()),
            "`keycomb apply` makes it with the first key; for what a run with --sandbox sealed, add --sandbox",
        )
    })?;
    Ok(Opened { desired, folder, path, sealed })
}

/// The generation whose credential is the one to use: the newest live one, else the newest with a secret.
pub(super) fn newest<'a>(sealed: &'a Sealed, address: &Address) -> Result<&'a SealedKey, Failure> {
    let of_address = || sealed.keys.iter().filter(|key| &key.address == address);
    let with_secret = || of_address().filter(|key| key.sealed.is_some() && key.state != KeyState::Deleted);
    with_secret().rfind(|key| key.state == KeyState::Live).or_else(|| with_secret().next_back()).ok_or_else(
        || {
            if of_address().next().is_none() {
                return unknown(sealed, address);
            }
            Failure::words(
                Exit::Config,
                format!("`{address}` has no secret that could be opened"),
                "its key was adopted or deleted",
            )
        },
    )
}

/// An address that the sealed file does not know.
pub(super) fn unknown(sealed: &Sealed, address: &Address) -> Failure {
    let known: Vec<String> = sealed.keys.iter().map(|key| key.address.to_string()).collect();
    let closest = config::closest(&address.to_string(), known.iter().map(String::as_str));
    let help = closest.map_or_else(
        || "`keycomb secrets list` shows what is sealed".to_owned(),
        |name| format!("did you mean `{name}`?"),
    );
    Failure::words(Exit::Config, format!("nothing is sealed for `{address}`"), help)
}

/// Refuses addresses that the sealed file does not know.
///
/// # Errors
/// The first of them (3).
pub(super) fn refuse_unknown(sealed: &Sealed, addresses: &[Address]) -> Result<(), Failure> {
    let is_known = |address: &&Address| sealed.keys.iter().any(|key| key.address == **address);
    match addresses.iter().find(|address| !is_known(address)) {
        Some(address) => Err(unknown(sealed, address)),
        None => Ok(()),
    }
}

pub(super) fn identities(opener: &Opener, output: &Output) -> Result<Identities, Failure> {
    identities_of(&opener.identity, output)
}

/// Reads the identities that open secrets, and asks for their passphrases.
///
/// # Errors
/// A file that is no identity (3).
pub(super) fn identities_of(files: &[PathBuf], output: &Output) -> Result<Identities, Failure> {
    let ask = |prompt: &str| {
        if !output.interactive {
            return None;
        }
        hidden::ask(&format!("passphrase of {prompt}")).map(|text| secrecy::SecretString::from(text.as_str()))
    };
    let read = |path: &PathBuf| {
        // Said and not refused: the file is the reader's own, it may be under a passphrase, and `age` opens it too.
        if let Some(mend) = std::fs::metadata(path).ok().and_then(|file| private_file::mend(&file, path)) {
            let name = path.display();
            output.say(&format!("note: others on this machine can read `{name}`: {mend}"));
        }
        Identities::read(path, &ask)
    };
    let all: Result<Vec<Identities>, SealError> = files.iter().map(read).collect();
    Ok(Identities::join(all.map_err(from_seal)?))
}
