//! The answer to a request for a key: the only place where a secret stands.

use serde::Deserialize;

use super::Text;
use crate::honeycomb::json;
use crate::model::Secret;
use crate::ports::CreatedKey;

#[derive(Deserialize)]
struct Minted<'a> {
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    attributes: Attributes<'a>,
}

#[derive(Deserialize)]
struct Attributes<'a> {
    #[serde(borrow)]
    secret: Text<'a>,
}

/// Reads a fresh key and its secret. `body` is the caller's to wipe.
pub(in crate::honeycomb) fn created_key(body: &[u8]) -> Result<CreatedKey, String> {
    let key = super::key(body)?;
    let Minted { data: Data { attributes: Attributes { secret } } } = json::read(body)?;
    // Honeycomb's secrets have no characters that JSON escapes, so this is the one copy.
    let secret = Secret::new(secret.0.into_owned());
    if secret.expose().is_empty() {
        return Err("`data.attributes.secret` is empty".into());
    }
    Ok(CreatedKey { key, secret })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(secret: &str) -> String {
        format!(
            r#"{{"data":{{"id":"hcxik_1","type":"api-keys","attributes":{{"key_type":"ingest","name":"n"{secret}}},
               "relationships":{{"environment":{{"data":{{"id":"hcxen_1"}}}}}}}}}}"#
        )
    }

    #[test]
    fn the_secret_is_read() {
        let created = created_key(body(r#","secret":"s3cret""#).as_bytes()).unwrap();
        assert_eq!(created.secret.expose(), "s3cret");
        assert!(!format!("{created:?}").contains("s3cret"));
    }

    #[test]
    fn a_secret_that_is_none_is_refused_and_not_quoted() {
        for (secret, expected) in [
            ("", "field `secret` is missing at `data.attributes`"),
            (r#","secret":"""#, "`data.attributes.secret` is empty"),
            (r#","secret":null"#, "not of the expected type at `data.attributes.secret`"),
            (r#","secret":["s3cret"]"#, "not of the expected type at `data.attributes.secret`"),
            (r#","secret":"s3cret","secret":"s3cret""#, "not of the expected type at `data.attributes`"),
        ] {
            let problem = created_key(body(secret).as_bytes()).unwrap_err();
            assert!(problem.starts_with(expected), "{problem}");
            assert!(!problem.contains("s3cret"), "{problem}");
        }
    }

    #[test]
    fn every_truncation_is_refused() {
        let body = body(r#","secret":"s3cret""#);
        for end in 0..body.len() {
            assert!(created_key(&body.as_bytes()[..end]).is_err(), "{end}");
        }
    }
}
