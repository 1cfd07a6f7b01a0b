//! The service's objects as JSON.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::permissions;
use super::records::{Environment, Key, Management};
use super::store::{CLASSIC, Store};
use super::switches::{RelationshipForm, Switches};
use super::truth::KeyType;

/// An environment (OpenAPI: Environment).
pub(super) fn environment(store: &Store, environment: &Environment) -> Value {
    let Environment { id, name, description, color, slug, delete_protected, .. } = environment;
    json!({
        "id": id,
        "type": "environments",
        "links": { "self": format!("/2/teams/{}/environments/{id}", store.team.slug) },
        "attributes": {
            "name": name,
            "description": description,
            "color": color,
            "slug": slug,
            "settings": { "delete_protected": delete_protected },
        },
    })
}

/// A key (OpenAPI: ApiKeyObject), without its secret.
pub(super) fn key(store: &Store, switches: &Switches, key: &Key) -> Value {
    let Key { id, key_type, name, disabled, permissions, created, updated, environment, .. } = key;
    let permissions: Map<String, Value> = permissions::of(*key_type)
        .iter()
        .map(|(name, _)| ((*name).to_owned(), permissions::is_given(permissions, name).into()))
        .collect();
    json!({
        "id": id,
        "type": "api-keys",
        "attributes": {
            "key_type": key_type.as_str(),
            "name": name,
            "disabled": disabled,
            "permissions": permissions,
            "timestamps": timestamps(*created, *updated),
        },
        "relationships": relationships(store, switches, environment),
        "links": { "self": format!("/2/teams/{}/api-keys/{id}", store.team.slug) },
    })
}

fn relationships(store: &Store, switches: &Switches, environment: &str) -> Value {
    let mut relationships = Map::new();
    relationships
        .insert("environment".to_owned(), json!({ "data": { "id": environment, "type": "environments" } }));
    let person = match switches.relationship_form {
        RelationshipForm::Absent => return relationships.into(),
        RelationshipForm::Null => Value::Null,
        RelationshipForm::User => json!({ "data": { "id": store.user, "type": "users" } }),
    };
    relationships.insert("creator".to_owned(), person.clone());
    relationships.insert("editor".to_owned(), person);
    relationships.into()
}

fn timestamps(created: Timestamp, updated: Timestamp) -> Value {
    json!({ "created": created.to_string(), "updated": updated.to_string() })
}

/// The answer of `/2/auth` (OpenAPI: AuthV2Response).
pub(super) fn management_auth(store: &Store, management: &Management) -> Value {
    let Management { id, secret: _, name, scopes, disabled, created } = management;
    let team = &store.team;
    json!({
        "data": {
            "id": id,
            "type": "api-keys",
            "attributes": {
                "name": name,
                "key_type": "management",
                "disabled": disabled,
                "scopes": scopes,
                "timestamps": timestamps(*created, *created),
            },
            "relationships": { "team": { "data": { "id": team.id, "type": "teams" } } },
        },
        "included": [
            { "id": team.id, "type": "teams", "attributes": { "name": team.name, "slug": team.slug } },
        ],
    })
}

/// The answer of `/1/auth` (OpenAPI: Auth). A Classic environment has neither name nor slug there.
pub(super) fn key_auth(store: &Store, key: &Key) -> Value {
    let access: Map<String, Value> = permissions::of(key.key_type)
        .iter()
        .filter_map(|(name, flag)| {
            Some(((*flag)?.to_owned(), permissions::is_given(&key.permissions, name).into()))
        })
        .collect();
    let (name, slug) = match store.environments.get(&key.environment) {
        Some(environment) if environment.color != CLASSIC => {
            (environment.name.as_str(), environment.slug.as_str())
        }
        _ => ("", ""),
    };
    let id = match key.key_type {
        KeyType::Ingest => &key.id,
        KeyType::Configuration => &key.short_id,
    };
    json!({
        "id": id,
        "type": key.key_type.as_str(),
        "api_key_access": access,
        "environment": { "name": name, "slug": slug },
        "team": { "name": store.team.name, "slug": store.team.slug },
    })
}
