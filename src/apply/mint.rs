//! Mints keys in chunks: asks for each, looks at the listing once for all, then releases each.
//!
//! A chunk is small enough, and stops taking up keys early enough, that all of it is released within the deadline
//! of its first key.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};
use tracing::{Instrument as _, Span};

use super::home::Home;
use super::limits::{CHUNK, CHUNK_TIME, SIDE_BY_SIDE, SPREAD_TIME, delay};
use super::look::{Own, Wanted};
use super::outcome::{Ended, Step as Attempt, failed, not_started};
use super::post::Minted;
use super::run::{Run, side_by_side, unpanicked};
use super::stage::run_again;
use crate::model::{EnvironmentId, KeyId, KeyState, LiveKey};
use crate::plan::{Action, EnvironmentRef, MintKey, Step};
use crate::ports::{KeepRecord, ReadLive, Surroundings, WriteLive};
use crate::report::Became;

/// One key to be minted.
pub(super) struct Task<'a> {
    /// The action's place in the plan.
    pub index: usize,
    pub action: &'a Action,
    pub mint: &'a MintKey,
    pub environment: EnvironmentId,
    /// The keys that it takes the place of.
    pub succeeds: Vec<KeyId>,
}

impl Task<'_> {
    pub(super) fn wanted(&self) -> Wanted<'_> {
        Wanted {
            address: &self.action.address,
            environment: &self.environment,
            key_type: self.mint.key_type,
            name: &self.mint.name,
            succeeds: &self.succeeds,
        }
    }
}

/// Where a task is after the first half of its chunk.
enum Half<'a> {
    /// The chunk's time for new keys was over; it is for the next one.
    Later(usize),
    Over(usize, Ended),
    Minted(Task<'a>, Minted),
}

impl<R: ReadLive, W: WriteLive, K: KeepRecord, S: Surroundings> Run<'_, R, W, K, S> {
    /// Mints the keys of these actions, chunk by chunk.
    pub(super) async fn mint_all(&self, mut waiting: Vec<usize>) {
        while !waiting.is_empty() {
            let rest = waiting.split_off(CHUNK.min(waiting.len()));
            let mut later = self.mint_chunk(waiting).await;
            later.sort_unstable();
            later.extend(rest);
            waiting = later;
        }
    }

    /// Mints one chunk; returns what it did not take up any more, never its first.
    async fn mint_chunk(&self, chunk: Vec<usize>) -> Vec<usize> {
        let tasks: Vec<Task<'_>> = chunk.into_iter().filter_map(|i| self.task(i)).collect();
        if tasks.is_empty() {
            return vec![];
        }
        let look = self.look(tasks.iter().map(|t| t.mint.key_type));
        let listed = match self.unless_stopped(look).await {
            Ok(listed) => listed,
            Err(ended) => {
                tasks.iter().for_each(|task| self.settle(task.index, ended.clone().into()));
                return vec![];
            }
        };
        let (minted, later) = Box::pin(self.first_half(tasks, &listed)).await;
        Box::pin(self.second_half(minted)).await;
        later
    }

    /// Steps 2 to 6.
    async fn first_half<'t>(
        &self,
        tasks: Vec<Task<'t>>,
        listed: &[LiveKey],
    ) -> (Vec<(Task<'t>, Minted)>, Vec<usize>) {
        let begun = self.surroundings.monotonic();
        let (mut minted, mut later) = (vec![], vec![]);
        let mut take = |half| match half {
            Half::Later(index) => later.push(index),
            Half::Over(index, ended) => self.settle(index, ended),
            Half::Minted(task, key) => minted.push((task, key)),
        };
        let (first, others): (Vec<_>, Vec<_>) =
            tasks.into_iter().partition(|task| self.is_first(task.mint.key_type));
        // The first of a chunk is always taken up: one that does nothing would be followed by itself.
        let mut is_first = true;
        for task in first {
            // On the heap: what waits here is large, and is nested deep.
            let half = Box::pin(self.half_in_time(task, listed, (!is_first).then_some(begun))).await;
            let span = match &half {
                Half::Minted(task, _) => self.span(task.index),
                Half::Later(_) | Half::Over(..) => Span::none(),
            };
            take(Box::pin(self.tried(half)).instrument(span).await);
            is_first = false;
        }
        let mut halves = vec![];
        for task in others {
            halves.push(Box::pin(self.half_in_time(task, listed, (!is_first).then_some(begun))));
            is_first = false;
        }
        let mut halves = stream::iter(halves).buffer_unordered(SIDE_BY_SIDE);
        while let Some(half) = halves.next().await {
            take(half);
        }
        drop(halves);
        (minted, later)
    }

    /// Uses the credential of the first key of a type, before any other is asked for: that a disabled key works is seen at
    /// one key and no second. What is accepted is tried again until a disabling has had its time to spread.
    async fn tried<'t>(&self, half: Half<'t>) -> Half<'t> {
        let Half::Minted(task, key) = half else { return half };
        let begun = self.surroundings.monotonic();
        let mut tries = 0;
        loop {
            // Where it does not answer nothing is known; the proof after the release asks again.
            let used = AssertUnwindSafe(self.reader.prove(&key.credential)).catch_unwind().await;
            if !matches!(used, Ok(Ok(Some(_)))) {
                return Half::Minted(task, key);
            }
            if self.surroundings.monotonic().saturating_sub(begun) >= SPREAD_TIME || self.is_stopping() {
                break;
            }
            self.sleep(delay(tries)).await;
            tries += 1;
        }
        let why = works(&key.id, "accepts its credential");
        self.halt_minting(why.clone());
        let became = self.disown(&key.id, &why).await;
        Half::Over(task.index, Ended { became, id: Some(key.id.to_string()) })
    }

    async fn half_in_time<'t>(
        &self,
        task: Task<'t>,
        listed: &[LiveKey],
        begun: Option<Duration>,
    ) -> Half<'t> {
        let elapsed = |begun| self.surroundings.monotonic().saturating_sub(begun);
        if begun.is_some_and(|begun| elapsed(begun) >= CHUNK_TIME) {
            return Half::Later(task.index);
        }
        self.half(task, listed).await
    }

    async fn half<'t>(&self, task: Task<'t>, listed: &[LiveKey]) -> Half<'t> {
        // Asked for again: the chunk may have been stopped since it began.
        if let Err(ended) = self.may_begin(task.action).and_then(|()| self.may_mint()) {
            return Half::Over(task.index, ended.into());
        }
        self.started(task.action);
        let mut key = None;
        let work = async {
            match self.mint(&task, listed).await {
                Ok(minted) => {
                    key = Some(minted);
                    not_started("it was not released").into()
                }
                Err(ended) => ended,
            }
        };
        let ended = unpanicked(work).instrument(self.span(task.index)).await;
        match key {
            Some(minted) => Half::Minted(task, minted),
            None => Half::Over(task.index, ended),
        }
    }

    async fn mint(&self, task: &Task<'_>, listed: &[LiveKey]) -> Result<Minted, Ended> {
        self.look_before(task.wanted(), listed).await?;
        self.post(task, listed).await
    }

    /// Steps 7 to 11.
    async fn second_half(&self, minted: Vec<(Task<'_>, Minted)>) {
        if minted.is_empty() {
            return;
        }
        let looked = match self.halted() {
            Some((cause, why)) => Err(failed(cause, why, "run `keycomb apply` again once that is mended")),
            None => self.look(minted.iter().map(|(task, _)| task.mint.key_type)).await,
        };
        if let Ok(listed) = &looked
            && let Some(why) = shown_enabled(&minted, listed)
        {
            // First of all: no other key must follow these.
            self.halt_minting(why.clone());
            for (task, key) in minted {
                let became = self.disown(&key.id, &why).await;
                self.settle(task.index, Ended { became, id: Some(key.id.to_string()) });
            }
            return;
        }
        let places = (0..minted.len()).collect();
        let minted: Vec<_> = minted.into_iter().map(|pair| std::sync::Mutex::new(Some(pair))).collect();
        side_by_side(places, |place| {
            let pair = minted.get(place).and_then(|cell| cell.lock().ok()?.take());
            self.finish_one(pair, &looked)
        })
        .await;
    }

    async fn finish_one(&self, pair: Option<(Task<'_>, Minted)>, looked: &Attempt<Vec<LiveKey>>) {
        let Some((task, minted)) = pair else { return };
        let id = minted.id.clone();
        let ended = unpanicked(async {
            match looked {
                Ok(listed) => self.confirm_then_release(&task, minted, listed).await.into(),
                Err(ended) => unreleased(&minted.id, KeyState::Provisional, ended).into(),
            }
        })
        .instrument(self.span(task.index))
        .await;
        self.settle(task.index, Ended { id: Some(id.to_string()), ..ended });
    }

    async fn confirm_then_release(
        &self,
        task: &Task<'_>,
        minted: Minted,
        listed: &[LiveKey],
    ) -> Attempt<Became> {
        let own = Own { id: &minted.id, nonce: &minted.nonce };
        let note = self.confirm(task.wanted(), own, listed).await?;
        let entry = self.managed_key(task.action, &minted.id)?;
        let became = match self.home {
            Home::Disk | Home::Elsewhere => {
                let credential = task.mint.enabled.then_some(minted.credential);
                self.release(entry, minted.ends, credential).await?
            }
            Home::Staged => self.stage_key(entry, &minted.nonce, minted.ends).await?,
        };
        Ok(match (note, became) {
            (Some(note), Became::Done { note: None }) => Became::Done { note: Some(note) },
            (Some(note), Became::Staged { until, note: None }) => Became::Staged { until, note: Some(note) },
            (_, became) => became,
        })
    }

    /// The task of an action, if it may begin; otherwise the action has its outcome.
    fn task(&self, index: usize) -> Option<Task<'_>> {
        let action = self.plan.actions.get(index)?;
        let Step::MintKey(mint) = &action.step else { return None };
        if !self.home.allows(action) {
            self.settle(index, self.home.left().into());
            return None;
        }
        let environment = match &mint.environment {
            EnvironmentRef::Id(id) => Ok(id.clone()),
            EnvironmentRef::Planned(label) => self
                .environment_made(label)
                .ok_or_else(|| not_started(format!("its environment `environment.{label}` was not made"))),
        };
        match self.may_begin(action).and_then(|()| self.may_mint()).and(environment) {
            Ok(environment) => {
                let succeeds = mint.succeeds.iter().map(|old| old.id.clone()).collect();
                Some(Task { index, action, mint, environment, succeeds })
            }
            Err(ended) => {
                self.settle(index, ended.into());
                None
            }
        }
    }
}

/// Whether the listing shows a key of a chunk enabled that was not released.
fn shown_enabled(minted: &[(Task<'_>, Minted)], listed: &[LiveKey]) -> Option<String> {
    let is_shown = |id: &KeyId| listed.iter().any(|key| &key.id == id && !key.disabled);
    let (_, key) = minted.iter().find(|(_, key)| is_shown(&key.id))?;
    Some(works(&key.id, "shows it enabled"))
}

/// What the service does with a key that was not released.
pub(super) fn works(id: &KeyId, what: &str) -> String {
    format!("the service made the key `{id}` disabled, as it says, and {what} before it was released")
}

/// The outcome of a key that is sealed and that something else kept from being released.
pub(super) fn unreleased(id: &KeyId, state: KeyState, cause: &Became) -> Became {
    let Became::Failed { why, cause, .. } = cause else { return cause.clone() };
    failed(*cause, format!("the key `{id}` is made and sealed, but not released: {why}"), run_again(state))
}
