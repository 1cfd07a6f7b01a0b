//! What holds a run to what was approved: the things it touches as they were, and the saved plan that it carries out.

use super::outcome::{Step as Attempt, changed};
use super::run::Run;
use crate::model::{AppliedPlan, EnvironmentId, KeyId, LiveEnvironment, LiveKey, PlanDigest, Record};
use crate::plan::{Expected, Object};
use crate::ports::{KeepRecord, ReadLive, Surroundings, WriteLive};
use crate::report::{Became, Outcome};

/// What a run is held to. The default is nothing over and above the plan.
#[derive(Debug, Clone, Default)]
pub struct Bound {
    /// The saved plan that is carried out: it is remembered that it was.
    pub plan: Option<PlanDigest>,
    /// What the plan touches, as it was read: whatever is otherwise just before its write is left alone.
    pub objects: Vec<Expected>,
}

impl<R: ReadLive, W: WriteLive, K: KeepRecord, S: Surroundings> Run<'_, R, W, K, S> {
    /// Whether a key that was just read is in every way as it was.
    pub(super) fn as_expected(&self, id: &KeyId, live: &LiveKey) -> Attempt<()> {
        self.expected(id.as_str(), |object| object.moved_key(live))
    }

    /// The same of an environment.
    pub(super) fn as_expected_environment(&self, id: &EnvironmentId, live: &LiveEnvironment) -> Attempt<()> {
        self.expected(id.as_str(), |object| object.moved_environment(live))
    }

    fn expected(&self, id: &str, moved: impl Fn(&Object) -> Option<String>) -> Attempt<()> {
        let mut of_it = self.bound.objects.iter().filter(|expected| expected.object.id() == Some(id));
        match of_it.find_map(|expected| moved(&expected.object)) {
            Some(what) => Err(changed(format!("since the plan: {what}"))),
            None => Ok(()),
        }
    }

    /// Remembers, before anything else is written, that the saved plan is begun: from then on only the same file may go on.
    ///
    /// Also where all its work is for a run at another home: this one tidies the record, which would not be the one that the
    /// plan was made from then.
    pub(super) fn begin_plan(&self) {
        if self.plan.actions.iter().any(|action| action.blocked.is_none()) {
            // When it cannot be kept, nothing else is begun.
            let _ = self.remember_plan(false);
        }
    }

    /// Remembers that all of the saved plan is done, where it is: nothing of it is to be done again.
    pub(super) fn end_plan(&self, outcomes: &[Outcome]) {
        let is_done = |outcome: &Outcome| matches!(outcome.became, Became::Done { .. } | Became::Blocked);
        let is_begun = self.bound.plan.as_ref().is_some_and(|sha256| {
            self.with_sealed(|sealed| sealed.applied_plan(sha256).is_some_and(|plan| !plan.complete))
        });
        if is_begun && self.halted().is_none() && outcomes.iter().all(is_done) {
            let _ = self.remember_plan(true);
        }
    }

    fn remember_plan(&self, complete: bool) -> Attempt<()> {
        let Some(sha256) = self.bound.plan.clone() else { return Ok(()) };
        self.append(Record::AppliedPlan { plan: AppliedPlan { at: self.service_now(), sha256, complete } })
    }
}
