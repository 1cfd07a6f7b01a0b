//! States of Terraform and OpenTofu: every instance is read or said to be unusable, none is made up, and no secret shows.

use std::collections::BTreeSet;

use keycomb::model::visible;
use keycomb::terraform::{State, read, removed, state_rm};
use serde_json::Value;

use super::oracle::{assert_line, assert_lines};

/// Seeds and the dictionary have it where a secret stands.
pub const CANARY: &str = "s3cr3t9canary7";

const TYPES: [&str; 2] = ["honeycombio_api_key", "honeycombio_environment"];

/// The input is the file.
pub fn run(data: &[u8]) {
    match (read(data), read(data)) {
        (Ok(state), Ok(again)) => {
            assert_eq!(told(&state), told(&again));
            assert_whole(data, &state);
            assert_shown(&state);
        }
        (Err(error), Err(again)) => {
            assert_eq!(error, again);
            let shown = format!("{error} {error:?}");
            assert_line(&error.to_string());
            assert!(!shown.contains(CANARY), "{shown}");
        }
        _ => panic!("the same file is right and wrong"),
    }
}

fn told(state: &State) -> String {
    format!("{state:?}")
}

/// Another reader finds as many.
fn assert_whole(data: &[u8], state: &State) {
    let data = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    let value: Value = serde_json::from_slice(data).expect("it was read as JSON");
    let expected = match value.get("format_version").is_some_and(|format| !format.is_null()) {
        true => shown_instances(value.pointer("/values/root_module").unwrap_or(&Value::Null)),
        false => list(&value, "resources").filter(|r| is_ours(r)).flat_map(|r| list(r, "instances")).count(),
    };
    assert_eq!(state.keys.len() + state.environments.len() + state.unusable.len(), expected);
    let text = String::from_utf8_lossy(data);
    for key in &state.keys {
        // Unless it was written with escapes.
        assert!(text.contains(key.id.as_str()) || text.contains("\\u"), "an id is made up");
    }
}

fn shown_instances(module: &Value) -> usize {
    let own = list(module, "resources").filter(|resource| is_ours(resource)).count();
    own + list(module, "child_modules").map(shown_instances).sum::<usize>()
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn is_ours(resource: &Value) -> bool {
    let is = |name: &str, text: &str| resource.get(name).and_then(Value::as_str) == Some(text);
    is("mode", "managed") && TYPES.iter().any(|known| is("type", known))
}

/// What a person sees of it is harmless, and has nothing of its secrets.
fn assert_shown(state: &State) {
    let places = || state.keys.iter().map(|k| &k.place).chain(state.environments.iter().map(|e| &e.place));
    for place in places() {
        let address = place.address.to_string();
        assert_line(&address);
        assert_eq!(visible(&address), address);
        assert_line(&state_rm(&place.address));
    }
    let blocks = removed(places().map(|place| &place.address));
    assert_lines(&blocks);
    let resources: BTreeSet<_> = places().map(|place| place.address.of_resource()).collect();
    assert_eq!(blocks.matches("destroy = false").count(), resources.len());
    let secrets = state.keys.iter().filter_map(|key| key.secret.as_ref());
    if secrets.clone().any(|secret| secret.expose().contains(CANARY)) {
        // An address may have it, where it is no secret.
        let addresses: String = places().map(|place| place.address.to_string()).collect();
        assert!(addresses.contains(CANARY) || !told(state).contains(CANARY));
    }
    assert!(secrets.into_iter().all(|secret| !secret.expose().is_empty()));
}
