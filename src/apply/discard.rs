//! Deletes keys that were never enabled: leftovers of earlier runs, twins, and our own before a rival.
//!
//! Nothing undoes a deletion, so each is sent only while a reading of the key is fresh, and only if that showed the key
//! as it was judged.

use std::time::Duration;

use super::limits::{DISCARD_TRIES, FRESH};
use super::outcome::{DONE, Fate, Step as Attempt, changed, done_with, failed};
use super::run::Run;
use crate::model::{KeyId, KeyState, LiveKey, Record, Timestamp};
use crate::plan::{Action, Leftover, discardable_from};
use crate::ports::{Deletion, Failure, Gate, KeepRecord, ReadLive, Surroundings, WriteLive};
use crate::report::{Became, Cause};

/// How a key that was never enabled went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gone {
    Deleted,
    Already,
    AnswerLost,
}

impl<R: ReadLive, W: WriteLive, K: KeepRecord, S: Surroundings> Run<'_, R, W, K, S> {
    /// Deletes what an earlier run left behind, and ends what the record has of it.
    pub(super) async fn discard_key(&self, action: &Action, leftover: &Leftover) -> Attempt<Became> {
        let id = &leftover.id;
        let entry = self.with_sealed(|sealed| sealed.key(id).cloned());
        if entry.as_ref().is_some_and(|entry| entry.address != action.address) {
            return Err(changed(format!("the record has the key `{id}` at another address")));
        }
        let is_wanted = || self.is_wanted();
        let gone = self.delete_unreleased(id, &is_wanted, |live| self.still_left(leftover, live)).await?;
        match entry {
            None => {}
            // Its release was begun: that it never arrived is what the service says, and it may say otherwise.
            Some(entry) if entry.state == KeyState::Releasing => self.record_deleted(entry)?,
            Some(entry) => self.append(Record::KeyGone { id: entry.id })?,
        }
        Ok(match gone {
            Gone::Deleted => DONE,
            Gone::Already => done_with("it was already gone"),
            Gone::AnswerLost => done_with("the answer was lost; the key is gone"),
        })
    }

    /// Whether a leftover is as the plan saw it, and as old as it must be.
    fn still_left(&self, leftover: &Leftover, live: &LiveKey) -> Attempt<()> {
        let Leftover { id, name, environment, updated } = leftover;
        let as_seen = &live.name == name && &live.environment == environment && &live.updated == updated;
        if !as_seen || !live.disabled {
            return Err(changed(format!("somebody changed the key `{id}` since the plan was made")));
        }
        let from = self.with_sealed(|sealed| discardable_from(sealed, sealed.key(id), live));
        let is_due = |from: Timestamp| {
            // Certain at any time; what waits, waits by the service's clock.
            from == Timestamp::MIN || self.reader.service_now().is_some_and(|now| from <= now)
        };
        match from {
            Some(from) if is_due(from) => Ok(()),
            Some(from) => Err(changed(format!("the key `{id}` may still be released until {from}"))),
            None => Err(changed(format!("the key `{id}` is no leftover of ours"))),
        }
    }

    /// Reads a key, and deletes it if `check` holds of what was read and that is still fresh when the request is sent:
    /// whoever may release the key has this long at least to show it.
    pub(super) async fn delete_unreleased(
        &self,
        id: &KeyId,
        is_wanted: Gate<'_>,
        check: impl Fn(&LiveKey) -> Attempt<()>,
    ) -> Attempt<Gone> {
        let mut sent = false;
        for _ in 0..DISCARD_TRIES {
            // From before the reading was asked for: its answer may have waited too.
            let begun = self.clocks();
            let Some(live) = self.read_key(id).await? else {
                return Ok(if sent { Gone::AnswerLost } else { Gone::Already });
            };
            check(&live)?;
            match self.writer.delete_key(id, &|| is_wanted() && self.is_fresh(begun)).await {
                Ok(Deletion::Deleted) => return Ok(Gone::Deleted),
                Ok(Deletion::AlreadyGone) => return Ok(if sent { Gone::AnswerLost } else { Gone::Already }),
                Err(error) if error.failure == Failure::Withheld && is_wanted() => {}
                Err(error) if Fate::of(&error.failure) == Fate::Unknown => sent = true,
                Err(error) => return Err(self.refused(&error)),
            }
        }
        let why = if sent { "got no answer" } else { "was never its turn soon enough after a reading" };
        Err(failed(
            Cause::Service,
            format!("the deletion of the key `{id}` {why}; it was never enabled"),
            "run `keycomb apply` again: it looks whether the key is still there",
        ))
    }

    fn clocks(&self) -> (Duration, Timestamp) {
        (self.surroundings.monotonic(), self.surroundings.now())
    }

    /// A machine that sleeps stops the monotonic clock, and the other one may be set: both must agree.
    fn is_fresh(&self, (monotonic, wall): (Duration, Timestamp)) -> bool {
        let (later, wall_later) = self.clocks();
        later.saturating_sub(monotonic) <= FRESH && wall_later.duration_since(wall).unsigned_abs() <= FRESH
    }
}
