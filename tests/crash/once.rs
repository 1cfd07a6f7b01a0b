//! What holds of every single run, whatever it finds and leaves.

use std::collections::{BTreeMap, BTreeSet};

use keycomb::model::Provisional;
use keycomb::sandbox::Truth;

use crate::world::World;

/// The service before a run.
pub struct Before {
    keys: BTreeSet<String>,
    enabled: usize,
}

impl Before {
    pub fn of(world: &World<'_>) -> Self {
        let truth = world.sandbox.truth();
        Self { enabled: enabled(&truth), keys: truth.keys.into_iter().map(|key| key.id).collect() }
    }

    /// After a run with these arguments: no key was asked for twice (step 4), and what only stages enabled none.
    pub fn held(&self, world: &World<'_>, arguments: &[String]) -> Result<(), String> {
        let truth = world.sandbox.truth();
        let mut made: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for key in truth.keys.iter().filter(|key| !self.keys.contains(&key.id)) {
            if let Some(mark) = Provisional::parse(&key.made_as) {
                made.entry(mark.tag).or_default().push(&key.id);
            }
        }
        if let Some(twice) = made.values().find(|ids| ids.len() > 1) {
            return Err(format!("step 4: asked for again in one run: {twice:?}"));
        }
        let only_stages = arguments.iter().any(|word| word == "--stage");
        if only_stages && enabled(&truth) != self.enabled {
            return Err(format!("S1: staged, and enabled before the record was home: {truth:?}"));
        }
        Ok(())
    }
}

/// How often any key was enabled.
fn enabled(truth: &Truth) -> usize {
    truth.keys.iter().flat_map(|key| &key.history).filter(|(_, what)| what == "enabled").count()
}
