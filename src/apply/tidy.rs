//! Tidies the record up after an apply: entries of keys that the service no longer has, managed or forgotten, and tries that
//! are over. Writes
//! nothing to the service.

use std::collections::BTreeSet;

use super::limits::{INTENT_LIFE, KEPT_AFTER_DELETION, age, is_young};
use super::run::Run;
use crate::model::{
    Forgotten, KeyId, KeyState, KeyType, Nonce, Provisional, Record, Sealed, SealedKey, Timestamp,
};
use crate::plan::Step;
use crate::ports::{KeepRecord, ReadLive, Surroundings, WriteLive};

/// What becomes of an entry whose key answers 404.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Once {
    /// It leaves the record.
    Forgotten,
    /// It is marked as deleted, and leaves the record when it is still gone a day later.
    Deleted,
    /// The same, provided that its successor answers: a service that has lost that too proves nothing.
    Superseded(KeyId),
}

impl<R: ReadLive, W: WriteLive, K: KeepRecord, S: Surroundings> Run<'_, R, W, K, S> {
    /// Asks for every key whose entry may be over. What cannot be read or written is for the next run.
    pub(super) async fn tidy_up(&self) {
        self.end_discarded();
        let Some(now) = self.reader.service_now() else { return };
        self.end_old(now).await;
        self.end_forgotten(now).await;
        for (entry, once) in self.with_sealed(|sealed| candidates(sealed, now)) {
            if self.is_stopping() || self.halted().is_some() {
                return;
            }
            if matches!(self.unless_stopped(self.read_key(&entry.id)).await, Ok(None)) {
                self.gone(entry, once).await;
            }
        }
    }

    /// Ends the tries of which all that they made was discarded by this run.
    fn end_discarded(&self) {
        let (mut over, mut left) = (BTreeSet::new(), BTreeSet::new());
        for (i, action) in self.plan.actions.iter().enumerate() {
            let Step::DiscardKey(leftover) = &action.step else { continue };
            let Some(mark) = Provisional::parse(&leftover.name) else { continue };
            if self.was_done(i) {
                over.insert(mark.nonce)
            } else {
                left.insert(mark.nonce)
            };
        }
        self.end(over.difference(&left));
    }

    /// Ends the tries of long ago that nothing at the service shows.
    ///
    /// That is safe whenever it happens: what a try makes after its end is as any other disk's, and waits for the grace.
    /// So a local clock that was wrong when the try was written down does no harm.
    async fn end_old(&self, now: Timestamp) {
        let is_old = |at| age(now, at) > INTENT_LIFE;
        let old: BTreeSet<Nonce> = self.with_sealed(|sealed| {
            sealed
                .intents
                .iter()
                .filter(|intent| is_old(intent.at))
                .map(|intent| intent.nonce.clone())
                .collect()
        });
        if old.is_empty() || self.is_stopping() || self.halted().is_some() {
            return;
        }
        // Where either cannot be read the tries stay.
        let Ok(keys) = self.unless_stopped(self.look(KeyType::ALL.iter().copied())).await else { return };
        let environments = async { self.reader.environments().await.map_err(|error| self.refused(&error)) };
        let Ok(environments) = self.unless_stopped(environments).await else { return };
        let names = keys.iter().map(|key| &key.name).chain(environments.iter().map(|e| &e.description));
        let there: BTreeSet<Nonce> = names.filter_map(|name| Some(Provisional::parse(name)?.nonce)).collect();
        self.end(old.difference(&there));
    }

    /// Ends what is remembered of forgotten keys once the service has not had them in two runs a day apart.
    async fn end_forgotten(&self, now: Timestamp) {
        let all: Vec<Forgotten> = self.with_sealed(|sealed| {
            // One that is managed as well is for a person.
            let is_ours = |known: &&Forgotten| sealed.key(&known.id).is_some();
            sealed.forgotten.iter().filter(|known| !is_ours(known)).cloned().collect()
        });
        if all.is_empty() || self.is_stopping() || self.halted().is_some() {
            return;
        }
        let Ok(listed) = self.unless_stopped(self.look(KeyType::ALL.iter().copied())).await else { return };
        for Forgotten { id, address: _, gone } in all {
            let is_listed = listed.iter().any(|key| key.id == id);
            let is_gone = match is_listed {
                true => false,
                // The listing may lag.
                false => match self.unless_stopped(self.read_key(&id)).await {
                    Ok(found) => found.is_none(),
                    Err(_) => return,
                },
            };
            let record = match (is_gone, gone) {
                (true, Some(gone)) if age(now, gone) > KEPT_AFTER_DELETION => {
                    Record::ForgottenOver { id, gone }
                }
                (true, None) => Record::ForgottenSought { id, gone: Some(now) },
                (false, Some(_)) => Record::ForgottenSought { id, gone: None },
                (true, Some(_)) | (false, None) => continue,
            };
            if self.append(record).is_err() {
                return;
            }
        }
    }

    fn end<'n>(&self, nonces: impl Iterator<Item = &'n Nonce>) {
        for nonce in nonces {
            let is_known = |sealed: &Sealed| sealed.intents.iter().any(|intent| &intent.nonce == nonce);
            if self.with_sealed(is_known) && self.append(Record::IntentOver { nonce: nonce.clone() }).is_err()
            {
                return;
            }
        }
    }

    async fn gone(&self, entry: SealedKey, once: Once) {
        if let Once::Superseded(successor) = &once
            && !matches!(self.unless_stopped(self.read_key(successor)).await, Ok(Some(_)))
        {
            return;
        }
        // A record that cannot be kept halts the run, which ends the loop.
        let _halted = match once {
            Once::Forgotten => self.append(Record::KeyGone { id: entry.id }),
            Once::Deleted | Once::Superseded(_) => self.record_deleted(entry),
        };
    }
}

/// The entries to ask for, in the order of the record.
fn candidates(sealed: &Sealed, now: Timestamp) -> Vec<(SealedKey, Once)> {
    sealed.keys.iter().filter_map(|entry| Some((entry.clone(), once(sealed, entry, now)?))).collect()
}

fn once(sealed: &Sealed, entry: &SealedKey, now: Timestamp) -> Option<Once> {
    // Until then its minting, or a reading that lags behind it, may not be over.
    let is_old = !is_young(Some(now), Some(entry.created));
    match entry.state {
        KeyState::Deleted => (age(now, entry.since) > KEPT_AFTER_DELETION).then_some(Once::Forgotten),
        KeyState::Provisional | KeyState::Dropping => is_old.then_some(Once::Forgotten),
        KeyState::Releasing | KeyState::Staged => is_old.then_some(Once::Deleted),
        KeyState::Live | KeyState::Disabled => {
            // A merge may have left two keys of one generation: each can take the other's place.
            let is_later = |k: &&SealedKey| k.generation >= entry.generation && k.id != entry.id;
            let is_successor = |k: &&SealedKey| is_later(k) && k.state == KeyState::Live;
            let successor = sealed.generations(&entry.address).find(is_successor)?;
            Some(Once::Superseded(successor.id.clone()))
        }
    }
}
