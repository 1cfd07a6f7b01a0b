//! What an apply writes down while it works.

use serde::{Deserialize, Serialize};

use super::{Address, Intent, KeyId, KeyState, Nonce, Sealed, SealedEnvironment, SealedKey, Timestamp};

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
}

impl Sealed {
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
        }
        self.environments.sort_by(|a, b| a.address.cmp(&b.address));
        self.keys.sort_by(|a, b| (&a.address, a.generation, &a.id).cmp(&(&b.address, b.generation, &b.id)));
        self.intents.sort_by(|a, b| a.nonce.cmp(&b.nonce));
    }

    fn put_key(&mut self, key: SealedKey) {
        self.keys.retain(|k| k.id != key.id);
        self.keys.push(key);
    }
}
