//! `keycomb secrets rekey`: seals anew to the recipients that the configuration has.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::args::{Format, Global, Rekey as Args};
use super::carry::holder;
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::secrets::{Opened, identities_of, read_all, refuse_unknown};
use super::session::from_seal;
use crate::model::{RecipientRef, SealedKey, brief};
use crate::ports::KeepRecord as _;
use crate::render;
use crate::seal::{self, Closed, Keeper, Rekeyed};

/// Seals all anew that has to be, or nothing.
///
/// # Errors
/// Entries that the identity does not open (3), or that are damaged, moved or forged, or whose recipients have proven too
/// little (9): nothing is written then.
pub fn run(args: &Args, global: &Global, output: &Output) -> Result<Exit, Failure> {
    let Opened { desired, path, sealed, .. } = read_all(args.opener.sandbox, global)?;
    refuse_unknown(&sealed, &args.address)?;
    let identities = identities_of(&args.opener.identity, output)?;
    // Under the lock, and with what a cut-off apply left taken in.
    let mut keeper =
        Keeper::open(&path, &desired.team, &desired.endpoint, sealed.lineage, &holder("secrets rekey"))
            .map_err(from_seal)?;
    let is_wanted = |key: &SealedKey| {
        (args.address.is_empty() || args.address.contains(&key.address))
            && args.env.as_ref().is_none_or(|env| key.address.environment() == env)
    };
    let rekeyed = seal::rekey(keeper.sealed(), &desired.seal, &identities, &is_wanted).map_err(from_seal)?;
    if !rekeyed.closed.is_empty() {
        return Err(closed(&rekeyed.closed));
    }
    keeper.put_rekeyed(&rekeyed).map_err(from_seal)?;
    let serial = keeper.sealed().serial;
    drop(keeper);
    output.write(&match args.format {
        Format::Text => text(&rekeyed),
        Format::Json => render::json::document(&document(&rekeyed, serial)),
    })?;
    Ok(Exit::Done)
}

fn closed(closed: &[Closed]) -> Failure {
    let mut message = String::from("nothing was written: these entries cannot be sealed anew");
    for Closed { address, id, why } in closed {
        // Writing into a String cannot fail.
        let _ = write!(message, "\n  {address} (`{id}`): {why}");
    }
    let is_only_identity =
        closed.iter().all(|Closed { why, .. }| matches!(why, seal::SealError::WrongIdentity { .. }));
    if is_only_identity {
        let help = "give the identities of who can open them (-i may be repeated), or name the keys that you can open";
        Failure::words(Exit::Config, message, help)
    } else {
        let help =
            "take the damaged entries' last good version from your version control, or name the other keys";
        Failure::words(Exit::Seal, message, help)
    }
}

fn text(rekeyed: &Rekeyed) -> String {
    let Rekeyed { anew, renamed, unchanged, waiting, closed: _ } = rekeyed;
    let mut text = String::new();
    for (before, after) in anew {
        let (came, left) = (not_in(after, before), not_in(before, after));
        let both = || before.recipients.iter().chain(&after.recipients);
        let part = |sign: &str, readers: Vec<&RecipientRef>| -> String {
            readers.iter().map(|reader| format!(" {sign}{}", brief(&reader.among(both())))).collect()
        };
        let _ = writeln!(text, "sealed anew  {}{}{}", after.address, part("+", came), part("-", left));
    }
    for entry in renamed {
        let _ = writeln!(text, "renamed      {}", entry.address);
    }
    for (address, id) in waiting {
        let _ =
            writeln!(text, "left alone   {address} (`{id}` waits for its release; run this again after it)");
    }
    let _ = writeln!(text, "{} sealed anew, {unchanged} as they should be", anew.len());
    let left = who_left(rekeyed);
    if !left.is_empty() {
        let names: Vec<String> = left.keys().map(|name| format!("`{}`", brief(name))).collect();
        let addresses: BTreeSet<&String> = left.values().flatten().collect();
        let addresses: Vec<&str> = addresses.into_iter().map(String::as_str).collect();
        let _ = writeln!(
            text,
            "\n{} could open them until now, and still can in older versions of the file. Only new secrets end that:\n  \
             keycomb rotate {}",
            names.join(", "),
            addresses.join(" ")
        );
    }
    text
}

/// Who could open an entry and cannot any more: by name, with the addresses.
fn who_left(rekeyed: &Rekeyed) -> BTreeMap<String, Vec<String>> {
    let mut left: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (before, after) in &rekeyed.anew {
        for reader in not_in(before, after) {
            left.entry(reader.among(&after.recipients)).or_default().push(after.address.to_string());
        }
    }
    left
}

/// The recipients of one version that the other does not have.
fn not_in<'a>(one: &'a SealedKey, other: &SealedKey) -> Vec<&'a RecipientRef> {
    let is_there = |fingerprint: &str| other.recipients.iter().any(|to| to.fingerprint == fingerprint);
    one.recipients.iter().filter(|to| !is_there(&to.fingerprint)).collect()
}

/// `secrets rekey --format json`
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Rekeyed")]
pub struct Document<'a> {
    /// `keycomb.rekeyed/1`
    format: &'static str,
    /// The sealed file's serial.
    serial: u64,
    /// Entries that were sealed anew, in the file's order.
    anew: Vec<AnewView<'a>>,
    /// Addresses of entries whose recipients only have other names now.
    renamed: Vec<String>,
    /// How many were sealed to whom they should be.
    unchanged: usize,
    /// Addresses of keys that wait for their release with the entry they have.
    left_alone: Vec<String>,
}

/// An entry that was sealed anew.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Anew")]
struct AnewView<'a> {
    /// Where it is declared, or was.
    address: String,
    /// 1, 2, 3 …
    generation: u32,
    /// The service's id.
    id: &'a str,
    /// Who can open it now and could not, by name.
    added: Vec<&'a str>,
    /// Who could open it, by name: they still can, in older versions of the file.
    removed: Vec<&'a str>,
}

fn document(rekeyed: &Rekeyed, serial: u64) -> Document<'_> {
    let Rekeyed { anew, renamed, unchanged, waiting, closed: _ } = rekeyed;
    Document {
        format: "keycomb.rekeyed/1",
        serial,
        anew: anew.iter().map(anew_view).collect(),
        renamed: renamed.iter().map(|entry| entry.address.to_string()).collect(),
        unchanged: *unchanged,
        left_alone: waiting.iter().map(|(address, _)| address.to_string()).collect(),
    }
}

fn names(readers: Vec<&RecipientRef>) -> Vec<&str> {
    readers.into_iter().map(|reader| reader.name.as_str()).collect()
}

fn anew_view((before, after): &(SealedKey, SealedKey)) -> AnewView<'_> {
    AnewView {
        address: after.address.to_string(),
        generation: after.generation,
        id: after.id.as_str(),
        added: names(not_in(after, before)),
        removed: names(not_in(before, after)),
    }
}
