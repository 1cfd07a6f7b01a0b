//! What was read of a team, kept in a file without secrets: whoever has it plans without a credential.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::model::{
    Access, Color, Desired, Endpoint, EnvironmentId, KeyId, KeyType, Live, LiveEnvironment, LiveKey,
    Permission, Provisional, Sealed, TeamSlug, Timestamp,
};

/// No snapshot is larger, in bytes.
pub const LARGEST: u64 = 64 * 1024 * 1024;

const FORMAT: &str = "keycomb.snapshot/1";

/// What stands before a name that is hashed.
const HASHED: &str = "hashed:";

/// What an earlier run read of the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// `keycomb.snapshot/1`
    #[schemars(extend("const" = FORMAT))]
    pub format: String,
    /// The team's slug.
    pub team: String,
    /// The service's base address.
    pub endpoint: String,
    /// The service's clock when it was read, RFC 3339 in UTC.
    #[schemars(extend("format" = "date-time"))]
    pub read: String,
    /// The id of the management key that read it.
    pub by: String,
    /// What names and descriptions are hashed with; null where they are in clear.
    pub salt: Option<String>,
    /// By id.
    pub environments: Vec<SavedEnvironment>,
    /// By id.
    pub keys: Vec<SavedKey>,
    /// Keys that only an older version of the sealed file has an entry of: by id, a commit that has it.
    pub elsewhere: BTreeMap<String, String>,
}

/// An environment as the service had it. Texts may be hostile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SavedEnvironment {
    /// The service's id.
    pub id: String,
    /// Its name, or `hashed:` and 24 hexadecimal digits.
    pub name: String,
    /// Its slug, or the same.
    pub slug: String,
    /// Its description, or the same.
    pub description: String,
    /// Null for a colour that keycomb does not know.
    pub color: Option<String>,
    /// Whether the service refuses to delete it.
    pub delete_protected: bool,
}

/// A key as the service had it; never its secret. Texts may be hostile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SavedKey {
    /// The service's id.
    pub id: String,
    /// `ingest` or `configuration`.
    #[serde(rename = "type")]
    pub key_type: String,
    /// Its name, or `hashed:` and 24 hexadecimal digits.
    pub name: String,
    /// The id of its environment.
    pub environment: String,
    /// Whether its credential is refused.
    pub disabled: bool,
    /// What is granted, sorted.
    pub permissions: Vec<String>,
    /// Permissions that keycomb does not know.
    pub unknown_permissions: BTreeMap<String, bool>,
    /// When it was made, RFC 3339 in UTC.
    #[schemars(extend("format" = "date-time"))]
    pub created: Option<String>,
    /// When it was changed last.
    #[schemars(extend("format" = "date-time"))]
    pub updated: Option<String>,
    /// The id of who changed it last.
    pub editor: Option<String>,
}

/// What was read, and of whom.
#[derive(Debug, Clone, Copy)]
pub struct Taken<'a> {
    /// The team.
    pub team: &'a TeamSlug,
    /// The service.
    pub endpoint: &'a Endpoint,
    /// Who read it.
    pub access: &'a Access,
    /// All of it.
    pub live: &'a Live,
    /// Keys that only an older version of the sealed file knows, with its commit.
    pub elsewhere: &'a BTreeMap<KeyId, String>,
}

/// What a snapshot gives back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// What the service had.
    pub live: Live,
    /// Keys that only an older version of the sealed file knows, with its commit.
    pub elsewhere: BTreeMap<KeyId, String>,
}

/// Why a file is no snapshot that can be used. Never repeats what stands in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// No JSON, or of another form.
    #[error("it is no snapshot of this format (line {line}, column {column})")]
    Form {
        /// From 1; 0 where nothing was read.
        line: usize,
        /// From 1; 0 at a line's end.
        column: usize,
    },
    /// A document of another kind or version.
    #[error("it is another document than a `{FORMAT}`")]
    Format,
    /// A value that is none.
    #[error("`{field}` of the {what} number {number} is not one")]
    Value {
        /// `environment` or `key`.
        what: &'static str,
        /// From 1.
        number: usize,
        /// The field.
        field: &'static str,
    },
    /// A value of the whole that is none.
    #[error("its `{0}` is not one")]
    Head(&'static str),
    /// The same id more than once.
    #[error("it has an id twice")]
    Twice,
}

impl Snapshot {
    /// A snapshot of what was read. With a salt all names and descriptions are hashed, but for keycomb's own marks.
    pub fn of(taken: Taken<'_>, salt: Option<String>) -> Self {
        let Taken { team, endpoint, access, live, elsewhere } = taken;
        let Live { environments, keys, now } = live;
        let told = |text: &str| hide(salt.as_deref(), text);
        Self {
            format: FORMAT.to_owned(),
            team: team.to_string(),
            endpoint: endpoint.to_string(),
            read: now.to_string(),
            by: access.key_id.clone(),
            environments: environments.iter().map(|live| saved_environment(live, &told)).collect(),
            keys: keys.iter().map(|live| saved_key(live, &told)).collect(),
            elsewhere: elsewhere.iter().map(|(id, commit)| (id.to_string(), commit.clone())).collect(),
            salt,
        }
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`SnapshotError::Form`], [`SnapshotError::Format`].
    pub fn parse(bytes: &[u8]) -> Result<Self, SnapshotError> {
        // The parser's own words would repeat what stands there.
        let form =
            |error: serde_json::Error| SnapshotError::Form { line: error.line(), column: error.column() };
        let snapshot: Self = serde_json::from_slice(bytes).map_err(form)?;
        if snapshot.format == FORMAT { Ok(snapshot) } else { Err(SnapshotError::Format) }
    }

    /// When it was read, by the service's clock.
    ///
    /// # Errors
    /// [`SnapshotError::Head`].
    pub fn read(&self) -> Result<Timestamp, SnapshotError> {
        self.read.parse().map_err(|_| SnapshotError::Head("read"))
    }

    /// What it holds. Hashed names that the files or the record have are as they are there; others stay hashes, and equal
    /// none.
    ///
    /// # Errors
    /// [`SnapshotError::Value`], [`SnapshotError::Head`], [`SnapshotError::Twice`].
    pub fn give(&self, desired: &Desired, sealed: Option<&Sealed>) -> Result<Given, SnapshotError> {
        let names = self.salt.as_deref().map(|salt| hashes(salt, desired, sealed)).unwrap_or_default();
        let told = |text: &str| names.get(text).map_or(text, |name| *name).to_owned();
        let environments = self.environments.iter().enumerate();
        let mut environments = environments
            .map(|(at, saved)| environment(at + 1, saved, &told))
            .collect::<Result<Vec<_>, _>>()?;
        let keys = self.keys.iter().enumerate();
        let mut keys = keys.map(|(at, saved)| key(at + 1, saved, &told)).collect::<Result<Vec<_>, _>>()?;
        environments.sort_by(|a, b| a.id.cmp(&b.id));
        keys.sort_by(|a, b| a.id.cmp(&b.id));
        let ids: BTreeSet<&str> =
            environments.iter().map(|e| e.id.as_str()).chain(keys.iter().map(|k| k.id.as_str())).collect();
        if ids.len() < environments.len() + keys.len() {
            return Err(SnapshotError::Twice);
        }
        let lost = |(id, commit): (&String, &String)| {
            let is_hash = (7..=64).contains(&commit.len()) && commit.bytes().all(|b| b.is_ascii_hexdigit());
            let id = KeyId::new(id.as_str()).ok().filter(|_| is_hash);
            id.map(|id| (id, commit.clone())).ok_or(SnapshotError::Head("elsewhere"))
        };
        let elsewhere = self.elsewhere.iter().map(lost).collect::<Result<_, _>>()?;
        Ok(Given { live: Live { environments, keys, now: self.read()? }, elsewhere })
    }
}

fn saved_environment(live: &LiveEnvironment, told: &impl Fn(&str) -> String) -> SavedEnvironment {
    let LiveEnvironment { id, name, slug, description, color, delete_protected } = live;
    SavedEnvironment {
        id: id.to_string(),
        name: told(name),
        slug: told(slug),
        description: told(description),
        color: color.map(|color| color.as_str().to_owned()),
        delete_protected: *delete_protected,
    }
}

fn saved_key(live: &LiveKey, told: &impl Fn(&str) -> String) -> SavedKey {
    let LiveKey {
        id,
        key_type,
        name,
        environment,
        disabled,
        permissions,
        unknown_permissions,
        created,
        updated,
        editor,
    } = live;
    let mut permissions: Vec<String> = permissions.iter().map(ToString::to_string).collect();
    permissions.sort_unstable();
    SavedKey {
        id: id.to_string(),
        key_type: key_type.to_string(),
        name: told(name),
        environment: environment.to_string(),
        disabled: *disabled,
        permissions,
        unknown_permissions: unknown_permissions.clone(),
        created: created.map(|at| at.to_string()),
        updated: updated.map(|at| at.to_string()),
        editor: editor.clone(),
    }
}

fn environment(
    number: usize,
    saved: &SavedEnvironment,
    told: &impl Fn(&str) -> String,
) -> Result<LiveEnvironment, SnapshotError> {
    let SavedEnvironment { id, name, slug, description, color, delete_protected } = saved;
    let wrong = |field| SnapshotError::Value { what: "environment", number, field };
    let color =
        color.as_ref().map(|color| color.parse::<Color>().map_err(|()| wrong("color"))).transpose()?;
    Ok(LiveEnvironment {
        id: EnvironmentId::new(id.as_str()).map_err(|_| wrong("id"))?,
        name: told(name),
        slug: told(slug),
        description: told(description),
        color,
        delete_protected: *delete_protected,
    })
}

fn key(number: usize, saved: &SavedKey, told: &impl Fn(&str) -> String) -> Result<LiveKey, SnapshotError> {
    let SavedKey {
        id,
        key_type,
        name,
        environment,
        disabled,
        permissions,
        unknown_permissions,
        created,
        updated,
        editor,
    } = saved;
    let wrong = |field| SnapshotError::Value { what: "key", number, field };
    let time = |at: &Option<String>, field| {
        at.as_ref().map(|at| at.parse::<Timestamp>().map_err(|_| wrong(field))).transpose()
    };
    let permission = |name: &String| name.parse::<Permission>().map_err(|()| wrong("permissions"));
    Ok(LiveKey {
        id: KeyId::new(id.as_str()).map_err(|_| wrong("id"))?,
        key_type: key_type.parse::<KeyType>().map_err(|()| wrong("type"))?,
        name: told(name),
        environment: EnvironmentId::new(environment.as_str()).map_err(|_| wrong("environment"))?,
        disabled: *disabled,
        permissions: permissions.iter().map(permission).collect::<Result<_, _>>()?,
        unknown_permissions: unknown_permissions.clone(),
        created: time(created, "created")?,
        updated: time(updated, "updated")?,
        editor: editor.clone(),
    })
}

/// What is saved of a text. keycomb's own marks are random already, and are needed as they are.
fn hide(salt: Option<&str>, text: &str) -> String {
    match salt {
        Some(salt) if !text.is_empty() && Provisional::parse(text).is_none() => hashed(salt, text),
        _ => text.to_owned(),
    }
}

fn hashed(salt: &str, text: &str) -> String {
    let digest = Sha256::new_with_prefix(format!("{FORMAT} {salt} ")).chain_update(text).finalize();
    let digits: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("{HASHED}{digits}")
}

/// Every name and description that the files and the record have, by its hash.
fn hashes<'a>(salt: &str, desired: &'a Desired, sealed: Option<&'a Sealed>) -> BTreeMap<String, &'a str> {
    let environments = desired.environments.values();
    let declared = environments
        .flat_map(|e| [Some(&e.name), e.attributes.description.as_ref()])
        .chain(desired.keys.values().map(|key| Some(&key.name)));
    let recorded = sealed.into_iter().flat_map(|sealed| {
        let environments =
            sealed.environments.iter().flat_map(|e| [Some(&e.name), e.applied.description.as_ref()]);
        environments.chain(sealed.keys.iter().map(|key| Some(&key.name)))
    });
    let names = declared.chain(recorded).flatten().filter(|name| !name.is_empty());
    names.map(|name| (hashed(salt, name), name.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live() -> Live {
        let environment = LiveEnvironment {
            id: EnvironmentId::new("hcxen_1").unwrap(),
            name: "Production\u{1b}[31m".into(),
            slug: "production".into(),
            description: "ours".into(),
            color: Some(Color::Classic),
            delete_protected: true,
        };
        let key = LiveKey {
            id: KeyId::new("hcxik_1").unwrap(),
            key_type: KeyType::Ingest,
            name: "checkout".into(),
            environment: environment.id.clone(),
            disabled: false,
            permissions: [Permission::CreateDatasets].into(),
            unknown_permissions: [("fly".to_owned(), true)].into(),
            created: Some("2026-01-01T00:00:00Z".parse().unwrap()),
            updated: None,
            editor: Some("hcxus_1".into()),
        };
        let other = LiveKey { id: KeyId::new("hcxik_2").unwrap(), name: "another".into(), ..key.clone() };
        Live {
            environments: vec![environment],
            keys: vec![key, other],
            now: "2026-02-01T00:00:00.25Z".parse().unwrap(),
        }
    }

    fn taken(salt: Option<&str>) -> (Snapshot, BTreeMap<KeyId, String>) {
        let access = Access {
            key_id: "hcxmk_1".into(),
            key_name: "its name".into(),
            team: TeamSlug::new("acme").unwrap(),
            team_name: "Acme".into(),
            scopes: [].into(),
            listed_scopes: vec![],
        };
        let elsewhere = BTreeMap::from([(KeyId::new("hcxik_2").unwrap(), "0123456789ab".to_owned())]);
        let (team, endpoint) = (access.team.clone(), Endpoint::us());
        let live = live();
        let taken =
            Taken { team: &team, endpoint: &endpoint, access: &access, live: &live, elsewhere: &elsewhere };
        (Snapshot::of(taken, salt.map(str::to_owned)), elsewhere)
    }

    fn desired(text: &str) -> Desired {
        let head = "version = 1\n[honeycomb]\nteam = \"acme\"\n[seal.recipients]\n\
            a = \"age1vafha4meuuljlyffasrr7nhh0wnzvlm7cx9cdyfzayd9t9p59pkq46cd6q\"\n";
        let file =
            crate::config::SourceFile { name: "keycomb.toml".into(), text: format!("{head}{text}").into() };
        crate::config::parse(vec![file]).unwrap()
    }

    #[test]
    fn what_is_saved_comes_back_the_same() {
        let (snapshot, elsewhere) = taken(None);
        let json = serde_json::to_vec(&snapshot).unwrap();
        let read = Snapshot::parse(&json).unwrap();
        assert_eq!(read, snapshot);
        assert_eq!(read.give(&desired(""), None).unwrap(), Given { live: live(), elsewhere });
    }

    #[test]
    fn hashed_names_are_nowhere_and_those_that_are_declared_come_back() {
        let (snapshot, _) = taken(Some("salt"));
        let json = serde_json::to_string(&snapshot).unwrap();
        for name in ["Production", "production", "ours", "checkout", "another", "its name"] {
            assert!(!json.contains(name), "{name} in {json}");
        }
        let desired = desired("[environment.a]\n[key.checkout]\nenvironment = \"a\"\ntype = \"ingest\"\n");
        let given = snapshot.give(&desired, None).unwrap();
        assert_eq!(given.live.keys[0], live().keys[0]);
        assert!(given.live.keys[1].name.starts_with(HASHED), "{}", given.live.keys[1].name);
        assert_ne!(snapshot.keys[0].name, taken(Some("another")).0.keys[0].name, "the salt counts");
    }

    #[test]
    fn what_is_no_snapshot_is_refused_and_never_repeated() {
        let (snapshot, _) = taken(None);
        type Edit = fn(&mut Snapshot);
        let edits: [(&str, Edit); 7] = [
            ("`color` of the environment number 1", |s| s.environments[0].color = Some("SECRET".into())),
            ("`type` of the key number 2", |s| s.keys[1].key_type = "SECRET".into()),
            ("`permissions` of the key number 1", |s| s.keys[0].permissions.push("SECRET".into())),
            ("`created` of the key number 1", |s| s.keys[0].created = Some("SECRET".into())),
            ("`read`", |s| s.read = "SECRET".into()),
            ("`elsewhere`", |s| _ = s.elsewhere.insert("hcxik_9".into(), "SECRET".into())),
            ("twice", |s| s.keys[1].id = s.keys[0].id.clone()),
        ];
        for (words, edit) in edits {
            let mut wrong = snapshot.clone();
            edit(&mut wrong);
            let error = wrong.give(&desired(""), None).unwrap_err().to_string();
            assert!(error.contains(words) && !error.contains("SECRET"), "{error}");
        }
        let other = Snapshot { format: "keycomb.snapshot/2".into(), ..snapshot };
        assert_eq!(Snapshot::parse(&serde_json::to_vec(&other).unwrap()), Err(SnapshotError::Format));
        for text in ["", "SECRET", "{}", "[]", "{\"format\": \"SECRET\", \"SECRET\": 1}"] {
            let error = Snapshot::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(!error.contains("SECRET"), "{error}");
        }
    }

    #[test]
    fn a_changed_byte_never_panics() {
        let (snapshot, _) = taken(Some("salt"));
        let json = serde_json::to_vec(&snapshot).unwrap();
        let desired = desired("");
        for at in 0..json.len() {
            for byte in [b'"', b'}', b'0', b'\\', 0xff, json[at] ^ 1] {
                let mut changed = json.clone();
                changed[at] = byte;
                let _ = Snapshot::parse(&changed).and_then(|snapshot| snapshot.give(&desired, None));
            }
            assert!(Snapshot::parse(&json[..at]).is_err(), "cut at {at}");
        }
    }
}
