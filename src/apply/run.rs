//! One run: its ports, what stopped it, the outcomes so far, and the stages in their order.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{self, Either};
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::{Mutex as AsyncMutex, OnceCell};
use tracing::{Instrument as _, Span};

use super::bound::Bound;
use super::home::Home;
use super::limits::SIDE_BY_SIDE;
use super::order::Stage;
use super::outcome::{Ended, Step as Attempt, chain, done_with, failed, not_started, panicked, refused};
use super::progress::Progress;
use super::trace;
use crate::model::{
    Address, EnvironmentId, KeyId, KeyType, Label, LiveKey, Record, SealSettings, Sealed, Timestamp,
};
use crate::plan::{Action, Plan, Predecessor, Step};
use crate::ports::{Failure, Gate, KeepError, KeepRecord, ReadLive, ServiceError, Surroundings, WriteLive};
use crate::report::{Became, Cause, Outcome, Report};

/// One run over one plan.
pub(super) struct Run<'a, R, W, K, S> {
    pub plan: &'a Plan,
    pub seal: &'a SealSettings,
    pub home: Home,
    /// What it is held to.
    pub bound: Bound,
    pub reader: &'a R,
    pub writer: &'a W,
    pub surroundings: &'a S,
    progress: &'a dyn Progress,
    /// By address: where in the plan its actions stand.
    places: BTreeMap<&'a Address, Vec<usize>>,
    keeper: Mutex<&'a mut K>,
    so_far: Mutex<SoFar>,
    /// Of the actions that were begun and have no outcome yet, by their place in the plan.
    spans: Mutex<BTreeMap<usize, Span>>,
    /// One listing for all releases of recorded keys.
    pub listed: OnceCell<Vec<LiveKey>>,
    /// The slugs of environments that keys were proven for; `None` where the service did not tell.
    slugs: AsyncMutex<BTreeMap<EnvironmentId, Option<String>>>,
}

/// What is known so far.
#[derive(Default)]
struct SoFar {
    /// By the action's place in the plan.
    ended: BTreeMap<usize, Ended>,
    /// The environments that this run made.
    environments: BTreeMap<Label, EnvironmentId>,
    /// Why nothing more is begun: the credential was refused, or the record cannot be kept.
    halted: Option<(Cause, String)>,
    /// Why no further key is minted.
    minting_halted: Option<String>,
    /// The types of which a fresh credential was tried.
    tried: BTreeSet<KeyType>,
    interrupted: bool,
}

impl<'a, R: ReadLive, W: WriteLive, K: KeepRecord, S: Surroundings> Run<'a, R, W, K, S> {
    pub(super) fn new(
        plan: &'a Plan,
        seal: &'a SealSettings,
        home: Home,
        (reader, writer): (&'a R, &'a W),
        keeper: &'a mut K,
        surroundings: &'a S,
        progress: &'a dyn Progress,
    ) -> Self {
        let so_far = Mutex::new(SoFar::default());
        let (keeper, listed, slugs) = (Mutex::new(keeper), OnceCell::new(), AsyncMutex::default());
        let mut places: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (i, action) in plan.actions.iter().enumerate() {
            places.entry(&action.address).or_default().push(i);
        }
        Self {
            plan,
            seal,
            home,
            bound: Bound::default(),
            reader,
            writer,
            surroundings,
            progress,
            places,
            keeper,
            so_far,
            spans: Mutex::default(),
            listed,
            slugs,
        }
    }

    /// The same, held to what was approved.
    pub(super) fn bound(self, bound: &Bound) -> Self {
        Self { bound: bound.clone(), ..self }
    }

    /// Carries out all stages; afterwards every action has an outcome.
    pub(super) async fn all_stages(&self) {
        for stage in Stage::ALL {
            let of_stage = |(i, action)| (Stage::of(action) == Some(stage)).then_some(i);
            self.stage(stage, self.plan.actions.iter().enumerate().filter_map(of_stage).collect()).await;
        }
    }

    /// Carries out one stage: in rounds, where its actions wait for each other.
    async fn stage(&self, stage: Stage, mut waiting: BTreeSet<usize>) {
        while !waiting.is_empty() {
            let ready: Vec<usize> =
                waiting.iter().copied().filter(|i| !self.waits_for_one_of(*i, &waiting)).collect();
            if ready.is_empty() {
                // A plan in which actions wait for each other in a circle.
                for i in waiting {
                    self.settle(i, not_started("it waits for an action that waits for it").into());
                }
                return;
            }
            waiting.retain(|i| !ready.contains(i));
            match stage {
                Stage::MintKeys => self.mint_all(ready).await,
                _ => side_by_side(ready, |i| self.carry_out(i)).await,
            }
        }
    }

    fn waits_for_one_of(&self, i: usize, waiting: &BTreeSet<usize>) -> bool {
        let Some(action) = self.plan.actions.get(i) else { return false };
        let places = action.after.iter().flat_map(|address| self.places(address));
        places.into_iter().any(|place| *place != i && waiting.contains(place))
    }

    /// Where in the plan the actions of an address stand.
    fn places(&self, address: &Address) -> &[usize] {
        self.places.get(address).map(Vec::as_slice).unwrap_or_default()
    }

    /// Carries out one action that needs no company.
    async fn carry_out(&self, i: usize) {
        let Some(action) = self.plan.actions.get(i) else { return };
        if !self.home.allows(action) {
            return self.settle(i, self.home.left().into());
        }
        if let Err(ended) = self.may_begin(action) {
            return self.settle(i, ended.into());
        }
        self.started(action);
        let ended = unpanicked(self.step(action)).instrument(self.span(i)).await;
        self.settle(i, ended);
    }

    async fn step(&self, action: &Action) -> Ended {
        match &action.step {
            Step::Nothing => Became::Blocked.into(),
            Step::MintKey(_) => not_started("keys are minted in chunks").into(),
            Step::CreateEnvironment { name, attributes } => {
                self.create_environment(action, name, attributes).await
            }
            Step::UpdateEnvironment { id, change, applied } => {
                self.update_environment(action, id, change, applied).await.into()
            }
            Step::DeleteEnvironment { id } => self.delete_environment(action, id).await.into(),
            Step::ForgetEnvironment { id } => self.forget_environment(action, id).await.into(),
            Step::ReleaseKey { id, succeeds, .. } if self.home == Home::Staged => {
                self.stage_recorded(action, id, &ids(succeeds)).await.into()
            }
            Step::ReleaseKey { id, enabled, succeeds } => {
                self.release_recorded(action, id, *enabled, &ids(succeeds)).await.into()
            }
            Step::UpdateKey { id, name, permissions, enabled, applied, remember } => {
                let change = crate::ports::KeyChange {
                    name: name.clone(),
                    disabled: enabled.map(|enabled| !enabled),
                    permissions: permissions.clone(),
                };
                self.update_key(action, id, change, applied, remember).await.into()
            }
            Step::RetireKey { id, successor } => self.retire_key(action, id, successor.as_ref()).await.into(),
            Step::DeleteKey { id } => self.delete_key(action, id).await.into(),
            Step::RevokeKey { id, revoked } => self.revoke_key(action, id, revoked).await.into(),
            Step::DiscardKey(leftover) => self.discard_key(action, leftover).await.into(),
            Step::Record(records) => self.record(records).into(),
        }
    }

    /// Writes records down, and sends nothing.
    fn record(&self, records: &[Record]) -> Attempt<Became> {
        records.iter().try_for_each(|record| self.append(record.clone()))?;
        Ok(done_with("only the record changed"))
    }

    /// Whether an action may begin, or how it ended without.
    pub(super) fn may_begin(&self, action: &Action) -> Attempt<()> {
        if self.is_stopping() {
            return Err(not_started("somebody asked to stop"));
        }
        let so_far = self.so_far();
        if let Some((_, why)) = &so_far.halted {
            return Err(not_started(why.clone()));
        }
        if matches!(action.step, Step::MintKey(_)) && self.is_unrevoked(&so_far, &action.address) {
            return Err(not_started("the revoked key of its address is not known to be gone"));
        }
        match action.after.iter().find(|address| !self.is_done(&so_far, address)) {
            Some(address) => Err(not_started(format!("it waits for `{address}`, which was not done"))),
            None => Ok(()),
        }
    }

    /// Whether a key that is to be revoked at an address was not, as far as is known.
    fn is_unrevoked(&self, so_far: &SoFar, address: &Address) -> bool {
        let is_revoking =
            |i: &&usize| self.plan.actions.get(**i).is_some_and(|a| matches!(a.step, Step::RevokeKey { .. }));
        self.places(address).iter().filter(is_revoking).any(|i| !is_done_at(so_far, *i))
    }

    /// Whether a key may still be begun, over and above [`Self::may_begin`].
    pub(super) fn may_mint(&self) -> Attempt<()> {
        self.so_far().minting_halted.as_ref().map_or(Ok(()), |why| Err(not_started(why.clone())))
    }

    /// Whether a request that was not sent yet is still to be sent: nothing begins after a stop or a halt.
    pub(super) fn is_wanted(&self) -> bool {
        !self.is_stopping() && self.so_far().halted.is_none()
    }

    /// A reading that only what is yet to begin needs: given up as soon as somebody asks to stop, however long it
    /// would wait for its turn.
    pub(super) async fn unless_stopped<T>(&self, reading: impl Future<Output = Attempt<T>>) -> Attempt<T> {
        self.read_while(&|| self.is_wanted(), reading).await
    }

    /// A reading that is given up when somebody asks to stop, unless it is wanted even so.
    pub(super) async fn read_while<T>(
        &self,
        is_wanted: Gate<'_>,
        reading: impl Future<Output = Attempt<T>>,
    ) -> Attempt<T> {
        match future::select(pin!(reading), pin!(self.surroundings.stopped())).await {
            Either::Left((read, _)) => read,
            Either::Right(((), reading)) if is_wanted() => reading.await,
            Either::Right(_) => Err(self.withheld()),
        }
    }

    /// The outcome of an action whose request was withheld.
    fn withheld(&self) -> Became {
        let stopping = self.is_stopping().then(|| "somebody asked to stop before it was sent".to_owned());
        let so_far = self.so_far();
        let halted = || so_far.halted.as_ref().map(|(_, why)| why.clone());
        let why = stopping.or_else(halted).or_else(|| so_far.minting_halted.clone());
        not_started(why.unwrap_or_else(|| Failure::Withheld.to_string()))
    }

    /// Whether all that the plan does at an address is done. An address that the plan leaves alone is; a leftover there
    /// is in nobody's way.
    fn is_done(&self, so_far: &SoFar, address: &Address) -> bool {
        let is_done = |i: &usize| is_done_at(so_far, *i);
        let step = |i: &usize| self.plan.actions.get(*i).map(|action| &action.step);
        let steps = || self.places(address).iter().filter(|i| !matches!(step(i), Some(Step::DiscardKey(_))));
        let mut acts = steps().filter(|i| step(i) != Some(&Step::Nothing)).peekable();
        steps().next().is_none() || (acts.peek().is_some() && acts.all(is_done))
    }

    /// Whether the action at a place in the plan was done.
    pub(super) fn was_done(&self, i: usize) -> bool {
        is_done_at(&self.so_far(), i)
    }

    /// Whether somebody asked to stop.
    pub(super) fn is_stopping(&self) -> bool {
        let stopping = self.surroundings.is_stopping();
        if stopping {
            self.so_far().interrupted = true;
        }
        stopping
    }

    /// Why nothing more may be asked of the service or written down.
    pub(super) fn halted(&self) -> Option<(Cause, String)> {
        self.so_far().halted.clone()
    }

    fn halt(&self, cause: Cause, why: impl Into<String>) {
        self.so_far().halted.get_or_insert((cause, why.into()));
    }

    pub(super) fn halt_minting(&self, why: impl Into<String>) {
        self.so_far().minting_halted.get_or_insert(why.into());
    }

    /// Whether this is the first key of its type in this run.
    pub(super) fn is_first(&self, key_type: KeyType) -> bool {
        self.so_far().tried.insert(key_type)
    }

    pub(super) fn started(&self, action: &Action) {
        self.progress.started(action);
    }

    /// The span of an action that was begun, until its outcome is known.
    pub(super) fn span(&self, i: usize) -> Span {
        let Some(action) = self.plan.actions.get(i) else { return Span::none() };
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans.entry(i).or_insert_with(|| trace::action(action)).clone()
    }

    /// Writes an action's outcome down. The first one stands.
    pub(super) fn settle(&self, i: usize, ended: Ended) {
        if let Some(action) = self.plan.actions.get(i) {
            self.progress.finished(action, &ended.became);
        }
        if let Some(span) = self.spans.lock().unwrap_or_else(PoisonError::into_inner).remove(&i) {
            trace::note(&span, &ended.became);
        }
        self.so_far().ended.entry(i).or_insert(ended);
    }

    pub(super) fn made_environment(&self, label: &Label, id: &EnvironmentId) {
        self.so_far().environments.insert(label.clone(), id.clone());
    }

    pub(super) fn environment_made(&self, label: &Label) -> Option<EnvironmentId> {
        self.so_far().environments.get(label).cloned()
    }

    /// Appends to the journal, durably. When that fails nothing more is begun: nothing could be recorded.
    ///
    /// Blocks the whole run for the time of an fsync, and is meant to: nothing is to be sent before it is known whether
    /// the record can be kept. What is on the wire goes on meanwhile, and no lock is held across an `await`.
    pub(super) fn append(&self, record: Record) -> Attempt<()> {
        let result = self.keeper().append(record);
        result.map_err(|error| self.not_kept(&error))
    }

    /// The outcome where the record could not be kept, or a secret not be sealed.
    pub(super) fn not_kept(&self, error: &KeepError) -> Became {
        let why = chain(error);
        match error {
            KeepError::Io { .. } => self.halt(Cause::Seal, format!("the record cannot be kept: {why}")),
            KeepError::Seal(_) => self.halt_minting(format!("secrets cannot be sealed: {why}")),
        }
        let help = "nothing is live that is not sealed; mend the cause and run `keycomb apply` again";
        failed(Cause::Seal, why, help)
    }

    /// A failed call that changed nothing. A refused credential ends the whole run.
    pub(super) fn refused(&self, error: &ServiceError) -> Became {
        if error.failure == Failure::Withheld {
            return self.withheld();
        }
        self.note_refusal(error);
        refused(error)
    }

    /// Ends the whole run when the credential was refused.
    pub(super) fn note_refusal(&self, error: &ServiceError) {
        if error.failure.status() == Some(401) {
            self.halt(Cause::Credential, "the credential was refused");
        }
    }

    pub(super) fn with_sealed<T>(&self, look: impl FnOnce(&Sealed) -> T) -> T {
        look(self.keeper().sealed())
    }

    pub(super) fn with_keeper<T>(&self, act: impl FnOnce(&mut K) -> T) -> T {
        act(&mut self.keeper())
    }

    /// The service's clock; the local one only before the service's first answer.
    pub(super) fn service_now(&self) -> Timestamp {
        self.reader.service_now().unwrap_or_else(|| self.surroundings.now())
    }

    /// An environment's slug, as far as the service tells it; asked for once in a run.
    pub(super) async fn slug(&self, id: &EnvironmentId) -> Option<String> {
        let mut slugs = self.slugs.lock().await;
        if let Some(slug) = slugs.get(id) {
            return slug.clone();
        }
        let slug = self.reader.environment(id).await.ok().flatten().map(|environment| environment.slug);
        slugs.insert(id.clone(), slug.clone());
        slug
    }

    pub(super) async fn sleep(&self, time: Duration) {
        self.surroundings.sleep(time).await;
    }

    /// Folds the journal and says what became of each action.
    pub(super) fn report(self) -> Report {
        self.is_stopping();
        let ended = self.service_now();
        let mut known = std::mem::take(&mut self.so_far().ended);
        let outcomes =
            self.plan.actions.iter().enumerate().map(|(i, action)| outcome(action, known.remove(&i)));
        let outcomes: Vec<Outcome> = outcomes.collect();
        self.end_plan(&outcomes);
        let so_far = self.so_far.into_inner().unwrap_or_else(PoisonError::into_inner);
        let keeper = self.keeper.into_inner().unwrap_or_else(PoisonError::into_inner);
        let unfolded = trace::seal().in_scope(|| keeper.fold()).err().map(|error| chain(&error));
        Report {
            outcomes,
            interrupted: so_far.interrupted,
            unfolded,
            serial: keeper.sealed().serial,
            ended,
            users: None,
            skipped: vec![],
            select: self.plan.header.terms.select.clone(),
        }
    }

    // A panic elsewhere leaves nothing half written in either: both are changed in single assignments.
    fn so_far(&self) -> MutexGuard<'_, SoFar> {
        self.so_far.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keeper(&self) -> MutexGuard<'_, &'a mut K> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_done_at(so_far: &SoFar, i: usize) -> bool {
    matches!(so_far.ended.get(&i), Some(Ended { became: Became::Done { .. }, .. }))
}

fn outcome(action: &Action, ended: Option<Ended>) -> Outcome {
    let nothing =
        if action.step == Step::Nothing { Became::Blocked } else { not_started("it was not reached") };
    let Ended { became, id } = ended.unwrap_or_else(|| nothing.into());
    Outcome {
        address: action.address.clone(),
        verb: action.verb,
        generation: action.generation,
        id: id.or_else(|| action.id.clone()),
        became,
        blocked: action.blocked.clone(),
    }
}

/// Runs a few at a time, in the given order.
pub(super) async fn side_by_side<F: Future<Output = ()>>(items: Vec<usize>, act: impl Fn(usize) -> F) {
    stream::iter(items.into_iter().map(act))
        .buffer_unordered(SIDE_BY_SIDE)
        .for_each(|()| future::ready(()))
        .await;
}

/// A panic in one action is that action's outcome, and no other's.
pub(super) async fn unpanicked(work: impl Future<Output = Ended>) -> Ended {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| panicked().into())
}

fn ids(succeeds: &[Predecessor]) -> Vec<KeyId> {
    succeeds.iter().map(|old| old.id.clone()).collect()
}
