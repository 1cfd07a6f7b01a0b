//! Typed readers: a TOML value to a Rust value, saying what is wrong; and the schema of what they take.
//!
//! Read by hand and not with serde: serde stops at the first wrong type, and quotes values in its messages.

use indexmap::IndexMap;
use serde_json::json;
use toml::de::{DeTable, DeValue};

use super::collector::Collector;
use super::place::{At, Place};
use crate::model::{AddressError, Label};

/// What can stand behind a TOML key.
pub(super) trait Field: Sized {
    /// Reads it; `None` after having said what is wrong.
    fn read(value: &DeValue<'_>, place: Place, out: &mut Collector) -> Option<Self>;

    /// JSON Schema (draft 7) of what [`Field::read`] takes.
    fn schema() -> serde_json::Value;
}

/// Says that a value has the wrong type.
pub(super) fn wrong_type(value: &DeValue<'_>, place: Place, expected: &str, out: &mut Collector) {
    let (found, help) = match value {
        DeValue::String(text) => ("a string", string_help(text, expected)),
        DeValue::Integer(_) => ("an integer", None),
        DeValue::Float(_) => ("a float", None),
        DeValue::Boolean(_) => ("a boolean", None),
        DeValue::Datetime(_) => ("a date", None),
        DeValue::Array(_) => ("an array", None),
        DeValue::Table(_) => ("a table", None),
    };
    let help = help.or_else(|| match expected {
        "a string" => Some("write one text in quotes".into()),
        "a boolean" => Some("write `true` or `false`".into()),
        "an integer" => Some("write a whole number, without quotes".into()),
        "a table" => Some("write its name in brackets, and its attributes on the lines below".into()),
        _ => None,
    });
    let draft =
        out.wrong(place, format!("expected {expected}, found {found}")).label(format!("not {expected}"));
    if let Some(help) = help {
        draft.help(help);
    }
}

fn string_help(text: &str, expected: &str) -> Option<String> {
    let bare = match expected {
        "a boolean" => text == "true" || text == "false",
        "an integer" => text.parse::<i64>().is_ok(),
        "an array of strings" => return Some("write it in brackets: `[\"…\"]`".into()),
        _ => false,
    };
    bare.then(|| format!("write `{text}` without the quotes"))
}

/// The table in a value, or nothing after having said that it is none.
pub(super) fn table<'v, 'i>(
    value: &'v DeValue<'i>,
    place: Place,
    out: &mut Collector,
) -> Option<&'v DeTable<'i>> {
    let DeValue::Table(table) = value else {
        wrong_type(value, place, "a table", out);
        return None;
    };
    Some(table)
}

impl Field for String {
    fn read(value: &DeValue<'_>, place: Place, out: &mut Collector) -> Option<Self> {
        let DeValue::String(text) = value else {
            wrong_type(value, place, "a string", out);
            return None;
        };
        Some(text.to_string())
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string" })
    }
}

impl Field for bool {
    fn read(value: &DeValue<'_>, place: Place, out: &mut Collector) -> Option<Self> {
        let DeValue::Boolean(yes) = value else {
            wrong_type(value, place, "a boolean", out);
            return None;
        };
        Some(*yes)
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "boolean" })
    }
}

/// An integer from 0 to `MAX`.
#[derive(Debug, Clone, Copy)]
pub(super) struct UpTo<const MAX: u32>(pub(super) u32);

impl<const MAX: u32> Field for UpTo<MAX> {
    fn read(value: &DeValue<'_>, place: Place, out: &mut Collector) -> Option<Self> {
        let DeValue::Integer(number) = value else {
            wrong_type(value, place, "an integer", out);
            return None;
        };
        let read = u32::from_str_radix(number.as_str(), number.radix()).ok().filter(|n| *n <= MAX);
        if read.is_none() {
            out.wrong(place, format!("expected an integer from 0 to {MAX}"))
                .label("out of range")
                .help("0 means none");
        }
        read.map(Self)
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "integer", "minimum": 0, "maximum": MAX })
    }
}

impl<T: Field> Field for Vec<At<T>> {
    /// Reads what can be read of it: one wrong item does not hide the others. `None` when all are wrong, so that an
    /// empty list is one that was written empty.
    fn read(value: &DeValue<'_>, place: Place, out: &mut Collector) -> Option<Self> {
        let DeValue::Array(items) = value else {
            wrong_type(value, place, "an array of strings", out);
            return None;
        };
        let mut read = Self::with_capacity(items.len());
        for item in items.iter() {
            let place = Place::new(place.file, item.span());
            read.extend(T::read(item.get_ref(), place, out).map(|value| At { place, value }));
        }
        (items.is_empty() || !read.is_empty()).then_some(read)
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "array", "items": T::schema() })
    }
}

/// A table of things by name, in file order. `None` is a thing that could not be read but has its name.
#[derive(Debug)]
pub(super) struct Named<T>(pub(super) Vec<(At<Label>, Option<T>)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(vec![])
    }
}

impl<T: Field> Field for Named<T> {
    fn read(value: &DeValue<'_>, place: Place, out: &mut Collector) -> Option<Self> {
        let table = table(value, place, out)?;
        let mut read = Vec::with_capacity(table.len());
        for (key, value) in table {
            let place = Place::new(place.file, key.span());
            let at = value_place(value.get_ref(), place, value.span());
            let thing = T::read(value.get_ref(), at, out);
            match Label::new(key.get_ref().as_ref()) {
                Ok(label) => read.push((At { place, value: label }, thing)),
                Err(AddressError::Label | AddressError::Form) => {
                    out.wrong(place, "a name is 1 to 64 of the characters A-Z a-z 0-9 _ -")
                        .label("not a name")
                        .help("this is the name that these files use; what Honeycomb shows goes into `name`");
                }
            }
        }
        (table.is_empty() || !read.is_empty()).then_some(Self(read))
    }

    fn schema() -> serde_json::Value {
        json!({
            "type": "object",
            "propertyNames": { "pattern": "^[A-Za-z0-9_-]{1,64}$" },
            "additionalProperties": T::schema(),
        })
    }
}

/// Where a value is said to be: a table is where its name is, anything else where itself is.
pub(super) fn value_place(value: &DeValue<'_>, key: Place, span: std::ops::Range<usize>) -> Place {
    match value {
        DeValue::Table(_) => key,
        _ => Place::new(key.file, span),
    }
}

/// The keys that are written in a table, well or badly, with their places.
#[derive(Debug, Default)]
pub(super) struct Present(IndexMap<&'static str, Place>);

impl Present {
    pub(super) fn add(&mut self, key: &'static str, place: Place) {
        self.0.insert(key, place);
    }

    pub(super) fn place(&self, key: &str) -> Option<Place> {
        self.0.get(key).copied()
    }

    /// In file order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, Place)> {
        self.0.iter().map(|(key, place)| (*key, *place))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }
}
