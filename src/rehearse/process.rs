//! A process as its calls show it: each waits for its turn, may be the last, and comes between whatever others do.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;

use super::act::Act;
use super::checks::{Broken, Rule};
use super::clock::Clock;
use super::disk::{Shared, durable};
use super::life::Life;
use super::world::World;
use crate::apply::{DEADLINE, STAGE_DEADLINE};
use crate::honeycomb::{Reader, Writer};
use crate::model::{
    Access, EnvironmentAttributes, EnvironmentId, KeyId, KeyType, LiveEnvironment, LiveKey, Nonce,
    Provisional, Secret, Timestamp,
};
use crate::ports::{
    CreatedKey, Deletion, Gate, KeyChange, NewEnvironment, NewKey, Proof, ReadLive, ServiceError,
    Surroundings, WriteLive,
};

/// What a process does, and what happens around it.
pub(super) struct Process<'a> {
    pub(super) world: &'a World,
    pub(super) life: Arc<Life>,
    /// Done right before the call of that number, in order.
    pub(super) acts: &'a [(u64, Act)],
    /// Where its record is: the sealed file, and the disk it is on.
    pub(super) path: &'a std::path::Path,
    pub(super) platter: &'a Shared,
    /// By how much its own clock is wrong, in seconds.
    pub(super) skew: i64,
    pub(super) chance: Mutex<Rng>,
    /// The addresses, as provisional names have them, of requests for a key whose end nobody knows.
    pub(super) unknown: Mutex<HashSet<String>>,
    /// The keys that this process made.
    pub(super) made: Mutex<HashSet<KeyId>>,
}

impl Process<'_> {
    async fn call<T>(&self, is_write: bool, work: impl Future<Output = T>) -> T {
        let _turn = self.world.turns.take().await;
        let number = self.life.call(is_write);
        if self.life.is_dead() {
            std::future::pending::<()>().await;
        }
        if is_write {
            self.world.wrote();
        }
        self.acts
            .iter()
            .filter(|(at, _)| *at == number)
            .for_each(|(_, act)| act.happen(self.world, self.path));
        let answer = work.await;
        self.life.answered(number);
        if self.life.is_dead() {
            std::future::pending::<()>().await;
        }
        answer
    }

    /// Whether this lets a key work for the first time.
    fn is_release(&self, id: &KeyId, change: &KeyChange) -> bool {
        let truth = self.world.sandbox.truth();
        let is_first =
            |key: &crate::sandbox::KeyTruth| key.disabled && Provisional::parse(&key.name).is_some();
        change.disabled == Some(false) && truth.key(id.as_str()).is_some_and(is_first)
    }

    /// Step 9, as each request of it leaves: within the deadline, by a clock that never stood still.
    fn look_at_deadline(&self, id: &KeyId, change: &KeyChange) {
        if self.world.clock.has_jumped() || !self.is_release(id, change) {
            return;
        }
        let truth = self.world.sandbox.truth();
        let Some(key) = truth.key(id.as_str()) else { return };
        let is_staged = Provisional::parse(&key.name).is_some_and(|mark| mark.digest.is_some());
        let deadline = if is_staged { STAGE_DEADLINE } else { DEADLINE };
        let age = Duration::try_from(self.world.now().duration_since(key.created));
        if age.is_ok_and(|age| age > deadline + SLACK) {
            let text = format!("the release of `{id}` was sent after its deadline");
            self.world.broken(Broken::new(Rule::Touched, text));
        }
    }

    /// Step 4: nobody asks again where nobody knows what became of the first request.
    fn look_before_post(&self, new: &NewKey) {
        let unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        if tag(new).is_some_and(|tag| unknown.contains(&tag)) {
            let text = "a key was asked for again, though the first request may have made one";
            self.world.broken(Broken::new(Rule::Duplicate, text));
        }
    }

    fn posted(&self, new: &NewKey, answer: &Result<CreatedKey, ServiceError>) {
        if let Ok(created) = answer {
            self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(created.key.id.clone());
        }
        let is_known = match answer {
            Ok(_) => true,
            Err(error) => error.failure.is_not_done() || matches!(error.failure.status(), Some(400..500)),
        };
        if !is_known {
            self.unknown.lock().unwrap_or_else(PoisonError::into_inner).extend(tag(new));
        }
    }

    /// S1, as the release leaves: what a power cut would leave now holds the seal.
    fn look_before_release(&self, id: &KeyId, change: &KeyChange) {
        if !self.is_release(id, change) {
            return;
        }
        let mut journal = self.path.as_os_str().to_owned();
        journal.push(".journal");
        let kept = [self.path, std::path::Path::new(&journal)].map(|path| durable(self.platter, path));
        let is_in =
            |bytes: &Vec<u8>| bytes.windows(id.as_str().len()).any(|part| part == id.as_str().as_bytes());
        if !kept.iter().any(is_in) {
            let text = format!("the release of `{id}` was sent before its seal was durable");
            self.world.broken(Broken::new(Rule::Unsealed, text));
        }
    }
}

/// Of an age that is told in whole seconds.
const SLACK: Duration = Duration::from_secs(2);

/// The address that a key is asked for.
fn tag(new: &NewKey) -> Option<String> {
    Provisional::parse(&new.name).map(|name| name.tag)
}

/// Reads as a process.
pub(super) struct Reads<'a> {
    pub(super) process: &'a Process<'a>,
    pub(super) reader: Reader,
}

impl ReadLive for Reads<'_> {
    async fn access(&self) -> Result<Access, ServiceError> {
        self.process.call(false, self.reader.access()).await
    }

    async fn environments(&self) -> Result<Vec<LiveEnvironment>, ServiceError> {
        self.process.call(false, self.reader.environments()).await
    }

    async fn keys(&self, key_type: KeyType) -> Result<Vec<LiveKey>, ServiceError> {
        self.process.call(false, self.reader.keys(key_type)).await
    }

    async fn environment(&self, id: &EnvironmentId) -> Result<Option<LiveEnvironment>, ServiceError> {
        self.process.call(false, self.reader.environment(id)).await
    }

    async fn key(&self, id: &KeyId) -> Result<Option<LiveKey>, ServiceError> {
        self.process.call(false, self.reader.key(id)).await
    }

    async fn prove(&self, credential: &Secret) -> Result<Option<Proof>, ServiceError> {
        self.process.call(false, self.reader.prove(credential)).await
    }

    fn service_now(&self) -> Option<Timestamp> {
        self.reader.service_now()
    }
}

/// Writes as a process.
pub(super) struct Writes<'a> {
    pub(super) process: &'a Process<'a>,
    pub(super) writer: Writer,
}

impl WriteLive for Writes<'_> {
    async fn create_environment(
        &self,
        new: &NewEnvironment,
        gate: Gate<'_>,
    ) -> Result<LiveEnvironment, ServiceError> {
        self.process.call(true, self.writer.create_environment(new, gate)).await
    }

    async fn update_environment(
        &self,
        id: &EnvironmentId,
        change: &EnvironmentAttributes,
        gate: Gate<'_>,
    ) -> Result<LiveEnvironment, ServiceError> {
        self.process.call(true, self.writer.update_environment(id, change, gate)).await
    }

    async fn delete_environment(&self, id: &EnvironmentId, gate: Gate<'_>) -> Result<Deletion, ServiceError> {
        self.process.call(true, self.writer.delete_environment(id, gate)).await
    }

    async fn create_key(&self, new: &NewKey, gate: Gate<'_>) -> Result<CreatedKey, ServiceError> {
        let work = async {
            self.process.look_before_post(new);
            let answer = self.writer.create_key(new, gate).await;
            self.process.posted(new, &answer);
            answer
        };
        self.process.call(true, work).await
    }

    async fn update_key(
        &self,
        id: &KeyId,
        change: &KeyChange,
        gate: Gate<'_>,
    ) -> Result<LiveKey, ServiceError> {
        let work = async {
            self.process.look_before_release(id, change);
            let looking = || {
                let is_open = gate();
                if is_open {
                    self.process.look_at_deadline(id, change);
                }
                is_open
            };
            self.writer.update_key(id, change, &looking).await
        };
        self.process.call(true, work).await
    }

    async fn delete_key(&self, id: &KeyId, gate: Gate<'_>) -> Result<Deletion, ServiceError> {
        if self.process.made.lock().unwrap_or_else(PoisonError::into_inner).contains(id) {
            self.process.world.taken_back(id);
        }
        self.process.call(true, self.writer.delete_key(id, gate)).await
    }
}

impl Process<'_> {
    fn clock(&self) -> &Clock {
        &self.world.clock
    }
}

impl Surroundings for Process<'_> {
    fn now(&self) -> Timestamp {
        let now = self.world.now();
        now.checked_add(jiff::SignedDuration::from_secs(self.skew)).unwrap_or(now)
    }

    fn monotonic(&self) -> Duration {
        self.clock().monotonic()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn nonce(&self) -> Nonce {
        let mut bytes = [0; 16];
        self.chance.lock().unwrap_or_else(PoisonError::into_inner).fill(&mut bytes);
        Nonce::from_random(bytes)
    }

    fn is_stopping(&self) -> bool {
        self.life.is_stopping()
    }
}
