//! The globs of `include`: their form. Which files they match is for whoever can see the disk.

use serde_json::json;
use toml::de::DeValue;

use super::collector::Collector;
use super::field::Field;
use super::place::Place;
use super::text::check_relative;

/// A relative glob that cannot name anything outside the configuration's folder but through a link.
#[derive(Debug, Clone)]
pub(super) struct Pattern(pub(super) String);

impl Field for Pattern {
    fn read(value: &DeValue<'_>, place: Place, out: &mut Collector) -> Option<Self> {
        let text = String::read(value, place, out)?;
        if !check_relative(&text, place, out) {
            return None;
        }
        if let Err(error) = glob::Pattern::new(&text) {
            out.wrong(place, format!("this is no glob: {}", error.msg)).label("not a glob").help(
                "`*` and `?` match within a name, `**` matches any folders, `[ab]` one of two characters",
            );
            return None;
        }
        Some(Self(text))
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string", "minLength": 1, "pattern": r"^[^/\\]" })
    }
}
