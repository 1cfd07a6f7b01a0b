//! Request budgets: a fixed window per team, collection and read/write, refilled whole.

use std::collections::HashMap;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;

use super::clock::after;
use super::spec::{SpecError, parse_duration};

/// How many requests fit into a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests per window, at least 1.
    pub limit: u32,
    /// The window's length, more than zero.
    pub window: Duration,
}

impl FromStr for RateLimit {
    type Err = SpecError;

    /// Reads `100/60s`.
    fn from_str(text: &str) -> Result<Self, SpecError> {
        let wrong = || SpecError::BadPart {
            part: "rate limit",
            found: text.to_owned(),
            expected: "REQUESTS/WINDOW, for example `100/60s`",
        };
        let (limit, window) = text.split_once('/').ok_or_else(wrong)?;
        let limit: u32 = limit.parse().map_err(|_| wrong())?;
        let window = parse_duration("rate limit", window)?;
        if limit == 0 || window.is_zero() {
            return Err(wrong());
        }
        Ok(Self { limit, window })
    }
}

/// So large that nobody meets it; the headers are sent all the same.
pub(super) const UNLIMITED: RateLimit = RateLimit { limit: 1_000_000, window: Duration::from_secs(60) };

/// Which budget a request spends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Bucket {
    /// The collection; `/1/auth` and `/2/auth` are two.
    pub(super) collection: &'static str,
    /// POST, PATCH and DELETE.
    pub(super) write: bool,
}

/// What is left of a budget after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Budget {
    /// Requests per window.
    pub(super) limit: u32,
    /// The window's length in whole seconds, rounded up.
    pub(super) window_seconds: u64,
    /// Requests left in this window.
    pub(super) remaining: u32,
    /// When the window is refilled.
    pub(super) refill: Timestamp,
    /// Whole seconds until then, rounded down.
    pub(super) reset_seconds: u64,
    /// Whether this request went over the limit.
    pub(super) exceeded: bool,
}

/// The open windows of the one team.
#[derive(Debug)]
pub(super) struct Limits {
    limit: RateLimit,
    windows: HashMap<Bucket, Window>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    start: Timestamp,
    used: u32,
}

impl Limits {
    pub(super) fn new(limit: RateLimit) -> Self {
        Self { limit, windows: HashMap::new() }
    }

    /// Spends one request of a budget. A window opens with its first request.
    pub(super) fn spend(&mut self, bucket: Bucket, now: Timestamp) -> Budget {
        let RateLimit { limit, window: length } = self.limit;
        let window = self.windows.entry(bucket).or_insert(Window { start: now, used: 0 });
        // A clock set back must not keep a window closed for longer than its length.
        if now >= after(window.start, length) || now < window.start {
            *window = Window { start: now, used: 0 };
        }
        let exceeded = window.used >= limit;
        if !exceeded {
            window.used += 1;
        }
        let refill = after(window.start, length);
        Budget {
            limit,
            window_seconds: length.as_secs() + u64::from(length.subsec_nanos() > 0),
            remaining: limit - window.used,
            refill,
            reset_seconds: u64::try_from(refill.duration_since(now).as_secs()).unwrap_or(0),
            exceeded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READS: Bucket = Bucket { collection: "api-keys", write: false };
    const WRITES: Bucket = Bucket { collection: "api-keys", write: true };
    const OTHERS: Bucket = Bucket { collection: "environments", write: false };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_772_000_000 + second).unwrap()
    }

    fn limits(text: &str) -> Limits {
        Limits::new(text.parse().unwrap())
    }

    #[test]
    fn a_rate_limit_is_requests_over_a_window() {
        let limit: RateLimit = "100/60s".parse().unwrap();
        assert_eq!(limit, RateLimit { limit: 100, window: Duration::from_secs(60) });
        for wrong in ["100", "0/60s", "5/0s", "-1/60s", "x/60s", "5/60", "5/-1s"] {
            assert!(wrong.parse::<RateLimit>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_window_is_refilled_whole_at_its_end() {
        let mut limits = limits("2/60s");
        let first = limits.spend(READS, at(0));
        assert_eq!((first.remaining, first.reset_seconds, first.exceeded), (1, 60, false));
        assert_eq!(limits.spend(READS, at(10)).remaining, 0);
        let over = limits.spend(READS, at(59));
        assert_eq!((over.remaining, over.reset_seconds, over.exceeded), (0, 1, true));
        assert_eq!(over.refill, at(60));
        let fresh = limits.spend(READS, at(60));
        assert_eq!((fresh.remaining, fresh.exceeded), (1, false));
    }

    #[test]
    fn budgets_are_apart_by_collection_and_by_read_and_write() {
        let mut limits = limits("1/60s");
        for bucket in [READS, WRITES, OTHERS] {
            assert!(!limits.spend(bucket, at(0)).exceeded);
            assert!(limits.spend(bucket, at(1)).exceeded);
        }
    }

    #[test]
    fn a_clock_set_back_opens_a_new_window() {
        let mut limits = limits("1/60s");
        limits.spend(READS, at(1000));
        assert!(!limits.spend(READS, at(0)).exceeded);
    }

    #[test]
    fn seconds_left_are_rounded_down_and_the_window_up() {
        let mut limits = limits("5/1500ms");
        let budget = limits.spend(READS, at(0));
        assert_eq!((budget.reset_seconds, budget.window_seconds), (1, 2));
    }
}
