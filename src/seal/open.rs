//! Opens: an entry's secret, after checking that it was sealed for this very entry.

use std::io::Read as _;

use age::armor::ArmoredReader;
use age::{DecryptError, Decryptor};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Identities, SealError};
use crate::model::{
    Address, Endpoint, EnvironmentId, KeyId, KeyType, Lineage, Payload, RecipientRef, Sealed, SealedKey,
    Secret, TeamSlug, credential,
};

/// No payload is larger than this many bytes.
const LARGEST: usize = 64 * 1024;

/// Opens an entry of a sealed file.
///
/// # Errors
/// [`SealError::NoSecret`] for an adopted key; [`SealError::WrongIdentity`]; [`SealError::Damaged`];
/// [`SealError::Moved`] when it opens but was sealed for another file, team, service, address, generation, id, type or
/// environment; [`SealError::Forged`] when its credential is not made of this key's id and secret, or cannot stand in a
/// header.
pub fn open(entry: &SealedKey, sealed: &Sealed, identities: &Identities) -> Result<Payload, SealError> {
    let address = &entry.address;
    let Some(armor) = &entry.sealed else { return Err(SealError::NoSecret { address: address.clone() }) };
    let damaged = || SealError::Damaged { address: address.clone() };
    // The reader is lenient about what is around the armor; keycomb writes it one way only.
    if !super::text::is_armor(armor) {
        return Err(damaged());
    }
    let plaintext = decrypt(armor, identities).map_err(|error| match error {
        DecryptError::NoMatchingKeys => {
            SealError::WrongIdentity { address: address.clone(), recipients: names(&entry.recipients) }
        }
        _ => damaged(),
    })?;
    let payload = parse(&plaintext).ok_or_else(damaged)?;
    check(entry, sealed, &payload)?;
    Ok(payload)
}

pub(super) fn decrypt(armor: &str, identities: &Identities) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(armor.as_bytes()))?;
    let reader = decryptor.decrypt(identities.iter())?;
    // Room for everything from the start: growing would leave a copy behind.
    let mut plaintext = Zeroizing::new(Vec::with_capacity(LARGEST + 1));
    reader.take(LARGEST as u64 + 1).read_to_end(&mut plaintext)?;
    if plaintext.len() > LARGEST {
        return Err(DecryptError::InvalidHeader);
    }
    Ok(plaintext)
}

fn names(recipients: &[RecipientRef]) -> String {
    let one = |recipient: &RecipientRef| {
        let RecipientRef { name, fingerprint } = recipient;
        format!("`{}` ({})", crate::model::visible(name), crate::model::visible(fingerprint))
    };
    if recipients.is_empty() {
        return "recipients that the file does not name".into();
    }
    recipients.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPayload {
    lineage: Lineage,
    team: TeamSlug,
    endpoint: Endpoint,
    address: Address,
    generation: u32,
    id: KeyId,
    #[serde(rename = "type")]
    key_type: KeyType,
    environment: EnvironmentId,
    secret: RawSecret,
    credential: RawSecret,
    #[serde(rename = "pad")]
    _pad: serde::de::IgnoredAny,
}

/// Taken over as a [`Secret`] at once.
#[derive(Deserialize)]
#[serde(from = "String")]
struct RawSecret(Secret);

impl From<String> for RawSecret {
    fn from(text: String) -> Self {
        Self(Secret::new(text))
    }
}

/// `None` for anything but a payload. The parser's own message is dropped: it would quote the text.
fn parse(plaintext: &[u8]) -> Option<Payload> {
    let RawPayload {
        lineage,
        team,
        endpoint,
        address,
        generation,
        id,
        key_type,
        environment,
        secret: RawSecret(secret),
        credential: RawSecret(credential),
        _pad: _,
    } = serde_json::from_slice(plaintext).ok()?;
    Some(Payload {
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
    })
}

/// The address that the entry must have been sealed for: its own, or a former one that it names. Who can write the file
/// can name any; the id, generation, environment and lineage inside are not theirs to choose.
fn address_of<'a>(entry: &'a SealedKey, payload: &Payload) -> &'a Address {
    entry.moved_from.iter().find(|address| **address == payload.address).unwrap_or(&entry.address)
}

/// The values shown are all of a checked form; none can be a secret.
fn check(entry: &SealedKey, sealed: &Sealed, payload: &Payload) -> Result<(), SealError> {
    let pairs = [
        ("lineage", payload.lineage.to_string(), sealed.lineage.to_string()),
        ("team", payload.team.to_string(), sealed.team.to_string()),
        ("endpoint", payload.endpoint.to_string(), sealed.endpoint.to_string()),
        ("address", payload.address.to_string(), address_of(entry, payload).to_string()),
        ("generation", payload.generation.to_string(), entry.generation.to_string()),
        ("id", payload.id.to_string(), entry.id.to_string()),
        ("type", payload.key_type.to_string(), entry.key_type.to_string()),
        ("environment", payload.environment.to_string(), entry.environment.to_string()),
    ];
    let differs: Vec<String> = pairs
        .into_iter()
        .filter(|(_, inside, outside)| inside != outside)
        .map(|(field, inside, outside)| format!("{field} `{inside}` inside, `{outside}` in the entry"))
        .collect();
    if !differs.is_empty() {
        return Err(SealError::Moved { address: entry.address.clone(), differs: differs.join("; ") });
    }
    let forged = |problem| SealError::Forged { address: entry.address.clone(), problem };
    let Payload { id, key_type, secret, credential: inside, .. } = payload;
    // Whoever opens it may print it: it must not send a terminal anything but text.
    if [secret, inside].into_iter().any(|text| !text.is_printable()) {
        return Err(forged("it is empty, or has characters that no key has"));
    }
    if inside.expose() != credential(*key_type, id, secret).expose() {
        return Err(forged("its credential does not belong to its id and secret"));
    }
    Ok(())
}
