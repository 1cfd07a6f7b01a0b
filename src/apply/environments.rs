//! Makes, changes and deletes environments.

use super::home::Home;
use super::outcome::{DONE, Ended, Fate, Step as Attempt, changed, done_with, failed, in_doubt};
use super::run::Run;
use super::update::mismatch;
use super::verify::{environment_differs, environment_moved};
use crate::model::{
    EnvironmentAttributes, EnvironmentId, Intent, KeyState, KeyType, LiveEnvironment, Provisional, Record,
    SealedEnvironment, brief,
};
use crate::plan::Action;
use crate::ports::{Gate, KeepRecord, NewEnvironment, OPEN, ReadLive, ServiceError, Surroundings, WriteLive};
use crate::report::{Became, Cause};

impl<R: ReadLive, W: WriteLive, K: KeepRecord, S: Surroundings> Run<'_, R, W, K, S> {
    /// Makes an environment, or finishes the one that an earlier apply asked for and did not see made.
    ///
    /// Until it is recorded it has a mark in place of its description, so that one whose answer was lost is known to be
    /// ours, and somebody else's of the same name is not taken over. Where the record does not last it keeps the mark until
    /// an apply finds it from the checkout's lineage and finishes it.
    pub(super) async fn create_environment(
        &self,
        action: &Action,
        name: &str,
        attributes: &EnvironmentAttributes,
    ) -> Ended {
        let made = match &action.id {
            Some(_) => self.begun_environment(action, name).await,
            None => self.ask_for_environment(action, name, attributes).await,
        };
        let made = match made {
            Ok(made) => made,
            Err(ended) => return ended.into(),
        };
        let id = Some(made.id.to_string());
        if self.home == Home::Staged && made.name == name {
            self.made_environment(action.address.environment(), &made.id);
            let note = "made, and marked as unfinished: the apply after the sealed file is home finishes it";
            return Ended { became: done_with(note), id };
        }
        let became = self.finish_environment(action, name, attributes, made).await.unwrap_or_else(|e| e);
        Ended { became, id }
    }

    async fn begun_environment(&self, action: &Action, name: &str) -> Attempt<LiveEnvironment> {
        let found = self.marked_environment(action, name).await.map_err(|error| self.refused(&error))?;
        found.ok_or_else(|| changed(format!("the environment `{}` is no longer as it was", brief(name))))
    }

    async fn ask_for_environment(
        &self,
        action: &Action,
        name: &str,
        attributes: &EnvironmentAttributes,
    ) -> Attempt<LiveEnvironment> {
        let nonce = self.surroundings.nonce();
        let lineage = self.with_sealed(|sealed| sealed.lineage.clone());
        let mark = Provisional::new(&lineage, &action.address, nonce.clone()).name();
        // Also keeps the lineage, without which the mark says nothing.
        self.append(Record::Intent {
            intent: Intent {
                address: action.address.clone(),
                generation: 1,
                nonce: nonce.clone(),
                at: self.surroundings.now(),
            },
        })?;
        let new = NewEnvironment { name: name.to_owned(), description: Some(mark), color: attributes.color };
        let error = match self.writer.create_environment(&new, &|| self.is_wanted()).await {
            Ok(made) => return Ok(made),
            Err(error) => error,
        };
        let is_taken = error.failure.status() == Some(409);
        let fate = Fate::of(&error.failure);
        if is_taken || fate == Fate::Unknown {
            // A name is taken once: this request may have made it, or an earlier one that arrived late.
            match self.marked_environment(action, name).await {
                Ok(Some(made)) => return Ok(made),
                Ok(None) if is_taken => {}
                Ok(None) => return Err(doubtful(&error, "there is no such environment yet")),
                Err(_) => return Err(doubtful(&error, "the listing could not be read either")),
            }
        }
        self.append(Record::IntentOver { nonce })?;
        if is_taken {
            let why = format!("{error}; an environment `{}` exists already", brief(name));
            return Err(failed(Cause::Changed, why, "adopt it, or declare it with `reference = true`"));
        }
        Err(self.refused(&error))
    }

    /// The environment of this name that has a mark of ours for this address.
    async fn marked_environment(
        &self,
        action: &Action,
        name: &str,
    ) -> Result<Option<LiveEnvironment>, ServiceError> {
        let all = self.reader.environments().await?;
        Ok(all.into_iter().find(|live| live.name == name && self.is_marked(action, live)))
    }

    fn is_marked(&self, action: &Action, live: &LiveEnvironment) -> bool {
        Provisional::parse(&live.description).is_some_and(|mark| {
            mark.is_for(&action.address) && self.with_sealed(|sealed| mark.is_of(&sealed.lineage))
        })
    }

    async fn finish_environment(
        &self,
        action: &Action,
        name: &str,
        attributes: &EnvironmentAttributes,
        made: LiveEnvironment,
    ) -> Attempt<Became> {
        let id = made.id.clone();
        if made.name != name || self.with_sealed(|s| s.environments.iter().any(|e| e.id == id)) {
            let why = format!(
                "the service answered with the environment `{}` (`{id}`) instead of the one asked for",
                brief(&made.name)
            );
            return Err(failed(Cause::Mismatch, why, "it is not recorded: look at it at the service"));
        }
        self.record_environment(action, &made, managed_part(attributes, &made))?;
        self.made_environment(action.address.environment(), &id);
        self.requests_are_over(action)?;
        let mut asked = attributes.clone();
        if self.is_marked(action, &made) {
            // The mark goes even where no description is managed.
            asked.description.get_or_insert_default();
        }
        // Protection cannot be chosen at creation (Honeycomb docs: an environment is made delete-protected);
        // what the service made otherwise than asked is sent once more with it.
        let left = missing(&asked, &made);
        if !left.is_empty() {
            // What was begun is ended, whoever asks to stop.
            self.patch_environment(action, &id, &left, attributes, OPEN).await?;
        }
        Ok(DONE)
    }

    /// Its name is taken for good: no request for it can make another.
    fn requests_are_over(&self, action: &Action) -> Attempt<()> {
        let nonces: Vec<_> = self.with_sealed(|sealed| {
            let of_it = sealed.intents.iter().filter(|intent| intent.address == action.address);
            of_it.map(|intent| intent.nonce.clone()).collect()
        });
        nonces.into_iter().try_for_each(|nonce| self.append(Record::IntentOver { nonce }))
    }

    pub(super) async fn update_environment(
        &self,
        action: &Action,
        id: &EnvironmentId,
        change: &EnvironmentAttributes,
        applied: &EnvironmentAttributes,
    ) -> Attempt<Became> {
        self.managed_environment(action, id)?;
        let Some(live) = self.unless_stopped(self.read_environment(id)).await? else {
            return Err(changed(format!("the environment `{id}` is gone from the service")));
        };
        let moved = environment_moved(&action.changes, &live);
        if !moved.is_empty() {
            return Err(changed(format!("since the plan: {}", moved.join("; "))));
        }
        self.as_expected_environment(id, &live)?;
        if change.is_empty() {
            self.record_environment(action, &live, applied.clone())?;
            return Ok(done_with("only the record changed"));
        }
        self.patch_environment(action, id, change, applied, &|| self.is_wanted()).await
    }

    /// Sends a change, compares, and records what is managed as it now is.
    async fn patch_environment(
        &self,
        action: &Action,
        id: &EnvironmentId,
        change: &EnvironmentAttributes,
        applied: &EnvironmentAttributes,
        gate: Gate<'_>,
    ) -> Attempt<Became> {
        let (live, note) = match self.writer.update_environment(id, change, gate).await {
            Ok(live) => (live, None),
            Err(error) if error.failure.status() == Some(404) => {
                return Err(changed(format!("the environment `{id}` is gone from the service")));
            }
            Err(error) if Fate::of(&error.failure) != Fate::Unknown => return Err(self.refused(&error)),
            Err(error) => match self.reader.environment(id).await {
                Ok(Some(live)) if environment_differs(change, &live).is_empty() => {
                    (live, Some("the answer was lost; it was read back and is as asked"))
                }
                _ => {
                    let help = "run `keycomb plan` in a few minutes: it shows what is left to do";
                    return Err(in_doubt(format!("{error}; the change may still be carried out"), help));
                }
            },
        };
        let differs = environment_differs(change, &live);
        let applied = if differs.is_empty() { applied.clone() } else { managed_part(applied, &live) };
        self.record_environment(action, &live, applied)?;
        if !differs.is_empty() {
            return Err(mismatch(&format!("the environment `{id}`"), &differs));
        }
        Ok(note.map_or(DONE, done_with))
    }

    /// Takes an environment out of the record that the service does not have. Never deletes: what the plan took for
    /// gone was held against none of the rules for deleting.
    pub(super) async fn forget_environment(&self, action: &Action, id: &EnvironmentId) -> Attempt<Became> {
        self.managed_environment(action, id)?;
        if self.unless_stopped(self.read_environment(id)).await?.is_some() {
            return Err(changed(format!("the environment `{id}` is not gone after all")));
        }
        self.append(Record::EnvironmentGone { address: action.address.clone() })?;
        Ok(done_with("only the record changed"))
    }

    /// Deletes an environment that is unprotected and empty at this moment.
    pub(super) async fn delete_environment(&self, action: &Action, id: &EnvironmentId) -> Attempt<Became> {
        self.managed_environment(action, id)?;
        let gone = Record::EnvironmentGone { address: action.address.clone() };
        let Some(live) = self.unless_stopped(self.read_environment(id)).await? else {
            self.append(gone)?;
            return Ok(done_with("it was already gone"));
        };
        self.as_expected_environment(id, &live)?;
        if live.delete_protected {
            return Err(changed(format!("the environment `{id}` is protected from deletion")));
        }
        let inside = self.keys_inside(id).await?;
        if inside > 0 {
            return Err(changed(format!("the environment `{id}` still holds {inside} keys")));
        }
        match self.writer.delete_environment(id, &|| self.is_wanted()).await {
            Ok(_) => {}
            Err(error) if error.failure.status() == Some(409) => {
                return Err(changed(format!("{error}; the environment is protected from deletion")));
            }
            Err(error) if Fate::of(&error.failure) != Fate::Unknown => return Err(self.refused(&error)),
            Err(error) => {
                if !matches!(self.reader.environment(id).await, Ok(None)) {
                    let help =
                        "run `keycomb plan` in a few minutes: it shows whether the environment is gone";
                    return Err(in_doubt(format!("{error}; the environment may still be deleted"), help));
                }
            }
        }
        if self.read_environment(id).await?.is_some() {
            let why = format!("the service took the deletion of `{id}` and still has it");
            return Err(failed(Cause::Mismatch, why, "run `keycomb plan` in a few minutes"));
        }
        self.append(gone)?;
        Ok(DONE)
    }

    /// How many keys of either type are in an environment, leaving out those that are known to be deleted and that
    /// a lagging listing may still show.
    async fn keys_inside(&self, id: &EnvironmentId) -> Attempt<usize> {
        let keys = self.look(KeyType::ALL.iter().copied()).await?;
        Ok(self.with_sealed(|sealed| {
            let is_deleted = |key| sealed.key(key).is_some_and(|entry| entry.state == KeyState::Deleted);
            keys.iter().filter(|key| &key.environment == id && !is_deleted(&key.id)).count()
        }))
    }

    async fn read_environment(&self, id: &EnvironmentId) -> Attempt<Option<LiveEnvironment>> {
        self.reader.environment(id).await.map_err(|error| self.refused(&error))
    }

    /// Without an entry in the record it is not ours to write.
    fn managed_environment(&self, action: &Action, id: &EnvironmentId) -> Attempt<()> {
        let is_ours = self.with_sealed(|s| s.environment(&action.address).is_some_and(|e| &e.id == id));
        if is_ours {
            Ok(())
        } else {
            Err(changed(format!("the record has no environment `{id}` at this address")))
        }
    }

    fn record_environment(
        &self,
        action: &Action,
        live: &LiveEnvironment,
        applied: EnvironmentAttributes,
    ) -> Attempt<()> {
        let environment = SealedEnvironment {
            address: action.address.clone(),
            id: live.id.clone(),
            name: live.name.clone(),
            applied,
        };
        self.append(Record::Environment { environment })
    }
}

fn doubtful(error: &ServiceError, seen: &str) -> Became {
    let help = "run `keycomb apply` again in a few minutes: what this request made has a mark in its description, \
                and is finished then";
    in_doubt(format!("{error}; {seen}"), help)
}

/// What is managed, as the service has it.
fn managed_part(managed: &EnvironmentAttributes, live: &LiveEnvironment) -> EnvironmentAttributes {
    let EnvironmentAttributes { description, color, delete_protected } = managed;
    EnvironmentAttributes {
        description: description.as_ref().map(|_| live.description.clone()),
        color: color.and(live.color),
        delete_protected: delete_protected.map(|_| live.delete_protected),
    }
}

/// The part of what was asked that is not so.
fn missing(asked: &EnvironmentAttributes, live: &LiveEnvironment) -> EnvironmentAttributes {
    let differs = environment_differs(asked, live);
    let is_missing = |field| differs.contains(&field);
    EnvironmentAttributes {
        description: asked.description.clone().filter(|_| is_missing("description")),
        color: asked.color.filter(|_| is_missing("color")),
        delete_protected: asked.delete_protected.filter(|_| is_missing("delete_protected")),
    }
}
