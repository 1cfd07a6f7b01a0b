//! The calls on ingest and configuration keys.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::answer::{Answer, JSON_API};
use super::body::{Fields, accept};
use super::by_hand::ByHand;
use super::errors::{Invalid, Refusal};
use super::ids::IdKind;
use super::lists::{ListFaults, answer_list};
use super::page::PageQuery;
use super::permissions::{self, Permissions};
use super::records::{KeyChange, NewKey};
use super::service::Call;
use super::store::Store;
use super::switches::{HonourOrIgnore, IgnoreOrRefuse};
use super::truth::KeyType;
use super::wire;

const NAME: (usize, usize) = (1, 100);
const ENVIRONMENT: &str = "/data/relationships/environment/data/id";

/// `GET /2/teams/{slug}/api-keys`.
pub(super) fn list(store: &mut Store, call: &Call<'_>, faults: &ListFaults) -> Result<Answer, Refusal> {
    let kinds = [IdKind::IngestKey, IdKind::ConfigurationKey];
    let page = PageQuery::parse(call.query, &kinds, true).map_err(Refusal::Invalid)?;
    call.in_team(store)?;
    let hidden = if faults.stale > 0 { store.newest_keys(faults.stale) } else { HashSet::new() };
    let (keys, more) = store.keys_after(page.after.as_deref(), page.filter, &hidden, page.size);
    let last = keys.last().map(|key| key.id.clone());
    let data = keys.into_iter().map(|key| wire::key(store, call.switches, key)).collect();
    if faults.skew && more {
        second_writer(store, call, page.filter);
    }
    Ok(answer_list(data, last.filter(|_| more).as_deref(), &page, call, faults))
}

/// Somebody else makes a key while the list is being walked.
fn second_writer(store: &mut Store, call: &Call<'_>, filter: Option<KeyType>) {
    let Some(environment) = store.environments.keys().next().cloned() else {
        return;
    };
    let key_type = filter.unwrap_or(KeyType::Ingest);
    let name = "made between pages".to_owned();
    store.by_hand(ByHand::CreateKey { key_type, environment, name, disabled: false }, call.now);
}

/// `POST /2/teams/{slug}/api-keys`: the only answer that ever holds the secret.
pub(super) fn create(store: &mut Store, call: &Call<'_>, document: &Value) -> Result<Answer, Refusal> {
    let (new, asked_disabled) = read_new(call, document)?;
    call.in_team(store)?;
    if !store.environments.contains_key(&new.environment) {
        return Err(match call.switches.unknown_environment_status {
            422 => Refusal::Invalid(vec![Invalid::pointer(ENVIRONMENT, "environment not found")]),
            _ => Refusal::NotFound("environment"),
        });
    }
    let id = store.create_key(new, call.now);
    let key = store.keys.get(&id).ok_or(NOT_FOUND)?;
    let mut object = wire::key(store, call.switches, key);
    if let Some(attributes) = object.pointer_mut("/attributes").and_then(Value::as_object_mut) {
        attributes.insert("secret".to_owned(), key.secret.clone().into());
        if call.switches.lie_about_disabled {
            attributes.insert("disabled".to_owned(), asked_disabled.into());
        }
    }
    Ok(Answer::json(201, JSON_API, &json!({ "data": object })))
}

/// Reads a POST: the key to be made, and whether it was asked to be disabled.
fn read_new(call: &Call<'_>, document: &Value) -> Result<(NewKey, bool), Refusal> {
    let mut invalid = Vec::new();
    let attributes = Fields::attributes(document, "api-keys", None, &mut invalid);
    let key_type = key_type(&attributes, &mut invalid);
    let name = attributes.string("name", Some(NAME), true, &mut invalid).unwrap_or_default();
    let asked_disabled = attributes.boolean("disabled", &mut invalid).unwrap_or(false);
    let given = attributes.object("permissions", false, &mut invalid);
    let permissions =
        key_type.map(|key_type| permissions_of(key_type, &given, &mut invalid)).unwrap_or_default();
    let environment = Fields::environment_id(document, &mut invalid).unwrap_or_default();
    if permissions::contradict(&permissions) {
        given.refuse("manage_privateBoards", CONTRADICTION, &mut invalid);
    }
    accept(invalid)?;
    let switches = call.switches;
    let disabled = asked_disabled && !switches.ignore_disabled_on_create && !switches.lie_about_disabled;
    // Without a type something is invalid, and this is not reached.
    let key_type = key_type.unwrap_or(KeyType::Ingest);
    Ok((NewKey { key_type, name, environment, disabled, permissions }, asked_disabled))
}

/// `GET /2/teams/{slug}/api-keys/{id}`.
pub(super) fn get(store: &Store, call: &Call<'_>, id: &str) -> Result<Answer, Refusal> {
    call.in_team(store)?;
    show(store, call, id)
}

/// `PATCH /2/teams/{slug}/api-keys/{id}`. Relationships are ignored, whatever they are: the official Terraform
/// provider sends `environment: {"data": null}`.
pub(super) fn update(
    store: &mut Store,
    call: &Call<'_>,
    id: &str,
    document: &Value,
) -> Result<Answer, Refusal> {
    let mut invalid = Vec::new();
    let attributes = Fields::attributes(document, "api-keys", Some(id), &mut invalid);
    let name = attributes.string("name", Some(NAME), false, &mut invalid);
    let disabled = attributes.boolean("disabled", &mut invalid);
    let given = attributes.object("permissions", false, &mut invalid);
    accept(invalid)?;
    call.in_team(store)?;
    let key = store.keys.get(id).ok_or(NOT_FOUND)?;
    let permissions = match key.key_type {
        KeyType::Ingest => patch_ingest(call, &given)?,
        KeyType::Configuration => patch_configuration(call, &given, &key.permissions)?,
    };
    store.update_key(id, KeyChange { name, disabled, permissions }, call.now);
    show(store, call, id)
}

/// The permissions of an ingest key never change (OpenAPI: the PATCH schema has none).
fn patch_ingest(call: &Call<'_>, given: &Fields<'_>) -> Result<Option<Permissions>, Refusal> {
    match call.switches.ingest_permission_patch {
        IgnoreOrRefuse::Refuse if given.is_present() => {
            let refused =
                Invalid::pointer("/data/attributes/permissions", "cannot be changed on an ingest key");
            Err(Refusal::Invalid(vec![refused]))
        }
        IgnoreOrRefuse::Refuse | IgnoreOrRefuse::Ignore => Ok(None),
    }
}

/// Those of a configuration key are merged: what is left out stays.
fn patch_configuration(
    call: &Call<'_>,
    given: &Fields<'_>,
    before: &Permissions,
) -> Result<Option<Permissions>, Refusal> {
    if !given.is_present() {
        return Ok(None);
    }
    let mut invalid = Vec::new();
    let mut permissions = permissions_of(KeyType::Configuration, given, &mut invalid);
    if call.switches.manage_signals_patch == HonourOrIgnore::Ignore {
        permissions.remove("manage_signals");
    }
    let mut after = before.clone();
    after.extend(permissions.clone());
    if permissions::contradict(&after) {
        given.refuse("manage_privateBoards", CONTRADICTION, &mut invalid);
    }
    accept(invalid)?;
    Ok(Some(permissions))
}

/// `DELETE /2/teams/{slug}/api-keys/{id}`.
pub(super) fn delete(store: &mut Store, call: &Call<'_>, id: &str) -> Result<Answer, Refusal> {
    call.in_team(store)?;
    if store.delete_key(id, call.now) { Ok(Answer::no_content()) } else { Err(NOT_FOUND) }
}

const NOT_FOUND: Refusal = Refusal::NotFound("API key");
const CONTRADICTION: &str = "cannot be given together with visible_team_members";

fn show(store: &Store, call: &Call<'_>, id: &str) -> Result<Answer, Refusal> {
    let key = store.keys.get(id).ok_or(NOT_FOUND)?;
    Ok(Answer::json(200, JSON_API, &json!({ "data": wire::key(store, call.switches, key) })))
}

fn key_type(attributes: &Fields<'_>, invalid: &mut Vec<Invalid>) -> Option<KeyType> {
    match attributes.string("key_type", None, true, invalid)?.as_str() {
        "ingest" => Some(KeyType::Ingest),
        "configuration" => Some(KeyType::Configuration),
        _ => {
            attributes.refuse("key_type", "must be `ingest` or `configuration`", invalid);
            None
        }
    }
}

/// The permissions named in a request. An unknown name is ignored on a configuration key, so that a typo makes a key
/// that can do less than was meant; on an ingest key every name but its one is refused.
fn permissions_of(key_type: KeyType, given: &Fields<'_>, invalid: &mut Vec<Invalid>) -> Permissions {
    let mut permissions = Permissions::new();
    for (name, value) in given.iter() {
        match (permissions::is_known(key_type, name), key_type, value) {
            (true, _, Value::Bool(value)) => {
                permissions.insert(name.clone(), *value);
            }
            (true, _, _) => given.refuse(name, "must be true or false", invalid),
            (false, KeyType::Ingest, _) => {
                given.refuse(name, "is not a permission of an ingest key", invalid);
            }
            (false, KeyType::Configuration, _) => {}
        }
    }
    permissions
}
