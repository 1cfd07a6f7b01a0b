//! What a key's answer holds.

use serde_json::{Value, json};

/// The permissions of a configuration key; the first is an ingest key's only one.
pub const PERMISSIONS: [&str; 13] = [
    "create_datasets",
    "send_events",
    "manage_markers",
    "manage_triggers",
    "manage_boards",
    "run_queries",
    "manage_columns",
    "manage_slos",
    "manage_recipients",
    "manage_signals",
    "manage_privateBoards",
    "read_service_maps",
    "visible_team_members",
];

/// All thirteen permissions, those named being true.
pub fn permissions(granted: &[&str]) -> Value {
    PERMISSIONS
        .iter()
        .map(|&name| (name.to_owned(), json!(granted.contains(&name))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// A created key without its secret: what every later answer shows.
pub fn without_secret(created: &Value) -> Value {
    let mut shown = created.clone();
    shown["data"]["attributes"]
        .as_object_mut()
        .unwrap()
        .remove("secret")
        .expect("a created key has a secret");
    shown
}
