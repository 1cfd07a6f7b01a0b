//! What an apply writes down while it works.

use serde::{Deserialize, Serialize};

use super::{
    Address, AppliedPlan, EnvironmentId, Forgotten, Intent, KeyId, KeyState, Nonce, Sealed,
    SealedEnvironment, SealedKey, Timestamp,
};

/// One entry of the journal. Applying all of them to the sealed file's content in order gives its next content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// A key or an environment is about to be asked for.
    Intent {
        /// The try.
        intent: Intent,
    },
    /// What the try would have made is known not to exist, or to be deleted.
    IntentOver {
        /// The try's nonce.
        nonce: Nonce,
    },
    /// The try made this key, and its secret is sealed in it. Ends the intent.
    Minted {
        /// The try's nonce.
        nonce: Nonce,
        /// The entry, in state `provisional`.
        key: Box<SealedKey>,
    },
    /// A key comes into another state; the rest of its entry stays.
    State {
        /// The key.
        id: KeyId,
        /// Its new state.
        state: KeyState,
        /// When it came into it, by the service's clock.
        since: Timestamp,
    },
    /// A key's entry as it is from here on; its secret never changes.
    Key {
        /// The whole entry.
        key: Box<SealedKey>,
    },
    /// A key's entry leaves the file: it was never enabled and is gone, or is gone for good.
    KeyGone {
        /// The key.
        id: KeyId,
    },
    /// An environment's entry as it is from here on.
    Environment {
        /// The whole entry.
        environment: SealedEnvironment,
    },
    /// An environment's entry leaves the file.
    EnvironmentGone {
        /// Its address.
        address: Address,
    },
    /// A key's entry leaves the file, and its id stays: the key is there, and is no longer ours.
    Forgotten {
        /// The key.
        id: KeyId,
    },
    /// A forgotten key was looked for at the service.
    ForgottenSought {
        /// The key.
        id: KeyId,
        /// Since when it is known to be gone, by the service's clock; `None`: it is there.
        gone: Option<Timestamp>,
    },
    /// A forgotten key is gone for good, and nothing needs to know of it any more.
    ForgottenOver {
        /// The key.
        id: KeyId,
        /// Since when it was known to be gone. One that was forgotten anew meanwhile stays.
        gone: Timestamp,
    },
    /// A saved plan is begun, or all of it is done.
    AppliedPlan {
        /// What is remembered of it.
        plan: AppliedPlan,
    },
    /// All that is at one address is at another from here on: the generations of a key, or an environment with its keys.
    ///
    /// One record, so that a cut-off run moves all of it or nothing; and what becomes of each entry, so that it may be
    /// taken twice. Made by [`Sealed::relocated`].
    Moved {
        /// Where it was; for people.
        from: Address,
        /// Where it is.
        to: Address,
        /// The environment that is at `to`, where it is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        environment: Option<EnvironmentId>,
        /// The keys that move, each with its new place.
        keys: Vec<MovedKey>,
    },
}

/// Where a key's entry is after a move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MovedKey {
    /// The key.
    pub id: KeyId,
    /// Where it is declared.
    pub address: Address,
    /// Where it was declared before, the oldest first.
    pub moved_from: Vec<Address>,
}

impl Sealed {
    /// The record of a move: what is at `from` comes to be at `to`.
    pub fn relocated(&self, from: &Address, to: &Address) -> Record {
        let moved = |key: &SealedKey| {
            let address = key.address.moved(from, to)?;
            let mut moved_from = key.moved_from.clone();
            moved_from.retain(|known| *known != address && *known != key.address);
            moved_from.push(key.address.clone());
            Some(MovedKey { id: key.id.clone(), address, moved_from })
        };
        Record::Moved {
            from: from.clone(),
            to: to.clone(),
            environment: self.environment(from).map(|environment| environment.id.clone()),
            keys: self.keys.iter().filter_map(moved).collect(),
        }
    }

    /// Carries one record into this content. Replaying a record twice changes nothing more.
    pub fn take(&mut self, record: Record) {
        match record {
            Record::Intent { intent } => {
                self.intents.retain(|known| known.nonce != intent.nonce);
                self.intents.push(intent);
            }
            Record::IntentOver { nonce } => self.intents.retain(|known| known.nonce != nonce),
            Record::Minted { nonce, key } => {
                self.intents.retain(|known| known.nonce != nonce);
                self.put_key(*key);
            }
            Record::State { id, state, since } => {
                if let Some(key) = self.keys.iter_mut().find(|k| k.id == id) {
                    (key.state, key.since) = (state, since);
                }
            }
            Record::Key { key } => self.put_key(*key),
            Record::KeyGone { id } => {
                self.keys.retain(|k| k.id != id);
                self.forget_former_readers_of_the_gone();
            }
            Record::Environment { environment } => {
                self.environments.retain(|e| e.address != environment.address);
                self.environments.push(environment);
            }
            Record::EnvironmentGone { address } => self.environments.retain(|e| e.address != address),
            Record::Forgotten { id } => self.forget(&id),
            Record::ForgottenSought { id, gone } => {
                for known in self.forgotten.iter_mut().filter(|known| known.id == id) {
                    known.gone = gone;
                }
            }
            Record::ForgottenOver { id, gone } => {
                self.forgotten.retain(|known| known.id != id || known.gone != Some(gone));
                self.forget_former_readers_of_the_gone();
            }
            Record::AppliedPlan { plan } => self.put_applied_plan(plan),
            Record::Moved { from: _, to, environment, keys } => {
                for known in
                    self.environments.iter_mut().filter(|known| Some(&known.id) == environment.as_ref())
                {
                    known.address = to.clone();
                }
                keys.into_iter().for_each(|moved| self.put_at(moved));
            }
        }
        self.environments.sort_by(|a, b| a.address.cmp(&b.address));
        self.keys.sort_by(|a, b| (&a.address, a.generation, &a.id).cmp(&(&b.address, b.generation, &b.id)));
        self.intents.sort_by(|a, b| a.nonce.cmp(&b.nonce));
        self.forgotten.sort();
    }

    /// Who could once open its secret still can, and the key lives on: `former` keeps its rows until the key is gone.
    fn forget(&mut self, id: &KeyId) {
        let address = self.key(id).map(|key| key.address.clone());
        self.keys.retain(|key| &key.id != id);
        // Replayed, it undoes what is known since.
        self.forgotten.iter_mut().filter(|known| &known.id == id).for_each(|known| known.gone = None);
        if let Some(address) = address {
            self.forgotten.retain(|known| &known.id != id);
            self.forgotten.push(Forgotten { id: id.clone(), address, gone: None });
        }
    }

    fn put_at(&mut self, moved: MovedKey) {
        if let Some(key) = self.keys.iter_mut().find(|key| key.id == moved.id) {
            (key.address, key.moved_from) = (moved.address, moved.moved_from);
        }
    }

    fn put_key(&mut self, key: SealedKey) {
        self.keys.retain(|k| k.id != key.id);
        self.forgotten.retain(|known| known.id != key.id);
        self.keys.push(key);
    }
}
