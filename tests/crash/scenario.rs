//! What a run is in the middle of when it is cut off, each with a team of its seed's.

use fastrand::Rng;
use keycomb::model::{Address, KeyState, Record};
use keycomb::ports::{KeepRecord as _, KeyChange, OPEN, WriteLive as _};

use crate::point::{Stage, Stop};
use crate::record;
use crate::revoke;
use crate::rotation;
use crate::staged;
use crate::team::{Declared, Names};
use crate::world::{Bench, How, Snapshot, World};

/// Where a run begins.
pub struct Start {
    pub snapshot: Snapshot,
    /// What is run and cut off, and run again afterwards.
    pub arguments: Vec<String>,
    /// Whether keys may be staged: whoever lacks their record leaves them alone for days.
    pub is_staged: bool,
    /// Whether keys have successors beside them.
    pub is_rotation: bool,
    /// Whose key is revoked.
    pub revoked: Option<Address>,
}

impl Start {
    /// What is run when the service and the record are to come to rest: nobody revokes or moves again and again. What a
    /// listing that lagged did not show is adopted by the next one.
    pub fn later(&self) -> Vec<String> {
        match self.arguments.first().map(String::as_str) {
            Some("apply" | "adopt") => self.arguments.clone(),
            _ => apply(&[]),
        }
    }
}

/// A scenario's name and how it is set up.
pub type Scenario = (&'static str, fn(&Bench, &mut Rng, u64) -> Start);

pub const ALL: [Scenario; 32] = [
    ("first", first),
    ("create", create),
    ("replace", replace),
    ("successor", |bench, rng, seed| successor(bench, rng, seed).1),
    ("supersede", supersede),
    ("update", update),
    ("disable", disable),
    ("delete", delete),
    ("settle-intent-young", |bench, rng, seed| settle(bench, rng, seed, Left::Intent, false)),
    ("settle-intent-old", |bench, rng, seed| settle(bench, rng, seed, Left::Intent, true)),
    ("settle-sealed-young", |bench, rng, seed| settle(bench, rng, seed, Left::Sealed, false)),
    ("settle-sealed-old", |bench, rng, seed| settle(bench, rng, seed, Left::Sealed, true)),
    ("settle-releasing-young", |bench, rng, seed| settle(bench, rng, seed, Left::Releasing, false)),
    ("settle-releasing-old", |bench, rng, seed| settle(bench, rng, seed, Left::Releasing, true)),
    ("settle-released-old", |bench, rng, seed| settle(bench, rng, seed, Left::Released, true)),
    ("settle-dropping-young", |bench, rng, seed| settle(bench, rng, seed, Left::Dropping, false)),
    ("settle-dropping-old", |bench, rng, seed| settle(bench, rng, seed, Left::Dropping, true)),
    ("stage", staged::stage),
    ("stage-settle", staged::settle),
    ("stage-release", staged::release),
    ("stage-reap", staged::reap),
    ("rotate", rotation::rotate),
    ("rotate-replace", rotation::replace),
    ("rotate-settle", rotation::settle),
    ("rotate-stage", rotation::stage),
    ("rotate-retire", rotation::retire),
    ("rotate-delete", rotation::delete),
    ("revoke", revoke::revoke),
    ("revoke-disable", revoke::disable),
    ("revoke-successor", revoke::successor),
    ("adopt", record::adopt),
    ("mv", record::mv),
];

pub fn apply(more: &[&str]) -> Vec<String> {
    ["apply", "--yes", "-vv"].iter().chain(more).map(|&word| word.to_owned()).collect()
}

impl World<'_> {
    /// Applies, and everything must be done.
    pub fn apply_all(&mut self) {
        let ran = self.run(&apply(&[]), &How::Plainly).unwrap();
        assert_eq!(ran.exit, Some(0), "{}\n{}", ran.stdout, ran.stderr);
    }

    fn start(&self, more: &[&str]) -> Start {
        Start {
            snapshot: self.snapshot(),
            arguments: apply(more),
            is_staged: false,
            is_rotation: false,
            revoked: None,
        }
    }
}

/// Nothing is there, not even a sealed file.
fn first(bench: &Bench, rng: &mut Rng, seed: u64) -> Start {
    let (mut names, mut team) = (Names::new(rng), Declared::new(rng));
    let one = team.add_environment(&mut names, rng);
    if rng.bool() {
        team.add_environment(&mut names, rng);
    }
    team.add_key(&mut names, &one, true, rng);
    team.add_key(&mut names, &one, false, rng);
    let world = bench.fresh(seed);
    world.declare(&team.text());
    world.start(&[])
}

/// An environment with one key; another environment and three keys are to come.
pub fn before_create(bench: &Bench, rng: &mut Rng, seed: u64) -> (Snapshot, Declared) {
    let (mut names, mut team) = (Names::new(rng), Declared::new(rng));
    let old = team.add_environment(&mut names, rng);
    team.add_key(&mut names, &old, true, rng);
    let mut world = bench.fresh(seed);
    world.declare(&team.text());
    world.apply_all();
    let new = team.add_environment(&mut names, rng);
    team.add_key(&mut names, &new, true, rng);
    team.add_key(&mut names, &new, false, rng);
    let either = if rng.bool() { &old } else { &new };
    let is_ingest = rng.bool();
    team.add_key(&mut names, either, is_ingest, rng);
    team.shuffle(rng);
    world.declare(&team.text());
    (world.snapshot(), team)
}

fn create(bench: &Bench, rng: &mut Rng, seed: u64) -> Start {
    let (snapshot, _) = before_create(bench, rng, seed);
    Start { snapshot, arguments: apply(&[]), is_staged: false, is_rotation: false, revoked: None }
}

/// One environment with two ingest and two configuration keys, applied: labels in that order.
pub fn four_keys<'b>(
    bench: &'b Bench,
    rng: &mut Rng,
    seed: u64,
) -> (World<'b>, Declared, Vec<String>, Names) {
    let (mut names, mut team) = (Names::new(rng), Declared::new(rng));
    let environment = team.add_environment(&mut names, rng);
    let labels =
        [true, true, false, false].map(|ingest| team.add_key(&mut names, &environment, ingest, rng)).to_vec();
    let mut world = bench.fresh(seed);
    world.declare(&team.text());
    world.apply_all();
    world.pass(90);
    (world, team, labels, names)
}

fn replace(bench: &Bench, rng: &mut Rng, seed: u64) -> Start {
    let (world, mut team, labels, mut names) = four_keys(bench, rng, seed);
    let gone = labels[if rng.bool() { 0 } else { 2 }].clone();
    let (environment, ingest) = {
        let key = team.key(&gone);
        (key.environment.clone(), key.ingest)
    };
    team.keys.retain(|key| key.label != gone);
    team.add_key(&mut names, &environment, ingest, rng);
    team.shuffle(rng);
    world.declare(&team.text());
    world.start(&[])
}

fn update(bench: &Bench, rng: &mut Rng, seed: u64) -> Start {
    let (world, mut team, labels, _) = four_keys(bench, rng, seed);
    team.key(&labels[rng.usize(..2)]).name = Some("renamed".into());
    team.change_permissions(&labels[2]);
    team.key(&labels[3]).enabled = false;
    let environment = &mut team.environments[0];
    environment.color = Some("green");
    environment.description = Some("changed".into());
    world.declare(&team.text());
    world.start(&[])
}

fn without_two(team: &mut Declared, labels: &[String]) {
    team.keys.retain(|key| key.label != labels[0] && key.label != labels[2]);
}

fn disable(bench: &Bench, rng: &mut Rng, seed: u64) -> Start {
    let (world, mut team, labels, _) = four_keys(bench, rng, seed);
    without_two(&mut team, &labels);
    world.declare(&team.text());
    world.start(&[])
}

/// Two keys past their quarantine, and an environment without keys or protection.
fn delete(bench: &Bench, rng: &mut Rng, seed: u64) -> Start {
    let (mut world, mut team, labels, mut names) = four_keys(bench, rng, seed);
    let label = team.add_environment(&mut names, rng);
    team.environments.last_mut().unwrap().delete_protected = Some(false);
    without_two(&mut team, &labels);
    world.declare(&team.text());
    world.apply_all();
    team.environments.retain(|environment| environment.label != label);
    world.declare(&team.text());
    world.pass(15 * 24 * 60);
    world.start(&[])
}

/// The keys that a run had begun to release are released by hand, too late.
fn successor<'b>(bench: &'b Bench, rng: &mut Rng, seed: u64) -> (World<'b>, Start) {
    let (snapshot, _) = before_create(bench, rng, seed);
    let mut world = bench.restore(&snapshot);
    end_at(&mut world, &[], "PATCH:key", 1, Stage::Arrived);
    world.pass(22);
    let releasing = world.sealed().unwrap().unwrap().keys.into_iter();
    for entry in releasing.filter(|entry| entry.state == KeyState::Releasing) {
        let change = KeyChange { name: Some(entry.name), disabled: Some(false), permissions: None };
        bench.wait(world.writer().update_key(&entry.id, &change, OPEN)).unwrap();
    }
    world.pass(60);
    let start = world.start(&[]);
    (world, start)
}

fn supersede(bench: &Bench, rng: &mut Rng, seed: u64) -> Start {
    let (mut world, _) = successor(bench, rng, seed);
    world.apply_all();
    world.start(&[])
}

/// What a run that was cut off leaves behind.
#[derive(Clone, Copy, PartialEq)]
enum Left {
    Intent,
    Sealed,
    Releasing,
    Released,
    Dropping,
}

fn settle(bench: &Bench, rng: &mut Rng, seed: u64, left: Left, is_old: bool) -> Start {
    let (snapshot, _) = before_create(bench, rng, seed);
    let mut world = bench.restore(&snapshot);
    world.run(&apply(&[]), &How::Plainly).unwrap();
    let asked = world.asked();
    let mut world = bench.restore(&snapshot);
    match left {
        Left::Intent => end_at(&mut world, &[], "POST:keys", 1 + rng.usize(..3), Stage::CarriedOut),
        Left::Sealed | Left::Dropping => {
            // The second look is the first reading of keys after the last of them was asked for.
            let posted = asked.iter().rposition(|class| class == "POST:keys").unwrap();
            let before = asked[..posted].iter().filter(|class| *class == "GET:keys").count();
            end_at(&mut world, &[], "GET:keys", before + 1, Stage::Arrived);
        }
        Left::Releasing => end_at(&mut world, &[], "PATCH:key", 1, Stage::Arrived),
        Left::Released => end_at(&mut world, &[], "PATCH:key", 1 + rng.usize(..2), Stage::CarriedOut),
    }
    if left == Left::Dropping {
        let mut keeper = world.keeper();
        let entry = keeper.sealed().keys.iter().find(|entry| entry.state == KeyState::Provisional).unwrap();
        let (id, since) = (entry.id.clone(), entry.created);
        keeper.append(Record::State { id, state: KeyState::Dropping, since }).unwrap();
        keeper.fold().unwrap();
    }
    // Young: within the deadline, after it, after a request's life as well.
    world.pass(if is_old { 120 } else { [1, 17, 25][rng.usize(..3)] });
    world.start(&[])
}

pub fn end_at(world: &mut World<'_>, more: &[&str], class: &str, number: usize, stage: Stage) {
    let stop = Stop { class: class.into(), number, stage };
    let ran = world.run(&apply(more), &How::Until(&stop)).unwrap();
    assert_eq!(ran.exit, None, "{class} {number} was not reached:\n{}\n{}", ran.stdout, ran.stderr);
}
