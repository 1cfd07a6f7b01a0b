//! What a key's own credential says of it (OpenAPI: `Auth`; flat, not JSON:API).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::honeycomb::json;
use crate::model::Permission;
use crate::ports::Proof;

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    id: String,
    r#type: String,
    #[serde(default)]
    api_key_access: BTreeMap<String, Value>,
    team: Place,
    /// Left out or empty for a Classic key.
    environment: Option<Place>,
}

#[derive(Default, Deserialize)]
struct Place {
    #[serde(default)]
    name: String,
    #[serde(default)]
    slug: String,
}

/// The flags that the answer has for permissions; the others it says nothing of.
const FLAGS: [(&str, Permission); 10] = [
    ("createDatasets", Permission::CreateDatasets),
    ("events", Permission::SendEvents),
    ("markers", Permission::ManageMarkers),
    ("triggers", Permission::ManageTriggers),
    ("boards", Permission::ManageBoards),
    ("queries", Permission::RunQueries),
    ("columns", Permission::ManageColumns),
    ("slos", Permission::ManageSlos),
    ("recipients", Permission::ManageRecipients),
    ("privateBoards", Permission::ManagePrivateBoards),
];

/// Reads a proof.
pub(in crate::honeycomb) fn proof(body: &[u8]) -> Result<Proof, String> {
    let Document { id, r#type, api_key_access, team, environment } = json::read(body)?;
    let key_type = r#type.parse().map_err(|()| "`type` is neither `ingest` nor `configuration`")?;
    let told = |(flag, permission)| Some((permission, api_key_access.get(flag)?.as_bool()?));
    let Place { name, slug } = environment.unwrap_or_default();
    Ok(Proof {
        key_type,
        team: team.slug,
        environment: slug,
        environment_name: name,
        id,
        permissions: FLAGS.into_iter().filter_map(told).collect(),
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
            environment_name: "P".into(),
            id: "x".into(),
            permissions: [(Permission::CreateDatasets, true)].into(),
        };
        assert_eq!(proof(body), Ok(expected));
    }

    #[test]
    fn only_flags_that_say_yes_or_no_count() {
        let body = br#"{"type":"configuration","team":{"slug":"acme"},
            "api_key_access":{"queries":true,"slos":false,"boards":"yes","somethingElse":true}}"#;
        let told = [(Permission::RunQueries, true), (Permission::ManageSlos, false)];
        assert_eq!(proof(body).unwrap().permissions, told.into());
    }

    #[test]
    fn a_classic_key_has_no_environment() {
        let body = br#"{"id":"Ab_1","type":"configuration","team":{"slug":"acme"}}"#;
        assert_eq!(proof(body).unwrap().environment, "");
        assert_eq!(proof(body).unwrap().permissions, [].into());
        assert!(super::proof(br#"{"type":"management","team":{"slug":"acme"}}"#).is_err());
    }
}
