//! What a person asks for in one run, over and above what the files say.

use std::collections::BTreeSet;

use crate::model::{Address, KeyId, Revocation, SealedKey};

/// What is asked for in one run. Nothing asked: the files alone decide.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// Keys that get a new secret now, due or not.
    pub rotate: BTreeSet<Address>,
    /// The only addresses that anything is done about; `None`: all. What else a plan would hold is left for another.
    pub only: Option<BTreeSet<Address>>,
    /// A key that is not to be trusted any more. The plan is about its address alone, and naming it lifts every guard.
    pub revoke: Option<Revoke>,
}

impl Ask {
    /// Whether this run does anything about an address.
    pub(super) fn is_about(&self, address: &Address) -> bool {
        let is_revoked = self.revoke.as_ref().is_none_or(|revoke| revoke.address == *address);
        is_revoked && self.only.as_ref().is_none_or(|only| only.contains(address))
    }
}

/// A key that is not to be trusted any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoke {
    /// Whose it is.
    pub address: Address,
    /// Only this generation of it; `None`: all that the record has.
    pub only: Option<KeyId>,
    /// What is done to it.
    pub how: Revocation,
    /// Why, in the person's words.
    pub reason: String,
}

impl Revoke {
    /// Whether a generation is meant.
    pub(super) fn is_of(&self, record: &SealedKey) -> bool {
        self.address == record.address && self.only.as_ref().is_none_or(|id| *id == record.id)
    }
}
