//! Several applies at once: in one folder, and on several machines with the same committed record (rows 46, 47).

use std::fs;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use keycomb::model::KeyState;

use crate::case::{Tally, go_on, search};
use crate::check::Witness;
use crate::point::{Fate, Stage, Stop};
use crate::scenario::{ALL, Start, apply};
use crate::sweep::{number, rng_of};
use crate::world::{Bench, How, World, none, side_by_side};

#[test]
fn a_second_apply_in_the_same_folder_names_the_first() {
    let bench = Bench::new();
    let start = (ALL[1].1)(&bench, &mut rng_of(1, "together"), 1);
    let mut world = bench.restore_with(&start.snapshot, Duration::from_millis(50));
    world.begin(None);
    let mut witness = Witness::of(&world);
    let first = world
        .command(&How::Plainly, &world.folder())
        .args(apply(&[]))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !world.asked().iter().any(|class| class == "POST:environments") {
        std::thread::sleep(Duration::from_millis(1));
    }
    let second = world.command(&How::Plainly, &world.folder()).args(apply(&[])).output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(8), "{said}");
    assert!(said.contains(&format!("process {}", first.id())), "{said}");
    let first = first.wait_with_output().unwrap();
    assert_eq!(first.status.code(), Some(0));
    witness.safe(&world).unwrap();
    world.said.push(("stderr".into(), second.stderr));
    search(&world, &mut Tally::default()).unwrap();
    go_on(&mut world, &start, Fate::Kept, &mut witness, &mut Tally::default(), &mut rng_of(1, "after"))
        .unwrap();
}

/// Never two live keys of one address, never a live key deleted, and in the end exactly one.
#[test]
fn applies_on_several_machines_make_one_key() {
    let seeds = number("KEYCOMB_CRASH_SEEDS").unwrap_or(2);
    let jobs = (1..=seeds).flat_map(|seed| [2, 3, 5, 8].map(|machines| (seed, machines)));
    let failed = side_by_side(jobs.collect(), |bench, (seed, machines)| {
        race(bench, seed, machines).map_err(|told| format!("{machines} machines, seed {seed}: {told}"))
    });
    none(&failed);
}

/// An environment that is there, and one key to be made in it.
fn one_key(bench: &Bench, seed: u64) -> Start {
    let mut rng = rng_of(seed, "one key");
    let mut world = bench.fresh(seed);
    let base = "[environment.production]\n[key.old]\nenvironment = \"production\"\ntype = \"ingest\"\n";
    world.declare(base);
    world.apply_all();
    let key_type = if rng.bool() { "ingest" } else { "configuration" };
    world.declare(&format!("{base}[key.new]\nenvironment = \"production\"\ntype = \"{key_type}\"\n"));
    Start {
        snapshot: world.snapshot(),
        arguments: apply(&[]),
        is_staged: false,
        is_rotation: false,
        revoked: None,
    }
}

fn race(bench: &Bench, seed: u64, machines: usize) -> Result<(), String> {
    let mut rng = rng_of(seed, &format!("race {machines}"));
    let start = one_key(bench, seed);
    let mut world = bench.restore_with(&start.snapshot, Duration::from_millis(rng.u64(1..25)));
    let mut witness = Witness::of(&world);
    world.begin(None);
    let folders: Vec<PathBuf> =
        (0..machines).map(|n| world.lay_out(&start.snapshot, &format!("machine-{n}"))).collect();
    let mut applies = Vec::new();
    for folder in &folders {
        world.move_to(folder.clone());
        let mut command = world.command(&How::Plainly, folder);
        command.args(&start.arguments);
        applies.push(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
        std::thread::sleep(Duration::from_millis(rng.u64(..20)));
    }
    let outputs: Vec<Output> = applies.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    let texts: Vec<String> = outputs
        .iter()
        .map(|o| {
            format!(
                "{}\n{}{}",
                o.status,
                String::from_utf8_lossy(&o.stdout),
                String::from_utf8_lossy(&o.stderr)
            )
        })
        .collect();
    let told = |problem: &str| format!("{problem}\n{}", texts.join("\n----\n"));
    for output in &outputs {
        let exits = [0, 1, 5, 7, 8, 10];
        if !output.status.code().is_some_and(|code| exits.contains(&code)) {
            return Err(told(&format!("exit {:?}", output.status)));
        }
    }
    let winner = only_one(&world, &folders).map_err(|problem| told(&problem))?;
    // What the winner committed is what everybody goes on with.
    world.move_to(folders[winner.unwrap_or(0)].clone());
    for folder in &folders {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        world.said.extend(entries.map(|path| (path.display().to_string(), fs::read(path).unwrap())));
    }
    for output in outputs {
        world.said.push(("stdout".into(), output.stdout));
        world.said.push(("stderr".into(), output.stderr));
    }
    witness.safe(&world).map_err(|problem| told(&problem))?;
    let mut tally = Tally::default();
    go_on(&mut world, &start, Fate::Kept, &mut witness, &mut tally, &mut rng)
        .map_err(|problem| told(&problem))?;
    search(&world, &mut tally)
}

/// One machine sleeps for a while, whichever request it is about to send; another makes the key meanwhile, or gives way.
#[test]
fn a_machine_that_wakes_up_makes_no_second_key() {
    let seeds = number("KEYCOMB_CRASH_SEEDS").unwrap_or(1);
    let jobs = (1..=seeds).flat_map(|seed| [1, 10, 61, 120].map(|minutes| (seed, minutes)));
    let failed = side_by_side(jobs.collect(), |bench, (seed, minutes)| {
        let start = one_key(bench, seed);
        let mut dry = bench.restore(&start.snapshot);
        dry.run(&start.arguments, &How::Plainly)?;
        let asked = dry.asked();
        for (at, class) in asked.iter().enumerate() {
            let number = asked[..=at].iter().filter(|other| *other == class).count();
            let stop = Stop { class: class.clone(), number, stage: Stage::Arrived };
            wake_up(bench, &start, &stop, minutes)
                .map_err(|told| format!("{class}#{number}, {minutes} minutes, seed {seed}: {told}"))?;
        }
        Ok(())
    });
    none(&failed);
}

fn wake_up(bench: &Bench, start: &Start, at: &Stop, minutes: u64) -> Result<(), String> {
    let mut world = bench.restore(&start.snapshot);
    let mut witness = Witness::of(&world);
    let folders = ["sleeper", "rival"].map(|name| world.lay_out(&start.snapshot, name));
    world.begin_with_pause(at.clone());
    world.move_to(folders[0].clone());
    let mut command = world.command(&How::Plainly, &folders[0]);
    let sleeper =
        command.args(&start.arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    if !world.is_waiting() {
        sleeper.wait_with_output().unwrap();
        return Err("it was not reached".into());
    }
    world.pass(minutes);
    world.move_to(folders[1].clone());
    let rival = world.command(&How::Plainly, &folders[1]).args(&start.arguments).output().unwrap();
    world.go_on();
    let sleeper = sleeper.wait_with_output().unwrap();
    let text = |o: &Output| {
        format!("{}\n{}{}", o.status, String::from_utf8_lossy(&o.stdout), String::from_utf8_lossy(&o.stderr))
    };
    let texts = format!("{}\n----\n{}", text(&sleeper), text(&rival));
    let told = |problem: String| format!("{problem}\n{texts}");
    let winner = only_one(&world, &folders).map_err(told)?;
    world.move_to(folders[winner.unwrap_or(0)].clone());
    witness.safe(&world).map_err(told)?;
    let rng = &mut rng_of(minutes, "after");
    go_on(&mut world, start, Fate::Kept, &mut witness, &mut Tally::default(), rng).map_err(told)
}

/// One machine is about to release its key; another looks at what is left behind, and what it is about to delete then
/// waits until the key is released. Nothing may be about to be deleted (S4).
#[test]
fn a_key_that_may_still_be_released_is_nobodys_leftover() {
    for minutes in [0, 10, 19] {
        let bench = Bench::new();
        let start = one_key(&bench, 1);
        let mut world = bench.restore(&start.snapshot);
        let folders = ["maker", "reaper"].map(|name| world.lay_out(&start.snapshot, name));
        let spawn = |world: &World<'_>, folder: &PathBuf| {
            let mut command = world.command(&How::Plainly, folder);
            command.args(&start.arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let at = |class: &str| Stop { class: class.into(), number: 1, stage: Stage::Arrived };
        world.begin_with_pause(at("PATCH:key"));
        world.move_to(folders[0].clone());
        let maker = spawn(&world, &folders[0]);
        assert!(world.is_waiting());
        world.pass(minutes);
        world.pause_also(at("DELETE:key"));
        world.move_to(folders[1].clone());
        let reaper = spawn(&world, &folders[1]);
        let is_deleting = world.waits_before_it_ends(&reaper);
        world.go_on();
        let maker = maker.wait_with_output().unwrap();
        if is_deleting {
            world.go_on();
        }
        let reaper = reaper.wait_with_output().unwrap();
        assert_eq!(maker.status.code(), Some(0), "{}", String::from_utf8_lossy(&maker.stdout));
        assert_eq!(reaper.status.code(), Some(8), "{}", String::from_utf8_lossy(&reaper.stdout));
        assert_eq!(only_one(&world, &folders), Ok(Some(0)), "after {minutes} minutes");
    }
}

/// Whose record calls the key live, if anybody's; by then at most one of its name works, and none that worked is gone.
fn only_one(world: &World<'_>, folders: &[PathBuf]) -> Result<Option<usize>, String> {
    let truth = world.sandbox.truth();
    let working: Vec<_> = truth.live_keys().filter(|key| key.name == "new" && !key.disabled).collect();
    if working.len() > 1 {
        return Err(format!("S5: {working:?}"));
    }
    let was_enabled = |history: &[(_, String)]| history.iter().any(|(_, what)| what == "enabled");
    if let Some(key) = truth.keys.iter().find(|key| key.deleted.is_some() && was_enabled(&key.history)) {
        return Err(format!("S4: {key:?}"));
    }
    let mut live = Vec::new();
    for (n, folder) in folders.iter().enumerate() {
        let sealed =
            keycomb::seal::read(&folder.join("keycomb.sealed.toml"), None).map_err(|e| e.to_string())?;
        let keys = sealed.into_iter().flat_map(|sealed| sealed.keys);
        let new = |address: &keycomb::model::Address| address.to_string() == "key.production.new";
        if keys.into_iter().any(|entry| entry.state == KeyState::Live && new(&entry.address)) {
            live.push(n);
        }
    }
    match (live[..].first(), working.len()) {
        (first, count) if live.len() <= 1 && live.len() == count => Ok(first.copied()),
        (_, count) => Err(format!("called live by {live:?}, and {count} work")),
    }
}
