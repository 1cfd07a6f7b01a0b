//! Rate-limit headers, in every spelling that is documented (Honeycomb docs: api/rate-limit; OpenAPI: `RateLimitPolicy`).

use std::time::Duration;

use reqwest::header::HeaderMap;

use super::retry_after::LONGEST_WAIT;

/// What one answer says about the budget of its collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// Calls per window.
    pub(super) limit: Option<u64>,
    /// Calls left in this window.
    pub(super) remaining: u64,
    /// Until the window ends, in whole seconds rounded down.
    pub(super) reset: Duration,
}

/// One rule of a policy: so many calls per window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Policy {
    limit: u64,
    window: Duration,
}

/// Reads `RateLimit` (`limit=100, remaining=80, reset=54`), and what it leaves out from
/// `RateLimit-Policy` or `RateLimitPolicy` (`100;w=60`, or a list of such).
pub(super) fn limits(headers: &HeaderMap) -> Option<Limits> {
    let (mut limit, mut remaining, mut reset) = (None, None, None);
    for (name, value) in
        joined(headers, "ratelimit").iter().flat_map(|text| text.split(',')).filter_map(member)
    {
        match name {
            "limit" => limit = Some(value),
            "remaining" => remaining = Some(value),
            "reset" => reset = Some(Duration::from_secs(value)),
            _ => {}
        }
    }
    let policies = policies(headers);
    let policy =
        policies.iter().find(|p| Some(p.limit) == limit).or(policies.iter().max_by_key(|p| p.window));
    Some(Limits {
        limit: limit.or(policy.map(|p| p.limit)),
        remaining: remaining?,
        reset: reset.or(policy.map(|p| p.window))?.min(LONGEST_WAIT),
    })
}

fn policies(headers: &HeaderMap) -> Vec<Policy> {
    let text = joined(headers, "ratelimit-policy").or_else(|| joined(headers, "ratelimitpolicy"));
    text.iter().flat_map(|text| text.split(',')).filter_map(policy).collect()
}

fn policy(text: &str) -> Option<Policy> {
    let mut parts = text.split(';').map(str::trim);
    let limit = parts.next()?.parse().ok()?;
    let window = parts.find_map(|part| part.strip_prefix("w="))?.parse().ok()?;
    Some(Policy { limit, window: Duration::from_secs(window) })
}

/// One member of a structured dictionary of integers; its parameters are ignored.
fn member(text: &str) -> Option<(&str, u64)> {
    let (name, value) = text.split(';').next()?.split_once('=')?;
    Some((name.trim(), value.trim().parse().ok()?))
}

/// All lines of a header as one list.
fn joined(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines: Vec<_> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    if lines.is_empty() { None } else { Some(lines.join(",")) }
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn of(lines: &[(&'static str, &'static str)]) -> Option<(Option<u64>, u64, u64)> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_static(value));
        }
        limits(&headers).map(|l| (l.limit, l.remaining, l.reset.as_secs()))
    }

    #[test]
    fn the_window_is_read_in_every_spelling() {
        for (lines, expected) in [
            (&[("RateLimit", "limit=100, remaining=80, reset=54")][..], Some((Some(100), 80, 54))),
            (&[("Ratelimit", "limit=100,remaining=0,reset=0")], Some((Some(100), 0, 0))),
            (&[("ratelimit", "reset=5; x=1 , remaining=7")], Some((None, 7, 5))),
            (&[("RateLimit", "limit=9"), ("RateLimit", "remaining=3, reset=2")], Some((Some(9), 3, 2))),
            (&[("RateLimit", "remaining=3"), ("RateLimit-Policy", "100;w=60")], Some((Some(100), 3, 60))),
            (&[("RateLimit", "remaining=3"), ("RateLimitPolicy", "100;w=60")], Some((Some(100), 3, 60))),
            (
                &[("RateLimit", "limit=10, remaining=3"), ("RateLimit-Policy", "10;w=1, 240;w=60")],
                Some((Some(10), 3, 1)),
            ),
            (
                &[("RateLimit", "remaining=3"), ("RateLimit-Policy", "10;w=1, 240;w=60")],
                Some((Some(240), 3, 60)),
            ),
            (&[("RateLimit", "limit=1, remaining=1, reset=99999999")], Some((Some(1), 1, 120))),
        ] {
            assert_eq!(of(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn what_says_nothing_is_nothing() {
        for lines in [
            &[][..],
            &[("RateLimit", "")],
            &[("RateLimit", "limit=100, reset=3")],
            &[("RateLimit", "limit=100, remaining=80")],
            &[("RateLimit", "limit=100, remaining=-1, reset=3")],
            &[("RateLimit", "remaining=99999999999999999999999, reset=3")],
            &[("RateLimit", "remaining=3"), ("RateLimit-Policy", "w=60, 100;q=1, ;;")],
        ] {
            assert_eq!(of(lines), None, "{lines:?}");
        }
    }
}
