//! Rate-limit headers: which answers carry them, and in what spelling.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::answer::Answer;
use super::clock::after;
use super::limits::Budget;
use super::switches::{RetryAfterForm, Switches};

/// Adds `RateLimit` and its policy where the service declares them, and `Retry-After` to a 429 (OpenAPI: the headers of
/// each response).
pub(super) fn add(answer: &mut Answer, budget: &Budget, switches: &Switches, now: Timestamp) {
    if !matches!(answer.status, 200..=299 | 400 | 404 | 409 | 422 | 429) {
        return;
    }
    let Budget { limit, window_seconds, remaining, refill, reset_seconds, exceeded: _ } = budget;
    let policy = if switches.policy_header_without_hyphen { "ratelimitpolicy" } else { "ratelimit-policy" };
    answer
        .headers
        .push(("ratelimit", format!("limit={limit}, remaining={remaining}, reset={reset_seconds}")));
    answer.headers.push((policy, format!("{limit};w={window_seconds}")));
    if answer.status == 429 {
        retry_after(answer, *refill, switches, now);
    }
}

/// A 429 that comes from a fault says to try again in a second.
pub(super) fn add_canned(mut answer: Answer, switches: &Switches, now: Timestamp) -> Answer {
    if answer.status == 429 {
        let refill = after(now, Duration::from_secs(1));
        let budget =
            Budget { limit: 100, window_seconds: 60, remaining: 0, refill, reset_seconds: 1, exceeded: true };
        add(&mut answer, &budget, switches, now);
    }
    answer
}

fn retry_after(answer: &mut Answer, refill: Timestamp, switches: &Switches, now: Timestamp) {
    let refill = whole_seconds(refill);
    let value = match switches.retry_after {
        RetryAfterForm::HttpDate => httpdate::fmt_http_date(SystemTime::from(refill)),
        RetryAfterForm::Seconds => refill.duration_since(whole_seconds(now)).as_secs().max(0).to_string(),
        RetryAfterForm::Rfc3339 => refill.to_string(),
        RetryAfterForm::Absent => return,
    };
    answer.headers.push(("retry-after", value));
}

/// The whole second at or after an instant: whoever waits for it does not come too early.
pub(super) fn whole_seconds(instant: Timestamp) -> Timestamp {
    let up = i64::from(instant.subsec_nanosecond() > 0);
    Timestamp::from_second(instant.as_second() + up).unwrap_or(instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(status: u16, switches: &Switches) -> Vec<(&'static str, String)> {
        let now: Timestamp = "2026-03-01T08:14:20Z".parse().unwrap();
        let refill = after(now, Duration::from_millis(39_500));
        let budget = Budget {
            limit: 100,
            window_seconds: 60,
            remaining: 0,
            refill,
            reset_seconds: 39,
            exceeded: true,
        };
        let mut answer = Answer::text(status, None, String::new());
        add(&mut answer, &budget, switches, now);
        answer.headers
    }

    #[test]
    fn the_documented_answers_carry_headers_and_no_others() {
        for status in [200, 201, 204, 400, 404, 409, 422] {
            let expected =
                [("ratelimit", "limit=100, remaining=0, reset=39"), ("ratelimit-policy", "100;w=60")];
            let found = headers(status, &Switches::default());
            assert_eq!(
                found.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>(),
                expected
            );
        }
        for status in [401, 403, 405, 413, 415, 500] {
            assert_eq!(headers(status, &Switches::default()), [], "{status}");
        }
    }

    #[test]
    fn retry_after_has_three_forms_or_none() {
        let with = |retry_after| {
            let switches = Switches { retry_after, ..Switches::default() };
            headers(429, &switches)
                .into_iter()
                .find(|(name, _)| *name == "retry-after")
                .map(|(_, value)| value)
        };
        assert_eq!(with(RetryAfterForm::HttpDate).unwrap(), "Sun, 01 Mar 2026 08:15:00 GMT");
        assert_eq!(with(RetryAfterForm::Seconds).unwrap(), "40");
        assert_eq!(with(RetryAfterForm::Rfc3339).unwrap(), "2026-03-01T08:15:00Z");
        assert_eq!(with(RetryAfterForm::Absent), None);
    }
}
