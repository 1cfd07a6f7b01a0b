//! `keycomb secrets export`: all credentials that an identity opens, in the form that somebody else's program takes.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::args::{Export as Args, ExportFormat, Global};
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::secrets::{identities, read};
use super::session::from_seal;
use crate::model::{Address, KeyProof, KeyState, Payload, Sealed, SealedKey};
use crate::render;
use crate::seal::{self, Identities, SealError};

/// By address: the newest generation that works.
type Opened<'a> = BTreeMap<&'a Address, Payload>;

/// Prints them.
///
/// # Errors
/// A configuration or sealed file that cannot be used; an identity that opens nothing; what the form cannot hold.
pub(super) fn run(args: &Args, global: &Global, output: &Output) -> Result<Exit, Failure> {
    let sealed = read(args.opener.sandbox, global)?;
    let identities = identities(&args.opener, output)?;
    let opened = open(args, &sealed, &identities, output)?;
    output.write(&match args.format {
        ExportFormat::Dotenv => lines(&opened, "")?,
        ExportFormat::Shell => lines(&opened, "export ")?,
        ExportFormat::Json => json(&opened),
        ExportFormat::Kubernetes => kubernetes(&opened, &args.name)?,
    })?;
    Ok(Exit::Done)
}

fn open<'a>(
    args: &Args,
    sealed: &'a Sealed,
    identities: &Identities,
    output: &Output,
) -> Result<Opened<'a>, Failure> {
    let mut opened = Opened::new();
    let mut closed = Vec::new();
    let is_wanted = |address: &Address| args.env.as_ref().is_none_or(|label| address.environment() == label);
    for (address, key) in newest_live(sealed).into_iter().filter(|(address, _)| is_wanted(address)) {
        if key.proof == Some(KeyProof::Refused) {
            output.say(&format!("note: the service refused the credential of `{address}` when it was tried"));
        }
        match seal::open(key, sealed, identities) {
            Ok(payload) => {
                opened.insert(address, payload);
            }
            Err(SealError::WrongIdentity { .. }) => closed.push(address.to_string()),
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
    Ok(opened)
}

/// Of each address the newest generation that works, if its secret is sealed. What is revoked is nobody's to use.
fn newest_live(sealed: &Sealed) -> BTreeMap<&Address, &SealedKey> {
    let is_live = |key: &&SealedKey| key.state == KeyState::Live && key.revoked.is_none();
    // Sorted by generation: the last of an address counts.
    let newest: BTreeMap<_, _> = sealed.keys.iter().filter(is_live).map(|key| (&key.address, key)).collect();
    newest.into_iter().filter(|(_, key)| key.sealed.is_some()).collect()
}

/// By variable, for instance `HONEYCOMB_PRODUCTION_CHECKOUT`.
///
/// # Errors
/// Two addresses that would be the same variable (3).
fn variables<'a>(opened: &'a Opened<'_>) -> Result<BTreeMap<String, (&'a Address, &'a Payload)>, Failure> {
    let mut variables: BTreeMap<String, (&Address, &Payload)> = BTreeMap::new();
    for (address, payload) in opened {
        let name = variable(address);
        if let Some((other, _)) = variables.insert(name.clone(), (address, payload)) {
            return Err(Failure::words(
                Exit::Config,
                format!("`{other}` and `{address}` would both be the variable {name}"),
                "export one environment with --env, or use --format json",
            ));
        }
    }
    Ok(variables)
}

/// `HONEYCOMB_PRODUCTION_CHECKOUT='…'`, one a line.
fn lines(opened: &Opened<'_>, before: &str) -> Result<Zeroizing<String>, Failure> {
    let mut text = with_room(opened);
    for (name, (address, payload)) in variables(opened)? {
        let value = payload.credential.expose();
        if value.contains(|c: char| c.is_control() || c == '\'') {
            return Err(Failure::words(
                Exit::Failed,
                format!("the credential of `{address}` has a character that such a line cannot hold"),
                "use --format json",
            ));
        }
        [before, &name, "='", value, "'\n"].into_iter().for_each(|part| text.push_str(part));
    }
    Ok(text)
}

/// Room for everything from the start: growing would leave copies behind.
fn with_room(opened: &Opened<'_>) -> Zeroizing<String> {
    const AROUND_EACH: usize = 512;
    let size = opened.values().map(|payload| payload.credential.expose().len() + AROUND_EACH).sum::<usize>();
    Zeroizing::new(String::with_capacity(size + AROUND_EACH))
}

fn variable(address: &Address) -> String {
    let name = match address {
        Address::Environment(label) => label.to_string(),
        Address::Key { environment, key } => format!("{environment}_{key}"),
    };
    format!("HONEYCOMB_{}", name.to_ascii_uppercase().replace('-', "_"))
}

/// `{"key.production.checkout": "…"}`
fn json(opened: &Opened<'_>) -> Zeroizing<String> {
    let credentials: BTreeMap<String, &str> =
        opened.iter().map(|(address, payload)| (address.to_string(), payload.credential.expose())).collect();
    Zeroizing::new(render::json::document(&credentials))
}

/// <https://kubernetes.io/docs/concepts/configuration/secret/>. A string of JSON is one of YAML too.
fn kubernetes(opened: &Opened<'_>, name: &str) -> Result<Zeroizing<String>, Failure> {
    let mut text = with_room(opened);
    text.push_str(&format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name:?}\n  labels:\n    app.kubernetes.io/managed-by: keycomb\n\
         type: Opaque\nstringData:\n"
    ));
    for (name, (_, payload)) in variables(opened)? {
        let value = Zeroizing::new(render::json::document(&payload.credential.expose()));
        ["  ", &name, ": ", value.trim_end(), "\n"].into_iter().for_each(|part| text.push_str(part));
    }
    Ok(text)
}
