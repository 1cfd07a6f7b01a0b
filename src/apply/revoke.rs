//! Revokes a key: before anything else, again until the service shows it, and whether or not it can be written down.

use super::limits::{REVOKE_TIME, delay};
use super::outcome::{DONE, Fate, Step as Attempt, chain, done_with, failed, in_doubt};
use super::run::Run;
use super::update::as_it_is;
use crate::model::{KeyId, KeyState, LiveKey, Record, Revocation, Revoked, SealedKey, Timestamp};
use crate::plan::{Action, Step};
use crate::ports::{
    Deletion, Failure, KeepError, KeepRecord, KeyChange, ReadLive, ServiceError, Surroundings, WriteLive,
};
use crate::report::{Became, Cause};

/// How a request to revoke ended.
enum Sent {
    Answered,
    AlreadyGone,
    Unanswered(ServiceError),
}

/// A key that does not work any more, as the service itself shows it.
enum Stopped {
    Gone(Option<&'static str>),
    Disabled(Box<LiveKey>),
}

impl<R: ReadLive, W: WriteLive, K: KeepRecord, S: Surroundings> Run<'_, R, W, K, S> {
    /// Stops a key that is not to be trusted any more. What the record does not have at this address is not ours to stop.
    pub(super) async fn revoke_key(&self, action: &Action, id: &KeyId, revoked: &Revoked) -> Attempt<Became> {
        let mut entry = self.revocable_key(action, id)?;
        entry.revoked = Some(revoked.clone());
        // On the record first: where this run ends in the middle, the next one carries it on. A record that cannot be
        // kept does not save a key that leaked.
        let noted = self.note(&entry);
        let stopped = self.stop_key(id, revoked.how).await;
        let told = match &stopped {
            Ok(stopped) => noted.and_then(|()| self.note(&after(entry, stopped, self.service_now()))),
            Err(_) => noted,
        };
        let is_noted = told.map_err(|error| self.unnoted(id, &error, stopped.is_ok()));
        match (stopped?, is_noted) {
            (_, Err(became)) => Err(became),
            (Stopped::Gone(Some(note)), Ok(())) => Ok(done_with(note)),
            (Stopped::Gone(None) | Stopped::Disabled(_), Ok(())) => Ok(DONE),
        }
    }

    /// The entry of a key at the action's address, or on its way there by a move of this plan, which comes after this.
    fn revocable_key(&self, action: &Action, id: &KeyId) -> Attempt<SealedKey> {
        let is_moving = |record: &Record| match record {
            Record::Moved { keys, .. } => {
                keys.iter().any(|key| key.id == *id && key.address == action.address)
            }
            _ => false,
        };
        let mut steps = self.plan.actions.iter().map(|action| &action.step);
        if steps.any(|step| matches!(step, Step::Record(records) if records.iter().any(is_moving)))
            && let Some(entry) = self.with_sealed(|sealed| sealed.key(id).cloned())
        {
            return Ok(entry);
        }
        self.managed_key(action, id)
    }

    fn note(&self, entry: &SealedKey) -> Result<(), KeepError> {
        self.with_keeper(|keeper| keeper.append(Record::Key { key: Box::new(entry.clone()) }))
    }

    /// The outcome where the record could not be kept: nothing else is begun after it.
    fn unnoted(&self, id: &KeyId, error: &KeepError, is_stopped: bool) -> Became {
        // It ends the run.
        let _ = self.not_kept(error);
        let what = if is_stopped { "does not work any more" } else { "may still work" };
        let why = format!("the key `{id}` {what}; that could not be written down: {}", chain(error));
        let help =
            "mend the cause and run the same command again: it writes that down and makes the successor";
        failed(Cause::Seal, why, help)
    }

    /// Sends the request until the key itself shows that it arrived.
    async fn stop_key(&self, id: &KeyId, how: Revocation) -> Attempt<Stopped> {
        let begun = self.surroundings.monotonic();
        let mut tries = 0;
        let mut last = String::new();
        loop {
            let sent = match how {
                Revocation::Delete => self.send_deletion(id).await,
                Revocation::Disable => self.send_disabling(id).await,
            };
            let note = match sent {
                Ok(Sent::Answered) => None,
                Ok(Sent::AlreadyGone) => Some("it was already gone"),
                Ok(Sent::Unanswered(error)) => {
                    last = error.to_string();
                    Some("the answer was lost; the key shows that the request arrived")
                }
                Err(error) if tries == 0 => return Err(self.refused(&error)),
                Err(error) => {
                    self.note_refusal(&error);
                    return Err(in_doubt_about(id, &error.to_string()));
                }
            };
            match self.reader.key(id).await {
                Ok(None) => return Ok(Stopped::Gone(note)),
                Ok(Some(live)) if how == Revocation::Disable && live.disabled => {
                    return Ok(Stopped::Disabled(Box::new(live)));
                }
                Ok(Some(_)) if last.is_empty() => {
                    "the service took the request and still shows it as it was".clone_into(&mut last);
                }
                Ok(Some(_)) => {}
                Err(error) => last = error.to_string(),
            }
            let is_over = self.surroundings.monotonic().saturating_sub(begun) >= REVOKE_TIME;
            if is_over || self.is_stopping() {
                return Err(in_doubt_about(id, &last));
            }
            self.sleep(delay(tries)).await;
            tries += 1;
        }
    }

    async fn send_deletion(&self, id: &KeyId) -> Result<Sent, ServiceError> {
        match self.writer.delete_key(id, &|| !self.is_stopping()).await {
            Ok(Deletion::Deleted) => Ok(Sent::Answered),
            Ok(Deletion::AlreadyGone) => Ok(Sent::AlreadyGone),
            Err(error) => unless_refused(error),
        }
    }

    async fn send_disabling(&self, id: &KeyId) -> Result<Sent, ServiceError> {
        let change = KeyChange { disabled: Some(true), ..KeyChange::default() };
        match self.writer.update_key(id, &change, &|| !self.is_stopping()).await {
            Ok(_) => Ok(Sent::Answered),
            Err(error) if error.failure.status() == Some(404) => Ok(Sent::AlreadyGone),
            Err(error) => unless_refused(error),
        }
    }
}

/// What may have arrived, or may arrive when it is sent again, is no refusal.
fn unless_refused(error: ServiceError) -> Result<Sent, ServiceError> {
    let is_final = Fate::of(&error.failure) == Fate::Refused || error.failure == Failure::Withheld;
    if is_final { Err(error) } else { Ok(Sent::Unanswered(error)) }
}

/// The entry of a key that is stopped.
fn after(mut entry: SealedKey, stopped: &Stopped, now: Timestamp) -> SealedKey {
    match stopped {
        Stopped::Gone(_) => (entry.state, entry.since) = (KeyState::Deleted, now),
        Stopped::Disabled(live) => {
            (entry.state, entry.since) = (KeyState::Disabled, now);
            entry.applied = as_it_is(live);
        }
    }
    entry
}

fn in_doubt_about(id: &KeyId, last: &str) -> Became {
    in_doubt(
        format!("whether the key `{id}` still works is not known: {last}"),
        format!(
            "take it for working: run the same command again, and look at `{id}` in Honeycomb until it is gone there"
        ),
    )
}
