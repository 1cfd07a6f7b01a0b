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

/// Whether `at` lies less than `length` after `start`; everything does when the calendar ends before.
pub(super) fn is_within(start: Timestamp, length: Duration, at: Timestamp) -> bool {
    start.checked_add(length).map_or(true, |end| at < end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grace_outlasts_everything_that_could_still_enable_a_key() {
        assert!(GRACE > DEADLINE + REQUEST_LIFE);
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
