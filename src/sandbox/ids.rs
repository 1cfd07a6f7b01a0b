//! Ids and secrets from a seed and a serial number: the same ones in every run.

use fastrand::Rng;
use jiff::Timestamp;

const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LOWER_ALPHANUMERIC: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// What an id names; its two letters stand behind the cell letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IdKind {
    IngestKey,
    ConfigurationKey,
    ManagementKey,
    Environment,
    Team,
    User,
}

impl IdKind {
    pub(super) fn letters(self) -> &'static str {
        match self {
            Self::IngestKey => "ik",
            Self::ConfigurationKey => "lk",
            Self::ManagementKey => "mk",
            Self::Environment => "en",
            Self::Team => "tm",
            Self::User => "us",
        }
    }
}

/// The source of chance for one thing: another for each seed and serial number.
pub(super) fn chance(seed: u64, serial: u64) -> Rng {
    Rng::with_seed(scramble(seed ^ scramble(serial)))
}

/// SplitMix64's finalizer: neighbouring numbers give unlike ones.
fn scramble(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// An id as the service's: `hc`, cell letter, kind, `_` and a ULID in lower case. The cell letter is `x`, the
/// placeholder of the service's documentation, so that no secret scanner takes it for a real one.
///
/// The serial number stands in front of the random part: ids of one kind sort as they were made, even within a
/// millisecond.
pub(super) fn id(kind: IdKind, made: Timestamp, serial: u64, chance: &mut Rng) -> String {
    let millis = u128::try_from(made.as_millisecond()).unwrap_or(0) & ((1 << 48) - 1);
    let serial = u128::from(serial) & u128::from(u32::MAX);
    let ulid = (millis << 80) | (serial << 48) | u128::from(chance.u64(..1 << 48));
    format!("hcx{}_{}", kind.letters(), crockford(ulid))
}

/// 26 digits, the most significant first.
fn crockford(number: u128) -> String {
    (0..26u32)
        .rev()
        .filter_map(|place| CROCKFORD.get(usize::try_from((number >> (5 * place)) & 31).ok()?))
        .map(|digit| char::from(*digit))
        .collect()
}

/// The secret of an ingest or management key: 32 lower-case letters and digits.
pub(super) fn long_secret(chance: &mut Rng) -> String {
    (0..32).filter_map(|_| chance.choice(LOWER_ALPHANUMERIC)).map(|digit| char::from(*digit)).collect()
}

/// The secret of a configuration key: 22 letters and digits.
pub(super) fn short_secret(chance: &mut Rng) -> String {
    (0..22).map(|_| chance.alphanumeric()).collect()
}

/// The short id that `/1/auth` gives a configuration key.
pub(super) fn short_id(chance: &mut Rng) -> String {
    (0..11).map(|_| chance.alphanumeric()).collect()
}

/// 32 hex digits, as in the `id` of an error.
pub(super) fn trace_id(chance: &mut Rng) -> String {
    format!("{:032x}", chance.u128(..))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> Timestamp {
        "2026-03-01T08:00:00Z".parse().unwrap()
    }

    #[test]
    fn an_id_is_a_ulid_of_its_time_with_cell_letter_x() {
        let id = id(IdKind::IngestKey, made(), 1, &mut chance(1, 1));
        let (prefix, ulid) = id.split_at(6);
        assert_eq!(prefix, "hcxik_");
        assert_eq!(ulid.len(), 26);
        assert!(ulid.bytes().all(|byte| CROCKFORD.contains(&byte)), "{ulid}");
        let millis = ulid.bytes().take(10).fold(0u64, |sum, byte| {
            sum * 32 + CROCKFORD.iter().position(|digit| *digit == byte).unwrap() as u64
        });
        assert_eq!(i64::try_from(millis).unwrap(), made().as_millisecond());
    }

    #[test]
    fn ids_of_one_millisecond_sort_by_serial() {
        let ids: Vec<String> =
            (1..200).map(|serial| id(IdKind::Environment, made(), serial, &mut chance(7, serial))).collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn secrets_have_the_documented_shapes_and_depend_on_seed_and_serial_alone() {
        let long = long_secret(&mut chance(1, 1));
        assert_eq!(long.len(), 32);
        assert!(long.bytes().all(|byte| LOWER_ALPHANUMERIC.contains(&byte)));
        let short = short_secret(&mut chance(1, 1));
        assert!(short.len() == 22 && short.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_eq!(long, long_secret(&mut chance(1, 1)));
        assert_ne!(long, long_secret(&mut chance(1, 2)));
        assert_ne!(long, long_secret(&mut chance(2, 1)));
        assert_eq!(trace_id(&mut chance(1, 1)).len(), 32);
    }
}
