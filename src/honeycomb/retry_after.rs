//! How long a 429 asks to wait.

use std::time::{Duration, SystemTime};

use crate::model::Timestamp;

/// However soon the service says: never sooner.
pub(super) const SHORTEST_WAIT: Duration = Duration::from_millis(200);
/// However late the service says: never later.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// Reads `Retry-After` in its three forms: seconds, an HTTP-date, or RFC 3339 (which Honeycomb sent until mid-2025).
///
/// An instant counts from the answer's own `Date`; without one it says nothing. An instant in the past is no wait.
pub(super) fn retry_after(value: &str, date: Option<SystemTime>) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(value)
        .ok()
        .or_else(|| value.parse::<Timestamp>().ok().map(SystemTime::from))?;
    Some(until.duration_since(date?).unwrap_or_default())
}

/// How long to stay away after a 429: what was asked, else until the window ends, else `otherwise`; within bounds,
/// and up to a tenth longer (`jitter` is 0 to 1), so that many clients do not come back at once.
pub(super) fn pause(
    asked: Option<Duration>,
    reset: Option<Duration>,
    otherwise: Duration,
    jitter: f64,
) -> Duration {
    // The service truncates to whole seconds: the window ends up to one second later.
    let reset = reset.map(|reset| reset + Duration::from_secs(1));
    let base = asked.or(reset).unwrap_or(otherwise).clamp(SHORTEST_WAIT, LONGEST_WAIT);
    base.mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(value: &str) -> Option<u64> {
        let date = httpdate::parse_http_date("Fri, 22 Mar 2024 18:37:53 GMT").ok();
        retry_after(value, date).map(|wait| wait.as_secs())
    }

    #[test]
    fn all_three_forms_are_read() {
        for (value, expected) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("Fri, 22 Mar 2024 18:38:03 GMT", Some(10)),
            ("Friday, 22-Mar-24 18:38:03 GMT", Some(10)),
            ("2024-03-22T18:38:13Z", Some(20)),
            ("2024-03-22T19:38:13.25+01:00", Some(20)),
            ("Fri, 22 Mar 2024 18:00:00 GMT", Some(0)),
            ("soon", None),
            ("-3", None),
            ("", None),
            ("99999999999999999999999999", None),
        ] {
            assert_eq!(seconds(value), expected, "{value:?}");
        }
    }

    #[test]
    fn an_instant_needs_the_services_own_clock() {
        assert_eq!(retry_after("Fri, 22 Mar 2024 18:38:03 GMT", None), None);
        assert_eq!(retry_after("7", None), Some(Duration::from_secs(7)));
    }

    #[test]
    fn pauses_are_bounded_and_fall_back() {
        let (s, half) = (Duration::from_secs, Duration::from_millis(500));
        for (asked, reset, expected) in [
            (Some(s(7)), Some(s(3)), s(7)),
            (None, Some(s(3)), s(4)),
            (None, None, half),
            (Some(s(0)), None, SHORTEST_WAIT),
            (Some(s(31_536_000)), None, LONGEST_WAIT),
        ] {
            assert_eq!(pause(asked, reset, half, 0.0), expected);
        }
        assert_eq!(pause(Some(s(10)), None, half, 1.0), s(11));
    }
}
