//! Live values as a plan's changes show them, so that whoever carries it out can tell whether they still hold.

use super::draft::list;
use crate::model::{Color, LiveEnvironment, LiveKey};

/// An attribute of a live key, by its TOML key, as [`super::Change::before`] has it; `None` for what the service does
/// not have. Hostile text.
pub fn key_value(field: &str, live: &LiveKey) -> Option<String> {
    match field {
        "name" => Some(live.name.clone()),
        "permissions" => Some(list(&live.permissions)),
        "enabled" => Some((!live.disabled).to_string()),
        _ => None,
    }
}

/// The same of a live environment.
pub fn environment_value(field: &str, live: &LiveEnvironment) -> Option<String> {
    match field {
        "name" => Some(live.name.clone()),
        "description" => Some(live.description.clone()),
        "color" => Some(color_text(live.color).to_owned()),
        "delete_protected" => Some(live.delete_protected.to_string()),
        _ => None,
    }
}

/// The name of a live colour.
pub(super) fn color_text(color: Option<Color>) -> &'static str {
    color.map_or("(unknown)", Color::as_str)
}
