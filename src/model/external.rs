//! Keys that the service cannot make through its API, or that keycomb does not make: only watched.

use super::{Label, Origin, Period, Timestamp};

/// A declared external key. Never created, changed or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalKey {
    /// Its label.
    pub label: Label,
    /// What it is.
    pub kind: ExternalKind,
    /// For people.
    pub owner: Option<String>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// When it stops working.
    pub expires: Option<Timestamp>,
    /// The age at which it is to be replaced; there is a `created` then.
    pub max_age: Option<Period>,
    /// Where its credential can be read to try it.
    pub source: Option<KeySource>,
    /// Where it is declared.
    pub origin: Origin,
}

impl ExternalKey {
    /// When it is to be replaced at the latest: the earlier of its end and of the age it may reach.
    pub fn due(&self) -> Option<Timestamp> {
        let aged = self.created.zip(self.max_age).map(|(created, age)| age.after(created));
        [self.expires, aged].into_iter().flatten().min()
    }
}

/// What an external key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExternalKind {
    /// A management key: what keycomb itself works with.
    Management,
    /// An ingest key that somebody made by hand.
    Ingest,
    /// A configuration key that somebody made by hand.
    Configuration,
    /// Any other credential.
    Other,
}

impl ExternalKind {
    /// All kinds.
    pub const ALL: &'static [Self] = &[Self::Management, Self::Ingest, Self::Configuration, Self::Other];

    /// The name in TOML.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Management => "management",
            Self::Ingest => "ingest",
            Self::Configuration => "configuration",
            Self::Other => "other",
        }
    }
}

/// Where a credential can be read; never the credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A variable of the environment.
    Env(String),
    /// A file, relative to the configuration's folder or absolute.
    File(String),
}

/// What came of trying an external key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probed {
    /// It works, and is what is declared.
    Works,
    /// The service refused it (401).
    Refused,
    /// It works, and is not what is declared. Hostile text.
    Mismatch(String),
    /// It could not be tried. Words that are ours.
    Untried(String),
}
