//! A saved plan is cut off anywhere, and its own file finishes it: once, and no more than it says.

use fastrand::Rng;

use crate::case::boundaries;
use crate::check::Witness;
use crate::point::{Fate, Point};
use crate::scenario::{Start, before_create, four_keys};
use crate::sweep::{Choice, choose, rng_of};
use crate::world::{Bench, How, World, none, side_by_side};

const PLAN: &str = "plan.json";

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn start(mut world: World<'_>) -> Start {
    let ran = world.run(&words(&["plan", "--out", PLAN, "--valid-for", "60d"]), &How::Plainly).unwrap();
    assert_eq!(ran.exit, Some(0), "{}\n{}", ran.stdout, ran.stderr);
    Start {
        snapshot: world.snapshot(),
        arguments: words(&["apply", PLAN, "-vv"]),
        is_staged: false,
        is_rotation: false,
        revoked: None,
    }
}

/// An environment and keys are to come.
fn create(bench: &Bench, rng: &mut Rng, seed: u64) -> Start {
    let (snapshot, _) = before_create(bench, rng, seed);
    start(bench.restore(&snapshot))
}

/// Keys and their environment are changed, one is retired, one is to come.
fn change(bench: &Bench, rng: &mut Rng, seed: u64) -> Start {
    let (world, mut team, labels, mut names) = four_keys(bench, rng, seed);
    team.key(&labels[1]).name = Some("renamed".into());
    team.change_permissions(&labels[2]);
    team.key(&labels[3]).enabled = false;
    let environment = team.key(&labels[0]).environment.clone();
    team.keys.retain(|key| key.label != labels[0]);
    team.environments[0].color = Some("green");
    team.add_key(&mut names, &environment, false, rng);
    world.declare(&team.text());
    start(world)
}

/// Runs the same file again until it says that it was carried out.
fn finishes(bench: &Bench, start: &Start, point: &Point) -> Result<(), String> {
    let mut world = bench.restore(&start.snapshot);
    let mut witness = Witness::of(&world);
    let mut rule = String::new();
    world.run(&start.arguments, &World::how(point, Fate::Kept, &mut rule))?;
    let mut told = vec![];
    // At once, within the deadline, after the grace, and once more.
    for minutes in [0, 3, 70, 70] {
        world.pass(minutes);
        let ran = world.run(&start.arguments, &How::Plainly)?;
        told.push(format!("{:?}\n{}{}", ran.exit, ran.stdout, ran.stderr));
        witness.safe(&world).map_err(|problem| format!("{problem}\n{}", told.concat()))?;
    }
    let all = told.concat();
    let last = told.pop().unwrap_or_default();
    if !last.starts_with("Some(6)") || !last.contains("carried out already") {
        let plan = world.run(&words(&["plan"]), &How::Plainly)?;
        return Err(format!("its own file did not finish it:\n{}{all}", plan.stdout));
    }
    witness.converged(&world).map_err(|problem| format!("{problem}\n{all}"))?;
    let plan = world.run(&words(&["plan", "--detailed-exitcode"]), &How::Plainly)?;
    if plan.exit == Some(0) { Ok(()) } else { Err(format!("something is left:\n{}{all}", plan.stdout)) }
}

#[test]
fn a_saved_plan_that_was_cut_off_is_finished_by_its_own_file() {
    type Setup = fn(&Bench, &mut Rng, u64) -> Start;
    let is_all = std::env::var_os("KEYCOMB_CRASH_ALL").is_some();
    let choice = if is_all { Choice::All } else { Choice::Few };
    let setups: [(&str, Setup); 2] = [("create", create), ("change", change)];
    let failed = side_by_side(setups.to_vec(), |bench, (name, setup)| {
        let start = setup(bench, &mut rng_of(1, name), 1);
        let points = boundaries(bench, &start);
        assert!(points.len() > 20, "{name}: {points:?}");
        let chosen = choose(points, choice, &mut rng_of(1, name));
        let ended = chosen.into_iter().map(|point| {
            finishes(bench, &start, &point).map_err(|problem| format!("saved {name} {point}: {problem}"))
        });
        let failed: Vec<String> = ended.filter_map(Result::err).collect();
        if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
    });
    none(&failed);
}
