//! A door for the fuzz targets: what is read from the service, without a service. No part of the library's interface.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;
use url::Url;

use super::budget::{Budget, Decision, End};
use super::exchange::{Heard, heard};
use super::pages::{Page, Walk};
use super::retry_after::pause;
use super::{answer, wire};
use crate::model::{Access, Endpoint, KeyType, LiveEnvironment, LiveKey, Secret, Timestamp};
use crate::ports::{Answer, CreatedKey, Proof};

/// Where the lists of [`keys`] and [`environments`] stand: `https://api.honeycomb.io/2/teams/acme/LIST`.
const TEAM: &str = "/2/teams/acme/";

/// Walks over pages of keys of one type, as over the service's.
///
/// # Errors
/// As for a list of the service; and when the last page says that there is another.
pub fn keys(pages: &[&[u8]], key_type: KeyType) -> Result<Vec<LiveKey>, String> {
    walk(pages, "api-keys", |body| wire::keys(body, key_type))
}

/// Walks over pages of environments.
///
/// # Errors
/// As [`keys`].
pub fn environments(pages: &[&[u8]]) -> Result<Vec<LiveEnvironment>, String> {
    walk(pages, "environments", wire::environments)
}

fn walk<T>(
    pages: &[&[u8]],
    list: &str,
    read: impl Fn(&[u8]) -> Result<Page<T>, String>,
) -> Result<Vec<T>, String> {
    let endpoint = Url::parse(Endpoint::us().as_str()).map_err(|error| error.to_string())?;
    let path = format!("{TEAM}{list}");
    let mut walk = Walk::default();
    for body in pages {
        if !walk.turn(read(body)?, body.len(), &endpoint, &path)? {
            return Ok(walk.items);
        }
    }
    Err("the list goes on".into())
}

/// Reads one key.
///
/// # Errors
/// What is wrong with the body, without its words.
pub fn key(body: &[u8]) -> Result<LiveKey, String> {
    wire::key(body)
}

/// Reads one environment.
///
/// # Errors
/// As [`key`].
pub fn environment(body: &[u8]) -> Result<LiveEnvironment, String> {
    wire::environment(body)
}

/// Reads a fresh key and its secret.
///
/// # Errors
/// As [`key`].
pub fn created_key(body: &[u8]) -> Result<CreatedKey, String> {
    wire::created_key(body)
}

/// Reads who a management key is.
///
/// # Errors
/// As [`key`].
pub fn access(body: &[u8]) -> Result<Access, String> {
    wire::access(body)
}

/// Reads what a key's own credential says of it.
///
/// # Errors
/// As [`key`].
pub fn proof(body: &[u8]) -> Result<Proof, String> {
    wire::proof(body)
}

/// Reads an error answer.
pub fn answer(status: u16, body: &[u8], header_id: Option<&str>, secrets: &[&Secret]) -> Answer {
    answer::answer(status, body, header_id, secrets)
}

/// What an answer's headers come to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Waits {
    /// The service's clock.
    pub date: Option<Timestamp>,
    /// What `Retry-After` asks for, as it stands.
    pub asked: Option<Duration>,
    /// Calls left, and until when, as the rate limit headers say.
    pub left: Option<(u64, Duration)>,
    /// How long a call stays away if the answer was a 429.
    pub pause: Duration,
    /// How long the next call waits if the answer was a success.
    pub budget: Duration,
}

/// Reads an answer's headers; what cannot be a header is left out, as the HTTP client would have refused it.
pub fn headers(lines: &[(&str, &[u8])], jitter: f64) -> Waits {
    let mut map = HeaderMap::new();
    for (name, value) in lines {
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value))
        {
            map.append(name, value);
        }
    }
    let Heard { date, limits, retry_after } = heard(&map);
    let now = Instant::now();
    let mut budget = Budget::default();
    budget.ask(now);
    budget.end(End::Answered { sent: now, received: now, is_success: true, limits: limits.as_ref() });
    let next = match budget.ask(now) {
        Decision::Until(until, _) => until.saturating_duration_since(now),
        Decision::Go | Decision::Answer => Duration::ZERO,
    };
    let reset = limits.map(|limits| limits.reset);
    Waits {
        date: date.and_then(|date| Timestamp::try_from(date).ok()),
        asked: retry_after,
        left: limits.map(|limits| (limits.remaining, limits.reset)),
        pause: pause(retry_after, reset, Duration::from_secs(1), jitter),
        budget: next,
    }
}
