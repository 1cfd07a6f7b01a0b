//! Where a run that changes the record alone is cut off: nothing is ever sent, so all of it is the disk's.

use fastrand::Rng;

use crate::scenario::{Start, four_keys};
use crate::world::{Bench, World};

fn start(world: &World<'_>, arguments: &[&str]) -> Start {
    let arguments = arguments.iter().chain(&["--yes", "-vv"]).map(|&word| word.to_owned()).collect();
    Start { snapshot: world.snapshot(), arguments, is_staged: false, is_rotation: false, revoked: None }
}

/// Everything that others made is taken under management, beside keys of ours or into the first sealed file: files and
/// record are cut off from each other.
pub fn adopt(bench: &Bench, rng: &mut Rng, seed: u64) -> Start {
    let world = if rng.bool() {
        four_keys(bench, rng, seed).0
    } else {
        let world = bench.fresh(seed);
        world.declare("");
        world
    };
    start(&world, &["adopt", "--all", "--write", "adopted"])
}

/// A key, or an environment with all its keys, has another label in the files.
pub fn mv(bench: &Bench, rng: &mut Rng, seed: u64) -> Start {
    let (world, mut team, labels, _) = four_keys(bench, rng, seed);
    let home = team.environments[0].label.clone();
    if rng.bool() {
        let key = team.key(rng.choice(&labels).unwrap());
        let old = std::mem::replace(&mut key.label, "moved".to_owned());
        world.declare(&team.text());
        return start(&world, &["mv", &format!("key.{home}.{old}"), &format!("key.{home}.moved")]);
    }
    let text = team
        .text()
        .replace(&format!("[environment.{home}]\n"), &format!("[environment.moved]\nname = \"{home}\"\n"));
    world.declare(&text.replace(&format!("environment = \"{home}\""), "environment = \"moved\""));
    start(&world, &["mv", &format!("environment.{home}"), "environment.moved"])
}
