//! What a plan is made from.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ask::Ask;
use crate::model::{Address, Desired, KeyId, Live, Sealed, Timestamp};

/// Everything that deciding needs, read before. What is not in here has no say.
#[derive(Debug, Clone)]
pub struct Input<'a> {
    /// What the files say.
    pub desired: &'a Desired,
    /// What the service says: the whole listing, and managed objects that it left out but answered by id.
    /// A managed id that is not in here answered 404.
    pub live: &'a Live,
    /// What the sealed file remembers, its journal included; `None` when there is none.
    pub sealed: Option<&'a Sealed>,
    /// The service's clock; another instant for a forecast.
    pub now: Timestamp,
    /// Which guards the person lifted.
    pub allow: Allow,
    /// What is asked for in this run.
    pub ask: Ask,
    /// Keys that an older version of the sealed file has an entry of: the commit that holds it, abbreviated. Only those
    /// that the present one does not know matter; empty where nobody looked.
    pub elsewhere: BTreeMap<KeyId, String>,
}

/// Guards lifted for one run. A number counts only when it equals the plan's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allow {
    /// Exactly so many keys and environments may be deleted.
    pub delete: Option<u32>,
    /// Exactly so many keys may be disabled.
    pub disable: Option<u32>,
    /// Exactly so many keys may be replaced.
    pub replace: Option<u32>,
    /// These may be stopped although protected or the last of their kind, and may all be missing.
    pub addresses: BTreeSet<Address>,
}

impl Allow {
    /// What was lifted, each as it is given to `--allow`; sorted.
    pub fn words(&self) -> Vec<String> {
        let Self { delete, disable, replace, addresses } = self;
        let numbers = [("delete", delete), ("disable", disable), ("replace", replace)];
        let numbers = numbers.into_iter().filter_map(|(word, n)| n.map(|n| format!("{word}={n}")));
        numbers.chain(addresses.iter().map(ToString::to_string)).collect()
    }

    /// The same, as options of the command line; empty for none.
    pub fn options(&self) -> String {
        let options = self.words().into_iter().map(|word| format!("--allow {word}"));
        options.collect::<Vec<_>>().join(" ")
    }

    /// What was lifted, for people; `None` for nothing.
    pub fn told(&self) -> Option<String> {
        let words = self.words();
        (!words.is_empty()).then(|| format!("guards lifted: {}", words.join(", ")))
    }
}
