//! A call: paced, sent, and tried again where that is safe.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::Instrument as _;

use super::connection::Shared;
use super::exchange::{Ask, Exchange, Identity, Transport};
use super::options::Collection;
use super::pace::Lane;
use super::reason::Broken;
use super::retry::{Repeat, Tries};
use super::retry_after::pause;
use super::trace;
use crate::model::Secret;
use crate::ports::{Failure, Gate, ServiceError};

/// The longest list page, in bytes: a hundred objects of about 1 kB, with room.
const LONGEST_PAGE: usize = 2 * 1024 * 1024;
/// The longest single object, in bytes.
const LONGEST_OBJECT: usize = 1024 * 1024;

/// One call of the API.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) collection: Collection,
    pub(super) repeat: Repeat,
    pub(super) ask: Ask<'a>,
}

impl<'a> Call<'a> {
    fn new(method: &'static str, collection: Collection, path: &'a str, repeat: Repeat) -> Self {
        let identity = Identity::Management;
        let ask = Ask { method, path, query: &[], body: None, identity, longest: LONGEST_OBJECT };
        Self { collection, repeat, ask }
    }

    /// Reads one object.
    pub(super) fn get(collection: Collection, path: &'a str) -> Self {
        Self::new("GET", collection, path, Repeat::Always)
    }

    /// Reads one page of a list.
    pub(super) fn page(collection: Collection, path: &'a str, query: &'a [(&'a str, &'a str)]) -> Self {
        let call = Self::get(collection, path);
        Self { ask: Ask { query, longest: LONGEST_PAGE, ..call.ask }, ..call }
    }

    /// Reads as the holder of `credential`.
    pub(super) fn as_key(self, credential: &'a Secret) -> Self {
        Self { ask: Ask { identity: Identity::Key(credential), ..self.ask }, ..self }
    }

    /// Makes an object.
    pub(super) fn post(collection: Collection, path: &'a str, body: &'a [u8], repeat: Repeat) -> Self {
        Self::new("POST", collection, path, repeat).with(body)
    }

    /// Changes an object.
    pub(super) fn patch(collection: Collection, path: &'a str, body: &'a [u8]) -> Self {
        Self::new("PATCH", collection, path, Repeat::Always).with(body)
    }

    /// Deletes an object.
    pub(super) fn delete(collection: Collection, path: &'a str) -> Self {
        Self::new("DELETE", collection, path, Repeat::Always)
    }

    /// Accepts no longer answer than so many bytes.
    pub(super) fn at_most(self, longest: usize) -> Self {
        Self { ask: Ask { longest, ..self.ask }, ..self }
    }

    fn with(self, body: &'a [u8]) -> Self {
        Self { ask: Ask { body: Some(body), ..self.ask }, ..self }
    }

    fn lane(&self) -> Lane {
        Lane { collection: self.collection, is_write: self.ask.method != "GET" }
    }

    /// The error of this call.
    pub(super) fn error(&self, failure: Failure) -> ServiceError {
        ServiceError { method: self.ask.method, path: self.ask.path.to_owned(), failure }
    }
}

/// Makes calls.
pub(super) struct Caller {
    transport: Transport,
    shared: Arc<Shared>,
}

impl Caller {
    pub(super) fn new(transport: Transport, shared: Arc<Shared>) -> Self {
        Self { transport, shared }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Makes a call while its gate is open; on success its status, with the body in `buffer`.
    pub(super) async fn call(
        &self,
        call: &Call<'_>,
        gate: Gate<'_>,
        buffer: &mut Vec<u8>,
    ) -> Result<u16, ServiceError> {
        let lane = call.lane();
        let mut tries = Tries::new(call.repeat, &self.shared.patience, fastrand::u64(..));
        // The last try of a write that may have been carried out: no later try that was not takes that back.
        let mut unsure = None;
        let mut resend = 0;
        loop {
            let Some((exchange, spent)) = self.attempt(call, resend, gate, buffer).await else {
                return Err(call.error(unsure.unwrap_or(Failure::Withheld)));
            };
            resend += 1;
            let broken = match exchange.outcome {
                Ok(status) => return Ok(status),
                Err(broken) => broken,
            };
            let delay = tries.next(&broken, spent);
            let is_limited = broken.failure.status() == Some(429);
            if is_limited {
                let reset = exchange.limits.map(|limits| limits.reset);
                let otherwise = delay.unwrap_or(self.shared.patience.first_delay);
                // Remembered even where this call is over: the next one in this lane waits.
                let time = pause(exchange.retry_after, reset, otherwise, fastrand::f64());
                self.shared.pacer.pause(lane, time);
            }
            let may_be_done = !broken.failure.is_not_done();
            match delay {
                None if may_be_done => return Err(call.error(broken.failure)),
                None => return Err(call.error(unsure.unwrap_or(broken.failure))),
                Some(delay) if !is_limited => self.shared.pacer.rest(lane, delay, gate).await,
                Some(_) => {}
            }
            if may_be_done && lane.is_write {
                unsure = Some(broken.failure);
            }
        }
    }

    /// One try; `None` when the gate closed before it.
    async fn attempt(
        &self,
        call: &Call<'_>,
        resend: usize,
        gate: Gate<'_>,
        buffer: &mut Vec<u8>,
    ) -> Option<(Exchange, Duration)> {
        let ticket = self.shared.pacer.reserve(call.lane(), gate).await?;
        let sent = Instant::now();
        let span = trace::span(&call.ask, &self.shared.endpoint, resend);
        let exchange = self.transport.exchange(&call.ask, buffer).instrument(span.clone()).await;
        trace::note(&span, &exchange);
        ticket.end(end(&exchange, sent));
        Some((exchange, sent.elapsed()))
    }
}

fn end(exchange: &Exchange, sent: Instant) -> super::budget::End<'_> {
    use super::budget::End;
    match &exchange.outcome {
        Err(Broken { failure: Failure::NotSent(_), .. }) => End::Unsent,
        Err(Broken { failure: Failure::Unanswered(_), .. }) => End::Lost,
        outcome => End::Answered {
            sent,
            received: Instant::now(),
            is_success: outcome.is_ok(),
            limits: exchange.limits.as_ref(),
        },
    }
}
