//! A key's own credential, and single objects.

use std::sync::{Arc, Mutex};

use keycomb::model::{EnvironmentId, KeyId, KeyType, Permission, Secret};
use keycomb::ports::{OPEN, Proof, ReadLive, WriteLive};

use crate::client::{assert_clean, environment_body, key_body, one, page, reader, shown};
use crate::server::{Reply, Server};

const CREDENTIAL: &str = "hcxik_01k5v7m3t9q4w8x2y6z0a1b2c4s3crets3crets3crets3cret";

#[tokio::test]
async fn a_credential_is_proved_as_itself() {
    let body = r#"{"id":"x","type":"ingest","api_key_access":{"createDatasets":true},"environment":{"name":"P","slug":"p"},"team":{"name":"A","slug":"acme"}}"#;
    let server = Server::playing([
        Reply::new(200, "application/json", body),
        Reply::json(401, r#"{"error":"unknown API key"}"#),
    ])
    .await;
    let (reader, credential) = (reader(&server.endpoint), Secret::new(CREDENTIAL.into()));
    let proof = Proof {
        key_type: KeyType::Ingest,
        team: "acme".into(),
        environment: "p".into(),
        environment_name: "P".into(),
        id: "x".into(),
        permissions: [(Permission::CreateDatasets, true)].into(),
    };
    assert_eq!(reader.prove(&credential).await.unwrap(), Some(proof));
    assert_eq!(reader.prove(&credential).await.unwrap(), None);
    for request in server.requests() {
        assert_eq!(request.line(), "GET /1/auth");
        assert_eq!(request.header("x-honeycomb-team"), Some(CREDENTIAL));
        assert_eq!(request.header("authorization"), None, "the management key is nobody else's");
    }
}

#[tokio::test]
async fn an_echoed_credential_does_not_show() {
    let echo = format!(r#"{{"error":"no right for {CREDENTIAL}"}}"#);
    let server = Server::playing([Reply::json(403, echo)]).await;
    let error = reader(&server.endpoint).prove(&Secret::new(CREDENTIAL.into())).await.unwrap_err();
    assert!(!shown(&error).contains("s3cret"), "{error}");
    assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
}

#[tokio::test]
async fn a_credential_that_cannot_stand_in_a_header_is_not_sent() {
    let server = Server::playing([]).await;
    let error = reader(&server.endpoint).prove(&Secret::new("a\r\nb: c".into())).await.unwrap_err();
    assert!(error.failure.is_not_done());
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn single_objects_are_read_by_id() {
    let server = Server::playing([
        Reply::json(200, one(&key_body("hcxik_1", "ingest", ""))),
        Reply::json(404, "{}"),
        Reply::json(200, one(&environment_body("hcxen_1"))),
        Reply::json(404, "{}"),
        Reply::json(400, "{}"),
    ])
    .await;
    let reader = reader(&server.endpoint);
    let (key, environment) = (KeyId::new("hcxik_1").unwrap(), EnvironmentId::new("hcxen_1").unwrap());
    assert_eq!(reader.key(&key).await.unwrap().unwrap().id, key);
    assert_eq!(reader.key(&key).await.unwrap(), None);
    assert_eq!(reader.environment(&environment).await.unwrap().unwrap().id, environment);
    assert_eq!(reader.environment(&environment).await.unwrap(), None);
    assert_eq!(reader.key(&key).await.unwrap_err().failure.status(), Some(400));
    assert_eq!(
        server.lines(),
        [
            "GET /2/teams/acme/api-keys/hcxik_1",
            "GET /2/teams/acme/api-keys/hcxik_1",
            "GET /2/teams/acme/environments/hcxen_1",
            "GET /2/teams/acme/environments/hcxen_1",
            "GET /2/teams/acme/api-keys/hcxik_1"
        ]
    );
}

#[tokio::test]
async fn the_services_clock_follows_its_answers() {
    let reply = Reply::json(200, one(&environment_body("e")))
        .without_date()
        .header("date", "Fri, 22 Mar 2024 18:37:53 GMT");
    let error = Reply::json(404, "{}").without_date().header("date", "Mon, 22 Mar 1999 18:37:53 GMT");
    let server = Server::playing([reply, error]).await;
    let (reader, id) = (reader(&server.endpoint), EnvironmentId::new("e").unwrap());
    assert_eq!(reader.service_now(), None);
    for _ in 0..2 {
        reader.environment(&id).await.unwrap();
        // A proxy's error page does not set the clock.
        assert!(reader.service_now().unwrap().to_string().starts_with("2024-03-22T18:3"));
    }
}

/// Keeps what a subscriber writes.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_most_talkative_log_tells_calls_and_no_secret() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let minted = one(&key_body("hcxik_1", "ingest", r#","secret":"s3cret""#));
    let server = Server::playing([
        Reply::json(401, "{}"),
        Reply::json(201, minted),
        Reply::json(401, "{}"),
        Reply::json(200, page(&[], "null")),
    ])
    .await;
    let reader = reader(&server.endpoint);
    // Another test's thread, which logs nothing, may be the first to come by where ours logs and switch it off for all.
    reader.prove(&Secret::new(CREDENTIAL.into())).await.unwrap();
    tracing::callsite::rebuild_interest_cache();
    crate::client::writer(&server.endpoint).create_key(&crate::writes::new_key(), OPEN).await.unwrap();
    reader.prove(&Secret::new(CREDENTIAL.into())).await.unwrap();
    reader.keys(KeyType::Ingest).await.unwrap();
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_clean(&text);
    assert!(!text.contains("s3cret"), "{text}");
    assert!(text.contains("path=\"/2/teams/acme/api-keys\" status=201 ms="), "{text}");
    assert!(!text.contains("filter"), "{text}");
}
