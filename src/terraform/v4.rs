//! The state file, version 4.

use std::borrow::Cow;

use serde::Deserialize;

use super::error::StateError;
use super::json::{Attributes, Scalar};
use super::state::{RawInstance, Standing, State, known};

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    resources: Option<Vec<Resource<'a>>>,
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow, default)]
    module: Cow<'a, str>,
    #[serde(borrow)]
    mode: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    resource_type: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    /// Null where there are none, from some programs.
    #[serde(borrow)]
    instances: Option<Vec<Instance<'a>>>,
}

#[derive(Deserialize)]
struct Instance<'a> {
    #[serde(borrow, default)]
    index_key: Scalar<'a>,
    #[serde(borrow, default)]
    status: Scalar<'a>,
    #[serde(borrow, default)]
    deposed: Scalar<'a>,
    #[serde(borrow, default)]
    attributes: Attributes<'a>,
}

pub(super) fn read(bytes: &[u8]) -> Result<State, StateError> {
    let File { resources } = serde_json::from_slice(bytes).map_err(|error| StateError::of(&error))?;
    let mut state = State::default();
    for resource in resources.unwrap_or_default().iter().filter(|resource| resource.mode == "managed") {
        match known(&resource.resource_type) {
            Some(resource_type) => add(&mut state, resource, resource_type),
            None => state.others += 1,
        }
    }
    Ok(state)
}

fn add(state: &mut State, resource: &Resource<'_>, resource_type: &'static str) {
    let Resource { module, mode: _, resource_type: _, name, instances } = resource;
    for Instance { index_key: index, status, deposed, attributes } in instances.iter().flatten() {
        let standing = match (deposed.text(), status.text()) {
            (Some(key), _) if !key.is_empty() => Standing::Deposed,
            (_, Some("tainted")) => Standing::Tainted,
            _ => Standing::Current,
        };
        state.add(&RawInstance { module, resource_type, name, index, standing, attributes });
    }
}
