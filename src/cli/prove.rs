//! `keycomb secrets prove`: challenges for recipients, and answers from who holds their identities.

use std::fmt::Write as _;
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::args::{Format, Global, Prove as Args};
use super::carry::holder;
use super::exit::Exit;
use super::failure::Failure;
use super::history;
use super::output::Output;
use super::secrets::identities_of;
use super::session::{from_seal, load, make_private_folder, sandbox_endpoint, sealed_path};
use super::surroundings::{fresh_lineage, fresh_nonce};
use crate::config::Loaded;
use crate::model::{Challenge, Recipient, SealSettings, Sealed, Timestamp, brief};
use crate::ports::KeepRecord as _;
use crate::render;
use crate::seal::{self, Identities, Keeper};

/// Writes the challenges that are missing, and the answers that the identities give.
///
/// # Errors
/// No recipients, identities that are nobody's (3); a sealed file that is in use (8), cannot be used (9), or is gone and in
/// git (10).
pub fn run(args: &Args, global: &Global, output: &Output) -> Result<Exit, Failure> {
    let Loaded { desired, folder, .. } = load(global)?;
    if desired.seal.recipients.is_empty() {
        return Err(Failure::words(
            Exit::Config,
            "there are no recipients to prove",
            "name at least one in `[seal.recipients]`",
        ));
    }
    let identities = identities_of(&args.identity, output)?;
    let path = sealed_path(&folder, &desired, args.sandbox);
    let endpoint = if args.sandbox { sandbox_endpoint() } else { desired.endpoint.clone() };
    if args.sandbox {
        // Its sealed file is with its state, in a folder that the first run makes.
        make_private_folder(&folder.join(".keycomb"))?;
    }
    let holder = holder("secrets prove");
    let mut keeper =
        Keeper::open(&path, &desired.team, &endpoint, fresh_lineage(), &holder).map_err(from_seal)?;
    let is_first = keeper.sealed().serial == 0;
    // The sandbox's sealed file is never committed.
    if is_first && !args.sandbox {
        refuse_second_file(&path, &desired.seal.file)?;
    }
    let made = challenges(args, &desired.seal, keeper.sealed(), &identities)?;
    let answered: Vec<String> =
        made.iter().filter(|challenge| challenge.answer.is_some()).map(|c| c.fingerprint.clone()).collect();
    keeper.put_challenges(made).map_err(from_seal)?;
    let sealed = keeper.sealed().clone();
    drop(keeper);
    if is_first {
        output.say(&format!(
            "made {}; if there is one in your version control, put that back instead and run this again",
            path.display()
        ));
    }
    let views = views(&desired.seal, &sealed, &answered);
    output.write(&match args.format {
        Format::Text => text(&views),
        Format::Json => render::json::document(&Document { format: "keycomb.proofs/1", recipients: views }),
    })?;
    refuse_nobodys(args, &desired.seal, &sealed, &identities)
}

/// Where the sealed file is gone and git has it, a new one would be of another lineage, and the two could never be joined.
///
/// # Errors
/// Names the commit that has it (10).
fn refuse_second_file(path: &Path, file: &str) -> Result<(), Failure> {
    let Some(commit) = history::holder_of(path, history::LIMIT) else { return Ok(()) };
    Err(Failure::words(
        Exit::Unconfirmed,
        format!("there is no sealed file at `{}`, and commit {commit} has it", path.display()),
        format!(
            "nothing was written; put it back, in the folder of the configuration: `git show {commit}:./{file} > {file}`. If a \
             new one is meant all the same, the first `keycomb apply` makes it"
        ),
    ))
}

/// The challenges that are new, or newly answered.
fn challenges(
    args: &Args,
    settings: &SealSettings,
    sealed: &Sealed,
    identities: &Identities,
) -> Result<Vec<Challenge>, Failure> {
    let mut changed = Vec::new();
    for (name, recipient) in &settings.recipients {
        let known = sealed.challenges.iter().find(|known| known.fingerprint == recipient.fingerprint());
        let usable = known.filter(|known| !args.again && is_usable(known, sealed));
        let mut challenge = match usable {
            Some(known) if known.is_answered(&sealed.lineage) => continue,
            Some(known) => known.clone(),
            None => fresh(name, recipient, sealed)?,
        };
        if let Some(answer) = seal::answer(&challenge, &sealed.lineage, identities) {
            // For people: whole seconds.
            let now = Timestamp::now();
            (challenge.answer, challenge.proven) =
                (Some(answer), Some(now.round(jiff::Unit::Second).unwrap_or(now)));
        }
        if usable != Some(&challenge) {
            changed.push(challenge);
        }
    }
    Ok(changed)
}

/// A wrong answer in it shows that somebody wrote it by hand: that challenge is over.
fn is_usable(known: &Challenge, sealed: &Sealed) -> bool {
    known.answer.is_none() && known.proven.is_none() || known.is_answered(&sealed.lineage)
}

fn fresh(name: &str, recipient: &Recipient, sealed: &Sealed) -> Result<Challenge, Failure> {
    seal::challenge(name, recipient, &sealed.lineage, &fresh_nonce()).map_err(from_seal)
}

/// An identity that opens no challenge of any recipient is not what was meant.
fn refuse_nobodys(
    args: &Args,
    settings: &SealSettings,
    sealed: &Sealed,
    identities: &Identities,
) -> Result<Exit, Failure> {
    let is_of_recipient = |challenge: &&Challenge| {
        settings.recipients.values().any(|recipient| recipient.fingerprint() == challenge.fingerprint)
    };
    let opens = |challenge: &Challenge| seal::answer(challenge, &sealed.lineage, identities).is_some();
    if args.identity.is_empty() || sealed.challenges.iter().filter(is_of_recipient).any(opens) {
        return Ok(Exit::Done);
    }
    Err(Failure::words(
        Exit::Config,
        "this identity answers no challenge of the recipients",
        "give the private half of one of `[seal.recipients]`; if it is, run `keycomb secrets prove --again` for new \
         challenges",
    ))
}

/// `secrets prove --format json`
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Proofs")]
pub struct Document<'a> {
    /// `keycomb.proofs/1`
    format: &'static str,
    /// In the configuration's order.
    recipients: Vec<RecipientView<'a>>,
}

/// A recipient.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Recipient")]
struct RecipientView<'a> {
    /// Its name in the configuration.
    name: &'a str,
    /// The first 16 hex digits of the SHA-256 of its public key.
    fingerprint: String,
    /// `proven`, or `waiting` for its holder to answer the challenge.
    state: &'static str,
    /// When it was proven, by the clock of who did, RFC 3339 in UTC; null until then.
    proven: Option<String>,
    /// Whether this run did.
    now: bool,
}

fn views<'a>(settings: &'a SealSettings, sealed: &Sealed, answered: &[String]) -> Vec<RecipientView<'a>> {
    let view = |(name, recipient): (&'a String, &Recipient)| {
        let fingerprint = recipient.fingerprint();
        let is_proven = sealed.is_proven(recipient);
        let known = sealed.challenges.iter().find(|known| known.fingerprint == fingerprint);
        RecipientView {
            name,
            state: if is_proven { "proven" } else { "waiting" },
            proven: known.filter(|_| is_proven).and_then(|known| Some(known.proven?.to_string())),
            now: answered.contains(&fingerprint),
            fingerprint,
        }
    };
    settings.recipients.iter().map(view).collect()
}

fn text(views: &[RecipientView<'_>]) -> String {
    let mut text = String::new();
    let width = views.iter().map(|view| view.name.len()).max().unwrap_or_default();
    for RecipientView { name, fingerprint, state, proven, now } in views {
        let when = match (proven, now) {
            (Some(time), true) => format!(" {time}, by this run"),
            (Some(time), false) => format!(" {time}"),
            (None, _) => " for its holder: keycomb secrets prove -i IDENTITY".to_owned(),
        };
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{:width$}  {fingerprint}  {state}{when}", brief(name));
    }
    text
}
