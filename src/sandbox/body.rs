//! Request bodies, field by field, so that every mistake is found at once and has its place.

use serde_json::{Map, Value};

use super::errors::{Invalid, Refusal};

/// What a request sent.
#[derive(Clone)]
pub(super) enum Body {
    /// All of it, perhaps nothing.
    Whole(Vec<u8>),
    /// More than [`MAX_BODY`].
    TooLarge,
}

/// The service's limit in bytes (OpenAPI: PayloadTooLarge).
pub(super) const MAX_BODY: usize = 100_000;

/// Parses JSON. The refusal says where, never what stood there.
pub(super) fn parse(text: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(text).map_err(|error| {
        Refusal::Unparseable(format!("invalid JSON at line {}, column {}", error.line(), error.column()))
    })
}

/// A JSON object of a request, its place, and what was found wrong in it so far.
pub(super) struct Fields<'a> {
    object: Option<&'a Map<String, Value>>,
    pointer: String,
}

impl<'a> Fields<'a> {
    /// The `attributes` of `{"data": {"type": ..., "attributes": ...}}`; with an id, `data.id` must be equal to it.
    pub(super) fn attributes(
        document: &'a Value,
        expected_type: &str,
        expected_id: Option<&str>,
        invalid: &mut Vec<Invalid>,
    ) -> Self {
        let data = Self::data(document, invalid);
        if data.object.is_some() {
            data.expect("type", expected_type, invalid);
            if let Some(id) = expected_id {
                data.expect("id", id, invalid);
            }
        }
        data.object("attributes", true, invalid)
    }

    /// `data` of the document.
    fn data(document: &'a Value, invalid: &mut Vec<Invalid>) -> Self {
        let root = Self { object: document.as_object(), pointer: String::new() };
        if root.object.is_none() {
            invalid.push(Invalid::pointer("/data", "is required"));
        }
        root.object("data", true, invalid)
    }

    /// `data.relationships.environment.data.id`.
    pub(super) fn environment_id(document: &'a Value, invalid: &mut Vec<Invalid>) -> Option<String> {
        let pointer = "/data/relationships/environment";
        let Some(related) = document.pointer(pointer).and_then(Value::as_object) else {
            invalid.push(Invalid::pointer(pointer, "is required"));
            return None;
        };
        let related = Self { object: Some(related), pointer: pointer.to_owned() };
        let data = related.object("data", true, invalid);
        data.object?;
        data.expect("type", "environments", invalid);
        data.string("id", None, true, invalid)
    }

    fn place(&self, name: &str) -> String {
        format!("{}/{name}", self.pointer)
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.object?.get(name)
    }

    /// A field that must be this very text.
    fn expect(&self, name: &str, text: &str, invalid: &mut Vec<Invalid>) {
        let detail = match self.get(name) {
            Some(Value::String(found)) if found == text => return,
            Some(_) => format!("must be `{text}`"),
            None => "is required".to_owned(),
        };
        invalid.push(Invalid::pointer(&self.place(name), detail));
    }

    /// An object inside; an absent one has no fields, and nothing more is said of them.
    pub(super) fn object(&self, name: &str, required: bool, invalid: &mut Vec<Invalid>) -> Self {
        let object = match self.get(name) {
            Some(Value::Object(object)) => Some(object),
            Some(_) => {
                invalid.push(Invalid::pointer(&self.place(name), "must be an object"));
                None
            }
            None => {
                if required && self.object.is_some() {
                    invalid.push(Invalid::pointer(&self.place(name), "is required"));
                }
                None
            }
        };
        Self { object, pointer: self.place(name) }
    }

    /// Whether the object is there at all.
    pub(super) fn is_present(&self) -> bool {
        self.object.is_some()
    }

    /// The fields by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.object.into_iter().flatten()
    }

    /// Notes a mistake in a field.
    pub(super) fn refuse(&self, name: &str, detail: &str, invalid: &mut Vec<Invalid>) {
        invalid.push(Invalid::pointer(&self.place(name), detail));
    }

    /// A text. With a range, its length in characters must be within it.
    pub(super) fn string(
        &self,
        name: &str,
        length: Option<(usize, usize)>,
        required: bool,
        invalid: &mut Vec<Invalid>,
    ) -> Option<String> {
        let text = match self.get(name) {
            Some(Value::String(text)) => text,
            Some(_) => {
                self.refuse(name, "must be a string", invalid);
                return None;
            }
            None => {
                if required && self.object.is_some() {
                    self.refuse(name, "is required", invalid);
                }
                return None;
            }
        };
        if let Some((min, max)) = length {
            let characters = text.chars().count();
            if characters < min {
                self.refuse(name, "must not be empty", invalid);
                return None;
            }
            if characters > max {
                let detail = format!("is too long: {characters} characters, expected at most {max}");
                self.refuse(name, &detail, invalid);
                return None;
            }
        }
        Some(text.clone())
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self, name: &str, invalid: &mut Vec<Invalid>) -> Option<bool> {
        match self.get(name)? {
            Value::Bool(value) => Some(*value),
            _ => {
                self.refuse(name, "must be true or false", invalid);
                None
            }
        }
    }
}

/// Refuses if anything was found wrong.
pub(super) fn accept(invalid: Vec<Invalid>) -> Result<(), Refusal> {
    if invalid.is_empty() { Ok(()) } else { Err(Refusal::Invalid(invalid)) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(document: &Value, id: Option<&str>) -> Vec<Invalid> {
        let mut invalid = Vec::new();
        let attributes = Fields::attributes(document, "api-keys", id, &mut invalid);
        attributes.string("name", Some((1, 3)), true, &mut invalid);
        invalid
    }

    #[test]
    fn every_mistake_is_found_once_and_has_its_place() {
        let required = |pointer: &str| Invalid::pointer(pointer, "is required");
        assert_eq!(found(&json!([]), None), [required("/data")]);
        assert_eq!(found(&json!({}), None), [required("/data")]);
        assert_eq!(
            found(&json!({"data": {}}), Some("x")),
            [required("/data/type"), required("/data/id"), required("/data/attributes")]
        );
        let document = json!({"data": {"type": "api-keys", "id": "y", "attributes": {}}});
        assert_eq!(
            found(&document, Some("x")),
            [Invalid::pointer("/data/id", "must be `x`"), required("/data/attributes/name")]
        );
    }

    #[test]
    fn lengths_are_counted_in_characters_and_null_is_no_string() {
        let named = |name: Value| json!({"data": {"type": "api-keys", "attributes": {"name": name}}});
        assert_eq!(found(&named(json!("äöü")), None), []);
        for wrong in [json!("äöüß"), json!(""), json!(null), json!(1)] {
            assert_eq!(found(&named(wrong.clone()), None).len(), 1, "{wrong}");
        }
    }
}
