//! Signals at any moment, once and twice; a machine that sleeps; outputs that cannot be written.

use std::fs::File;
use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::case::{Tally, go_on, search};
use crate::check::Witness;
use crate::point::{Fate, Stage, Stop};
use crate::scenario::{ALL, Start, apply};
use crate::sweep::{number, rng_of};
use crate::world::{Bench, How, Ran, World, none, side_by_side};

const SIGNALS: [(&str, i32); 3] = [("-INT", 130), ("-TERM", 143), ("-HUP", 129)];

fn setup(bench: &Bench, name: &str, seed: u64) -> Start {
    (ALL.iter().find(|(one, _)| *one == name).unwrap().1)(bench, &mut rng_of(seed, name), seed)
}

fn send(signal: &str, child: &Child) {
    // It may have ended by itself; then nobody is there to be told.
    Command::new("kill").args([signal, &child.id().to_string()]).stderr(Stdio::null()).status().unwrap();
}

fn spawn(world: &World<'_>, arguments: &[String]) -> Child {
    let mut command = world.command(&How::Plainly, &world.folder());
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn ended(world: &mut World<'_>, child: Child) -> Ran {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    world.said.push(("stdout".into(), output.stdout));
    world.said.push(("stderr".into(), output.stderr));
    Ran { stdout, stderr, exit: output.status.code(), calls: Vec::new() }
}

/// The rest of a case: safe now, and right after some more runs.
fn comes_right(world: &mut World<'_>, start: &Start, witness: &mut Witness, seed: u64) -> Result<(), String> {
    let mut tally = Tally::default();
    go_on(world, start, Fate::Kept, witness, &mut tally, &mut rng_of(seed, "signals"))?;
    search(world, &mut tally)
}

/// Once: what is in flight is finished and told. Twice: it ends at once.
#[test]
fn signals_at_any_moment_lose_nothing() {
    let seeds = number("KEYCOMB_CRASH_SEEDS").unwrap_or(1) * 4;
    let jobs =
        (1..=seeds).flat_map(|seed| SIGNALS.iter().flat_map(move |s| [1, 2].map(|times| (seed, s, times))));
    let failed = side_by_side(jobs.collect(), |bench, (seed, &(signal, exit), times)| {
        let mut rng = rng_of(seed, &format!("{signal} {times}"));
        let name = ["first", "create", "replace", "delete"][rng.usize(..4)];
        let start = setup(bench, name, seed);
        let mut world = bench.restore_with(&start.snapshot, Duration::from_millis(8));
        let mut witness = Witness::of(&world);
        world.begin(None);
        let child = spawn(&world, &start.arguments);
        let moment = rng.usize(1..30);
        while world.asked().len() < moment && world.is_running(&child) {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(rng.u64(..12)));
        send(signal, &child);
        if times == 2 {
            std::thread::sleep(Duration::from_millis(rng.u64(..6)));
            send(signal, &child);
        }
        let ran = ended(&mut world, child);
        let case = format!("{name}/{seed} {signal} x{times} after {moment} requests");
        let told = |problem: String| format!("{case}: {problem}\n{}{}", ran.stdout, ran.stderr);
        witness.safe(&world).map_err(told)?;
        // Before it listens, and after all is done, it ends as any program; a fresh key may be left unproven.
        let by_signal = ran.exit.is_none() && world.asked().is_empty();
        if !by_signal && ![Some(exit), Some(0), Some(10)].contains(&ran.exit) {
            return Err(told(format!("{:?}", ran.exit)));
        }
        let wrote = world.asked().iter().any(|class| !class.starts_with("GET"));
        let at_once = ran.stderr.contains("ended at once");
        if wrote && !at_once && !ran.stdout.contains("Apply:") {
            return Err(told("no report".into()));
        }
        comes_right(&mut world, &start, &mut witness, seed).map_err(|problem| format!("{case}: {problem}"))
    });
    none(&failed);
}

/// The machine sleeps for two hours while one request is about to leave it, whichever. Then the late rule holds: a key
/// that was made before is not called live (row 5).
#[test]
fn a_machine_that_sleeps_calls_nothing_live_that_may_have_been_given_up() {
    let seeds = number("KEYCOMB_CRASH_SEEDS").unwrap_or(1);
    let jobs =
        (1..=seeds).flat_map(|seed| ["create", "settle-sealed-young", "update", "delete"].map(|n| (seed, n)));
    let failed = side_by_side(jobs.collect(), |bench, (seed, name)| {
        let start = setup(bench, name, seed);
        let mut dry = bench.restore(&start.snapshot);
        dry.run(&start.arguments, &How::Plainly).unwrap();
        let asked = dry.asked();
        for (at, class) in asked.iter().enumerate() {
            let number = asked[..=at].iter().filter(|other| *other == class).count();
            if number > 2 {
                continue;
            }
            let stop = Stop { class: class.clone(), number, stage: Stage::Arrived };
            sleep(bench, &start, &stop, seed)
                .map_err(|told| format!("{name}/{seed} {class}#{number}: {told}"))?;
        }
        Ok(())
    });
    none(&failed);
}

fn sleep(bench: &Bench, start: &Start, at: &Stop, seed: u64) -> Result<(), String> {
    let mut world = bench.restore(&start.snapshot);
    let mut witness = Witness::of(&world);
    world.begin_with_pause(at.clone());
    let child = spawn(&world, &start.arguments);
    if !world.is_waiting() {
        ended(&mut world, child);
        return Err("it was not reached".into());
    }
    send("-STOP", &child);
    world.pass(120);
    world.go_on();
    send("-CONT", &child);
    let ran = ended(&mut world, child);
    let told = |problem: String| format!("{problem}\n{}{}", ran.stdout, ran.stderr);
    witness.safe(&world).map_err(told)?;
    // Of the keys that were made before the sleep, those enabled after it are none that a run has called live.
    let truth = world.sandbox.truth();
    let sealed = world.sealed()?;
    for entry in sealed.iter().flat_map(|sealed| &sealed.keys) {
        let Some(key) = truth.key(entry.id.as_str()) else { continue };
        let enabled = key.history.iter().find(|(_, what)| what == "enabled").map(|(at, _)| *at);
        let is_late = enabled.is_some_and(|at| at.duration_since(key.created).as_secs() > 20 * 60);
        if is_late && entry.state == keycomb::model::KeyState::Live {
            return Err(told(format!("called live and late: {key:?}")));
        }
        if is_late && ran.exit != Some(10) {
            return Err(told(format!("released late, and exit {:?}", ran.exit)));
        }
    }
    comes_right(&mut world, start, &mut witness, seed)
}

/// Nobody reads the result: closed before anything is said.
#[test]
fn an_apply_whose_stdout_is_closed_is_carried_out() {
    let bench = Bench::new();
    for arguments in [apply(&[]), apply(&["--format", "json"])] {
        let start = setup(&bench, "create", 1);
        let mut world = bench.restore(&start.snapshot);
        let mut witness = Witness::of(&world);
        world.begin(None);
        let mut child = spawn(&world, &arguments);
        drop(child.stdout.take());
        let ran = ended(&mut world, child);
        assert_eq!(ran.exit, Some(0), "{}", ran.stderr);
        witness.safe(&world).unwrap();
        witness.converged(&world).unwrap();
    }
}

/// Nobody hears what is said, by a closed pipe or a full disk, however much is said: everything is done all the same.
#[test]
fn an_apply_whose_stderr_cannot_be_written_is_carried_out() {
    let bench = Bench::new();
    for full in [false, true] {
        let start = setup(&bench, "create", 1);
        let mut world = bench.restore(&start.snapshot);
        let mut witness = Witness::of(&world);
        world.begin(None);
        let mut command = world.command(&How::Plainly, &world.folder());
        command.args(&start.arguments).stdout(Stdio::piped());
        command.stderr(if full { Stdio::from(full_disk()) } else { Stdio::piped() });
        let mut child = command.spawn().unwrap();
        drop(child.stderr.take());
        let ran = ended(&mut world, child);
        assert_eq!(ran.exit, Some(0), "full: {full}\n{}", ran.stdout);
        witness.safe(&world).unwrap();
        witness.converged(&world).unwrap();
    }
}

fn full_disk() -> File {
    File::options().write(true).open("/dev/full").expect("these tests need /dev/full")
}

/// What cannot be shown is not begun; what was done and cannot be reported is told on stderr.
#[test]
fn a_report_that_cannot_be_written_is_told_on_stderr() {
    let bench = Bench::new();
    let run = |world: &mut World<'_>, arguments: &[String]| {
        world.begin(None);
        let mut command = world.command(&How::Plainly, &world.folder());
        command.args(arguments).stdout(full_disk()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        ended(world, child)
    };
    let start = setup(&bench, "create", 1);
    let mut world = bench.restore(&start.snapshot);
    let ran = run(&mut world, &apply(&[]));
    assert_eq!(ran.exit, Some(1), "{}", ran.stderr);
    assert!(world.asked().iter().all(|class| class.starts_with("GET")), "{:?}", world.asked());

    let mut world = bench.restore(&start.snapshot);
    let mut witness = Witness::of(&world);
    let ran = run(&mut world, &apply(&["--format", "json"]));
    assert_eq!(ran.exit, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("cannot write the result to stdout"), "{}", ran.stderr);
    assert!(ran.stderr.contains("Apply: "), "no report:\n{}", ran.stderr);
    witness.safe(&world).unwrap();
    witness.converged(&world).unwrap();
}

/// A reader that does not read: the plan does not fit into the pipe, nothing is begun, and signals end it.
#[test]
fn an_apply_before_a_full_pipe_begins_nothing_and_can_be_ended() {
    let bench = Bench::new();
    let mut world = bench.fresh(1);
    let mut text = String::from("[environment.production]\n");
    for n in 0..600 {
        text += &format!("[key.k{n}]\nenvironment = \"production\"\ntype = \"ingest\"\n");
    }
    world.declare(&text);
    for read_on in [false, true] {
        world.begin(None);
        let mut child = spawn(&world, &apply(&["--color", "never"]));
        let mut first = [0; 1];
        child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
        assert!(world.asked().iter().all(|class| class.starts_with("GET")));
        if read_on {
            send("-INT", &child);
            let ran = ended(&mut world, child);
            assert_eq!(ran.exit, Some(130), "{}", ran.stderr);
            assert!(ran.stdout.contains("not started"), "{}", ran.stdout);
        } else {
            send("-INT", &child);
            std::thread::sleep(Duration::from_millis(300));
            send("-INT", &child);
            // Waited for with its pipe still full.
            let code = child.wait().unwrap().code();
            assert_eq!(code, Some(130));
        }
        assert!(world.asked().iter().all(|class| class.starts_with("GET")), "{:?}", world.asked());
    }
}
