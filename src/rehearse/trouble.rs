//! The menu of trouble, and what of it one apply gets.

use std::time::Duration;

use fastrand::Rng;

use super::act::Act;
use super::disk::Ailment;
use super::life::Death;
use crate::model::{Desired, KeyType};
use crate::sandbox;

/// What goes wrong with one process.
#[derive(Debug, Clone, Default)]
pub(super) struct Trouble {
    /// At the service, and on the way to it.
    pub(super) faults: Vec<String>,
    pub(super) death: Option<Death>,
    pub(super) stop_at: Option<u64>,
    pub(super) ailment: Option<Ailment>,
    pub(super) acts: Vec<(u64, Act)>,
    /// How wrong the local clock is, in seconds.
    pub(super) skew: i64,
    /// The disk is a runner's and goes with the process, which therefore only stages.
    pub(super) on_runner: bool,
}

/// What happens to the disk after a process was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aftermath {
    Kept,
    PowerCut,
    Wiped,
}

impl Trouble {
    /// For one process, by chance. What another disk made and did not commit can be told by its name in a listing, and
    /// by nothing else: only a disk that `is_alone` meets listings that lag, and people who rename.
    pub(super) fn choose(desired: &Desired, is_alone: bool, chance: &mut Rng) -> Self {
        let mut trouble = Self::default();
        let faults = [0, 0, 1, 1, 2, 3];
        for _ in 0..chance.choice(faults).unwrap_or_default() {
            trouble.faults.push(fault(is_alone, chance));
        }
        // A listing that lags does so for a while.
        if is_alone && chance.u8(..6) == 0 {
            let hidden = chance.choice([1, 3, 99]).unwrap_or(1);
            trouble.faults.push(format!("stale-list:GET:api-keys@{}+={hidden}", chance.u8(1..4)));
        }
        match chance.u8(..10) {
            0..2 => trouble.death = Some(Death::BeforeCall(call(chance))),
            2..4 => trouble.death = Some(Death::AfterCall(call(chance))),
            4..6 => trouble.death = Some(Death::AtDisk(chance.u64(1..60))),
            6 => trouble.ailment = Some(Ailment::FailsAt(chance.u64(1..60))),
            7 => trouble.ailment = Some(Ailment::FullFrom(chance.u64(1..60))),
            8 => trouble.stop_at = Some(call(chance)),
            _ => {}
        }
        if chance.u8(..3) == 0 {
            for _ in 0..chance.u8(1..3) {
                trouble.acts.push((call(chance), act(desired, is_alone, chance)));
            }
        }
        if chance.u8(..5) == 0 {
            trouble.skew = chance.i64(-400_000_000..400_000_000);
        }
        trouble
    }

    /// In words.
    pub(super) fn told(&self) -> String {
        let Self { faults, death, stop_at, ailment, acts: _, skew, on_runner } = self;
        let mut told = faults.clone();
        if *on_runner {
            told.push("staged on a runner".to_owned());
        }
        told.extend(death.map(|death| match death {
            Death::BeforeCall(n) => format!("killed before call {n}"),
            Death::AfterCall(n) => format!("killed after call {n}"),
            Death::AtDisk(n) => format!("killed in disk operation {n}"),
        }));
        told.extend(stop_at.map(|n| format!("asked to stop at call {n}")));
        told.extend(ailment.map(|ailment| match ailment {
            Ailment::FullFrom(n) => format!("disk full from operation {n}"),
            Ailment::FailsAt(n) => format!("disk operation {n} fails"),
        }));
        if *skew != 0 {
            told.push(format!("local clock wrong by {} days", skew / 86_400));
        }
        if told.is_empty() { "no trouble".to_owned() } else { told.join(", ") }
    }
}

impl Aftermath {
    pub(super) fn choose(chance: &mut Rng) -> Self {
        match chance.u8(..4) {
            0 | 1 => Self::Kept,
            2 => Self::PowerCut,
            _ => Self::Wiped,
        }
    }
}

/// The number of a call: most often one of the first few dozens, where things are made.
fn call(chance: &mut Rng) -> u64 {
    let longest = chance.choice([12, 30, 60]).unwrap_or(12);
    chance.u64(1..longest)
}

/// One fault of the sandbox's menu, with a target.
fn fault(may_lag: bool, chance: &mut Rng) -> String {
    let place = match chance.u8(..6) {
        0..3 => format!("@{}", chance.u8(1..6)),
        3 => format!("@{}+", chance.u8(1..6)),
        _ => format!("%{}", chance.choice([5, 15, 30]).unwrap_or(5)),
    };
    let method = *chance.choice(&["POST", "POST", "PATCH", "PATCH", "GET", "DELETE", "*"]).unwrap_or(&"*");
    let of = *chance.choice(&["api-keys", "api-keys", "api-keys", "environments", "*"]).unwrap_or(&"*");
    let kind = match chance.u8(..22) {
        0..3 => "drop-before",
        3..6 => "drop-after",
        6..8 => "truncate",
        8..10 => "duplicate",
        10..12 => "late",
        12 => "slow",
        13..16 => "status",
        16..19 => "status-after",
        19 if may_lag => {
            return format!("stale-list:GET:api-keys{place}={}", chance.choice([1, 3, 99]).unwrap_or(1));
        }
        19 | 20 => return format!("skew:GET:api-keys{place}"),
        _ => {
            let kind = if chance.bool() { "repeat-cursor" } else { "no-links" };
            return format!("{kind}:GET:{of}{place}");
        }
    };
    let argument = match kind {
        "truncate" => format!("={}", chance.u16(..600)),
        // A request that asks for a key may come hours late. One that changes something comes within a request's life.
        "late" if method == "POST" && of == "api-keys" => format!("={}s", chance.u16(1..7000)),
        "late" => format!("={}s", chance.u8(1..240)),
        "slow" => format!("={}s", chance.u8(1..100)),
        "status" => {
            format!("={}-{}", chance.choice([429, 429, 429, 500, 502, 503]).unwrap_or(500), shape(chance))
        }
        "status-after" => {
            format!("={}-{}", chance.choice([500, 502, 503, 504]).unwrap_or(500), shape(chance))
        }
        _ => String::new(),
    };
    format!("{kind}:{method}:{of}{place}{argument}")
}

fn shape(chance: &mut Rng) -> &'static str {
    let shapes = ["html", "text", "empty", "jsonapi", "problem", "legacy"];
    chance.choice(shapes).unwrap_or("empty")
}

fn act(desired: &Desired, may_rename: bool, chance: &mut Rng) -> Act {
    let n = chance.usize(..64);
    match chance.u8(..9) {
        0 if may_rename => Act::Rename(n),
        1 => Act::Disable(n),
        2 => Act::Enable(n),
        3 => Act::Delete(n),
        4 => Act::MakeLookalike(n),
        5 | 6 => Act::Sleep(Duration::from_secs(chance.u64(30..3 * 60 * 60))),
        7 => Act::SecondProcess { team: desired.team.clone(), endpoint: desired.endpoint.clone() },
        _ => same(desired, n).unwrap_or(Act::Delete(n)),
    }
}

/// A key of the name of a declared one.
fn same(desired: &Desired, n: usize) -> Option<Act> {
    let (address, key) = desired.keys.get_index(n.checked_rem(desired.keys.len())?)?;
    let environment = desired.environments.get(address.environment())?.name.clone();
    let key_type = match key.key_type {
        KeyType::Ingest => sandbox::KeyType::Ingest,
        KeyType::Configuration => sandbox::KeyType::Configuration,
    };
    Some(Act::MakeSame { name: key.name.clone(), key_type, environment })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_on_the_menu_parses() {
        let mut chance = Rng::with_seed(1);
        for _ in 0..3000 {
            let text = fault(true, &mut chance);
            assert!(text.parse::<sandbox::Fault>().is_ok(), "{text}");
        }
    }
}
