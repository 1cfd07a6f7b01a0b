//! A glob over addresses.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Address, Glob};

/// A glob over addresses, such as `key.production.*`: `*` is any characters (dots too), `?` is one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(Glob);

impl Pattern {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether an address is meant.
    pub fn matches(&self, address: &Address) -> bool {
        self.0.matches(&address.to_string())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_-.*?".contains(c);
        if text.is_empty() || text.len() > 200 || !text.chars().all(is_allowed) {
            return Err(PatternError);
        }
        text.parse().map(Self).map_err(|_| PatternError)
    }
}

impl TryFrom<String> for Pattern {
    type Error = PatternError;
    fn try_from(text: String) -> Result<Self, PatternError> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.as_str().to_owned()
    }
}

/// Why a text is no glob over addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a glob is an address with `*` for any characters and `?` for one, such as `key.production.*`")]
pub struct PatternError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_characters_and_a_question_mark_is_one() {
        for (pattern, address, is_match) in [
            ("key.production.checkout", "key.production.checkout", true),
            ("key.production.checkout", "key.production.checkout2", false),
            ("key.production.*", "key.production.checkout", true),
            ("key.production.*", "environment.production", false),
            ("*.production*", "environment.production", true),
            ("*", "environment.production", true),
            ("key.*.checkout", "key.staging.checkout", true),
            ("key.*.checkout", "key.staging.ci", false),
            ("key.*a*a", "key.production.aba", true),
            ("key.*a*a", "key.production.ab", false),
            ("key.staging.c?", "key.staging.ci", true),
            ("key.staging.c?", "key.staging.c", false),
            ("**", "key.a.b", true),
        ] {
            let pattern: Pattern = pattern.parse().unwrap();
            assert_eq!(pattern.matches(&address.parse().unwrap()), is_match, "{pattern} {address}");
        }
    }

    #[test]
    fn what_cannot_be_in_an_address_is_refused() {
        for text in ["", "key.a b", "key.[ab].c", "key/a", "é", &"a".repeat(201)] {
            assert_eq!(text.parse::<Pattern>(), Err(PatternError), "{text}");
        }
    }
}
