//! What a person asks for in one run, over and above what the files say.

use std::collections::{BTreeMap, BTreeSet};

use super::select::Select;
use super::undo::Undoing;
use crate::model::{Address, KeyId, KeyProof, Label, Probed, RecipientRef, Revocation, SealedKey};

/// What is asked for in one run. Nothing asked: the files alone decide.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// Keys that get a new secret now, due or not.
    pub rotate: BTreeSet<Address>,
    /// What came of trying external keys, by label; those that nobody asked to try are not in it.
    pub probed: BTreeMap<Label, Probed>,
    /// The only addresses that anything is done about; `None`: all. What else a plan would hold is left for another.
    pub only: Option<BTreeSet<Address>>,
    /// What of the files the plan is about. Unlike `only` it is a person's choice among all there is: moves in the files
    /// are followed whatever is chosen, and nothing is sent for them.
    pub select: Select,
    /// A key that is not to be trusted any more. The plan is about its address alone, and naming it lifts every guard.
    pub revoke: Option<Revoke>,
    /// What comes under management as it is: by the declared address that each is to have.
    pub adopt: BTreeMap<Address, Adopt>,
    /// What is taken out of the record, and stays at the service as it is.
    pub forget: BTreeSet<Address>,
    /// What is recorded at the first address belongs to the second one.
    pub moves: BTreeMap<Address, Address>,
    /// What was changed at the service is recorded as it is; the files must say the same.
    pub accept: BTreeSet<Address>,
    /// What is live is from a file that an earlier run saved.
    pub snapshot: bool,
    /// The id of the credential that this run uses: it is not to be stopped by the way. `None` where nothing is written.
    pub credential: Option<String>,
    /// A run that is taken back. Nothing else is done then.
    pub undo: Option<Undoing>,
}

/// Something at the service that is to be managed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adopt {
    /// The service's id of the environment or key.
    pub id: String,
    /// A key's secret, sealed for the generation that [`super::sealed_generation`] says; `None`: nobody gave it to us. A key
    /// that is managed without one gets it into its entry.
    pub secret: Option<SealedSecret>,
}

/// A secret that is sealed already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSecret {
    /// ASCII-armored age of a [`crate::model::Payload`].
    pub armor: String,
    /// Who can open it, sorted by name.
    pub recipients: Vec<RecipientRef>,
    /// What the service said to the credential; `None` where it was not asked.
    pub proof: Option<KeyProof>,
}

impl Ask {
    /// Whether only the record is to change in this run: nothing else is done then, whatever the files say.
    pub fn is_of_record(&self) -> bool {
        !(self.adopt.is_empty() && self.forget.is_empty() && self.moves.is_empty() && self.accept.is_empty())
    }

    /// Whether this run does anything about an address.
    pub(super) fn is_about(&self, address: &Address) -> bool {
        // Its environment's record too: where that was renamed, the key's address was with it.
        let is_around = |revoked: &Address| match address {
            Address::Environment(label) => revoked.environment() == label,
            Address::Key { .. } => revoked == address,
        };
        let is_revoked = self.revoke.as_ref().is_none_or(|revoke| is_around(&revoke.address));
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
