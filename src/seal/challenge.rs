//! Riddles for recipients: made with the public half, answered with the private one.

use super::open::decrypt;
use super::{Identities, SealError, crypt};
use crate::model::{Challenge, Lineage, Nonce, Recipient};

const HEAD: &str = "keycomb challenge 1";

/// A riddle for one recipient of one sealed file. `answer` must be fresh: who knows it can fill it in.
///
/// # Errors
/// [`SealError::Recipient`] when it cannot be sealed to.
pub fn challenge(
    name: &str,
    recipient: &Recipient,
    lineage: &Lineage,
    answer: &Nonce,
) -> Result<Challenge, SealError> {
    let fingerprint = recipient.fingerprint();
    let text = format!("{HEAD}\n{lineage}\n{fingerprint}\n{answer}\n");
    let sealed = crypt::seal_text(&text, &[recipient])
        .map_err(|error| SealError::Recipient { name: name.to_owned(), problem: error.to_string() })?;
    Ok(Challenge {
        name: name.to_owned(),
        digest: Challenge::digest_of(lineage, &fingerprint, answer),
        fingerprint,
        sealed,
        answer: None,
        proven: None,
    })
}

/// The answer that an identity finds in a riddle; `None` when it does not open it, or finds no answer to this very
/// riddle in it.
///
/// The answer will stand in the file in clear. So nothing but an answer comes out: a sealed secret that somebody put in
/// a riddle's place is opened in memory and dropped.
pub fn answer(challenge: &Challenge, lineage: &Lineage, identities: &Identities) -> Option<Nonce> {
    let Challenge { name: _, fingerprint, digest, sealed, answer: _, proven: _ } = challenge;
    if !super::text::is_armor(sealed) {
        return None;
    }
    let plaintext = decrypt(sealed, identities).ok()?;
    let text = std::str::from_utf8(&plaintext).ok()?;
    let rest = text.strip_prefix(&format!("{HEAD}\n{lineage}\n{fingerprint}\n"))?.strip_suffix('\n')?;
    let answer = Nonce::new(rest).ok()?;
    (Challenge::digest_of(lineage, fingerprint, &answer) == *digest).then_some(answer)
}
