//! Faults in place: which of them meet a request, and what becomes of it.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::Method;
use fastrand::Rng;

use super::faults::{Canned, Fault, Kind, When};
use super::ids;
use super::lists::ListFaults;
use super::route::Collection;

/// What becomes of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mishap {
    /// Waited before the answer.
    pub(super) slow: Duration,
    /// So many bytes of the body, then nothing.
    pub(super) truncate: Option<usize>,
    /// Carried out twice.
    pub(super) duplicate: bool,
    pub(super) list: ListFaults,
    pub(super) fate: Fate,
}

/// Whether a request is carried out, and whether its answer arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fate {
    #[default]
    Answered,
    DropBefore,
    DropAfter,
    Status(Canned),
    StatusAfter(Canned),
    Late(Duration),
}

/// The faults of a sandbox, each with its own count of matching requests.
#[derive(Debug)]
pub(super) struct Armed {
    seed: u64,
    added: u64,
    faults: Vec<Counted>,
    met: BTreeMap<String, u64>,
}

#[derive(Debug)]
struct Counted {
    fault: Fault,
    seen: u64,
    chance: Rng,
}

impl Armed {
    pub(super) fn new(seed: u64, faults: Vec<Fault>) -> Self {
        let mut armed = Self { seed, added: 0, faults: Vec::new(), met: BTreeMap::new() };
        for fault in faults {
            armed.add(fault);
        }
        armed
    }

    pub(super) fn add(&mut self, fault: Fault) {
        self.added += 1;
        let chance = ids::chance(self.seed.rotate_left(32), self.added);
        self.faults.push(Counted { fault, seen: 0, chance });
    }

    pub(super) fn clear(&mut self) {
        self.faults.clear();
    }

    /// How many requests met each kind of fault.
    pub(super) fn met(&self) -> &BTreeMap<String, u64> {
        &self.met
    }

    /// Counts a request and says what becomes of it. All faults that meet it work together, but it has only one fate:
    /// that of the first of them which decides it.
    pub(super) fn meet(&mut self, method: &Method, collection: Collection, is_list: bool) -> Mishap {
        let mut mishap = Mishap::default();
        for counted in &mut self.faults {
            if counted.fault.matches(method, collection, is_list) && counted.is_due() {
                let is_decided = mishap.fate != Fate::Answered;
                mishap.add(counted.fault.kind);
                if !(is_decided && counted.fault.kind.is_fate()) {
                    *self.met.entry(counted.fault.kind.name()).or_default() += 1;
                }
            }
        }
        mishap
    }
}

impl Counted {
    fn is_due(&mut self) -> bool {
        self.seen += 1;
        match self.fault.when {
            When::Always => true,
            When::Only(number) => self.seen == number,
            When::From(number) => self.seen >= number,
            When::Percent(percent) => self.chance.u8(0..100) < percent,
        }
    }
}

impl Mishap {
    fn add(&mut self, kind: Kind) {
        match kind {
            Kind::DropBefore => self.decide(Fate::DropBefore),
            Kind::DropAfter => self.decide(Fate::DropAfter),
            Kind::Status(canned) => self.decide(Fate::Status(canned)),
            Kind::StatusAfter(canned) => self.decide(Fate::StatusAfter(canned)),
            Kind::Late(delay) => self.decide(Fate::Late(delay)),
            Kind::Slow(delay) => self.slow = self.slow.saturating_add(delay),
            Kind::Truncate(bytes) => {
                self.truncate = Some(self.truncate.map_or(bytes, |other| other.min(bytes)));
            }
            Kind::Duplicate => self.duplicate = true,
            Kind::RepeatCursor => self.list.repeat_cursor = true,
            Kind::NoLinks => self.list.no_links = true,
            Kind::StaleList(keys) => self.list.stale = self.list.stale.max(keys),
            Kind::Skew => self.list.skew = true,
        }
    }

    fn decide(&mut self, fate: Fate) {
        if self.fate == Fate::Answered {
            self.fate = fate;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fates(faults: &[&str], requests: usize) -> Vec<Fate> {
        let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
        let mut armed = Armed::new(1, faults);
        (0..requests).map(|_| armed.meet(&Method::POST, Collection::ApiKeys, false).fate).collect()
    }

    #[test]
    fn counts_are_of_matching_requests_from_one() {
        use Fate::{Answered, DropBefore};
        assert_eq!(fates(&["drop-before@2"], 3), [Answered, DropBefore, Answered]);
        assert_eq!(fates(&["drop-before@2+"], 3), [Answered, DropBefore, DropBefore]);
        assert_eq!(fates(&["drop-before:GET@1+"], 2), [Answered, Answered]);
        let mut armed = Armed::new(1, vec!["drop-before:POST:api-keys@1".parse().unwrap()]);
        assert_eq!(armed.meet(&Method::GET, Collection::ApiKeys, true).fate, Answered);
        assert_eq!(armed.meet(&Method::POST, Collection::Environments, false).fate, Answered);
        assert_eq!(armed.meet(&Method::POST, Collection::ApiKeys, false).fate, DropBefore);
    }

    #[test]
    fn a_share_is_chosen_by_the_seed() {
        let hits = fates(&["drop-before%10"], 1000).iter().filter(|fate| **fate != Fate::Answered).count();
        assert!((60..140).contains(&hits), "{hits}");
        assert_eq!(fates(&["drop-before%10"], 100), fates(&["drop-before%10"], 100));
        assert!(fates(&["drop-before%100"], 50).iter().all(|fate| *fate == Fate::DropBefore));
    }

    #[test]
    fn the_first_fate_wins_and_the_rest_adds_up() {
        let faults = ["slow=1s", "slow=2s", "truncate=9", "truncate=3", "drop-after", "drop-before"];
        let mut armed = Armed::new(1, faults.iter().map(|fault| fault.parse().unwrap()).collect());
        let mishap = armed.meet(&Method::GET, Collection::Auth, false);
        assert_eq!(mishap.fate, Fate::DropAfter);
        assert_eq!((mishap.slow, mishap.truncate), (Duration::from_secs(3), Some(3)));
    }
}
