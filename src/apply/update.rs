//! Changes a key in place: reads it afresh, sends what differs, compares, records.

use super::outcome::{DONE, Fate, Step as Attempt, changed, done_with, failed, in_doubt};
use super::run::Run;
use super::verify::{key_differs, key_moved};
use crate::model::{AppliedKey, KeyId, KeyState, LiveKey, Record, SealedKey};
use crate::plan::{Action, Remembered};
use crate::ports::{KeepRecord, KeyChange, ReadLive, Surroundings, WriteLive};
use crate::report::{Became, Cause};

/// What became of a change that the service took.
pub(super) struct Patched {
    pub live: LiveKey,
    /// The fields that are not as asked.
    pub differs: Vec<&'static str>,
    pub note: Option<&'static str>,
}

impl Patched {
    /// The outcome, once the record holds what the service has.
    pub(super) fn became(self) -> Attempt<Became> {
        if !self.differs.is_empty() {
            return Err(mismatch(&format!("the key `{}`", self.live.id), &self.differs));
        }
        Ok(self.note.map_or(DONE, done_with))
    }
}

/// The service took a change and did not do all of it.
pub(super) fn mismatch(what: &str, fields: &[&'static str]) -> Became {
    let why = format!("the service took the change to {what} but did not make it: {}", fields.join(", "));
    let help = if fields.contains(&"permissions") {
        // `manage_signals` is one that the service takes and drops (reference: the fact sheet on updates).
        "the team's plan may lack what a permission is for: `keycomb plan` shows which is left; take it out of \
         `permissions`, or every apply asks for it again"
    } else {
        "the service may not allow this change in place: `keycomb plan` shows what is left"
    };
    failed(Cause::Mismatch, why, help)
}

impl<R: ReadLive, W: WriteLive, K: KeepRecord, S: Surroundings> Run<'_, R, W, K, S> {
    /// The record's entry of a key. Without one it is not ours to write.
    pub(super) fn managed_key(&self, action: &Action, id: &KeyId) -> Attempt<SealedKey> {
        self.with_sealed(|sealed| sealed.key(id).filter(|entry| entry.address == action.address).cloned())
            .ok_or_else(|| changed(format!("the record has no key `{id}` at this address")))
    }

    /// A key that must be there, as the plan saw it.
    pub(super) async fn unmoved_key(&self, action: &Action, id: &KeyId) -> Attempt<LiveKey> {
        let Some(live) = self.unless_stopped(self.read_key(id)).await? else {
            return Err(changed(format!("the key `{id}` is gone from the service")));
        };
        let moved = key_moved(&action.changes, &live);
        if moved.is_empty() {
            self.as_expected(id, &live)?;
            Ok(live)
        } else {
            Err(changed(format!("since the plan: {}", moved.join("; "))))
        }
    }

    pub(super) async fn update_key(
        &self,
        action: &Action,
        id: &KeyId,
        change: KeyChange,
        applied: &AppliedKey,
        remember: &Remembered,
    ) -> Attempt<Became> {
        let mut entry = self.managed_key(action, id)?;
        let is_released =
            matches!(entry.state, KeyState::Provisional | KeyState::Releasing | KeyState::Staged);
        if !is_released && !matches!(entry.state, KeyState::Live | KeyState::Disabled) {
            return Err(changed(format!("the record says that `{id}` is {}", entry.state.as_str())));
        }
        if is_released {
            entry = self.arrived(entry, &self.unmoved_key(action, id).await?)?;
        }
        let Remembered { owner, protected, quarantine } = remember;
        (entry.owner, entry.protected, entry.quarantine) = (owner.clone(), *protected, *quarantine);
        if entry.state != KeyState::Live {
            (entry.state, entry.since) = (KeyState::Live, self.service_now());
        }
        entry.applied = applied.clone();
        if change == KeyChange::default() {
            self.remember_with(&entry)?;
            self.append(Record::Key { key: Box::new(entry) })?;
            return Ok(done_with("only the record changed"));
        }
        self.unmoved_key(action, id).await?;
        // Not before: a run that finds something else than it planned for lifts no protection.
        self.remember_with(&entry)?;
        let patched = self.patch_key(id, &change).await?;
        if patched.differs.is_empty() {
            entry.name = change.name.unwrap_or(entry.name);
        } else {
            entry.name.clone_from(&patched.live.name);
            entry.applied = as_it_is(&patched.live);
        }
        self.append(Record::Key { key: Box::new(entry) })?;
        patched.became()
    }

    /// What the files say of a key and the service never hears holds for all its generations: it is an older one that
    /// protection keeps, and that a quarantine ends. One that is not released yet learns it after that.
    fn remember_with(&self, entry: &SealedKey) -> Attempt<()> {
        let others: Vec<SealedKey> = self.with_sealed(|sealed| {
            let is_other = |other: &&SealedKey| {
                other.id != entry.id && matches!(other.state, KeyState::Live | KeyState::Disabled)
            };
            sealed.generations(&entry.address).filter(is_other).cloned().collect()
        });
        others.into_iter().try_for_each(|other| {
            let (owner, protected, quarantine) = (entry.owner.clone(), entry.protected, entry.quarantine);
            let changed = SealedKey { owner, protected, quarantine, ..other.clone() };
            if changed == other { Ok(()) } else { self.append(Record::Key { key: Box::new(changed) }) }
        })
    }

    /// Sends a change of absolute values. Where the answer is lost, the key itself says whether it arrived.
    pub(super) async fn patch_key(&self, id: &KeyId, change: &KeyChange) -> Attempt<Patched> {
        let error = match self.writer.update_key(id, change, &|| self.is_wanted()).await {
            Ok(live) => {
                let differs = key_differs(change, &live);
                return Ok(Patched { live, differs, note: None });
            }
            Err(error) => error,
        };
        if error.failure.status() == Some(404) {
            return Err(changed(format!("the key `{id}` is gone from the service")));
        }
        if Fate::of(&error.failure) != Fate::Unknown {
            return Err(self.refused(&error));
        }
        match self.reader.key(id).await {
            Ok(Some(live)) if key_differs(change, &live).is_empty() => {
                let note = Some("the answer was lost; the key was read back and is as asked");
                Ok(Patched { live, differs: vec![], note })
            }
            _ => Err(in_doubt(
                format!("{error}; the change may still be carried out"),
                "run `keycomb plan` in a few minutes: it shows what is left to do",
            )),
        }
    }
}

/// A key's attributes as the service has them.
pub(super) fn as_it_is(live: &LiveKey) -> AppliedKey {
    AppliedKey { enabled: !live.disabled, permissions: live.permissions.clone() }
}
