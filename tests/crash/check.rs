//! The invariants of DESIGN §6, held against what really is at the service, with every key's whole history.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use keycomb::model::{Address, KeyId, KeyState, Provisional, Sealed, SealedKey, Timestamp};
use keycomb::sandbox::{KeyTruth, Truth};

use crate::world::{World, identities};

const DAY: u64 = 24 * 60 * 60;
const QUARANTINE: Duration = Duration::from_secs(14 * DAY);
const GRACE: Duration = Duration::from_secs(60 * 60);
const STAGE_GRACE: Duration = Duration::from_secs(8 * DAY);

/// What must never change, and what must always work, from the start of a scenario.
pub struct Witness {
    theirs: Truth,
    /// The addresses that have a working key and keep one.
    working: Vec<Address>,
    /// Which entries were opened already: id and armor.
    opened: BTreeSet<(KeyId, Option<String>)>,
    /// Provisional keys that the record knows nothing of: somebody may be making them.
    strangers: BTreeSet<String>,
    /// Whether a key may have its successor beside it.
    is_rotation: bool,
    /// Whose key a person revokes: it goes at once, and its successor comes after it.
    revoked: Option<Address>,
}

type Held = Result<(), String>;

macro_rules! hold {
    ($holds:expr, $($told:tt)*) => { if !$holds { return Err(format!($($told)*)); } };
}

impl Witness {
    /// At the start, before what is declared is applied.
    pub fn of(world: &World<'_>) -> Self {
        let (truth, sealed) = (world.sandbox.truth(), world.sealed().unwrap());
        let desired = world.desired();
        let is_kept = |address: &&Address| desired.keys.get(*address).is_some_and(|key| key.enabled);
        let entries = sealed.iter().flat_map(|sealed| &sealed.keys);
        let working = entries.filter(|entry| entry.state == KeyState::Live && is_working(&truth, entry));
        let working = working.map(|entry| &entry.address).filter(is_kept).cloned().collect();
        let ours = |name: &str| !(name.starts_with("Key ") || name.starts_with("Env "));
        let lineage = "zzzzzzzz";
        let theirs = Truth {
            keys: truth.keys.into_iter().filter(|k| !ours(&k.name) || k.name.contains(lineage)).collect(),
            environments: truth.environments.into_iter().filter(|e| !ours(&e.name)).collect(),
        };
        assert_eq!((theirs.keys.len(), theirs.environments.len()), (5, 2));
        let (opened, strangers) = (BTreeSet::new(), BTreeSet::new());
        Self { theirs, working, opened, strangers, is_rotation: false, revoked: None }
    }

    /// Two generations of an address may work, and no more.
    pub fn rotating(self, is_rotation: bool) -> Self {
        Self { is_rotation, ..self }
    }

    /// Nothing need work where a key is revoked; but within an overlap the older one does.
    pub fn revoking(mut self, revoked: Option<&Address>) -> Self {
        self.working.retain(|address| self.is_rotation || Some(address) != revoked);
        Self { revoked: revoked.cloned(), ..self }
    }

    /// Another machine goes on, with an older record.
    pub fn forget(&mut self, world: &World<'_>) {
        let (truth, sealed) = (world.sandbox.truth(), world.sealed().unwrap());
        let is_known = |key: &KeyTruth, mark: &Provisional| {
            sealed.iter().any(|sealed| {
                sealed.keys.iter().any(|entry| entry.id.as_str() == key.id)
                    || sealed.intents.iter().any(|intent| intent.nonce == mark.nonce)
            })
        };
        let is_stranger =
            |key: &&KeyTruth| Provisional::parse(&key.name).is_some_and(|mark| !is_known(key, &mark));
        self.strangers = truth.live_keys().filter(is_stranger).map(|key| key.id.clone()).collect();
    }

    /// At any moment: S1, S3 with S4, S5, S6, S8, S10.
    pub fn safe(&mut self, world: &World<'_>) -> Held {
        let truth = world.sandbox.truth();
        let sealed = world.sealed()?;
        self.theirs_unchanged(&truth)?;
        let ours: Vec<&KeyTruth> =
            truth.keys.iter().filter(|key| self.theirs.key(&key.id).is_none()).collect();
        for key in ours.iter().copied() {
            let born = key.history.first().map(|(_, what)| what.as_str());
            hold!(born == Some("created disabled"), "S1: born enabled: {key:?}");
            match key.deleted {
                Some(at) => self.may_be_deleted(key, at, sealed.as_ref())?,
                None if was_enabled(key) => self.is_held(key, sealed.as_ref())?,
                None => {}
            }
        }
        let enabled: Vec<&KeyTruth> =
            ours.into_iter().filter(|key| key.deleted.is_none() && !key.disabled).collect();
        self.one_each(&enabled, sealed.as_ref())?;
        for address in &self.working {
            let mut entries = sealed.iter().flat_map(|sealed| sealed.generations(address));
            hold!(entries.any(|entry| is_working(&truth, entry)), "S6: nothing works at {address}");
        }
        Ok(())
    }

    /// S5.
    fn one_each(&self, enabled: &[&KeyTruth], sealed: Option<&Sealed>) -> Held {
        let entry = |key: &KeyTruth| sealed.and_then(|s| s.keys.iter().find(|e| e.id.as_str() == key.id));
        let most = if self.is_rotation { 2 } else { 1 };
        let mut called_live: BTreeMap<_, usize> = BTreeMap::new();
        let mut named: BTreeMap<_, usize> = BTreeMap::new();
        for key in enabled {
            let Some(entry) = entry(key) else { return Err(format!("S1: enabled and not sealed: {key:?}")) };
            if entry.state == KeyState::Live {
                *called_live.entry(&entry.address).or_default() += 1;
                *named.entry((&key.environment, key.key_type, &key.name)).or_default() += 1;
            }
        }
        let many = called_live.iter().find(|(_, count)| **count > most);
        hold!(many.is_none(), "S5: {many:?} live keys");
        hold!(named.values().all(|count| *count <= most), "S5: two live keys of one name");
        let generations: BTreeSet<_> =
            sealed.iter().flat_map(|s| &s.keys).map(|entry| (&entry.address, entry.generation)).collect();
        let entries = sealed.map_or(0, |sealed| sealed.keys.len());
        hold!(generations.len() == entries, "S5: two keys of one address and generation");
        Ok(())
    }

    fn theirs_unchanged(&self, truth: &Truth) -> Held {
        for key in &self.theirs.keys {
            hold!(truth.key(&key.id) == Some(key), "S8: written: {key:?}");
        }
        for environment in &self.theirs.environments {
            hold!(truth.environment(&environment.id) == Some(environment), "S8: written: {environment:?}");
        }
        Ok(())
    }

    /// Its secret is in the record, and opens to what really works.
    fn is_held(&mut self, key: &KeyTruth, sealed: Option<&Sealed>) -> Held {
        let entry = sealed.and_then(|sealed| sealed.keys.iter().find(|e| e.id.as_str() == key.id));
        let (Some(sealed), Some(entry)) = (sealed, entry) else {
            return Err(format!("S1: enabled and not sealed: {key:?}"));
        };
        let seal = (entry.id.clone(), entry.sealed.clone());
        if !self.opened.contains(&seal) {
            let payload =
                keycomb::seal::open(entry, sealed, &identities()).map_err(|e| format!("S1: {e}"))?;
            let is_it =
                payload.secret.expose() == key.secret && payload.credential.expose() == key.credential;
            hold!(is_it, "S1: sealed is another secret than that of {key:?}");
            self.opened.insert(seal);
        }
        Ok(())
    }

    /// S3: what was never enabled is ours, and of age where somebody else may still release it.
    fn may_be_deleted(&self, key: &KeyTruth, deleted: Timestamp, sealed: Option<&Sealed>) -> Held {
        if was_enabled(key) {
            return if self.was_revoked(key, sealed) { Ok(()) } else { was_quarantined(key) };
        }
        let mark = Provisional::parse(&key.name);
        let mark = mark.filter(|mark| sealed.is_some_and(|sealed| mark.is_of(&sealed.lineage)));
        let Some(mark) = mark else { return Err(format!("S3: deleted, and not provisional: {key:?}")) };
        let age = since(key.created, deleted);
        let is_of_age = match mark.digest {
            Some(_) => age >= STAGE_GRACE,
            None => age >= GRACE || !self.strangers.contains(&key.id),
        };
        hold!(is_of_age, "S3: deleted within its grace: {key:?}");
        Ok(())
    }

    /// The third case of S3: a person named it, and the record says so.
    fn was_revoked(&self, key: &KeyTruth, sealed: Option<&Sealed>) -> bool {
        let mut entries = sealed.iter().flat_map(|sealed| &sealed.keys);
        entries.any(|entry| {
            entry.id.as_str() == key.id
                && entry.revoked.is_some()
                && Some(&entry.address) == self.revoked.as_ref()
        })
    }

    /// S7: at the end there are exactly the desired keys, as desired, and nothing unfinished.
    pub fn converged(&self, world: &World<'_>) -> Held {
        let (truth, desired) = (world.sandbox.truth(), world.desired());
        let Some(sealed) = world.sealed()? else { return Err("S7: no sealed file".into()) };
        let mut accounted = BTreeSet::new();
        for (address, wanted) in &desired.keys {
            let live: Vec<&SealedKey> =
                sealed.generations(address).filter(|entry| entry.state == KeyState::Live).collect();
            let entry = match live[..] {
                [entry] => entry,
                // The older one works until the overlap is over.
                [_, entry] if self.is_rotation => entry,
                _ => return Err(format!("S7: {} live at {address}", live.len())),
            };
            let revoked = sealed.generations(address).filter(|entry| entry.revoked.is_some());
            let newest = revoked.map(|entry| entry.generation).max();
            hold!(newest.is_none_or(|newest| entry.generation > newest), "S7: {address} has no successor");
            accounted.extend(live.iter().map(|entry| entry.id.to_string()));
            let Some(key) = truth.live_keys().find(|key| key.id == entry.id.as_str()) else {
                return Err(format!("S7: {address} is gone"));
            };
            let granted: BTreeSet<&str> =
                key.permissions.iter().filter(|(_, on)| **on).map(|(name, _)| name.as_str()).collect();
            let asked: BTreeSet<&str> = wanted.permissions.iter().map(|one| one.as_str()).collect();
            let is_as_desired = key.name == wanted.name && key.disabled != wanted.enabled && granted == asked;
            hold!(is_as_desired, "S7: {address} should be {wanted:?} and is {key:?}");
            accounted.insert(key.id.clone());
        }
        let quarantined = sealed.keys.iter().filter(|entry| entry.state == KeyState::Disabled);
        accounted.extend(quarantined.map(|entry| entry.id.to_string()));
        let mut ours = truth.live_keys().filter(|key| self.theirs.key(&key.id).is_none());
        if let Some(key) = ours.find(|key| !accounted.contains(&key.id)) {
            return Err(format!("S7: left behind: {key:?}"));
        }
        for (label, wanted) in &desired.environments {
            let mut named =
                truth.environments.iter().filter(|e| e.deleted.is_none() && e.name == wanted.name);
            let (Some(one), None) = (named.next(), named.next()) else {
                return Err(format!("S7: environment {label} is not there once"));
            };
            hold!(Provisional::parse(&one.description).is_none(), "S7: marked: {one:?}");
        }
        Ok(())
    }
}

fn is_working(truth: &Truth, entry: &SealedKey) -> bool {
    let released = matches!(entry.state, KeyState::Live | KeyState::Releasing);
    released && truth.live_keys().any(|key| key.id == entry.id.as_str() && !key.disabled)
}

fn since(before: Timestamp, after: Timestamp) -> Duration {
    Duration::try_from(after.duration_since(before)).unwrap_or_default()
}

fn was_enabled(key: &KeyTruth) -> bool {
    key.history.iter().any(|(_, what)| what == "enabled" || what == "created enabled")
}

/// S3, and S4 with it: what a run has called live was enabled.
fn was_quarantined(key: &KeyTruth) -> Held {
    let at = |wanted: &str| key.history.iter().rev().find(|(_, what)| what == wanted).map(|(at, _)| *at);
    let (Some(disabled), Some(deleted)) = (at("disabled"), at("deleted")) else {
        return Err(format!("S3: deleted while enabled: {key:?}"));
    };
    hold!(since(disabled, deleted) >= QUARANTINE, "S3: deleted before its quarantine was over: {key:?}");
    Ok(())
}
