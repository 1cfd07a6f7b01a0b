//! Who can open what is sealed, beyond what each entry says: recipients that have proven it, and those that once could.

use serde::{Deserialize, Serialize};

use super::{EntryDigest, KeyId, Lineage, Nonce, Recipient, Sealed, Timestamp};

/// A riddle for one recipient: a random answer, sealed to it alone, and the digest of that answer in clear. Only who can
/// open it, or made it, can fill the answer in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    /// The recipient's name in `[seal.recipients]` when it was made; for people.
    pub name: String,
    /// [`Recipient::fingerprint`]: what the proof is of.
    pub fingerprint: String,
    /// [`Challenge::digest_of`] the answer.
    pub digest: EntryDigest,
    /// The answer, as ASCII-armored age that this recipient alone opens.
    pub sealed: String,
    /// What was inside, once the recipient has opened it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Nonce>,
    /// The local clock when it was opened; for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven: Option<Timestamp>,
}

impl Challenge {
    /// What the answer of one file's riddle for one recipient has to give.
    pub fn digest_of(lineage: &Lineage, fingerprint: &str, answer: &Nonce) -> EntryDigest {
        EntryDigest::of(&format!("keycomb challenge 1\n{lineage}\n{fingerprint}\n{answer}\n"))
    }

    /// Whether the right answer stands in it.
    pub fn is_answered(&self, lineage: &Lineage) -> bool {
        let Self { name: _, fingerprint, digest, sealed: _, answer, proven } = self;
        let is_right = |answer| Self::digest_of(lineage, fingerprint, answer) == *digest;
        proven.is_some() && answer.as_ref().is_some_and(is_right)
    }
}

/// Somebody who could open a key's secret before it was sealed anew to others: older versions of the file still have it as
/// it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormerReader {
    /// The key.
    pub id: KeyId,
    /// The recipient's name then.
    pub name: String,
    /// [`Recipient::fingerprint`].
    pub fingerprint: String,
}

impl Sealed {
    /// Whether a recipient has shown that its private half is there and opens what is sealed to it.
    pub fn is_proven(&self, recipient: &Recipient) -> bool {
        let fingerprint = recipient.fingerprint();
        self.challenges.iter().any(|c| c.fingerprint == fingerprint && c.is_answered(&self.lineage))
    }

    /// Takes out what concerns keys that are gone: those that have no entry any more, and were not merely forgotten.
    pub fn forget_former_readers_of_the_gone(&mut self) {
        let Self { keys, forgotten, former, .. } = self;
        former.retain(|reader| {
            keys.iter().any(|key| key.id == reader.id) || forgotten.iter().any(|known| known.id == reader.id)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_answer_of_this_file_and_recipient_counts() {
        let lineage = Lineage::new("0123456789abcdef").unwrap();
        let answer = Nonce::new("a".repeat(16)).unwrap();
        let open = Challenge {
            name: "ops".into(),
            fingerprint: "f1".into(),
            digest: Challenge::digest_of(&lineage, "f1", &answer),
            sealed: String::new(),
            answer: None,
            proven: None,
        };
        assert!(!open.is_answered(&lineage));
        let proven = Some(Timestamp::UNIX_EPOCH);
        let answered = Challenge { answer: Some(answer.clone()), proven, ..open.clone() };
        assert!(answered.is_answered(&lineage));
        assert!(!answered.is_answered(&Lineage::new("z".repeat(16)).unwrap()));
        let of_another = Challenge { fingerprint: "f2".into(), ..answered };
        assert!(!of_another.is_answered(&lineage));
        let guessed = Challenge { answer: Some(Nonce::new("b".repeat(16)).unwrap()), proven, ..open.clone() };
        assert!(!guessed.is_answered(&lineage));
        assert!(!Challenge { answer: Some(answer), ..open }.is_answered(&lineage), "without a time");
    }
}
