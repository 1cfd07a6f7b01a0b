//! The life of each key: which phase it is in, what comes next for it, and when.

use super::elsewhere::{ends, successor_of};
use super::index::Index;
use super::input::Input;
use super::keys::current_of;
use super::phase::{Phase, is_staged};
use super::retire::quarantine_ends;
use super::succession::{due, fixed_in_place, not_before, overlap_ends};
use super::times::stage_ends;
use super::value::Verb;
use crate::model::{
    Address, DesiredKey, KeyId, KeyState, KeyType, LiveKey, Revocation, SealedKey, Timestamp,
};

/// One generation of a key, or a declared key that is not made yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life<'a> {
    /// Where it is declared, or was.
    pub address: &'a Address,
    /// Its type.
    pub key_type: KeyType,
    /// What the files say of its address; `None`: nothing.
    pub desired: Option<&'a DesiredKey>,
    /// What the record has of it; `None`: it is not made yet.
    pub record: Option<&'a SealedKey>,
    /// What the service has of it; `None`: nothing.
    pub live: Option<&'a LiveKey>,
    /// When it was made, by the service's clock.
    pub created: Option<Timestamp>,
    /// Where in its life it is.
    pub stage: LifeStage,
    /// What comes next for it.
    pub next: Option<Next>,
}

impl Life<'_> {
    /// The service's id.
    pub fn id(&self) -> Option<&KeyId> {
        self.record.map(|record| &record.id)
    }
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// What is done.
    pub verb: Verb,
    /// From when on an apply does it; for a release: until when. `None`: with the next one.
    pub at: Option<Timestamp>,
}

/// Where in its life a generation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LifeStage {
    /// Declared, and not made yet.
    Declared,
    /// It serves its address.
    Live,
    /// It would serve its address, and is switched off.
    SwitchedOff,
    /// A later generation serves, and this one works beside it.
    Overlap,
    /// Disabled by keycomb on its way out.
    Quarantine,
    /// Minted and sealed, and not released.
    Unreleased,
    /// Released too late to be relied on.
    Late,
    /// Never finished.
    Unfinished,
    /// Gone from the service.
    Missing,
    /// A person revoked it.
    Revoked,
}

impl LifeStage {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Live => "live",
            Self::SwitchedOff => "switched off",
            Self::Overlap => "overlap",
            Self::Quarantine => "quarantine",
            Self::Unreleased => "unreleased",
            Self::Late => "late",
            Self::Unfinished => "unfinished",
            Self::Missing => "missing",
            Self::Revoked => "revoked",
        }
    }
}

/// All recorded generations that still matter, and all declared keys that are not made; by address and generation.
pub fn lives<'a>(input: &'a Input<'a>) -> Vec<Life<'a>> {
    let index = Index::new(input);
    index.key_addresses().into_iter().flat_map(|address| at(&index, address)).collect()
}

fn at<'a>(index: &Index<'a>, address: &'a Address) -> Vec<Life<'a>> {
    let desired = index.input.desired.keys.get(address);
    let generations = index.generations(address);
    let current = current_of(&generations);
    let is_over = |record: &SealedKey, phase: &Phase<'_>| {
        let is_over = record.state == KeyState::Deleted && matches!(phase, Phase::Over);
        // Why it had to go is told as long as the record knows it.
        is_over && record.revoked.is_none()
    };
    let of = |(place, (record, phase)): (usize, &(&'a SealedKey, Phase<'a>))| {
        let is_current = Some(place) == current;
        let serving = current.and_then(|at| generations.get(at));
        let (stage, next) = stage(index, desired, serving, is_current, (record, phase));
        let life = Life {
            address,
            key_type: record.key_type,
            desired,
            record: Some(record),
            live: index.key(&record.id),
            created: Some(index.key(&record.id).and_then(|live| live.created).unwrap_or(record.created)),
            stage,
            next,
        };
        (!is_over(record, phase)).then_some(life)
    };
    let mut found: Vec<_> = generations.iter().enumerate().rev().filter_map(of).collect();
    let is_unmade = found.iter().all(|life| life.stage == LifeStage::Revoked);
    if let Some(desired) = desired.filter(|_| is_unmade) {
        found.push(Life {
            address,
            key_type: desired.key_type,
            desired: Some(desired),
            record: None,
            live: None,
            created: None,
            stage: LifeStage::Declared,
            next: with_the_next(Verb::Create),
        });
    }
    found
}

fn with_the_next(verb: Verb) -> Option<Next> {
    Some(Next { verb, at: None })
}

fn stage(
    index: &Index<'_>,
    desired: Option<&DesiredKey>,
    serving: Option<&(&SealedKey, Phase<'_>)>,
    is_current: bool,
    (record, phase): (&SealedKey, &Phase<'_>),
) -> (LifeStage, Option<Next>) {
    match phase {
        Phase::Over if record.revoked.is_some() => (LifeStage::Revoked, None),
        Phase::Revoked(Some(live)) if record.state == KeyState::Disabled && live.disabled => {
            let at = Some(quarantine_ends(record, live.updated));
            (LifeStage::Revoked, Some(Next { verb: Verb::Delete, at }))
        }
        Phase::Revoked(_) => {
            let is_milder = record.revoked.as_ref().is_some_and(|revoked| revoked.how == Revocation::Disable);
            (LifeStage::Revoked, with_the_next(if is_milder { Verb::Disable } else { Verb::Delete }))
        }
        Phase::Over | Phase::Missing | Phase::Vanished => (LifeStage::Missing, None),
        Phase::Unreleased(live) => {
            let next = match desired {
                Some(_) if is_current => {
                    let at = is_staged(live).then(|| stage_ends(record.created));
                    Some(Next { verb: Verb::Release, at })
                }
                _ => with_the_next(Verb::Discard),
            };
            (LifeStage::Unreleased, next)
        }
        Phase::Pending | Phase::Altered(_) => (LifeStage::Unfinished, None),
        Phase::Abandoned(_) => (LifeStage::Unfinished, with_the_next(Verb::Discard)),
        Phase::Late(_) => (LifeStage::Late, with_the_next(Verb::Disable)),
        Phase::Serving(live) => released(index, desired, serving, is_current, (record, live)),
    }
}

fn released(
    index: &Index<'_>,
    desired: Option<&DesiredKey>,
    serving: Option<&(&SealedKey, Phase<'_>)>,
    is_current: bool,
    (record, live): (&SealedKey, &LiveKey),
) -> (LifeStage, Option<Next>) {
    let works = if live.disabled { LifeStage::SwitchedOff } else { LifeStage::Live };
    match desired {
        Some(desired) if is_current && record.state == KeyState::Disabled => {
            let verb = if desired.enabled { Verb::Enable } else { Verb::Update };
            (LifeStage::Quarantine, with_the_next(verb))
        }
        Some(desired) if is_current => (works, next_of_current(index, desired, record, live)),
        _ if record.state == KeyState::Disabled && live.disabled => {
            let at = Some(quarantine_ends(record, live.updated));
            (LifeStage::Quarantine, Some(Next { verb: Verb::Delete, at }))
        }
        Some(desired) => {
            let ends = match serving {
                Some((successor, Phase::Serving(serving))) if !live.disabled => {
                    Some(not_before(desired, overlap_ends(desired, successor, serving)))
                }
                _ => None,
            };
            (LifeStage::Overlap, Some(Next { verb: Verb::Disable, at: ends }))
        }
        None => match successor_of(index, &record.address).filter(|_| !live.disabled) {
            Some(successor) => {
                let ends = ends(index, successor, &record.address);
                let at = ends.map(|ends| not_before(successor, ends));
                (LifeStage::Overlap, Some(Next { verb: Verb::Disable, at }))
            }
            None => (works, with_the_next(Verb::Disable)),
        },
    }
}

fn next_of_current(
    index: &Index<'_>,
    desired: &DesiredKey,
    record: &SealedKey,
    live: &LiveKey,
) -> Option<Next> {
    if index.input.ask.rotate.contains(&desired.address) {
        return with_the_next(Verb::Rotate);
    }
    if live.disabled == desired.enabled {
        return with_the_next(if desired.enabled { Verb::Enable } else { Verb::Disable });
    }
    if desired.enabled && !fixed_in_place(desired, live).is_empty() {
        return with_the_next(Verb::Replace);
    }
    due(desired, record, live).map(|at| Next { verb: Verb::Rotate, at: Some(not_before(desired, at)) })
}
