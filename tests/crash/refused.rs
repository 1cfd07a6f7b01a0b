//! The disk refuses: full, failing, read-only, interrupting (rows 53 to 55 of the fault matrix). Nothing is live then
//! that is not sealed, the exit code says so, and the next run puts everything right.

use std::collections::BTreeMap;
use std::process::Stdio;

use crate::case::{Tally, go_on, search};
use crate::check::Witness;
use crate::point::{Call, Fate};
use crate::scenario::{self, ALL, Start};
use crate::strace;
use crate::sweep::{number, rng_of};
use crate::world::{Bench, How, none, side_by_side};

/// What a call is refused with, and whether it stays so.
const REFUSALS: [(&str, &str, &str); 9] = [
    ("write", "ENOSPC", ""),
    ("write", "ENOSPC", "+"),
    ("write", "EDQUOT", "+"),
    ("write", "EINTR", ""),
    ("fsync", "EIO", ""),
    ("fsync", "EIO", "+"),
    ("fsync", "EINTR", ""),
    ("openat", "EROFS", ""),
    ("openat", "EACCES", "+"),
];

/// Scenarios in which all kinds of writing happen.
const SCENARIOS: [&str; 4] = ["first", "create", "update", "settle-sealed-young"];

struct Refusal {
    call: Call,
    error: &'static str,
    lasts: &'static str,
}

impl Refusal {
    fn rule(&self) -> String {
        let Self { call: Call { call, number, .. }, error, lasts } = self;
        format!("{call}:error={error}:when={number}{lasts}")
    }
}

#[test]
fn a_disk_that_refuses_anything_leaves_nothing_live_unsealed() {
    strace::require();
    let seeds: Vec<u64> = (1..=number("KEYCOMB_CRASH_SEEDS").unwrap_or(1)).collect();
    let is_sample = number("KEYCOMB_CRASH_SEEDS").is_none();
    let jobs = seeds.iter().flat_map(|seed| SCENARIOS.map(|name| (name, *seed)));
    let failed = side_by_side(jobs.collect(), |bench, (name, seed)| {
        let setup = ALL.iter().find(|(one, _)| *one == name).unwrap().1;
        let start = setup(bench, &mut rng_of(seed, name), seed);
        let mut told = Vec::new();
        for refusal in refusals(bench, &start, is_sample, seed) {
            if let Err(problem) = refuse(bench, &start, &refusal, seed) {
                told.push(format!("{name}/{seed} {} {}: {problem}", refusal.rule(), refusal.call.to));
            }
        }
        if told.is_empty() { Ok(()) } else { Err(told.join("\n")) }
    });
    none(&failed);
}

/// All of them, or one of each kind.
fn refusals(bench: &Bench, start: &Start, is_sample: bool, seed: u64) -> Vec<Refusal> {
    let mut world = bench.restore(&start.snapshot);
    let calls = world.run(&start.arguments, &How::Watched(None)).unwrap().calls;
    let mut kinds: BTreeMap<String, Vec<Refusal>> = BTreeMap::new();
    for (name, error, lasts) in REFUSALS {
        for seen in &calls {
            if seen.call.call == name && (name != "openat" || seen.creates) {
                let kind = format!("{name} {error}{lasts} {}", seen.call.to);
                kinds.entry(kind).or_default().push(Refusal { call: seen.call.clone(), error, lasts });
            }
        }
    }
    let mut rng = rng_of(seed, "refusals");
    let mut of_kind = |mut alike: Vec<Refusal>| match is_sample {
        true => vec![alike.swap_remove(rng.usize(..alike.len()))],
        false => alike,
    };
    kinds.into_values().flat_map(&mut of_kind).collect()
}

fn refuse(bench: &Bench, start: &Start, refusal: &Refusal, seed: u64) -> Result<(), String> {
    let mut world = bench.restore(&start.snapshot);
    let mut witness = Witness::of(&world);
    let rule = refusal.rule();
    let ran = world.run(&start.arguments, &How::Watched(Some(&rule)))?;
    let told = || format!("{:?}\n{}{}", ran.exit, ran.stdout, ran.stderr);
    witness.safe(&world).map_err(|problem| format!("{problem}\n{}", told()))?;
    // Interrupted is not refused; the lock is taken before anything is asked for.
    let expected = if refusal.error == "EINTR" { 0 } else { 9 };
    if ran.exit != Some(expected) {
        return Err(format!("exit {expected} was due: {}", told()));
    }
    let asked = world.asked();
    let is_early = matches!(refusal.call.to.as_str(), "lock");
    if expected == 9 && is_early && asked.iter().any(|class| !class.starts_with("GET")) {
        return Err(format!("something was asked for: {}", told()));
    }
    let mut tally = Tally::default();
    go_on(&mut world, start, Fate::Kept, &mut witness, &mut tally, &mut rng_of(seed, &rule))?;
    search(&world, &mut tally)
}

/// A disk that is full in the middle of a write: part of it is there. A limit on a file's size does the same.
#[test]
fn a_disk_that_is_full_in_the_middle_of_a_write_leaves_nothing_live_unsealed() {
    let seeds = number("KEYCOMB_CRASH_SEEDS").unwrap_or(1);
    let jobs = (1..=seeds).flat_map(|seed| [1, 2, 3, 4, 5, 6, 8, 10].map(|blocks| (seed, blocks)));
    let failed = side_by_side(jobs.collect(), |bench, (seed, blocks)| {
        let start = (ALL[1].1)(bench, &mut rng_of(seed, "limit"), seed);
        let mut world = bench.restore(&start.snapshot);
        let mut witness = Witness::of(&world);
        world.begin(None);
        let plain = world.command(&How::Plainly, &world.folder());
        // 512 bytes or 1 KiB a block, as the shell has it: either way it ends in the middle of some write.
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let mut limited = std::process::Command::new("sh");
        limited.args(["-c", &script]).arg(plain.get_program()).args(plain.get_args());
        limited.env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        limited.current_dir(world.folder()).args(scenario::apply(&[])).stdin(Stdio::null());
        let ran = limited.output().unwrap();
        let text = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
        let told = |problem: String| format!("seed {seed}, {blocks} blocks: {problem}\n{text}");
        witness.safe(&world).map_err(told)?;
        if ![Some(9), Some(0)].contains(&ran.status.code()) {
            return Err(told(format!("{:?}", ran.status)));
        }
        let mut tally = Tally::default();
        go_on(&mut world, &start, Fate::Kept, &mut witness, &mut tally, &mut rng_of(seed, "limit"))
            .map_err(told)?;
        search(&world, &mut tally).map_err(told)
    });
    none(&failed);
}
