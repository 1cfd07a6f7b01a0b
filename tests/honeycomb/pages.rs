//! Lists are read to the end, exactly, or not at all.

use std::sync::{Arc, Mutex};

use keycomb::honeycomb::read_all;
use keycomb::model::KeyType;
use keycomb::ports::{Failure, ReadLive, ServiceError};

use crate::client::{environment_body, key_body, page, reader, shown, told};
use crate::server::{Reply, Server};

fn key(id: &str) -> String {
    key_body(id, "ingest", "")
}

fn keys_page(ids: &[&str], next: &str) -> Reply {
    Reply::json(200, page(&ids.iter().map(|id| key(id)).collect::<Vec<_>>(), next))
}

fn problem(error: &ServiceError) -> &str {
    shown(error);
    match &error.failure {
        Failure::Unreadable { problem, .. } => problem,
        other => panic!("{other:?}"),
    }
}

const PATH: &str = "/2/teams/acme/api-keys";
const FIRST: &str = "GET /2/teams/acme/api-keys?page%5Bsize%5D=100&filter%5Btype%5D=ingest";

#[tokio::test]
async fn three_pages_are_read_in_three_exact_requests() {
    let server = Server::playing([
        // The service may drop the filter, encode the brackets, and give another size: only the cursor counts.
        keys_page(&["c", "a"], r#""/2/teams/acme/api-keys?page[after]=one%2F%2B%3D&page[size]=20""#),
        keys_page(&["b", "c"], r#""/2/teams/acme/api-keys?page%5Bafter%5D=two&page%5Bsize%5D=20""#),
        keys_page(&[], "null"),
    ])
    .await;
    let keys = reader(&server.endpoint).keys(KeyType::Ingest).await.unwrap();
    assert_eq!(keys.iter().map(|key| key.id.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(
        server.lines(),
        [
            FIRST.to_owned(),
            format!("{FIRST}&page%5Bafter%5D=one%2F%2B%3D"),
            format!("{FIRST}&page%5Bafter%5D=two")
        ]
    );
    for request in server.requests() {
        assert_eq!(
            request.header("authorization"),
            Some("Bearer hcxmk_01k5v7m3t9q4w8x2y6z0a1b2c6:hunter2hunter2hunter2hunter2hunt")
        );
        assert_eq!(request.header("accept-encoding"), Some("identity"));
        assert_eq!(request.header("user-agent"), Some("keycomb-test/1"));
        assert_eq!((request.header("referer"), request.header("cookie")), (None, None));
        assert_eq!(request.connection, 0, "reads keep their connection");
    }
}

#[tokio::test]
async fn an_empty_list_is_one_request() {
    for next in ["null", "\"\""] {
        let server = Server::playing([Reply::json(200, page(&[], next))]).await;
        assert_eq!(reader(&server.endpoint).environments().await.unwrap(), []);
        assert_eq!(server.lines(), ["GET /2/teams/acme/environments?page%5Bsize%5D=100"]);
    }
}

#[tokio::test]
async fn chunked_pages_are_read() {
    let server = Server::playing([Reply::json(200, page(&[environment_body("e")], "null")).chunked()]).await;
    assert_eq!(reader(&server.endpoint).environments().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_repeated_link_is_an_error() {
    let again = format!(r#""{PATH}?page[after]=again""#);
    let server = Server::start(move |_| keys_page(&["a"], &again)).await;
    let error = reader(&server.endpoint).keys(KeyType::Ingest).await.unwrap_err();
    assert_eq!(problem(&error), "`links.next` repeats a cursor: the list goes round in circles");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_link_to_another_host_is_refused_and_gets_nothing() {
    let other = Server::playing([]).await;
    let authority = other.endpoint.trim_start_matches("http:");
    for next in
        [format!("{}{PATH}?page[after]=x", other.endpoint), format!("{authority}{PATH}?page[after]=x")]
    {
        let server = Server::playing([keys_page(&["a"], &format!("\"{next}\""))]).await;
        let error = reader(&server.endpoint).keys(KeyType::Ingest).await.unwrap_err();
        assert_eq!(problem(&error), "`links.next` leads to another host");
        assert_eq!(server.requests().len(), 1);
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn a_page_without_a_word_about_the_next_is_an_error() {
    for (body, expected) in [
        (r#"{"data":[]}"#, "field `links` is missing at the top"),
        (r#"{"data":[],"links":{}}"#, "field `next` is missing at `links`"),
        (r#"{"data":[],"links":null}"#, "not of the expected type at `links` (line 1, column 23)"),
        (r#"{"links":{"next":null}}"#, "field `data` is missing at the top"),
        ("[]", "field `data` is missing at the top"),
        ("<html>hunter2", "not JSON (line 1, column 1)"),
    ] {
        let server = Server::playing([Reply::json(200, body)]).await;
        let error = reader(&server.endpoint).keys(KeyType::Ingest).await.unwrap_err();
        if body != "[]" {
            assert_eq!(problem(&error), expected, "{body}");
        }
        assert_eq!(server.requests().len(), 1, "an unreadable answer is not asked for again");
    }
}

#[tokio::test]
async fn a_stale_cursor_restarts_the_list_once() {
    let next = format!(r#""{PATH}?page[after]=stale""#);
    let server = Server::playing([
        keys_page(&["gone", "a"], &next),
        Reply::json(422, "{}"),
        keys_page(&["a"], &format!(r#""{PATH}?page[after]=fresh""#)),
        keys_page(&["b"], "null"),
    ])
    .await;
    let keys = reader(&server.endpoint).keys(KeyType::Ingest).await.unwrap();
    assert_eq!(keys.iter().map(|key| key.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(server.requests().len(), 4);

    let server = Server::start(move |request| match request.query("page[after]") {
        None => keys_page(&["a"], &next),
        Some(_) => Reply::json(400, "{}"),
    })
    .await;
    let error = reader(&server.endpoint).keys(KeyType::Ingest).await.unwrap_err();
    assert_eq!(error.failure.status(), Some(400));
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_refused_first_page_or_a_lost_right_restarts_nothing() {
    for status in [400, 404, 422] {
        let server = Server::playing([Reply::json(status, "{}")]).await;
        assert_eq!(reader(&server.endpoint).environments().await.unwrap_err().failure.status(), Some(status));
        assert_eq!(server.requests().len(), 1);
    }
    for status in [401, 403] {
        let server = Server::playing([
            keys_page(&["a"], &format!(r#""{PATH}?page[after]=x""#)),
            Reply::json(status, "{}"),
        ])
        .await;
        let error = reader(&server.endpoint).keys(KeyType::Ingest).await.unwrap_err();
        assert_eq!(error.failure.status(), Some(status));
        assert_eq!(server.requests().len(), 2);
    }
}

#[tokio::test]
async fn a_key_of_another_type_makes_the_list_unusable() {
    let server =
        Server::playing([Reply::json(200, page(&[key("a"), key_body("b", "configuration", "")], "null"))])
            .await;
    let error = reader(&server.endpoint).keys(KeyType::Ingest).await.unwrap_err();
    assert_eq!(
        problem(&error),
        "a key of type `configuration` stands in the list of type `ingest` at `data[1]`"
    );
}

/// A service with `count` keys of each type and a budget of 100 reads of keys.
fn large_team(count: usize, requests: Arc<Mutex<usize>>) -> impl FnMut(&crate::server::Request) -> Reply {
    move |request| {
        if request.target.starts_with("/2/teams/acme/environments") {
            return Reply::json(200, page(&[environment_body("hcxen_1")], "null"))
                .header("ratelimit", "limit=100, remaining=99, reset=60");
        }
        let mut spent = requests.lock().unwrap();
        *spent += 1;
        if *spent > 100 {
            return Reply::json(429, "{}");
        }
        let key_type = request.query("filter[type]").unwrap();
        let from: usize = request.query("page[after]").map_or(0, |cursor| cursor.parse().unwrap());
        let to = (from + 100).min(count);
        let items: Vec<_> =
            (from..to).map(|n| key_body(&format!("{key_type}_{n:05}"), &key_type, "")).collect();
        let next =
            if to == count { "null".into() } else { format!(r#""{PATH}?page[after]={to}&page[size]=100""#) };
        Reply::json(200, page(&items, &next))
            .header("ratelimit", &format!("limit=100, remaining={}, reset=60", 100 - *spent))
            .header("ratelimit-policy", "100;w=60")
    }
}

#[tokio::test]
async fn ten_thousand_keys_take_a_hundred_requests_and_no_wait() {
    let spent = Arc::new(Mutex::new(0));
    let server = Server::start(large_team(5_000, Arc::clone(&spent))).await;
    let (connection, notices) = told(&server.endpoint);
    let live = read_all(&connection.reader().unwrap()).await.unwrap();
    assert_eq!((live.environments.len(), live.keys.len()), (1, 10_000));
    assert!(live.keys.is_sorted_by(|a, b| a.id < b.id));
    assert_eq!(*spent.lock().unwrap(), 100);
    assert_eq!(server.requests().len(), 101);
    assert_eq!(*notices.lock().unwrap(), []);
}

#[tokio::test]
async fn a_listing_without_the_services_time_is_refused() {
    let server = Server::start(|_| Reply::json(200, page(&[], "null")).without_date()).await;
    let reader = reader(&server.endpoint);
    assert_eq!(reader.service_now(), None);
    assert_eq!(problem(&read_all(&reader).await.unwrap_err()), "no answer has a `Date` header");
}

#[tokio::test]
async fn one_failed_list_fails_the_whole() {
    let server = Server::start(|request| match request.query("filter[type]").as_deref() {
        Some("configuration") => Reply::json(403, r#"{"error":"no"}"#),
        _ => Reply::json(200, page(&[], "null")),
    })
    .await;
    assert_eq!(read_all(&reader(&server.endpoint)).await.unwrap_err().failure.status(), Some(403));
}
