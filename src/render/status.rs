//! Managed keys and sealed secrets as rows of a table.

use std::time::Duration;

use crate::model::{Address, KeyType, RecipientRef, Sealed, SealedKey, Timestamp};
use crate::plan::{Life, LifeStage, Next};

/// One generation of a managed key, as `status` shows it. Texts may be hostile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusRow {
    /// Where it is declared, or was.
    pub address: Address,
    /// The service's id; `None` for a key that is declared and not minted.
    pub id: Option<String>,
    /// Its type.
    pub key_type: KeyType,
    /// Since it was made, by the service's clock; `None` where that is not known.
    pub age: Option<Duration>,
    /// 1, 2, 3 …; `None` for a key that is declared and not minted.
    pub generation: Option<u32>,
    /// Where in its life it is.
    pub phase: LifeStage,
    /// Who can open its secret, by name; empty when there is none.
    pub recipients: Vec<String>,
    /// What comes next for it, and when; `None` when nothing does.
    pub next: Option<Next>,
    /// Why a person revoked it; `None`: nobody did.
    pub revoked: Option<String>,
}

impl StatusRow {
    /// A row as it is at `now`.
    pub fn of(life: &Life<'_>, now: Timestamp) -> Self {
        let recipients = life.record.map(|record| record.recipients.as_slice()).unwrap_or_default();
        Self {
            address: life.address.clone(),
            id: life.id().map(ToString::to_string),
            key_type: life.key_type,
            // The service's clock comes in whole seconds: a key just made can seem to be of the future.
            age: life
                .created
                .map(|created| Duration::try_from(now.duration_since(created)).unwrap_or_default()),
            generation: life.record.map(|record| record.generation),
            phase: life.stage,
            recipients: recipients.iter().map(|recipient| recipient.name.clone()).collect(),
            next: life.next,
            revoked: life
                .record
                .and_then(|record| record.revoked.as_ref())
                .map(|revoked| revoked.reason.clone()),
        }
    }

    /// Whether something is to be done about it by an apply until then.
    pub fn is_due(&self, until: Timestamp) -> bool {
        self.next.is_some_and(|next| next.at.is_none_or(|at| at <= until))
    }
}

/// One entry of the sealed file, as `secrets list` shows it. Needs no identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRow {
    /// Where it is declared, or was.
    pub address: Address,
    /// 1, 2, 3 …
    pub generation: u32,
    /// The service's id.
    pub id: String,
    /// Where in its life it is, in a word.
    pub state: String,
    /// Who can open it, by name.
    pub recipients: Vec<String>,
    /// Whether there is a secret to open.
    pub sealed: bool,
}

impl SecretRow {
    /// The entries of a sealed file, in its order: by address, then generation.
    pub fn all(sealed: &Sealed) -> Vec<Self> {
        sealed.keys.iter().map(Self::of).collect()
    }

    fn of(key: &SealedKey) -> Self {
        let name = |recipient: &RecipientRef| recipient.name.clone();
        Self {
            address: key.address.clone(),
            generation: key.generation,
            id: key.id.to_string(),
            state: key.state.as_str().to_owned(),
            recipients: key.recipients.iter().map(name).collect(),
            sealed: key.sealed.is_some(),
        }
    }
}
