//! JSON that does no harm to a terminal.

use std::fmt::Write as _;

use serde::Serialize;

use super::{is_dangerous, is_visible};

/// Prints a document: pretty, ending in a line break, with every character that a terminal or a CI runner would obey as
/// `\uXXXX`.
pub fn document(view: &impl Serialize) -> String {
    #[expect(clippy::expect_used, reason = "views have text keys, and writing to memory does not fail")]
    let mut json = serde_json::to_string_pretty(view).expect("a view is JSON");
    json.push('\n');
    harmless(json)
}

/// Outside of strings JSON has only ASCII and no pairs of colons, so whatever is dangerous and no line break stands in a
/// string.
fn harmless(json: String) -> String {
    if json.lines().all(is_visible) {
        return json;
    }
    let mut safe = String::with_capacity(json.len() + 64);
    let mut previous = None;
    for c in json.chars() {
        if c == '\n' || !is_dangerous(previous.replace(c), c) {
            safe.push(c);
            continue;
        }
        let mut units = [0; 2];
        for unit in c.encode_utf16(&mut units) {
            // Writing into a String cannot fail.
            let _ = write!(safe, "\\u{unit:04x}");
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dangerous_characters_are_escaped_and_read_back() {
        let text = "a\u{1b}[2J\u{9b}31m\u{202e}\u{2028}\u{e0041}\u{200b}\u{7f}\r\nö ::x ##[y] :::";
        let json = document(&text);
        assert!(json.trim_end().chars().all(|c| c == 'ö' || (' '..='~').contains(&c)), "{json:?}");
        assert!(!json.contains("::") && !json.contains("##"), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
