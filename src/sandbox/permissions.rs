//! What keys may be allowed to do.

use std::collections::BTreeMap;

use super::truth::KeyType;

/// Permission name to whether it is given.
pub(super) type Permissions = BTreeMap<String, bool>;

/// Every permission of a configuration key, in the order of answers, with its flag on `/1/auth` where it has one
/// (OpenAPI: ConfigurationKeyAttributes, Auth).
const CONFIGURATION: [(&str, Option<&str>); 13] = [
    ("create_datasets", Some("createDatasets")),
    ("send_events", Some("events")),
    ("manage_markers", Some("markers")),
    ("manage_triggers", Some("triggers")),
    ("manage_boards", Some("boards")),
    ("run_queries", Some("queries")),
    ("manage_columns", Some("columns")),
    ("manage_slos", Some("slos")),
    ("manage_recipients", Some("recipients")),
    ("manage_signals", None),
    ("manage_privateBoards", Some("privateBoards")),
    ("read_service_maps", None),
    ("visible_team_members", None),
];

const INGEST: [(&str, Option<&str>); 1] = [("create_datasets", Some("createDatasets"))];

/// The permissions of a type, in the order of answers, with their flags on `/1/auth`.
pub(super) fn of(key_type: KeyType) -> &'static [(&'static str, Option<&'static str>)] {
    match key_type {
        KeyType::Ingest => &INGEST,
        KeyType::Configuration => &CONFIGURATION,
    }
}

/// Whether a type has a permission of this name.
pub(super) fn is_known(key_type: KeyType, name: &str) -> bool {
    of(key_type).iter().any(|(known, _)| *known == name)
}

/// Every permission of a type: as given, or false.
pub(super) fn complete(key_type: KeyType, given: &Permissions) -> Permissions {
    of(key_type).iter().map(|(name, _)| ((*name).to_owned(), is_given(given, name))).collect()
}

/// Whether a permission is there and true.
pub(super) fn is_given(permissions: &Permissions, name: &str) -> bool {
    permissions.get(name).copied().unwrap_or(false)
}

/// Whether both of the two that exclude each other are given (terraform-provider-honeycombio: api_key resource).
pub(super) fn contradict(permissions: &Permissions) -> bool {
    is_given(permissions, "manage_privateBoards") && is_given(permissions, "visible_team_members")
}
