//! What many runs come to.

use std::collections::BTreeMap;

use super::RehearseError;
use super::attempt::attempt;
use super::checks::Rule;
use super::repository::Repository;
use super::run::Ran;
use super::trouble::Trouble;
use super::world::World;
use crate::model::Desired;
use crate::sandbox::{ByHand, Switches};

/// The sum of runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many runs.
    pub runs: u64,
    /// How many of them came to rest, with nothing broken.
    pub rested: u64,
    /// How often each kind of trouble happened.
    pub trouble: BTreeMap<String, u64>,
    broken: BTreeMap<Rule, u64>,
}

impl Tally {
    /// Adds a run.
    pub fn add(&mut self, ran: &Ran) {
        self.runs += 1;
        self.rested += u64::from(ran.broken.is_empty());
        for (kind, count) in &ran.trouble {
            *self.trouble.entry(kind.clone()).or_default() += count;
        }
        for broken in &ran.broken {
            *self.broken.entry(broken.rule).or_default() += u64::try_from(broken.count).unwrap_or(u64::MAX);
        }
    }

    /// How often a rule was broken; of [`Rule::Leaked`] the bytes.
    pub fn broken(&self, rule: Rule) -> u64 {
        self.broken.get(&rule).copied().unwrap_or(0)
    }
}

/// How many requests things take when nothing goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calls {
    /// A first apply, with the plan that it begins with.
    pub apply: usize,
    /// A plan after it.
    pub plan: usize,
    /// Of those of the apply, the ones that write.
    pub writes: usize,
}

/// Applies a whole configuration once, and plans.
pub(super) async fn calls(desired: &Desired) -> Result<Calls, RehearseError> {
    let world = World::new(&desired.team, 1, None, Switches::default()).await?;
    for environment in desired.environments.values().filter(|e| e.reference) {
        world.sandbox.by_hand(ByHand::CreateEnvironment { name: environment.name.clone() });
    }
    let folder = tempfile::tempdir().map_err(RehearseError::Folder)?;
    let repository = Repository::new("disk", folder.path(), 1, &mut fastrand::Rng::with_seed(1))?;
    let Some(disk) = repository.disks.first() else { return Ok(Calls { apply: 0, plan: 0, writes: 0 }) };
    attempt(&world, &repository, disk, desired, &Trouble::default(), 1).await?;
    let requests = world.sandbox.requests();
    let (apply, writes) = (requests.len(), requests.iter().filter(|r| r.method != "GET").count());
    world.sandbox.clear_requests();
    attempt(&world, &repository, disk, desired, &Trouble::default(), 2).await?;
    Ok(Calls { apply, writes, plan: world.sandbox.requests().len() })
}
