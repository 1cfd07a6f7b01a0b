//! What a key's own credential says of it (OpenAPI: `Auth`; flat, not JSON:API).

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::honeycomb::json;
use crate::model::Permission;
use crate::ports::Proof;

#[derive(Deserialize)]
struct Document {
    r#type: String,
    team: Place,
    /// Left out or empty for a Classic key.
    environment: Option<Place>,
    #[serde(default)]
    api_key_access: BTreeMap<String, bool>,
}

#[derive(Deserialize)]
struct Place {
    #[serde(default)]
    slug: String,
}

/// Reads a proof. The `id` is left aside: a configuration key's is not the one of the v2 API, and an ingest key's is in
/// its credential.
pub(in crate::honeycomb) fn proof(body: &[u8]) -> Result<Proof, String> {
    let Document { r#type, team, environment, api_key_access } = json::read(body)?;
    let key_type = r#type.parse().map_err(|()| "`type` is neither `ingest` nor `configuration`")?;
    Ok(Proof {
        key_type,
        team: team.slug,
        environment: environment.map(|environment| environment.slug).unwrap_or_default(),
        permissions: api_key_access.iter().filter_map(|(flag, on)| Some((named(flag)?, *on))).collect(),
    })
}

/// The permission that a flag stands for (OpenAPI: `Auth`, `api_key_access`); flags of no permission are left aside.
fn named(flag: &str) -> Option<Permission> {
    Some(match flag {
        "createDatasets" => Permission::CreateDatasets,
        "events" => Permission::SendEvents,
        "markers" => Permission::ManageMarkers,
        "triggers" => Permission::ManageTriggers,
        "boards" => Permission::ManageBoards,
        "queries" => Permission::RunQueries,
        "columns" => Permission::ManageColumns,
        "slos" => Permission::ManageSlos,
        "recipients" => Permission::ManageRecipients,
        "privateBoards" => Permission::ManagePrivateBoards,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::KeyType;

    #[test]
    fn a_proof_is_read() {
        let body = br#"{"id":"x","type":"ingest","api_key_access":{"createDatasets":true},
            "environment":{"name":"P","slug":"p"},"team":{"name":"Acme","slug":"acme"}}"#;
        let expected = Proof {
            key_type: KeyType::Ingest,
            team: "acme".into(),
            environment: "p".into(),
            permissions: [(Permission::CreateDatasets, true)].into(),
        };
        assert_eq!(proof(body), Ok(expected));
    }

    #[test]
    fn a_classic_key_has_no_environment() {
        let body = br#"{"id":"Ab_1","type":"configuration","team":{"slug":"acme"}}"#;
        assert_eq!(proof(body).unwrap().environment, "");
        assert!(super::proof(br#"{"type":"management","team":{"slug":"acme"}}"#).is_err());
    }
}
