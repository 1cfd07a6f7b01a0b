//! Reading the store: pages in the order of ids, keys by credential, everything at once.

use std::collections::HashSet;
use std::ops::Bound;

use super::records::{Environment, Key};
use super::store::Store;
use super::truth::{KeyType, Truth};

impl Store {
    /// Up to `size` environments after an id, and whether there are more.
    pub(super) fn environments_after(&self, after: Option<&str>, size: usize) -> (Vec<&Environment>, bool) {
        take(self.environments.range::<str, _>(from(after)).map(|(_, environment)| environment), size)
    }

    /// Up to `size` keys after an id, of one type or both, without the `hidden` ones, and whether there are more.
    pub(super) fn keys_after(
        &self,
        after: Option<&str>,
        filter: Option<KeyType>,
        hidden: &HashSet<String>,
        size: usize,
    ) -> (Vec<&Key>, bool) {
        let keys = self.keys.range::<str, _>(from(after)).map(|(_, key)| key);
        take(
            keys.filter(|key| {
                filter.is_none_or(|wanted| wanted == key.key_type) && !hidden.contains(&key.id)
            }),
            size,
        )
    }

    /// The ids of the `count` newest environments: ids begin with the time.
    pub(super) fn newest_environments(&self, count: usize) -> HashSet<&str> {
        self.environments.keys().rev().take(count).map(String::as_str).collect()
    }

    /// The ids of the `count` newest keys.
    pub(super) fn newest_keys(&self, count: usize) -> HashSet<String> {
        let mut keys: Vec<&Key> = self.keys.values().collect();
        keys.sort_unstable_by_key(|key| std::cmp::Reverse(key.serial));
        keys.into_iter().take(count).map(|key| key.id.clone()).collect()
    }

    /// The enabled key that a credential belongs to.
    pub(super) fn key_of_credential(&self, credential: &str) -> Option<&Key> {
        let ingest = credential.split_at_checked(32).and_then(|(id, secret)| {
            self.keys.get(id).filter(|key| key.key_type == KeyType::Ingest && key.secret == secret)
        });
        let found = ingest.or_else(|| {
            self.keys.values().find(|key| key.key_type == KeyType::Configuration && key.secret == credential)
        });
        found.filter(|key| !key.disabled)
    }

    /// Everything there is and was.
    pub(super) fn truth(&self) -> Truth {
        let mut environments: Vec<&Environment> =
            self.environments.values().chain(&self.deleted_environments).collect();
        environments.sort_by_key(|environment| environment.serial);
        let mut keys: Vec<&Key> = self.keys.values().chain(&self.deleted_keys).collect();
        keys.sort_by_key(|key| key.serial);
        Truth {
            environments: environments.into_iter().map(Environment::truth).collect(),
            keys: keys.into_iter().map(Key::truth).collect(),
        }
    }
}

fn from(after: Option<&str>) -> (Bound<&str>, Bound<&str>) {
    (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)
}

fn take<'a, T>(things: impl Iterator<Item = &'a T>, size: usize) -> (Vec<&'a T>, bool) {
    let mut page: Vec<&T> = things.take(size + 1).collect();
    let more = page.len() > size;
    page.truncate(size);
    (page, more)
}
