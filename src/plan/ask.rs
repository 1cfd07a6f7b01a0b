//! What a person asks for in one run, over and above what the files say.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Address, KeyProof, Label, Probed, RecipientRef};

/// What is asked for in one run. Nothing asked: the files alone decide.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// Keys that get a new secret now, due or not.
    pub rotate: BTreeSet<Address>,
    /// What came of trying external keys, by label; those that nobody asked to try are not in it.
    pub probed: BTreeMap<Label, Probed>,
    /// The only addresses that anything is done about; `None`: all. What else a plan would hold is left for another.
    pub only: Option<BTreeSet<Address>>,
    /// What comes under management as it is: by the declared address that each is to have.
    pub adopt: BTreeMap<Address, Adopt>,
    /// What is taken out of the record, and stays at the service as it is.
    pub forget: BTreeSet<Address>,
    /// What is recorded at the first address belongs to the second one.
    pub moves: BTreeMap<Address, Address>,
}

/// Something at the service that is to be managed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adopt {
    /// The service's id of the environment or key.
    pub id: String,
    /// A key's secret, sealed for the generation that [`super::next_generation`] says; `None`: nobody gave it to us.
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
        !(self.adopt.is_empty() && self.forget.is_empty() && self.moves.is_empty())
    }

    /// Whether this run does anything about an address.
    pub(super) fn is_about(&self, address: &Address) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(address))
    }
}
