//! The times and sizes that carrying out hangs on. What deciding hangs on as well is the plan's.

use std::time::Duration;

use crate::model::Timestamp;
pub use crate::plan::{DEADLINE, GRACE, REQUEST_LIFE, STAGE_DEADLINE, STAGE_GRACE};

/// How many keys are minted before they are released: they share one second look at the listing.
pub const CHUNK: usize = 50;

/// How long a chunk takes up new keys: the other half of the deadline is for its look and its releases.
pub const CHUNK_TIME: Duration = Duration::from_secs(DEADLINE.as_secs() / 2);

/// How many actions are under way at once. The writer's pacing sets the speed; this only hides latency.
pub const SIDE_BY_SIDE: usize = 8;

/// How often a key is asked for when the request certainly was not carried out (never sent, or answered 429).
pub const POST_TRIES: u32 = 5;

/// How often a release that was answered, and did not show when read back, is sent.
pub const RELEASE_TRIES: u32 = 3;

/// How long a released key's credential may be refused before it counts as not proven: it has to spread
/// through the service first.
pub const PROOF_TIME: Duration = Duration::from_secs(30);

/// How long a key that was made disabled may still be accepted before the service counts as one that lies about it.
pub const SPREAD_TIME: Duration = Duration::from_secs(30);

/// How long an object may still be shown after its deletion.
pub const DELETION_TIME: Duration = Duration::from_secs(15);

/// How long a key is revoked again and again while nothing shows that it worked.
pub const REVOKE_TIME: Duration = Duration::from_secs(60);

/// How long after a key was read it may be deleted as a leftover.
pub const FRESH: Duration = Duration::from_secs(30);

/// How often a leftover is read and its deletion sent, while its turn comes too late or no answer comes.
pub const DISCARD_TRIES: u32 = 4;

/// How long a try at making something is remembered of which nothing shows at the service.
pub const INTENT_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a deleted key's entry is kept before it may leave the record.
pub const KEPT_AFTER_DELETION: Duration = Duration::from_secs(24 * 60 * 60);

/// How old something is; zero when it seems to come from the future.
pub(super) fn age(now: Timestamp, created: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(created)).unwrap_or(Duration::ZERO)
}

/// Whether somebody may still be at work on a provisional key. What cannot be told is taken for young.
pub(super) fn is_young(now: Option<Timestamp>, created: Option<Timestamp>) -> bool {
    is_within(now, created, GRACE)
}

/// Whether something is younger than that. What cannot be told is.
pub(super) fn is_within(now: Option<Timestamp>, created: Option<Timestamp>, length: Duration) -> bool {
    match (now, created) {
        (Some(now), Some(created)) => age(now, created) < length,
        _ => true,
    }
}

/// The delay before the `n`th repetition, from 0: 1, 2, 4, 8 … at most 30 seconds.
pub(super) fn delay(n: u32) -> Duration {
    Duration::from_secs(1_u64.checked_shl(n.min(5)).unwrap_or(30).min(30))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn what_cannot_be_dated_is_young() {
        assert!(is_young(Some(at(3599)), Some(at(0))));
        assert!(!is_young(Some(at(3600)), Some(at(0))));
        assert!(is_young(None, Some(at(0))) && is_young(Some(at(9999)), None));
    }

    #[test]
    fn delays_grow_to_half_a_minute() {
        assert_eq!((0..7).map(|n| delay(n).as_secs()).collect::<Vec<_>>(), [1, 2, 4, 8, 16, 30, 30]);
    }
}
