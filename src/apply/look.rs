//! Looks for what stands in the way of minting: before the first request (step 2) and after it (step 7).

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use futures_util::future::try_join_all;

use super::limits::{DEADLINE, REQUEST_LIFE, STAGE_GRACE, is_within, is_young};
use super::outcome::{Step as Attempt, changed, failed, panicked};
use super::run::Run;
use crate::model::{
    Address, EnvironmentId, KeyId, KeyState, KeyType, LiveKey, Nonce, Provisional, Sealed, SealedKey,
    Timestamp,
};
use crate::plan::is_late;
use crate::ports::{KeepRecord, ReadLive, Surroundings, WriteLive};
use crate::report::{Became, Cause};

/// The key that is to be minted at an address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub address: &'a Address,
    pub environment: &'a EnvironmentId,
    pub key_type: KeyType,
    /// The final name.
    pub name: &'a str,
    /// The keys of this address that it takes the place of, as the plan saw them: they work, and are in nobody's way.
    pub succeeds: &'a [KeyId],
}

impl<'a> Wanted<'a> {
    /// The key of an entry.
    pub(super) fn of(entry: &'a SealedKey, succeeds: &'a [KeyId]) -> Self {
        let SealedKey { address, environment, key_type, name, .. } = entry;
        Self { address, environment, key_type: *key_type, name, succeeds }
    }
}

/// Our own try, which is in nobody's way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Own<'a> {
    pub id: &'a KeyId,
    pub nonce: &'a Nonce,
}

/// What stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// A key that is, or may be, in use for this address.
    Live(KeyId),
    /// A key under a provisional name that somebody enabled: whoever holds its secret.
    Enabled(KeyId),
    /// Another run is making a key for this address, or a release of ours may still arrive.
    Busy(KeyId),
}

impl Obstacle {
    /// The outcome of an action that it stops.
    pub(super) fn became(&self) -> Became {
        match self {
            Self::Live(id) => changed(format!("there is already a key for this address: `{id}`")),
            Self::Enabled(id) => failed(
                Cause::Changed,
                format!("the key `{id}` has a provisional name of this address and is enabled"),
                "find out who enabled it; then delete it at the service and run `keycomb apply` again",
            ),
            Self::Busy(id) => failed(
                Cause::Busy,
                format!("another run is making a key for this address: `{id}`"),
                "wait for it to end; what an ended run left behind stands in the way for an hour at most",
            ),
        }
    }
}

/// What of a listing stands in the way of a key, by id: the first one.
///
/// A provisional key that the record knows (by id, or by its try's nonce) is a leftover of our own, never enabled:
/// the lock says that the run that made it is over.
pub(super) fn obstacle(
    listed: &[LiveKey],
    wanted: Wanted<'_>,
    own: Option<Own<'_>>,
    sealed: &Sealed,
    now: Option<Timestamp>,
) -> Option<Obstacle> {
    // The record is only searched for the few keys that matter: both lists may be long.
    let here: Vec<_> = sealed.generations(wanted.address).collect();
    let elsewhere = |key: &LiveKey| sealed.key(&key.id).map(|entry| entry.state);
    listed.iter().filter(|key| own.is_none_or(|own| own.id != &key.id)).find_map(|key| {
        if let Some(entry) = here.iter().find(|entry| entry.id == key.id) {
            if wanted.succeeds.contains(&key.id) {
                return None;
            }
            return recorded(key, entry, own.is_some(), now);
        }
        match takes_name(key, wanted) {
            // The listing may still show what was deleted.
            Some(obstacle) => (elsewhere(key) != Some(KeyState::Deleted)).then_some(obstacle),
            None => provisional(key, wanted, own, sealed, now).filter(|_| elsewhere(key).is_none()),
        }
    })
}

fn is_staged_name(key: &LiveKey) -> bool {
    Provisional::parse(&key.name).is_some_and(|mark| mark.digest.is_some())
}

/// Whether somebody who has its entry may still release a staged key.
fn is_staged_young(now: Option<Timestamp>, key: &LiveKey) -> bool {
    is_within(now, key.created.max(key.updated), STAGE_GRACE)
}

fn takes_name(key: &LiveKey, wanted: Wanted<'_>) -> Option<Obstacle> {
    let same =
        &key.environment == wanted.environment && key.key_type == wanted.key_type && key.name == wanted.name;
    same.then(|| Obstacle::Live(key.id.clone()))
}

fn recorded(key: &LiveKey, entry: &SealedKey, is_made: bool, now: Option<Timestamp>) -> Option<Obstacle> {
    let live = || Obstacle::Live(key.id.clone());
    match entry.state {
        KeyState::Live => Some(live()),
        // One that was released too late gets its successor first and is retired after it.
        KeyState::Releasing if !key.disabled || Provisional::parse(&key.name).is_none() => {
            (!is_late(key.created.unwrap_or(entry.created), key.updated)).then(live)
        }
        KeyState::Provisional if key.disabled && is_staged_name(key) => {
            (!is_made && is_staged_young(now, key)).then(|| Obstacle::Busy(key.id.clone()))
        }
        KeyState::Staged if !key.disabled || key.name == entry.name => Some(live()),
        // Of two that were staged for one address, and that are both home, every plan takes the same. To make another
        // beside it is something else.
        KeyState::Staged => (!is_made && is_staged_young(now, key)).then(|| Obstacle::Busy(key.id.clone())),
        // Its PATCH may still be under way and would make it a second live key.
        KeyState::Releasing => is_young(now, key.created).then(|| Obstacle::Busy(key.id.clone())),
        KeyState::Provisional | KeyState::Dropping if !key.disabled => {
            Some(Obstacle::Enabled(key.id.clone()))
        }
        // A copy of the record on another machine may have begun to release it.
        KeyState::Provisional => is_within(now, Some(entry.created), DEADLINE + REQUEST_LIFE)
            .then(|| Obstacle::Busy(key.id.clone())),
        KeyState::Dropping => None,
        // In quarantine it is in nobody's way, whatever its name.
        KeyState::Disabled => (!key.disabled).then(live),
        KeyState::Deleted => None,
    }
}

fn provisional(
    key: &LiveKey,
    wanted: Wanted<'_>,
    own: Option<Own<'_>>,
    sealed: &Sealed,
    now: Option<Timestamp>,
) -> Option<Obstacle> {
    let mark = Provisional::parse(&key.name)?;
    if !mark.is_of(&sealed.lineage) || !mark.is_for(wanted.address) {
        return None;
    }
    if !key.disabled {
        return Some(Obstacle::Enabled(key.id.clone()));
    }
    let is_in_work = match mark.digest {
        // Its entry may be in somebody's checkout, whatever the record here knows of the try.
        Some(_) => is_staged_young(now, key),
        None => {
            let ours = own.is_some_and(|own| own.nonce == &mark.nonce)
                || sealed.intents.iter().any(|intent| intent.nonce == mark.nonce);
            !ours && is_young(now, key.created)
        }
    };
    is_in_work.then(|| Obstacle::Busy(key.id.clone()))
}

/// Step 7: the other keys with our own nonce, disabled: a request that was delivered twice made them.
pub(super) fn twins(listed: &[LiveKey], own: Own<'_>, name: &str) -> Vec<KeyId> {
    listed.iter().filter(|k| k.name == name && &k.id != own.id && k.disabled).map(|k| k.id.clone()).collect()
}

impl<R: ReadLive, W: WriteLive, K: KeepRecord, S: Surroundings> Run<'_, R, W, K, S> {
    /// The keys of these types, listed afresh.
    pub(super) async fn look(&self, types: impl IntoIterator<Item = KeyType>) -> Attempt<Vec<LiveKey>> {
        let types: BTreeSet<KeyType> = types.into_iter().collect();
        let lists = try_join_all(types.into_iter().map(|t| self.reader.keys(t)));
        // Many keys hang on one look: caught here, a panic in it is theirs alone.
        match AssertUnwindSafe(lists).catch_unwind().await {
            Ok(Ok(lists)) => Ok(lists.into_iter().flatten().collect()),
            Ok(Err(error)) => Err(self.refused(&error)),
            Err(_) => Err(panicked()),
        }
    }

    /// Step 2 for one key: nothing listed stands in the way, and nothing that the listing leaves out.
    pub(super) async fn look_before(&self, wanted: Wanted<'_>, listed: &[LiveKey]) -> Attempt<()> {
        let unlisted = self.unlisted(wanted.address, listed);
        let mut fetched = vec![];
        for id in unlisted {
            fetched.extend(self.unless_stopped(self.read_key(&id)).await?);
        }
        let now = self.reader.service_now();
        let found = self.with_sealed(|sealed| {
            obstacle(listed, wanted, None, sealed, now)
                .or_else(|| obstacle(&fetched, wanted, None, sealed, now))
        });
        found.map_or(Ok(()), |obstacle| Err(obstacle.became()))
    }

    /// What the record has of an address, may be in use, and is not in the listing: it may lag.
    fn unlisted(&self, address: &Address, listed: &[LiveKey]) -> Vec<KeyId> {
        let in_use = |state| matches!(state, KeyState::Live | KeyState::Releasing | KeyState::Staged);
        self.with_sealed(|sealed| {
            sealed
                .generations(address)
                .filter(|entry| in_use(entry.state) && !listed.iter().any(|key| key.id == entry.id))
                .map(|entry| entry.id.clone())
                .collect()
        })
    }

    /// One key, or the outcome when it cannot be read.
    pub(super) async fn read_key(&self, id: &KeyId) -> Attempt<Option<LiveKey>> {
        self.reader.key(id).await.map_err(|error| self.refused(&error))
    }
}
