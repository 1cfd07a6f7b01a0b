//! What holds of every single run, whatever it finds and leaves.

use std::collections::BTreeSet;

use keycomb::model::Provisional;

use crate::world::World;

/// The service before a run.
pub struct Before {
    enabled: usize,
}

impl Before {
    pub fn of(world: &World<'_>) -> Self {
        Self { enabled: enabled(world) }
    }

    /// After a run with these arguments: no key was asked for again (step 4), and what only stages enabled none.
    pub fn held(&self, world: &World<'_>, arguments: &[String]) -> Result<(), String> {
        let mut tags = BTreeSet::new();
        for name in world.asked_for() {
            let mark = Provisional::parse(&name).ok_or_else(|| format!("step 4: asked for as {name}"))?;
            if !tags.insert(mark.tag) {
                return Err(format!("step 4: asked for again in one run: {name}"));
            }
        }
        let only_stages = arguments.iter().any(|word| word == "--stage");
        if only_stages && enabled(world) != self.enabled {
            return Err("S1: staged, and enabled before the record was home".into());
        }
        Ok(())
    }
}

/// How often any key was enabled.
fn enabled(world: &World<'_>) -> usize {
    let keys = world.sandbox.truth().keys;
    keys.iter().flat_map(|key| &key.history).filter(|(_, what)| what == "enabled").count()
}
