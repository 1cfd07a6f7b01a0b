//! The input, findable: everything is looked up by id, name or address in one step.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::ask::Revoke;
use super::discard::discardable_from;
use super::input::Input;
use super::phase::{Given, Phase, is_staged};
use super::times::{GRACE, is_within};
use crate::model::{
    Address, DesiredKey, EnvironmentId, KeyId, KeyState, KeyType, Label, Lineage, LiveEnvironment, LiveKey,
    Provisional, Sealed, SealedEnvironment, SealedKey, Timestamp,
};

/// A provisional key of this sealed file's lineage that the file has no entry for: nobody holds its secret, or, where it is
/// staged, nobody but whoever has its entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stray<'a> {
    /// The key.
    pub(super) live: &'a LiveKey,
    /// Whether this record knows the try that made it, so that its maker is dead.
    pub(super) known: bool,
    /// Whether its maker, if it is another, may still be at work.
    pub(super) young: bool,
    /// From when on it may be deleted; `None` for one that somebody enabled, or that has no date.
    pub(super) from: Option<Timestamp>,
}

impl Stray<'_> {
    /// Whether its entry may be on its way to its home.
    pub(super) fn is_staged(&self) -> bool {
        is_staged(self.live)
    }

    /// Whether minting at its address would race with another run.
    pub(super) fn is_busy(&self) -> bool {
        self.young && !self.known
    }
}

/// The keys of one table of the files, in all its environments.
#[derive(Debug, Default)]
pub(super) struct Table<'a> {
    /// In file order.
    pub(super) declared: Vec<&'a DesiredKey>,
    /// What other tables declare as moved from this one, in file order.
    pub(super) renamed: Vec<&'a DesiredKey>,
    /// The addresses that have a record and no declaration any more, in order.
    pub(super) undeclared: Vec<&'a Address>,
}

/// The input by id, name and address. All lists are in a fixed order, whatever the order of the input.
pub(super) struct Index<'a> {
    pub(super) input: &'a Input<'a>,
    /// Provisional keys of ours without an entry, by the address they were for.
    pub(super) strays: BTreeMap<&'a Address, Vec<Stray<'a>>>,
    /// The same, for addresses that nothing names any more.
    pub(super) lost: Vec<Stray<'a>>,
    environments: HashMap<&'a EnvironmentId, &'a LiveEnvironment>,
    environment_names: HashMap<String, Vec<&'a LiveEnvironment>>,
    environment_records: BTreeMap<&'a Address, &'a SealedEnvironment>,
    environment_owners: HashMap<&'a EnvironmentId, &'a SealedEnvironment>,
    keys: HashMap<&'a KeyId, &'a LiveKey>,
    key_names: HashMap<(&'a EnvironmentId, KeyType, &'a str), Vec<&'a LiveKey>>,
    inside: HashMap<&'a EnvironmentId, Vec<&'a LiveKey>>,
    records: BTreeMap<&'a Address, Vec<&'a SealedKey>>,
    tables: HashMap<&'a Label, Table<'a>>,
    owners: HashMap<&'a KeyId, &'a SealedKey>,
    places: HashMap<&'a KeyId, Vec<&'a SealedKey>>,
    stray_ids: HashSet<&'a KeyId>,
    is_all_missing: bool,
}

impl<'a> Index<'a> {
    /// Sorts everything in once.
    pub(super) fn new(input: &'a Input<'a>) -> Self {
        let (records, owners) = index_records(input.sealed);
        let environment_records: BTreeMap<_, _> =
            environment_records(input.sealed).map(|e| (&e.address, e)).collect();
        let mut index = Self {
            input,
            strays: BTreeMap::new(),
            lost: vec![],
            environments: input.live.environments.iter().map(|e| (&e.id, e)).collect(),
            environment_names: HashMap::new(),
            environment_owners: environment_records.values().map(|e| (&e.id, *e)).collect(),
            environment_records,
            keys: input.live.keys.iter().map(|k| (&k.id, k)).collect(),
            key_names: HashMap::new(),
            inside: HashMap::new(),
            tables: tables(input, &records),
            records,
            owners,
            places: places(input.sealed),
            stray_ids: HashSet::new(),
            is_all_missing: false,
        };
        index.sort_in_environments();
        index.sort_in_keys();
        index.is_all_missing = index.looks_empty();
        index
    }

    fn sort_in_environments(&mut self) {
        for environment in self.environments.values() {
            self.environment_names.entry(environment.name.to_lowercase()).or_default().push(environment);
        }
        for named in self.environment_names.values_mut() {
            named.sort_by(|a, b| a.id.cmp(&b.id));
        }
    }

    fn sort_in_keys(&mut self) {
        let mut keys: Vec<&'a LiveKey> = self.keys.values().copied().collect();
        keys.sort_by(|a, b| a.id.cmp(&b.id));
        let mut strays = vec![];
        for key in keys {
            self.inside.entry(&key.environment).or_default().push(key);
            match Provisional::parse(&key.name) {
                Some(name) if self.is_stray(key, &name) => strays.push((key, name)),
                Some(_) => {}
                None => {
                    let name = (&key.environment, key.key_type, key.name.as_str());
                    self.key_names.entry(name).or_default().push(key);
                }
            }
        }
        self.sort_in_strays(&strays);
    }

    fn is_stray(&self, key: &LiveKey, name: &Provisional) -> bool {
        self.lineage().is_some_and(|lineage| name.is_of(lineage)) && !self.owners.contains_key(&key.id)
    }

    fn sort_in_strays(&mut self, strays: &[(&'a LiveKey, Provisional)]) {
        let Some(sealed) = self.input.sealed.filter(|_| !strays.is_empty()) else { return };
        let intents = sealed.intents.iter();
        let nonces: HashSet<_> = intents.clone().map(|intent| &intent.nonce).collect();
        // One tag for each address: it is a hash, and there may be many addresses.
        let any = |(_, name): &(_, Provisional)| name.nonce.clone();
        let tag_of = |address| strays.first().map(|s| Provisional::new(&sealed.lineage, address, any(s)).tag);
        let addresses = self.input.desired.keys.keys().chain(self.records.keys().copied());
        let tags: HashMap<String, &'a Address> =
            addresses.chain(intents.map(|i| &i.address)).filter_map(|a| Some((tag_of(a)?, a))).collect();
        for (live, name) in strays {
            let address = tags.get(&name.tag);
            let is_staged = name.digest.is_some();
            let is_given_up = is_staged && address.is_some_and(|address| self.is_named(address));
            let from = match discardable_from(sealed, None, live) {
                Some(_) if is_given_up => Some(Timestamp::MIN),
                from => from,
            };
            let young = match is_staged {
                true => from.is_none_or(|from| self.input.now < from),
                false => live.created.is_none_or(|created| is_within(created, GRACE, self.input.now)),
            };
            let stray = Stray {
                live,
                // Its entry may be in somebody's checkout, whatever became of the try here.
                known: nonces.contains(&name.nonce) && !is_staged,
                young,
                from,
            };
            self.stray_ids.insert(&live.id);
            match address {
                Some(address) => self.strays.entry(address).or_default().push(stray),
                None => self.lost.push(stray),
            }
        }
    }

    /// All gone at once is more likely a wrong team, a wrong record or a broken answer than the truth, unless
    /// each of them was named.
    fn looks_empty(&self) -> bool {
        // Whatever is or may be enabled: a staged key can be released by another checkout. What was revoked is meant to be
        // gone.
        let released = |r: &&SealedKey| {
            let is_in_use = matches!(
                r.state,
                KeyState::Live | KeyState::Disabled | KeyState::Staged | KeyState::Releasing
            );
            is_in_use && r.revoked.is_none()
        };
        let is_there = |r: &&SealedKey| self.keys.contains_key(&r.id);
        let live: Vec<_> = self.records().filter(|r| released(r) && r.state != KeyState::Disabled).collect();
        let gone = live.len() > 1 && !live.iter().any(is_there);
        let empty = self.keys.is_empty() && self.records().any(|r| released(&r));
        let is_unnamed = |r: &SealedKey| !self.input.allow.addresses.contains(&r.address);
        (gone || empty) && self.records().filter(released).any(|r| !is_there(&r) && is_unnamed(r))
    }

    /// Whether the service seems to have lost every managed key at once.
    pub(super) fn is_all_missing(&self) -> bool {
        self.is_all_missing
    }

    /// The lineage of the sealed file.
    pub(super) fn lineage(&self) -> Option<&'a Lineage> {
        self.input.sealed.map(|sealed| &sealed.lineage)
    }

    /// The environment with an id.
    pub(super) fn environment(&self, id: &EnvironmentId) -> Option<&'a LiveEnvironment> {
        self.environments.get(id).copied()
    }

    /// The environments whose name is this one but for upper and lower case, by id.
    pub(super) fn environments_named(&self, name: &str) -> &[&'a LiveEnvironment] {
        self.environment_names.get(&name.to_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// The record at an environment's address.
    pub(super) fn environment_record(&self, address: &Address) -> Option<&'a SealedEnvironment> {
        self.environment_records.get(address).copied()
    }

    /// All recorded environments, by address.
    pub(super) fn environment_records(&self) -> impl Iterator<Item = &'a SealedEnvironment> {
        self.environment_records.values().copied()
    }

    /// The record of an environment's id.
    pub(super) fn environment_owner(&self, id: &EnvironmentId) -> Option<&'a SealedEnvironment> {
        self.environment_owners.get(id).copied()
    }

    /// The keys in an environment, by id.
    pub(super) fn inside(&self, id: &EnvironmentId) -> &[&'a LiveKey] {
        self.inside.get(id).map_or(&[], Vec::as_slice)
    }

    /// The key with an id.
    pub(super) fn key(&self, id: &KeyId) -> Option<&'a LiveKey> {
        self.keys.get(id).copied()
    }

    /// The record of a key's id.
    pub(super) fn owner(&self, id: &KeyId) -> Option<&'a SealedKey> {
        self.owners.get(id).copied()
    }

    /// The records of keys that were made in the place of this one, in another environment.
    pub(super) fn made_for(&self, id: &KeyId) -> &[&'a SealedKey] {
        self.places.get(id).map_or(&[], Vec::as_slice)
    }

    /// Whether a key is one of [`Self::strays`] or [`Self::lost`].
    pub(super) fn is_ours_unfinished(&self, id: &KeyId) -> bool {
        self.stray_ids.contains(id)
    }

    /// The commit whose sealed file has an entry of a key, where the present one has none.
    pub(super) fn commit_of(&self, key: &LiveKey) -> Option<&'a str> {
        let is_forgotten = || {
            self.input.sealed.is_some_and(|sealed| sealed.forgotten.iter().any(|known| known.id == key.id))
        };
        let is_lost = !self.owners.contains_key(&key.id);
        let commit = self.input.elsewhere.get(&key.id).filter(|_| is_lost && !is_forgotten())?;
        Some(commit.as_str())
    }

    /// Whether a key is ours and the sealed file has no entry of it, though it works or may have worked. What is still
    /// as it was made is only unfinished.
    pub(super) fn is_unsealed(&self, key: &LiveKey) -> bool {
        match self.is_ours_unfinished(&key.id) {
            true => !key.disabled,
            false => self.commit_of(key).is_some(),
        }
    }

    /// The keys elsewhere that a declaration could mean, by id: of that environment, type and name, and not
    /// provisional.
    pub(super) fn candidates(
        &self,
        environment: &EnvironmentId,
        key_type: KeyType,
        name: &str,
        address: &Address,
    ) -> Vec<&'a LiveKey> {
        let is_candidate = |key: &&LiveKey| {
            // The listing may still show what was deleted.
            self.owner(&key.id)
                .is_none_or(|owner| owner.state != KeyState::Deleted && &owner.address != address)
        };
        let Some(named) = self.key_names.get(&(environment, key_type, name)) else { return vec![] };
        named.iter().copied().filter(is_candidate).collect()
    }

    /// Every address with a declared key, a record or a stray, each once, in order.
    pub(super) fn key_addresses(&self) -> BTreeSet<&'a Address> {
        let declared = self.input.desired.keys.keys();
        declared.chain(self.records.keys().copied()).chain(self.strays.keys().copied()).collect()
    }

    /// The generations at an address, newest first. Two keys of one generation (a merge can leave them) stand with the
    /// one first that serves.
    pub(super) fn generations(&self, address: &Address) -> Vec<(&'a SealedKey, Phase<'a>)> {
        let Some(records) = self.records.get(address) else { return vec![] };
        let mut found: Vec<_> = records.iter().map(|record| (*record, self.phase(record))).collect();
        found.sort_by_key(|(record, phase)| Reverse((record.generation, phase.rank(record.state))));
        found
    }

    /// What is declared, and what is recorded and declared no more, under the label of a key's address.
    pub(super) fn table(&self, address: &Address) -> Option<&Table<'a>> {
        let Address::Key { key, .. } = address else { return None };
        self.tables.get(key)
    }

    /// Whether a person has to say what becomes of an address: one branch forgot a key of it, another one went on with it.
    pub(super) fn is_disputed(&self, address: &Address) -> bool {
        let Some(sealed) = self.input.sealed.filter(|sealed| !sealed.forgotten.is_empty()) else {
            return false;
        };
        self.records
            .get(address)
            .is_some_and(|records| records.iter().any(|key| sealed.is_forgotten(&key.id)))
    }

    /// All recorded keys, by address, newest generation first.
    pub(super) fn records(&self) -> impl Iterator<Item = &'a SealedKey> {
        self.records.values().flatten().copied()
    }

    /// Where a recorded generation stands.
    pub(super) fn phase(&self, record: &SealedKey) -> Phase<'a> {
        // Without a record there is no phase to ask for.
        let Some(lineage) = self.lineage() else { return Phase::Over };
        let is_named = self.is_named(&record.address);
        let is_revoked = self.asked_to_revoke(record).is_some();
        Phase::of(record, self.key(&record.id), Given { lineage, now: self.input.now, is_named, is_revoked })
    }

    /// What the person asks in this run to be done with a generation.
    pub(super) fn asked_to_revoke(&self, record: &SealedKey) -> Option<&'a Revoke> {
        self.input.ask.revoke.as_ref().filter(|revoke| revoke.is_of(record))
    }

    /// Whether the person named an address.
    pub(super) fn is_named(&self, address: &Address) -> bool {
        self.input.allow.addresses.contains(address)
    }

    /// The strays of an address, by id.
    pub(super) fn strays_at(&self, address: &Address) -> &[Stray<'a>] {
        self.strays.get(address).map_or(&[], Vec::as_slice)
    }
}

type Records<'a> = (BTreeMap<&'a Address, Vec<&'a SealedKey>>, HashMap<&'a KeyId, &'a SealedKey>);

fn index_records(sealed: Option<&Sealed>) -> Records<'_> {
    let mut records: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut owners = HashMap::new();
    let mut keys: Vec<&SealedKey> = sealed.iter().flat_map(|s| &s.keys).collect();
    keys.sort_by(|a, b| (b.generation, &b.id).cmp(&(a.generation, &a.id)));
    for key in keys {
        records.entry(&key.address).or_default().push(key);
        owners.insert(&key.id, key);
    }
    (records, owners)
}

fn tables<'a>(
    input: &'a Input<'_>,
    records: &BTreeMap<&'a Address, Vec<&'a SealedKey>>,
) -> HashMap<&'a Label, Table<'a>> {
    let mut tables: HashMap<&'a Label, Table<'a>> = HashMap::new();
    let label = |address: &'a Address| match address {
        Address::Key { key, .. } => Some(key),
        Address::Environment(_) => None,
    };
    for (address, desired) in &input.desired.keys {
        let (at, from) = (label(address), desired.moved_from.as_ref().and_then(label));
        if let Some(at) = at {
            tables.entry(at).or_default().declared.push(desired);
        }
        if let Some(from) = from.filter(|from| Some(*from) != at) {
            tables.entry(from).or_default().renamed.push(desired);
        }
    }
    for address in records.keys().copied().filter(|address| !input.desired.keys.contains_key(*address)) {
        if let Some(at) = label(address) {
            tables.entry(at).or_default().undeclared.push(address);
        }
    }
    tables
}

fn places(sealed: Option<&Sealed>) -> HashMap<&KeyId, Vec<&SealedKey>> {
    let mut places: HashMap<_, Vec<_>> = HashMap::new();
    for key in sealed.into_iter().flat_map(|sealed| &sealed.keys) {
        key.in_place_of.iter().for_each(|old| places.entry(old).or_default().push(key));
    }
    places
}

fn environment_records(sealed: Option<&Sealed>) -> impl Iterator<Item = &SealedEnvironment> {
    sealed.into_iter().flat_map(|s| &s.environments)
}
