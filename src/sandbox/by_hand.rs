//! What a person does in the web interface, beside the API: at once, and no fault meets it.

use jiff::Timestamp;

use super::Sandbox;
use super::permissions::Permissions;
use super::records::{KeyChange, NewEnvironment, NewKey};
use super::store::Store;
use super::truth::KeyType;

/// Something a person does. In the history of a key it has ` by hand` after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ByHand {
    /// Makes a key without permissions.
    CreateKey {
        /// Its type.
        key_type: KeyType,
        /// The id of its environment, which must exist.
        environment: String,
        /// Its name.
        name: String,
        /// Whether it is born disabled.
        disabled: bool,
    },
    /// Makes an environment, unless its name is taken.
    CreateEnvironment {
        /// Its name.
        name: String,
    },
    /// Renames a key.
    Rename {
        /// The key.
        id: String,
        /// Its new name.
        name: String,
    },
    /// Enables a key.
    Enable {
        /// The key.
        id: String,
    },
    /// Disables a key.
    Disable {
        /// The key.
        id: String,
    },
    /// Deletes a key.
    DeleteKey {
        /// The key.
        id: String,
    },
}

impl Sandbox {
    /// Does something by hand. The id of what it was done to; `None` where there is no such thing.
    pub fn by_hand(&self, act: ByHand) -> Option<String> {
        let mut world = self.shared.world();
        let id = world.service.store.by_hand(act, self.shared.clock.now());
        // As with a new management key: the next request that changes something says so where the file cannot be written.
        self.shared.save(&world).ok();
        id
    }
}

impl Store {
    pub(super) fn by_hand(&mut self, act: ByHand, now: Timestamp) -> Option<String> {
        let change = KeyChange::default();
        match act {
            ByHand::CreateEnvironment { name } => (!self.is_taken(&name)).then(|| {
                self.create_environment(NewEnvironment { name, description: String::new(), color: None }, now)
            }),
            ByHand::CreateKey { key_type, environment, name, disabled } => {
                self.environments.get(&environment)?;
                let permissions = Permissions::new();
                let id = self.create_key(NewKey { key_type, name, environment, disabled, permissions }, now);
                self.signed(id, 0)
            }
            ByHand::Rename { id, name } => self.edit(id, KeyChange { name: Some(name), ..change }, now),
            ByHand::Enable { id } => self.edit(id, KeyChange { disabled: Some(false), ..change }, now),
            ByHand::Disable { id } => self.edit(id, KeyChange { disabled: Some(true), ..change }, now),
            ByHand::DeleteKey { id } => {
                let known = self.keys.get(&id)?.history.len();
                self.delete_key(&id, now);
                self.signed(id, known)
            }
        }
    }

    fn edit(&mut self, id: String, change: KeyChange, now: Timestamp) -> Option<String> {
        let known = self.keys.get(&id)?.history.len();
        self.update_key(&id, change, now);
        self.signed(id, known)
    }

    /// Signs what came into a key's history after its first `known` entries.
    fn signed(&mut self, id: String, known: usize) -> Option<String> {
        let deleted = self.deleted_keys.iter_mut();
        let key = self.keys.values_mut().chain(deleted).find(|key| key.id == id)?;
        key.history.iter_mut().skip(known).for_each(|(_, what)| what.push_str(" by hand"));
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_tells_a_person_from_a_request() {
        let mut store = Store::new(1, "acme", "Acme");
        let now: Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
        let environment = store.by_hand(ByHand::CreateEnvironment { name: "e".into() }, now).unwrap();
        let key_type = KeyType::Ingest;
        let create = ByHand::CreateKey { key_type, environment, name: "k".into(), disabled: true };
        let id = store.by_hand(create, now).unwrap();
        store.update_key(&id, KeyChange { disabled: Some(false), ..KeyChange::default() }, now);
        store.by_hand(ByHand::Rename { id: id.clone(), name: "n".into() }, now).unwrap();
        store.by_hand(ByHand::DeleteKey { id: id.clone() }, now).unwrap();
        let truth = store.truth();
        let told: Vec<_> = truth.key(&id).unwrap().history.iter().map(|(_, what)| what.as_str()).collect();
        assert_eq!(told, ["created disabled by hand", "enabled", "renamed by hand", "deleted by hand"]);
        assert_eq!(truth.key(&id).unwrap().made_as, "k");
        assert_eq!(store.by_hand(ByHand::DeleteKey { id }, now), None);
    }
}
