//! How drift is sorted, and the rules that say which of it is lived with.

use super::{Origin, Timestamp};

/// What kind of drift a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DriftClass {
    /// Managed or watched, and otherwise than it was last applied or declared.
    Changed,
    /// Managed, and gone.
    Missing,
    /// At the service, and nobody's.
    Unmanaged,
    /// Ours by its mark or by an older record, and not finished, or without an entry.
    Orphan,
    /// Something was to be done by now: a rotation, a watched key, a rule that ended.
    Overdue,
}

impl DriftClass {
    /// All classes.
    pub const ALL: &'static [Self] =
        &[Self::Changed, Self::Missing, Self::Unmanaged, Self::Orphan, Self::Overdue];

    /// The name in TOML, on the command line and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::Unmanaged => "unmanaged",
            Self::Orphan => "orphan",
            Self::Overdue => "overdue",
        }
    }
}

/// The attributes that can drift, by their TOML keys.
pub const DRIFT_FIELDS: &[&str] =
    &["name", "permissions", "enabled", "description", "color", "delete_protected"];

/// One `[[ignore]]` table: drift that is lived with. It hides findings, and never what a plan does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoreRule {
    /// Which findings.
    pub matches: IgnoreMatch,
    /// Only those of this class; `None`: of any.
    pub class: Option<DriftClass>,
    /// Only changes of this attribute, one of [`DRIFT_FIELDS`]; `None`: of any.
    pub field: Option<&'static str>,
    /// Why, for people.
    pub reason: String,
    /// From then on it hides nothing, and is a finding itself.
    pub until: Option<Timestamp>,
    /// Where it is written.
    pub origin: Origin,
}

impl IgnoreRule {
    /// Whether its time is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// Which findings a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IgnoreMatch {
    /// What is managed or declared, by its address.
    Address(Glob),
    /// Anything with this id at the service.
    Id(String),
    /// What is not managed, by its names at the service.
    Named {
        /// The environment's name, or its label in the files; `None`: any.
        environment: Option<Glob>,
        /// The key's name; `None`: the environment itself, and every key in it.
        name: Option<Glob>,
    },
}

impl std::fmt::Display for IgnoreMatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(glob) => write!(f, "{glob}"),
            Self::Id(id) => write!(f, "id {id}"),
            Self::Named { environment: Some(environment), name: None } => {
                write!(f, "environment {environment}")
            }
            Self::Named { environment: Some(environment), name: Some(name) } => {
                write!(f, "environment {environment}, name {name}")
            }
            Self::Named { environment: None, name } => {
                write!(f, "name {}", name.as_ref().map_or("*", Glob::as_str))
            }
        }
    }
}

/// A pattern for addresses and names: `*` is any characters, `?` is one, `[ab]` one of these.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Glob(glob::Pattern);

/// Why a text is no pattern; the parser's own words, which do not repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no pattern: {0}")]
pub struct GlobError(&'static str);

impl Glob {
    /// Whether a text is one of those that are meant.
    pub fn matches(&self, text: &str) -> bool {
        self.0.matches(text)
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl std::str::FromStr for Glob {
    type Err = GlobError;

    fn from_str(text: &str) -> Result<Self, GlobError> {
        glob::Pattern::new(text).map(Self).map_err(|error| GlobError(error.msg))
    }
}

impl std::fmt::Display for Glob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_characters_dots_and_slashes_too() {
        for (glob, text, matches) in [
            ("key.production.*", "key.production.checkout", true),
            ("key.*", "key.production.checkout", true),
            ("key.production.*", "key.staging.checkout", false),
            ("key.?rod.a", "key.prod.a", true),
            ("terraform-*", "terraform-a/b", true),
            ("Terraform-*", "terraform-a", false),
            ("ci", "ci2", false),
        ] {
            assert_eq!(glob.parse::<Glob>().unwrap().matches(text), matches, "{glob} {text}");
        }
        assert!("[".parse::<Glob>().is_err());
    }
}
