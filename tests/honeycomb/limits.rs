//! Rate limits: 429 is obeyed in every form, and a budget is never overrun.

use std::time::{Duration, Instant, SystemTime};

use keycomb::honeycomb::{Collection, Notice, Why};
use keycomb::ports::{OPEN, ReadLive, WriteLive};

use crate::client::{environment_body, key_body, one, page, reader, shown, told};
use crate::server::{Reply, Server};
use crate::writes::new_key;

const BODY: &str =
    r#"{"errors":[{"id":"1","code":"rate-limited/may-retry","title":"request rate limit exceeded"}]}"#;

fn empty() -> Reply {
    Reply::json(200, page(&[], "null"))
}

async fn waited(limited: Reply) -> Duration {
    let server = Server::playing([limited, empty()]).await;
    let started = Instant::now();
    reader(&server.endpoint).environments().await.unwrap();
    assert_eq!(server.requests().len(), 2);
    started.elapsed()
}

fn is_about(wait: Duration, seconds: f32) {
    let wait = wait.as_secs_f32();
    assert!((seconds * 0.9..seconds * 1.1 + 1.0).contains(&wait), "waited {wait} s, expected {seconds} s");
}

#[tokio::test]
async fn every_form_of_retry_after_is_obeyed() {
    // HTTP-dates have whole seconds; so has this.
    let now = httpdate::parse_http_date(&httpdate::fmt_http_date(SystemTime::now())).unwrap();
    let http = |ahead| httpdate::fmt_http_date(now + Duration::from_secs(ahead));
    // The date counts from the answer's own clock, here an hour off.
    let far = || Reply::json(429, BODY).without_date().header("date", &http(3_600));
    let rfc3339 = jiff::Timestamp::try_from(now + Duration::from_secs(3_602)).unwrap().to_string();
    let (seconds, date, instant, past, reset, nothing) = tokio::join!(
        waited(Reply::json(429, BODY).header("retry-after", "2")),
        waited(far().header("retry-after", &http(3_602))),
        waited(far().header("retry-after", &rfc3339)),
        waited(far().header("retry-after", &http(0))),
        waited(Reply::json(429, BODY).header("ratelimit", "limit=1, remaining=0, reset=1")),
        waited(Reply::json(429, BODY)),
    );
    is_about(seconds, 2.0);
    is_about(date, 2.0);
    is_about(instant, 2.0);
    is_about(past, 0.2);
    is_about(reset, 2.0);
    is_about(nothing, 0.2);
}

#[tokio::test]
async fn a_spent_budget_is_waited_out_before_sending_and_said() {
    let mut spent = 0;
    let started = Instant::now();
    // Two a window, in windows of two seconds.
    let server = Server::start(move |_| {
        let (window, passed) = (2_000, started.elapsed().as_millis());
        spent = if spent / 10 == passed / window { spent + 1 } else { passed / window * 10 + 1 };
        match 2_u128.checked_sub(spent % 10) {
            None => Reply::json(429, BODY),
            Some(left) => one_environment().header(
                "ratelimit",
                &format!("limit=2, remaining={left}, reset={}", (window - passed % window) / 1000),
            ),
        }
    })
    .await;
    let (connection, notices) = told(&server.endpoint);
    let reader = connection.reader().unwrap();
    let id = keycomb::model::EnvironmentId::new("e").unwrap();
    let (a, b, c, d, e) = tokio::join!(
        reader.environment(&id),
        reader.environment(&id),
        reader.environment(&id),
        reader.environment(&id),
        reader.environment(&id)
    );
    for answer in [a, b, c, d, e] {
        assert!(answer.is_ok(), "{answer:?}");
    }
    // At most the blind first few may be refused; nothing else is.
    assert!(server.requests().len() <= 5 + 2, "{:?}", server.lines());
    let notices = notices.lock().unwrap();
    assert!(
        notices.iter().any(|notice| matches!(
            notice,
            Notice::Waiting { collection: Collection::Environments, why: Why::Budget, .. }
        )),
        "{notices:?}"
    );
}

fn one_environment() -> Reply {
    Reply::json(200, one(&environment_body("e")))
}

#[tokio::test]
async fn budgets_are_kept_apart_by_collection_and_by_reading_and_writing() {
    let server =
        Server::start(|request| match (request.method.as_str(), request.target.contains("/api-keys")) {
            ("GET", false) => empty().header("ratelimit", "limit=1, remaining=0, reset=100"),
            ("GET", true) => empty().header("ratelimit", "limit=9, remaining=8, reset=100"),
            _ => Reply::json(200, one(&environment_body("e"))),
        })
        .await;
    let (connection, notices) = told(&server.endpoint);
    let (reader, writer) = (connection.reader().unwrap(), connection.writer().unwrap());
    reader.environments().await.unwrap();
    reader.keys(keycomb::model::KeyType::Ingest).await.unwrap();
    let id = keycomb::model::EnvironmentId::new("e").unwrap();
    let change = keycomb::model::EnvironmentAttributes { delete_protected: Some(true), ..Default::default() };
    writer.update_environment(&id, &change, OPEN).await.unwrap();
    assert_eq!(*notices.lock().unwrap(), []);
    // Only the spent one waits: reader and a second reader of the connection share it.
    let second = connection.reader().unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(300), second.environments()).await.is_err());
    assert_eq!(server.requests().len(), 3);
    assert_eq!(notices.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_refused_post_of_a_key_is_not_sent_again_but_the_next_one_waits() {
    let mut count = 0;
    let server = Server::start(move |_| {
        count += 1;
        if count == 1 {
            return Reply::json(429, BODY).header("retry-after", "1");
        }
        Reply::json(201, one(&key_body("k", "ingest", r#","secret":"s3cret""#)))
    })
    .await;
    let (connection, notices) = told(&server.endpoint);
    let writer = connection.writer().unwrap();
    let started = Instant::now();
    let error = writer.create_key(&new_key(), OPEN).await.unwrap_err();
    assert!(error.failure.is_not_done(), "{error:?}");
    assert!(shown(&error).contains("request rate limit exceeded"), "{error}");
    assert_eq!(server.requests().len(), 1);
    assert!(started.elapsed() < Duration::from_millis(900));
    writer.create_key(&new_key(), OPEN).await.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert!(matches!(
        notices.lock().unwrap()[..],
        [Notice::Waiting { collection: Collection::Keys, why: Why::RateLimited, .. }]
    ));
}
