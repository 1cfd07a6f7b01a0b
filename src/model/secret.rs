//! The one type for secrets.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::{KeyId, KeyType};

/// A secret: wiped on drop, shows nothing in `Debug`, cannot be cloned, compared or serialized.
pub struct Secret(SecretString);

impl Secret {
    /// Takes the secret over. The caller's own copies are the caller's to wipe.
    pub fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// The only way out. For the authorization header, the sealed payload, and what a person asked to open.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether it can stand in a header and on a terminal: printable ASCII without blanks, and not empty.
    pub fn is_printable(&self) -> bool {
        let text = self.expose();
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What goes into `X-Honeycomb-Team`: an ingest key's id and secret joined, a configuration key's secret alone
/// (OpenAPI: `securitySchemes`).
pub fn credential(key_type: KeyType, id: &KeyId, secret: &Secret) -> Secret {
    let secret = secret.expose();
    match key_type {
        KeyType::Ingest => {
            // Exactly as long as it gets: a text that grows, or is cut to its length, leaves a copy that nobody wipes.
            let mut joined = String::with_capacity(id.as_str().len() + secret.len());
            joined.push_str(id.as_str());
            joined.push_str(secret);
            Secret::new(joined)
        }
        KeyType::Configuration => Secret::new(secret.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_built_by_type() {
        let id = KeyId::new("hcxik_1").unwrap();
        let secret = Secret::new("s".into());
        assert_eq!(credential(KeyType::Ingest, &id, &secret).expose(), "hcxik_1s");
        assert_eq!(credential(KeyType::Configuration, &id, &secret).expose(), "s");
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("hunter2".into())), "Secret(…)");
    }
}
