//! Every way a call can fail, what it is called, and that no credential shows.

use std::time::{Duration, Instant};

use keycomb::honeycomb::{Connection, Context, Kind, Options, Patience, diagnose_scopes, diagnose_team};
use keycomb::model::{Endpoint, Scope, TeamSlug};
use keycomb::ports::{Failure, ReadLive, ServiceError};

use crate::client::{QUICK, SECRET, diagnosed, environment_body, options, page, reader, shown};
use crate::server::{Reply, Server};

async fn environments(server: &Server) -> ServiceError {
    reader(&server.endpoint).environments().await.unwrap_err()
}

fn is_unreadable(error: &ServiceError, expected: &str) {
    shown(error);
    let Failure::Unreadable { status: 200, problem } = &error.failure else { panic!("{error:?}") };
    assert_eq!(problem, expected);
}

#[tokio::test]
async fn an_unknown_key_is_told_once_in_both_shapes() {
    for (body, words) in [
        (
            r#"{"errors":[{"id":"5f0c","status":"401","code":"unauthenticated/invalid-key","title":"invalid API key","source":{"header":"Authorization"}}]}"#,
            "invalid API key (at `Authorization`) [unauthenticated/invalid-key] (request 5f0c)",
        ),
        (
            r#"{"error":"unknown API key - check your credentials"}"#,
            "unknown API key - check your credentials",
        ),
    ] {
        let server = Server::playing([Reply::json(401, body)]).await;
        let error = reader(&server.endpoint).access().await.unwrap_err();
        assert_eq!(shown(&error), format!("GET /2/auth: the service answered 401: {words}"));
        assert_eq!(server.requests().len(), 1);
        let diagnosis = diagnosed(&error, "https://api.honeycomb.io");
        assert_eq!(diagnosis.kind, Kind::Credential);
        assert!(diagnosis.help.contains("`region = \"eu\"`"), "an EU key on the US host: {}", diagnosis.help);
        assert!(diagnosed(&error, "https://api.eu1.honeycomb.io").help.contains("`region = \"us\"`"));
    }
}

#[tokio::test]
async fn a_missing_scope_is_told_in_both_shapes() {
    for body in [r#"{"errors":[{"id":"1","code":"forbidden","title":"no"}]}"#, r#"{"error":"no"}"#] {
        let server = Server::playing([Reply::json(403, body)]).await;
        let error = environments(&server).await;
        assert!(shown(&error).contains("the service answered 403: no"), "{error}");
        let diagnosis = diagnosed(&error, &server.endpoint);
        assert_eq!(diagnosis.kind, Kind::Scope);
        assert!(diagnosis.help.contains("`environments:read`"), "{}", diagnosis.help);
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn an_unknown_team_is_told() {
    let server = Server::playing([Reply::json(404, "{}")]).await;
    let diagnosis = diagnosed(&environments(&server).await, &server.endpoint);
    assert_eq!(diagnosis.kind, Kind::Team);
    assert!(diagnosis.help.contains("no team `acme`"), "{}", diagnosis.help);
}

#[tokio::test]
async fn the_first_call_tells_team_and_scopes() {
    let body = r#"{"data":{"id":"hcxmk_1","type":"api-keys","attributes":{"name":"bot","key_type":"management","scopes":["environments:write"]},
        "relationships":{"team":{"data":{"id":"hcxtm_1","type":"teams"}}}},
        "included":[{"id":"hcxtm_1","type":"teams","attributes":{"name":"Other","slug":"other"}}]}"#;
    let server = Server::playing([Reply::json(200, body)]).await;
    let access = reader(&server.endpoint).access().await.unwrap();
    assert_eq!(server.lines(), ["GET /2/auth"]);
    let (endpoint, acme, other) =
        (Endpoint::us(), TeamSlug::new("acme").unwrap(), TeamSlug::new("other").unwrap());
    let wrong = diagnose_team(&access, &Context { endpoint: &endpoint, team: &acme }).unwrap();
    assert_eq!(wrong.kind, Kind::Team);
    assert_eq!(
        wrong.message,
        "the management key `hcxmk_1` belongs to team `other`, the configuration is for team `acme`"
    );
    assert_eq!(diagnose_team(&access, &Context { endpoint: &endpoint, team: &other }), None);
    let lacking = diagnose_scopes(&access, &[Scope::EnvironmentsRead, Scope::KeysRead]).unwrap();
    assert_eq!(
        lacking.message,
        "the management key `hcxmk_1` lacks `api-keys:read`; its scopes: `environments:write`"
    );
    assert_eq!(diagnose_scopes(&access, &[Scope::EnvironmentsRead]), None);
}

#[tokio::test]
async fn an_html_502_is_tried_again_and_then_told_by_its_status() {
    let html = || Reply::new(502, "text/html", "<html><h1>502 Bad Gateway</h1>\u{1b}[31m</html>");
    let server = Server::start(move |_| html()).await;
    let error = environments(&server).await;
    assert_eq!(shown(&error), "GET /2/teams/acme/environments: the service answered 502: Bad Gateway");
    assert_eq!(server.requests().len(), QUICK.tries);
    assert_eq!(diagnosed(&error, &server.endpoint).kind, Kind::Service);

    let server = Server::playing([html(), Reply::cut(), Reply::json(200, page(&[], "null"))]).await;
    assert!(reader(&server.endpoint).environments().await.is_ok());
}

#[tokio::test]
async fn a_truncated_body_is_no_answer() {
    let body = page(&[environment_body("e")], "null");
    let server = Server::start(move |_| Reply::json(200, body.clone()).short_of(1)).await;
    let error = environments(&server).await;
    shown(&error);
    assert!(matches!(error.failure, Failure::Unanswered(_)), "{error:?}");
    assert_eq!(server.requests().len(), QUICK.tries);
    assert_eq!(diagnosed(&error, &server.endpoint).kind, Kind::Network);
}

#[tokio::test]
async fn a_body_that_ends_with_the_connection_is_refused() {
    let server = Server::playing([Reply::json(200, page(&[], "null")).until_close()]).await;
    is_unreadable(
        &environments(&server).await,
        "the body has neither `Content-Length` nor chunks, so its end is unknown",
    );
}

#[tokio::test]
async fn a_huge_body_is_refused() {
    let huge = vec![b' '; 8 * 1024 * 1024 + 1];
    for reply in [Reply::json(200, huge.clone()), Reply::json(200, huge.clone()).chunked()] {
        let server = Server::playing([reply]).await;
        is_unreadable(&environments(&server).await, "the body is longer than 2097152 bytes");
    }
    let server = Server::playing([Reply::json(404, huge)]).await;
    assert_eq!(
        shown(&environments(&server).await),
        "GET /2/teams/acme/environments: the service answered 404: Not Found"
    );
}

#[tokio::test]
async fn an_encoded_body_is_refused() {
    let server =
        Server::playing([Reply::json(200, page(&[], "null")).header("content-encoding", "gzip")]).await;
    is_unreadable(&environments(&server).await, "the body is compressed, which was not asked for");
    let plain = Reply::json(200, page(&[], "null")).header("content-encoding", "identity");
    let server = Server::playing([plain]).await;
    assert_eq!(reader(&server.endpoint).environments().await.unwrap(), []);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let other = Server::playing([]).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("{}/2/teams/acme/environments", other.endpoint);
        let server = Server::playing([Reply::json(status, "").header("location", &location)]).await;
        let error = environments(&server).await;
        assert!(shown(&error).contains("redirects are not followed"), "{error}");
        assert_eq!(error.failure.status(), Some(status));
        assert_eq!(server.requests().len(), 1);
        assert_eq!(diagnosed(&error, &server.endpoint).kind, Kind::Network);
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn nobody_listening_is_not_sent() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let error = reader(&endpoint).environments().await.unwrap_err();
    assert!(shown(&error).contains("no connection to `127.0.0.1`: "), "{error}");
    assert!(error.failure.is_not_done());
    let diagnosis = diagnosed(&error, &endpoint);
    assert_eq!(diagnosis.kind, Kind::Network);
    assert!(diagnosis.help.contains("firewall"), "{}", diagnosis.help);
}

#[tokio::test]
async fn a_slow_answer_is_given_up() {
    let late = Duration::from_secs(30);
    let server = Server::start(move |_| Reply::json(200, page(&[], "null")).after(late)).await;
    let patience = Patience { exchange: Duration::from_millis(200), tries: 2, ..QUICK };
    let connection = Connection::new(Options { patience, ..options(&server.endpoint) }).unwrap();
    let started = Instant::now();
    let error = connection.reader().unwrap().environments().await.unwrap_err();
    assert_eq!(error.failure, Failure::Unanswered("no answer within 0.2 s".into()));
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_service_that_echoes_the_request_gives_nothing_away() {
    for shape in [
        r#"{"error":"ECHO"}"#,
        r#"{"errors":[{"id":"ECHO","code":"ECHO","title":"ECHO","detail":"ECHO"}]}"#,
        "ECHO",
    ] {
        let server = Server::start(move |request| {
            let secret = request.header("authorization").unwrap().split(':').nth(1).unwrap().to_owned();
            Reply::json(400, shape.replace("ECHO", &secret)).header("x-request-id", &secret)
        })
        .await;
        let error = environments(&server).await;
        shown(&error);
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn what_holds_the_credential_does_not_show_it() {
    let options = options("http://127.0.0.1:1");
    let text = format!("{options:?} {options:#?}");
    assert!(!text.contains(SECRET), "{text}");
}
