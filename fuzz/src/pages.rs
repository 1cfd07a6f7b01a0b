//! The service's answers: what is read is what stands there, and what is refused is not quoted.

use keycomb::honeycomb::fuzzing as service;
use keycomb::model::{KeyType, LiveEnvironment, LiveKey};
use serde_json::Value;

use super::oracle::{assert_line, parts};

/// Seeds and the dictionary have it where a body could hold a secret.
pub const SECRET: &str = "s3cr3t9canary7";

/// The input is one body, or the pages of a list between lines of `%%`.
pub fn run(data: &[u8]) {
    let pages = parts(data);
    for key_type in [KeyType::Ingest, KeyType::Configuration] {
        if let Some(keys) = read(service::keys(&pages, key_type)) {
            assert!(keys.iter().all(|key| key.key_type == key_type));
            compare(&pages, &keys, assert_key);
        }
    }
    if let Some(environments) = read(service::environments(&pages)) {
        compare(&pages, &environments, assert_environment);
    }
    let body = pages[0];
    if let Some(key) = read(service::key(body)) {
        with_data(body, |data| assert_key(&key, data));
    }
    if let Some(environment) = read(service::environment(body)) {
        with_data(body, |data| assert_environment(&environment, data));
    }
    mint(body);
    who(body);
}

/// A refusal is one short line that quotes nothing.
fn read<T>(result: Result<T, String>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(problem) => {
            assert_line(&problem);
            assert!(problem.len() <= 400 && !problem.contains(SECRET), "{problem}");
            None
        }
    }
}

/// Reads a body in another way; not every body that can be read can be read like that.
fn with_data(body: &[u8], check: impl FnOnce(&Value)) {
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        check(&value["data"]);
    }
}

/// All objects of all pages, in order, to the page without a next one.
fn compare<T>(pages: &[&[u8]], read: &[T], same: impl Fn(&T, &Value)) {
    let mut expected = vec![];
    for page in pages {
        let Ok(value) = serde_json::from_slice::<Value>(page) else { return };
        expected.extend(value["data"].as_array().expect("a list was read").iter().cloned());
        if value["links"]["next"].as_str().is_none_or(str::is_empty) {
            break;
        }
    }
    assert_eq!(read.len(), expected.len());
    read.iter().zip(&expected).for_each(|(read, value)| same(read, value));
}

fn assert_id(id: &str, value: &Value) {
    assert_eq!(Some(id), value["id"].as_str());
    assert!(!id.is_empty() && !id.contains(['/', '.', '%', '?', '#', ' ']), "{id:?}");
}

fn assert_key(key: &LiveKey, value: &Value) {
    let attributes = &value["attributes"];
    assert_id(key.id.as_str(), value);
    assert_id(key.environment.as_str(), &value["relationships"]["environment"]["data"]);
    assert_eq!(Some(key.key_type.as_str()), attributes["key_type"].as_str());
    assert_eq!(Some(&*key.name), attributes["name"].as_str());
    assert_eq!(key.disabled, attributes["disabled"].as_bool().unwrap_or(false));
    let listed = attributes["permissions"].as_object();
    let granted = |name: &str| listed.and_then(|listed| listed.get(name)) == Some(&Value::Bool(true));
    assert!(key.permissions.iter().all(|permission| granted(permission.as_str())), "{key:?}");
    let ours = listed.into_iter().flatten().filter(|(_, value)| **value == true).count();
    let unknown = key.unknown_permissions.iter().filter(|(_, granted)| **granted).count();
    assert_eq!(key.permissions.len() + unknown, ours, "a permission is gone");
}

fn assert_environment(environment: &LiveEnvironment, value: &Value) {
    let attributes = &value["attributes"];
    assert_id(environment.id.as_str(), value);
    assert_eq!(Some(&*environment.name), attributes["name"].as_str());
    assert_eq!(environment.description, attributes["description"].as_str().unwrap_or_default());
    // Never deleted on the strength of what was not said.
    let protected = attributes["settings"]["delete_protected"].as_bool().unwrap_or(true);
    assert_eq!(environment.delete_protected, protected);
}

/// The one body with a secret: taken whole or not at all, and shown by nothing.
fn mint(body: &[u8]) {
    let Some(created) = read(service::created_key(body)) else { return };
    assert!(!created.secret.expose().is_empty());
    with_data(body, |data| {
        assert_key(&created.key, data);
        assert_eq!(Some(created.secret.expose()), data["attributes"]["secret"].as_str());
        let elsewhere = format!("{:?}", created.key);
        let shown = format!("{created:?}");
        assert!(elsewhere.contains(SECRET) || !shown.contains(SECRET), "{shown}");
    });
    // A body that was cut is no answer.
    let end = body.iter().rposition(|byte| *byte == b'}').unwrap_or_default();
    for cut in (0..=end).rev().step_by(end / 16 + 1) {
        assert!(service::created_key(&body[..cut]).is_err(), "cut at {cut}");
    }
}

fn who(body: &[u8]) {
    if let Some(access) = read(service::access(body)) {
        with_data(body, |data| assert_eq!(Some(&*access.key_id), data["id"].as_str()));
        let lists = |scope: &str| access.listed_scopes.iter().any(|listed| listed == scope);
        for scope in &access.scopes {
            let by_writing = scope.as_str().replace(":read", ":write");
            assert!(lists(scope.as_str()) || lists(&by_writing), "{access:?}");
        }
    }
    if let Some(proof) = read(service::proof(body)) {
        let Ok(value) = serde_json::from_slice::<Value>(body) else { return };
        assert_eq!(Some(proof.key_type.as_str()), value["type"].as_str());
        assert_eq!(proof.environment, value["environment"]["slug"].as_str().unwrap_or_default());
    }
}
