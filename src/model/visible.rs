//! Hostile text made harmless for one line of a terminal or of a CI log.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The longest name that [`brief`] shows whole, in characters: an environment's may have 255.
const LONGEST: usize = 300;

/// Shows every character that could move the cursor, change colours, reorder or hide text as `\u{…}`.
///
/// Names and messages from the service may hold anything; whatever is shown to a person goes through here.
/// The result has no line break, no `::` and no `##`, and running it again over its own result changes nothing.
pub fn visible(text: &str) -> Cow<'_, str> {
    if is_visible(text) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut previous = None;
    for c in text.chars() {
        if is_dangerous(previous, c) {
            // Writing into a String cannot fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        } else {
            shown.push(c);
        }
        previous = Some(c);
    }
    Cow::Owned(shown)
}

/// The same for a name within a sentence: what is longer than any real name is cut, and says so.
pub fn brief(name: &str) -> Cow<'_, str> {
    cut(name, LONGEST)
}

/// Made visible, and of no more than `longest` characters of the original.
pub fn cut(text: &str, longest: usize) -> Cow<'_, str> {
    let Some((end, _)) = text.char_indices().nth(longest) else { return visible(text) };
    let (kept, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    format!("{}… ({} characters more)", visible(kept), rest.chars().count()).into()
}

/// Whether [`visible`] would leave it as it is.
pub fn is_visible(text: &str) -> bool {
    let mut previous = None;
    text.chars().all(|c| !is_dangerous(previous.replace(c), c))
}

/// Whether a character must not be shown as it is after the one before it.
///
/// Of a pair of colons or of number signs the second is one: the runners of GitHub (`::name`, `##[name]`), Azure
/// (`##vso[name]`) and TeamCity (`##teamcity[name]`) carry out what they find behind such a pair in a log.
pub fn is_dangerous(previous: Option<char>, c: char) -> bool {
    if c.is_ascii_graphic() || c == ' ' {
        return matches!(c, ':' | '#') && previous == Some(c);
    }
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}' | '\u{e000}'..='\u{f8ff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_a_terminal_would_obey() {
        assert_eq!(visible("a\u{1b}[31mb\n\u{202e}c\u{9b}"), "a\\u{1b}[31mb\\u{a}\\u{202e}c\\u{9b}");
    }

    #[test]
    fn breaks_what_a_ci_runner_would_obey() {
        for (text, shown) in [
            ("::error::x", ":\\u{3a}error:\\u{3a}x"),
            (":::x", ":\\u{3a}\\u{3a}x"),
            ("a ##[error]", "a #\\u{23}[error]"),
            ("##vso[task.setvariable variable=a]b", "#\\u{23}vso[task.setvariable variable=a]b"),
            ("a: b #1 # :", "a: b #1 # :"),
        ] {
            assert_eq!(visible(text), shown);
            assert_eq!(visible(shown), shown, "a second time");
        }
    }

    #[test]
    fn leaves_plain_text_alone_and_is_idempotent() {
        for text in ["checkout", "größe 東京 🚀"] {
            assert_eq!(visible(text), text);
        }
        let once = visible("a\tb").into_owned();
        assert_eq!(visible(&once), once);
    }

    #[test]
    fn only_what_is_longer_than_any_name_is_cut() {
        let longest = "é".repeat(LONGEST);
        assert_eq!(brief(&longest), longest);
        assert_eq!(brief(&format!("{longest}\n!")), format!("{longest}… (2 characters more)"));
        assert!(brief(&"\u{1b}".repeat(100_000)).len() < 3_000);
    }
}
