//! The JSON Schema of the files, for editors and for `keycomb schema`.

use serde_json::{Value, json};

use super::field::Field;
use super::raw::RawFile;

/// What an included file cannot have: its presence tells a main file.
const MAIN_ONLY: [&str; 7] = ["version", "include", "honeycomb", "seal", "policy", "defaults", "ignore"];

/// JSON Schema, draft 7, of a configuration file, main or included.
///
/// Wherever it refuses a file, so does [`parse`](super::parse); what takes more than one file to know, only `parse` refuses.
pub fn schema() -> Value {
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "keycomb configuration",
    });
    if let (Some(head), Value::Object(file)) = (schema.as_object_mut(), RawFile::schema()) {
        head.extend(file);
        let mark = |key: &&str| json!({ "required": [key] });
        head.insert("if".into(), json!({ "anyOf": MAIN_ONLY.iter().map(mark).collect::<Vec<_>>() }));
        head.insert("then".into(), json!({ "required": ["version", "honeycomb"] }));
        exclude(head, "/properties/honeycomb", &["region", "endpoint"]);
        exclude(head, "/properties/key/additionalProperties", &["environment", "environments"]);
        let one_of = json!([{ "required": ["environment"] }, { "required": ["environments"] }]);
        set(head, "/properties/key/additionalProperties", "anyOf", one_of);
        set(head, "/properties/key/additionalProperties/properties/environments", "minItems", json!(1));
        let external = "/properties/external_key/additionalProperties";
        set(head, external, "dependencies", json!({ "max_age": ["created"] }));
        let one_of = json!([{ "required": ["env"] }, { "required": ["file"] }]);
        set(head, &format!("{external}/properties/source"), "oneOf", one_of);
    }
    schema
}

/// Not both of two keys.
fn exclude(schema: &mut serde_json::Map<String, Value>, pointer: &str, keys: &[&str; 2]) {
    set(schema, pointer, "not", json!({ "required": keys }));
}

fn set(schema: &mut serde_json::Map<String, Value>, pointer: &str, key: &str, value: Value) {
    let mut parts = pointer.split('/').skip(1);
    let first = parts.next().and_then(|part| schema.get_mut(part));
    let found = parts.fold(first, |at, part| at.and_then(|at| at.get_mut(part)));
    if let Some(Value::Object(object)) = found {
        object.insert(key.into(), value);
    }
}
