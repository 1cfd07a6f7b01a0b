//! Ids and names that must not be mixed up. Each checks itself once, when it is made.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not the id it should be. Never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{expected}")]
pub struct IdError {
    expected: &'static str,
}

macro_rules! text_newtype {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks `text` and makes it one.
            ///
            /// # Errors
            /// When the text does not have the form; the error says the form, not the text.
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                let check: fn(&str) -> bool = $check;
                if check(&text) { Ok(Self(text)) } else { Err(IdError { expected: $expected }) }
            }

            /// The text of it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

/// Ids go into request paths: only characters that cannot leave their path segment.
fn is_path_safe(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

pub(super) fn is_crockford(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| CROCKFORD.contains(&b))
}

text_newtype! {
    /// A key's id at the service, such as `hcxik_…`. Opaque: never read a key's type from its prefix.
    KeyId, "an id is 1 to 128 of the characters A-Z a-z 0-9 _ -", is_path_safe
}
text_newtype! {
    /// An environment's id at the service, such as `hcxen_…`.
    EnvironmentId, "an id is 1 to 128 of the characters A-Z a-z 0-9 _ -", is_path_safe
}
text_newtype! {
    /// A team's slug, as it stands in Honeycomb's addresses.
    TeamSlug, "a team slug is 1 to 128 of the characters A-Z a-z 0-9 _ -", is_path_safe
}
text_newtype! {
    /// What ties a sealed file to the keys it made: 16 random characters, lower-case Crockford base32, made once.
    Lineage, "a lineage is 16 characters of lower-case Crockford base32", |t| is_crockford(t, 16)
}
text_newtype! {
    /// One try at making one key: 16 random characters, lower-case Crockford base32.
    Nonce, "a nonce is 16 characters of lower-case Crockford base32", |t| is_crockford(t, 16)
}
text_newtype! {
    /// The service's base address: `https://host[:port]`, or `http://` on loopback; no path, no trailing slash.
    Endpoint, "an endpoint is `https://HOST[:PORT]` without a path (`http://` only for this machine)", is_endpoint
}

fn is_endpoint(text: &str) -> bool {
    let (authority, loopback_only) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (rest, false),
        (_, Some(rest)) => (rest, true),
        _ => return false,
    };
    let host = authority.rsplit_once(':').map_or(authority, |(host, port)| {
        if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) { host } else { authority }
    });
    let known = |b: u8| b.is_ascii_alphanumeric() || b"-.[]:".contains(&b);
    let loopback = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
    !host.is_empty() && authority.bytes().all(known) && (loopback || !loopback_only)
}

impl Endpoint {
    /// Honeycomb's endpoint in the United States.
    pub fn us() -> Self {
        Self("https://api.honeycomb.io".into())
    }

    /// Honeycomb's endpoint in the European Union.
    pub fn eu() -> Self {
        Self("https://api.eu1.honeycomb.io".into())
    }
}

pub(super) const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Five bits of each byte, as lower-case Crockford base32.
fn crockford(bytes: [u8; 16]) -> String {
    bytes.iter().filter_map(|byte| CROCKFORD.get(usize::from(byte & 31))).map(|&b| char::from(b)).collect()
}

impl Nonce {
    /// A nonce of 80 bits out of 16 random bytes.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(crockford(bytes))
    }
}

impl Lineage {
    /// A lineage of 80 bits out of 16 random bytes.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(crockford(bytes))
    }

    /// The first eight characters, as they stand in provisional names.
    pub fn short(&self) -> &str {
        self.0.get(..8).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_leave_its_path_segment() {
        for text in ["", "a/b", "..", "a?b", "a%2f", "a b", "ä"] {
            assert!(KeyId::new(text).is_err(), "{text}");
        }
        assert!(KeyId::new("hcxik_01k5v7m3t9q4w8x2y6z0a1b2c4").is_ok());
    }

    #[test]
    fn random_bytes_make_a_nonce_and_a_lineage() {
        let bytes = [255, 0, 31, 32, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18];
        assert!(Nonce::new(Nonce::from_random(bytes).as_str()).is_ok());
        assert!(Lineage::new(Lineage::from_random(bytes).as_str()).is_ok());
    }

    #[test]
    fn endpoints_are_https_or_this_machine() {
        for good in ["https://api.honeycomb.io", "http://127.0.0.1:8080", "http://[::1]:9", "https://h:1"] {
            assert!(Endpoint::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "api.honeycomb.io",
            "http://example.com",
            "https://a/b",
            "https://u@h",
            "ftp://h",
            "https://",
        ] {
            assert!(Endpoint::new(bad).is_err(), "{bad}");
        }
    }
}
