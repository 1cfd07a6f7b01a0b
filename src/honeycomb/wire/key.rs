//! Keys (OpenAPI: `ApiKeyObject`, `ApiKeyCreateRequest`, `ApiKeyUpdateRequest`).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::{Related, Text, one, page};
use crate::honeycomb::pages::Page;
use crate::model::{EnvironmentId, KeyId, KeyType, LiveKey, Permission, Timestamp};
use crate::ports::{KeyChange, NewKey};

#[derive(Debug, Deserialize)]
struct KeyBody<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    attributes: Attributes<'a>,
    #[serde(borrow)]
    relationships: Relationships<'a>,
}

#[derive(Debug, Deserialize)]
struct Attributes<'a> {
    #[serde(borrow)]
    key_type: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    disabled: Option<bool>,
    permissions: Option<Permissions>,
    #[serde(borrow)]
    timestamps: Option<Timestamps<'a>>,
}

#[derive(Debug, Default, Deserialize)]
struct Timestamps<'a> {
    #[serde(borrow)]
    created: Option<Text<'a>>,
    #[serde(borrow)]
    updated: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct Relationships<'a> {
    #[serde(borrow)]
    environment: Related<'a>,
    /// Left out, null, with null data, or a user.
    #[serde(borrow)]
    editor: Option<Editor<'a>>,
}

#[derive(Debug, Deserialize)]
struct Editor<'a> {
    #[serde(borrow)]
    data: Option<super::RelatedId<'a>>,
}

#[derive(Debug, Default)]
struct Permissions {
    known: BTreeSet<Permission>,
    unknown: BTreeMap<String, bool>,
}

impl<'de> Deserialize<'de> for Permissions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PermissionsVisitor)
    }
}

/// No key has more permissions that nobody knows: an entry takes ten times the room that it has on the wire.
const MOST_UNKNOWN: usize = 1_000;

struct PermissionsVisitor;

impl<'de> Visitor<'de> for PermissionsVisitor {
    type Value = Permissions;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("permissions")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Permissions, A::Error> {
        let mut permissions = Permissions::default();
        while let Some((name, granted)) = map.next_entry::<Text<'de>, Option<bool>>()? {
            let granted = granted.unwrap_or(false);
            match name.0.parse() {
                Ok(permission) if granted => drop(permissions.known.insert(permission)),
                Ok(permission) => drop(permissions.known.remove(&permission)),
                Err(()) if permissions.unknown.len() >= MOST_UNKNOWN => {
                    return Err(serde::de::Error::custom("too many permissions"));
                }
                Err(()) => drop(permissions.unknown.insert(name.0.into_owned(), granted)),
            }
        }
        Ok(permissions)
    }
}

/// Reads one key; never its secret.
pub(in crate::honeycomb) fn key(body: &[u8]) -> Result<LiveKey, String> {
    one(body, live)
}

/// Reads a page of keys of one type.
pub(in crate::honeycomb) fn keys(body: &[u8], key_type: KeyType) -> Result<Page<LiveKey>, String> {
    page(body, |body| {
        let key = live(body)?;
        if key.key_type == key_type {
            return Ok(key);
        }
        Err(format!("a key of type `{}` stands in the list of type `{key_type}`", key.key_type))
    })
}

fn live(body: KeyBody<'_>) -> Result<LiveKey, String> {
    let KeyBody { id, attributes, relationships } = body;
    let Attributes { key_type, name, disabled, permissions, timestamps } = attributes;
    let Permissions { known, unknown } = permissions.unwrap_or_default();
    let Timestamps { created, updated } = timestamps.unwrap_or_default();
    let editor = relationships.editor.and_then(|editor| editor.data);
    Ok(LiveKey {
        id: KeyId::new(id.0).map_err(|error| format!("`id` is not an id ({error})"))?,
        key_type: key_type
            .parse()
            .map_err(|()| "`attributes.key_type` is neither `ingest` nor `configuration`")?,
        name: name.into_owned(),
        environment: EnvironmentId::new(relationships.environment.data.id.0)
            .map_err(|error| format!("`relationships.environment.data.id` is not an id ({error})"))?,
        disabled: disabled.unwrap_or(false),
        permissions: known,
        unknown_permissions: unknown,
        created: created.and_then(instant),
        updated: updated.and_then(instant),
        editor: editor.map(|editor| editor.id.0.into_owned()),
    })
}

/// An instant that cannot be read is not known; nothing is ever deleted for lack of one.
#[expect(clippy::needless_pass_by_value, reason = "fits `and_then`")]
fn instant(text: Text<'_>) -> Option<Timestamp> {
    text.0.parse().ok()
}

/// The body that asks for a key.
pub(in crate::honeycomb) fn create_key(new: &NewKey) -> Vec<u8> {
    let NewKey { key_type, environment, name, disabled, permissions } = new;
    json!({ "data": {
        "type": "api-keys",
        "attributes": {
            "key_type": key_type.as_str(),
            "name": name,
            "disabled": disabled,
            "permissions": every(*key_type, permissions),
        },
        "relationships": { "environment": { "data": { "id": environment.as_str(), "type": "environments" } } },
    } })
    .to_string()
    .into_bytes()
}

/// The body that changes what is set. Permissions are sent whole, `false` included: the service merges them.
pub(in crate::honeycomb) fn update_key(id: &KeyId, change: &KeyChange) -> Vec<u8> {
    let KeyChange { name, disabled, permissions } = change;
    let mut attributes = Map::new();
    if let Some(name) = name {
        attributes.insert("name".into(), name.as_str().into());
    }
    if let Some(disabled) = disabled {
        attributes.insert("disabled".into(), (*disabled).into());
    }
    if let Some(permissions) = permissions {
        attributes.insert("permissions".into(), every(KeyType::Configuration, permissions));
    }
    json!({ "data": { "id": id.as_str(), "type": "api-keys", "attributes": attributes } })
        .to_string()
        .into_bytes()
}

/// Every permission of the type, granted or not: what is left out of a PATCH would keep its value.
fn every(key_type: KeyType, granted: &BTreeSet<Permission>) -> Value {
    Permission::of(key_type)
        .map(|p| (p.as_str().to_owned(), granted.contains(&p).into()))
        .collect::<Map<_, _>>()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(attributes: &str, relationships: &str) -> String {
        format!(
            r#"{{"data":{{"id":"hcxlk_1","type":"api-keys","attributes":{{{attributes}}},
               "relationships":{{"environment":{{"data":{{"id":"hcxen_1"}}}}{relationships}}}}}}}"#
        )
    }

    const LEAST: &str = r#""key_type":"configuration","name":"ci""#;

    #[test]
    fn the_least_that_makes_a_key() {
        let live = key(body(LEAST, "").as_bytes()).unwrap();
        assert_eq!(
            (live.id.as_str(), live.environment.as_str(), live.disabled),
            ("hcxlk_1", "hcxen_1", false)
        );
        assert_eq!((live.created, live.editor), (None, None));
        assert!(live.permissions.is_empty() && live.unknown_permissions.is_empty());
    }

    #[test]
    fn everything_that_a_key_can_say() {
        let attributes = r#""key_type":"configuration","name":"ci \u001b","disabled":true,"secret":"hunter2",
            "permissions":{"manage_slos":true,"send_events":false,"manage_privateBoards":true,"fly":true,"swim":null},
            "timestamps":{"created":"2026-02-01T10:00:00.123456789Z","updated":"not a time"}"#;
        let live = key(body(attributes, r#","editor":{"data":{"id":"hcxus_1"}}"#).as_bytes()).unwrap();
        assert_eq!(live.name, "ci \u{1b}");
        assert!(live.disabled);
        assert_eq!(
            live.permissions,
            BTreeSet::from([Permission::ManageSlos, Permission::ManagePrivateBoards])
        );
        assert_eq!(live.unknown_permissions, BTreeMap::from([("fly".into(), true), ("swim".into(), false)]));
        assert_eq!(live.created.unwrap().to_string(), "2026-02-01T10:00:00.123456789Z");
        assert_eq!(live.updated, None);
        assert_eq!(live.editor.as_deref(), Some("hcxus_1"));
        assert!(!format!("{live:?}").contains("hunter2"));
    }

    #[test]
    fn an_editor_may_be_missing_in_three_ways() {
        for editor in ["", r#","editor":null"#, r#","editor":{"data":null}"#] {
            assert_eq!(key(body(LEAST, editor).as_bytes()).unwrap().editor, None, "{editor}");
        }
    }

    #[test]
    fn what_a_key_cannot_do_without_is_named() {
        for (json, expected) in [
            (body(r#""name":"a""#, ""), "field `key_type` is missing at `data.attributes`"),
            (body(r#""key_type":"ingest""#, ""), "field `name` is missing at `data.attributes`"),
            (
                body(r#""key_type":"management","name":"a""#, ""),
                "`attributes.key_type` is neither `ingest` nor `configuration` at `data`",
            ),
            (
                r#"{"data":{"id":"a","attributes":{"key_type":"ingest","name":"a"},"relationships":{"environment":null}}}"#.into(),
                "not of the expected type at `data.relationships.environment` (line 1, column 99)",
            ),
        ] {
            assert_eq!(key(json.as_bytes()).unwrap_err(), expected);
        }
    }

    #[test]
    fn a_key_asked_for_names_every_permission() {
        let new = NewKey {
            key_type: KeyType::Ingest,
            environment: EnvironmentId::new("hcxen_1").unwrap(),
            name: "n \"q\"".into(),
            disabled: true,
            permissions: BTreeSet::from([Permission::CreateDatasets]),
        };
        assert_eq!(
            String::from_utf8(create_key(&new)).unwrap(),
            r#"{"data":{"type":"api-keys","attributes":{"key_type":"ingest","name":"n \"q\"","disabled":true,"permissions":{"create_datasets":true}},"relationships":{"environment":{"data":{"id":"hcxen_1","type":"environments"}}}}}"#
        );
    }

    #[test]
    fn a_change_of_permissions_revokes_what_is_not_granted() {
        let id = KeyId::new("hcxlk_1").unwrap();
        let change = KeyChange {
            permissions: Some(BTreeSet::from([Permission::ManageSignals])),
            ..KeyChange::default()
        };
        let body: Value = serde_json::from_slice(&update_key(&id, &change)).unwrap();
        let sent = body["data"]["attributes"]["permissions"].as_object().unwrap();
        assert_eq!(sent.len(), Permission::ALL.len());
        assert!(sent.iter().all(|(name, granted)| *granted == (name == "manage_signals")));
        assert_eq!(body["data"]["attributes"].as_object().unwrap().len(), 1);
    }
}
