//! Every scenario, every boundary, some fates, many teams.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Instant;

use fastrand::Rng;

use crate::case::{Case, Tally, attack, boundaries};
use crate::point::{Fate, Point};
use crate::scenario::{ALL, Scenario};
use crate::strace;
use crate::world::{Bench, none, side_by_side};

/// What all cases together came to.
#[derive(Default)]
struct Sum {
    cases: usize,
    tally: Tally,
    /// By scenario and kind: the distinct boundaries.
    points: BTreeMap<&'static str, BTreeMap<String, BTreeSet<Point>>>,
    fates: BTreeMap<&'static str, usize>,
    failed: Vec<String>,
}

pub fn rng_of(seed: u64, text: &str) -> Rng {
    let mixed = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ mixed)
}

/// Which boundaries of a scenario are tried.
#[derive(Clone, Copy)]
pub enum Choice {
    /// One of each kind, roughly told apart.
    Few,
    /// One of each kind: of each team others.
    Sample,
    All,
}

pub fn choose(points: Vec<Point>, choice: Choice, rng: &mut Rng) -> Vec<Point> {
    let kind = match choice {
        Choice::Few => Point::rough_kind,
        Choice::Sample => Point::kind,
        Choice::All => return points,
    };
    let mut kinds: BTreeMap<String, Vec<Point>> = BTreeMap::new();
    for point in points {
        kinds.entry(kind(&point)).or_default().push(point);
    }
    kinds.into_values().map(|mut alike| alike.swap_remove(rng.usize(..alike.len()))).collect()
}

/// All cases of one scenario and one team.
fn team(bench: &Bench, (name, setup): Scenario, seed: u64, choice: Choice, sum: &Mutex<Sum>) {
    let start = setup(bench, &mut rng_of(seed, name), seed);
    let points = boundaries(bench, &start);
    for point in choose(points, choice, &mut rng_of(seed, name)) {
        let mut rng = rng_of(seed, &format!("{name} {point}"));
        let fate = *rng.choice(&Fate::at(&point)).unwrap();
        let case = Case { scenario: name, seed, point, fate };
        let ended = attack(bench, &start, &case, &mut rng);
        sum.lock().unwrap().add(&case, ended);
    }
}

impl Sum {
    fn add(&mut self, case: &Case, ended: Result<Tally, String>) {
        self.cases += 1;
        let kinds = self.points.entry(case.scenario).or_default();
        kinds.entry(case.point.kind()).or_default().insert(case.point.clone());
        *self.fates.entry(case.fate.as_str()).or_default() += 1;
        match ended {
            Ok(Tally { runs, missed, kept, blocked, searched }) => {
                self.tally.runs += runs;
                self.tally.missed += missed;
                self.tally.kept += kept;
                self.tally.blocked += blocked;
                self.tally.searched += searched;
            }
            Err(told) => self.failed.push(format!(
                "{case}: {told}\nagain: KEYCOMB_CRASH_CASE='{case}' cargo test --test crash sweep\n"
            )),
        }
    }

    fn print(&self, seeds: usize, begun: Instant) {
        let mut distinct = 0;
        for (scenario, kinds) in &self.points {
            let points: usize = kinds.values().map(BTreeSet::len).sum();
            distinct += points;
            println!("{scenario}: {points} points");
            for (kind, points) in kinds {
                println!("    {kind}: {}", points.len());
            }
        }
        let Tally { runs, missed, kept, blocked, searched } = self.tally;
        let scenarios = self.points.len();
        println!(
            "{distinct} distinct points of {scenarios} scenarios, {} of each of {seeds} teams",
            self.cases / seeds
        );
        println!("{} cases, {runs} runs, {searched} bytes searched, {:?}", self.cases, begun.elapsed());
        println!("fates: {:?}, {kept} of them kept instead", self.fates);
        println!(
            "{missed} cases ended before their point; {blocked} left to a person after the journal was lost"
        );
        println!(
            "violations: {} (secrets lost, live keys unsealed, duplicates, others' objects written, leaked bytes: {})",
            self.failed.len(),
            if self.failed.is_empty() { "0 each" } else { "see below" }
        );
    }
}

fn sweep(scenarios: &[Scenario], seeds: &[u64], choice: Choice) -> Sum {
    let jobs = seeds.iter().flat_map(|seed| scenarios.iter().map(move |scenario| (*scenario, *seed)));
    let sum = Mutex::new(Sum::default());
    let failed = side_by_side(jobs.collect(), |bench, (scenario, seed)| {
        team(bench, scenario, seed, choice, &sum);
        Ok(())
    });
    sum.lock().unwrap().failed.extend(failed);
    sum.into_inner().unwrap()
}

pub fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// A sample; or as many teams as `KEYCOMB_CRASH_SEEDS` says, with a point of every kind, or with all of them if
/// `KEYCOMB_CRASH_ALL` is set; or the one `KEYCOMB_CRASH_CASE`. `KEYCOMB_CRASH_ONLY` is the beginning of the names of
/// the scenarios that count.
#[test]
fn sweep_of_every_boundary() {
    strace::require();
    if let Ok(text) = std::env::var("KEYCOMB_CRASH_CASE") {
        return again(&text);
    }
    let begun = Instant::now();
    let is_all = number("KEYCOMB_CRASH_ALL").is_some();
    let (seeds, choice) = match number("KEYCOMB_CRASH_SEEDS") {
        Some(seeds) => ((1..=seeds).collect(), if is_all { Choice::All } else { Choice::Sample }),
        None => (vec![1], Choice::Few),
    };
    let only = std::env::var("KEYCOMB_CRASH_ONLY").unwrap_or_default();
    let scenarios: Vec<Scenario> = ALL.into_iter().filter(|(name, _)| name.starts_with(&only)).collect();
    let sum = sweep(&scenarios, &seeds, choice);
    sum.print(seeds.len(), begun);
    none(&sum.failed);
    // Where a run often ends before its point, the dry run does not tell what a run does.
    assert!(sum.tally.missed * 20 <= sum.cases, "{} of {} were not reached", sum.tally.missed, sum.cases);
}

fn again(text: &str) {
    let parts: Vec<&str> = text.split('/').collect();
    let [scenario, seed, point, fate] = parts[..] else { panic!("SCENARIO/SEED/POINT/FATE, not {text}") };
    let scenario = *ALL.iter().find(|(name, _)| *name == scenario).expect("no such scenario");
    let fate = Fate::ALL.into_iter().find(|one| one.as_str() == fate).expect("no such fate");
    let seed = seed.parse().unwrap();
    let bench = Bench::new();
    let start = scenario.1(&bench, &mut rng_of(seed, scenario.0), seed);
    let case = Case { scenario: scenario.0, seed, point: point.parse().expect("no such point"), fate };
    let mut rng = rng_of(seed, &format!("{} {}", case.scenario, case.point));
    // Chosen here too, so that everything after it is as it was.
    rng.choice(&Fate::at(&case.point)).unwrap();
    attack(&bench, &start, &case, &mut rng).unwrap_or_else(|told| panic!("{case}: {told}"));
}
