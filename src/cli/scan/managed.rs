//! The ids of the keys that the sealed file knows.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::model::{Address, Sealed, SealedKey};

/// A managed key, as far as a finding says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) address: Address,
    pub(super) generation: u32,
    pub(super) state: &'static str,
}

/// The managed keys by id, and the files that are supposed to hold their ids.
#[derive(Debug, Default)]
pub(super) struct Managed {
    keys: HashMap<String, Owner>,
    /// Made absolute, where that can be.
    homes: Vec<PathBuf>,
}

impl Managed {
    /// What a sealed file knows. `home` is where it is.
    pub(super) fn of(sealed: Option<&Sealed>, home: &Path) -> Self {
        let owner = |key: &SealedKey| Owner {
            address: key.address.clone(),
            generation: key.generation,
            state: if key.revoked.is_some() { "revoked" } else { key.state.as_str() },
        };
        let keys = sealed.into_iter().flat_map(|sealed| &sealed.keys);
        let keys = keys.map(|key| (key.id.to_string(), owner(key))).collect();
        let mut journal = home.as_os_str().to_owned();
        journal.push(".journal");
        let homes = [home.to_owned(), PathBuf::from(journal)];
        let homes = homes.into_iter().map(|path| std::path::absolute(&path).unwrap_or(path)).collect();
        Self { keys, homes }
    }

    /// Whose an id is.
    pub(super) fn owner(&self, id: &str) -> Option<&Owner> {
        self.keys.get(id)
    }

    /// Whether a file is the sealed file, or its journal: ids belong there.
    pub(super) fn is_home(&self, path: &Path) -> bool {
        self.homes.iter().any(|home| std::path::absolute(path).is_ok_and(|path| path == *home))
    }
}
