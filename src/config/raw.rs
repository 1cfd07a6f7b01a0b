//! The tables as they are written. One definition gives the struct, its reader and its schema.

use serde_json::json;
use toml::de::DeValue;

use super::collector::Collector;
use super::field::{self, Field, Named, Present, UpTo, value_place, wrong_type};
use super::include::Pattern;
use super::place::{At, Place};
use super::suggest;
use super::template::Template;
use super::text::{Description, EnvironmentName, FilePath, Line, Note, Prose, VariableName};
use super::values::{Date, DriftField, Region};
use crate::model::{
    Color, DriftClass, Endpoint, ExternalKind, Glob, KeyType, Label, OnMissing, Period, Permission,
    Recipient, TeamSlug, Unmanaged, Window,
};

/// Tables whose fields are all optional: what is required is said when they are made into the model, where both
/// "missing" and "not both" can be told. The doc comments are the descriptions in the schema; the value behind `=` is
/// the default there.
macro_rules! tables {
    ($(
        #[doc = $about:literal]
        $name:ident {
            $( $(#[doc = $doc:literal])+ $field:ident: $type:ty $(= $default:expr)?, )*
        }
        required $required:tt
    )*) => { $(
        #[doc = $about]
        #[derive(Debug, Default)]
        pub(super) struct $name {
            $( $(#[doc = $doc])+ pub(super) $field: Option<At<$type>>, )*
            /// The keys written in it, well or badly.
            pub(super) present: Present,
        }

        impl Field for $name {
            fn read(value: &DeValue<'_>, place: Place, out: &mut Collector) -> Option<Self> {
                const KEYS: &[&str] = &[$(key_of(stringify!($field))),*];
                let mut read = Self::default();
                for (key, value) in field::table(value, place, out)? {
                    let key_place = Place::new(place.file, key.span());
                    let place = value_place(value.get_ref(), key_place, value.span());
                    match key.get_ref().as_ref() {
                        $(name if name == key_of(stringify!($field)) => {
                            read.present.add(key_of(stringify!($field)), key_place);
                            read.$field = <$type>::read(value.get_ref(), place, out).map(|value| At { place, value });
                        })*
                        name => unknown_key(name, key_place, KEYS, out),
                    }
                }
                Some(read)
            }

            fn schema() -> serde_json::Value {
                let mut properties = serde_json::Map::new();
                $(
                    let about = [$($doc),+].map(str::trim).join(" ");
                    let default: Option<serde_json::Value> = None $(.or(Some(json!($default))))?;
                    properties.insert(key_of(stringify!($field)).into(), describe(<$type>::schema(), &about, default));
                )*
                let mut schema = json!({ "type": "object", "additionalProperties": false });
                if let Some(object) = schema.as_object_mut() {
                    object.insert("description".into(), $about.trim().into());
                    object.insert("properties".into(), properties.into());
                    let required: &[&str] = &$required;
                    if !required.is_empty() {
                        object.insert("required".into(), json!(required));
                    }
                }
                schema
            }
        }
    )* };
}

tables! {
    /// A configuration file. A file that is included has only `environment`, `key` and `external_key` tables.
    RawFile {
        /// The version of this format: 1.
        version: Version,
        /// More files, as globs relative to this one's folder (`*`, `?`, `**`); they hold `environment`, `key` and `external_key` tables.
        include: Vec<At<Pattern>>,
        /// The team and where the service is.
        honeycomb: RawHoneycomb,
        /// Where secrets are kept, and who can open them.
        seal: RawSeal,
        /// What keycomb may do on its own.
        policy: RawPolicy,
        /// Values for what tables leave out.
        defaults: RawDefaults,
        /// Environments, by a name of your choice.
        environment: Named<RawEnvironment>,
        /// Keys, by a name of your choice.
        key: Named<RawKey>,
        /// Keys that keycomb does not make, only watches: management keys, and others made by hand.
        external_key: Named<RawExternalKey>,
        /// Drift that is lived with. Hides findings, and never what a plan does.
        ignore: Vec<At<RawIgnore>>,
    } required []

    /// The team and where the service is.
    RawHoneycomb {
        /// The team's slug, as in the addresses of its pages. The credential must belong to this team.
        team: TeamSlug,
        /// Where the team's data is; instead of `endpoint`.
        region: Region = "us",
        /// The service's address: `https://HOST[:PORT]`; instead of `region`. `http://` only for this machine.
        endpoint: Endpoint,
    } required ["team"]

    /// Where secrets are kept, and who can open them.
    RawSeal {
        /// The sealed file, relative to this file's folder. Safe to commit.
        file: FilePath = super::DEFAULT_SEAL_FILE,
        /// Who can open the secrets: age X25519 (`age1…`), `ssh-ed25519` or `ssh-rsa` public keys, each with a name.
        recipients: Named<Recipient>,
        /// Who can open the secrets of one environment: names of recipients. Left out: all recipients.
        environment: Named<Vec<At<String>>>,
        /// No key is made whose secret fewer recipients could open that have proven it (`keycomb secrets prove`).
        min_proven: UpTo<100> = 0,
    } required []

    /// What keycomb may do on its own. `max_*` limit what one apply does; more is blocked until it is asked for.
    RawPolicy {
        /// What to do about keys and environments that exist but that no file declares.
        unmanaged: Unmanaged = "report",
        /// What to do about a managed key that the service no longer has.
        on_missing: OnMissing = "stop",
        /// At most so many keys and environments are deleted in one apply.
        max_delete: UpTo<1_000_000> = 5,
        /// At most so many of 100 managed keys are deleted in one apply, besides `max_delete`.
        max_delete_percent: UpTo<100>,
        /// At most so many keys are disabled in one apply.
        max_disable: UpTo<1_000_000> = 10,
        /// At most so many of 100 managed keys are disabled in one apply, besides `max_disable`.
        max_disable_percent: UpTo<100>,
        /// At most so many keys are replaced in one apply.
        max_replace: UpTo<1_000_000> = 10,
        /// At most so many of 100 managed keys are replaced in one apply, besides `max_replace`.
        max_replace_percent: UpTo<100>,
    } required []

    /// Values for what tables leave out.
    RawDefaults {
        /// Values for what keys leave out.
        key: RawKeyDefaults,
    } required []

    /// Values for what keys leave out.
    RawKeyDefaults {
        /// When a key's secret is due for a new one.
        rotate: Rotate,
        /// How long a key stays disabled before it is deleted.
        quarantine: Period = "14d",
        /// Whom to ask. For people; never sent to the service.
        owner: Note,
    } required []

    /// An environment.
    RawEnvironment {
        /// Its name at the service, where it cannot be changed later. Left out: the table's name.
        name: EnvironmentName,
        /// Its description. Left out: not managed.
        description: Description,
        /// Its colour. Left out: not managed.
        color: Color,
        /// Whether the service refuses to delete it. Left out: not managed; the service protects new ones.
        delete_protected: bool,
        /// Only looked up by its name: never created, changed or deleted. Excludes all attributes but `name` and `moved_from`.
        reference: bool = false,
        /// The name that this table had before: what is recorded there, keys included, is recorded here from the next apply on.
        moved_from: Label,
    } required []

    /// A key, in one environment or one in each of several.
    RawKey {
        /// The environment it is in; the name of an `environment` table.
        environment: String,
        /// One key in each of these environments; instead of `environment`.
        environments: Vec<At<String>>,
        /// `ingest` keys send events, `configuration` keys use the API.
        r#type: KeyType,
        /// Its name at the service, 1 to 100 characters. `{key}` and `{environment}` are filled in.
        name: Template = "{key}",
        /// What it may do. Left out: nothing.
        permissions: Vec<At<Permission>>,
        /// Whether its credential works.
        enabled: bool = true,
        /// Whom to ask. For people; never sent to the service.
        owner: Note,
        /// What it is for. For people; never sent to the service.
        purpose: Prose<1000>,
        /// What uses it. For people; never sent to the service.
        consumers: Vec<At<Note>>,
        /// Refuse to delete or disable it, even when its table is gone.
        protected: bool = false,
        /// When its secret is due for a new one; `"never"` where the default does not fit.
        rotate: Rotate,
        /// How long it stays disabled before it is deleted.
        quarantine: Period,
        /// The name that this table had before: what is recorded there is recorded here from the next apply on.
        moved_from: Label,
    } required ["type"]

    /// A key that keycomb does not make, only watches. Only its credential is ever sent to the service, when asked to try it.
    RawExternalKey {
        /// What it is: `management`, `ingest`, `configuration` or `other`.
        kind: ExternalKind,
        /// Whom to ask.
        owner: Note,
        /// When it was made: a date, or a date and time with its offset.
        created: Date,
        /// When it stops working; a date counts from its beginning, in UTC.
        expires: Date,
        /// The age at which it is to be replaced; needs `created`.
        max_age: Period,
        /// Where its credential can be read, to try it with `--probe`; never the credential itself.
        source: RawKeySource,
    } required ["kind"]

    /// Where a credential can be read: one of the two.
    RawKeySource {
        /// The name of a variable.
        env: VariableName,
        /// A file that only its owner can read; relative to the configuration's folder, or absolute.
        file: Line<1024>,
    } required []

    /// Drift that is lived with: a rule that hides findings, and never what a plan does.
    RawIgnore {
        /// Which: a pattern of addresses, such as `"key.production.*"`; or a table, `{ id = "…" }`, or of what is not managed
        /// `{ environment = "…", name = "…" }`.
        r#match: Match,
        /// Only findings of this class. Left out: of any.
        class: DriftClass,
        /// Only changes of this attribute. Left out: of any.
        field: DriftField,
        /// Why it is lived with.
        reason: Note,
        /// From then on the rule hides nothing, and is a finding itself; a day counts from its beginning, in UTC.
        until: Date,
    } required ["match", "reason"]

    /// What is at the service: by its id, or what is not managed by its names.
    RawMatch {
        /// The service's id.
        id: Line<128>,
        /// The environment's name at the service, or its label in these files; a pattern. Without `name`: that environment, and
        /// every key in it.
        environment: Glob,
        /// The key's name at the service; a pattern.
        name: Glob,
    } required []

    /// When a secret is due for a new one.
    RawRotation {
        /// The age at which a successor is due.
        every: Period,
        /// How long both keys work; shorter than `every`.
        overlap: Period,
        /// When due rotations take their steps: days, hours and a time zone, such as `Mon-Fri 09:00-16:00 Europe/Berlin`. Left
        /// out: at any time.
        window: Window,
    } required ["every", "overlap"]
}

/// `type` is a word of Rust's too.
const fn key_of(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [b'r', b'#', ..] => match field.split_at_checked(2) {
            Some((_, rest)) => rest,
            None => field,
        },
        _ => field,
    }
}

fn describe(
    mut schema: serde_json::Value,
    about: &str,
    default: Option<serde_json::Value>,
) -> serde_json::Value {
    if let Some(object) = schema.as_object_mut() {
        object.insert("description".into(), about.into());
        if let Some(default) = default {
            object.insert("default".into(), default);
        }
    }
    schema
}

fn unknown_key(name: &str, place: Place, keys: &[&str], out: &mut Collector) {
    let help = suggest::help(name, "what can stand here", keys.iter().copied());
    out.wrong(place, format!("unknown key `{name}`")).label("not known here").help(help);
}

/// The number of the format.
#[derive(Debug, Clone, Copy)]
pub(super) struct Version(pub(super) i64);

impl Field for Version {
    fn read(value: &DeValue<'_>, place: Place, out: &mut Collector) -> Option<Self> {
        let DeValue::Integer(number) = value else {
            wrong_type(value, place, "an integer", out);
            return None;
        };
        // A number too large for an i64 is from a far future.
        Some(Self(i64::from_str_radix(number.as_str(), number.radix()).unwrap_or(i64::MAX)))
    }

    fn schema() -> serde_json::Value {
        json!({ "const": 1 })
    }
}

/// `{ every = "90d", overlap = "7d" }` or `"never"`.
#[derive(Debug)]
pub(super) enum Rotate {
    Never,
    Every(Box<RawRotation>),
}

impl Field for Rotate {
    fn read(value: &DeValue<'_>, place: Place, out: &mut Collector) -> Option<Self> {
        match value {
            DeValue::Table(_) => RawRotation::read(value, place, out).map(|raw| Self::Every(Box::new(raw))),
            DeValue::String(text) if text == "never" => Some(Self::Never),
            _ => {
                wrong_type(
                    value,
                    place,
                    "a table such as { every = \"90d\", overlap = \"7d\" }, or \"never\"",
                    out,
                );
                None
            }
        }
    }

    fn schema() -> serde_json::Value {
        json!({ "anyOf": [RawRotation::schema(), { "const": "never" }] })
    }
}

/// `"key.production.*"` or `{ id = "…" }` or `{ environment = "…", name = "…" }`.
#[derive(Debug)]
pub(super) enum Match {
    Address(Glob),
    Thing(Box<RawMatch>),
}

impl Field for Match {
    fn read(value: &DeValue<'_>, place: Place, out: &mut Collector) -> Option<Self> {
        match value {
            DeValue::Table(_) => RawMatch::read(value, place, out).map(|raw| Self::Thing(Box::new(raw))),
            DeValue::String(_) => Glob::read(value, place, out).map(Self::Address),
            _ => {
                wrong_type(value, place, "a pattern of addresses, or a table such as { id = \"…\" }", out);
                None
            }
        }
    }

    fn schema() -> serde_json::Value {
        let mut thing = RawMatch::schema();
        if let Some(object) = thing.as_object_mut() {
            object.insert("minProperties".into(), json!(1));
            object.insert("dependencies".into(), json!({ "id": { "maxProperties": 1 } }));
        }
        json!({ "anyOf": [Glob::schema(), thing] })
    }
}
