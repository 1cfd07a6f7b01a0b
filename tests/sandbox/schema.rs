//! Checks an answer against the schema for its method, path and status.

use std::collections::HashMap;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

const SOURCE: &str = include_str!("schemas/honeycomb.json");
const JSON_API: &str = "application/vnd.api+json";

static VALIDATORS: LazyLock<HashMap<String, Validator>> = LazyLock::new(|| {
    let document: Value = serde_json::from_str(SOURCE).expect("the schema file is JSON");
    let definitions = document["$defs"].as_object().expect("the schema file has `$defs`");
    definitions
        .keys()
        .map(|name| {
            let root = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "$ref": format!("#/$defs/{name}"),
                "$defs": definitions,
            });
            let validator = jsonschema::options()
                .should_validate_formats(true)
                .build(&root)
                .unwrap_or_else(|error| panic!("schema `{name}` does not compile: {error}"));
            (name.clone(), validator)
        })
        .collect()
});

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Route {
    AuthV1,
    AuthV2,
    Keys,
    Key,
    Environments,
    Environment,
    Unknown,
}

impl Route {
    fn of(path: &str) -> Route {
        let path = path.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match parts.as_slice() {
            ["1", "auth"] => Route::AuthV1,
            ["2", "auth"] => Route::AuthV2,
            ["2", "teams", _, "api-keys"] => Route::Keys,
            ["2", "teams", _, "api-keys", _] => Route::Key,
            ["2", "teams", _, "environments"] => Route::Environments,
            ["2", "teams", _, "environments", _] => Route::Environment,
            _ => Route::Unknown,
        }
    }

    /// The statuses which the published description lists, with the success first. 403 is added where it leaves it out: a scope can be missing on every call.
    fn statuses(self, method: &str) -> &'static [u16] {
        match (self, method) {
            (Route::AuthV1, "GET") => &[200, 401, 429, 500],
            (Route::AuthV2, "GET") => &[200, 401, 403, 429, 500],
            (Route::Keys | Route::Environments, "GET") => &[200, 401, 403, 404, 422, 429, 500],
            (Route::Keys, "POST") => &[201, 400, 401, 403, 404, 413, 415, 422, 429, 500],
            (Route::Environments, "POST") => &[201, 400, 401, 403, 404, 409, 413, 415, 422, 429, 500],
            (Route::Key | Route::Environment, "GET") => &[200, 400, 401, 403, 404, 429, 500],
            (Route::Key | Route::Environment, "PATCH") => &[200, 400, 401, 403, 404, 413, 415, 422, 429, 500],
            (Route::Key, "DELETE") => &[204, 400, 401, 403, 404, 429, 500],
            (Route::Environment, "DELETE") => &[204, 400, 401, 403, 404, 409, 429, 500],
            _ => &[404, 405],
        }
    }

    fn success(self, method: &str) -> &'static str {
        match (self, method) {
            (Route::AuthV1, _) => "auth_v1",
            (Route::AuthV2, _) => "auth_v2",
            (Route::Keys, "GET") => "key_list",
            (Route::Keys, _) => "key_create_response",
            (Route::Key, _) => "key_response",
            (Route::Environments, "GET") => "environment_list",
            (Route::Environments | Route::Environment, _) => "environment_response",
            (Route::Unknown, _) => "jsonapi_error",
        }
    }
}

/// Says what is wrong with an answer, or nothing.
pub fn check(
    method: &str,
    path: &str,
    status: u16,
    content_type: Option<&str>,
    body: &str,
) -> Result<(), String> {
    let route = Route::of(path);
    let documented = route.statuses(method);
    if !documented.contains(&status) {
        return Err(format!("status {status} is not documented for it, {documented:?} are"));
    }
    if status == 204 {
        return if body.is_empty() { Ok(()) } else { Err("a 204 has no body".to_owned()) };
    }
    let name = definition(route, method, status, content_type)?;
    let value: Value =
        serde_json::from_str(body).map_err(|error| format!("the body is not JSON: {error}"))?;
    fits(name, &value)
}

/// Checks one value against one entry of the schema file.
pub fn fits(name: &str, value: &Value) -> Result<(), String> {
    let validator = VALIDATORS.get(name).unwrap_or_else(|| panic!("no schema `{name}`"));
    let problems: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("  at `{}`: {error}", error.instance_path()))
        .collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(format!("the body does not fit `{name}`:\n{}", problems.join("\n")))
    }
}

fn definition(
    route: Route,
    method: &str,
    status: u16,
    content_type: Option<&str>,
) -> Result<&'static str, String> {
    let v1 = matches!(route, Route::AuthV1);
    match (status, content_type) {
        (200 | 201, Some("application/json")) if v1 => Ok(route.success(method)),
        (200 | 201, Some(JSON_API)) if !v1 => Ok(route.success(method)),
        (413, Some("application/json")) => Ok("problem_error"),
        (413, _) => Err(format!("a 413 is a problem body in `application/json`, found `{content_type:?}`")),
        (400.., Some(JSON_API)) if !v1 => Ok("jsonapi_error"),
        (500, Some("application/problem+json")) => Ok("problem_error"),
        (401 | 403, Some("application/json")) => Ok("legacy_error"),
        (400.., Some("application/json")) if v1 => Ok("legacy_error"),
        _ => Err(format!("content type `{content_type:?}` is not documented for status {status}")),
    }
}

#[test]
fn the_schemas_tell_good_from_bad() {
    let mut environment = json!({ "data": {
        "id": "hcxen_01k5v7m3t9q4w8x2y6z0a1b2c3", "type": "environments",
        "links": { "self": "/2/teams/acme/environments/hcxen_01k5v7m3t9q4w8x2y6z0a1b2c3" },
        "attributes": { "name": "Production", "description": "", "color": "green", "slug": "production",
                        "settings": { "delete_protected": true } } } });
    fits("environment_response", &environment).unwrap();
    environment["data"]["attributes"]["description"] = Value::Null;
    assert!(fits("environment_response", &environment).is_err());

    let mut key = json!({ "data": {
        "id": "hcxik_01k5v7m3t9q4w8x2y6z0a1b2c4", "type": "api-keys",
        "attributes": { "key_type": "ingest", "name": "a", "disabled": false, "permissions": { "create_datasets": true },
            "timestamps": { "created": "2026-02-01T10:00:00Z", "updated": "2026-02-01T10:00:00.123Z" } },
        "relationships": {
            "environment": { "data": { "id": "hcxen_01k5v7m3t9q4w8x2y6z0a1b2c3", "type": "environments" } },
            "creator": { "data": { "id": "hcxus_01k5v7m3t9q4w8x2y6z0a1b2c8", "type": "users" } }, "editor": null },
        "links": { "self": "/2/teams/acme/api-keys/hcxik_01k5v7m3t9q4w8x2y6z0a1b2c4" } } });
    fits("key_response", &key).unwrap();
    assert!(fits("key_create_response", &key).is_err(), "a created key has its secret");
    key["data"]["relationships"]["editor"] = json!({ "data": null });
    assert!(fits("key_response", &key).is_err(), "null stands in place of the whole relationship");
    key["data"]["relationships"]["editor"] = Value::Null;
    key["data"]["attributes"]["secret"] = json!("0123456789abcdef0123456789abcdef");
    fits("key_create_response", &key).unwrap();
    assert!(fits("key_response", &key).is_err(), "a secret is shown once");
    key["data"]["attributes"]["timestamps"]["created"] = json!("yesterdayZ");
    assert!(fits("key_create_response", &key).is_err(), "formats are checked");
}
