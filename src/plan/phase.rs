//! Where one recorded generation stands: its entry, held against what the service says.

use super::times::{
    DEADLINE, GRACE, REQUEST_LIFE, STAGE_DEADLINE, STAGE_GRACE, is_late, is_late_staged, is_within,
};
use crate::model::{KeyState, Lineage, LiveKey, Provisional, SealedKey, Timestamp};

/// A recorded generation and what is to be made of it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Phase<'a> {
    /// Deleted by keycomb; nothing is left to do.
    Over,
    /// Not known to have been released, and gone from the service.
    Vanished,
    /// It was released, and is gone from the service.
    Missing,
    /// Released; enabled or not.
    Serving(&'a LiveKey),
    /// Minted and sealed, and there is time to release it.
    Unreleased(&'a LiveKey),
    /// Its time is over, but a late request could still enable it: this record's own, or, where nothing was sent, that of
    /// a copy of the record on another machine.
    Pending,
    /// Released too late to be relied on, or taken for deleted meanwhile: a successor is minted, and then it is retired.
    Late(&'a LiveKey),
    /// Staged, and this entry is not the one that its name waits for: it is not released with it.
    Altered(&'a LiveKey),
    /// Never enabled by keycomb, and never to be.
    Abandoned(&'a LiveKey),
    /// A person revoked it, and it may not be gone yet, or the record does not know yet that it is.
    Revoked(Option<&'a LiveKey>),
}

/// What a phase hangs on besides the entry and its key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given<'a> {
    /// The sealed file's.
    pub(super) lineage: &'a Lineage,
    /// The service's clock.
    pub(super) now: Timestamp,
    /// Whether the person named the address: what is staged there and cannot be released is given up before its time.
    pub(super) is_named: bool,
    /// Whether the person asks in this run that it be revoked.
    pub(super) is_revoked: bool,
}

impl<'a> Phase<'a> {
    /// Holds an entry against the key with its id.
    pub(super) fn of(record: &SealedKey, live: Option<&'a LiveKey>, given: Given<'_>) -> Self {
        if given.is_revoked || record.revoked.is_some() {
            return Self::of_revoked(record, live, given);
        }
        let Some(live) = live else {
            return match record.state {
                KeyState::Live | KeyState::Disabled => Self::Missing,
                KeyState::Provisional | KeyState::Staged | KeyState::Releasing | KeyState::Dropping => {
                    Self::Vanished
                }
                KeyState::Deleted => Self::Over,
            };
        };
        let is_young = |length| is_within(record.created, length, given.now);
        match record.state {
            KeyState::Staged => Self::of_staged(record, live, given),
            // The digest reached the service, and the record of that was lost.
            KeyState::Provisional if live.disabled && is_staged(live) => Self::of_staged(record, live, given),
            KeyState::Live | KeyState::Disabled => Self::Serving(live),
            // A listing may still show it for a while. Later it is there after all: what said that it was gone was wrong.
            KeyState::Deleted if is_within(record.since, GRACE, given.now) => Self::Over,
            KeyState::Deleted if is_released(live) => Self::Late(live),
            KeyState::Deleted | KeyState::Dropping => Self::Abandoned(live),
            // A copy of this entry, on another machine, was released: nobody else would give the key just this name.
            KeyState::Provisional if live.name == record.name => Self::of_released(record, live),
            // Before its release was begun nobody but keycomb could have a reason to enable it.
            KeyState::Provisional if !live.disabled => Self::Abandoned(live),
            KeyState::Releasing if is_released(live) => Self::of_released(record, live),
            KeyState::Provisional | KeyState::Releasing if is_young(DEADLINE) => Self::Unreleased(live),
            KeyState::Provisional if is_young(DEADLINE + REQUEST_LIFE) => Self::Pending,
            KeyState::Releasing if is_young(GRACE) => Self::Pending,
            KeyState::Provisional | KeyState::Releasing => Self::Abandoned(live),
        }
    }

    /// Nothing that the service shows makes a revoked key one that serves.
    fn of_revoked(record: &SealedKey, live: Option<&'a LiveKey>, given: Given<'_>) -> Self {
        match (record.state, live) {
            (KeyState::Deleted, None) => Self::Over,
            // A listing may still show it for a while.
            (KeyState::Deleted, Some(_))
                if !given.is_revoked && is_within(record.since, GRACE, given.now) =>
            {
                Self::Over
            }
            (_, live) => Self::Revoked(live),
        }
    }

    fn of_released(record: &SealedKey, live: &'a LiveKey) -> Self {
        if is_late(record.created, live.updated) { Self::Late(live) } else { Self::Serving(live) }
    }

    /// Whoever has the entry may release it, so only the service's own word counts; no record says that a release was begun.
    fn of_staged(record: &SealedKey, live: &'a LiveKey, given: Given<'_>) -> Self {
        let Given { lineage, now, is_named, is_revoked: _ } = given;
        if !live.disabled || live.name == record.name {
            return match is_late_staged(record.created, live.updated, now) {
                true => Self::Pending,
                false => Self::Serving(live),
            };
        }
        let is_exact = is_staged_with(&live.name, record, lineage);
        // The entry's own time counts where the digest vouches for it.
        let is_in_time = is_exact && is_within(record.created, STAGE_DEADLINE, now);
        let is_young =
            live.created.max(live.updated).is_none_or(|touched| is_within(touched, STAGE_GRACE, now));
        match is_exact {
            true if is_in_time => Self::Unreleased(live),
            _ if is_named || !is_young => Self::Abandoned(live),
            true => Self::Pending,
            false => Self::Altered(live),
        }
    }

    /// Whether the generation can stand for its address.
    pub(super) fn is_current(&self) -> bool {
        matches!(self, Self::Missing | Self::Serving(_) | Self::Unreleased(_))
    }

    /// How well a key of this generation stands for its address, against another of the same generation.
    pub(super) fn rank(&self, state: KeyState) -> u8 {
        match self {
            Self::Serving(live) if state == KeyState::Live && !live.disabled => 5,
            Self::Serving(_) if state == KeyState::Live => 4,
            Self::Serving(_) => 3,
            Self::Unreleased(_) => 2,
            Self::Missing => 1,
            Self::Over
            | Self::Vanished
            | Self::Pending
            | Self::Late(_)
            | Self::Altered(_)
            | Self::Abandoned(_)
            | Self::Revoked(_) => 0,
        }
    }
}

/// Whether a key's name waits for a sealed entry to reach its home.
pub(super) fn is_staged(live: &LiveKey) -> bool {
    Provisional::parse(&live.name).is_some_and(|mark| mark.digest.is_some())
}

/// Whether a name waits for this very entry.
pub fn is_staged_with(name: &str, entry: &SealedKey, lineage: &Lineage) -> bool {
    Provisional::parse(name).is_some_and(|mark| {
        mark.is_of(lineage) && mark.is_for(&entry.address) && mark.digest == Some(entry.digest(lineage))
    })
}

/// One request gives a key its name and enables it: either shows that it arrived.
fn is_released(live: &LiveKey) -> bool {
    !live.disabled || Provisional::parse(&live.name).is_none()
}
