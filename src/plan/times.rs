//! How long minting may take, and how old a leftover must be before it is taken for one.
//!
//! The grace is longer than the deadline and a request's life together, always: a key that somebody is
//! still allowed to release is never taken for a leftover.

use std::time::Duration;

use crate::model::Timestamp;

/// From sending the POST to sending the last request that enables the key.
pub const DEADLINE: Duration = Duration::from_secs(15 * 60);

/// How long a request that was sent may still take effect.
pub const REQUEST_LIFE: Duration = Duration::from_secs(5 * 60);

/// The age, by the service's clock, below which a provisional key of unknown origin is somebody's work in progress.
pub const GRACE: Duration = Duration::from_secs(60 * 60);

/// The deadline of a staged key: its entry has to be reviewed and merged meanwhile.
pub const STAGE_DEADLINE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The grace of a staged key: whoever lacks its entry leaves it alone for so long.
pub const STAGE_GRACE: Duration = Duration::from_secs(8 * 24 * 60 * 60);

const _: () = assert!(GRACE.as_secs() > DEADLINE.as_secs() + REQUEST_LIFE.as_secs());
const _: () = assert!(STAGE_GRACE.as_secs() > STAGE_DEADLINE.as_secs() + REQUEST_LIFE.as_secs());

/// Whether a key was enabled too late to be relied on, by the service's own times: whoever found it still disabled may
/// have taken it for a leftover. What cannot be told is late.
pub fn is_late(created: Timestamp, enabled: Option<Timestamp>) -> bool {
    is_after(created, DEADLINE + REQUEST_LIFE, enabled)
}

/// The same for a key that was staged, which no record says the release of: `changed` may be a later change by anybody. Once
/// that lies an hour back no deletion of a leftover can be under way any more, and the key is there: it can be relied on.
pub fn is_late_staged(created: Timestamp, changed: Option<Timestamp>, now: Timestamp) -> bool {
    is_after(created, STAGE_DEADLINE + REQUEST_LIFE, changed)
        && is_within(changed.unwrap_or(created), GRACE, now)
}

fn is_after(created: Timestamp, length: Duration, enabled: Option<Timestamp>) -> bool {
    let last = created.checked_add(length).unwrap_or(Timestamp::MAX);
    enabled.is_none_or(|enabled| enabled > last)
}

/// When a staged key can no longer be released.
pub fn stage_ends(created: Timestamp) -> Timestamp {
    created.checked_add(STAGE_DEADLINE).unwrap_or(Timestamp::MAX)
}

/// Whether `at` lies less than `length` after `start`; everything does when the calendar ends before.
pub(super) fn is_within(start: Timestamp, length: Duration, at: Timestamp) -> bool {
    start.checked_add(length).map_or(true, |end| at < end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_is_later_than_the_deadline_and_a_requests_life() {
        let at = |seconds: i64| Timestamp::from_second(1_800_000_000 + seconds).unwrap();
        assert!(!is_late(at(0), Some(at(20 * 60))));
        assert!(is_late(at(0), Some(at(20 * 60 + 1))));
        assert!(!is_late(at(60), Some(at(0))), "a clock that goes back is not late");
        assert!(is_late(at(0), None), "what cannot be told is late");
        assert!(!is_late(Timestamp::MAX, Some(Timestamp::MAX)));
    }

    #[test]
    fn a_staged_key_has_seven_days_instead_of_a_quarter_of_an_hour() {
        let at = |seconds: i64| Timestamp::from_second(1_800_000_000 + seconds).unwrap();
        let week = 7 * 24 * 60 * 60;
        assert_eq!(stage_ends(at(0)), at(week));
        let (last, late) = (at(week + 5 * 60), at(week + 5 * 60 + 1));
        assert!(!is_late_staged(at(0), Some(last), last));
        assert!(is_late_staged(at(0), Some(late), late));
        assert!(!is_late_staged(at(0), Some(late), at(week + 65 * 60 + 1)), "nobody deletes it any more");
    }

    #[test]
    fn the_end_is_outside() {
        let start = Timestamp::UNIX_EPOCH;
        let end = Timestamp::from_second(900).unwrap();
        assert!(is_within(start, DEADLINE, Timestamp::from_second(899).unwrap()));
        assert!(!is_within(start, DEADLINE, end));
        assert!(is_within(Timestamp::MAX, DEADLINE, Timestamp::MAX));
    }
}
