//! What a person asks for in one run, over and above what the files say.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Address, Label, Probed};

/// What is asked for in one run. Nothing asked: the files alone decide.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// Keys that get a new secret now, due or not.
    pub rotate: BTreeSet<Address>,
    /// What came of trying external keys, by label; those that nobody asked to try are not in it.
    pub probed: BTreeMap<Label, Probed>,
    /// The only addresses that anything is done about; `None`: all. What else a plan would hold is left for another.
    pub only: Option<BTreeSet<Address>>,
}

impl Ask {
    /// Whether this run does anything about an address.
    pub(super) fn is_about(&self, address: &Address) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(address))
    }
}
