//! Who the management key is (OpenAPI: `AuthV2Response`).

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::honeycomb::json;
use crate::model::{Access, Scope, TeamSlug};

#[derive(Deserialize)]
struct Document {
    data: Data,
    #[serde(default)]
    included: Vec<Included>,
}

#[derive(Deserialize)]
struct Data {
    id: String,
    attributes: Attributes,
    relationships: Option<Relationships>,
}

#[derive(Deserialize)]
struct Attributes {
    #[serde(default)]
    name: String,
    #[serde(default)]
    scopes: Vec<String>,
}

#[derive(Deserialize)]
struct Relationships {
    team: Option<Team>,
}

#[derive(Deserialize)]
struct Team {
    data: TeamId,
}

#[derive(Deserialize)]
struct TeamId {
    id: String,
}

#[derive(Deserialize)]
struct Included {
    id: String,
    r#type: String,
    attributes: Option<TeamAttributes>,
}

#[derive(Deserialize)]
struct TeamAttributes {
    #[serde(default)]
    name: String,
    slug: Option<String>,
}

/// Reads who the management key is. Its team is the `included` one that `relationships.team` names.
pub(in crate::honeycomb) fn access(body: &[u8]) -> Result<Access, String> {
    let Document { data: Data { id, attributes, relationships }, included } = json::read(body)?;
    let team = relationships.and_then(|r| r.team).ok_or("`data.relationships.team` is missing")?.data.id;
    let team = included
        .into_iter()
        .find(|included| included.r#type == "teams" && included.id == team)
        .and_then(|included| included.attributes)
        .ok_or("the team of `data.relationships.team` is not in `included`")?;
    let slug = team.slug.ok_or("the team in `included` has no slug")?;
    Ok(Access {
        key_id: id,
        key_name: attributes.name,
        team: TeamSlug::new(slug)
            .map_err(|error| format!("the team's slug in `included` is none ({error})"))?,
        team_name: team.name,
        scopes: attributes.scopes.iter().flat_map(|scope| granted(scope)).copied().collect::<BTreeSet<_>>(),
        listed_scopes: attributes.scopes,
    })
}

/// What a listed scope grants: writing includes reading, which is not listed then. Others are of no use here.
fn granted(scope: &str) -> &'static [Scope] {
    match scope {
        "environments:read" => &[Scope::EnvironmentsRead],
        "environments:write" => &[Scope::EnvironmentsRead, Scope::EnvironmentsWrite],
        "api-keys:read" => &[Scope::KeysRead],
        "api-keys:write" => &[Scope::KeysRead, Scope::KeysWrite],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(scopes: &str, relationships: &str, slug: &str) -> String {
        format!(
            r#"{{"data":{{"id":"hcxmk_1","type":"api-keys","attributes":{{"name":"bot","scopes":[{scopes}]}}{relationships}}},
               "included":[{{"id":"hcxus_1","type":"users"}},{{"id":"hcxtm_0","type":"teams","attributes":{{"slug":"other"}}}},
               {{"id":"hcxtm_1","type":"teams","attributes":{{"name":"Acme"{slug}}}}}]}}"#
        )
    }

    const TEAM: &str = r#","relationships":{"team":{"data":{"id":"hcxtm_1","type":"teams"}}}"#;

    #[test]
    fn writing_includes_reading_and_foreign_scopes_are_ignored() {
        let body = body(r#""api-keys:write","environments:read","mcp:write""#, TEAM, r#","slug":"acme""#);
        let access = access(body.as_bytes()).unwrap();
        assert_eq!(
            access.scopes,
            BTreeSet::from([Scope::EnvironmentsRead, Scope::KeysRead, Scope::KeysWrite])
        );
        assert_eq!(access.listed_scopes, ["api-keys:write", "environments:read", "mcp:write"]);
        assert_eq!((access.team.as_str(), access.team_name.as_str()), ("acme", "Acme"));
        assert_eq!((access.key_id.as_str(), access.key_name.as_str()), ("hcxmk_1", "bot"));
    }

    #[test]
    fn a_key_without_a_team_is_refused() {
        let foreign = r#","relationships":{"team":{"data":{"id":"hcxtm_9"}}}"#;
        for (body, expected) in [
            (body("", "", r#","slug":"acme""#), "`data.relationships.team` is missing"),
            (
                body("", foreign, r#","slug":"acme""#),
                "the team of `data.relationships.team` is not in `included`",
            ),
            (body("", TEAM, ""), "the team in `included` has no slug"),
        ] {
            assert_eq!(access(body.as_bytes()).unwrap_err(), expected);
        }
    }
}
