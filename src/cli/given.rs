//! A credential that a person has: read from stdin, tried once, sealed. Never an argument, never shown.

use super::exit::Exit;
use super::failure::Failure;
use super::hidden;
use super::known::Known;
use super::output::Output;
use super::session::Session;
use crate::model::{
    Address, Desired, KeyId, KeyProof, KeyType, LiveEnvironment, LiveKey, Payload, Recipient, RecipientRef,
    Sealed, Secret, TeamSlug, credential,
};
use crate::plan::{SealedSecret, sealed_generation};
use crate::ports::{Proof, ReadLive as _};
use crate::seal;

/// A credential, and the key that it is said to be of.
pub(super) struct Given<'a> {
    /// The service's id of the key.
    pub(super) id: &'a str,
    /// Where it is declared.
    pub(super) address: &'a Address,
    /// What was given: the header's value, or for an ingest key its secret alone.
    pub(super) credential: Secret,
}

/// Reads all of stdin; on a terminal one line that is not shown.
///
/// # Errors
/// What is no credential (64).
pub(super) fn read_stdin(output: &Output) -> Result<Secret, Failure> {
    let wrong = |why: &str| {
        Failure::words(
            Exit::Usage,
            format!("what was read from stdin is no credential: {why}"),
            "give the value of the `X-Honeycomb-Team` header alone, such as from a password manager",
        )
    };
    let text = hidden::read("the key's credential", output).map_err(wrong)?;
    let secret = Secret::new(text.trim_matches(['\r', '\n', ' ', '\t']).to_owned());
    if secret.is_printable() { Ok(secret) } else { Err(wrong("it is empty, or more than one word")) }
}

/// Tries the credential, and seals it for the entry that the key has, or for the one that it will have.
///
/// # Errors
/// A key that is not there or is disabled, a credential that is refused or is another key's (4); sealing (9).
pub(super) async fn seal(
    given: Given<'_>,
    desired: &Desired,
    session: &Session,
    known: &Known<'_>,
    output: &Output,
) -> Result<SealedSecret, Failure> {
    let Given { id, address, credential: text } = given;
    let key = known.live.keys.iter().find(|key| key.id.as_str() == id);
    let (Some(key), Some(sealed)) = (key, known.sealed) else {
        return Err(refused("the service has no key with this id", "nothing was tried or sealed"));
    };
    if key.disabled {
        return Err(refused(
            "the key is disabled, so nothing can prove that this is its secret",
            "enable it first, or adopt it without `--secret-stdin`",
        ));
    }
    let secret = bare(&key.id, key.key_type, &text);
    let whole = credential(key.key_type, &key.id, &secret);
    prove(key, &whole, session, known, output).await?;
    let payload = Payload {
        lineage: sealed.lineage.clone(),
        team: sealed.team.clone(),
        endpoint: sealed.endpoint.clone(),
        address: address.clone(),
        generation: sealed_generation(sealed, address, &key.id),
        id: key.id.clone(),
        key_type: key.key_type,
        environment: key.environment.clone(),
        secret,
        credential: whole,
    };
    sealed_for(&payload, sealed, desired)
}

/// Seals to whom the address's environment says.
///
/// # Errors
/// When too few of them have proven themselves, or they cannot be sealed to (9).
pub(super) fn sealed_for(
    payload: &Payload,
    sealed: &Sealed,
    desired: &Desired,
) -> Result<SealedSecret, Failure> {
    let to = desired.seal.recipients_of(payload.address.environment());
    seal::refuse_unproven(sealed, &to, desired.seal.min_proven).map_err(super::session::from_seal)?;
    let mut recipients: Vec<RecipientRef> = to
        .iter()
        .map(|(name, recipient)| RecipientRef {
            name: (*name).to_owned(),
            fingerprint: recipient.fingerprint(),
        })
        .collect();
    recipients.sort();
    let to: Vec<&Recipient> = to.iter().map(|(_, recipient)| *recipient).collect();
    let armor = seal::seal(payload, &to).map_err(super::session::from_seal)?;
    Ok(SealedSecret { armor, recipients, proof: Some(KeyProof::Accepted) })
}

/// The part that the service shows once: an ingest key's credential begins with its id.
fn bare(id: &KeyId, key_type: KeyType, text: &Secret) -> Secret {
    let bare = match key_type {
        KeyType::Ingest => text.expose().strip_prefix(id.as_str()),
        KeyType::Configuration => None,
    };
    Secret::new(bare.unwrap_or(text.expose()).to_owned())
}

async fn prove(
    key: &LiveKey,
    credential: &Secret,
    session: &Session,
    known: &Known<'_>,
    output: &Output,
) -> Result<(), Failure> {
    let said = session.reader.prove(credential).await.map_err(|error| session.explain(&error))?;
    let Some(proof) = said else {
        return Err(refused(
            "the service refuses this credential",
            match key.key_type {
                KeyType::Ingest => "an ingest key's is its id and its secret, with nothing in between",
                KeyType::Configuration => "a configuration key's is its secret alone",
            },
        ));
    };
    let differs = differs(key, &proof, session, known);
    if !differs.is_empty() {
        let message = format!("this credential is another key's: {}", differs.join(", "));
        return Err(refused(message, "nothing was sealed; look in Honeycomb which key it is"));
    }
    if key.key_type == KeyType::Configuration {
        output.say(&proven_to_be(key, known));
    }
    Ok(())
}

/// What the service says of the credential otherwise than of the key.
pub(super) fn differs(
    key: &LiveKey,
    proof: &Proof,
    session: &Session,
    known: &Known<'_>,
) -> Vec<&'static str> {
    compare(key, proof, &session.desired.team, &known.live.environments)
}

fn compare(
    key: &LiveKey,
    proof: &Proof,
    of_team: &TeamSlug,
    environments: &[LiveEnvironment],
) -> Vec<&'static str> {
    let Proof { key_type, team, environment, permissions: _, environment_name: _, id } = proof;
    let home = environments.iter().find(|home| home.id == key.environment);
    let fields = [
        ("type", *key_type == key.key_type),
        // A configuration key's is another one than the lists have.
        ("id", key.key_type != KeyType::Ingest || *key_type != key.key_type || id == key.id.as_str()),
        ("team", team == of_team.as_str()),
        ("environment", home.is_none_or(|home| &home.slug == environment)),
        ("permissions", proof.differing(&key.permissions).next().is_none()),
    ];
    fields.into_iter().filter(|(_, is_same)| !is_same).map(|(field, _)| field).collect()
}

/// The service names no configuration key by the id that its lists have.
fn proven_to_be(key: &LiveKey, known: &Known<'_>) -> String {
    let is_alike = |other: &&LiveKey| {
        other.key_type == key.key_type
            && other.environment == key.environment
            && other.permissions == key.permissions
            && !other.disabled
            && other.id != key.id
    };
    let others = known.live.keys.iter().filter(is_alike).count();
    let of = "note: the credential works, and is of this team, environment, type and permissions";
    match others {
        0 => format!("{of}; no other key is"),
        1 => format!("{of}; so is 1 other key, and the service does not say which of the two it is"),
        _ => format!("{of}; so are {others} other keys, and the service does not say which it is"),
    }
}

fn refused(message: impl Into<String>, help: &str) -> Failure {
    Failure::words(Exit::Credential, message, help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ingest_keys_proof_has_its_id() {
        let proof = |key_type, id: &str| Proof {
            key_type,
            team: "acme".into(),
            environment: "production".into(),
            environment_name: "Production".into(),
            id: id.into(),
            permissions: [].into(),
        };
        let key = |key_type| LiveKey {
            id: KeyId::new("hcxik_one").unwrap(),
            key_type,
            name: "one".into(),
            environment: crate::model::EnvironmentId::new("hcxen_one").unwrap(),
            disabled: false,
            permissions: [].into(),
            unknown_permissions: [].into(),
            created: None,
            updated: None,
            editor: None,
        };
        let team = TeamSlug::new("acme").unwrap();
        let differs = |key_type, id| compare(&key(key_type), &proof(key_type, id), &team, &[]);
        assert_eq!(differs(KeyType::Ingest, "hcxik_one"), Vec::<&str>::new());
        assert_eq!(differs(KeyType::Ingest, "hcxik_two"), ["id"]);
        // The service has another id for it.
        assert_eq!(differs(KeyType::Configuration, "other"), Vec::<&str>::new());
    }
}
