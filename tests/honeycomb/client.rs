//! The client as the tests use it, and bodies as the service writes them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use keycomb::honeycomb::{
    Connection, ConnectionError, Context, Credential, Diagnosis, Notice, Options, Patience, Reader, Writer,
    diagnose,
};
use keycomb::model::{Endpoint, Secret, TeamSlug};
use keycomb::ports::ServiceError;

pub const KEY_ID: &str = "hcxmk_01k5v7m3t9q4w8x2y6z0a1b2c6";
pub const SECRET: &str = "hunter2hunter2hunter2hunter2hunt";

/// As patient as usual, but quick between tries.
pub const QUICK: Patience = Patience {
    connect: Duration::from_secs(5),
    read: Duration::from_secs(5),
    exchange: Duration::from_secs(5),
    tries: 6,
    first_delay: Duration::from_millis(1),
    longest_delay: Duration::from_millis(5),
    call: Duration::from_secs(20),
};

pub fn options(endpoint: &str) -> Options {
    Options {
        endpoint: Endpoint::new(endpoint).unwrap(),
        team: TeamSlug::new("acme").unwrap(),
        credential: Credential { id: KEY_ID.into(), secret: Secret::new(SECRET.into()) },
        ca_file: None,
        user_agent: "keycomb-test/1".into(),
        patience: QUICK,
        notice: Arc::new(|_| {}),
    }
}

pub fn reader(endpoint: &str) -> Reader {
    Connection::new(options(endpoint)).and_then(|connection| connection.reader()).unwrap()
}

pub fn writer(endpoint: &str) -> Writer {
    Connection::new(options(endpoint)).and_then(|connection| connection.writer()).unwrap()
}

/// A connection whose notices are kept.
pub fn told(endpoint: &str) -> (Connection, Arc<Mutex<Vec<Notice>>>) {
    let notices = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&notices);
    let notice = Arc::new(move |notice| kept.lock().unwrap().push(notice));
    (Connection::new(Options { notice, ..options(endpoint) }).unwrap(), notices)
}

/// Everything an error can show, checked to hold no credential.
pub fn shown(error: &ServiceError) -> String {
    let display = error.to_string();
    assert_clean(&display);
    assert_clean(&format!("{error:?} {error:#?}"));
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        assert_clean(&format!("{error} {error:?}"));
        cause = error.source();
    }
    display
}

pub fn shown_connection(error: &ConnectionError) -> String {
    assert_clean(&format!("{error:?}"));
    error.to_string()
}

pub fn assert_clean(text: &str) {
    assert!(!text.contains(SECRET) && !text.contains("Bearer"), "a credential shows: {text}");
}

/// What a person is told.
pub fn diagnosed(error: &ServiceError, endpoint: &str) -> Diagnosis {
    let (endpoint, team) = (Endpoint::new(endpoint).unwrap(), TeamSlug::new("acme").unwrap());
    let diagnosis = diagnose(error, &Context { endpoint: &endpoint, team: &team });
    assert_clean(&format!("{diagnosis:?}"));
    assert!(diagnosis.message.len() + diagnosis.help.len() < 1500, "more than a screen: {diagnosis:?}");
    diagnosis
}

pub fn key_body(id: &str, key_type: &str, extra: &str) -> String {
    format!(
        r#"{{"id":"{id}","type":"api-keys","attributes":{{"key_type":"{key_type}","name":"n","disabled":true,"permissions":{{"create_datasets":true}},"timestamps":{{"created":"2026-02-01T10:00:00Z","updated":"2026-02-01T10:00:00Z"}}{extra}}},"relationships":{{"environment":{{"data":{{"id":"hcxen_1","type":"environments"}}}},"creator":null,"editor":null}},"links":{{"self":"/2/teams/acme/api-keys/{id}"}}}}"#
    )
}

pub fn environment_body(id: &str) -> String {
    format!(
        r#"{{"id":"{id}","type":"environments","links":{{"self":"/x"}},"attributes":{{"name":"Production","description":"","color":"green","slug":"production","settings":{{"delete_protected":true}}}}}}"#
    )
}

pub fn one(body: &str) -> String {
    format!(r#"{{"data":{body}}}"#)
}

/// A page; `next` is JSON.
pub fn page(items: &[String], next: &str) -> String {
    format!(r#"{{"data":[{}],"links":{{"next":{next}}}}}"#, items.join(","))
}
