//! What a person asks for in one run, over and above what the files say.

use std::collections::BTreeSet;

use crate::model::Address;

/// What is asked for in one run. Nothing asked: the files alone decide.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// Keys that get a new secret now, due or not.
    pub rotate: BTreeSet<Address>,
}
