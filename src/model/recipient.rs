//! Who can open a sealed secret: the public half of an age or SSH key.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A public recipient that parses: age X25519 (`age1…`), `ssh-ed25519` or `ssh-rsa`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Recipient(String);

impl Recipient {
    /// The recipient as `age` itself takes it; an SSH recipient without its comment.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A short public mark of it: the first 16 hex digits of its SHA-256. An age file does not reveal its recipients.
    pub fn fingerprint(&self) -> String {
        Sha256::digest(self.0.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// What is remembered of it under its name in `[seal.recipients]`.
    pub fn named(&self, name: &str) -> RecipientRef {
        RecipientRef { name: name.to_owned(), fingerprint: self.fingerprint() }
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Recipient {
    type Err = RecipientError;

    fn from_str(text: &str) -> Result<Self, RecipientError> {
        let text = text.trim();
        if text.to_ascii_uppercase().contains("AGE-SECRET-KEY-") || text.contains("PRIVATE KEY") {
            return Err(RecipientError::Identity);
        }
        if text.starts_with("age1") {
            return match text.parse::<age::x25519::Recipient>() {
                Ok(recipient) if is_low_order(&recipient) => Err(RecipientError::Invalid),
                Ok(_) => Ok(Self(text.to_owned())),
                // A plugin's recipient has its name after `age1` and bech32's separator `1` after it.
                Err(_) if text.matches('1').count() > 1 => Err(RecipientError::Plugin),
                Err(_) => Err(RecipientError::Invalid),
            };
        }
        if text.starts_with("ssh-") || text.starts_with("ecdsa-") || text.starts_with("sk-") {
            let bare = text.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
            return match bare.parse::<age::ssh::Recipient>() {
                // What is sealed to a point of low order, anybody can open.
                Ok(age::ssh::Recipient::SshEd25519(_, point)) if point.is_small_order() => {
                    Err(RecipientError::Invalid)
                }
                Ok(_) => Ok(Self(bare)),
                Err(_) if text.starts_with("ssh-ed25519") || text.starts_with("ssh-rsa") => {
                    Err(RecipientError::Invalid)
                }
                Err(_) => Err(RecipientError::SshKind),
            };
        }
        let lower = text.to_ascii_lowercase();
        if lower.starts_with("passphrase") || lower.starts_with("scrypt") || lower.starts_with("-> scrypt") {
            return Err(RecipientError::Passphrase);
        }
        Err(RecipientError::Invalid)
    }
}

/// The points of low order on Curve25519, with their coordinate below the prime (RFC 7748 section 7; cr.yp.to/ecdh.html).
///
/// Sealing to one makes the age crate panic. Its recipients compare as field elements, so that the other
/// encodings of these points equal them too.
const LOW_ORDER: [&str; 5] = [
    "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z",
    "age1qyqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqj7vrya",
    "age1ur4h5lpmgxu2u9jku0a0r87ydtdqnr0tnsetrlvxvgz3vh6fhqqqzyt4v9",
    "age1t7wft09r2zxzfvwsk92eeql0tvzyghxytqwgapkcyf8dm5ylz9ts6wm9s8",
    "age1anlllllllllllllllllllllllllllllllllllllllllllllllals4n2t7m",
];

fn is_low_order(recipient: &age::x25519::Recipient) -> bool {
    LOW_ORDER.iter().any(|point| point.parse().is_ok_and(|low: age::x25519::Recipient| &low == recipient))
}

/// Why a text is no recipient. Never repeats the text: it may be an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecipientError {
    /// A private key was given.
    #[error("this is a private key; a recipient is its public half")]
    Identity,
    /// A passphrase: anyone who can guess it opens the file, and the deploy job would have to know it.
    #[error("a passphrase cannot be a recipient; use an age or SSH public key")]
    Passphrase,
    /// A plugin's recipient.
    #[error("recipients of age plugins are not supported; use `age1…` (X25519), `ssh-ed25519` or `ssh-rsa`")]
    Plugin,
    /// An SSH key of a kind age cannot seal to.
    #[error("age cannot seal to this kind of SSH key; use `ssh-ed25519` or `ssh-rsa`")]
    SshKind,
    /// Anything else.
    #[error("this is no recipient; expected `age1…` (X25519), `ssh-ed25519 AAAA…` or `ssh-rsa AAAA…`")]
    Invalid,
}

/// A recipient as the sealed file remembers it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipientRef {
    /// Its name in `[seal.recipients]`.
    pub name: String,
    /// [`Recipient::fingerprint`].
    pub fingerprint: String,
}

impl RecipientRef {
    /// Its name, and the beginning of its fingerprint where one of `others` has the name and is another key.
    pub fn among<'a>(&self, others: impl IntoIterator<Item = &'a Self>) -> String {
        let Self { name, fingerprint } = self;
        let is_namesake = |other: &Self| other.name == *name && other.fingerprint != *fingerprint;
        if !others.into_iter().any(is_namesake) {
            return name.clone();
        }
        format!("{name} ({})", fingerprint.get(..8).unwrap_or(fingerprint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn a_public_key_is_a_recipient_and_a_private_one_is_not() {
        let identity = age::x25519::Identity::generate();
        let public = identity.to_public().to_string();
        assert_eq!(public.parse::<Recipient>().unwrap().as_str(), public);
        let private = identity.to_string();
        assert_eq!(private.expose_secret().parse::<Recipient>(), Err(RecipientError::Identity));
    }

    #[test]
    fn an_ssh_recipient_loses_its_comment() {
        let bare = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN";
        assert_eq!(format!("{bare} alice@host").parse::<Recipient>().unwrap().as_str(), bare);
    }

    #[test]
    fn what_cannot_be_sealed_to_is_refused() {
        use RecipientError::{Invalid, Passphrase, Plugin};
        for (text, error) in
            [("", Invalid), ("age1abc", Invalid), ("age1yubikey1qwerty", Plugin), ("passphrase", Passphrase)]
        {
            assert_eq!(text.parse::<Recipient>(), Err(error), "{text}");
        }
    }
    #[test]
    fn no_encoding_of_a_low_order_point_is_a_recipient() {
        // The same coordinates, the prime and the number after it, and all with the ignored top bit set.
        let others = [
            "age1ahlllllllllllllllllllllllllllllllllllllllllllllllalsn46ayy",
            "age1amlllllllllllllllllllllllllllllllllllllllllllllllalselrwrv",
            "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqzqqsuwj9m",
            "age1qyqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqzqqk67yly",
            "age1ur4h5lpmgxu2u9jku0a0r87ydtdqnr0tnsetrlvxvgz3vh6fhzqqxqejhu",
            "age1t7wft09r2zxzfvwsk92eeql0tvzyghxytqwgapkcyf8dm5ylz8ts72fzt7",
            "age1anllllllllllllllllllllllllllllllllllllllllllllllllls3hcv9z",
            "age1ahlllllllllllllllllllllllllllllllllllllllllllllllllsh3g6la",
            "age1amlllllllllllllllllllllllllllllllllllllllllllllllllsam3fc4",
        ];
        for text in LOW_ORDER.iter().chain(&others) {
            assert!(text.parse::<age::x25519::Recipient>().is_ok(), "{text} is bech32 of 32 bytes");
            assert_eq!(text.parse::<Recipient>(), Err(RecipientError::Invalid), "{text}");
        }
        // The neutral element of Ed25519.
        let neutral = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        assert!(neutral.parse::<age::ssh::Recipient>().is_ok());
        assert_eq!(neutral.parse::<Recipient>(), Err(RecipientError::Invalid));
    }
}
