//! Writes: exact requests, and nothing sent twice that must not be.

use std::collections::BTreeSet;

use keycomb::honeycomb::{Connection, Writer};
use keycomb::model::{EnvironmentAttributes, EnvironmentId, KeyId, KeyType, Permission};
use keycomb::ports::{Deletion, Failure, KeyChange, NewEnvironment, NewKey, OPEN, ReadLive as _, WriteLive};

use crate::client::{
    QUICK, assert_clean, diagnosed, environment_body, key_body, one, options, shown, writer,
};
use crate::server::{Reply, Server};

const FRESH: &str = "s3crets3crets3crets3crets3cretsx";

pub fn new_key() -> NewKey {
    NewKey {
        key_type: KeyType::Ingest,
        environment: EnvironmentId::new("hcxen_1").unwrap(),
        name: "n".into(),
        disabled: true,
        permissions: BTreeSet::from([Permission::CreateDatasets]),
    }
}

pub fn new_environment() -> NewEnvironment {
    NewEnvironment { name: "Production".into(), description: Some("d".into()), color: None }
}

fn minted() -> String {
    one(&key_body("hcxik_1", "ingest", &format!(r#","secret":"{FRESH}""#)))
}

pub fn key_id() -> KeyId {
    KeyId::new("hcxik_1").unwrap()
}

pub fn rename() -> KeyChange {
    KeyChange { name: Some("n".into()), disabled: Some(false), permissions: None }
}

async fn against(replies: impl IntoIterator<Item = Reply>) -> (Server, Writer) {
    let server = Server::playing(replies).await;
    let writer = writer(&server.endpoint);
    (server, writer)
}

#[tokio::test]
async fn a_key_is_asked_for_in_one_exact_request() {
    let (server, writer) = against([Reply::json(201, minted())]).await;
    let created = writer.create_key(&new_key(), OPEN).await.unwrap();
    assert_eq!(created.secret.expose(), FRESH);
    assert_eq!((created.key.id.as_str(), created.key.disabled), ("hcxik_1", true));
    assert!(!format!("{created:?}").contains(FRESH));
    let request = &server.requests()[0];
    assert_eq!(request.line(), "POST /2/teams/acme/api-keys");
    assert_eq!(request.header("content-type"), Some("application/vnd.api+json"));
    assert_eq!(request.header("accept-encoding"), Some("identity"));
    assert_eq!(
        request.body,
        r#"{"data":{"type":"api-keys","attributes":{"key_type":"ingest","name":"n","disabled":true,"permissions":{"create_datasets":true}},"relationships":{"environment":{"data":{"id":"hcxen_1","type":"environments"}}}}}"#
    );
}

#[tokio::test]
async fn a_request_for_a_key_is_never_sent_twice() {
    for reply in [
        Reply::json(500, "{}"),
        Reply::json(503, "{}"),
        Reply::json(401, "{}"),
        Reply::json(429, "{}"),
        Reply::cut(),
        Reply::json(201, minted()).short_of(1),
        Reply::json(201, minted()).until_close(),
        Reply::json(201, minted()).header("content-encoding", "gzip"),
        Reply::json(201, minted().replace(FRESH, "")),
        Reply::json(201, "{}"),
        Reply::json(201, format!("{}{}", minted(), " ".repeat(64 * 1024))),
        Reply::json(307, "").header("location", "/2/teams/acme/api-keys"),
    ] {
        let (server, writer) = against([reply.clone()]).await;
        let error = writer.create_key(&new_key(), OPEN).await.unwrap_err();
        let text = format!("{} {error:?}", shown(&error));
        assert!(!text.contains(FRESH), "{text}");
        assert_eq!(server.requests().len(), 1, "{reply:?}");
        assert_eq!(server.connections(), 1, "{reply:?}");
        assert_eq!(error.failure.is_not_done(), error.failure.status() == Some(429), "{reply:?}");
    }
}

#[tokio::test]
async fn a_cut_201_is_never_taken_for_a_key() {
    let body = minted();
    for end in (0..body.len()).step_by(7) {
        let (server, writer) = against([Reply::json(201, &body.as_bytes()[..end])]).await;
        let error = writer.create_key(&new_key(), OPEN).await.unwrap_err();
        assert!(matches!(error.failure, Failure::Unreadable { status: 201, .. }), "{end}: {error:?}");
        assert_clean(&format!("{error:?}"));
        assert!(!format!("{error:?}").contains("s3cret"), "{end}: {error:?}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn every_write_has_a_connection_of_its_own() {
    let server = Server::start(|request| match request.method.as_str() {
        "POST" => Reply::json(201, minted()),
        _ => Reply::json(200, one(&key_body("hcxik_1", "ingest", ""))),
    })
    .await;
    let writer = writer(&server.endpoint);
    for _ in 0..3 {
        writer.create_key(&new_key(), OPEN).await.unwrap();
        writer.update_key(&key_id(), &rename(), OPEN).await.unwrap();
    }
    let connections: Vec<_> = server.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [0, 1, 2, 3, 4, 5]);
}

/// Connections for reading are kept, and the service closes them when it likes; what it does not say it does not do.
#[tokio::test]
async fn what_comes_after_a_connection_was_closed_while_idle_arrives_once() {
    let server = Server::start(|request| match request.method.as_str() {
        "POST" => Reply::json(201, minted()).then_closed(),
        _ => Reply::json(200, one(&key_body("hcxik_1", "ingest", ""))).then_closed(),
    })
    .await;
    let connection = Connection::new(options(&server.endpoint)).unwrap();
    let (reader, writer) = (connection.reader().unwrap(), connection.writer().unwrap());
    for _ in 0..3 {
        assert!(reader.key(&key_id()).await.unwrap().is_some());
        writer.create_key(&new_key(), OPEN).await.unwrap();
        writer.update_key(&key_id(), &rename(), OPEN).await.unwrap();
    }
    let methods: Vec<_> = server.requests().into_iter().map(|request| request.method).collect();
    assert_eq!(methods, ["GET", "POST", "PATCH"].repeat(3));
}

#[tokio::test]
async fn an_environment_is_asked_for_again_only_after_a_429() {
    for reply in [Reply::json(500, "{}"), Reply::cut(), Reply::json(409, "{}")] {
        let (server, writer) = against([reply]).await;
        let error = writer.create_environment(&new_environment(), OPEN).await.unwrap_err();
        shown(&error);
        assert_eq!(server.requests().len(), 1);
        if error.failure.status() == Some(409) {
            assert!(diagnosed(&error, &server.endpoint).help.contains("taken"));
        }
    }
    let (server, writer) =
        against([Reply::json(429, "{}"), Reply::json(201, one(&environment_body("hcxen_1")))]).await;
    let made = writer.create_environment(&new_environment(), OPEN).await.unwrap();
    assert_eq!((made.id.as_str(), made.delete_protected), ("hcxen_1", true));
    assert_eq!(server.lines(), ["POST /2/teams/acme/environments"; 2]);
    assert_eq!(
        server.requests()[0].body,
        r#"{"data":{"type":"environments","attributes":{"name":"Production","description":"d"}}}"#
    );
}

#[tokio::test]
async fn a_change_is_sent_again_until_it_is_answered() {
    let done = || Reply::json(200, one(&key_body("hcxik_1", "ingest", "")));
    let (server, writer) = against([Reply::json(500, "{}"), Reply::cut(), done().short_of(9), done()]).await;
    let key = writer.update_key(&key_id(), &rename(), OPEN).await.unwrap();
    assert_eq!(key.id, key_id());
    assert_eq!(server.lines(), ["PATCH /2/teams/acme/api-keys/hcxik_1"; 4]);
    for request in server.requests() {
        assert_eq!(
            request.body,
            r#"{"data":{"id":"hcxik_1","type":"api-keys","attributes":{"name":"n","disabled":false}}}"#
        );
    }

    let server = Server::start(|_| Reply::json(503, "")).await;
    let id = EnvironmentId::new("hcxen_1").unwrap();
    let change = EnvironmentAttributes { delete_protected: Some(false), ..Default::default() };
    let error =
        crate::client::writer(&server.endpoint).update_environment(&id, &change, OPEN).await.unwrap_err();
    assert_eq!(error.failure.status(), Some(503));
    assert_eq!(server.lines(), vec!["PATCH /2/teams/acme/environments/hcxen_1"; QUICK.tries]);
}

#[tokio::test]
async fn a_change_of_nothing_is_a_read() {
    let (server, writer) = against([
        Reply::json(200, one(&key_body("hcxik_1", "ingest", ""))),
        Reply::json(200, one(&environment_body("hcxen_1"))),
    ])
    .await;
    writer.update_key(&key_id(), &KeyChange::default(), OPEN).await.unwrap();
    let id = EnvironmentId::new("hcxen_1").unwrap();
    writer.update_environment(&id, &EnvironmentAttributes::default(), OPEN).await.unwrap();
    assert_eq!(
        server.lines(),
        ["GET /2/teams/acme/api-keys/hcxik_1", "GET /2/teams/acme/environments/hcxen_1"]
    );
}

#[tokio::test]
async fn what_is_gone_counts_as_deleted() {
    let (server, writer) =
        against([Reply::no_content(), Reply::json(404, "{}"), Reply::cut(), Reply::json(404, "{}")]).await;
    assert_eq!(writer.delete_key(&key_id(), OPEN).await.unwrap(), Deletion::Deleted);
    assert_eq!(writer.delete_key(&key_id(), OPEN).await.unwrap(), Deletion::AlreadyGone);
    assert_eq!(writer.delete_key(&key_id(), OPEN).await.unwrap(), Deletion::AlreadyGone);
    assert_eq!(server.lines(), ["DELETE /2/teams/acme/api-keys/hcxik_1"; 4]);
    assert!(server.requests().iter().all(|request| request.body.is_empty()));
}

#[tokio::test]
async fn a_deletion_is_not_taken_for_granted() {
    let id = EnvironmentId::new("hcxen_1").unwrap();
    for (status, kept) in [(202, true), (400, true), (409, true)] {
        let (server, writer) = against([Reply::json(status, "{}")]).await;
        let error = writer.delete_environment(&id, OPEN).await.unwrap_err();
        assert_eq!(error.failure.status() == Some(status), kept);
        if status == 409 {
            assert!(diagnosed(&error, &server.endpoint).help.contains("delete_protected"));
        }
        assert_eq!(server.requests().len(), 1);
    }
}
