//! Secrets that lay in a state: tried once, and sealed if they work.

use super::matching::{Found, SecretFate, Taken};
use crate::cli::failure::Failure;
use crate::cli::given;
use crate::cli::known::Known;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::model::{Address, KeyProof, Payload, Sealed, Secret, credential};
use crate::plan::{Adopt, SealedSecret, sealed_generation};
use crate::ports::ReadLive as _;
use crate::terraform::State;

/// Tries and seals the secrets of what is taken over, and of what is managed without one; one that does not work is said, and not sealed.
///
/// # Errors
/// A service that does not answer; sealing (9).
pub(super) async fn seal(
    state: &State,
    found: &mut Found<'_>,
    session: &Session,
    known: &Known<'_>,
    output: &Output,
) -> Result<(), Failure> {
    if state.keys.iter().any(|key| key.secret.is_some()) {
        output.say(
            "the state holds secrets in clear: those that work are sealed, and all of them are to be rotated",
        );
    }
    // Without a sealed file the carrier makes its lineage first, so there is always a record.
    let Some(sealed) = known.sealed else { return Ok(()) };
    let desired = found.files.as_ref().map_or(&session.desired, |(_, desired)| desired).clone();
    for (address, taken) in found.taken.iter_mut().chain(&mut found.managed) {
        if taken.secret != SecretFate::InState {
            continue;
        }
        let Some(payload) = payload(address, taken, sealed) else { continue };
        let fate = attempt(&payload, taken, session, known).await?;
        if let SecretFate::Sealed | SecretFate::SealedUntried = fate {
            let proof = (fate == SecretFate::Sealed).then_some(KeyProof::Accepted);
            let secret = SealedSecret { proof, ..given::sealed_for(&payload, sealed, &desired)? };
            let (id, secret) = (taken.id.clone(), Some(secret));
            found.ask.adopt.insert(address.clone(), Adopt { id, secret });
        }
        taken.secret = fate;
    }
    Ok(())
}

fn payload(address: &Address, taken: &Taken<'_>, sealed: &Sealed) -> Option<Payload> {
    let (found, live) = taken.key.as_ref()?;
    let secret = found.secret.as_ref()?;
    Some(Payload {
        lineage: sealed.lineage.clone(),
        team: sealed.team.clone(),
        endpoint: sealed.endpoint.clone(),
        address: address.clone(),
        generation: sealed_generation(sealed, address, &live.id),
        id: live.id.clone(),
        key_type: live.key_type,
        environment: live.environment.clone(),
        secret: Secret::new(secret.expose().to_owned()),
        credential: credential(live.key_type, &live.id, secret),
    })
}

async fn attempt(
    payload: &Payload,
    taken: &Taken<'_>,
    session: &Session,
    known: &Known<'_>,
) -> Result<SecretFate, Failure> {
    let Some((_, live)) = &taken.key else { return Ok(SecretFate::None) };
    if !payload.secret.is_printable() {
        return Ok(SecretFate::NotSealed("it has characters that no secret has".to_owned()));
    }
    if live.disabled {
        return Ok(SecretFate::SealedUntried);
    }
    let said = session.reader.prove(&payload.credential).await.map_err(|error| session.explain(&error))?;
    let Some(proof) = said else {
        return Ok(SecretFate::NotSealed("the service refuses it".to_owned()));
    };
    let differs = given::differs(live, &proof, session, known);
    if differs.is_empty() {
        return Ok(SecretFate::Sealed);
    }
    Ok(SecretFate::NotSealed(format!("it is another key's: {}", differs.join(", "))))
}
