//! Releases a sealed key and proves it: steps 9 to 11 of minting, and all of the verb `release`.

use std::time::Duration;

use super::limits::{DEADLINE, PROOF_TIME, RELEASE_TRIES, delay};
use super::look::{Own, Wanted};
use super::mint::unreleased;
use super::outcome::{DONE, Fate, Step as Attempt, changed, failed};
use super::run::Run;
use super::stage::{late, run_again};
use super::update::as_it_is;
use super::verify::key_differs;
use crate::model::{
    KeyId, KeyProof, KeyState, KeyType, LiveKey, Nonce, Permission, Provisional, Record, SealedKey, Secret,
    Timestamp, brief,
};
use crate::plan::{Action, is_late, is_late_staged};
use crate::ports::{Failure, KeepRecord, KeyChange, Proof, ReadLive, ServiceError, Surroundings, WriteLive};
use crate::report::{Became, Cause};

impl<R: ReadLive, W: WriteLive, K: KeepRecord, S: Surroundings> Run<'_, R, W, K, S> {
    /// Finishes a key that an earlier run on this disk sealed and did not release, or one that was staged.
    pub(super) async fn release_recorded(
        &self,
        action: &Action,
        id: &KeyId,
        enabled: bool,
        succeeds: &[KeyId],
    ) -> Attempt<Became> {
        let mut entry = self.managed_key(action, id)?;
        entry.applied.enabled = enabled;
        let (KeyState::Provisional | KeyState::Staged | KeyState::Releasing) = entry.state else {
            return Err(changed(format!("the record says that `{id}` is {}", entry.state.as_str())));
        };
        let is_begun = entry.state != KeyState::Provisional;
        let Some(live) = self.unless_stopped(self.read_key(id)).await? else {
            return Err(if is_begun { not_shown(id) } else { self.reaped(id) });
        };
        // An earlier release arrived after all and only its answer was lost, or somebody else's did. Nothing is to be sent.
        if is_begun && key_differs(&target(&entry), &live).is_empty() {
            return self.finish(entry, &live, None).await;
        }
        let mark = self.own_mark(&entry, &live);
        if entry.state == KeyState::Staged || mark.as_ref().is_some_and(|mark| mark.digest.is_some()) {
            return self.release_staged(entry, &live, succeeds).await;
        }
        if mark.is_none() && live.name != entry.name {
            return Err(changed(format!("the key `{id}` is now called `{}`", brief(&live.name))));
        }
        if entry.state == KeyState::Provisional {
            let Some(mark) = mark.filter(|_| live.disabled) else {
                return Err(changed(format!("somebody else enabled or renamed the key `{id}`")));
            };
            self.confirm_recorded(&entry, &mark.nonce, succeeds).await?;
        }
        let ends = self.ends(&entry, DEADLINE);
        self.release(entry, ends, None).await
    }

    /// The mark in a key's name, if it is of our making for this entry's address.
    pub(super) fn own_mark(&self, entry: &SealedKey, live: &LiveKey) -> Option<Provisional> {
        let mark = Provisional::parse(&live.name)?;
        let is_ours = mark.is_for(&entry.address) && self.with_sealed(|sealed| mark.is_of(&sealed.lineage));
        is_ours.then_some(mark)
    }

    /// Step 7 for a recorded key: the run that made it may have ended before it looked again.
    pub(super) async fn confirm_recorded(
        &self,
        entry: &SealedKey,
        nonce: &Nonce,
        succeeds: &[KeyId],
    ) -> Attempt<()> {
        let listed = self.listed.get_or_try_init(|| self.look(KeyType::ALL.iter().copied())).await?;
        self.confirm(Wanted::of(entry, succeeds), Own { id: &entry.id, nonce }, listed).await.map(|_| ())
    }

    /// Step 9 and on, for a sealed key that may be enabled until `ends` (monotonic clock).
    pub(super) async fn release(
        &self,
        entry: SealedKey,
        ends: Duration,
        credential: Option<Secret>,
    ) -> Attempt<Became> {
        if let Some((cause, why)) = self.halted() {
            return Err(unreleased(&entry.id, entry.state, &failed(cause, why, "")));
        }
        if self.surroundings.monotonic() >= ends {
            return Err(too_late(&entry));
        }
        // Of a staged key the record says already that it may be enabled: by anybody who has its entry.
        if entry.state != KeyState::Staged {
            let since = self.service_now();
            self.append(Record::State { id: entry.id.clone(), state: KeyState::Releasing, since })?;
        }
        let live = self.patch_until(&entry, &target(&entry), ends).await?;
        self.finish(entry, &live, credential).await
    }

    /// Sends one request of absolute values, again if its answer is lost, never past the deadline; reads it back.
    pub(super) async fn patch_until(
        &self,
        entry: &SealedKey,
        change: &KeyChange,
        ends: Duration,
    ) -> Attempt<LiveKey> {
        let (mut sent, mut answered) = (0, 0);
        // Looked at before every send, also inside a call that waits or tries again. Who asks to stop does not close it:
        // what is made and sealed is finished.
        let in_time = || self.surroundings.monotonic() < ends;
        while in_time() {
            match self.writer.update_key(&entry.id, change, &in_time).await {
                Ok(_) => answered += 1,
                Err(error) if error.failure == Failure::Withheld => break,
                // An earlier try may have arrived: what the key itself shows decides.
                Err(error)
                    if Fate::of(&error.failure) == Fate::Refused && error.failure.status() != Some(404) =>
                {
                    return match self.read_key(&entry.id).await {
                        Ok(Some(live)) if key_differs(change, &live).is_empty() => Ok(live),
                        _ => Err(unreleased(&entry.id, entry.state, &self.refused(&error))),
                    };
                }
                Err(_) => {}
            }
            sent += 1;
            let live = self.read_back(entry).await?;
            let differs = key_differs(change, &live);
            if differs.is_empty() {
                return Ok(live);
            }
            if answered >= RELEASE_TRIES {
                let why = format!(
                    "the service took the release of `{}` and did not do it: {}",
                    entry.id,
                    differs.join(", ")
                );
                return Err(failed(Cause::Mismatch, why, run_again(entry.state)));
            }
            if self.is_stopping() {
                let why = format!(
                    "the key `{}` is sealed; the run was interrupted before it was released",
                    entry.id
                );
                return Err(failed(Cause::Unconfirmed, why, run_again(entry.state)));
            }
            self.sleep(delay(sent - 1)).await;
        }
        // A request that was not answered in time may have arrived all the same.
        let live = self.read_back(entry).await?;
        if key_differs(change, &live).is_empty() { Ok(live) } else { Err(too_late(entry)) }
    }

    /// Step 10: the key itself, not what a request's answer said of it.
    async fn read_back(&self, entry: &SealedKey) -> Attempt<LiveKey> {
        let id = &entry.id;
        let mut read = self.read_key(id).await;
        if matches!(read, Ok(None)) {
            self.sleep(delay(0)).await;
            read = self.read_key(id).await;
        }
        match read {
            Ok(Some(live)) => Ok(live),
            Ok(None) => Err(not_shown(id)),
            Err(Became::Failed { why, .. }) => {
                let why =
                    format!("the key `{id}` is sealed; whether it is released could not be read: {why}");
                Err(failed(Cause::Unconfirmed, why, run_again(entry.state)))
            }
            Err(other) => Err(other),
        }
    }

    /// Steps 10 and 11 for a key that shows as released: in time, proven, and recorded with what it may do.
    async fn finish(
        &self,
        mut entry: SealedKey,
        live: &LiveKey,
        credential: Option<Secret>,
    ) -> Attempt<Became> {
        in_time(&entry, live, self.service_now())?;
        let asked = std::mem::replace(&mut entry.applied, as_it_is(live));
        if let Some(credential) = credential {
            let proven = self.prove(&entry, &credential).await;
            entry.proof = match &proven {
                Ok(()) => Some(KeyProof::Accepted),
                Err(Unproven::Refused(_)) => Some(KeyProof::Refused),
                Err(Unproven::Unasked(_)) => None,
            };
            if let Err(Unproven::Refused(said) | Unproven::Unasked(said)) = proven {
                self.remember_proof(&entry)?;
                return Err(unproven(&entry.id, &said));
            }
        }
        entry.state = KeyState::Live;
        // Not when the service let it work: until the record says so nobody takes it up, and its overlap is for them.
        entry.since = self.service_now();
        let id = entry.id.clone();
        self.append(Record::Key { key: Box::new(entry) })?;
        if asked.permissions == live.permissions {
            return Ok(DONE);
        }
        let why = format!(
            "the key `{id}` is live and sealed, but its permissions are not as asked: asked {}, got {}",
            words(asked.permissions.iter()),
            words(live.permissions.iter())
        );
        let help =
            "the team's plan may lack a feature: ask for what the service grants, then run `keycomb plan`";
        Err(failed(Cause::Mismatch, why, help))
    }

    /// A key that is not proven is not called live; what its credential was told is kept, so that no predecessor stops on the
    /// strength of it.
    fn remember_proof(&self, tried: &SealedKey) -> Attempt<()> {
        let recorded = self.with_sealed(|sealed| sealed.key(&tried.id).cloned());
        match recorded.filter(|recorded| recorded.proof != tried.proof) {
            Some(recorded) => {
                self.append(Record::Key { key: Box::new(SealedKey { proof: tried.proof, ..recorded }) })
            }
            None => Ok(()),
        }
    }

    /// A release of an earlier run that arrived, though its answer did not, or of a copy of this record: recorded as the
    /// service has it, before a change to the key moves the times that prove it.
    pub(super) fn arrived(&self, mut entry: SealedKey, live: &LiveKey) -> Attempt<SealedKey> {
        let is_begun = entry.state != KeyState::Provisional;
        if !is_begun && live.name != entry.name || live.disabled && Provisional::parse(&live.name).is_some() {
            return Err(changed(format!("the key `{}` is not released", entry.id)));
        }
        in_time(&entry, live, self.service_now())?;
        (entry.state, entry.applied) = (KeyState::Live, as_it_is(live));
        entry.name.clone_from(&live.name);
        entry.since = self.service_now();
        self.append(Record::Key { key: Box::new(entry.clone()) })?;
        Ok(entry)
    }

    /// What a proof says otherwise than the key's entry, and the service of its environment.
    async fn contradiction(&self, entry: &SealedKey, proof: &Proof) -> Option<String> {
        let Proof { key_type, team, environment, environment_name: _, id: _, permissions: _ } = proof;
        if *key_type != entry.key_type || team != self.plan.header.team.as_str() {
            let team = brief(team);
            return Some(format!("it is taken for a key of type `{key_type}` of the team `{team}`"));
        }
        if let Some(slug) = self.slug(&entry.environment).await.filter(|slug| slug != environment) {
            let (found, expected) = (brief(environment), brief(&slug));
            return Some(format!(
                "it is taken for a key of the environment `{found}` instead of `{expected}`"
            ));
        }
        // Against what the key itself shows: whether that is what was asked for is looked at elsewhere.
        let mut differing = proof.differing(&entry.applied.permissions).peekable();
        differing.peek()?;
        Some(format!("its credential has other permissions than the key: {}", words(differing)))
    }

    /// Uses the credential until it is recognised; a fresh key needs a moment to spread.
    async fn prove(&self, entry: &SealedKey, credential: &Secret) -> Result<(), Unproven> {
        let begun = self.surroundings.monotonic();
        let mut tries = 0;
        loop {
            let said = match self.reader.prove(credential).await {
                Ok(Some(proof)) => {
                    let contradiction = self.contradiction(entry, &proof).await;
                    return contradiction.map_or(Ok(()), |why| Err(Unproven::Refused(why)));
                }
                Ok(None) => Unproven::Refused("it is still refused".to_owned()),
                Err(error) => Unproven::Unasked(not_answered(&error)),
            };
            let waited = self.surroundings.monotonic().saturating_sub(begun);
            if waited >= PROOF_TIME || self.is_stopping() {
                return Err(said);
            }
            self.sleep(delay(tries).min(PROOF_TIME - waited)).await;
            tries += 1;
        }
    }
}

/// Why a key is not proven, in words.
enum Unproven {
    /// The service does not know its credential, or takes it for another.
    Refused(String),
    /// The service did not answer.
    Unasked(String),
}

/// Step 11: by the service's own times.
fn in_time(entry: &SealedKey, live: &LiveKey, now: Timestamp) -> Attempt<()> {
    let created = live.created.unwrap_or(entry.created);
    let is_late = match entry.state {
        KeyState::Staged => is_late_staged(created, live.updated, now),
        _ => is_late(created, live.updated),
    };
    if is_late { Err(late(entry)) } else { Ok(()) }
}

/// What a release asks for.
fn target(entry: &SealedKey) -> KeyChange {
    KeyChange { name: Some(entry.name.clone()), disabled: Some(!entry.applied.enabled), permissions: None }
}

/// The service has answered 404 since the release was begun. That the key is gone is not certain, and it may be
/// enabled: its seal is kept. A later run finds the key, or finds it gone for good.
fn not_shown(id: &KeyId) -> Became {
    let why =
        format!("the service answers 404 for the key `{id}` since its release was begun; its seal is kept");
    failed(
        Cause::Unconfirmed,
        why,
        "run `keycomb apply` again in a few minutes: it finds the key, or makes another",
    )
}

fn too_late(entry: &SealedKey) -> Became {
    let why = format!("the key `{}` is sealed, but was not released in time", entry.id);
    failed(Cause::Unconfirmed, why, run_again(entry.state))
}

fn unproven(id: &KeyId, said: &str) -> Became {
    let why =
        format!("the key `{id}` is sealed and released, but its credential could not be proven: {said}");
    let help = "run `keycomb apply` again in a minute; if it stays so, open the secret and try it by hand";
    failed(Cause::Unconfirmed, why, help)
}

fn not_answered(error: &ServiceError) -> String {
    error.to_string()
}

fn words<'a>(permissions: impl Iterator<Item = &'a Permission>) -> String {
    let words: Vec<String> = permissions.map(|p| format!("`{p}`")).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}
