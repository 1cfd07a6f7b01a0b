//! The JSON Schema of a saved plan, for who reads one by machine.

use serde_json::{Value, json};

/// The JSON Schema (draft 7) of `keycomb.saved_plan/1`.
///
/// The plan within is keycomb's own; `keycomb show FILE --format json` gives it as `keycomb.plan/1`.
pub fn schema() -> Value {
    let text = |words: &str| json!({ "description": words, "type": "string" });
    let time = |words: &str| json!({ "description": words, "type": "string", "format": "date-time" });
    let sha256 = json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" });
    let closed = |words: &str, fields: Value| {
        let required: Vec<String> =
            fields.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        json!({
            "description": words, "type": "object", "additionalProperties": false,
            "required": required, "properties": fields,
        })
    };
    let list = |words: &str, items: Value| json!({ "description": words, "type": "array", "items": items });
    let fields = json!({
        "format": { "const": "keycomb.saved_plan/1" },
        "keycomb": text("The version of keycomb that wrote it."),
        "team": text("The team's slug."),
        "endpoint": text("The service's base address."),
        "intent": {
            "description": "What the plan does: the same for a plan that does the same to the same things.",
            "type": "string", "pattern": "^kc1:[0-9a-z]{4}(-[0-9a-z]{4}){3}$",
        },
        "may_be_applied": { "description": "Whether an apply may carry it out.", "type": "boolean" },
        "made": time("The service's clock when everything was read."),
        "valid_until": time("Until when it may be carried out, by the service's clock."),
        "files": list("Every file of the configuration, by name.", closed("A file.", json!({
            "name": text("Relative to the main file's folder."), "sha256": sha256,
        }))),
        "sealed": { "description": "The sealed file; null when there was none.", "oneOf": [
            { "type": "null" },
            closed("A sealed file.", json!({
                "lineage": text("Made once, random."),
                "serial": { "description": "One more with each save.", "type": "integer", "minimum": 1 },
                "sha256": sha256,
            })),
        ] },
        "recipients": list("Who is in [seal.recipients], by name.", closed("A recipient.", json!({
            "name": text("Its name."), "fingerprint": text("The first 16 hexadecimal digits of its SHA-256."),
        }))),
        "scopes": list("The scopes that carrying it out needs besides reading.", text("A scope.")),
        "objects": list("What it touches, as that was.", closed("A thing, by the address that touches it.", json!({
            "address": text("The address."),
            "object": { "description": "key, environment, gone, no_key or no_environment.", "type": "object",
                "minProperties": 1, "maxProperties": 1 },
        }))),
        "plan": closed("The plan in keycomb's own form; what was chosen and lifted is in its header.", json!({
            "header": { "type": "object" }, "actions": { "type": "array" },
            "findings": { "type": "array" }, "summary": { "type": "object" },
        })),
        "digest": { "description": "The SHA-256 of all bytes before it.", "type": "string",
            "pattern": "^[0-9a-f]{64}$" },
    });
    let mut schema = closed(
        "A plan in a file, as `keycomb plan --out FILE` writes it and `keycomb apply FILE` takes it.",
        fields,
    );
    if let Some(root) = schema.as_object_mut() {
        root.insert("$schema".into(), "http://json-schema.org/draft-07/schema#".into());
        root.insert("title".into(), "keycomb saved plan".into());
    }
    schema
}
