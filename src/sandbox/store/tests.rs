//! The store's own rules, without HTTP.

use std::collections::HashSet;

use super::*;

fn now() -> Timestamp {
    "2026-03-01T08:00:00Z".parse().unwrap()
}

fn store() -> Store {
    Store::new(1, "acme", "Acme")
}

fn ids(page: &(Vec<&Key>, bool)) -> Vec<String> {
    page.0.iter().map(|key| key.id.clone()).collect()
}

#[test]
fn filled_keys_alternate_and_spread() {
    let mut store = store();
    store.fill(2, 5, now());
    let truth = store.truth();
    assert_eq!(
        truth.environments.iter().map(|env| env.name.as_str()).collect::<Vec<_>>(),
        ["Env 1", "Env 2"]
    );
    let types: Vec<&str> = truth.keys.iter().map(|key| key.key_type.as_str()).collect();
    assert_eq!(types, ["ingest", "configuration", "ingest", "configuration", "ingest"]);
    let homes: HashSet<&str> = truth.keys.iter().map(|key| key.environment.as_str()).collect();
    assert_eq!(homes.len(), 2);
    let mut lone = Store::new(1, "acme", "Acme");
    lone.fill(0, 1, now());
    assert_eq!(lone.environments.len(), 1);
}

#[test]
fn same_seed_same_store() {
    let text = |seed| {
        let mut store = Store::new(seed, "acme", "Acme");
        store.fill(3, 20, now());
        serde_json::to_string(&store).unwrap()
    };
    assert_eq!(text(1), text(1));
    assert_ne!(text(1), text(2));
}

#[test]
fn colours_vary() {
    let mut store = store();
    store.fill(20, 0, now());
    let colors: HashSet<&str> = store.environments.values().map(|env| env.color.as_str()).collect();
    assert!(colors.len() > 3, "{colors:?}");
    assert!(colors.iter().all(|color| COLORS.contains(color)));
}

#[test]
fn names_are_compared_by_slug() {
    let mut store = store();
    let new = |name: &str| NewEnvironment { name: name.to_owned(), description: String::new(), color: None };
    let id = store.create_environment(new("Test Env"), now());
    assert_eq!(store.environments[&id].slug, "test-env");
    assert!(store.is_taken("test  env") && store.is_taken("Test Env") && !store.is_taken("Testenv"));
    let signs = store.create_environment(new("!!!"), now());
    assert!(!store.environments[&signs].slug.is_empty());
    assert!(store.is_taken("!!!"));
    store.delete_environment(&id, now());
    assert!(!store.is_taken("Test Env"));
}

#[test]
fn pages_follow_ids_and_survive_deletion_of_the_cursor() {
    let mut store = store();
    store.fill(1, 10, now());
    let none = HashSet::new();
    let all = ids(&store.keys_after(None, None, &none, 100));
    let first = store.keys_after(None, None, &none, 4);
    assert!(first.1);
    let cursor = ids(&first)[3].clone();
    store.delete_key(&cursor, now());
    store.delete_key(&all[0], now());
    let second = ids(&store.keys_after(Some(&cursor), None, &none, 4));
    assert_eq!(second, all[4..8]);
    let last = store.keys_after(Some(&all[7]), None, &none, 2);
    assert!(!last.1, "an exact fit is the last page");
}

#[test]
fn filter_and_hidden_keys_do_not_count_towards_a_page() {
    let mut store = store();
    store.fill(1, 10, now());
    let newest = store.newest_keys(2);
    let page = store.keys_after(None, Some(KeyType::Configuration), &newest, 4);
    assert_eq!((page.0.len(), page.1), (4, false));
    assert!(page.0.iter().all(|key| key.key_type == KeyType::Configuration));
}

#[test]
fn credentials_are_built_by_type_and_die_with_the_key() {
    let mut store = store();
    store.fill(1, 2, now());
    let truth = store.truth();
    for key in &truth.keys {
        assert_eq!(store.key_of_credential(&key.credential).unwrap().id, key.id);
        let other = match key.key_type {
            KeyType::Ingest => key.secret.clone(),
            KeyType::Configuration => format!("{}{}", key.id, key.secret),
        };
        assert!(store.key_of_credential(&other).is_none());
    }
    store.update_key(&truth.keys[0].id, KeyChange { disabled: Some(true), ..KeyChange::default() }, now());
    assert!(store.key_of_credential(&truth.keys[0].credential).is_none());
    store.delete_environment(&truth.environments[0].id, now());
    assert!(store.key_of_credential(&truth.keys[1].credential).is_none());
    assert!(store.truth().keys.iter().all(|key| key.deleted.is_some()));
}

#[test]
fn the_history_tells_what_became_of_a_key() {
    let mut store = store();
    store.fill(1, 1, now());
    let id = store.truth().keys[0].id.clone();
    let later: Timestamp = "2026-03-01T09:00:00Z".parse().unwrap();
    store.update_key(&id, KeyChange::default(), later);
    assert_eq!(store.keys[&id].updated, now(), "naming nothing moves nothing");
    store.update_key(
        &id,
        KeyChange { disabled: Some(true), name: Some("x".into()), permissions: None },
        later,
    );
    store.update_key(&id, KeyChange { disabled: Some(false), ..KeyChange::default() }, later);
    assert_eq!((store.keys[&id].created, store.keys[&id].updated), (now(), later));
    store.delete_key(&id, later);
    assert!(!store.delete_key(&id, later));
    let truth = store.truth();
    let words: Vec<&str> = truth.keys[0].history.iter().map(|(_, what)| what.as_str()).collect();
    assert_eq!(words, ["created enabled", "renamed", "disabled", "enabled", "deleted"]);
}

#[test]
fn a_write_scope_swallows_the_read_scope() {
    let mut store = store();
    store.create_management_key(&["api-keys:read", "api-keys:write", "environments:read"], false, now());
    assert_eq!(store.management_keys[1].scopes, ["api-keys:write", "environments:read"]);
}

#[test]
fn no_debug_shows_a_secret() {
    let mut store = store();
    store.fill(1, 2, now());
    let text = format!("{:?}", store.truth());
    for key in store.keys.values() {
        assert!(!text.contains(&key.secret));
    }
}
