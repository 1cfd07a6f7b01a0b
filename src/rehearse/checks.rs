//! What must hold at any time, held against everything that every key at the service ever was.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use super::repository::Repository;
use crate::apply::{DEADLINE, REQUEST_LIFE, STAGE_DEADLINE};
use crate::model::{Address, Desired, KeyState, Provisional, Sealed, SealedKey, Timestamp};
use crate::sandbox::{KeyTruth, Truth};
use crate::seal::{Identities, open};

/// A rule that was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A key that keycomb enabled has no entry that opens to its secret.
    Lost,
    /// A key works, or was about to, before its secret was sealed.
    Unsealed,
    /// An address has two keys that work.
    Duplicate,
    /// Something that is not keycomb's was written, or a key that may be in use was deleted.
    Touched,
    /// A secret stands somewhere in clear.
    Leaked,
    /// The sealed file cannot be read, or was written by two at once.
    Record,
    /// A plan wrote to the service.
    Plan,
    /// It did not come to rest.
    Rest,
}

impl Rule {
    /// What it says, in a few words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lost => "secret lost",
            Self::Unsealed => "live unsealed",
            Self::Duplicate => "duplicate",
            Self::Touched => "unmanaged touched",
            Self::Leaked => "secret leaked",
            Self::Record => "record broken",
            Self::Plan => "plan wrote",
            Self::Rest => "not at rest",
        }
    }
}

/// A rule that was broken, and how. Without any secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The rule.
    pub rule: Rule,
    /// What was found.
    pub text: String,
    /// How many things it concerns.
    pub count: usize,
}

impl Broken {
    pub(super) fn new(rule: Rule, text: impl Into<String>) -> Self {
        Self { rule, text: text.into(), count: 1 }
    }
}

/// The checks of one run. Each finding is told once.
pub(super) struct Checks<'a> {
    identities: &'a Identities,
    /// Every address that any of the run's configurations declares.
    addresses: Vec<Address>,
    /// What opened before opens again: id and armor.
    opened: HashSet<(String, String)>,
    told: BTreeSet<String>,
}

/// What the run knows besides what the service and the records show.
pub(super) struct Known {
    /// Whether any request was delivered twice.
    pub(super) doubled: bool,
    /// The keys whose deletion was sent by the very process that made them.
    pub(super) taken_back: HashSet<String>,
    /// The addresses whose secrets are rotated.
    pub(super) rotates: HashSet<Address>,
}

/// Everything that is known at one moment.
struct Scene<'a> {
    truth: &'a Truth,
    known: &'a Known,
    repository: &'a Repository,
    records: Vec<Sealed>,
}

impl<'a> Checks<'a> {
    pub(super) fn new(identities: &'a Identities, desired: &Desired) -> Self {
        let addresses = desired.keys.keys().cloned().collect();
        Self { identities, addresses, opened: HashSet::new(), told: BTreeSet::new() }
    }

    /// What is broken, and was not told before.
    pub(super) fn look(&mut self, truth: &Truth, repositories: &[&Repository], known: &Known) -> Vec<Broken> {
        let mut found: Vec<Broken> = truth.keys.iter().filter_map(|key| touched(key, repositories)).collect();
        found.extend(asked_twice(truth).filter(|_| !known.doubled));
        for repository in repositories {
            match repository.records() {
                Ok(records) => found.extend(self.of(&Scene { truth, known, repository, records })),
                Err(error) => found.push(Broken::new(Rule::Record, error)),
            }
        }
        found.retain(|broken| self.told.insert(broken.text.clone()));
        found
    }

    fn of(&mut self, scene: &Scene<'_>) -> Vec<Broken> {
        let ours: Vec<&KeyTruth> =
            scene.truth.keys.iter().filter(|key| is_of(key, scene.repository)).collect();
        let mut found = duplicates(&ours, scene, &self.addresses);
        for key in ours {
            found.extend(deleted(key, scene));
            if key.deleted.is_none() {
                found.extend(self.held(key, &scene.records));
            }
        }
        found
    }

    /// S1: whatever keycomb enabled has its secret in the record, and whatever works has an entry.
    fn held(&mut self, key: &KeyTruth, records: &[Sealed]) -> Option<Broken> {
        if has(key, "created enabled") {
            return Some(Broken::new(Rule::Unsealed, format!("`{}` was born enabled", key.id)));
        }
        if !is_released(key) {
            return None;
        }
        let entries: Vec<(&SealedKey, &Sealed)> = records
            .iter()
            .filter_map(|sealed| Some((sealed.keys.iter().find(|k| k.id.as_str() == key.id)?, sealed)))
            .collect();
        if entries.is_empty() {
            let rule = if key.disabled { Rule::Lost } else { Rule::Unsealed };
            return Some(Broken::new(rule, format!("`{}` was released, and no record has it", key.id)));
        }
        let wrong = entries.into_iter().find_map(|(entry, sealed)| self.opens(entry, sealed, key).err())?;
        Some(Broken::new(Rule::Lost, format!("`{}` was released, and its seal: {wrong}", key.id)))
    }

    fn opens(&mut self, entry: &SealedKey, sealed: &Sealed, key: &KeyTruth) -> Result<(), String> {
        let seal = (key.id.clone(), entry.sealed.clone().unwrap_or_default());
        if self.opened.contains(&seal) {
            return Ok(());
        }
        let payload = open(entry, sealed, self.identities).map_err(|error| told(&error))?;
        if payload.secret.expose() != key.secret || payload.credential.expose() != key.credential {
            return Err("it holds another secret".into());
        }
        self.opened.insert(seal);
        Ok(())
    }
}

/// Whether something was done to a key by a request, not by hand.
fn has(key: &KeyTruth, what: &str) -> bool {
    key.history.iter().any(|(_, done)| done == what)
}

/// Whether keycomb ever let a key work, or gave it the name under which it may. A staged key is renamed and still waits.
pub(super) fn is_released(key: &KeyTruth) -> bool {
    has(key, "enabled") || has(key, "renamed") && Provisional::parse(&key.name).is_none()
}

/// Whether a key was made with a repository's lineage.
pub(super) fn is_of(key: &KeyTruth, repository: &Repository) -> bool {
    let is_by_hand = key.history.first().is_some_and(|(_, what)| what.ends_with(" by hand"));
    !is_by_hand && Provisional::parse(&key.made_as).is_some_and(|name| name.is_of(&repository.lineage))
}

/// S8: what no repository made was written by people only.
fn touched(key: &KeyTruth, repositories: &[&Repository]) -> Option<Broken> {
    if repositories.iter().any(|repository| is_of(key, repository)) {
        return None;
    }
    let (_, what) = key.history.iter().find(|(_, what)| !what.ends_with(" by hand"))?;
    Some(Broken::new(Rule::Touched, format!("`{}`, which is not keycomb's, was {what}", key.id)))
}

/// S3 and S4: only what was never released, or was off for its quarantine, is deleted.
fn deleted(key: &KeyTruth, Scene { records, known, .. }: &Scene<'_>) -> Option<Broken> {
    let (at, _) = key.history.iter().find(|(_, what)| what == "deleted")?;
    if !is_released(key) {
        // A person who enables it between the last look at it and its deletion cannot be seen by anybody. And the process
        // that made it takes one that works too early for the doing of a service that ignores `disabled` (step 5).
        let enabled = key.history.iter().find(|(_, what)| what == "enabled by hand").map(|(when, _)| *when);
        let is_seen = enabled.is_some_and(|when| since(when, *at) > SEEN);
        return (is_seen && !known.taken_back.contains(&key.id)).then(|| {
            Broken::new(Rule::Touched, format!("`{}` was deleted after somebody enabled it", key.id))
        });
    }
    if was_late(key) {
        return None;
    }
    let off = |what: &str| what.starts_with("disabled") || what.starts_with("created disabled");
    let on = |what: &str| what.starts_with("enabled");
    let last_on = key.history.iter().rev().find(|(_, what)| on(what)).map(|(when, _)| *when);
    let first_off = key.history.iter().find(|(when, what)| off(what) && last_on.is_none_or(|on| *when >= on));
    let entry = records.iter().flat_map(|s| &s.keys).find(|entry| entry.id.as_str() == key.id);
    let is_over = first_off.is_some_and(|(when, _)| entry.is_none_or(|e| e.quarantine.after(*when) <= *at));
    (!is_over).then(|| Broken::new(Rule::Touched, format!("`{}` was in use, and was deleted", key.id)))
}

/// Whether a key was enabled so late that whoever found it disabled before could take it for a leftover: no run has
/// called it live.
fn was_late(key: &KeyTruth) -> bool {
    let first = |what: &str| key.history.iter().find(|(_, done)| done == what).map(|(when, _)| *when);
    let Some(enabled) = first("enabled") else { return false };
    let is_staged = first("renamed").is_some_and(|renamed| renamed < enabled);
    let deadline = if is_staged { STAGE_DEADLINE } else { DEADLINE };
    since(key.created, enabled) > deadline + REQUEST_LIFE
}

/// How long a look at a key may be old when it is deleted.
const SEEN: Duration = Duration::from_secs(60);

fn since(before: Timestamp, after: Timestamp) -> Duration {
    Duration::try_from(after.duration_since(before)).unwrap_or(Duration::ZERO)
}

/// Step 4: no request for a key is sent twice.
fn asked_twice(truth: &Truth) -> Option<Broken> {
    let mut names = HashSet::new();
    let ours = truth.keys.iter().filter(|key| Provisional::parse(&key.made_as).is_some());
    let twice = ours.into_iter().find(|key| !names.insert(&key.made_as))?;
    Some(Broken::new(Rule::Duplicate, format!("the request for `{}` was sent twice", twice.id)))
}

/// S5: no address has two keys that keycomb let work, but for one that was released too late.
fn duplicates(ours: &[&KeyTruth], scene: &Scene<'_>, addresses: &[Address]) -> Vec<Broken> {
    let repository = scene.repository;
    let mut working: BTreeMap<&Address, Vec<&str>> = BTreeMap::new();
    for key in
        ours.iter().filter(|key| key.deleted.is_none() && !key.disabled && !is_exempt(key, &scene.records))
    {
        let mark = Provisional::parse(&key.made_as);
        let is_for =
            |a: &&Address| mark.as_ref().is_some_and(|m| m.is_of(&repository.lineage) && m.is_for(a));
        if let Some(address) = addresses.iter().find(is_for) {
            working.entry(address).or_default().push(&key.id);
        }
    }
    // While a rotation's overlap lasts, two generations work.
    let is_succession = |ids: &[&str]| {
        let generation = |sealed: &Sealed, id: &str| {
            sealed.keys.iter().find(|entry| entry.id.as_str() == id).map(|entry| entry.generation)
        };
        matches!(ids, [one, other] if scene.records.iter().any(|sealed| {
            let both = (generation(sealed, one), generation(sealed, other));
            matches!(both, (Some(one), Some(other)) if one != other)
        }))
    };
    let several = working.into_iter().filter(|(address, ids)| {
        ids.len() > 1 && !(scene.known.rotates.contains(*address) && is_succession(ids))
    });
    several
        .map(|(address, ids)| {
            Broken::new(
                Rule::Duplicate,
                format!("`{address}` has {} that work: {}", ids.len(), ids.join(", ")),
            )
        })
        .collect()
}

/// Whether a key works because a person wants it to, or was released so late, for all that one of the machines knows, that
/// its successor comes first: by the service's times, which whoever wrote to it since has moved.
fn is_exempt(key: &KeyTruth, records: &[Sealed]) -> bool {
    let on = key.history.iter().rev().find(|(_, what)| what.starts_with("enabled"));
    let is_by_hand = on.is_some_and(|(_, what)| what.ends_with(" by hand"));
    let is_unconfirmed = records
        .iter()
        .flat_map(|sealed| &sealed.keys)
        .filter(|entry| entry.id.as_str() == key.id)
        .any(|entry| entry.state == KeyState::Releasing);
    is_by_hand || is_unconfirmed && since(key.created, key.updated) > DEADLINE + REQUEST_LIFE
}

/// S7: every declared key works, or does not, as declared, with one entry; nothing provisional is left.
pub(super) fn at_rest(truth: &Truth, desired: &Desired, repository: &Repository) -> Vec<String> {
    let Some(record) = repository.committed.as_ref() else { return vec!["there is no record".into()] };
    let mut wrong = vec![];
    for key in desired.keys.values() {
        let entries = record.generations(&key.address).filter(|entry| entry.state == KeyState::Live);
        let entries: Vec<&SealedKey> = entries.collect();
        let [entry] = entries.as_slice() else {
            wrong.push(format!("`{}` has {} live entries", key.address, entries.len()));
            continue;
        };
        let is_there = truth.live_keys().find(|live| live.id == entry.id.as_str()).is_some_and(|live| {
            let granted = live.permissions.iter().filter(|(_, on)| **on).map(|(name, _)| name.as_str());
            let asked: BTreeSet<&str> = key.permissions.iter().map(|p| p.as_str()).collect();
            live.name == key.name && live.disabled != key.enabled && granted.collect::<BTreeSet<_>>() == asked
        });
        if !is_there {
            wrong.push(format!("`{}` is not at the service as declared", key.address));
        }
    }
    let left =
        truth.live_keys().filter(|key| is_of(key, repository) && Provisional::parse(&key.name).is_some());
    wrong.extend(left.map(|key| format!("`{}` is left under its provisional name", key.id)));
    wrong
}

/// An error with its causes.
pub(super) fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
