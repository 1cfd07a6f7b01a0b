//! JSON that does no harm to a terminal.

use std::fmt::Write as _;

use serde::Serialize;

use crate::model::visible;

/// Prints a view, with every character that a terminal would obey as `\uXXXX`.
pub(super) fn print(view: &impl Serialize) -> String {
    #[expect(clippy::expect_used, reason = "views have text keys, and writing to memory does not fail")]
    let mut json = serde_json::to_string_pretty(view).expect("a view is JSON");
    json.push('\n');
    harmless(json)
}

/// Outside of strings JSON has only ASCII, so whatever is dangerous and no line break stands in a string.
fn harmless(json: String) -> String {
    if json.lines().all(|line| visible(line) == line) {
        return json;
    }
    let mut safe = String::with_capacity(json.len() + 64);
    let mut buffer = [0; 4];
    for c in json.chars() {
        let text: &str = c.encode_utf8(&mut buffer);
        if c == '\n' || visible(text) == text {
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
        let text = "a\u{1b}[2J\u{9b}31m\u{202e}\u{2028}\u{e0041}\u{200b}\u{7f}\r\nö";
        let json = print(&text);
        assert!(json.trim_end().chars().all(|c| c == 'ö' || (' '..='~').contains(&c)), "{json:?}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
