//! The name a key has between its creation and its release.

use sha2::{Digest, Sha256};

use super::ids::{CROCKFORD, is_crockford};
use super::{Address, Lineage, Nonce};

const PREFIX: &str = "keycomb-pending";

/// `keycomb-pending.<lineage8>.<address tag10>.<nonce16>.<check6>`: 59 characters, lower-case Crockford base32.
///
/// The name is the only mark that can be left on a key at the service. `check` is a hash of the rest, so
/// that no name a person gives is taken for one of ours by accident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provisional {
    /// The first eight characters of the lineage that minted it.
    pub lineage: String,
    /// A hash of the address, ten characters.
    pub tag: String,
    /// The try that made it.
    pub nonce: Nonce,
}

impl Provisional {
    /// The provisional name of one try at one address.
    pub fn new(lineage: &Lineage, address: &Address, nonce: Nonce) -> Self {
        Self { lineage: lineage.short().to_owned(), tag: tag(address), nonce }
    }

    /// Reads a name strictly: any other form, or a wrong check, is not ours.
    pub fn parse(name: &str) -> Option<Self> {
        let parts: Vec<&str> = name.split('.').collect();
        let [PREFIX, lineage, tag, nonce, _check] = parts.as_slice() else { return None };
        let parsed =
            Self { lineage: (*lineage).to_owned(), tag: (*tag).to_owned(), nonce: Nonce::new(*nonce).ok()? };
        (is_crockford(lineage, 8) && is_crockford(tag, 10) && parsed.name() == name).then_some(parsed)
    }

    /// The name at the service.
    pub fn name(&self) -> String {
        let body = format!("{PREFIX}.{}.{}.{}", self.lineage, self.tag, self.nonce);
        let check = base32_hash(&body, 6);
        format!("{body}.{check}")
    }

    /// Whether this was minted with that sealed file.
    pub fn is_of(&self, lineage: &Lineage) -> bool {
        self.lineage == lineage.short()
    }

    /// Whether this was minted for that address.
    pub fn is_for(&self, address: &Address) -> bool {
        self.tag == tag(address)
    }
}

fn tag(address: &Address) -> String {
    base32_hash(&format!("address {address}"), 10)
}

/// The first `length` (at most 51) base32 characters of a SHA-256.
fn base32_hash(text: &str, length: usize) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let bit = |n: usize| digest.get(n / 8).is_some_and(|byte| byte >> (7 - n % 8) & 1 == 1);
    (0..length)
        .map(|i| {
            let index = (0..5).fold(0usize, |value, b| value << 1 | usize::from(bit(i * 5 + b)));
            char::from(*CROCKFORD.get(index).unwrap_or(&b'0'))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Provisional {
        let lineage = Lineage::new("0123456789abcdef").unwrap();
        let address = "key.production.checkout".parse().unwrap();
        Provisional::new(&lineage, &address, Nonce::new("zzzzzzzzzzzzzzzz").unwrap())
    }

    #[test]
    fn the_name_is_59_characters_and_reads_back() {
        let name = sample().name();
        assert_eq!(name.len(), 59, "{name}");
        assert_eq!(Provisional::parse(&name), Some(sample()));
    }

    #[test]
    fn every_changed_character_makes_it_not_ours() {
        let name = sample().name();
        for i in 0..name.len() {
            let mut bytes = name.clone().into_bytes();
            bytes[i] = if bytes[i] == b'7' { b'8' } else { b'7' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(Provisional::parse(&changed), None, "{changed}");
        }
        assert_eq!(Provisional::parse(&name.to_uppercase()), None);
    }

    #[test]
    fn no_other_letters_are_ours_even_with_their_check() {
        for (lineage, tag) in [("ilou/../", "0123456789"), ("01234567", "ééééé"), ("0123456\n", "0123456789")]
        {
            let made = Provisional { lineage: lineage.into(), tag: tag.into(), nonce: sample().nonce };
            assert_eq!(Provisional::parse(&made.name()), None, "{}", made.name());
        }
    }

    #[test]
    fn blanks_around_a_name_make_it_not_ours() {
        let name = sample().name();
        assert_eq!(Provisional::parse(&format!("{name} ")), None);
    }
}
