//! What a key's own credential says of it (OpenAPI: `Auth`; flat, not JSON:API).

use serde::Deserialize;

use crate::honeycomb::json;
use crate::ports::Proof;

#[derive(Deserialize)]
struct Document {
    r#type: String,
    team: Place,
    /// Left out or empty for a Classic key.
    environment: Option<Place>,
}

#[derive(Deserialize)]
struct Place {
    #[serde(default)]
    slug: String,
}

/// Reads a proof. The `id` is left aside: a configuration key's is not the one of the v2 API, and an ingest key's is in
/// its credential.
pub(in crate::honeycomb) fn proof(body: &[u8]) -> Result<Proof, String> {
    let Document { r#type, team, environment } = json::read(body)?;
    let key_type = r#type.parse().map_err(|()| "`type` is neither `ingest` nor `configuration`")?;
    Ok(Proof {
        key_type,
        team: team.slug,
        environment: environment.map(|environment| environment.slug).unwrap_or_default(),
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
        let expected = Proof { key_type: KeyType::Ingest, team: "acme".into(), environment: "p".into() };
        assert_eq!(proof(body), Ok(expected));
    }

    #[test]
    fn a_classic_key_has_no_environment() {
        let body = br#"{"id":"Ab_1","type":"configuration","team":{"slug":"acme"}}"#;
        assert_eq!(proof(body).unwrap().environment, "");
        assert!(super::proof(br#"{"type":"management","team":{"slug":"acme"}}"#).is_err());
    }
}
