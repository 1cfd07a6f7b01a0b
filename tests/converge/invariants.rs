//! What must hold at any time, held against what really is at the service.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use keycomb::model::{KeyState, Lineage, Provisional};
use keycomb::ports::ReadLive as _;
use keycomb::sandbox::{EnvironmentTruth, KeyTruth, Truth};
use keycomb::seal::open;

use crate::lab::{LINEAGE, Lab};

/// What nobody declares, as it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Theirs {
    keys: BTreeMap<String, KeyTruth>,
    environments: BTreeMap<String, EnvironmentTruth>,
}

impl Theirs {
    /// What every lab begins with.
    pub fn seeded(truth: &Truth) -> Self {
        let keys = truth.keys.iter().filter(|k| k.name.starts_with("Key "));
        let environments = truth.environments.iter().filter(|e| e.name.starts_with("Env "));
        Self {
            keys: keys.map(|k| (k.id.clone(), k.clone())).collect(),
            environments: environments.map(|e| (e.id.clone(), e.clone())).collect(),
        }
    }

    /// With the keys of these names.
    pub fn and(mut self, truth: &Truth, names: &[&str]) -> Self {
        let more = truth.keys.iter().filter(|k| names.contains(&k.name.as_str()));
        self.keys.extend(more.map(|k| (k.id.clone(), k.clone())));
        self
    }

    fn assert_unchanged(&self, truth: &Truth, case: &str) {
        for (id, key) in &self.keys {
            assert_eq!(truth.key(id), Some(key), "{case}: a key that is not ours was written");
        }
        for (id, environment) in &self.environments {
            let now = truth.environment(id);
            assert_eq!(now, Some(environment), "{case}: an environment that is not ours was written");
        }
    }

    /// Also what the sandbox's second writer makes is not ours.
    fn has(&self, key: &KeyTruth) -> bool {
        self.keys.contains_key(&key.id) || key.name == "made between pages"
    }
}

fn was_enabled(key: &KeyTruth) -> bool {
    key.history.iter().any(|(_, what)| what == "enabled" || what == "created enabled")
}

impl Lab {
    /// Nothing of theirs was written, no key ever worked whose secret nobody holds, no address has two.
    pub fn assert_safe(&self, case: &str) {
        let truth = self.sandbox.truth();
        self.theirs.assert_unchanged(&truth, case);
        for key in truth.keys.iter().filter(|key| self.theirs.has(key)) {
            let is_new = !self.theirs.keys.contains_key(&key.id);
            assert!(!is_new || key.history.len() == 1, "{case}: {key:?}");
        }
        for key in truth.keys.iter().filter(|key| !self.theirs.has(key) && was_enabled(key)) {
            self.assert_held(key, case);
        }
        self.assert_deleted_rightly(&truth, case);
        self.assert_one_each(&truth, case);
        self.assert_never_in_clear(&truth, case);
    }

    /// S3, S4: only what was never enabled and still had our mark, or what had been off for its quarantine, was deleted.
    fn assert_deleted_rightly(&self, truth: &Truth, case: &str) {
        let lineage = Lineage::new(LINEAGE).unwrap();
        let by_hand = self.by_hand.borrow();
        let ours = truth.keys.iter().filter(|key| !self.theirs.has(key) && !by_hand.contains(&key.id));
        for key in ours.filter(|key| key.deleted.is_some()) {
            let is_marked = Provisional::parse(&key.name).is_some_and(|mark| mark.is_of(&lineage));
            let last = key.history.iter().rev().find(|(_, what)| what != "deleted");
            let (since, what) = last.unwrap_or_else(|| panic!("{case}: {key:?}"));
            let quarantine = Duration::from_secs(14 * 24 * 60 * 60);
            let is_over = key.disabled && key.deleted >= since.checked_add(quarantine).ok();
            let is_right = (is_marked && !was_enabled(key)) || is_over;
            assert!(is_right, "{case}: deleted after {what}: {key:?}");
        }
    }

    /// No key that ever worked was deleted.
    pub fn assert_used_keys_kept(&self, case: &str) {
        let truth = self.sandbox.truth();
        let lost = truth.keys.iter().find(|key| key.deleted.is_some() && was_enabled(key));
        assert_eq!(lost, None, "{case}: deleted after use");
    }

    /// Nothing is left under a provisional name.
    pub fn assert_no_leftovers(&self, case: &str) {
        let truth = self.sandbox.truth();
        let left = truth.live_keys().find(|key| Provisional::parse(&key.name).is_some());
        assert_eq!(left, None, "{case}");
    }

    /// Its secret is in the sealed file, and opens to what really works.
    fn assert_held(&self, key: &KeyTruth, case: &str) {
        let sealed = self.sealed();
        let entry = sealed.keys.iter().find(|entry| entry.id.as_str() == key.id);
        let entry = entry.unwrap_or_else(|| panic!("{case}: enabled and not in the record: {key:?}"));
        // Opening is slow, and what opened once opens again.
        let seal = (entry.address.to_string(), key.id.clone(), entry.sealed.clone());
        if !self.opened.borrow().contains(&seal) {
            let payload = open(entry, &sealed, &self.identities()).unwrap();
            assert_eq!(payload.credential.expose(), key.credential, "{case}: {}", key.id);
            assert_eq!(payload.secret.expose(), key.secret, "{case}: {}", key.id);
            self.opened.borrow_mut().insert(seal);
        }
        let first = key.history.iter().position(|(_, what)| what == "enabled");
        assert!(first.is_some_and(|at| at > 0), "{case}: born enabled: {key:?}");
    }

    fn assert_one_each(&self, truth: &Truth, case: &str) {
        let mut working: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for entry in self.sealed().keys {
            if truth.live_keys().any(|key| key.id == entry.id.as_str() && !key.disabled) {
                working.entry(entry.address).or_default().push((entry.generation, entry.id));
            }
        }
        for (address, ids) in working {
            let generations: BTreeSet<u32> = ids.iter().map(|(generation, _)| *generation).collect();
            assert!(generations.len() == ids.len(), "{case}: {address} has two of one generation: {ids:?}");
            let most = if self.is_rotating.get() { 2 } else { 1 };
            assert!(ids.len() <= most, "{case}: {address} has several: {ids:?}");
        }
    }

    /// No secret stands in any file but the sandbox's own.
    fn assert_never_in_clear(&self, truth: &Truth, case: &str) {
        for file in std::fs::read_dir(self.path().parent().unwrap()).unwrap() {
            let path = file.unwrap().path();
            if path.ends_with("sandbox.json") {
                continue;
            }
            let text = std::fs::read_to_string(path).unwrap();
            let leaked = truth.keys.iter().find(|key| text.contains(&key.secret));
            assert!(leaked.is_none(), "{case}: {leaked:?}");
        }
    }

    /// Every key that the record calls live works, or does not, as it says, with the secret that it holds.
    pub async fn assert_live_keys_open(&self, case: &str) {
        let (reader, _) = self.connect();
        let (sealed, truth) = (self.sealed(), self.sandbox.truth());
        for entry in sealed.keys.iter().filter(|k| k.state == KeyState::Live) {
            let payload = open(entry, &sealed, &self.identities()).unwrap();
            let proof = reader.prove(&payload.credential).await.unwrap();
            let proven = proof.map(|proof| (proof.key_type, proof.team));
            let expected = entry.applied.enabled.then(|| (entry.key_type, "acme".to_owned()));
            assert_eq!(proven, expected, "{case}: {}", entry.address);
            let key = truth.live_keys().find(|key| key.id == entry.id.as_str()).unwrap();
            assert_eq!((&key.name, key.disabled), (&entry.name, !entry.applied.enabled), "{case}");
            let granted: Vec<&str> =
                key.permissions.iter().filter(|(_, on)| **on).map(|(name, _)| name.as_str()).collect();
            let mut applied: Vec<&str> = entry.applied.permissions.iter().map(|p| p.as_str()).collect();
            applied.sort_unstable();
            assert_eq!(granted, applied, "{case}: {}", entry.address);
        }
        for key in truth.live_keys().filter(|key| Provisional::parse(&key.name).is_some()) {
            assert!(key.disabled, "{case}: {key:?}");
        }
    }
}
