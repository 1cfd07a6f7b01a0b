//! What everybody in a rehearsal shares: the service, its clock, the order of calls, and what is written down.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use fastrand::Rng;
use tokio::sync::watch;

use super::RehearseError;
use super::checks::Broken;
use super::clock::Clock;
use super::turns::Turns;
use crate::honeycomb::{Connection, Credential, Options, Patience, Reader, Writer};
use crate::model::{Endpoint, KeyId, Secret, TeamSlug, Timestamp};
use crate::sandbox::{self, Sandbox};

/// The world of one run.
pub(super) struct World {
    pub(super) sandbox: Sandbox,
    pub(super) clock: Arc<Clock>,
    pub(super) turns: Turns,
    team: TeamSlug,
    notes: Mutex<Notes>,
    /// How many calls that write were begun.
    writes: watch::Sender<u64>,
}

#[derive(Default)]
struct Notes {
    steps: Vec<String>,
    trouble: BTreeMap<String, u64>,
    broken: Vec<Broken>,
    taken_back: HashSet<String>,
}

/// When every rehearsal begins. No day counts more than another.
pub(super) fn start() -> Timestamp {
    // 2026-01-01
    Timestamp::from_second(1_767_225_600).unwrap_or_default()
}

impl World {
    /// A fresh service, in this process and for this run alone.
    pub(super) async fn new(
        team: &TeamSlug,
        seed: u64,
        rate_limit: Option<sandbox::RateLimit>,
        switches: sandbox::Switches,
    ) -> Result<Self, RehearseError> {
        let clock = Arc::new(Clock::new(start()));
        let options = sandbox::Options {
            seed,
            team_slug: team.to_string(),
            team_name: team.to_string(),
            clock: Arc::clone(&clock) as Arc<dyn sandbox::Clock>,
            rate_limit,
            switches,
            ..sandbox::Options::default()
        };
        let sandbox = Sandbox::start(options).await?;
        let turns = Turns::new(Rng::with_seed(seed.rotate_left(17)));
        let (notes, writes) = (Mutex::default(), watch::Sender::new(0));
        Ok(Self { sandbox, clock, turns, team: team.clone(), notes, writes })
    }

    /// As a process of its own connects.
    pub(super) fn connect(&self) -> Result<(Reader, Writer), RehearseError> {
        let key = self.sandbox.management_key();
        let connection = Connection::new(Options {
            endpoint: Endpoint::new(self.sandbox.endpoint()).map_err(|_| RehearseError::Endpoint)?,
            team: self.team.clone(),
            credential: Credential { id: key.id, secret: Secret::new(key.secret) },
            ca_file: None,
            user_agent: concat!("keycomb/", env!("CARGO_PKG_VERSION")).to_owned(),
            patience: Patience::default(),
            notice: Arc::new(|_| {}),
        })?;
        Ok((connection.reader()?, connection.writer()?))
    }

    pub(super) fn now(&self) -> Timestamp {
        sandbox::Clock::now(self.clock.as_ref())
    }

    /// Somebody begins a call that writes.
    pub(super) fn wrote(&self) {
        self.writes.send_modify(|writes| *writes += 1);
    }

    /// Until so many more calls that write were begun.
    pub(super) async fn written(&self, more: u64) {
        let last = *self.writes.borrow() + more;
        // The other end is ours and stays open.
        let _ = self.writes.subscribe().wait_for(|writes| *writes >= last).await;
    }

    /// The very process that made a key deletes it.
    pub(super) fn taken_back(&self, id: &KeyId) {
        self.notes(|notes| notes.taken_back.insert(id.to_string()));
    }

    /// The keys that were deleted, or asked to be, by the process that made them.
    pub(super) fn all_taken_back(&self) -> HashSet<String> {
        self.notes(|notes| notes.taken_back.clone())
    }

    /// Writes down a step of the run.
    pub(super) fn step(&self, text: impl Into<String>) {
        self.notes(|notes| notes.steps.push(text.into()));
    }

    /// Counts a piece of trouble that happened.
    pub(super) fn trouble(&self, kind: &str) {
        self.notes(|notes| *notes.trouble.entry(kind.to_owned()).or_default() += 1);
    }

    /// Writes down what must not be.
    pub(super) fn broken(&self, broken: Broken) {
        self.notes(|notes| notes.broken.push(broken));
    }

    pub(super) fn is_broken(&self) -> bool {
        self.notes(|notes| !notes.broken.is_empty())
    }

    /// All that was written down: steps, trouble, what broke.
    pub(super) fn end(&self) -> (Vec<String>, BTreeMap<String, u64>, Vec<Broken>) {
        let Notes { steps, mut trouble, broken, taken_back: _ } = self.notes(std::mem::take);
        trouble.extend(self.sandbox.faults_met());
        (steps, trouble, broken)
    }

    fn notes<T>(&self, look: impl FnOnce(&mut Notes) -> T) -> T {
        look(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
