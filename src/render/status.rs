//! Managed keys and sealed secrets as rows of a table.

use std::time::Duration;

use crate::model::{
    Address, ExternalKind, KeyState, KeyType, Label, Period, Permission, RecipientRef, SealSettings, Sealed,
    SealedKey, Timestamp,
};
use crate::plan::{Ahead, Life, LifeStage, Next, Severity, ahead};

/// One generation of a managed key, as `status` shows it. Texts may be hostile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusRow {
    /// Where it is declared, or was.
    pub address: Address,
    /// The service's id; `None` for a key that is declared and not minted.
    pub id: Option<String>,
    /// Its type.
    pub key_type: KeyType,
    /// Since it was made, by the service's clock; `None` where that is not known.
    pub age: Option<Duration>,
    /// 1, 2, 3 …; `None` for a key that is declared and not minted.
    pub generation: Option<u32>,
    /// Where in its life it is.
    pub phase: LifeStage,
    /// Who can open its secret, by name; empty when there is none.
    pub recipients: Vec<String>,
    /// What comes next for it, and when; `None` when nothing does.
    pub next: Option<Next>,
    /// Why a person revoked it; `None`: nobody did.
    pub revoked: Option<String>,
    /// What a report has besides.
    pub more: KeyMore,
}

/// What a report shows of a key besides its row. Texts may be hostile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyMore {
    /// Its name: at the service, else as declared.
    pub name: String,
    /// What is granted: at the service, else as declared; in the service's order.
    pub permissions: Vec<Permission>,
    /// Granted at the service, and keycomb does not know it.
    pub unknown_permissions: Vec<String>,
    /// Whether the files want it to work.
    pub enabled: bool,
    /// Whom to ask.
    pub owner: Option<String>,
    /// The steps of the next [`HORIZON`], by date.
    pub ahead: Vec<Ahead>,
}

/// How far a report looks ahead.
pub const HORIZON: Period = Period::days(90);

impl KeyMore {
    fn of(life: &Life<'_>, now: Timestamp) -> Self {
        let Life { desired, record, live, .. } = *life;
        let name = live.map(|live| &live.name).or(record.map(|record| &record.name));
        let granted = live
            .map(|live| &live.permissions)
            .or(record.map(|record| &record.applied.permissions))
            .or(desired.map(|desired| &desired.permissions));
        let unknown = live.map(|live| &live.unknown_permissions).into_iter().flatten();
        let owner = desired.and_then(|desired| desired.owner.as_ref());
        Self {
            name: name.or(desired.map(|desired| &desired.name)).cloned().unwrap_or_default(),
            permissions: granted.into_iter().flatten().copied().collect(),
            unknown_permissions: unknown.filter(|(_, on)| **on).map(|(name, _)| name.clone()).collect(),
            enabled: desired.is_some_and(|desired| desired.enabled),
            owner: owner.or(record.and_then(|record| record.owner.as_ref())).cloned(),
            ahead: ahead(life, now, HORIZON.after(now)),
        }
    }
}

impl StatusRow {
    /// A row as it is at `now`.
    pub fn of(life: &Life<'_>, now: Timestamp) -> Self {
        let recipients = life.record.map(|record| record.recipients.as_slice()).unwrap_or_default();
        Self {
            address: life.address.clone(),
            id: life.id().map(ToString::to_string),
            key_type: life.key_type,
            // The service's clock comes in whole seconds: a key just made can seem to be of the future.
            age: life
                .created
                .map(|created| Duration::try_from(now.duration_since(created)).unwrap_or_default()),
            generation: life.record.map(|record| record.generation),
            phase: life.stage,
            recipients: recipients.iter().map(|recipient| recipient.name.clone()).collect(),
            next: life.next,
            revoked: life
                .record
                .and_then(|record| record.revoked.as_ref())
                .map(|revoked| revoked.reason.clone()),
            more: KeyMore::of(life, now),
        }
    }

    /// Whether something is to be done about it by an apply until then.
    pub fn is_due(&self, until: Timestamp) -> bool {
        self.next.is_some_and(|next| next.at.is_none_or(|at| at <= until))
    }
}

/// A key that is only watched, as `status` shows it. Texts may be hostile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalRow {
    /// Its label.
    pub label: Label,
    /// What it is.
    pub kind: ExternalKind,
    /// Whom to ask.
    pub owner: Option<String>,
    /// Since it was made; `None` where no file says when.
    pub age: Option<Duration>,
    /// What is known of it, in a word or two: `works`, `refused`, `another key`, `overdue`, `not tried`, `no source`.
    pub state: String,
    /// When it is to be replaced at the latest.
    pub due: Option<Timestamp>,
    /// How grave that is; `None` while there is time.
    pub severity: Option<Severity>,
}

/// One entry of the sealed file, as `secrets list` shows it. Needs no identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRow {
    /// Where it is declared, or was.
    pub address: Address,
    /// 1, 2, 3 …
    pub generation: u32,
    /// The service's id.
    pub id: String,
    /// Where in its life it is, in a word.
    pub state: String,
    /// Who can open it, by name.
    pub recipients: Vec<String>,
    /// Whether there is a secret to open.
    pub sealed: bool,
    /// Who is no longer a recipient and can open it as it stands.
    pub still_opened_by: Vec<RecipientRef>,
    /// Who could open it before it was sealed anew, and is no recipient: they can open older versions.
    pub formerly: Vec<RecipientRef>,
    /// Who should be able to open it.
    pub declared: Vec<RecipientRef>,
}

impl SecretRow {
    /// The entries of a sealed file, in its order: by address, then generation; held against who should open them.
    pub fn all(sealed: &Sealed, settings: &SealSettings) -> Vec<Self> {
        sealed.keys.iter().map(|key| Self::of(key, sealed, settings)).collect()
    }

    fn of(key: &SealedKey, sealed: &Sealed, settings: &SealSettings) -> Self {
        let name = |recipient: &RecipientRef| recipient.name.clone();
        // By the key, not by its name: under a new name it opens what it opened before.
        let declared: Vec<RecipientRef> = settings
            .recipients_of(key.address.environment())
            .into_iter()
            .map(|(name, recipient)| recipient.named(name))
            .collect();
        let is_declared = |fingerprint: &str| declared.iter().any(|to| to.fingerprint == fingerprint);
        // The secret of a deleted key opens nothing.
        let matters = key.sealed.is_some() && key.state != KeyState::Deleted;
        let left = key.recipients.iter().filter(|to| matters && !is_declared(&to.fingerprint));
        let former = sealed
            .former
            .iter()
            .filter(|reader| matters && reader.id == key.id && !is_declared(&reader.fingerprint));
        let former = former.map(|reader| RecipientRef {
            name: reader.name.clone(),
            fingerprint: reader.fingerprint.clone(),
        });
        Self {
            still_opened_by: left.cloned().collect(),
            formerly: former.collect(),
            address: key.address.clone(),
            generation: key.generation,
            id: key.id.to_string(),
            state: key.state.as_str().to_owned(),
            recipients: key.recipients.iter().map(name).collect(),
            sealed: key.sealed.is_some(),
            declared,
        }
    }
}
