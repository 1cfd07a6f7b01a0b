//! One request and its answer: bounded in size and time, no redirects, nothing encoded. No retries here.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue,
    RETRY_AFTER, TRANSFER_ENCODING,
};
use reqwest::{Client, Method, Response, StatusCode};
use tokio::time::Instant;

use super::answer::answer;
use super::connection::{Shared, sensitive};
use super::limits::{Limits, limits};
use super::reason::{Broken, broken};
use super::retry_after::retry_after;
use crate::model::Secret;
use crate::ports::{Answer, Failure};

/// The only media type of the v2 API, sent without parameters (OpenAPI; anything else is answered 415).
const JSON_API: HeaderValue = HeaderValue::from_static("application/vnd.api+json");
const TEAM_HEADER: HeaderName = HeaderName::from_static("x-honeycomb-team");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest error body that is read, in bytes.
const LONGEST_ERROR: usize = 64 * 1024;

/// What is asked of the service.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) method: &'static str,
    /// From the endpoint on, without the query.
    pub(super) path: &'a str,
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) body: Option<&'a [u8]>,
    pub(super) identity: Identity<'a>,
    /// The longest body that is accepted, in bytes.
    pub(super) longest: usize,
}

/// As whom.
#[derive(Debug, Clone, Copy)]
pub(super) enum Identity<'a> {
    /// The management key.
    Management,
    /// A key's own credential, in `X-Honeycomb-Team`.
    Key(&'a Secret),
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Exchange {
    /// The status of a success, whose body is in the buffer then.
    pub(super) outcome: Result<u16, Broken>,
    pub(super) limits: Option<Limits>,
    pub(super) retry_after: Option<Duration>,
}

/// Sends requests with one HTTP client.
pub(super) struct Transport {
    client: Client,
    shared: Arc<Shared>,
}

impl Transport {
    pub(super) fn new(client: Client, shared: Arc<Shared>) -> Self {
        Self { client, shared }
    }

    /// Sends a request once and reads the answer's body into `buffer`, which never grows beyond `ask.longest`.
    pub(super) async fn exchange(&self, ask: &Ask<'_>, buffer: &mut Vec<u8>) -> Exchange {
        buffer.clear();
        let started = Instant::now();
        let exchange = match self.send(ask).await {
            Ok(response) => self.receive(ask, response, buffer).await,
            Err(broken) => Exchange { outcome: Err(broken), limits: None, retry_after: None },
        };
        let status = match &exchange.outcome {
            Ok(status) => Some(*status),
            Err(broken) => broken.failure.status(),
        };
        tracing::debug!(
            method = ask.method,
            path = ask.path,
            status,
            ms = started.elapsed().as_millis(),
            bytes = buffer.len(),
            "call"
        );
        exchange
    }

    async fn send(&self, ask: &Ask<'_>) -> Result<Response, Broken> {
        let mut url = self.shared.endpoint.clone();
        url.set_path(ask.path);
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(ask.query);
        }
        let unbuilt = || Broken {
            failure: Failure::NotSent("the request could not be built".into()),
            is_hopeless: true,
        };
        let method = Method::from_bytes(ask.method.as_bytes()).map_err(|_| unbuilt())?;
        let request = self.client.request(method, url);
        let request = match ask.identity {
            Identity::Management => {
                request.header(AUTHORIZATION, self.shared.authorization.clone().ok_or_else(unbuilt)?)
            }
            Identity::Key(secret) => {
                request.header(TEAM_HEADER, sensitive(secret.expose()).ok_or_else(unbuilt)?)
            }
        };
        let request = match ask.body {
            Some(body) => request.header(CONTENT_TYPE, JSON_API).body(body.to_vec()),
            None => request,
        };
        request.send().await.map_err(|error| self.broken(&error))
    }

    async fn receive(&self, ask: &Ask<'_>, mut response: Response, buffer: &mut Vec<u8>) -> Exchange {
        let Heard { date, limits, retry_after } = heard(response.headers());
        let status = response.status();
        if let (Some(date), true) = (date, status.is_success()) {
            self.shared.clock.set(date, Instant::now());
        }
        let outcome = if status.is_success() {
            self.body(ask, &mut response, buffer).await.map(|()| status.as_u16())
        } else {
            let failure = Failure::Answered(self.refusal(ask, &mut response, buffer).await);
            Err(Broken { failure, is_hopeless: false })
        };
        Exchange { outcome, limits, retry_after }
    }

    /// Reads the body of a success.
    async fn body(&self, ask: &Ask<'_>, response: &mut Response, buffer: &mut Vec<u8>) -> Result<(), Broken> {
        let status = response.status();
        let unreadable = |problem: String| Broken {
            failure: Failure::Unreadable { status: status.as_u16(), problem },
            is_hopeless: false,
        };
        if status == StatusCode::NO_CONTENT {
            return Ok(());
        }
        if is_encoded(response.headers()) {
            return Err(unreadable("the body is compressed, which was not asked for".into()));
        }
        // A body that ends with the connection may have been cut anywhere.
        if !tells_its_end(response.headers()) {
            return Err(unreadable(
                "the body has neither `Content-Length` nor chunks, so its end is unknown".into(),
            ));
        }
        match read(response, buffer, ask.longest).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(unreadable(format!("the body is longer than {} bytes", ask.longest))),
            Err(error) => Err(self.broken(&error)),
        }
    }

    /// Reads what an error says, as far as it says anything.
    async fn refusal(&self, ask: &Ask<'_>, response: &mut Response, buffer: &mut Vec<u8>) -> Answer {
        let status = response.status().as_u16();
        let request_id = text(response.headers(), &REQUEST_ID).map(str::to_owned);
        if response.status().is_redirection() {
            let message =
                "this is a redirect, and redirects are not followed: they would carry the credential away";
            return Answer { status, code: None, message: message.into(), request_id: None };
        }
        // What cannot be read whole says nothing; the status stands.
        let is_whole = !is_encoded(response.headers())
            && matches!(read(response, buffer, LONGEST_ERROR.min(ask.longest)).await, Ok(true));
        let body = if is_whole { buffer.as_slice() } else { &[] };
        let own = match ask.identity {
            Identity::Management => None,
            Identity::Key(secret) => Some(secret),
        };
        let secrets: Vec<&Secret> = self.shared.secret.iter().chain(own).collect();
        answer(status, body, request_id.as_deref(), &secrets)
    }

    fn broken(&self, error: &reqwest::Error) -> Broken {
        broken(error, self.shared.endpoint.host_str().unwrap_or_default(), &self.shared.patience)
    }
}

/// Reads to the end; `false` if that would be more than `longest` bytes.
async fn read(response: &mut Response, buffer: &mut Vec<u8>, longest: usize) -> reqwest::Result<bool> {
    while let Some(piece) = response.chunk().await? {
        if buffer.len() + piece.len() > longest {
            return Ok(false);
        }
        buffer.extend_from_slice(&piece);
    }
    Ok(true)
}

fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

fn tells_its_end(headers: &HeaderMap) -> bool {
    let is_chunked =
        text(headers, &TRANSFER_ENCODING).is_some_and(|text| text.to_ascii_lowercase().contains("chunked"));
    headers.contains_key(CONTENT_LENGTH) || is_chunked
}

/// What an answer's headers say of time and budgets.
pub(super) struct Heard {
    pub(super) date: Option<SystemTime>,
    pub(super) limits: Option<Limits>,
    pub(super) retry_after: Option<Duration>,
}

pub(super) fn heard(headers: &HeaderMap) -> Heard {
    let date = date(headers);
    let retry_after = text(headers, &RETRY_AFTER).and_then(|text| retry_after(text, date));
    Heard { date, limits: limits(headers), retry_after }
}

fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(text(headers, &DATE)?).ok()
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
