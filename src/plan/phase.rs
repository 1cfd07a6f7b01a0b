//! Where one recorded generation stands: its entry, held against what the service says.

use super::times::{DEADLINE, GRACE, REQUEST_LIFE, is_late, is_within};
use crate::model::{KeyState, LiveKey, Provisional, SealedKey, Timestamp};

/// A recorded generation and what is to be made of it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Phase<'a> {
    /// Deleted by keycomb; nothing is left to do.
    Over,
    /// Never released, and gone from the service: nothing is lost.
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
    /// Released too late to be relied on: a successor is minted, and then it is retired.
    Late(&'a LiveKey),
    /// Never enabled by keycomb, and never to be.
    Abandoned(&'a LiveKey),
}

impl<'a> Phase<'a> {
    /// Holds an entry against the key with its id.
    pub(super) fn of(record: &SealedKey, live: Option<&'a LiveKey>, now: Timestamp) -> Self {
        let Some(live) = live else {
            return match record.state {
                KeyState::Live | KeyState::Disabled => Self::Missing,
                KeyState::Provisional | KeyState::Releasing | KeyState::Dropping => Self::Vanished,
                KeyState::Deleted => Self::Over,
            };
        };
        let is_young = |length| is_within(record.created, length, now);
        match record.state {
            KeyState::Live | KeyState::Disabled => Self::Serving(live),
            KeyState::Deleted => Self::Over,
            KeyState::Dropping => Self::Abandoned(live),
            // Before its release was begun nobody but keycomb could have a reason to enable it.
            KeyState::Provisional if !live.disabled => Self::Abandoned(live),
            KeyState::Releasing if is_released(live) => {
                if is_late(record.created, live.updated) {
                    Self::Late(live)
                } else {
                    Self::Serving(live)
                }
            }
            KeyState::Provisional | KeyState::Releasing if is_young(DEADLINE) => Self::Unreleased(live),
            KeyState::Provisional if is_young(DEADLINE + REQUEST_LIFE) => Self::Pending,
            KeyState::Releasing if is_young(GRACE) => Self::Pending,
            KeyState::Provisional | KeyState::Releasing => Self::Abandoned(live),
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
            Self::Over | Self::Vanished | Self::Pending | Self::Late(_) | Self::Abandoned(_) => 0,
        }
    }
}

/// One request gives a key its name and enables it: either shows that it arrived.
fn is_released(live: &LiveKey) -> bool {
    !live.disabled || Provisional::parse(&live.name).is_none()
}
