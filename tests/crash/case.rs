//! One case: a run is cut off at a boundary, its disk and its last request meet their fate, and the runs after it must
//! put everything right.

use std::fmt;
use std::fs::OpenOptions;

use fastrand::Rng;
use keycomb::model::{KeyState, Provisional, Sealed};

use crate::check::Witness;
use crate::leaks;
use crate::once::Before;
use crate::point::{Call, Fate, Point, Stage, Stop};
use crate::scenario::{Start, apply};
use crate::strace;
use crate::world::{Bench, How, Ran, World};

/// What is cut off where, and what is left of it.
#[derive(Debug, Clone)]
pub struct Case {
    pub scenario: &'static str,
    pub seed: u64,
    pub point: Point,
    pub fate: Fate,
}

/// As it is given to replay it.
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, seed, point, fate } = self;
        write!(f, "{scenario}/{seed}/{point}/{}", fate.as_str())
    }
}

/// What happened.
#[derive(Debug, Default)]
pub struct Tally {
    /// How often the binary ran.
    pub runs: usize,
    /// The run ended before it came there: side by side, requests change places.
    pub missed: usize,
    /// The fate was not to be had there, and everything was kept.
    pub kept: usize,
    /// What the lost journal knew is now somebody else's to the record: it says so and leaves it alone.
    pub blocked: usize,
    /// Bytes searched for secrets.
    pub searched: usize,
}

/// Everything that a run of a scenario does, in its order.
pub fn boundaries(bench: &Bench, start: &Start) -> Vec<Point> {
    let mut world = bench.restore(&start.snapshot);
    let ran = world.run(&start.arguments, &How::Watched(None)).unwrap();
    assert!(ran.exit.is_some(), "{}\n{}", ran.stdout, ran.stderr);
    strace::is_durable(&ran.calls).unwrap();
    let changes = |call: &Call, creates: bool| match call.call.as_str() {
        "openat" => creates,
        "flock" => false,
        _ => true,
    };
    let mut points: Vec<Point> = ran
        .calls
        .into_iter()
        .filter(|seen| changes(&seen.call, seen.creates))
        .map(|seen| Point::Disk(seen.call))
        .collect();
    let asked = world.asked();
    for (at, class) in asked.iter().enumerate() {
        let number = asked[..=at].iter().filter(|other| *other == class).count();
        let stop = |stage| Point::Net(Stop { class: class.clone(), number, stage });
        points.extend(Stage::ALL.map(stop));
    }
    points
}

/// Runs a case to its end.
pub fn attack(bench: &Bench, start: &Start, case: &Case, rng: &mut Rng) -> Result<Tally, String> {
    let mut world = bench.restore(&start.snapshot);
    let mut witness = Witness::of(&world).rotating(start.is_rotation).revoking(start.revoked.as_ref());
    let committed = world.beside("");
    let committed = std::fs::read(committed).ok();
    let mut tally = Tally { runs: 1, ..Tally::default() };
    let mut rule = String::new();
    let before = Before::of(&world);
    let ran = world.run(&start.arguments, &World::how(&case.point, case.fate, &mut rule))?;
    let is_there = if case.fate == Fate::Cut { world.came_there() } else { ran.exit.is_none() };
    tally.missed = usize::from(!is_there);
    let held = before.held(&world, &start.arguments).and_then(|()| witness.safe(&world));
    held.map_err(|told| format!("after the end: {told}\n{}{}", ran.stdout, ran.stderr))?;
    search(&world, &mut tally)?;
    let fate = befall(&world, case, &ran, committed, rng);
    tally.kept = usize::from(fate != case.fate);
    if fate == Fate::Wiped {
        witness.forget(&world);
    }
    go_on(&mut world, start, fate, &mut witness, &mut tally, rng)?;
    search(&world, &mut tally)?;
    Ok(tally)
}

/// Runs it again until the service and the record are as declared.
pub fn go_on(
    world: &mut World<'_>,
    start: &Start,
    fate: Fate,
    witness: &mut Witness,
    tally: &mut Tally,
    rng: &mut Rng,
) -> Result<(), String> {
    let plain = apply(&[]);
    // At once, or when its time is nearly over.
    world.pass([0, 0, 3, 14][rng.usize(..4)]);
    let mut again = |world: &mut World<'_>, arguments: &[String], told: &str| {
        let before = Before::of(world);
        let ran = world.run(arguments, &How::Plainly)?;
        tally.runs += 1;
        let panicked = ran.stderr.contains("internal error") || ran.exit.is_none();
        if panicked {
            return Err(format!("{told}: {ran:?}"));
        }
        let held = before.held(world, arguments).and_then(|()| witness.safe(world));
        held.map_err(|problem| format!("{told}: {problem}\n{}{}", ran.stdout, ran.stderr))?;
        Ok(ran)
    };
    if fate == Fate::Stale {
        world.sandbox.add_fault(format!("stale-list={}", 1 + rng.usize(..3)).parse().unwrap());
    }
    let is_home = start.is_staged && rng.bool();
    again(world, if is_home { &plain } else { &start.arguments }, "the next run")?;
    world.sandbox.clear_faults();
    if fate == Fate::Late {
        world.deliver_late();
        again(world, &start.later(), "after the late request")?;
    }
    world.pass(61 + rng.u64(..120));
    again(world, &start.later(), "the first run after the grace")?;
    if start.is_staged {
        again(world, &plain, "the release of what is staged")?;
        world.pass(8 * 24 * 60 + 1);
        again(world, &plain, "the first run after the grace of what was staged")?;
    }
    let mut arguments = apply(&["--format", "json"]);
    if start.later().first().is_some_and(|verb| verb == "apply") {
        arguments.extend(start.later().iter().skip(3).filter(|word| *word != "--stage").cloned());
    }
    let last = again(world, &arguments, "the second run after the grace")?;
    let plan: Vec<String> = ["plan", "--detailed-exitcode", "-vv"].map(str::to_owned).to_vec();
    let plan = again(world, &plan, "the plan after it")?;
    let told = || format!("\n{}{}{}", last.stdout, plan.stdout, plan.stderr);
    if fate == Fate::Wiped && last.exit == Some(5) && plan.stdout.contains("exists") {
        tally.blocked = 1;
        return nothing_provisional(world).map_err(|problem| problem + &told());
    }
    witness.converged(world).map_err(|problem| problem + &told())?;
    if (last.exit, plan.exit) != (Some(0), Some(0)) {
        return Err(format!("S7: not at rest: {:?}, {:?}{}", last.exit, plan.exit, told()));
    }
    Ok(())
}

fn nothing_provisional(world: &World<'_>) -> Result<(), String> {
    let (truth, sealed) = (world.sandbox.truth(), world.sealed()?);
    let is_ours = |mark: Provisional| sealed.as_ref().is_some_and(|sealed| mark.is_of(&sealed.lineage));
    match truth.live_keys().find(|key| Provisional::parse(&key.name).is_some_and(is_ours)) {
        Some(key) => Err(format!("S7: left behind: {key:?}")),
        None => Ok(()),
    }
}

/// What becomes of the disk.
fn befall(world: &World<'_>, case: &Case, ran: &Ran, committed: Option<Vec<u8>>, rng: &mut Rng) -> Fate {
    match (case.fate, &case.point, committed) {
        (Fate::Wiped, _, Some(committed)) if is_spare(world, &committed) => {
            for suffix in [".journal", ".new", ".lock"] {
                // Not all of them are there.
                std::fs::remove_file(world.beside(suffix)).ok();
            }
            std::fs::write(world.beside(""), committed).unwrap();
            Fate::Wiped
        }
        (Fate::Torn, Point::Disk(call), _) if ran.exit.is_none() => tear(world, call, ran, rng),
        (Fate::Late | Fate::Stale | Fate::Cut, ..) => case.fate,
        _ => Fate::Kept,
    }
}

/// Whether a disk may vanish: what it alone knows was never enabled and cannot be. The disk is the record's home, and
/// where it dies is what `--stage` is for: what is staged may be released wherever its record is, and so by an apply
/// without `--stage` on the very disk that staged it.
fn is_spare(world: &World<'_>, committed: &[u8]) -> bool {
    let text = std::str::from_utf8(committed).unwrap();
    let Ok(committed) = keycomb::seal::text::parse(text) else { return false };
    let home = [KeyState::Live, KeyState::Staged];
    let known = |sealed: &Sealed, id| sealed.key(id).is_some_and(|entry| home.contains(&entry.state));
    let (now, truth) = (world.sealed().unwrap(), world.sandbox.truth());
    let is_disabled = |id: &keycomb::model::KeyId| truth.key(id.as_str()).is_none_or(|key| key.disabled);
    now.iter().flat_map(|sealed| &sealed.keys).all(|entry| match entry.state {
        KeyState::Releasing => false,
        KeyState::Live => known(&committed, &entry.id),
        KeyState::Staged => is_disabled(&entry.id) || known(&committed, &entry.id),
        KeyState::Provisional | KeyState::Dropping | KeyState::Disabled | KeyState::Deleted => true,
    })
}

/// Cuts off a part of what was written last to the file that was about to be made durable.
fn tear(world: &World<'_>, call: &Call, ran: &Ran, rng: &mut Rng) -> Fate {
    let path = match call.to.as_str() {
        "journal" => world.beside(".journal"),
        "new" => world.beside(".new"),
        _ => return Fate::Kept,
    };
    let mut writes = ran.calls.iter().filter(|seen| seen.call.call == "write" && seen.call.to == call.to);
    let Some(last) = writes.next_back().and_then(|seen| seen.gave) else { return Fate::Kept };
    let file = OpenOptions::new().write(true).open(path).unwrap();
    let length = file.metadata().unwrap().len();
    file.set_len(length - rng.u64(1..=last as u64)).unwrap();
    Fate::Torn
}

/// Everything that is on the disk or was said.
pub fn search(world: &World<'_>, tally: &mut Tally) -> Result<(), String> {
    let mut secrets: Vec<String> = world.sandbox.truth().keys.into_iter().map(|key| key.secret).collect();
    secrets.push(world.sandbox.management_key().secret);
    tally.searched += leaks::search(&world.folder(), &world.said, &secrets)?;
    Ok(())
}
