//! A year of a team that rotates its keys, on the sandbox's clock: nobody is refused, nothing is lost, nothing lives on.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use fastrand::Rng;
use keycomb::model::{Address, Desired, KeyState, Provisional, SealedKey, Timestamp};
use keycomb::sandbox::{Clock as _, Truth};
use keycomb::seal::open;

use crate::crashes::arrived;
use crate::lab::{Lab, side_by_side};

const KEYS: usize = 50;
const DAYS: u64 = 365;
const HOUR: Duration = Duration::from_secs(60 * 60);
const OVERLAP: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const QUARANTINE: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// What uses one key: it takes up the newest sealed credential every so many hours, less than an overlap has.
struct Consumer {
    address: Address,
    every: u64,
    credential: Option<String>,
}

#[derive(Debug, Default)]
struct Figures {
    applies: usize,
    missed_days: usize,
    crashes: usize,
    rotations: usize,
    deleted: usize,
    hours: u64,
    /// Consumer-hours.
    uses: usize,
    refusals: Vec<String>,
    longest_missed: Duration,
    longest_overlap: Duration,
    longest_life: Duration,
    /// The longest that one key's two steps, its end and its deletion, waited for an apply that came to its end.
    longest_wait: Duration,
    /// Keys that were there for longer than overlap, quarantine and the one longest missed stretch: both their steps fell
    /// into one.
    over_one_stretch: usize,
}

/// One year; `KEYCOMB_YEARS` says how many, side by side, each with a seed of its own.
#[test]
fn a_year_of_rotations_refuses_nobody_and_leaves_nothing_behind() {
    let years =
        std::env::var("KEYCOMB_YEARS").map_or(1, |text| text.parse().expect("KEYCOMB_YEARS is a number"));
    side_by_side((1..=years).collect(), year);
}

async fn year(seed: u64) -> Result<(), String> {
    let begun = Instant::now();
    let mut year = Year::new(seed).await;
    for day in 0..DAYS {
        year.day(day).await?;
    }
    year.end(seed).await?;
    println!("year {seed} in {:?}: {:?}", begun.elapsed(), year.figures);
    Ok(())
}

struct Year {
    lab: Lab,
    rng: Rng,
    consumers: Vec<Consumer>,
    /// What works at this moment; only an apply changes it.
    working: HashSet<String>,
    /// What every key's sealed entry opens to, by id.
    opened: BTreeMap<String, String>,
    /// What is handed out at each address: the newest live one of the record as the last run left it.
    newest: BTreeMap<Address, String>,
    /// The declarations so far, by how many keys there are.
    desired: BTreeMap<usize, Desired>,
    /// When the last apply came to its end.
    last: Timestamp,
    /// When each of those that came to their end began and ended, in order.
    runs: Vec<(Timestamp, Timestamp)>,
    figures: Figures,
}

/// The first so many of the team's keys.
fn declared(count: usize) -> String {
    let mut text = String::from(
        "[defaults.key]\nrotate = { every = \"90d\", overlap = \"7d\" }\nquarantine = \"14d\"\n[environment.one]\n[environment.two]\n",
    );
    for n in 0..count {
        let environment = ["one", "two"][n % 2];
        let kind = if n % 3 == 0 { "ingest" } else { "configuration" };
        text += &format!(
            "[key.k{n}]\nenvironment = \"{environment}\"\ntype = \"{kind}\"\npermissions = [\"create_datasets\"]\n"
        );
    }
    text
}

impl Year {
    async fn new(seed: u64) -> Self {
        let lab = Lab::new().await;
        lab.is_lifted.set(false);
        lab.is_rotating.set(true);
        let mut rng = Rng::with_seed(seed);
        let consumer = |n| Consumer {
            address: format!("key.{}.k{n}", ["one", "two"][n % 2]).parse().unwrap(),
            every: rng.u64(1..=160),
            credential: None,
        };
        let consumers = (0..KEYS).map(consumer).collect();
        let last = lab.clock.now();
        Self {
            lab,
            rng,
            consumers,
            working: HashSet::new(),
            opened: BTreeMap::new(),
            newest: BTreeMap::new(),
            desired: BTreeMap::new(),
            last,
            runs: vec![],
            figures: Figures::default(),
        }
    }

    async fn day(&mut self, day: u64) -> Result<(), String> {
        let at = self.rng.u64(0..24);
        // The team grows by five keys a day, so that not all of them are due at once.
        let count = KEYS.min(5 * (usize::try_from(day).unwrap() + 1));
        let lab = &self.lab;
        self.desired.entry(count).or_insert_with(|| lab.declare(&declared(count)));
        let is_missed = day > 0 && self.rng.u8(..100) < 25;
        for hour in 0..24 {
            if hour == at && is_missed {
                self.figures.missed_days += 1;
            } else if hour == at {
                self.apply(count).await?;
            }
            self.lab.clock.advance(HOUR);
            self.pass(24 * day + hour);
        }
        Ok(())
    }

    /// A run, which may be cut off in any of its requests; half of those that are, are run again soon.
    async fn apply(&mut self, count: usize) -> Result<(), String> {
        let desired = &self.desired[&count];
        let began = self.lab.clock.now();
        if self.rng.u8(..100) < 60 {
            let classes = [
                ("POST", "api-keys"),
                ("PATCH", "api-keys"),
                ("DELETE", "api-keys"),
                ("GET", "api-keys"),
                ("GET", "auth"),
            ];
            let (method, path) = *self.rng.choice(&classes).unwrap();
            let number = self.rng.usize(1..=if method == "GET" { 9 } else { 4 });
            self.lab.sandbox.clear_requests();
            self.lab.sandbox.add_fault(format!("slow:{method}:{path}@{number}=60s").parse().unwrap());
            let is_cut = tokio::select! {
                _ = self.lab.apply(desired) => false,
                () = arrived(&self.lab, method, path, number) => true,
            };
            self.lab.sandbox.clear_faults();
            self.figures.crashes += usize::from(is_cut);
            self.look()?;
            if is_cut && self.rng.bool() {
                self.lab.clock.advance(Duration::from_secs(self.rng.u64(1..90) * 60));
                return Box::pin(self.apply(count)).await;
            }
            if is_cut {
                return Ok(());
            }
        } else {
            self.lab.apply(desired).await.ok_or("it did not come to its first write")?;
        }
        self.figures.applies += 1;
        let now = self.lab.clock.now();
        self.figures.longest_missed = self.figures.longest_missed.max(between(self.last, now));
        self.last = now;
        self.runs.push((began, now));
        self.look()
    }

    /// What works now, and whether all of that is sealed.
    fn look(&mut self) -> Result<(), String> {
        let (truth, sealed) = (self.lab.sandbox.truth(), self.lab.sealed());
        self.working.clear();
        for key in truth.live_keys().filter(|key| !key.disabled && !key.name.starts_with("Key ")) {
            self.working.insert(key.credential.clone());
            if self.opened.contains_key(&key.id) {
                continue;
            }
            let entry = sealed.keys.iter().find(|entry| entry.id.as_str() == key.id);
            let entry = entry.ok_or_else(|| format!("S1: it works and is not sealed: {key:?}"))?;
            let payload = open(entry, &sealed, &self.lab.identities()).map_err(|e| format!("S1: {e}"))?;
            if payload.credential.expose() != key.credential {
                return Err(format!("S1: sealed is another secret than that of {key:?}"));
            }
            self.opened.insert(key.id.clone(), key.credential.clone());
        }
        self.newest.clear();
        for consumer in &self.consumers {
            let live = sealed.generations(&consumer.address).filter(|entry| entry.state == KeyState::Live);
            let live: Vec<&SealedKey> = live.collect();
            if live.len() > 2 {
                return Err(format!("three live generations at {}", consumer.address));
            }
            let newest = live.last().and_then(|entry| self.opened.get(entry.id.as_str()));
            self.newest.extend(newest.map(|credential| (consumer.address.clone(), credential.clone())));
        }
        Ok(())
    }

    /// An hour of everybody's work.
    fn pass(&mut self, hour: u64) {
        self.figures.hours += 1;
        for (n, consumer) in self.consumers.iter_mut().enumerate() {
            if consumer.credential.is_none() || (hour + n as u64).is_multiple_of(consumer.every) {
                consumer.credential = self.newest.get(&consumer.address).cloned();
            }
            let Some(credential) = &consumer.credential else { continue };
            self.figures.uses += 1;
            if !self.working.contains(credential) {
                self.figures.refusals.push(format!("hour {hour}: {}", consumer.address));
            }
        }
    }

    /// A few more days without trouble, so that what is under way is over; then every key's whole life is looked at.
    async fn end(&mut self, seed: u64) -> Result<(), String> {
        let desired = self.lab.declare(&declared(KEYS));
        for _ in 0..2 {
            let began = self.lab.clock.now();
            self.lab.apply(&desired).await.ok_or("no apply")?;
            self.runs.push((began, self.lab.clock.now()));
            self.lab.clock.advance(2 * HOUR);
        }
        let truth = self.lab.sandbox.truth();
        if !self.figures.refusals.is_empty() {
            return Err(format!("year {seed}: somebody was refused: {:?}", self.figures));
        }
        self.lives(&truth)?;
        let figures = &self.figures;
        let problem = |what: &str| Err(format!("year {seed}: {what}: {figures:?}"));
        // It must be able to fail: a year in which nothing happens proves nothing.
        if figures.rotations < 3 * KEYS
            || figures.deleted < 2 * KEYS
            || figures.missed_days < 50
            || figures.crashes < 20
        {
            return problem("too little happened");
        }
        if truth.live_keys().any(|key| Provisional::parse(&key.name).is_some()) {
            return problem("a provisional key is left");
        }
        // Two steps, two waits: see `waited`. It must not be the rule.
        if figures.over_one_stretch * 10 > figures.deleted {
            return problem("too many superseded keys were there for longer than one missed stretch");
        }
        Ok(())
    }

    /// How long a step that is due at an instant may take: to the end of the first run that began no earlier and came to
    /// its end. What lies before that was missed, or cut off.
    fn waited(&self, due: Timestamp, now: Timestamp) -> Duration {
        let ended = self.runs.iter().find(|(began, _)| *began >= due).map_or(now, |(_, ended)| *ended);
        between(due, ended)
    }

    /// When the record says at the latest what the service did at an instant: a run that was cut off may not have.
    fn known(&self, at: Timestamp, now: Timestamp) -> Timestamp {
        self.runs.iter().map(|(_, ended)| *ended).find(|ended| *ended >= at).unwrap_or(now)
    }

    fn lives(&mut self, truth: &Truth) -> Result<(), String> {
        let ours = truth.keys.iter().filter(|key| !key.name.starts_with("Key "));
        let at = |key: &keycomb::sandbox::KeyTruth, what: &str| {
            key.history.iter().find(|(_, said)| said == what).map(|(at, _)| *at)
        };
        let mut by_name: BTreeMap<_, Vec<_>> = BTreeMap::new();
        // What was enabled too late, by a request that a cut-off run left under way, was never called live: nobody took it up,
        // it has no overlap, and it is replaced like one that was not made.
        let is_in_time =
            |key: &&keycomb::sandbox::KeyTruth| !keycomb::plan::is_late(key.created, at(key, "enabled"));
        for key in ours.filter(is_in_time) {
            by_name.entry((&key.environment, &key.name)).or_default().push(key);
        }
        let now = self.lab.clock.now();
        for ((_, name), mut keys) in by_name {
            keys.sort_by_key(|key| at(key, "enabled"));
            for pair in keys.windows(2) {
                let [old, new] = pair else { continue };
                self.figures.rotations += 1;
                let since = at(new, "enabled").unwrap_or(now);
                let off = at(old, "disabled").unwrap_or(now);
                let gone = old.deleted.unwrap_or(now);
                self.figures.deleted += usize::from(old.deleted.is_some());
                let overlap = between(since, off);
                if at(old, "disabled").is_some() && overlap < OVERLAP {
                    return Err(format!(
                        "`{name}` stopped {overlap:?} after its successor began: {old:?} {new:?}"
                    ));
                }
                // Cut off before the record knew of it, a step is taken once more.
                let stopped = old.updated.max(off);
                // Nobody takes it up before the record says that it works.
                let (stop, delete) = (after(self.known(since, now), OVERLAP), after(stopped, QUARANTINE));
                let waits =
                    [(stop, stopped), (delete, gone)].map(|(due, done)| (self.waited(due, now), due, done));
                for (wait, due, done) in &waits {
                    if between(*due, *done) > *wait {
                        let late = between(*due, *done);
                        return Err(format!(
                            "a step of `{name}` that was due at {due} took {late:?} instead of {wait:?}: {old:?} {new:?}"
                        ));
                    }
                }
                let life = between(since, gone);
                let figures = &mut self.figures;
                let is_over = life > OVERLAP + QUARANTINE + figures.longest_missed;
                figures.over_one_stretch += usize::from(is_over);
                figures.longest_wait =
                    figures.longest_wait.max(waits.iter().map(|(_, due, done)| between(*due, *done)).sum());
                figures.longest_overlap = figures.longest_overlap.max(overlap);
                figures.longest_life = figures.longest_life.max(life);
            }
        }
        Ok(())
    }
}

fn after(start: Timestamp, length: Duration) -> Timestamp {
    start.checked_add(length).unwrap()
}

fn between(before: Timestamp, after: Timestamp) -> Duration {
    Duration::try_from(after.duration_since(before)).unwrap_or_default()
}
