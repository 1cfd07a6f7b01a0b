//! What `show -json` prints of a state, format 1.x.

use std::borrow::Cow;

use serde::Deserialize;

use super::error::StateError;
use super::json::{Attributes, Scalar};
use super::state::{RawInstance, Standing, State, known};

#[derive(Deserialize)]
struct File<'a> {
    /// Left out of an empty state.
    #[serde(borrow)]
    values: Option<Values<'a>>,
}

#[derive(Deserialize)]
struct Values<'a> {
    #[serde(borrow)]
    root_module: Option<Module<'a>>,
}

#[derive(Deserialize)]
struct Module<'a> {
    #[serde(borrow, default)]
    address: Cow<'a, str>,
    #[serde(borrow, default)]
    resources: Vec<Resource<'a>>,
    /// Nested as deep as the parser goes.
    #[serde(borrow, default)]
    child_modules: Vec<Module<'a>>,
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow)]
    mode: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    resource_type: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    index: Scalar<'a>,
    #[serde(default)]
    tainted: bool,
    #[serde(borrow, default)]
    deposed_key: Scalar<'a>,
    #[serde(borrow, default)]
    values: Attributes<'a>,
}

pub(super) fn read(bytes: &[u8]) -> Result<State, StateError> {
    let File { values } = serde_json::from_slice(bytes).map_err(|error| StateError::of(&error))?;
    let mut state = State::default();
    let mut modules: Vec<Module<'_>> = values.and_then(|values| values.root_module).into_iter().collect();
    while let Some(module) = modules.pop() {
        module.resources.iter().for_each(|resource| add(&mut state, &module.address, resource));
        modules.extend(module.child_modules);
    }
    Ok(state)
}

fn add(state: &mut State, module: &str, resource: &Resource<'_>) {
    let Resource { mode, resource_type, name, index, tainted, deposed_key, values } = resource;
    if mode != "managed" {
        return;
    }
    let Some(resource_type) = known(resource_type) else {
        state.others += 1;
        return;
    };
    let standing = match deposed_key.text() {
        Some(key) if !key.is_empty() => Standing::Deposed,
        _ if *tainted => Standing::Tainted,
        _ => Standing::Current,
    };
    state.add(&RawInstance { module, resource_type, name, index, standing, attributes: values });
}
