//! The sealed file as text: TOML that is stable byte for byte and that git merges line by line.

mod holders;
mod parse;
mod write;

pub use parse::{TextError, parse};
pub use write::write;
pub(super) use write::{environment, key};

use crate::model::Sealed;

/// The newest format of the file that this version reads, and the one it writes.
pub const VERSION: u32 = 1;

/// Puts every list into its order, so that the same content is the same value.
pub(super) fn sort(sealed: &mut Sealed) {
    for key in &mut sealed.keys {
        key.recipients.sort();
    }
    sealed.environments.sort_by(|a, b| (&a.address, &a.id).cmp(&(&b.address, &b.id)));
    sealed.keys.sort_by(|a, b| (&a.address, a.generation, &a.id).cmp(&(&b.address, b.generation, &b.id)));
    sealed.intents.sort_by(|a, b| a.nonce.cmp(&b.nonce));
    sealed.forgotten.sort();
    sealed.challenges.sort_by(|a, b| a.fingerprint.cmp(&b.fingerprint));
    sealed.applied_plans.sort();
    sealed.former.sort_by(|a, b| (&a.id, &a.fingerprint).cmp(&(&b.id, &b.fingerprint)));
}

/// How an armored age file begins and ends, as keycomb and `age -a` write it.
const BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----\n";
const END: &str = "\n-----END AGE ENCRYPTED FILE-----\n";

/// Whether a text can be an armored age file: base64 between the two lines. Only opening it tells whether it is whole.
pub(super) fn is_armor(text: &str) -> bool {
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '\n');
    let body = text.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END));
    body.is_some_and(|body| body.chars().all(is_base64))
}
