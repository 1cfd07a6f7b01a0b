//! Carries out a plan through the ports: mints keys so that no secret is ever lost, changes, retires, reports.

mod bound;
mod confirm;
mod discard;
mod environments;
mod home;
mod limits;
mod look;
mod mint;
mod order;
mod outcome;
mod post;
mod progress;
mod release;
mod retire;
mod revoke;
mod run;
mod stage;
mod tidy;
mod trace;
mod update;
mod verify;

pub use bound::Bound;
pub use home::Home;
pub use limits::{CHUNK, DEADLINE, GRACE, REQUEST_LIFE, STAGE_DEADLINE, STAGE_GRACE};
pub use progress::{Progress, Silent};

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;

use crate::model::SealSettings;
use crate::plan::Plan;
use crate::ports::{KeepRecord, ReadLive, Surroundings, WriteLive};
use crate::report::Report;

/// Carries out a plan. Always returns an outcome for each of its actions, in the plan's order.
///
/// The caller holds the lock of the sealed file, has checked that it can be written and that every recipient can be
/// sealed to, and has shown `plan`, which was made from `keeper`'s record. Afterwards the record is folded,
/// whatever happened; [`Report::unfolded`] says if that failed.
///
/// To be interrupted, let [`Surroundings::is_stopping`] say so and await the end: dropping the future in the middle
/// is as bad as a crash. Nothing that was begun is lost by it, but a later run has to clear up.
pub async fn apply<R: ReadLive, W: WriteLive, K: KeepRecord, S: Surroundings>(
    plan: &Plan,
    seal: &SealSettings,
    reader: &R,
    writer: &W,
    keeper: &mut K,
    surroundings: &S,
    progress: &dyn Progress,
) -> Report {
    apply_at(Home::Disk, plan, seal, (reader, writer), keeper, surroundings, progress).await
}

/// The same for a sealed file whose home is said: what that does not allow is left for another run ([`Home::allows`]).
pub async fn apply_at<R: ReadLive, W: WriteLive, K: KeepRecord, S: Surroundings>(
    home: Home,
    plan: &Plan,
    seal: &SealSettings,
    ports: (&R, &W),
    keeper: &mut K,
    surroundings: &S,
    progress: &dyn Progress,
) -> Report {
    apply_bound(&Bound::default(), home, plan, seal, ports, keeper, surroundings, progress).await
}

/// The same for a run that is held to what was approved.
#[expect(clippy::too_many_arguments, reason = "each is a port or a value of its own")]
pub async fn apply_bound<R: ReadLive, W: WriteLive, K: KeepRecord, S: Surroundings>(
    bound: &Bound,
    home: Home,
    plan: &Plan,
    seal: &SealSettings,
    ports: (&R, &W),
    keeper: &mut K,
    surroundings: &S,
    progress: &dyn Progress,
) -> Report {
    let run = run::Run::new(plan, seal, home, ports, keeper, surroundings, progress).bound(bound);
    run.begin_plan();
    run.all_stages().await;
    // Tidying up: whatever goes wrong in it is for the next run.
    let _ = AssertUnwindSafe(run.tidy_up()).catch_unwind().await;
    run.report()
}
