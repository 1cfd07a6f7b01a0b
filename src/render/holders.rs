//! What became of each credential that was used once, as rows of a table.

use crate::model::Address;

/// One generation of a key. Texts may be hostile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyRow {
    /// Where it is declared, or was.
    pub address: Address,
    /// 1, 2, 3 …
    pub generation: u32,
    /// The service's id.
    pub id: String,
    /// Where in its life it is, in a word.
    pub state: &'static str,
    /// How it went.
    pub result: Verified,
    /// Whether it is not as it should be.
    pub is_failed: bool,
    /// In words.
    pub detail: Option<String>,
}

/// How using a credential once went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verified {
    /// It works, and is the key it should be.
    Works,
    /// It is refused, as it should be.
    Off,
    /// It is refused, and should work.
    Refused,
    /// It works, and should not.
    Accepted,
    /// It works, and is another key than its entry says.
    OtherKey,
    /// It works, and may do other things than were last applied.
    Differs,
    /// Its entry is damaged, moved or forged.
    Broken,
    /// It is not sealed to the identity.
    Closed,
    /// There is no secret to open.
    NoSecret,
    /// The service could not be asked.
    Unreachable,
}

impl Verified {
    /// The stable word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Off => "off",
            Self::Refused => "refused",
            Self::Accepted => "accepted",
            Self::OtherKey => "other_key",
            Self::Differs => "differs",
            Self::Broken => "broken",
            Self::Closed => "closed",
            Self::NoSecret => "no_secret",
            Self::Unreachable => "unreachable",
        }
    }

    /// Whether the key is not as it should be, whoever asks.
    pub fn is_failure(self) -> bool {
        match self {
            Self::Refused | Self::Accepted | Self::OtherKey | Self::Differs | Self::Broken => true,
            Self::Works | Self::Off | Self::Closed | Self::NoSecret | Self::Unreachable => false,
        }
    }
}
