//! What a state holds of Honeycomb, whichever way it is written down.

use serde::Deserialize;

use super::address::{Index, ResourceAddress, Step, modules};
use super::error::StateError;
use super::json::{Attributes, Scalar};
use super::{show, v4};
use crate::model::{EnvironmentId, KeyId, KeyType, Secret};

/// The largest state that is read: 64 MiB.
pub const MAX_BYTES: usize = 64 << 20;

const KEY: &str = "honeycombio_api_key";
const ENVIRONMENT: &str = "honeycombio_environment";

/// The Honeycomb resources of a state. Lists are sorted by address, then by standing.
#[derive(Debug, Default)]
pub struct State {
    /// The keys.
    pub keys: Vec<FoundKey>,
    /// The environments.
    pub environments: Vec<FoundEnvironment>,
    /// Instances of either that cannot be used.
    pub unusable: Vec<Unusable>,
    /// How many managed resources of other types there are.
    pub others: usize,
}

/// A key as a state has it.
#[derive(Debug)]
pub struct FoundKey {
    /// Where.
    pub place: Place,
    /// The service's id.
    pub id: KeyId,
    /// Its type, where the state says one that exists.
    pub key_type: Option<KeyType>,
    /// What the service showed once, where the state has it.
    pub secret: Option<Secret>,
}

/// An environment as a state has it.
#[derive(Debug)]
pub struct FoundEnvironment {
    /// Where.
    pub place: Place,
    /// The service's id.
    pub id: EnvironmentId,
}

/// Where in a state an instance stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Its address.
    pub address: ResourceAddress,
    /// What Terraform would do with it.
    pub standing: Standing,
}

/// What Terraform would do with an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Keep it.
    Current,
    /// Replace it.
    Tainted,
    /// Delete it: its successor is there.
    Deposed,
}

/// An instance that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unusable {
    /// Its address, or as much of it as is known. Hostile text.
    pub address: String,
    /// Why, without anything of its attributes.
    pub why: &'static str,
}

/// Reads a state of version 4, or what `show -json` prints of one. The caller's bytes are the caller's to wipe.
///
/// # Errors
/// [`StateError`]. A single resource that is not as expected is no error, but [`Unusable`].
pub fn read(bytes: &[u8]) -> Result<State, StateError> {
    if bytes.len() > MAX_BYTES {
        return Err(StateError::TooLarge);
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(StateError::Utf16);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(StateError::Empty);
    }
    let mut state = match form(bytes)? {
        Form::Version4 => v4::read(bytes)?,
        Form::Show => show::read(bytes)?,
    };
    state.keys.sort_by(|a, b| (&a.place, &a.id).cmp(&(&b.place, &b.id)));
    state.environments.sort_by(|a, b| (&a.place, &a.id).cmp(&(&b.place, &b.id)));
    state.unusable.sort();
    Ok(state)
}

enum Form {
    Version4,
    Show,
}

/// What tells the forms apart.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default)]
    version: Scalar<'a>,
    #[serde(borrow, default)]
    format_version: Scalar<'a>,
    #[serde(borrow, default)]
    encryption_version: Scalar<'a>,
    #[serde(borrow, default)]
    encrypted_data: Scalar<'a>,
    #[serde(borrow, default)]
    planned_values: Scalar<'a>,
    #[serde(borrow, default)]
    sops: Scalar<'a>,
}

fn form(bytes: &[u8]) -> Result<Form, StateError> {
    let Head { version, format_version, encryption_version, encrypted_data, planned_values, sops } =
        serde_json::from_slice(bytes).map_err(|error| StateError::of(&error))?;
    if encryption_version.is_something() || encrypted_data.is_something() {
        return Err(StateError::Encrypted);
    }
    if sops.is_something() {
        return Err(StateError::Sops);
    }
    if planned_values.is_something() {
        return Err(StateError::Plan);
    }
    if format_version.is_something() {
        let is_known = format_version.text().is_some_and(|format| format == "1" || format.starts_with("1."));
        return if is_known { Ok(Form::Show) } else { Err(StateError::Format) };
    }
    match version {
        Scalar::Number(4) => Ok(Form::Version4),
        Scalar::Number(found) => Err(StateError::Version { found }),
        _ => Err(StateError::NotAState),
    }
}

/// A resource instance, found in either form.
pub(super) struct RawInstance<'a> {
    pub(super) module: &'a str,
    pub(super) resource_type: &'static str,
    pub(super) name: &'a str,
    pub(super) index: &'a Scalar<'a>,
    pub(super) standing: Standing,
    pub(super) attributes: &'a Attributes<'a>,
}

/// The type, if it is one of those that are read.
pub(super) fn known(resource_type: &str) -> Option<&'static str> {
    [KEY, ENVIRONMENT].into_iter().find(|known| *known == resource_type)
}

impl State {
    /// Takes an instance in.
    pub(super) fn add(&mut self, raw: &RawInstance<'_>) {
        let place = place(raw);
        let taken = match &place {
            Some(place) => self.try_add(place, raw),
            None => Err("its address is not of Terraform's form"),
        };
        if let Err(why) = taken {
            let RawInstance { module, resource_type, name, .. } = raw;
            let module = if module.is_empty() { String::new() } else { format!("{module}.") };
            let address = place
                .map_or_else(|| format!("{module}{resource_type}.{name}"), |place| place.address.to_string());
            self.unusable.push(Unusable { address, why });
        }
    }

    fn try_add(&mut self, place: &Place, raw: &RawInstance<'_>) -> Result<(), &'static str> {
        let Attributes { id, key_type, secret, key, is_there } = raw.attributes;
        if !is_there {
            return Err("it has no attributes");
        }
        let id = id.text().ok_or("it has no id: it was never made, or was cut off while it was")?;
        let place = place.clone();
        if raw.resource_type == ENVIRONMENT {
            let id = EnvironmentId::new(id).map_err(|_| "its id is none of Honeycomb's form")?;
            self.environments.push(FoundEnvironment { place, id });
            return Ok(());
        }
        let id = KeyId::new(id).map_err(|_| "its id is none of Honeycomb's form")?;
        let key_type: Option<KeyType> = key_type.text().and_then(|text| text.parse().ok());
        let joined = || secret_of(key.text()?, key_type?, &id);
        let secret = secret.text().filter(|text| !text.is_empty()).or_else(joined);
        // Copied once, to its own length: a text that grows leaves a copy that nobody wipes.
        let secret = secret.map(|text| Secret::new(text.to_owned()));
        self.keys.push(FoundKey { place, id, key_type, secret });
        Ok(())
    }
}

fn place(raw: &RawInstance<'_>) -> Option<Place> {
    let index = match raw.index {
        Scalar::Nothing => None,
        Scalar::Number(number) => Some(Index::Number(*number)),
        text => Some(Index::Key(text.text()?.to_owned())),
    };
    let address = ResourceAddress {
        modules: modules(raw.module)?,
        resource_type: raw.resource_type,
        name: Step::new(raw.name, index)?,
    };
    Some(Place { address, standing: raw.standing })
}

/// The secret in a header-ready value: an ingest key's has the id in front.
fn secret_of<'a>(credential: &'a str, key_type: KeyType, id: &KeyId) -> Option<&'a str> {
    let secret = match key_type {
        KeyType::Configuration => credential,
        KeyType::Ingest => credential.strip_prefix(id.as_str())?,
    };
    (!secret.is_empty()).then_some(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus(name: &str) -> Vec<u8> {
        std::fs::read(format!("{}/fuzz/corpus/terraform/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    /// `ADDRESS ID STANDING SECRET?` of each key.
    fn keys(name: &str) -> Vec<String> {
        let state = read(&corpus(name)).unwrap();
        let one = |key: &FoundKey| {
            let FoundKey { place: Place { address, standing }, id, key_type: _, secret } = key;
            let secret = secret.as_ref().map_or("-", Secret::expose);
            let end = id.as_str().chars().next_back().unwrap();
            format!(
                "{} …{end} {standing:?} {secret}",
                address.to_string().replace("honeycombio_api_key", "KEY")
            )
        };
        state.keys.iter().map(one).collect()
    }

    #[test]
    fn both_forms_give_addresses_ids_and_secrets() {
        const S: &str = "s3cr3t9canary7";
        for (name, expected) in [
            ("root", vec![format!("KEY.checkout …4 Current {S}"), format!("KEY.ci …5 Current {S}")]),
            (
                "modules",
                vec![
                    format!("module.web.KEY.ingest …4 Current {S}"),
                    format!(r#"module.web["eu"].module.keys[1].KEY.ingest …5 Current {S}"#),
                ],
            ),
            ("count", (4..=6).map(|n| format!("KEY.ingest[{n}] …{n} Current {S}")).collect()),
            (
                "for_each",
                vec![
                    format!(r#"KEY.ingest[":\u003aerror:\u003a\u202e$${{x}}\n"] …5 Current {S}"#),
                    format!(r#"KEY.ingest["a.b[\"c\"]"] …4 Current {S}"#),
                ],
            ),
            ("tainted", vec![format!("KEY.ingest …4 Tainted {S}")]),
            ("bom", vec![format!("KEY.ingest …4 Tainted {S}")]),
            ("deposed", vec![format!("KEY.ingest …4 Current {S}"), format!("KEY.ingest …5 Deposed {S}")]),
            ("key_attribute", vec![format!("KEY.ci …5 Current {S}"), format!("KEY.ingest …4 Current {S}")]),
            ("escaped", vec![format!("KEY.a …1 Current {S}")]),
            (
                "show",
                vec![
                    format!("module.web.KEY.ingest[0] …4 Current {S}"),
                    format!("module.web.KEY.ingest[0] …5 Deposed {S}"),
                    format!(r#"module.web.module.keys["eu"].KEY.ingest["a\"b"] …6 Tainted {S}"#),
                ],
            ),
            ("show_empty", vec![]),
        ] {
            assert_eq!(keys(name), expected, "{name}");
        }
    }

    #[test]
    fn only_managed_resources_of_honeycomb_are_read() {
        let state = read(&corpus("others")).unwrap();
        assert_eq!((state.keys.len(), state.environments.len(), state.others), (0, 0, 1));
        let state = read(&corpus("root")).unwrap();
        assert_eq!(state.environments.len(), 1);
        assert_eq!(state.environments[0].place.address.to_string(), "honeycombio_environment.production");
    }

    #[test]
    fn what_cannot_be_used_is_named_and_keeps_the_rest() {
        let state = read(&corpus("odd")).unwrap();
        assert_eq!(state.keys.len(), 0);
        assert_eq!(state.unusable.len(), 9);
        assert_eq!(state.unusable[8].address, "modul.x.honeycombio_api_key.m");
    }

    #[test]
    fn what_is_no_state_is_told_apart() {
        for (name, error) in [
            ("empty", StateError::Empty),
            ("utf16", StateError::Utf16),
            ("encrypted", StateError::Encrypted),
            ("sops", StateError::Sops),
            ("plan", StateError::Plan),
            ("no_state", StateError::NotAState),
            ("version3", StateError::Version { found: 3 }),
            ("show_newer", StateError::Format),
        ] {
            assert_eq!(read(&corpus(name)).unwrap_err(), error, "{name}");
        }
        for (name, expected) in [
            ("truncated", "the JSON ends too early"),
            ("deep", "it is not JSON"),
            ("not_utf8", "it is not JSON"),
            ("wrong_form", "it is JSON of another form than a state"),
            ("twice", "it is JSON of another form than a state"),
        ] {
            let StateError::Syntax { problem, .. } = read(&corpus(name)).unwrap_err() else {
                panic!("{name}")
            };
            assert_eq!(problem, expected, "{name}");
        }
        assert_eq!(read(&vec![b' '; MAX_BYTES + 1]).unwrap_err(), StateError::TooLarge);
    }
}
