//! Error answers: whatever the body is, what is shown of it is short, harmless, and never the credential.

use keycomb::honeycomb::fuzzing::answer;
use keycomb::honeycomb::{Context, diagnose};
use keycomb::model::{Endpoint, Secret, TeamSlug};
use keycomb::ports::{Answer, Failure, ServiceError};

use super::oracle::{assert_line, parts};

/// The credential of the call. Seeds and the dictionary have it where a service could echo it.
pub const SECRET: &str = "k3j9x0q7w2e8r5t1y6u4i0p9a3s7d2f8";

/// The longest text of the service that is shown, in characters.
const LONGEST: usize = 500;

/// The input is the status, a request id, and the body, between lines of `%%`; the body alone is a 500.
pub fn run(data: &[u8]) {
    let (status, id, body) = match parts(data)[..] {
        [status, id, body, ..] => (number(status), std::str::from_utf8(id).ok(), body),
        [status, body] => (number(status), None, body),
        _ => (500, None, data),
    };
    let secret = Secret::new(SECRET.into());
    let answer = answer(status, body, id, &[&secret]);
    assert_eq!(answer.status, status);
    assert_shown(&answer);
    for (method, path) in [("GET", "/2/teams/acme/api-keys"), ("DELETE", "/2/teams/acme/environments/e")] {
        assert_diagnosed(method, path, &answer);
    }
}

fn number(text: &[u8]) -> u16 {
    std::str::from_utf8(text).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(500)
}

fn assert_shown(answer: &Answer) {
    let texts = [Some(&answer.message), answer.code.as_ref(), answer.request_id.as_ref()];
    for text in texts.into_iter().flatten() {
        assert_line(text);
        assert!(text.chars().count() <= LONGEST, "{} characters", text.chars().count());
    }
    let all = format!("{answer}{answer:?}");
    assert!(!all.contains(SECRET), "{all}");
}

fn assert_diagnosed(method: &'static str, path: &str, answer: &Answer) {
    let error = ServiceError { method, path: path.into(), failure: Failure::Answered(answer.clone()) };
    let (endpoint, team) = (Endpoint::eu(), TeamSlug::new("acme").unwrap());
    let diagnosis = diagnose(&error, &Context { endpoint: &endpoint, team: &team });
    assert_line(&diagnosis.message);
    assert_line(&diagnosis.help);
    assert!(!diagnosis.help.is_empty() && diagnosis.message.contains(&answer.status.to_string()));
}
