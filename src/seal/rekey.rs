//! Seals secrets anew for recipients that changed: all of them or none.

use super::{Identities, Keeper, SealError, crypt, open, refuse_unproven};
use crate::model::{
    Address, FormerReader, KeyId, KeyState, Payload, Recipient, RecipientRef, SealSettings, Sealed, SealedKey,
};
use crate::ports::KeepRecord as _;

/// What sealing anew comes to. Nothing is written yet.
#[derive(Debug, Default)]
pub struct Rekeyed {
    /// Entries sealed to other recipients than before, in the file's order: (entry as it was, entry as it will be).
    pub anew: Vec<(SealedKey, SealedKey)>,
    /// Entries whose recipients only have other names now; the secret stays as it was sealed.
    pub renamed: Vec<SealedKey>,
    /// How many are sealed to whom they should be.
    pub unchanged: usize,
    /// Keys that wait to be released with the very entry they have, which is left alone: (address, id).
    pub waiting: Vec<(Address, KeyId)>,
    /// Entries that none of the identities opens, or that are not what they say. With any of these nothing is written.
    pub closed: Vec<Closed>,
}

/// An entry that cannot be sealed anew.
#[derive(Debug)]
pub struct Closed {
    /// Where it is declared, or was.
    pub address: Address,
    /// The key.
    pub id: KeyId,
    /// Why.
    pub why: SealError,
}

/// Opens every wanted entry whose recipients are not those of `settings`, checks what is inside, and seals it to them.
///
/// # Errors
/// [`SealError::NoRecipients`], [`SealError::Seal`]: the new recipients cannot be sealed to; [`SealError::Unproven`]: too
/// few of them have proven themselves.
pub fn rekey(
    sealed: &Sealed,
    settings: &SealSettings,
    identities: &Identities,
    is_wanted: &dyn Fn(&SealedKey) -> bool,
) -> Result<Rekeyed, SealError> {
    let mut rekeyed = Rekeyed::default();
    let has_secret = |key: &&SealedKey| key.sealed.is_some() && is_wanted(key);
    for entry in sealed.keys.iter().filter(has_secret) {
        match entry.state {
            KeyState::Dropping | KeyState::Deleted => continue,
            // The digest of this very entry may stand in the key's name: changed, it could never be released.
            KeyState::Provisional | KeyState::Staged => {
                rekeyed.waiting.push((entry.address.clone(), entry.id.clone()));
                continue;
            }
            KeyState::Releasing | KeyState::Live | KeyState::Disabled => {}
        }
        let recipients = settings.recipients_of(entry.address.environment());
        let declared = refs(&recipients);
        if declared == entry.recipients {
            rekeyed.unchanged += 1;
        } else if fingerprints(&declared) == fingerprints(&entry.recipients) {
            rekeyed.renamed.push(SealedKey { recipients: declared, ..entry.clone() });
        } else {
            refuse_unproven(sealed, &recipients, settings.min_proven)?;
            one(entry, sealed, &recipients, identities, &mut rekeyed)?;
        }
    }
    Ok(rekeyed)
}

fn one(
    entry: &SealedKey,
    sealed: &Sealed,
    recipients: &[(&str, &Recipient)],
    identities: &Identities,
    rekeyed: &mut Rekeyed,
) -> Result<(), SealError> {
    let payload = match open(entry, sealed, identities) {
        Ok(payload) => payload,
        Err(why) => {
            let (address, id) = (entry.address.clone(), entry.id.clone());
            rekeyed.closed.push(Closed { address, id, why });
            return Ok(());
        }
    };
    let to: Vec<&Recipient> = recipients.iter().map(|(_, recipient)| *recipient).collect();
    let armor = crypt::seal(&payload, &to)?;
    let next = SealedKey { recipients: refs(recipients), sealed: Some(armor), ..entry.clone() };
    refuse_otherwise(&next, sealed, identities, &payload)?;
    rekeyed.anew.push((entry.clone(), next));
    Ok(())
}

/// What was sealed is opened again before it takes the place of what opens, where the identity is still among those who can.
fn refuse_otherwise(
    next: &SealedKey,
    sealed: &Sealed,
    identities: &Identities,
    payload: &Payload,
) -> Result<(), SealError> {
    match open(next, sealed, identities) {
        Ok(again) if again.secret.expose() == payload.secret.expose() => Ok(()),
        Ok(_) => Err(SealError::Seal { problem: "what was sealed anew opens to something else".into() }),
        // Whoever leaves seals to those who stay.
        Err(SealError::WrongIdentity { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

fn refs(recipients: &[(&str, &Recipient)]) -> Vec<RecipientRef> {
    let one = |(name, recipient): &(&str, &Recipient)| RecipientRef {
        name: (*name).to_owned(),
        fingerprint: recipient.fingerprint(),
    };
    let mut refs: Vec<_> = recipients.iter().map(one).collect();
    refs.sort();
    refs
}

fn fingerprints(refs: &[RecipientRef]) -> Vec<&str> {
    let mut fingerprints: Vec<&str> = refs.iter().map(|to| to.fingerprint.as_str()).collect();
    fingerprints.sort_unstable();
    fingerprints
}

impl Keeper {
    /// Puts what was sealed anew into the file, all at once; remembers who could open it before.
    ///
    /// # Errors
    /// [`SealError::Keep`] when the file could not be replaced; it is the old one then.
    pub fn put_rekeyed(&mut self, rekeyed: &Rekeyed) -> Result<(), SealError> {
        let mut next = self.sealed().clone();
        let mut put = |entry: &SealedKey| {
            if let Some(known) = next.keys.iter_mut().find(|known| known.id == entry.id) {
                known.recipients.clone_from(&entry.recipients);
                known.sealed.clone_from(&entry.sealed);
            }
        };
        rekeyed.renamed.iter().for_each(&mut put);
        rekeyed.anew.iter().for_each(|(_, entry)| put(entry));
        for (before, after) in &rekeyed.anew {
            for RecipientRef { name, fingerprint } in &before.recipients {
                if after.recipients.iter().any(|to| to.fingerprint == *fingerprint) {
                    continue;
                }
                let former = FormerReader {
                    id: before.id.clone(),
                    name: name.clone(),
                    fingerprint: fingerprint.clone(),
                };
                next.former.retain(|known| (&known.id, &known.fingerprint) != (&former.id, fingerprint));
                next.former.push(former);
            }
        }
        self.put(next)
    }

    /// Puts riddles, or answers to them, into the file.
    ///
    /// # Errors
    /// [`SealError::Keep`] when the file could not be replaced; it is the old one then.
    pub fn put_challenges(&mut self, challenges: Vec<crate::model::Challenge>) -> Result<(), SealError> {
        let mut next = self.sealed().clone();
        for challenge in challenges {
            next.challenges.retain(|known| known.fingerprint != challenge.fingerprint);
            next.challenges.push(challenge);
        }
        self.put(next)
    }

    fn put(&mut self, mut next: Sealed) -> Result<(), SealError> {
        super::text::sort(&mut next);
        if next == *self.sealed() {
            return Ok(());
        }
        next.serial = next.serial.saturating_add(1);
        self.replace_with(next).map_err(SealError::Keep)
    }
}
