//! Gates: looked at before every send, and while a call waits.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use keycomb::honeycomb::{Connection, Options, Patience, Writer};
use keycomb::model::{EnvironmentAttributes, EnvironmentId};
use keycomb::ports::{Failure, OPEN, ServiceError, WriteLive};

use crate::client::{QUICK, environment_body, key_body, one, options, shown};
use crate::server::{Reply, Server};
use crate::writes::{key_id, new_environment, new_key, rename};

/// Waits long between two tries.
fn slow_writer(endpoint: &str) -> Writer {
    let long = Duration::from_secs(30);
    let patience = Patience { first_delay: long, longest_delay: long, call: 4 * long, ..QUICK };
    let options = Options { patience, ..options(endpoint) };
    Connection::new(options).and_then(|connection| connection.writer()).unwrap()
}

/// Ends after half a second and within a quarter more, with some room for a busy machine.
async fn closing(call: impl AsyncFnOnce(keycomb::ports::Gate<'_>) -> Failure) -> Failure {
    let started = Instant::now();
    let failure = call(&|| started.elapsed() < Duration::from_millis(500)).await;
    let took = started.elapsed();
    assert!((Duration::from_millis(500)..Duration::from_millis(1_500)).contains(&took), "{took:?}");
    failure
}

fn failure<T: std::fmt::Debug>(result: Result<T, ServiceError>) -> Failure {
    let error = result.unwrap_err();
    shown(&error);
    error.failure
}

#[tokio::test]
async fn nothing_leaves_through_a_closed_gate() {
    let server = Server::playing([]).await;
    let writer = crate::client::writer(&server.endpoint);
    let environment = EnvironmentId::new("hcxen_1").unwrap();
    let change = EnvironmentAttributes { delete_protected: Some(true), ..Default::default() };
    let shut: keycomb::ports::Gate<'_> = &|| false;
    let failures = [
        failure(writer.create_key(&new_key(), shut).await),
        failure(writer.update_key(&key_id(), &rename(), shut).await),
        failure(writer.delete_key(&key_id(), shut).await),
        failure(writer.create_environment(&new_environment(), shut).await),
        failure(writer.update_environment(&environment, &change, shut).await),
        failure(writer.delete_environment(&environment, shut).await),
    ];
    assert!(failures.iter().all(|failure| *failure == Failure::Withheld && failure.is_not_done()));
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn the_gate_is_looked_at_before_every_send() {
    let server = Server::start(|_| Reply::json(503, "{}")).await;
    let writer = crate::client::writer(&server.endpoint);
    let gate = || server.requests().len() < 3;
    let failure = failure(writer.update_key(&key_id(), &rename(), &gate).await);
    assert_eq!(server.requests().len(), 3);
    assert_eq!((failure.status(), failure.is_not_done()), (Some(503), false), "{failure:?}");
}

#[tokio::test]
async fn a_gate_that_closes_ends_the_wait_for_a_budget() {
    let made = one(&key_body("k", "ingest", r#","secret":"s3cret""#));
    let reply = Reply::json(201, made).header("ratelimit", "limit=1, remaining=0, reset=100");
    let server = Server::playing([reply]).await;
    let writer = crate::client::writer(&server.endpoint);
    writer.create_key(&new_key(), OPEN).await.unwrap();
    let withheld = closing(async |gate| failure(writer.create_key(&new_key(), gate).await)).await;
    assert_eq!(withheld, Failure::Withheld);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_gate_that_closes_ends_the_wait_after_a_429() {
    let limited = || Reply::json(429, "{}").header("retry-after", "60");
    let server = Server::playing([limited()]).await;
    let writer = crate::client::writer(&server.endpoint);
    let withheld = closing(async |gate| failure(writer.delete_key(&key_id(), gate).await)).await;
    assert_eq!(withheld, Failure::Withheld);
    assert_eq!(server.requests().len(), 1);

    // The first try may have been carried out; that the second one was not does not take it back.
    let server = Server::playing([Reply::cut(), limited()]).await;
    let writer = crate::client::writer(&server.endpoint);
    let unanswered = closing(async |gate| failure(writer.delete_key(&key_id(), gate).await)).await;
    assert!(matches!(unanswered, Failure::Unanswered(_)), "{unanswered:?}");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_gate_that_closes_ends_the_wait_between_two_tries() {
    let server = Server::playing([Reply::json(502, "{}")]).await;
    let writer = slow_writer(&server.endpoint);
    let last = closing(async |gate| failure(writer.update_key(&key_id(), &rename(), gate).await)).await;
    assert_eq!(last.status(), Some(502));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_write_that_may_be_done_is_never_reported_as_not_done() {
    let mut replies = vec![Reply::cut()];
    replies.extend(vec![Reply::json(429, "{}"); QUICK.tries]);
    let server = Server::playing(replies).await;
    let writer = crate::client::writer(&server.endpoint);
    let failure = failure(writer.update_key(&key_id(), &rename(), OPEN).await);
    assert!(matches!(failure, Failure::Unanswered(_)), "{failure:?}");
    assert_eq!(server.requests().len(), QUICK.tries);
}

#[tokio::test]
async fn what_is_under_way_is_not_broken_off() {
    let looks = AtomicUsize::new(0);
    let gate = || looks.fetch_add(1, Ordering::SeqCst) == 0;
    let made = one(&environment_body("hcxen_1"));
    let server = Server::playing([Reply::json(201, made).after(Duration::from_millis(700))]).await;
    let writer = crate::client::writer(&server.endpoint);
    assert!(writer.create_environment(&new_environment(), &gate).await.is_ok());
    assert_eq!(looks.load(Ordering::SeqCst), 1);
}
