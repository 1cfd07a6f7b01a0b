//! What a person asks for in one run, over and above what the files say.

use std::collections::BTreeSet;

use super::undo::Undoing;
use crate::model::Address;

/// What is asked for in one run. Nothing asked: the files alone decide.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// Keys that get a new secret now, due or not.
    pub rotate: BTreeSet<Address>,
    /// The only addresses that anything is done about; `None`: all. What else a plan would hold is left for another.
    pub only: Option<BTreeSet<Address>>,
    /// The id of the credential that this run uses: it is not to be stopped by the way. `None` where nothing is written.
    pub credential: Option<String>,
    /// A run that is taken back. Nothing else is done then.
    pub undo: Option<Undoing>,
}

impl Ask {
    /// Whether this run does anything about an address.
    pub(super) fn is_about(&self, address: &Address) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(address))
    }
}
