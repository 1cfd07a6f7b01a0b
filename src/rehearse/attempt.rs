//! One apply, as the command does it: lock, read, plan, check the disk, carry out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::RehearseError;
use super::act::holder;
use super::checks::{Broken, Rule, told};
use super::declare::recipients;
use super::disk::Drive;
use super::life::Life;
use super::process::{Process, Reads, Writes};
use super::repository::{Disk, Repository};
use super::trouble::Trouble;
use super::world::World;
use crate::apply::{Home, Silent, apply_at};
use crate::honeycomb::read_managed;
use crate::model::{Address, Desired, Provisional, Sealed, Timestamp};
use crate::plan::{Allow, Ask, Input, Plan, plan};
use crate::ports::{KeepRecord as _, ReadLive as _};
use crate::render::{Style, json, text};
use crate::report::{Became, Report};
use crate::seal::{Keeper, SealError};

/// How an apply ended.
pub(super) enum Ended {
    Reported(Box<Report>),
    /// Before anything was written, and why.
    NotBegun(String),
    Killed,
}

/// What an apply left besides what it did.
pub(super) struct Attempt {
    pub(super) ended: Ended,
    /// Everything that it would have shown anybody.
    pub(super) shown: String,
    /// (calls, those of them that write)
    pub(super) calls: (u64, u64),
}

/// No apply lasts longer.
const LONGEST: Duration = Duration::from_secs(3 * 60 * 60);

/// Applies a configuration on one disk of a repository.
pub(super) async fn attempt(
    world: &World,
    repository: &Repository,
    disk: &Disk,
    desired: &Desired,
    trouble: &Trouble,
    seed: u64,
) -> Result<Attempt, RehearseError> {
    let life = Arc::new(Life::new(trouble.death, trouble.stop_at));
    let path = disk.path();
    let process = Process {
        world,
        life: Arc::clone(&life),
        acts: &trouble.acts,
        path: &path,
        platter: &disk.platter,
        skew: trouble.skew,
        chance: Mutex::new(fastrand::Rng::with_seed(seed)),
        unknown: Mutex::default(),
        made: Mutex::default(),
    };
    let mut shown = String::new();
    let ended = {
        let run = live_through(&process, repository, desired, trouble, &mut shown);
        tokio::select! {
            biased;
            () = life.death() => Ok(Ended::Killed),
            ended = run => ended,
            () = tokio::time::sleep(LONGEST) => {
                world.broken(Broken::new(Rule::Rest, "an apply did not end in three hours"));
                Ok(Ended::Killed)
            }
        }
    }?;
    let ended = if life.is_dead() { Ended::Killed } else { ended };
    Ok(Attempt { ended, shown, calls: life.calls() })
}

async fn live_through(
    process: &Process<'_>,
    repository: &Repository,
    desired: &Desired,
    trouble: &Trouble,
    shown: &mut String,
) -> Result<Ended, RehearseError> {
    let (reader, writer) = process.world.connect()?;
    let (reader, writer) = (Reads { process, reader }, Writes { process, writer });
    let mut keeper = match open(process, repository, desired, trouble) {
        Ok(keeper) => keeper,
        Err(error) => return Ok(not_begun(process, trouble, &error, shown)),
    };
    if let Err(error) = reader.access().await {
        return Ok(refused(&error, shown));
    }
    let live = match read_managed(&reader, Some(keeper.sealed())).await {
        Ok(live) => live,
        Err(error) => return Ok(refused(&error, shown)),
    };
    if process.life.calls().1 > 0 {
        process.world.broken(Broken::new(Rule::Plan, "something was written before there was a plan"));
    }
    let plan = decide(desired, keeper.sealed(), &live, live.now);
    let style = Style { color: false, unicode: true, width: 100 };
    shown.push_str(&format!("{}{}{plan:?}", text::plan(&plan, &style), json::plan(&plan)));
    if plan.summary.changes > 0
        && let Err(error) = keeper.preflight(&recipients(&desired.seal))
    {
        return Ok(not_begun(process, trouble, &error, shown));
    }
    let seal = &desired.seal;
    let home = if trouble.on_runner { Home::Staged } else { Home::Disk };
    let report = apply_at(home, &plan, seal, (&reader, &writer), &mut keeper, process, &Silent).await;
    shown.push_str(&format!(
        "{}{}{report:?}",
        text::report(&report, Some(&plan), &style),
        json::report(&report)
    ));
    Ok(Ended::Reported(Box::new(report)))
}

fn open(
    process: &Process<'_>,
    repository: &Repository,
    desired: &Desired,
    trouble: &Trouble,
) -> Result<Keeper, SealError> {
    let drive =
        Drive { platter: process.platter.clone(), life: Arc::clone(&process.life), ailment: trouble.ailment };
    let (team, endpoint) = (&desired.team, &desired.endpoint);
    let lineage = repository.lineage.clone();
    Keeper::open_on(Box::new(drive), process.path, team, endpoint, lineage, &holder(process.world.now()))
}

/// A record that cannot be opened or written: only an ailing disk, or another process, is an excuse.
fn not_begun(process: &Process<'_>, trouble: &Trouble, error: &SealError, shown: &mut String) -> Ended {
    let told = told(error);
    let is_excused = trouble.ailment.is_some() || matches!(error, SealError::Locked { .. });
    if !is_excused && !process.life.is_dead() {
        process.world.broken(Broken::new(Rule::Record, format!("the record cannot be used: {told}")));
    }
    shown.push_str(&format!("{told}{error:?}"));
    Ended::NotBegun(told)
}

fn refused(error: &crate::ports::ServiceError, shown: &mut String) -> Ended {
    shown.push_str(&format!("{error}{error:?}"));
    Ended::NotBegun(error.to_string())
}

/// What `keycomb plan` does. Every guard that a name lifts is lifted, but nobody gives a staged key up: another run may be
/// about to release it.
fn decide(desired: &Desired, sealed: &Sealed, live: &crate::model::Live, now: Timestamp) -> Plan {
    let recorded = sealed.keys.iter().map(|key| key.address.clone());
    let marks: Vec<Provisional> = live
        .keys
        .iter()
        .filter_map(|key| Provisional::parse(&key.name))
        .filter(|m| m.digest.is_some())
        .collect();
    let is_staged = |address: &Address| marks.iter().any(|mark| mark.is_for(address));
    let addresses = desired.keys.keys().cloned().chain(recorded).filter(|address| !is_staged(address));
    let addresses = addresses.collect::<std::collections::BTreeSet<Address>>();
    let allow = Allow { addresses, ..Allow::default() };
    plan(&Input {
        desired,
        live,
        sealed: Some(sealed),
        now,
        allow,
        ask: Ask::default(),
        elsewhere: BTreeMap::new(),
    })
}

/// Looks without writing.
pub(super) async fn look(
    world: &World,
    repository: &Repository,
    desired: &Desired,
) -> Result<Option<Plan>, RehearseError> {
    let (reader, _) = world.connect()?;
    let Some(sealed) = repository.committed.as_ref() else { return Ok(None) };
    world.sandbox.clear_requests();
    let Ok(live) = read_managed(&reader, Some(sealed)).await else { return Ok(None) };
    let plan = decide(desired, sealed, &live, live.now);
    if world.sandbox.requests().iter().any(|request| request.method != "GET") {
        world.broken(Broken::new(Rule::Plan, "a plan wrote to the service"));
    }
    Ok(Some(plan))
}

impl Attempt {
    /// How it ended, in words.
    pub(super) fn told(&self) -> String {
        match &self.ended {
            Ended::Killed => "killed".to_owned(),
            Ended::NotBegun(why) => format!("not begun: {why}"),
            Ended::Reported(report) => {
                let (done, failed, not_started, in_doubt) = report.counts();
                let left = failed + not_started + in_doubt;
                let blocked = report.outcomes.iter().filter(|o| o.became == Became::Blocked).count();
                let blocked = if blocked > 0 { format!(", {blocked} blocked") } else { String::new() };
                format!("{done} done, {left} left{blocked}")
            }
        }
    }
}
