//! The calls on environments.

use serde_json::{Value, json};

use super::answer::{Answer, JSON_API};
use super::body::{Fields, accept};
use super::errors::{Invalid, Refusal};
use super::ids::IdKind;
use super::lists::{ListFaults, answer_list};
use super::page::PageQuery;
use super::permissions::Permissions;
use super::records::{EnvironmentChange, NewEnvironment, NewKey};
use super::service::Call;
use super::store::{CLASSIC, COLORS, Store};
use super::truth::KeyType;
use super::wire;

const NAME: (usize, usize) = (1, 255);
const DESCRIPTION: (usize, usize) = (0, 255);

/// `GET /2/teams/{slug}/environments`.
pub(super) fn list(store: &Store, call: &Call<'_>, faults: &ListFaults) -> Result<Answer, Refusal> {
    let page = PageQuery::parse(call.query, &[IdKind::Environment], false).map_err(Refusal::Invalid)?;
    call.in_team(store)?;
    let (environments, more) = store.environments_after(page.after.as_deref(), page.size);
    let last = environments.last().map(|environment| environment.id.clone());
    let hidden = store.newest_environments(faults.stale);
    let shown = environments.into_iter().filter(|environment| !hidden.contains(environment.id.as_str()));
    let data = shown.map(|environment| wire::environment(store, environment)).collect();
    Ok(answer_list(data, last.filter(|_| more).as_deref(), &page, call, faults))
}

/// `POST /2/teams/{slug}/environments`.
pub(super) fn create(store: &mut Store, call: &Call<'_>, document: &Value) -> Result<Answer, Refusal> {
    let mut invalid = Vec::new();
    let attributes = Fields::attributes(document, "environments", None, &mut invalid);
    let name = attributes.string("name", Some(NAME), true, &mut invalid);
    let description =
        attributes.string("description", Some(DESCRIPTION), false, &mut invalid).unwrap_or_default();
    let color = color(&attributes, &mut invalid);
    accept(invalid)?;
    call.in_team(store)?;
    let name = name.unwrap_or_default();
    if store.is_taken(&name) {
        return Err(Refusal::Conflict("an environment of this name already exists".to_owned()));
    }
    let id = store.create_environment(NewEnvironment { name, description, color }, call.now);
    if call.switches.key_with_new_environment {
        let name = "Default".to_owned();
        let environment = id.clone();
        let key_type = KeyType::Configuration;
        let permissions = Permissions::new();
        store.create_key(NewKey { key_type, name, environment, disabled: false, permissions }, call.now);
    }
    show(store, &id, 201)
}

/// `GET /2/teams/{slug}/environments/{id}`.
pub(super) fn get(store: &Store, call: &Call<'_>, id: &str) -> Result<Answer, Refusal> {
    call.in_team(store)?;
    show(store, id, 200)
}

/// `PATCH /2/teams/{slug}/environments/{id}`. `name` and `slug` are ignored, whatever they are.
pub(super) fn update(
    store: &mut Store,
    call: &Call<'_>,
    id: &str,
    document: &Value,
) -> Result<Answer, Refusal> {
    let mut invalid = Vec::new();
    let attributes = Fields::attributes(document, "environments", Some(id), &mut invalid);
    let change = EnvironmentChange {
        description: attributes.string("description", Some(DESCRIPTION), false, &mut invalid),
        color: color(&attributes, &mut invalid),
        delete_protected: attributes
            .object("settings", false, &mut invalid)
            .boolean("delete_protected", &mut invalid),
    };
    accept(invalid)?;
    call.in_team(store)?;
    let environment = store.environments.get(id).ok_or(NOT_FOUND)?;
    if change.color.is_some() && environment.color == CLASSIC {
        let refused =
            Invalid::pointer("/data/attributes/color", "cannot be changed on a Classic environment");
        return Err(Refusal::Invalid(vec![refused]));
    }
    store.update_environment(id, change);
    show(store, id, 200)
}

/// `DELETE /2/teams/{slug}/environments/{id}`. Its keys go with it.
pub(super) fn delete(store: &mut Store, call: &Call<'_>, id: &str) -> Result<Answer, Refusal> {
    call.in_team(store)?;
    if store.environments.get(id).ok_or(NOT_FOUND)?.delete_protected {
        return Err(Refusal::Conflict("environment is protected from deletion".to_owned()));
    }
    store.delete_environment(id, call.now);
    Ok(Answer::no_content())
}

const NOT_FOUND: Refusal = Refusal::NotFound("environment");

fn show(store: &Store, id: &str, status: u16) -> Result<Answer, Refusal> {
    let environment = store.environments.get(id).ok_or(NOT_FOUND)?;
    Ok(Answer::json(status, JSON_API, &json!({ "data": wire::environment(store, environment) })))
}

fn color(attributes: &Fields<'_>, invalid: &mut Vec<Invalid>) -> Option<String> {
    let color = attributes.string("color", None, false, invalid)?;
    if COLORS.contains(&color.as_str()) {
        return Some(color);
    }
    attributes.refuse("color", "is not one of the ten colours", invalid);
    None
}
