//! A service in memory, with a log, a clock that only moves when somebody waits, and faults on demand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use keycomb::apply::{Home, Silent, apply, apply_at};
use keycomb::model::{
    Access, Color, Endpoint, EnvironmentAttributes, EnvironmentId, KeyId, KeyType, Lineage, LiveEnvironment,
    LiveKey, Nonce, Payload, Permission, Recipient, Record, SealSettings, Sealed, Secret, TeamSlug,
    Timestamp,
};
use keycomb::plan::Plan;
use keycomb::ports::{
    Answer, CreatedKey, Deletion, Failure, Gate, KeepError, KeepRecord, KeyChange, NewEnvironment, NewKey,
    Proof, ReadLive, ServiceError, Surroundings, WriteLive,
};
use keycomb::report::Report;

/// 2027-01-15T08:00:00Z
pub const START: i64 = 1_800_000_000;
pub const LINEAGE: &str = "0123456789abcdef";

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(START + seconds).unwrap()
}

/// What happened, in order, over the service and the record together.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Read(String),
    /// A request for a key: its provisional name, and the key that it made, if any.
    Post {
        name: String,
        made: Option<KeyId>,
    },
    Patch {
        id: KeyId,
        change: KeyChange,
    },
    Delete {
        id: KeyId,
    },
    PostEnvironment {
        name: String,
    },
    PatchEnvironment {
        id: EnvironmentId,
        change: EnvironmentAttributes,
    },
    DeleteEnvironment {
        id: EnvironmentId,
    },
    /// A key came into this state at the service.
    State {
        id: KeyId,
        name: String,
        disabled: bool,
    },
    Sealed {
        id: KeyId,
    },
    Appended(Record),
    Folded,
    Slept(Duration),
}

impl Event {
    pub fn is_write(&self) -> bool {
        !matches!(
            self,
            Self::Read(_)
                | Self::State { .. }
                | Self::Sealed { .. }
                | Self::Appended(_)
                | Self::Folded
                | Self::Slept(_)
        )
    }

    /// The word by which faults and hooks name a call.
    fn word(&self) -> String {
        match self {
            Self::Read(what) => what.split(' ').next().unwrap().to_owned(),
            Self::Post { .. } => "post".into(),
            Self::Patch { .. } => "patch".into(),
            Self::Delete { .. } => "delete".into(),
            Self::PostEnvironment { .. } => "post-environment".into(),
            Self::PatchEnvironment { .. } => "patch-environment".into(),
            Self::DeleteEnvironment { .. } => "delete-environment".into(),
            _ => String::new(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    NotSent,
    /// No answer; the request was not carried out.
    LostRequest,
    /// No answer; the request was carried out.
    LostAnswer,
    /// That status; not carried out.
    Status(u16),
    /// That status, and yet carried out.
    StatusAfter(u16),
    Unreadable,
    Panic,
}

type Hook = Box<dyn FnOnce(&mut Inner) + Send>;

#[derive(Default)]
pub struct Inner {
    pub log: Vec<Event>,
    pub keys: BTreeMap<KeyId, LiveKey>,
    pub environments: BTreeMap<EnvironmentId, LiveEnvironment>,
    pub clock: Duration,
    /// How long the machine slept: only its wall clock went on.
    pub slept: Duration,
    pub stopping: bool,
    /// Somebody asks to stop as soon as anything sleeps, and nothing that sleeps wakes up by itself.
    pub stops_in_sleep: bool,
    /// Asks to stop when the clock shows this.
    pub stop_after: Option<Duration>,
    /// From which on (from 0), and for how long, the calls with these words wait before they are sent, as for a rate
    /// limit.
    pub queues: BTreeMap<&'static str, (usize, Duration)>,
    queued: BTreeMap<String, usize>,
    /// Service calls so far.
    pub calls: usize,
    /// Fails the call with this number, from 0.
    pub fault_at: Option<(usize, Fault)>,
    /// Asks to stop when the call with this number begins.
    pub stop_at: Option<usize>,
    /// Fails the calls with these words, in order of adding.
    pub faults: Vec<(&'static str, Fault)>,
    /// Does something to the service before the nth (from 0) call with this word.
    hooks: Vec<(&'static str, usize, Hook)>,
    words: BTreeMap<String, usize>,
    pub secrets: Vec<String>,
    pub ignores_disabled: bool,
    pub ignores_release: bool,
    pub renames: bool,
    /// Answers a request for a key with the id of one that is there.
    pub reuses: Option<KeyId>,
    pub doubles: bool,
    pub lists_lag: bool,
    pub drops: BTreeSet<Permission>,
    pub refuses_proofs: usize,
    /// Lets keys work that it shows disabled.
    pub accepts_disabled: bool,
    pub proves_team: Option<&'static str>,
    pub proves_environment: Option<&'static str>,
    pub proves_permissions: std::collections::BTreeMap<Permission, bool>,
    /// How long each write takes before it is carried out.
    pub slow: Duration,
    /// How much later than now the service dates a change.
    pub dates_late: Duration,
    pub in_flight: usize,
    pub most_in_flight: usize,
    made: u32,
    nonces: u32,
}

impl Inner {
    pub fn now(&self) -> Timestamp {
        at(i64::try_from(self.clock.as_secs()).unwrap())
    }

    pub fn put_key(&mut self, id: &str, environment: &str, name: &str, disabled: bool) -> KeyId {
        let id = KeyId::new(id).unwrap();
        let key = LiveKey {
            id: id.clone(),
            key_type: KeyType::Configuration,
            name: name.into(),
            environment: EnvironmentId::new(environment).unwrap(),
            disabled,
            permissions: [Permission::RunQueries].into(),
            unknown_permissions: BTreeMap::new(),
            created: Some(self.now()),
            updated: Some(self.now()),
            editor: None,
        };
        self.keys.insert(id.clone(), key);
        id
    }

    pub fn put_environment(&mut self, id: &str, name: &str, delete_protected: bool) {
        let id = EnvironmentId::new(id).unwrap();
        let environment = LiveEnvironment {
            id: id.clone(),
            name: name.into(),
            slug: name.to_lowercase(),
            description: String::new(),
            color: Some(Color::Blue),
            delete_protected,
        };
        self.environments.insert(id, environment);
    }

    pub fn before(&mut self, word: &'static str, nth: usize, act: impl FnOnce(&mut Self) + Send + 'static) {
        self.hooks.push((word, nth, Box::new(act)));
    }

    fn queue(&mut self, word: &str) -> Duration {
        let nth = self.queued.entry(word.to_owned()).or_default();
        *nth += 1;
        match self.queues.get(word) {
            Some((from, time)) if *nth > *from => *time,
            _ => Duration::ZERO,
        }
    }

    fn state(&mut self, id: &KeyId) {
        let key = &self.keys[id];
        let event = Event::State { id: id.clone(), name: key.name.clone(), disabled: key.disabled };
        self.log.push(event);
    }

    fn make(&mut self, new: &NewKey) -> KeyId {
        self.made += 1;
        let id = KeyId::new(format!("hcxlk_made{}", self.made)).unwrap();
        let key = LiveKey {
            id: id.clone(),
            key_type: new.key_type,
            name: new.name.clone(),
            environment: new.environment.clone(),
            disabled: new.disabled && !self.ignores_disabled,
            permissions: new.permissions.difference(&self.drops).copied().collect(),
            unknown_permissions: BTreeMap::new(),
            created: Some(self.now()),
            updated: Some(self.now()),
            editor: None,
        };
        self.keys.insert(id.clone(), key);
        self.state(&id);
        id
    }
}

/// The service, the clock, and everything a test sets and reads.
#[derive(Clone, Default)]
pub struct World(pub Arc<Mutex<Inner>>);

enum Go {
    On(Option<Fault>),
    Fail(Failure),
}

impl World {
    /// With the environment `production` (`hcxen_p`).
    pub fn new() -> Self {
        let world = Self::default();
        world.lock().put_environment("hcxen_p", "Production", true);
        world
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub fn log(&self) -> Vec<Event> {
        self.lock().log.clone()
    }

    pub fn writes(&self) -> Vec<Event> {
        self.log().into_iter().filter(Event::is_write).collect()
    }

    pub fn records(&self) -> Vec<Record> {
        self.log()
            .into_iter()
            .filter_map(|e| if let Event::Appended(r) = e { Some(r) } else { None })
            .collect()
    }

    pub fn fail(&self, word: &'static str, fault: Fault) -> &Self {
        self.lock().faults.push((word, fault));
        self
    }

    /// Where in the log the first such event is.
    pub fn place(&self, is: impl Fn(&Event) -> bool) -> usize {
        self.log().iter().position(is).expect("no such event")
    }

    pub async fn apply(&self, plan: &Plan, keeper: &mut Keeper) -> Report {
        apply(plan, &seal_settings(), self, self, keeper, self, &Silent).await
    }

    pub async fn stage(&self, plan: &Plan, keeper: &mut Keeper) -> Report {
        apply_at(Home::Staged, plan, &seal_settings(), (self, self), keeper, self, &Silent).await
    }

    /// A write. It waits first, and looks at its gate meanwhile, as the real one does.
    async fn send<T>(
        &self,
        gate: Gate<'_>,
        event: Event,
        act: impl FnOnce(&mut Inner) -> Result<T, Failure>,
    ) -> Result<T, ServiceError> {
        let word = event.word();
        let mut left = self.lock().queue(&word);
        while gate() && !left.is_zero() {
            let glance = left.min(Duration::from_millis(250));
            self.lock().clock += glance;
            left -= glance;
            tokio::task::yield_now().await;
        }
        if !gate() {
            return Err(ServiceError {
                method: "CALL",
                path: format!("/{word}"),
                failure: Failure::Withheld,
            });
        }
        self.call(event, act).await
    }

    async fn call<T>(
        &self,
        event: Event,
        act: impl FnOnce(&mut Inner) -> Result<T, Failure>,
    ) -> Result<T, ServiceError> {
        let is_write = event.is_write();
        let word = event.word();
        let mut left = if is_write { Duration::ZERO } else { self.lock().queue(&word) };
        while !left.is_zero() {
            let glance = left.min(Duration::from_millis(250));
            self.lock().clock += glance;
            left -= glance;
            tokio::task::yield_now().await;
        }
        self.lock().in_flight += 1;
        tokio::task::yield_now().await;
        let result = {
            let mut inner = self.lock();
            inner.most_in_flight = inner.most_in_flight.max(inner.in_flight);
            if is_write {
                let slow = inner.slow;
                inner.clock += slow;
            }
            let go = begin(&mut inner, &word);
            inner.log.push(event);
            let result = match go {
                Go::Fail(failure) => Err(failure),
                Go::On(None) => act(&mut inner),
                Go::On(Some(fault)) => act(&mut inner).and(Err(failure(fault))),
            };
            inner.in_flight -= 1;
            result
        };
        tokio::task::yield_now().await;
        result.map_err(|failure| ServiceError { method: "CALL", path: format!("/{word}"), failure })
    }
}

fn begin(inner: &mut Inner, word: &str) -> Go {
    let number = inner.calls;
    inner.calls += 1;
    let nth = inner.words.entry(word.to_owned()).or_default();
    let this = *nth;
    *nth += 1;
    while let Some(i) = inner.hooks.iter().position(|(w, n, _)| *w == word && *n == this) {
        let (_, _, act) = inner.hooks.remove(i);
        act(inner);
    }
    if inner.stop_at.is_some_and(|at| number >= at) {
        inner.stopping = true;
    }
    let mut fault = inner.fault_at.filter(|(at, _)| *at == number).map(|(_, fault)| fault);
    if let Some(i) = inner.faults.iter().position(|(w, _)| *w == word) {
        fault = Some(inner.faults.remove(i).1);
    }
    match fault {
        Some(Fault::Panic) => panic!("a test's panic"),
        Some(fault @ (Fault::LostAnswer | Fault::StatusAfter(_) | Fault::Unreadable)) => Go::On(Some(fault)),
        Some(fault) => Go::Fail(failure(fault)),
        None => Go::On(None),
    }
}

fn failure(fault: Fault) -> Failure {
    match fault {
        Fault::NotSent => Failure::NotSent("no route".into()),
        Fault::LostRequest | Fault::LostAnswer => Failure::Unanswered("connection reset".into()),
        Fault::Status(status) | Fault::StatusAfter(status) => answer(status),
        Fault::Unreadable | Fault::Panic => {
            Failure::Unreadable { status: 201, problem: "expected an object".into() }
        }
    }
}

fn answer(status: u16) -> Failure {
    Failure::Answered(Answer { status, code: None, message: "no".into(), request_id: None })
}

impl ReadLive for World {
    async fn access(&self) -> Result<Access, ServiceError> {
        unreachable!("an apply has checked its access before")
    }

    async fn environments(&self) -> Result<Vec<LiveEnvironment>, ServiceError> {
        self.call(Event::Read("list-environments".into()), |i| Ok(i.environments.values().cloned().collect()))
            .await
    }

    async fn keys(&self, key_type: KeyType) -> Result<Vec<LiveKey>, ServiceError> {
        self.call(Event::Read("list".into()), |i| {
            let lags = i.lists_lag;
            let shown = i.keys.values().filter(|k| k.key_type == key_type);
            Ok(shown.filter(|k| !lags || !k.id.as_str().contains("made")).cloned().collect())
        })
        .await
    }

    async fn environment(&self, id: &EnvironmentId) -> Result<Option<LiveEnvironment>, ServiceError> {
        self.call(Event::Read(format!("get-environment {id}")), |i| Ok(i.environments.get(id).cloned())).await
    }

    async fn key(&self, id: &KeyId) -> Result<Option<LiveKey>, ServiceError> {
        self.call(Event::Read(format!("get {id}")), |i| Ok(i.keys.get(id).cloned())).await
    }

    async fn prove(&self, credential: &Secret) -> Result<Option<Proof>, ServiceError> {
        let number: usize = credential.expose().trim_start_matches("SECRET-").parse().unwrap();
        self.call(Event::Read("prove".into()), |i| {
            let key = i.keys.values().find(|k| k.id.as_str() == format!("hcxlk_made{number}"));
            if key.is_none_or(|k| k.disabled && !i.accepts_disabled) {
                return Ok(None);
            }
            if i.refuses_proofs > 0 {
                i.refuses_proofs = i.refuses_proofs.saturating_sub(1);
                return Ok(None);
            }
            let key = key.unwrap();
            let slug = i.environments.get(&key.environment).map(|e| e.slug.clone()).unwrap_or_default();
            Ok(Some(Proof {
                key_type: key.key_type,
                team: i.proves_team.unwrap_or("acme").into(),
                environment: i.proves_environment.map_or(slug, str::to_owned),
                environment_name: i
                    .environments
                    .get(&key.environment)
                    .map(|e| e.name.clone())
                    .unwrap_or_default(),
                id: key.id.to_string(),
                permissions: i.proves_permissions.clone(),
            }))
        })
        .await
    }

    fn service_now(&self) -> Option<Timestamp> {
        Some(self.lock().now())
    }
}

impl WriteLive for World {
    async fn create_environment(
        &self,
        new: &NewEnvironment,
        gate: Gate<'_>,
    ) -> Result<LiveEnvironment, ServiceError> {
        self.send(gate, Event::PostEnvironment { name: new.name.clone() }, |i| {
            if i.environments.values().any(|e| e.name == new.name) {
                return Err(answer(409));
            }
            i.made += 1;
            let id = format!("hcxen_made{}", i.made);
            i.put_environment(&id, &new.name, true);
            let made = i.environments.get_mut(&EnvironmentId::new(id).unwrap()).unwrap();
            made.description = new.description.clone().unwrap_or_default();
            made.color = new.color.or(Some(Color::Gold));
            let mut made = made.clone();
            if i.renames {
                made.name = made.name.to_uppercase();
            }
            Ok(made)
        })
        .await
    }

    async fn update_environment(
        &self,
        id: &EnvironmentId,
        change: &EnvironmentAttributes,
        gate: Gate<'_>,
    ) -> Result<LiveEnvironment, ServiceError> {
        self.send(gate, Event::PatchEnvironment { id: id.clone(), change: change.clone() }, |i| {
            let live = i.environments.get_mut(id).ok_or(answer(404))?;
            live.description = change.description.clone().unwrap_or(live.description.clone());
            live.color = change.color.or(live.color);
            live.delete_protected = change.delete_protected.unwrap_or(live.delete_protected);
            Ok(live.clone())
        })
        .await
    }

    async fn delete_environment(&self, id: &EnvironmentId, gate: Gate<'_>) -> Result<Deletion, ServiceError> {
        self.send(gate, Event::DeleteEnvironment { id: id.clone() }, |i| match i.environments.get(id) {
            Some(live) if live.delete_protected => Err(answer(409)),
            Some(_) => {
                i.environments.remove(id);
                i.keys.retain(|_, key| &key.environment != id);
                Ok(Deletion::Deleted)
            }
            None => Ok(Deletion::AlreadyGone),
        })
        .await
    }

    async fn create_key(&self, new: &NewKey, gate: Gate<'_>) -> Result<CreatedKey, ServiceError> {
        // Logged by what it made: a request whose answer is lost shows in the log all the same.
        let made = Arc::new(Mutex::new(None));
        let seen = made.clone();
        let name = new.name.clone();
        let result = self
            .send(gate, Event::Post { name: name.clone(), made: None }, move |i| {
                if i.doubles {
                    i.make(new);
                }
                let id = i.make(new);
                *seen.lock().unwrap() = Some(id.clone());
                let number = i.made;
                i.secrets.push(format!("SECRET-{number}"));
                let mut key = i.keys[&id].clone();
                if let Some(id) = i.reuses.clone() {
                    key.id = id;
                }
                if i.renames {
                    key.name = key.name.to_uppercase();
                }
                Ok(CreatedKey { key, secret: Secret::new(format!("SECRET-{number}")) })
            })
            .await;
        let id = made.lock().unwrap().clone();
        let mut inner = self.lock();
        // A request that was withheld is in no log.
        let entry =
            inner.log.iter_mut().rev().find(|e| matches!(e, Event::Post { name: n, .. } if *n == name));
        if let Some(entry) = entry {
            *entry = Event::Post { name, made: id };
        }
        result
    }

    async fn update_key(
        &self,
        id: &KeyId,
        change: &KeyChange,
        gate: Gate<'_>,
    ) -> Result<LiveKey, ServiceError> {
        self.send(gate, Event::Patch { id: id.clone(), change: change.clone() }, |i| {
            let (drops, ignores, updated) = (i.drops.clone(), i.ignores_release, i.now());
            let updated = updated.checked_add(keycomb_duration(i.dates_late)).unwrap();
            let live = i.keys.get_mut(id).ok_or(answer(404))?;
            let before = live.clone();
            live.name = change.name.clone().unwrap_or(live.name.clone());
            live.disabled = change.disabled.filter(|_| !ignores).unwrap_or(live.disabled);
            if let Some(permissions) = &change.permissions {
                live.permissions = permissions.difference(&drops).copied().collect();
            }
            // A change that changes nothing leaves the date alone.
            if *live != before {
                live.updated = Some(updated);
            }
            let live = live.clone();
            i.state(id);
            Ok(live)
        })
        .await
    }

    async fn delete_key(&self, id: &KeyId, gate: Gate<'_>) -> Result<Deletion, ServiceError> {
        self.send(gate, Event::Delete { id: id.clone() }, |i| {
            Ok(if i.keys.remove(id).is_some() { Deletion::Deleted } else { Deletion::AlreadyGone })
        })
        .await
    }
}

fn keycomb_duration(time: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(time).unwrap()
}

impl Surroundings for World {
    fn now(&self) -> Timestamp {
        at(-7).checked_add(self.lock().slept).unwrap()
    }

    fn monotonic(&self) -> Duration {
        self.lock().clock
    }

    async fn sleep(&self, time: Duration) {
        let stops = {
            let mut inner = self.lock();
            inner.clock += time;
            inner.log.push(Event::Slept(time));
            inner.stopping |= inner.stops_in_sleep;
            inner.stops_in_sleep
        };
        tokio::task::yield_now().await;
        if stops {
            std::future::pending::<()>().await;
        }
    }

    fn nonce(&self) -> Nonce {
        let mut inner = self.lock();
        inner.nonces += 1;
        nonce(inner.nonces)
    }

    fn is_stopping(&self) -> bool {
        let inner = self.lock();
        inner.stopping || inner.stop_after.is_some_and(|after| inner.clock >= after)
    }

    async fn stopped(&self) {
        while !self.is_stopping() {
            tokio::task::yield_now().await;
        }
    }
}

pub fn nonce(number: u32) -> Nonce {
    Nonce::new(format!("{number:016}")).unwrap()
}

/// A record in memory; its appends stand in the world's log.
pub struct Keeper {
    pub world: World,
    pub sealed: Sealed,
    /// Fails the append with this number, from 0, and all after it.
    pub fail_append: Option<usize>,
    pub fail_seal: bool,
    pub fail_fold: bool,
    appends: usize,
}

impl Keeper {
    pub fn new(world: &World) -> Self {
        let mut sealed =
            Sealed::new(TeamSlug::new("acme").unwrap(), Endpoint::us(), Lineage::new(LINEAGE).unwrap());
        sealed.serial = 3;
        let world = world.clone();
        Self { world, sealed, fail_append: None, fail_seal: false, fail_fold: false, appends: 0 }
    }

    pub fn appends(&self) -> usize {
        self.appends
    }
}

fn io_error() -> KeepError {
    KeepError::Io { doing: "sync", path: "x.journal".into(), source: std::io::Error::other("disk full") }
}

impl KeepRecord for Keeper {
    fn sealed(&self) -> &Sealed {
        &self.sealed
    }

    fn append(&mut self, record: Record) -> Result<(), KeepError> {
        let number = self.appends;
        self.appends += 1;
        if self.fail_append.is_some_and(|at| number >= at) {
            return Err(io_error());
        }
        self.sealed.take(record.clone());
        self.world.lock().log.push(Event::Appended(record));
        Ok(())
    }

    fn seal(&self, payload: &Payload, recipients: &[&Recipient]) -> Result<String, KeepError> {
        assert!(!recipients.is_empty());
        if self.fail_seal {
            return Err(KeepError::Seal("ops".into()));
        }
        self.world.lock().log.push(Event::Sealed { id: payload.id.clone() });
        Ok(format!("armor of {}", payload.id))
    }

    fn fold(&mut self) -> Result<(), KeepError> {
        self.world.lock().log.push(Event::Folded);
        if self.fail_fold {
            return Err(io_error());
        }
        self.sealed.serial += 1;
        Ok(())
    }
}

pub fn seal_settings() -> SealSettings {
    let public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN";
    SealSettings {
        file: "keycomb.sealed.toml".into(),
        recipients: [("ops".to_owned(), public.parse().unwrap())].into_iter().collect(),
        environments: indexmap::IndexMap::new(),
        min_proven: 0,
    }
}
