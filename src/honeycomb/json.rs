//! JSON bodies, and what is wrong with one, told without quoting it.

use serde::Deserialize;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

/// Reads a body.
///
/// # Errors
/// The place and what was expected there, never what stood there.
pub(super) fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    // Keeping track of the path costs an allocation per field: only a body that is wrong pays for it.
    serde_json::from_slice(body).map_err(|_| problem::<T>(body))
}

fn problem<'a, T: Deserialize<'a>>(body: &'a [u8]) -> String {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut reader) else {
        return "there is more after the JSON's end".into();
    };
    let (path, error) = (place(error.path()), error.inner());
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        Category::Data => match missing_field(error) {
            Some(field) => format!("field `{field}` is missing at {path}"),
            None => format!("not of the expected type at {path} (line {line}, column {column})"),
        },
        Category::Eof => format!("the JSON ends too early (line {line}, column {column})"),
        Category::Syntax | Category::Io => format!("not JSON (line {line}, column {column})"),
    }
}

/// The name is one of our own fields': serde takes it from the type, not from the body.
fn missing_field(error: &serde_json::Error) -> Option<String> {
    let text = error.to_string();
    let (name, _) = text.strip_prefix("missing field `")?.split_once('`')?;
    Some(name.to_owned())
}

/// The path, with map keys that do not look like field names left out: they are the body's own words.
fn place(path: &Path) -> String {
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => text.push_str(&format!("[{index}]")),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(if is_field_name(key) { key } else { "…" });
            }
            Segment::Unknown => text.push('?'),
        }
    }
    if text.is_empty() { "the top".into() } else { format!("`{text}`") }
}

fn is_field_name(key: &str) -> bool {
    key.len() <= 20 && key.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Body {
        #[expect(dead_code, reason = "only read by serde")]
        data: Vec<BTreeMap<String, bool>>,
    }

    fn problem_of(body: &str) -> String {
        read::<Body>(body.as_bytes()).unwrap_err()
    }

    #[test]
    fn problems_name_the_place_and_never_the_text() {
        for (body, expected) in [
            (
                r#"{"data":[{"a":true},{"a":"hunter2"}]}"#,
                "not of the expected type at `data[1].a` (line 1, column 34)",
            ),
            (
                r#"{"data":[{"hunter2hunter2":"x"}]}"#,
                "not of the expected type at `data[0].…` (line 1, column 30)",
            ),
            (r#"{"hunter2":1}"#, "field `data` is missing at the top"),
            (r#"{"data":[{"a":tr"#, "the JSON ends too early (line 1, column 16)"),
            ("<html>hunter2", "not JSON (line 1, column 1)"),
            (r#"{"data":[]} hunter2"#, "there is more after the JSON's end"),
        ] {
            assert_eq!(problem_of(body), expected);
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = format!(r#"{{"data":{}"#, "[".repeat(100_000));
        assert!(problem_of(&deep).starts_with("not"), "{}", problem_of(&deep));
    }
}
