//! What several targets look at.

/// Whether a terminal would obey, hide or reorder by this character. Written apart from `model::visible` on purpose: by
/// ranges of Unicode's general category Cf, its default ignorables, and the separators of lines.
pub fn is_forbidden(c: char) -> bool {
    matches!(u32::from(c),
        0x00..=0x1f | 0x7f..=0x9f | 0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f
        | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0
        | 0xfff0..=0xfffb | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff)
}

/// One line that a terminal only shows.
pub fn assert_line(text: &str) {
    assert!(!text.chars().any(is_forbidden), "{text:?}");
}

/// Lines that a terminal only shows.
pub fn assert_lines(text: &str) {
    assert!(text.chars().all(|c| c == '\n' || !is_forbidden(c)), "{text:?}");
}

/// The parts between lines of `%%`.
pub fn parts(data: &[u8]) -> Vec<&[u8]> {
    const BREAK: &[u8] = b"\n%%\n";
    let mut parts = vec![];
    let mut rest = data;
    while let Some(at) = rest.windows(BREAK.len()).position(|window| window == BREAK) {
        parts.push(&rest[..at]);
        rest = &rest[at + BREAK.len()..];
    }
    parts.push(rest);
    parts
}
