//! Seals: a payload, padded, encrypted with age to public recipients, as ASCII armor.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use age::armor::{ArmoredWriter, Format};
use serde::Serialize;
use zeroize::Zeroizing;

use super::SealError;
use crate::model::{Payload, Recipient};

/// The plaintext is a multiple of this many bytes, so that its length says nothing of the secret.
pub(super) const BLOCK: usize = 1024;

/// The plaintext: [`Payload`] as JSON, with `pad` at its end.
#[derive(Serialize)]
struct RawPayload<'a> {
    lineage: &'a str,
    team: &'a str,
    endpoint: &'a str,
    address: String,
    generation: u32,
    id: &'a str,
    #[serde(rename = "type")]
    key_type: &'a str,
    environment: &'a str,
    secret: &'a str,
    credential: &'a str,
    pad: &'a str,
}

/// Seals a canary to each recipient (name in the configuration, public key).
///
/// # Errors
/// [`SealError::Recipient`] for the first that cannot be sealed to.
pub fn try_recipients(recipients: &[(&str, &Recipient)]) -> Result<(), SealError> {
    for (name, recipient) in recipients {
        seal_text("canary", &[recipient])
            .map_err(|error| SealError::Recipient { name: (*name).to_owned(), problem: error.to_string() })?;
    }
    Ok(())
}

/// Seals a payload: ASCII-armored age, which every one of the recipients can open, with keycomb or with `age`.
///
/// # Errors
/// [`SealError::NoRecipients`]; [`SealError::Seal`] when age cannot seal to one of them.
pub fn seal(payload: &Payload, recipients: &[&Recipient]) -> Result<String, SealError> {
    seal_text(&plaintext(payload)?, recipients)
}

/// The padded JSON, in a buffer that never grows (which would leave a copy behind) and is wiped.
fn plaintext(payload: &Payload) -> Result<Zeroizing<String>, SealError> {
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
    let raw = RawPayload {
        lineage: lineage.as_str(),
        team: team.as_str(),
        endpoint: endpoint.as_str(),
        address: address.to_string(),
        generation: *generation,
        id: id.as_str(),
        key_type: key_type.as_str(),
        environment: environment.as_str(),
        secret: secret.expose(),
        credential: credential.expose(),
        pad: "",
    };
    // In JSON a byte becomes six at most; all names together are far below two blocks.
    let room = 6 * (secret.expose().len() + credential.expose().len()) + endpoint.as_str().len() + 4 * BLOCK;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    let problem = |problem: &str| SealError::Seal { problem: problem.to_owned() };
    serde_json::to_writer(&mut *bytes, &raw).map_err(|_| problem("the payload is no JSON"))?;
    let padding = bytes.len().next_multiple_of(BLOCK) - bytes.len();
    // Inside the last string: before its quote and the object's brace.
    let inside = bytes.len().saturating_sub(2);
    bytes.truncate(inside);
    bytes.resize(inside + padding, b'.');
    bytes.extend_from_slice(b"\"}");
    let text = std::str::from_utf8(&bytes).map_err(|_| problem("the payload is no text"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Seals any text.
pub(super) fn seal_text(text: &str, recipients: &[&Recipient]) -> Result<String, SealError> {
    if recipients.is_empty() {
        return Err(SealError::NoRecipients);
    }
    let problem = |problem: String| SealError::Seal { problem };
    let recipients = recipients
        .iter()
        .map(|recipient| parse(recipient).ok_or_else(|| problem(format!("`{recipient}` is no recipient"))))
        .collect::<Result<Vec<_>, _>>()?;
    // The age crate panics where its random numbers or a recipient's point are not good enough.
    let sealed = catch_unwind(AssertUnwindSafe(|| encrypt(text, &recipients)));
    match sealed {
        Ok(Ok(armor)) => Ok(armor),
        Ok(Err(error)) => Err(problem(clean(&error.to_string()))),
        Err(_) => Err(problem("age stopped on this recipient, or on the system's random numbers".into())),
    }
}

fn parse(recipient: &Recipient) -> Option<Box<dyn age::Recipient>> {
    let text = recipient.as_str();
    if let Ok(native) = text.parse::<age::x25519::Recipient>() {
        return Some(Box::new(native));
    }
    text.parse::<age::ssh::Recipient>().ok().map(|ssh| Box::new(ssh) as _)
}

fn encrypt(text: &str, recipients: &[Box<dyn age::Recipient>]) -> Result<String, age::EncryptError> {
    let encryptor = age::Encryptor::with_recipients(recipients.iter().map(|r| r.as_ref() as _))?;
    let mut writer = encryptor.wrap_output(ArmoredWriter::wrap_output(vec![], Format::AsciiArmor)?)?;
    writer.write_all(text.as_bytes())?;
    let armor = writer.finish()?.finish()?;
    String::from_utf8(armor).map_err(|error| std::io::Error::other(error).into())
}

/// A message of the age crate without the marks of direction it puts around values.
pub(super) fn clean(message: &str) -> String {
    message.replace(['\u{2068}', '\u{2069}'], "")
}
