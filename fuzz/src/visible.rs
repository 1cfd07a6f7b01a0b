//! Any text, made harmless for a line of a terminal.

use std::borrow::Cow;

use keycomb::model::visible;

use super::oracle::{assert_line, is_forbidden};

/// The input is text; bytes that are none become U+FFFD.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let shown = visible(&text);
    assert_line(&shown);
    assert_eq!(visible(&shown), shown, "a second time changes something");
    if let Cow::Borrowed(same) = shown {
        assert_eq!(same, text);
    }
    // What is harmless stays, in its order; what is not is there by its number.
    let mut rest = &*shown;
    for c in text.chars() {
        let plain = rest.strip_prefix(c).filter(|_| !is_forbidden(c));
        let escaped = || rest.strip_prefix(&*format!("\\u{{{:x}}}", u32::from(c)));
        rest = plain.or_else(escaped).unwrap_or_else(|| panic!("{c:?} is not in {shown:?}"));
    }
    assert_eq!(rest, "");
}
