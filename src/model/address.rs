//! A thing's name in keycomb: `environment.production`, `key.production.checkout`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name of a table in the configuration: 1 to 64 of `A-Z a-z 0-9 _ -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(String);

impl Label {
    /// Checks `text` and makes it a label.
    ///
    /// # Errors
    /// [`AddressError::Label`] when it is empty, longer than 64, or has another character.
    pub fn new(text: impl Into<String>) -> Result<Self, AddressError> {
        let text = text.into();
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if text.is_empty() || text.len() > 64 || !text.chars().all(allowed) {
            return Err(AddressError::Label);
        }
        Ok(Self(text))
    }

    /// The label as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for Label {
    type Error = AddressError;
    fn try_from(text: String) -> Result<Self, AddressError> {
        Self::new(text)
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.0
    }
}

/// Where something is declared: environments sort before keys, then by name.
///
/// Written `environment.NAME` or `key.ENVIRONMENT.NAME`, in text and in serde alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Address {
    /// `environment.NAME`
    Environment(Label),
    /// `key.ENVIRONMENT.NAME`
    Key {
        /// The environment's label, not the service's name of it.
        environment: Label,
        /// The key's label.
        key: Label,
    },
}

impl Address {
    /// The label of the environment that this is, or is in.
    pub fn environment(&self) -> &Label {
        match self {
            Self::Environment(label) => label,
            Self::Key { environment, .. } => environment,
        }
    }

    /// What this becomes when all at `from` moves to `to`; `None` where it stays. The keys of an environment move with it.
    pub fn moved(&self, from: &Self, to: &Self) -> Option<Self> {
        if self == from {
            return Some(to.clone());
        }
        match (self, from, to) {
            (Self::Key { environment, key }, Self::Environment(old), Self::Environment(new))
                if environment == old =>
            {
                Some(Self::Key { environment: new.clone(), key: key.clone() })
            }
            _ => None,
        }
    }

    /// Whether this names a key.
    pub fn is_key(&self) -> bool {
        matches!(self, Self::Key { .. })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(label) => f.pad(&format!("environment.{label}")),
            Self::Key { environment, key } => f.pad(&format!("key.{environment}.{key}")),
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let parts: Vec<&str> = text.split('.').collect();
        match parts.as_slice() {
            ["environment", label] => Ok(Self::Environment(Label::new(*label)?)),
            ["key", environment, key] => {
                Ok(Self::Key { environment: Label::new(*environment)?, key: Label::new(*key)? })
            }
            _ => Err(AddressError::Form),
        }
    }
}

impl TryFrom<String> for Address {
    type Error = AddressError;
    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

/// Why a text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not `environment.NAME` and not `key.ENVIRONMENT.NAME`.
    #[error("an address is `environment.NAME` or `key.ENVIRONMENT.NAME`")]
    Form,
    /// A part of it is no label.
    #[error("a name is 1 to 64 of the characters A-Z a-z 0-9 _ -")]
    Label,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_back_as_they_are_written() {
        for text in ["environment.production", "key.production.check-out_2"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "key", "key.a", "key.a.b.c", "environment.", "key.a.b c", "team.a"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    #[test]
    fn environments_sort_before_keys() {
        let environment: Address = "environment.z".parse().unwrap();
        let key: Address = "key.a.a".parse().unwrap();
        assert!(environment < key);
    }
}
