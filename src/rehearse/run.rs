//! One run: everything in it follows from its seed.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use fastrand::Rng;
use tempfile::TempDir;

use super::RehearseError;
use super::attempt::{Attempt, Ended, attempt, look};
use super::checks::{Broken, Checks, Known, Rule, at_rest, is_of, is_released};
use super::declare::{before, elsewhere, part};
use super::disk::cut_power;
use super::leaks::Needles;
use super::log::Captured;
use super::repository::Repository;
use super::trouble::{Aftermath, Trouble};
use super::world::World;
use crate::apply::{GRACE, STAGE_GRACE};
use crate::model::{Desired, KeyState, Timestamp};
use crate::plan::{Verb, overlap_of};
use crate::sandbox::{self, ByHand, KeyType};
use crate::seal::Identities;

/// How many of a configuration's keys one run is about.
pub const KEYS_IN_A_RUN: usize = 6;

/// How one run went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// What it followed from.
    pub seed: u64,
    /// What happened, in order.
    pub steps: Vec<String>,
    /// How often each kind of trouble happened.
    pub trouble: BTreeMap<String, u64>,
    /// What must not be; empty in a good run.
    pub broken: Vec<Broken>,
}

/// The stage of one run.
struct Stage<'a> {
    world: World,
    folder: TempDir,
    log: Captured,
    desired: Desired,
    /// The configuration's own repository; perhaps another one's with keys of its own in the same environments.
    repositories: Vec<(Repository, Desired)>,
    checks: Checks<'a>,
    /// Some of the applies are on runners.
    has_runners: bool,
    chance: Rng,
}

/// Runs one seed. Within a runtime of its own whose time is paused.
pub(super) async fn run(desired: &Desired, identities: &Identities, seed: u64) -> Result<Ran, RehearseError> {
    // The delays between tries are chosen by this thread's chance.
    fastrand::seed(seed);
    let (log, _guard) = Captured::start();
    let mut stage = Stage::set(desired, identities, seed, log).await?;
    stage.play().await?;
    let (mut steps, trouble, broken) = stage.world.end();
    if !broken.is_empty() {
        steps.extend(stage.histories());
    }
    Ok(Ran { seed, steps, trouble, broken })
}

impl<'a> Stage<'a> {
    async fn set(
        desired: &Desired,
        identities: &'a Identities,
        seed: u64,
        log: Captured,
    ) -> Result<Self, RehearseError> {
        let mut chance = Rng::with_seed(seed);
        let folder = tempfile::tempdir().map_err(RehearseError::Folder)?;
        let desired = part(desired, KEYS_IN_A_RUN, &mut chance);
        let limit = chance.choice(LIMITS).flatten().and_then(|text| text.parse().ok());
        let world = World::new(&desired.team, seed, limit, switches(&mut chance)).await?;
        let disks = if chance.u8(..3) == 0 { 2 } else { 1 };
        let mut repositories =
            vec![(Repository::new("disk", folder.path(), disks, &mut chance)?, desired.clone())];
        if chance.u8(..6) == 0 {
            let other = Repository::new("elsewhere", folder.path(), 1, &mut chance)?;
            repositories.push((other, elsewhere(&desired)));
            world.trouble("another repository at work");
        }
        let checks = Checks::new(identities, &desired);
        let has_runners = chance.u8(..5) == 0;
        Ok(Self { world, folder, log, desired, repositories, checks, has_runners, chance })
    }

    async fn play(&mut self) -> Result<(), RehearseError> {
        self.strangers();
        if self.chance.u8(..3) > 0 {
            let (earlier, differs) = before(&self.desired, self.is_alone(), &mut self.chance);
            self.world.step(format!("applied earlier: the configuration {}", differs_told(&differs)));
            self.apply(0, 0, &earlier, &Trouble::default()).await?;
        }
        for _ in 0..self.chance.u8(1..=4) {
            if self.world.is_broken() {
                return Ok(());
            }
            self.round().await?;
        }
        if self.world.is_broken() { Ok(()) } else { self.come_to_rest().await }
    }

    /// What is there that keycomb has nothing to do with, and what it is told to find.
    fn strangers(&mut self) {
        for environment in self.desired.environments.values().filter(|e| e.reference) {
            self.world.sandbox.by_hand(ByHand::CreateEnvironment { name: environment.name.clone() });
        }
        // More than a page of them now and then.
        let keys = self.chance.choice([0, 0, 0, 2, 2, 2, 2, 120]).unwrap_or(0);
        let Some(environment) = (keys > 0)
            .then(|| self.world.sandbox.by_hand(ByHand::CreateEnvironment { name: "Strangers'".into() }))
            .flatten()
        else {
            return;
        };
        self.world.step(format!("{keys} keys that nobody declares"));
        for number in 0..keys {
            let key_type = if number % 2 == 0 { KeyType::Ingest } else { KeyType::Configuration };
            let (environment, name) = (environment.clone(), format!("Key {number}"));
            self.world.sandbox.by_hand(ByHand::CreateKey { key_type, environment, name, disabled: false });
        }
    }

    fn disks(&self) -> usize {
        self.repositories.first().map_or(0, |(repository, _)| repository.disks.len())
    }

    /// Whether there is nothing that only its name in a listing tells of.
    fn is_alone(&self) -> bool {
        self.disks() == 1 && !self.has_runners
    }

    /// One apply with trouble, or two at once.
    async fn round(&mut self) -> Result<(), RehearseError> {
        let (desired, differs) = if self.chance.u8(..3) == 0 {
            before(&self.desired, self.is_alone(), &mut self.chance)
        } else {
            (self.desired.clone(), vec![])
        };
        let disks = self.disks();
        let first = self.chance.usize(..disks.max(1));
        let mut trouble = Trouble::choose(&desired, self.is_alone(), &mut self.chance);
        trouble.on_runner = self.has_runners && self.chance.bool();
        self.world.step(format!(
            "apply{}{}: {}",
            on_disk(first, disks),
            differs_of(&differs),
            trouble.told()
        ));
        let beside = self.beside(first, disks, &desired);
        if let Some((repository, disk, other, other_trouble)) = &beside {
            trouble.faults.extend(other_trouble.faults.iter().cloned());
            let place =
                if *repository == 0 { on_disk(*disk, disks) } else { " in another repository".to_owned() };
            self.world.step(format!("  at once{place}: {}", other_trouble.told()));
            self.world.trouble("two applies at once");
            let other = (*repository, *disk, other, other_trouble);
            self.both((0, first, &desired, &trouble), other).await?;
        } else {
            self.apply(0, first, &desired, &trouble).await?;
        }
        self.look()?;
        let pause = self.chance.choice(PAUSES).unwrap_or_default();
        if pause > 0 {
            self.world.step(format!("{} pass", time(pause)));
            tokio::time::sleep(Duration::from_secs(pause)).await;
        }
        Ok(())
    }

    /// Another apply at the same time, if any: repository, disk, configuration, trouble.
    fn beside(
        &mut self,
        first: usize,
        disks: usize,
        desired: &Desired,
    ) -> Option<(usize, usize, Desired, Trouble)> {
        let other = self.repositories.get(1).map(|(_, desired)| desired.clone());
        match other {
            Some(other) if self.chance.bool() => {
                let trouble = Trouble { faults: vec![], ..Trouble::choose(&other, false, &mut self.chance) };
                Some((1, 0, other, trouble))
            }
            _ if disks > 1 && self.chance.bool() => {
                let trouble = Trouble { faults: vec![], ..Trouble::choose(desired, false, &mut self.chance) };
                Some((0, 1 - first, desired.clone(), trouble))
            }
            _ => None,
        }
    }

    async fn apply(
        &mut self,
        repository: usize,
        disk: usize,
        desired: &Desired,
        trouble: &Trouble,
    ) -> Result<(), RehearseError> {
        self.pull(repository, disk)?;
        self.arm(trouble);
        let seed = self.chance.u64(..);
        let attempted = self.attempt(repository, disk, desired, trouble, seed).await?;
        self.world.sandbox.clear_faults();
        self.end(repository, disk, trouble, attempted)
    }

    async fn both(
        &mut self,
        one: (usize, usize, &Desired, &Trouble),
        other: (usize, usize, &Desired, &Trouble),
    ) -> Result<(), RehearseError> {
        self.pull(one.0, one.1)?;
        self.pull(other.0, other.1)?;
        self.arm(one.3);
        let seeds = (self.chance.u64(..), self.chance.u64(..));
        // Often the other one begins while keys of the first are made and not yet released.
        let writes = self.chance.choice([0, 0, 1, 2, 3, 5, 8]).unwrap_or(0);
        let (is_over, over) = tokio::sync::oneshot::channel::<()>();
        let first = async {
            let attempted = self.attempt(one.0, one.1, one.2, one.3, seeds.0).await;
            drop(is_over);
            attempted
        };
        let second = async {
            tokio::select! {
                biased;
                () = self.world.written(writes) => {}
                _ = over => {}
            }
            self.attempt(other.0, other.1, other.2, other.3, seeds.1).await
        };
        let (first, second) = tokio::join!(biased; first, second);
        self.world.sandbox.clear_faults();
        self.end(one.0, one.1, one.3, first?)?;
        self.end(other.0, other.1, other.3, second?)
    }

    fn pull(&mut self, repository: usize, disk: usize) -> Result<(), RehearseError> {
        self.repositories.get_mut(repository).map_or(Ok(()), |(repository, _)| repository.pull(disk))
    }

    fn arm(&self, trouble: &Trouble) {
        for fault in trouble.faults.iter().filter_map(|text| text.parse().ok()) {
            self.world.sandbox.add_fault(fault);
        }
    }

    async fn attempt(
        &self,
        repository: usize,
        disk: usize,
        desired: &Desired,
        trouble: &Trouble,
        seed: u64,
    ) -> Result<Option<Attempt>, RehearseError> {
        let Some((repository, _)) = self.repositories.get(repository) else { return Ok(None) };
        let Some(disk) = repository.disks.get(disk) else { return Ok(None) };
        attempt(&self.world, repository, disk, desired, trouble, seed).await.map(Some)
    }

    /// What follows an apply: what was shown is searched, what was killed may lose more, what ended is committed.
    fn end(
        &mut self,
        repository: usize,
        disk: usize,
        trouble: &Trouble,
        attempted: Option<Attempt>,
    ) -> Result<(), RehearseError> {
        let Some(attempted) = attempted else { return Ok(()) };
        self.world.step(format!("  {}", attempted.told()));
        self.count(trouble, &attempted);
        self.search(attempted.shown.as_bytes(), "what was shown");
        let is_killed = matches!(attempted.ended, Ended::Killed);
        let aftermath = match is_killed {
            _ if trouble.on_runner => Aftermath::Wiped,
            true => Aftermath::choose(&mut self.chance),
            false => Aftermath::Kept,
        };
        let Some((repository, _)) = self.repositories.get_mut(repository) else { return Ok(()) };
        // What ended is committed, a runner's before it goes.
        if !is_killed && let Err(error) = repository.push(disk) {
            self.world
                .broken(Broken::new(Rule::Record, format!("what was written cannot be committed: {error}")));
        }
        match (aftermath, repository.disks.get(disk)) {
            (Aftermath::PowerCut, Some(cut)) => {
                self.world.step("  the power is cut");
                self.world.trouble("power cut");
                cut_power(&cut.platter, &mut self.chance).map_err(RehearseError::Folder)?;
            }
            (Aftermath::Wiped, Some(lost)) if repository.may_lose(lost, trouble.on_runner) => {
                self.world.step("  the disk is wiped");
                self.world.trouble("disk wiped");
                repository
                    .disks
                    .get_mut(disk)
                    .map_or(Ok(()), Repository::lose)
                    .map_err(RehearseError::Folder)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn count(&self, trouble: &Trouble, attempted: &Attempt) {
        let Trouble { faults: _, death: _, stop_at, ailment, acts: _, skew, on_runner } = trouble;
        let is_killed = matches!(attempted.ended, Ended::Killed);
        let kinds = [
            ("killed", is_killed),
            ("asked to stop", stop_at.is_some_and(|at| at <= attempted.calls.0)),
            ("ailing disk", ailment.is_some()),
            ("local clock wrong", *skew != 0),
            ("staged on a runner", *on_runner),
        ];
        kinds.iter().filter(|(_, is_so)| *is_so).for_each(|(kind, _)| self.world.trouble(kind));
    }

    /// Holds everything against the truth.
    fn look(&mut self) -> Result<(), RehearseError> {
        let truth = self.world.sandbox.truth();
        let repositories: Vec<&Repository> =
            self.repositories.iter().map(|(repository, _)| repository).collect();
        let known = Known {
            doubled: self.world.sandbox.faults_met().contains_key("duplicate"),
            taken_back: self.world.all_taken_back(),
            rotates: self
                .desired
                .keys
                .values()
                .filter(|key| key.rotate.is_some())
                .map(|key| key.address.clone())
                .collect(),
        };
        self.checks
            .look(&truth, &repositories, &known)
            .into_iter()
            .for_each(|broken| self.world.broken(broken));
        let needles = self.needles();
        let (bytes, file) = needles.count_in(self.folder.path()).map_err(RehearseError::Folder)?;
        self.leaked(bytes, file.as_deref().map_or("a file", file_name));
        let said = self.log.take();
        self.leaked(needles.count(&said), "the log");
        Ok(())
    }

    fn search(&self, text: &[u8], place: &str) {
        self.leaked(self.needles().count(text), place);
    }

    fn needles(&self) -> Needles {
        let truth = self.world.sandbox.truth();
        let management = self.world.sandbox.management_key().secret;
        Needles::of(truth.keys.iter().map(|key| key.secret.as_str()).chain([management.as_str()]))
    }

    fn leaked(&self, bytes: usize, place: &str) {
        if bytes > 0 {
            let text = format!("{bytes} bytes of secrets in {place}");
            self.world.broken(Broken { rule: Rule::Leaked, text, count: bytes });
        }
    }

    /// Nothing goes wrong any more: two applies later everything is as declared.
    async fn come_to_rest(&mut self) -> Result<(), RehearseError> {
        self.world.sandbox.set_rate_limit(None);
        self.world.sandbox.set_switches(sandbox::Switches::default());
        self.tidy();
        // Past whatever grace a leftover has.
        let pause = if self.has_runners { STAGE_GRACE + GRACE } else { 4 * GRACE };
        self.world.step(format!("trouble stops; {} pass", time(pause.as_secs())));
        tokio::time::sleep(pause).await;
        for number in 0..self.repositories.len() {
            self.finish(number).await?;
        }
        Ok(())
    }

    async fn finish(&mut self, number: usize) -> Result<(), RehearseError> {
        let Some((repository, desired)) = self.repositories.get(number) else { return Ok(()) };
        let (desired, disks) = (desired.clone(), repository.disks.len());
        // What each disk still has for itself is committed first.
        let merging = if disks > 1 { 0..disks } else { 0..0 };
        for disk in merging.chain([0, 0]) {
            if !self.quiet_apply(number, disk, &desired).await? {
                return Ok(());
            }
        }
        // What a successor has taken the place of goes after the overlap, one of an address in each apply.
        for _ in 0..SUCCESSIONS {
            let wrong = self.wrong(number, &desired).await?;
            if wrong.is_empty() || !self.is_in_succession(number, &desired) {
                break;
            }
            tokio::time::sleep(overlap(&desired)).await;
            if !self.quiet_apply(number, 0, &desired).await? {
                return Ok(());
            }
        }
        let wrong = self.wrong(number, &desired).await?;
        wrong.into_iter().for_each(|text| self.world.broken(Broken::new(Rule::Rest, text)));
        Ok(())
    }

    /// What is not as it is to be once nothing goes wrong any more.
    async fn wrong(&self, number: usize, desired: &Desired) -> Result<Vec<String>, RehearseError> {
        let Some((repository, _)) = self.repositories.get(number) else { return Ok(vec![]) };
        let plan = look(&self.world, repository, desired).await?;
        let mut wrong =
            plan.map_or_else(|| vec!["the service could not be read".to_owned()], |plan| left(&plan));
        wrong.extend(at_rest(&self.world.sandbox.truth(), desired, repository));
        Ok(wrong)
    }

    /// Whether an address has a generation that another one is to take the place of, or has.
    fn is_in_succession(&self, number: usize, desired: &Desired) -> bool {
        let record = self.repositories.get(number).and_then(|(repository, _)| repository.committed.as_ref());
        let is_out = |state| matches!(state, KeyState::Deleted | KeyState::Disabled);
        desired.keys.keys().any(|address| {
            let entries = record.into_iter().flat_map(|sealed| sealed.generations(address));
            entries.filter(|entry| !is_out(entry.state)).count() > 1
        })
    }

    /// One apply without trouble; whether no rule is broken.
    async fn quiet_apply(
        &mut self,
        number: usize,
        disk: usize,
        desired: &Desired,
    ) -> Result<bool, RehearseError> {
        let disks = self.repositories.get(number).map_or(0, |(repository, _)| repository.disks.len());
        self.world.step(format!("apply{}", on_disk(disk, disks)));
        self.apply(number, disk, desired, &Trouble::default()).await?;
        self.look()?;
        Ok(!self.world.is_broken())
    }

    /// What became of each key of the repositories, in minutes since the start.
    fn histories(&self) -> Vec<String> {
        let truth = self.world.sandbox.truth();
        let start = super::world::start();
        let minutes = |when: &crate::model::Timestamp| when.duration_since(start).as_mins();
        let ours = truth.keys.iter().filter(|key| self.repositories.iter().any(|(r, _)| is_of(key, r)));
        let one = |key: &sandbox::KeyTruth| {
            let told: Vec<_> =
                key.history.iter().map(|(when, what)| format!("{what} at {}", minutes(when))).collect();
            let updated = minutes(&key.updated);
            format!(
                "key `{}`, `{}`, minutes: {}; last written at {updated}",
                key.id,
                key.name,
                told.join(", ")
            )
        };
        ours.map(one).collect()
    }

    /// People take away what they made or changed, where it stands in the way by their own doing.
    fn tidy(&self) {
        let declared = self.repositories.iter().flat_map(|(_, desired)| desired.keys.values());
        let names: Vec<&str> = declared.map(|key| key.name.as_str()).collect();
        for key in self.world.sandbox.truth().live_keys() {
            let is_ours = self.repositories.iter().any(|(repository, _)| is_of(key, repository));
            let is_by_hand = key.history.iter().any(|(_, what)| what.ends_with(" by hand"));
            let is_in_the_way = if is_ours { !is_released(key) } else { names.contains(&key.name.as_str()) };
            if is_by_hand && is_in_the_way {
                self.world.sandbox.by_hand(ByHand::DeleteKey { id: key.id.clone() });
            }
        }
    }
}

/// How many steps a run may need until each address has one generation.
const SUCCESSIONS: usize = 6;

/// A time after which no two generations of a key work side by side any more, however it is rotated.
fn overlap(desired: &Desired) -> Duration {
    let begun = Timestamp::UNIX_EPOCH;
    let over = desired.keys.values().map(|key| overlap_of(key).after(begun)).max();
    let longest = over.and_then(|over| Duration::try_from(over.duration_since(begun)).ok());
    longest.unwrap_or_default() + GRACE
}

/// What a plan has still to do. What waits for a command of its own does not count.
fn left(plan: &crate::plan::Plan) -> Vec<String> {
    let is_waiting = |action: &&crate::plan::Action| {
        action.blocked.as_ref().is_none_or(|blocked| blocked.verb != Verb::Rotate)
    };
    let one = |action: &crate::plan::Action| {
        let blocked = action.blocked.as_ref().map(|b| format!(" ({})", b.code)).unwrap_or_default();
        format!("still to do: {} `{}`{blocked}", action.verb.as_str(), action.address)
    };
    plan.actions.iter().filter(is_waiting).map(one).collect()
}

const LIMITS: [Option<&str>; 6] = [None, None, None, None, Some("12/60s"), Some("60/60s")];

/// Seconds: none, within a deadline, past it, past the grace, past a quarantine.
const PAUSES: [u64; 9] = [0, 0, 0, 60, 600, 960, 4_200, 172_800, 1_400_000];

fn switches(chance: &mut Rng) -> sandbox::Switches {
    let retry_after = chance.choice([
        sandbox::RetryAfterForm::HttpDate,
        sandbox::RetryAfterForm::Seconds,
        sandbox::RetryAfterForm::Rfc3339,
        sandbox::RetryAfterForm::Absent,
    ]);
    sandbox::Switches { retry_after: retry_after.unwrap_or_default(), ..sandbox::Switches::default() }
}

fn on_disk(disk: usize, disks: usize) -> String {
    if disks > 1 { format!(" on disk {}", disk + 1) } else { String::new() }
}

fn differs_told(differs: &[String]) -> String {
    if differs.is_empty() { "as it is".to_owned() } else { differs.join(", ") }
}

fn differs_of(differs: &[String]) -> String {
    if differs.is_empty() { String::new() } else { format!(", {}", differs.join(", ")) }
}

fn time(seconds: u64) -> String {
    match seconds {
        172_800.. => format!("{} days", seconds / 86_400),
        7_200.. => format!("{} hours", seconds / 3_600),
        _ => format!("{} minutes", seconds / 60),
    }
}

fn file_name(path: &str) -> &str {
    Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or("a file")
}
