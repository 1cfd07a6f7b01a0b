//! Text as a TOML string, for the files that keycomb writes.

use std::fmt::Write as _;

use super::is_dangerous;

/// A basic string on one line, quotes included: what a terminal or a CI runner would obey is escaped.
pub fn toml_string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    let mut previous = None;
    for c in text.chars() {
        let is_dangerous = is_dangerous(previous.replace(c), c);
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            _ if is_dangerous => {
                // Writing into a String cannot fail.
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_written_reads_back_and_obeys_nobody() {
        for text in ["", "a", "\"\\", "a\nb\t\u{0}\u{7f}", "\u{202e}x", "::error::", "größe 🚀", "'''", "{}#"]
        {
            let written = toml_string(text);
            assert!(!written.contains(['\n', '\u{202e}', '\u{0}']) && !written.contains("::"), "{written}");
            let read: ::toml::Table = ::toml::from_str(&format!("x = {written}")).unwrap();
            assert_eq!(read["x"].as_str(), Some(text));
        }
    }
}
