//! Texts with rules: names, notes, paths.

use serde_json::json;
use toml::de::DeValue;

use super::collector::Collector;
use super::field::Field;
use super::place::Place;

/// One line of 1 to `MAX` characters, no blanks around it, nothing invisible in it.
#[derive(Debug, Clone)]
pub(super) struct Line<const MAX: usize>(pub(super) String);

/// An environment's name at the service (OpenAPI: `CreateEnvironmentRequest`).
pub(super) type EnvironmentName = Line<255>;

/// Whom to ask, who uses it: for people.
pub(super) type Note = Line<255>;

impl<const MAX: usize> Field for Line<MAX> {
    fn read(value: &DeValue<'_>, place: Place, out: &mut Collector) -> Option<Self> {
        let text = String::read(value, place, out)?;
        check_line(&text, MAX, place, out).then_some(Self(text))
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string", "minLength": 1, "maxLength": MAX })
    }
}

/// Says what is wrong with one line of text; whether it is fine.
pub(super) fn check_line(text: &str, max: usize, place: Place, out: &mut Collector) -> bool {
    let length = text.chars().count();
    let (message, label) = if length == 0 {
        (format!("this is empty; expected 1 to {max} characters"), "empty")
    } else if length > max {
        (format!("this has {length} characters; at most {max} are allowed"), "too long")
    } else if text.trim() != text {
        ("this begins or ends with a blank".to_owned(), "blank at an end")
    } else if text.chars().any(is_unseen) {
        ("this has a control character in it".to_owned(), "control character")
    } else {
        return true;
    };
    let help = match label {
        "empty" => "write a name, or leave it out",
        "too long" => "shorten it; characters are counted, not bytes",
        _ => "take it out: what looks the same should be the same",
    };
    out.wrong(place, message).label(label).help(help);
    false
}

/// The name of a variable of the environment.
#[derive(Debug, Clone)]
pub(super) struct VariableName(pub(super) String);

impl Field for VariableName {
    fn read(value: &DeValue<'_>, place: Place, out: &mut Collector) -> Option<Self> {
        let text = String::read(value, place, out)?;
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if text.starts_with(|c: char| c.is_ascii_digit()) || text.is_empty() || !text.chars().all(is_part) {
            out.wrong(place, "this is not the name of a variable")
                .label("not a name")
                .help("write its name alone, such as `HONEYCOMB_OPS_KEY`, without `$`");
            return None;
        }
        Some(Self(text))
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" })
    }
}

/// Text of up to `MAX` characters, of any number of lines.
#[derive(Debug, Clone)]
pub(super) struct Prose<const MAX: usize>(pub(super) String);

/// An environment's description (OpenAPI: `CreateEnvironmentRequest`).
pub(super) type Description = Prose<255>;

impl<const MAX: usize> Field for Prose<MAX> {
    fn read(value: &DeValue<'_>, place: Place, out: &mut Collector) -> Option<Self> {
        let text = String::read(value, place, out)?;
        let length = text.chars().count();
        if length > MAX {
            let message = format!("this has {length} characters; at most {MAX} are allowed");
            out.wrong(place, message).label("too long").help("shorten it; characters are counted, not bytes");
            return None;
        }
        if text.chars().any(|c| is_unseen(c) && !matches!(c, '\n' | '\t')) {
            out.wrong(place, "this has a control character in it")
                .label("control character")
                .help("only line breaks and tabs are allowed");
            return None;
        }
        Some(Self(text))
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string", "maxLength": MAX })
    }
}

/// Control characters, and those that reorder what follows them: a name must be what it looks like.
fn is_unseen(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A file in the configuration's folder or below it, with `/` between the parts.
#[derive(Debug, Clone)]
pub(super) struct FilePath(pub(super) String);

impl Field for FilePath {
    fn read(value: &DeValue<'_>, place: Place, out: &mut Collector) -> Option<Self> {
        let text = String::read(value, place, out)?;
        let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        check_relative(&text, place, out).then(|| Self(parts.join("/")))
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string", "minLength": 1, "pattern": r"^[^/\\]" })
    }
}

/// Says when a path leads, or could lead, out of the configuration's folder; whether it stays in.
pub(super) fn check_relative(path: &str, place: Place, out: &mut Collector) -> bool {
    let help = "write a path relative to the configuration's folder, with `/` between its parts";
    let bytes = path.as_bytes();
    let (message, label) =
        if path.trim().is_empty() || path.ends_with('/') || path == "." || path.ends_with("/.") {
            ("expected the path of a file", "no file")
        } else if path.starts_with('/') || bytes.get(1) == Some(&b':') {
            ("this path is absolute", "outside the folder")
        } else if path.contains('\\') {
            ("this path has a backslash in it", "backslash")
        } else if path.split('/').any(|part| part == "..") {
            ("this path leads out of the configuration's folder", "outside the folder")
        } else if path.chars().any(is_unseen) {
            ("this path has a control character in it", "control character")
        } else {
            return true;
        };
    out.wrong(place, message).label(label).help(help);
    false
}
