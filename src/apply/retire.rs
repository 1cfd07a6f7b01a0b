//! Takes a key out of service, one step per apply: disables it, deletes it after its quarantine.

use super::limits::{DELETION_TIME, delay};
use super::outcome::{DONE, Fate, Step as Attempt, changed, done_with, failed, in_doubt};
use super::run::Run;
use super::update::as_it_is;
use crate::model::{KeyId, KeyState, Record, SealedKey};
use crate::plan::Action;
use crate::ports::{Deletion, KeepRecord, KeyChange, ReadLive, Surroundings, WriteLive};
use crate::report::{Became, Cause};

impl<R: ReadLive, W: WriteLive, K: KeepRecord, S: Surroundings> Run<'_, R, W, K, S> {
    /// Disables a key that is no longer declared, or that `successor` has taken the place of; its quarantine begins.
    pub(super) async fn retire_key(
        &self,
        action: &Action,
        id: &KeyId,
        successor: Option<&KeyId>,
    ) -> Attempt<Became> {
        let mut entry = self.managed_key(action, id)?;
        let state = entry.state;
        let is_unreleased = || changed(format!("the record says that `{id}` is {}", state.as_str()));
        if state == KeyState::Dropping {
            return Err(is_unreleased());
        }
        let before = self.unmoved_key(action, id).await?;
        // Under its final name it was released by a copy of this record.
        if state == KeyState::Provisional && before.name != entry.name {
            return Err(is_unreleased());
        }
        // The rules for disabling were not asked about a key that was off when the plan was made.
        if !before.disabled && !action.changes.iter().any(|change| change.field == "enabled") {
            return Err(changed(format!("somebody enabled the key `{id}` since the plan was made")));
        }
        if let Some(successor) = successor {
            self.works(successor).await?;
        }
        let change = KeyChange { disabled: Some(true), ..KeyChange::default() };
        let patched = self.patch_key(id, &change).await?;
        if patched.differs.is_empty() {
            entry.state = KeyState::Disabled;
            // A key that was disabled already may show a time long past: its quarantine begins now all the same.
            let updated = patched.live.updated.filter(|_| !before.disabled);
            entry.since = updated.unwrap_or_else(|| self.service_now());
        }
        entry.applied = as_it_is(&patched.live);
        self.append(Record::Key { key: Box::new(entry) })?;
        patched.became()
    }

    /// S6: whatever became of it since the plan was made, what takes a key's place works when that key stops.
    async fn works(&self, successor: &KeyId) -> Attempt<()> {
        match self.unless_stopped(self.read_key(successor)).await? {
            Some(live) if !live.disabled => Ok(()),
            Some(_) => {
                Err(changed(format!("its successor `{successor}` was disabled since the plan was made")))
            }
            None => Err(changed(format!("its successor `{successor}` is gone from the service"))),
        }
    }

    /// Deletes a key that keycomb disabled and left so for its quarantine; re-read just before.
    pub(super) async fn delete_key(&self, action: &Action, id: &KeyId) -> Attempt<Became> {
        let entry = self.managed_key(action, id)?;
        let Some(live) = self.unless_stopped(self.read_key(id)).await? else {
            self.record_deleted(entry)?;
            return Ok(done_with("it was already gone"));
        };
        if entry.state != KeyState::Disabled {
            let state = entry.state.as_str();
            return Err(changed(format!("the record says that `{id}` is {state}, not disabled by keycomb")));
        }
        self.as_expected(id, &live)?;
        if !live.disabled {
            return Err(changed(format!("somebody enabled the key `{id}` again")));
        }
        // It begins anew with every change: somebody may have let the key work for a while.
        let begun = live.updated.map_or(entry.since, |updated| updated.max(entry.since));
        let over = entry.quarantine.after(begun);
        if self.reader.service_now().is_none_or(|now| now < over) {
            return Err(changed(format!("the quarantine of `{id}` lasts until {over}")));
        }
        let note = match self.writer.delete_key(id, &|| self.is_wanted()).await {
            Ok(Deletion::Deleted) => None,
            Ok(Deletion::AlreadyGone) => Some("it was already gone"),
            Err(error) if Fate::of(&error.failure) == Fate::Unknown => {
                if !matches!(self.reader.key(id).await, Ok(None)) {
                    let help = "run `keycomb plan` in a few minutes: it shows whether the key is gone";
                    return Err(in_doubt(format!("{error}; the key may still be deleted"), help));
                }
                Some("the answer was lost; the key is gone")
            }
            Err(error) => return Err(self.refused(&error)),
        };
        self.until_gone(id).await?;
        self.record_deleted(entry)?;
        Ok(note.map_or(DONE, done_with))
    }

    /// Reads a deleted key until the service does not have it any more.
    async fn until_gone(&self, id: &KeyId) -> Attempt<()> {
        let begun = self.surroundings.monotonic();
        let mut tries = 0;
        while self.read_key(id).await?.is_some() {
            if self.surroundings.monotonic().saturating_sub(begun) >= DELETION_TIME || self.is_stopping() {
                let why = format!("the service took the deletion of `{id}` and still has it");
                return Err(failed(Cause::Mismatch, why, "run `keycomb plan` in a few minutes"));
            }
            self.sleep(delay(tries)).await;
            tries += 1;
        }
        Ok(())
    }

    pub(super) fn record_deleted(&self, mut entry: SealedKey) -> Attempt<()> {
        (entry.state, entry.since) = (KeyState::Deleted, self.service_now());
        self.append(Record::Key { key: Box::new(entry) })
    }
}
