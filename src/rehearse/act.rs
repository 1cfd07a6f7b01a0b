//! What others do between two calls of a process: people, a second process, the machine itself.

use std::path::Path;
use std::time::Duration;

use super::checks::{Broken, Rule};
use super::world::World;
use crate::model::{Lineage, Nonce, Provisional, TeamSlug, Timestamp};
use crate::sandbox::{ByHand, KeyTruth, KeyType};
use crate::seal::{Holder, Keeper, SealError};

/// Something that happens. What it happens to is chosen when it does, by a number that counts around.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// A person renames a key.
    Rename(usize),
    /// A person disables a key.
    Disable(usize),
    /// A person enables a key.
    Enable(usize),
    /// A person deletes a key.
    Delete(usize),
    /// A person makes a key named as a declared one.
    MakeSame { name: String, key_type: KeyType, environment: String },
    /// A person makes a key whose name looks provisional, and is not.
    MakeLookalike(usize),
    /// Everything but the service sleeps.
    Sleep(Duration),
    /// A second process on this disk.
    SecondProcess { team: TeamSlug, endpoint: crate::model::Endpoint },
}

impl Act {
    /// What it is counted as.
    fn kind(&self) -> &'static str {
        match self {
            Self::Rename(_) => "renamed by hand",
            Self::Disable(_) => "disabled by hand",
            Self::Enable(_) => "enabled by hand",
            Self::Delete(_) => "deleted by hand",
            Self::MakeSame { .. } => "made by hand, of a declared name",
            Self::MakeLookalike(_) => "made by hand, with a provisional-looking name",
            Self::Sleep(_) => "machine slept",
            Self::SecondProcess { .. } => "second process on the disk",
        }
    }

    /// Does it, if there is something to do it to.
    pub(super) fn happen(&self, world: &World, path: &Path) {
        let Some(told) = self.done(world, path) else { return };
        world.trouble(self.kind());
        world.step(format!("  {}: {told}", self.kind()));
    }

    fn done(&self, world: &World, path: &Path) -> Option<String> {
        let by_hand = |act| world.sandbox.by_hand(act);
        match self {
            Self::Rename(n) => {
                let key = chosen(world, *n, |key| !key.made_as.is_empty())?;
                by_hand(ByHand::Rename { id: key.id.clone(), name: "renamed by hand".into() })?;
                Some(told(&key))
            }
            Self::Disable(n) => {
                let key = chosen(world, *n, |key| !key.disabled)?;
                by_hand(ByHand::Disable { id: key.id.clone() })?;
                Some(told(&key))
            }
            Self::Enable(n) => {
                let key = chosen(world, *n, |key| key.disabled)?;
                by_hand(ByHand::Enable { id: key.id.clone() })?;
                Some(told(&key))
            }
            Self::Delete(n) => {
                let key = chosen(world, *n, |_| true)?;
                by_hand(ByHand::DeleteKey { id: key.id.clone() })?;
                Some(told(&key))
            }
            Self::MakeSame { name, key_type, environment } => {
                let environment = environment_named(world, environment)?;
                let (name, key_type) = (name.clone(), *key_type);
                let told = format!("`{name}`");
                by_hand(ByHand::CreateKey { key_type, environment, name, disabled: false })?;
                Some(told)
            }
            Self::MakeLookalike(n) => {
                let environment =
                    world.sandbox.truth().environments.into_iter().find(|e| e.deleted.is_none())?.id;
                let name = lookalike(*n)?;
                let told = format!("`{name}`");
                let key_type = KeyType::Configuration;
                by_hand(ByHand::CreateKey { key_type, environment, name, disabled: true })?;
                Some(told)
            }
            Self::Sleep(time) => {
                world.clock.jump(*time);
                Some(format!("{} min", time.as_secs() / 60))
            }
            Self::SecondProcess { team, endpoint } => {
                let lineage = Lineage::from_random([1; 16]);
                match Keeper::open(path, team, endpoint, lineage, &holder(world.now())) {
                    Err(SealError::Locked { .. }) => Some("it is locked out".to_owned()),
                    _ => {
                        let text = "a second process opened the record of a running one";
                        world.broken(Broken::new(Rule::Record, text));
                        None
                    }
                }
            }
        }
    }
}

/// One of the keys that keycomb made, if any is there.
fn chosen(world: &World, n: usize, may: impl Fn(&KeyTruth) -> bool) -> Option<KeyTruth> {
    let truth = world.sandbox.truth();
    let of_ours = |key: &&KeyTruth| Provisional::parse(&key.made_as).is_some() && may(key);
    let keys: Vec<&KeyTruth> = truth.live_keys().filter(of_ours).collect();
    keys.get(n.checked_rem(keys.len())?).map(|key| (*key).clone())
}

fn told(key: &KeyTruth) -> String {
    format!("`{}`", key.name)
}

fn environment_named(world: &World, name: &str) -> Option<String> {
    let truth = world.sandbox.truth();
    truth.environments.into_iter().find(|e| e.deleted.is_none() && e.name == name).map(|e| e.id)
}

/// A name with a wrong check, or of another lineage.
fn lookalike(n: usize) -> Option<String> {
    let address = "key.somewhere.else".parse().ok()?;
    let nonce = Nonce::from_random([u8::try_from(n % 32).ok()?; 16]);
    let mut name = Provisional::new(&Lineage::from_random([3; 16]), &address, nonce).name();
    if n.is_multiple_of(2) {
        let last = name.pop()?;
        name.push(if last == '7' { '8' } else { '7' });
    }
    Some(name)
}

/// Who holds a lock in a rehearsal.
pub(super) fn holder(started: Timestamp) -> Holder {
    Holder { pid: 1, host: "rehearsal".into(), user: None, started, command: "keycomb apply".into() }
}
