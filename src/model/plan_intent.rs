//! Short marks of what a plan does, and of a saved plan's bytes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ids::is_crockford;
use super::provisional::base32_hash;

const PREFIX: &str = "kc1:";

/// What a plan does, as `kc1:xxxx-xxxx-xxxx-xxxx`: 80 bits of a SHA-256 in lower-case Crockford base32.
///
/// Two plans with the same intent do the same to the same things.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PlanIntent(String);

impl PlanIntent {
    /// The intent that a canonical text stands for.
    pub fn of(canonical: &str) -> Self {
        let hash = base32_hash(canonical, 16);
        let groups: Vec<String> = hash
            .as_bytes()
            .chunks(4)
            .map(|group| group.iter().map(|byte| char::from(*byte)).collect())
            .collect();
        Self(format!("{PREFIX}{}", groups.join("-")))
    }

    /// The text of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PlanIntent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for PlanIntent {
    type Err = PlanIntentError;

    /// Strict: whoever compares must not compare with something else than was meant.
    fn from_str(text: &str) -> Result<Self, PlanIntentError> {
        let groups: Vec<&str> = text.strip_prefix(PREFIX).ok_or(PlanIntentError)?.split('-').collect();
        let is_whole = groups.len() == 4 && groups.iter().all(|group| is_crockford(group, 4));
        if is_whole { Ok(Self(text.to_owned())) } else { Err(PlanIntentError) }
    }
}

impl TryFrom<String> for PlanIntent {
    type Error = PlanIntentError;
    fn try_from(text: String) -> Result<Self, PlanIntentError> {
        text.parse()
    }
}

impl From<PlanIntent> for String {
    fn from(intent: PlanIntent) -> Self {
        intent.0
    }
}

/// Why a text is no intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an intent is `kc1:xxxx-xxxx-xxxx-xxxx`, as `keycomb plan` says it")]
pub struct PlanIntentError;

/// The SHA-256 of some bytes: 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PlanDigest(String);

impl PlanDigest {
    /// Checks a text and makes it one; `None` for any other form.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 64 && text.bytes().all(is_hex)).then(|| Self(text.to_owned()))
    }

    /// The text of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PlanDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for PlanDigest {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a digest is 64 lower-case hexadecimal digits")
    }
}

impl From<PlanDigest> for String {
    fn from(digest: PlanDigest) -> Self {
        digest.0
    }
}

/// The SHA-256 of a text or a file.
pub fn digest_of(bytes: impl AsRef<[u8]>) -> PlanDigest {
    PlanDigest(Sha256::digest(bytes.as_ref()).iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intent_reads_back_and_nothing_like_it_does() {
        let intent = PlanIntent::of("a plan");
        assert_eq!(intent.as_str().len(), 23);
        assert_eq!(intent.as_str().parse(), Ok(intent.clone()));
        let text = intent.as_str();
        let wrong = [
            String::new(),
            text.to_uppercase(),
            text.replace("kc1", "kc2"),
            text.replace('-', ""),
            format!("{text} "),
            format!("{text}-0000"),
            text.chars().take(22).collect(),
            "kc1:iiii-llll-oooo-uuuu".to_owned(),
        ];
        for wrong in wrong {
            assert_eq!(wrong.parse::<PlanIntent>(), Err(PlanIntentError), "{wrong}");
        }
    }

    /// Comments on pull requests and `--expect` in scripts hold it.
    #[test]
    fn the_form_is_fixed() {
        assert_eq!(PlanIntent::of("").as_str(), "kc1:werc-8gmr-zge1-96qv");
    }
}
