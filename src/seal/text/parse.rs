//! Text to `Sealed`, strictly. Errors say the place, never what stands there.

use std::collections::BTreeSet;
use std::ops::Range;

use miette::Diagnostic;
use serde_path_to_error::Segment;
use toml::de::{DeTable, DeValue};

use super::VERSION;
use crate::model::{Address, KeyId, Sealed};

/// Reads the file. Entries may stand in any order (a merge can do that); they come back sorted.
///
/// # Errors
/// Everything that is not exactly what [`super::write`] could have written: unknown or missing fields, values out of
/// their form, entries that are there twice, conflict markers, a newer format. Nothing is guessed or dropped.
pub fn parse(text: &str) -> Result<Sealed, TextError> {
    // Git and editors may add these; they carry no meaning.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    refuse_conflict_markers(&text)?;
    refuse_newer_version(&text)?;
    let mut sealed = deserialize(&text)?;
    check(&sealed)?;
    super::sort(&mut sealed);
    Ok(sealed)
}

fn refuse_conflict_markers(text: &str) -> Result<(), TextError> {
    let marker = |line: &str| line.starts_with("<<<<<<<") || line.starts_with(">>>>>>>");
    match text.lines().position(marker) {
        Some(index) => Err(TextError::Conflict { line: index + 1 }),
        None => Ok(()),
    }
}

/// Before anything else is looked at: a newer format may have any fields.
fn refuse_newer_version(text: &str) -> Result<(), TextError> {
    let table = DeTable::parse(text).map_err(|error| {
        let Place { line, column } = Place::of(text, error.span());
        TextError::Syntax { line, column }
    })?;
    let Some(value) = table.get_ref().get("version") else {
        return Err(TextError::Missing { line: 1, place: String::new(), field: "version" });
    };
    let line = Place::of(text, Some(value.span())).line;
    let DeValue::Integer(number) = value.get_ref() else {
        return Err(TextError::Wrong { line, place: "version".into(), expected: expected("version") });
    };
    match u32::from_str_radix(number.as_str(), number.radix()) {
        Ok(VERSION) => Ok(()),
        Ok(found) if found > VERSION => Err(TextError::NewerVersion { found }),
        _ => Err(TextError::Wrong { line, place: "version".into(), expected: expected("version") }),
    }
}

fn deserialize(text: &str) -> Result<Sealed, TextError> {
    let broken = |error: &toml::de::Error| {
        let Place { line, column } = Place::of(text, error.span());
        TextError::Syntax { line, column }
    };
    let deserializer = toml::Deserializer::parse(text).map_err(|error| broken(&error))?;
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let line = Place::of(text, error.inner().span()).line;
        let (mut place, field) = known_path(error.path());
        let message = error.inner().message();
        if message.starts_with("unknown field") {
            return TextError::Unknown { line, place };
        }
        let missing = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
        if let Some(field) = missing.and_then(known) {
            return TextError::Missing { line, place, field };
        }
        if place.is_empty() {
            place = "the file".into();
        }
        TextError::Wrong { line, place, expected: expected(field) }
    })
}

/// The path as far as it is made of our own field names, and the last of them.
fn known_path(path: &serde_path_to_error::Path) -> (String, &'static str) {
    let mut place = String::new();
    let mut last = "";
    for segment in path {
        match segment {
            Segment::Seq { index } => place.push_str(&format!("[{}]", index + 1)),
            Segment::Map { key } => {
                let Some(field) = known(key) else { break };
                if !place.is_empty() {
                    place.push('.');
                }
                place.push_str(field);
                last = field;
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    (place, last)
}

fn check(sealed: &Sealed) -> Result<(), TextError> {
    let mut seen = BTreeSet::new();
    let mut once =
        |what: String| if seen.insert(what.clone()) { Ok(()) } else { Err(TextError::Twice { what }) };
    for environment in &sealed.environments {
        if environment.address.is_key() {
            return Err(TextError::WrongKind { address: environment.address.clone(), list: "environment" });
        }
        once(format!("environment `{}`", environment.address))?;
        once(format!("environment id `{}`", environment.id))?;
    }
    for key in &sealed.keys {
        if !key.address.is_key() {
            return Err(TextError::WrongKind { address: key.address.clone(), list: "key" });
        }
        // Two branches may have minted the same address: both keys stay in the file, each under its own id.
        once(format!("key id `{}`", key.id))?;
        if key.sealed.is_some() == key.secret.is_some() {
            return Err(TextError::Secret { address: key.address.clone(), id: key.id.clone() });
        }
        if key.sealed.as_deref().is_some_and(|armor| !super::is_armor(armor)) {
            return Err(TextError::Armor { address: key.address.clone(), id: key.id.clone() });
        }
    }
    for intent in &sealed.intents {
        once(format!("intent `{}`", intent.nonce))?;
    }
    for forgotten in &sealed.forgotten {
        // It may have an entry besides: one branch forgot it, and another went on with it.
        once(format!("forgotten key id `{}`", forgotten.id))?;
    }
    for challenge in &sealed.challenges {
        // A fingerprint is 16 hexadecimal digits: it can be repeated.
        if !is_fingerprint(&challenge.fingerprint) || !super::is_armor(&challenge.sealed) {
            return Err(TextError::Challenge);
        }
        once(format!("challenge `{}`", challenge.fingerprint))?;
    }
    for plan in &sealed.applied_plans {
        once(format!("saved plan `{}`", plan.sha256))?;
    }
    Ok(())
}

fn is_fingerprint(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Line and column, from 1.
struct Place {
    line: usize,
    column: usize,
}

impl Place {
    fn of(text: &str, span: Option<Range<usize>>) -> Self {
        let start = span.map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |index| index + 1);
        let column = before.get(line_start..).map_or(1, |line| line.chars().count() + 1);
        Self { line: before.matches('\n').count() + 1, column }
    }
}

/// Every field of the format and the form of its value.
const FIELDS: &[(&str, &str)] = &[
    ("version", "a whole number"),
    ("team", "a team's slug"),
    ("endpoint", "`https://HOST[:PORT]`"),
    ("lineage", "16 characters of lower-case Crockford base32"),
    ("serial", "a whole number"),
    ("environment", "an environment's id, or at the top level a list of `[[environment]]` tables"),
    ("key", "a list of `[[key]]` tables"),
    ("intent", "a list of `[[intent]]` tables"),
    ("forgotten", "a list of `[[forgotten]]` tables"),
    ("moved_from", "a list of addresses"),
    ("in_place_of", "a list of ids"),
    ("gone", "an RFC 3339 time in quotes"),
    ("address", "`environment.NAME` or `key.ENVIRONMENT.NAME`"),
    ("id", "1 to 128 of the characters A-Z a-z 0-9 _ -"),
    ("name", "a text"),
    ("applied", "a table"),
    ("description", "a text"),
    ("color", "the name of a colour"),
    ("delete_protected", "`true` or `false`"),
    ("generation", "a whole number"),
    ("state", "`provisional`, `staged`, `releasing`, `dropping`, `live`, `disabled` or `deleted`"),
    ("type", "`ingest` or `configuration`"),
    ("created", "an RFC 3339 time in quotes"),
    ("since", "an RFC 3339 time in quotes"),
    ("enabled", "`true` or `false`"),
    ("permissions", "a list of permissions that this version knows"),
    ("owner", "a text"),
    ("protected", "`true` or `false`"),
    ("quarantine", "a duration such as `\"14d\"`"),
    ("proof", "`accepted` or `refused`"),
    ("recipients", "a list of `{ name, fingerprint }`"),
    ("fingerprint", "a text"),
    ("sealed", "a text with an armored age block"),
    ("secret", "`\"unavailable\"`"),
    ("revoked", "a table"),
    ("how", "`disable` or `delete`"),
    ("reason", "a text"),
    ("nonce", "16 characters of lower-case Crockford base32"),
    ("at", "an RFC 3339 time in quotes"),
    ("challenge", "a list of `[[challenge]]` tables"),
    ("digest", "32 characters of lower-case Crockford base32"),
    ("answer", "16 characters of lower-case Crockford base32"),
    ("proven", "an RFC 3339 time in quotes"),
    ("former", "a list of `[[former]]` tables"),
    ("applied_plan", "a list of `[[applied_plan]]` tables"),
    ("sha256", "64 lower-case hexadecimal digits"),
    ("complete", "`true` or `false`"),
];

fn known(field: &str) -> Option<&'static str> {
    FIELDS.iter().map(|(name, _)| *name).find(|name| *name == field)
}

fn expected(field: &str) -> &'static str {
    FIELDS.iter().find(|(name, _)| *name == field).map_or("the fields of a sealed file", |(_, form)| form)
}

/// Why a text is no sealed file. Holds places and keycomb's own words, never the text itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Diagnostic)]
pub enum TextError {
    /// Not TOML.
    #[error("line {line}, column {column}: not TOML")]
    #[diagnostic(help("take the last good version from your version control"))]
    Syntax {
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
    },
    /// A merge was left undone.
    #[error("line {line}: conflict marker of an unfinished merge")]
    #[diagnostic(help(
        "drop no entry by hand: it may be the only copy of a live secret. `keycomb secrets merge BASE OURS THEIRS` joins \
         the versions that git has of it"
    ))]
    Conflict {
        /// From 1.
        line: usize,
    },
    /// Written by a newer keycomb.
    #[error("its format is version {found}; this keycomb knows {VERSION}")]
    #[diagnostic(help("use a newer keycomb"))]
    NewerVersion {
        /// The version in the file.
        found: u32,
    },
    /// A field is missing.
    #[error("line {line}: `{field}` is missing{}", inside(place))]
    #[diagnostic(help("take the last good version from your version control"))]
    Missing {
        /// From 1.
        line: usize,
        /// The table; empty for the top level. Entries count from 1.
        place: String,
        /// The field.
        field: &'static str,
    },
    /// A field that is none of ours. Its name is not repeated.
    #[error("line {line}: a field that this keycomb does not know{}", inside(place))]
    #[diagnostic(help("take the last good version from your version control, or use a newer keycomb"))]
    Unknown {
        /// From 1.
        line: usize,
        /// The table; empty for the top level. Entries count from 1.
        place: String,
    },
    /// A value out of its form. It is not repeated.
    #[error("line {line}: `{place}` is not {expected}")]
    #[diagnostic(help("take the last good version from your version control, or use a newer keycomb"))]
    Wrong {
        /// From 1.
        line: usize,
        /// The field. Entries count from 1.
        place: String,
        /// The form.
        expected: &'static str,
    },
    /// Something that can only be there once.
    #[error("{what} is there twice")]
    #[diagnostic(help(
        "a merge without keycomb's merge driver kept both sides of an entry: undo the merge, and merge with `keycomb secrets merge`"
    ))]
    Twice {
        /// What.
        what: String,
    },
    /// An address in the wrong list.
    #[error("`{address}` cannot be in a `[[{list}]]`")]
    #[diagnostic(help("take the last good version from your version control"))]
    WrongKind {
        /// The address.
        address: Address,
        /// The list.
        list: &'static str,
    },
    /// A key must have a sealed secret or say that there is none.
    #[error("key `{address}` (id `{id}`) needs exactly one of `sealed` and `secret`")]
    #[diagnostic(help("take the entry's last good version from your version control"))]
    Secret {
        /// Its address.
        address: Address,
        /// Its id.
        id: KeyId,
    },
    /// A riddle out of its form.
    #[error("a `[[challenge]]` is out of its form")]
    #[diagnostic(help("take the file's last good version from your version control"))]
    Challenge,
    /// The sealed secret is no armored age file.
    #[error("the `sealed` of key `{address}` (id `{id}`) is no armored age file")]
    #[diagnostic(help("take the entry's last good version from your version control"))]
    Armor {
        /// Its address.
        address: Address,
        /// Its id.
        id: KeyId,
    },
}

fn inside(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!(" in `{place}`") }
}
