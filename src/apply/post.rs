//! Asks for a key and seals its secret: steps 3 to 6 of minting.

use std::time::Duration;

use super::limits::{DEADLINE, POST_TRIES, delay};
use super::mint::Task;
use super::outcome::{Ended, Fate, Step as Attempt, failed, in_doubt, not_started};
use super::run::Run;
use super::trace;
use super::verify::{Echo, echo};
use crate::model::{
    AppliedKey, Intent, KeyId, KeyState, LiveKey, Nonce, Payload, Provisional, Recipient, RecipientRef,
    Record, SealedKey, Secret, credential,
};
use crate::ports::{
    CreatedKey, Failure, KeepRecord, NewKey, OPEN, ReadLive, ServiceError, Surroundings, WriteLive,
};
use crate::report::{Became, Cause};

/// A key that is made and sealed, and not yet released.
pub(super) struct Minted {
    pub id: KeyId,
    pub nonce: Nonce,
    /// To see that it does not work yet, and to prove it once it is enabled.
    pub credential: Secret,
    /// When its time for being released is over, by the monotonic clock.
    pub ends: Duration,
}

/// One try: what was asked for, and what marks it.
struct Try {
    nonce: Nonce,
    asked: NewKey,
    sent: Duration,
}

impl<R: ReadLive, W: WriteLive, K: KeepRecord, S: Surroundings> Run<'_, R, W, K, S> {
    /// Asks until the service certainly did or refused; never again when nobody can say.
    pub(super) async fn post(&self, task: &Task<'_>, listed: &[LiveKey]) -> Result<Minted, Ended> {
        if self.seal.recipients_of(task.action.address.environment()).is_empty() {
            let why = format!("no recipient can open the secrets of `{}`", task.action.address.environment());
            return Err(failed(Cause::Seal, why, "name one in `[seal.recipients]`").into());
        }
        let mut repeats = 0;
        loop {
            let tried = self.intend(task)?;
            let is_wanted = || self.is_wanted() && self.may_mint().is_ok();
            let error = match self.writer.create_key(&tried.asked, &is_wanted).await {
                Ok(created) => return self.accept(task, tried, created, listed).await,
                Err(error) => error,
            };
            self.not_made(&tried, &error)?;
            repeats += 1;
            if repeats >= POST_TRIES || error.failure == Failure::Withheld {
                return Err(self.refused(&error).into());
            }
            if self.is_stopping() {
                return Err(not_started("somebody asked to stop before the service took the request").into());
            }
            self.unless_stopped(async {
                self.sleep(delay(repeats - 1)).await;
                Ok(())
            })
            .await?;
            self.may_begin(task.action)?;
            self.may_mint()?;
        }
    }

    /// Step 3: the intent is durable before anything is sent. Each try has a nonce of its own.
    fn intend(&self, task: &Task<'_>) -> Attempt<Try> {
        let Task { action, mint, environment, .. } = task;
        let nonce = self.surroundings.nonce();
        let lineage = self.with_sealed(|sealed| sealed.lineage.clone());
        let intent = Intent {
            address: action.address.clone(),
            generation: mint.generation,
            nonce: nonce.clone(),
            at: self.surroundings.now(),
        };
        self.append(Record::Intent { intent })?;
        let asked = NewKey {
            key_type: mint.key_type,
            environment: environment.clone(),
            name: Provisional::new(&lineage, &action.address, nonce.clone()).name(),
            disabled: true,
            permissions: mint.permissions.clone(),
        };
        Ok(Try { nonce, asked, sent: self.surroundings.monotonic() })
    }

    /// Step 4: the request failed. `Ok` when the service certainly did not carry it out and may be asked again.
    fn not_made(&self, tried: &Try, error: &ServiceError) -> Attempt<()> {
        match Fate::of(&error.failure) {
            Fate::NotDone => self.append(over(&tried.nonce)),
            Fate::Refused => {
                let ended = self.refused(error);
                self.append(over(&tried.nonce))?;
                Err(ended)
            }
            // The intent stays: whatever appears under its nonce was never enabled.
            Fate::Unknown => Err(in_doubt(
                format!("{error}; a key may have been made"),
                "what may have been made is disabled and under a provisional name, and nobody holds its secret; \
                 run `keycomb apply` again to make another",
            )),
        }
    }

    /// Step 5: is it what was asked for? Only then is it sealed.
    async fn accept(
        &self,
        task: &Task<'_>,
        tried: Try,
        created: CreatedKey,
        listed: &[LiveKey],
    ) -> Result<Minted, Ended> {
        let id = created.key.id.clone();
        // An id that was there before cannot be what this request made.
        let is_known = listed.iter().any(|key| key.id == id) || self.with_sealed(|s| s.key(&id).is_some());
        let says = if is_known { Echo::Foreign { enabled: false } } else { echo(&tried.asked, &created) };
        let became = match says {
            Echo::AsAsked => return self.keep(task, tried, created).await,
            Echo::Differs(fields) => {
                drop(created);
                let why = format!("the service made the key otherwise than asked: {}", fields.join(", "));
                self.undo(&id, over(&tried.nonce), Cause::Mismatch, &why).await
            }
            Echo::Enabled => {
                drop(created);
                // First of all: no other key must follow this one.
                self.halt_minting("the service makes keys enabled that are asked for disabled");
                let why = "the service made the key enabled, though it was asked for disabled";
                self.undo(&id, over(&tried.nonce), Cause::NotDisabled, why).await
            }
            Echo::Foreign { enabled } => {
                drop(created);
                if enabled {
                    self.halt_minting(
                        "the service answered with an enabled key that is not the one asked for",
                    );
                }
                in_doubt(
                    format!("the service answered with another key, `{id}`, than the one asked for"),
                    "its secret was dropped and it was not touched: look at it at the service; what else may have \
                     been made is disabled and under a provisional name",
                )
            }
        };
        Err(Ended { became, id: Some(id.to_string()) })
    }

    /// Step 6: seals the secret and makes that durable. Should that fail the key goes, for nobody holds its secret.
    async fn keep(&self, task: &Task<'_>, tried: Try, created: CreatedKey) -> Result<Minted, Ended> {
        let id = created.key.id.clone();
        match self.seal_and_record(task, &tried.nonce, created) {
            Ok(credential) => Ok(Minted { id, nonce: tried.nonce, credential, ends: tried.sent + DEADLINE }),
            Err(became) => {
                let why = match &became {
                    Became::Failed { why, .. } => format!("its secret could not be kept: {why}"),
                    _ => "its secret could not be kept".to_owned(),
                };
                let became = self.undo(&id, over(&tried.nonce), Cause::Seal, &why).await;
                Err(Ended { became, id: Some(id.to_string()) })
            }
        }
    }

    /// Returns the credential: it is kept until it has proven the key, and the bare secret is wiped here.
    fn seal_and_record(&self, task: &Task<'_>, nonce: &Nonce, created: CreatedKey) -> Attempt<Secret> {
        let CreatedKey { key, secret } = created;
        let recipients = self.seal.recipients_of(task.action.address.environment());
        let (lineage, team, endpoint) =
            self.with_sealed(|s| (s.lineage.clone(), s.team.clone(), s.endpoint.clone()));
        let payload = Payload {
            lineage,
            team,
            endpoint,
            address: task.action.address.clone(),
            generation: task.mint.generation,
            id: key.id.clone(),
            key_type: key.key_type,
            environment: key.environment.clone(),
            credential: credential(key.key_type, &key.id, &secret),
            secret,
        };
        let to: Vec<&Recipient> = recipients.iter().map(|(_, recipient)| *recipient).collect();
        let armored = trace::seal()
            .in_scope(|| self.with_keeper(|keeper| keeper.seal(&payload, &to)))
            .map_err(|error| self.not_kept(&error))?;
        let created = key.created.unwrap_or_else(|| self.service_now());
        let mut recipients: Vec<RecipientRef> = recipients
            .into_iter()
            .map(|(name, r)| RecipientRef { name: name.to_owned(), fingerprint: r.fingerprint() })
            .collect();
        recipients.sort();
        let entry = SealedKey {
            moved_from: vec![],
            in_place_of: task
                .mint
                .succeeds
                .iter()
                .filter(|old| old.address != payload.address)
                .map(|old| old.id.clone())
                .collect(),
            address: payload.address.clone(),
            generation: payload.generation,
            state: KeyState::Provisional,
            id: key.id,
            key_type: key.key_type,
            environment: key.environment,
            name: task.mint.name.clone(),
            created,
            since: created,
            applied: AppliedKey { enabled: task.mint.enabled, permissions: task.mint.permissions.clone() },
            owner: task.mint.remember.owner.clone(),
            protected: task.mint.remember.protected,
            quarantine: task.mint.remember.quarantine,
            recipients,
            sealed: Some(armored),
            secret: None,
            revoked: None,
            proof: None,
        };
        self.append(Record::Minted { nonce: nonce.clone(), key: Box::new(entry) })
            .inspect_err(|_| self.halt_minting("a secret could not be kept"))?;
        let Payload { credential, .. } = payload;
        Ok(credential)
    }

    /// Gives up a key that is made and sealed, and works without ever having been released: it must not.
    pub(super) async fn disown(&self, id: &KeyId, why: &str) -> Became {
        let since = self.service_now();
        let dropping = Record::State { id: id.clone(), state: KeyState::Dropping, since };
        if let Err(ended) = self.append(dropping) {
            return ended;
        }
        self.undo(id, Record::KeyGone { id: id.clone() }, Cause::NotDisabled, why).await
    }

    /// Deletes a key of ours that was never enabled by us, and says why it had to go. `end` is what is recorded then.
    async fn undo(&self, id: &KeyId, end: Record, cause: Cause, why: &str) -> Became {
        let deleted = self.writer.delete_key(id, OPEN).await;
        // A 404 alone is no proof, and this key may work.
        if deleted.is_ok() && !matches!(self.reader.key(id).await, Ok(None)) {
            let why =
                format!("{why}; and after its deletion the service does not say that the key `{id}` is gone");
            return failed(cause, why, "look for it at the service, and delete it there");
        }
        match deleted {
            Ok(_) => {
                // Should it fail, the run is halted; the record of a key that is gone harms nobody.
                let _halted = self.append(end);
                let help = "nothing is left of it; run `keycomb apply` again once the cause is mended";
                failed(cause, format!("{why}; the key `{id}` was deleted"), help)
            }
            Err(error) => {
                self.note_refusal(&error);
                let help = match cause {
                    Cause::NotDisabled => {
                        "delete it at the service now: it works, and nobody was given its secret"
                    }
                    _ => {
                        "it is disabled and under a provisional name, and nobody holds its secret: delete it at the service"
                    }
                };
                failed(cause, format!("{why}; and the key `{id}` could not be deleted: {error}"), help)
            }
        }
    }
}

fn over(nonce: &Nonce) -> Record {
    Record::IntentOver { nonce: nonce.clone() }
}
