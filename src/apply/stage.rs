//! Stages a key (step 8 for a disk that does not last): the digest of its sealed entry goes into its provisional name, and it
//! stays disabled until an apply finds that very entry in its own checkout.

use std::time::Duration;

use super::limits::{DEADLINE, STAGE_DEADLINE, age};
use super::look::{Own, Wanted, obstacle};
use super::mint::unreleased;
use super::outcome::{Step as Attempt, changed, failed};
use super::run::Run;
use crate::model::{KeyId, KeyState, KeyType, LiveKey, Nonce, Provisional, Record, SealedKey};
use crate::plan::{Action, is_staged_with, stage_ends};
use crate::ports::{KeepRecord, KeyChange, ReadLive, Surroundings, WriteLive};
use crate::report::{Became, Cause};

impl<R: ReadLive, W: WriteLive, K: KeepRecord, S: Surroundings> Run<'_, R, W, K, S> {
    /// Stages a key that is sealed and confirmed, and that nobody takes for a leftover until `ends` (monotonic clock).
    pub(super) async fn stage_key(&self, entry: SealedKey, nonce: &Nonce, ends: Duration) -> Attempt<Became> {
        if let Some((cause, why)) = self.halted() {
            return Err(unreleased(&entry.id, entry.state, &failed(cause, why, "")));
        }
        let lineage = self.with_sealed(|sealed| sealed.lineage.clone());
        let mark = Provisional::new(&lineage, &entry.address, nonce.clone()).staged(entry.digest(&lineage));
        // The name alone: should it arrive late or twice, it must not disable what was released meanwhile.
        let change = KeyChange { name: Some(mark.name()), ..KeyChange::default() };
        let live = self.patch_until(&entry, &change, ends).await?;
        if !live.disabled {
            return Err(changed(format!("somebody else enabled the key `{}`", entry.id)));
        }
        self.record_staged(&entry)?;
        Ok(Became::Staged { until: stage_ends(entry.created), note: None })
    }

    fn record_staged(&self, entry: &SealedKey) -> Attempt<()> {
        let (id, since) = (entry.id.clone(), self.service_now());
        self.append(Record::State { id, state: KeyState::Staged, since })
    }

    /// A key that an earlier run on this disk sealed and did not release: staged if it is not yet, never released.
    pub(super) async fn stage_recorded(
        &self,
        action: &Action,
        id: &KeyId,
        succeeds: &[KeyId],
    ) -> Attempt<Became> {
        let entry = self.managed_key(action, id)?;
        if !matches!(entry.state, KeyState::Provisional | KeyState::Staged) {
            return Ok(self.home.left());
        }
        let Some(live) = self.read_key(id).await? else {
            return Err(changed(format!("the key `{id}` is gone from the service")));
        };
        if !live.disabled {
            return Ok(self.home.left());
        }
        if self.waits_for(&entry, &live) {
            if entry.state != KeyState::Staged {
                self.record_staged(&entry)?;
            }
            let note = "it was staged already: only its sealed entry has to reach its home";
            return Ok(Became::Staged { until: stage_ends(entry.created), note: Some(note.to_owned()) });
        }
        let mark = self.own_mark(&entry, &live).filter(|mark| mark.digest.is_none());
        let Some(mark) = mark.filter(|_| entry.state == KeyState::Provisional) else {
            return Err(changed(format!("somebody else renamed the key `{id}`")));
        };
        self.confirm_recorded(&entry, &mark.nonce, succeeds).await?;
        let ends = self.ends(&entry, DEADLINE);
        self.stage_key(entry, &mark.nonce, ends).await
    }

    /// Whether a key waits, disabled, for this very entry.
    pub(super) fn waits_for(&self, entry: &SealedKey, live: &LiveKey) -> bool {
        live.disabled && self.with_sealed(|sealed| is_staged_with(&live.name, entry, &sealed.lineage))
    }

    /// Releases a key whose sealed entry is home. Another checkout may be releasing it at this moment: that ends as one
    /// release, and for the same reason it is never dropped here, whatever stands in its way.
    pub(super) async fn release_staged(
        &self,
        entry: SealedKey,
        live: &LiveKey,
        succeeds: &[KeyId],
    ) -> Attempt<Became> {
        if !self.waits_for(&entry, live) {
            let why = format!(
                "the key `{}` does not wait for the sealed entry in this checkout: one of them was changed",
                entry.id
            );
            return Err(changed(why));
        }
        if entry.state != KeyState::Staged {
            self.record_staged(&entry)?;
        }
        let entry = SealedKey { state: KeyState::Staged, ..entry };
        let listed = self.listed.get_or_try_init(|| self.look(KeyType::ALL.iter().copied())).await?;
        let wanted = Wanted::of(&entry, succeeds);
        let Some(mark) = Provisional::parse(&live.name) else { return Err(changed("it has no mark")) };
        let own = Own { id: &entry.id, nonce: &mark.nonce };
        let now = self.reader.service_now();
        if let Some(rival) = self.with_sealed(|sealed| obstacle(listed, wanted, Some(own), sealed, now)) {
            return Err(rival.became());
        }
        // It has a week, but this run must come to an end.
        let ends = self.ends(&entry, STAGE_DEADLINE).min(self.surroundings.monotonic() + DEADLINE);
        self.release(entry, ends, None).await
    }

    /// When, by the monotonic clock, so much time is over since a key was made; at once where that cannot be told.
    pub(super) fn ends(&self, entry: &SealedKey, deadline: Duration) -> Duration {
        let left = match self.reader.service_now() {
            Some(now) => deadline.saturating_sub(age(now, entry.created)),
            None => Duration::ZERO,
        };
        self.surroundings.monotonic() + left
    }
}

/// What to do about a key that is sealed and not released.
pub(super) fn run_again(state: KeyState) -> &'static str {
    match state {
        KeyState::Staged => {
            "run `keycomb apply` again: it is released until its time is over, later another is made"
        }
        _ => {
            "run `keycomb apply` again: within 15 minutes of its creation it is released, later another is made"
        }
    }
}

/// A release that came too late to rely on.
pub(super) fn late(entry: &SealedKey) -> Became {
    let why = format!("the key `{}` is sealed and was released too late to rely on it", entry.id);
    let help = "another run may have taken it for abandoned: do not hand it out; see `keycomb plan`";
    failed(Cause::Unconfirmed, why, help)
}
