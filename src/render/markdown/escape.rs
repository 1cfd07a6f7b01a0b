//! The only way from somebody's text into Markdown.
//!
//! Two places are left alone by everything that reads Markdown, GitHub's and GitLab's references included: code spans and
//! fenced blocks. So all text goes there, but for words that are nothing but letters, which mean nothing to anyone. The text is
//! made harmless for a terminal first (`model::cut`); a pipe, which ends a table's cell even in a code span, is shown as `\u{7c}`.

use crate::model::{Address, Timestamp, cut, visible};

/// Characters of a value at most.
const VALUE: usize = 300;
/// Characters of a sentence at most.
const SENTENCE: usize = 1_000;

/// A value as a code span.
pub(super) fn code(text: &str) -> String {
    span(&cut(text, VALUE))
}

/// A command as a code span; `None` where it is so long that it would have to be cut off.
pub(super) fn whole(command: &str) -> Option<String> {
    const COMMAND: usize = 2_000;
    (command.chars().count() <= COMMAND).then(|| span(&visible(command)))
}

/// An address as a code span.
pub(super) fn address(address: &Address) -> String {
    span(&address.to_string())
}

/// A time as a code span, in whole seconds.
pub(super) fn time(time: Timestamp) -> String {
    span(&format!("{time:.0}"))
}

/// A sentence: plain words as they are, what stands in backquotes as a code span, and so does all else.
pub(super) fn sentence(text: &str) -> String {
    let shown = cut(text, SENTENCE);
    let pieces: Vec<&str> = shown.split('`').collect();
    let is_closed = pieces.len() % 2 == 1;
    let mut out = Sentence::default();
    for (place, piece) in pieces.iter().enumerate() {
        let is_quoted = place % 2 == 1 && (is_closed || place + 1 < pieces.len());
        if is_quoted {
            out.code(piece);
        } else {
            out.words(piece);
        }
    }
    out.text.trim().to_owned()
}

/// Lines in a fence that none of them can close; each is made visible. Every line of it starts with `indent`.
pub(super) fn fenced(language: &str, lines: &[String], indent: &str) -> String {
    let lines: Vec<String> = lines.iter().map(|line| visible(line).into_owned()).collect();
    let longest = lines.iter().map(|line| longest_run(line)).max().unwrap_or_default();
    let fence = "`".repeat((longest + 1).max(3));
    let body: String = lines.iter().map(|line| format!("{indent}{line}\n")).collect();
    format!("{indent}{fence}{language}\n{body}{indent}{fence}\n")
}

fn span(shown: &str) -> String {
    if shown.is_empty() {
        return "(empty)".to_owned();
    }
    let mut shown = shown.replace('|', "\\u{7c}");
    if shown.chars().all(|c| c == ' ') {
        shown = "\\u{20}".repeat(shown.len());
    }
    let fence = "`".repeat(longest_run(&shown) + 1);
    // One space on either side is taken off again, where there is one on both.
    let needs_room = |end: Option<char>| matches!(end, Some('`' | ' '));
    let pad =
        if needs_room(shown.chars().next()) || needs_room(shown.chars().next_back()) { " " } else { "" };
    format!("{fence}{pad}{shown}{pad}{fence}")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

#[derive(Default)]
struct Sentence {
    text: String,
}

impl Sentence {
    fn code(&mut self, text: &str) {
        // Two spans side by side would become one.
        if self.text.ends_with('`') {
            self.text.push(' ');
        }
        self.text.push_str(&span(text));
    }

    /// Words between spaces; those that are not plain are joined to spans.
    fn words(&mut self, text: &str) {
        let mut strange: Vec<&str> = Vec::new();
        for (place, word) in text.split(' ').enumerate() {
            if !word.is_empty() && !is_plain(word) {
                strange.push(word);
                continue;
            }
            self.flush(&mut strange, place);
            if place > 0 {
                self.text.push(' ');
            }
            self.text.push_str(word);
        }
        self.flush(&mut strange, usize::MAX);
    }

    fn flush(&mut self, strange: &mut Vec<&str>, place: usize) {
        if strange.is_empty() {
            return;
        }
        // Only what a piece of text begins with has no space before it.
        if place > strange.len() && !self.text.is_empty() && !self.text.ends_with(' ') {
            self.text.push(' ');
        }
        self.code(&strange.join(" "));
        strange.clear();
    }
}

/// Whether a word means nothing to any reader of Markdown: letters, a short number or a date, with a mark after it.
fn is_plain(word: &str) -> bool {
    let bare = word.strip_prefix('(').unwrap_or(word);
    let core = bare.trim_end_matches(['.', ',', ';', ':', '?', ')']);
    let is_letters = core.chars().all(|c| c.is_ascii_alphabetic());
    let has_end = bare.len() > core.len();
    if core.is_empty() {
        // A mark on its own, after a span.
        return matches!(word, "." | "," | ";" | ":" | "?" | ")" | ")." | ")," | ");");
    }
    if is_letters {
        // Seven letters from a to f could be a commit.
        return core.len() < 7 || !core.chars().all(|c| c.is_ascii_hexdigit());
    }
    // `3.` and `3)` begin a list.
    let is_number = core.len() <= 6 && core.chars().all(|c| c.is_ascii_digit());
    is_number && (!has_end || bare.ends_with([',', ';', ':'])) || is_possessive(core) || is_date(core)
}

/// `service's`
fn is_possessive(core: &str) -> bool {
    core.split_once('\'').is_some_and(|(word, end)| {
        let is_word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphabetic());
        is_word(word) && is_word(end) && end.len() <= 2
    })
}

/// `2026-02-28`
fn is_date(core: &str) -> bool {
    let parts: Vec<&str> = core.split('-').collect();
    let is_digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    parts.iter().map(|part| part.len()).eq([4, 2, 2]) && parts.iter().all(|part| is_digits(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_code_spans_that_they_cannot_leave() {
        for (text, shown) in [
            ("checkout", "`checkout`"),
            ("a`b", "``a`b``"),
            ("`a", "`` `a ``"),
            ("```", "```` ``` ````"),
            ("a|b", "`a\\u{7c}b`"),
            (" a ", "`  a  `"),
            ("  ", "`\\u{20}\\u{20}`"),
            ("", "(empty)"),
            ("@octocat <b>#1\n", "`@octocat <b>#1\\u{a}`"),
            ("a\\", "`a\\`"),
        ] {
            assert_eq!(code(text), shown);
        }
    }

    #[test]
    fn sentences_keep_only_plain_words_outside_of_code() {
        for (text, shown) in [
            ("a key named `jenkins` is not managed", "a key named `jenkins` is not managed"),
            ("due since 2026-02-25, in 3 days", "due since 2026-02-25, in 3 days"),
            ("the service's words", "the service's words"),
            ("by @octocat and @org/team now", "by `@octocat` and `@org/team` now"),
            ("fixes #12 owner/repo#12 GH-1", "fixes `#12 owner/repo#12 GH-1`"),
            ("see www.x.de or http://x.de", "see `www.x.de` or `http://x.de`"),
            ("commit defaced decade", "commit `defaced` decade"),
            ("<img src=x> **bold** _i_ ~~s~~", "`<img src=x> **bold** _i_ ~~s~~`"),
            ("`a``b`", "`a` `b`"),
            ("odd ` one @x", "odd  one `@x`"),
            ("(`a`).", "`(` `a`)."),
            (":smile: a|b", "`:smile: a\\u{7c}b`"),
            ("1. one", "`1.` one"),
            ("größe", "`größe`"),
        ] {
            assert_eq!(sentence(text), shown, "{text}");
        }
    }

    #[test]
    fn a_fence_is_longer_than_what_is_in_it() {
        let lines = ["- ````".to_owned(), "+ a\u{1b}".to_owned()];
        assert_eq!(fenced("diff", &lines, "  "), "  `````diff\n  - ````\n  + a\\u{1b}\n  `````\n");
    }

    /// Whatever is put in, a span is one code span, wherever it stands, and has all of what is visible of it.
    fn assert_span(text: &str) {
        use pulldown_cmark::{Event, Options, Parser, TagEnd};
        let made = code(text);
        let inner = cut(text, VALUE).replace('|', "\\u{7c}");
        let line = format!("- word {made}, word\n\n| a | b |\n|---|---|\n| {made} | x |\n");
        let events: Vec<Event<'_>> = Parser::new_ext(&line, Options::all()).collect();
        let spans: Vec<&str> = events
            .iter()
            .filter_map(|event| match event {
                Event::Code(code) => Some(code.as_ref()),
                _ => None,
            })
            .collect();
        let cells = events.iter().filter(|event| matches!(event, Event::End(TagEnd::TableCell))).count();
        assert_eq!(cells, 4, "{line}");
        if inner.is_empty() || inner.chars().all(|c| c == ' ') {
            return;
        }
        assert_eq!(spans, [inner.as_str(), inner.as_str()], "{line}");
        let html = events.iter().any(|event| matches!(event, Event::Html(_) | Event::InlineHtml(_)));
        assert!(!html, "{line}");
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config { cases: 2_000, failure_persistence: None, ..Default::default() })]

        #[test]
        fn a_value_is_one_span_wherever_it_stands(text in "[`|\\\\<>!@# a-c\\[\\]()*_~&;\n\t-]{0,24}") {
            assert_span(&text);
        }

        #[test]
        fn any_value_is_one_span(text in ".{0,40}") {
            assert_span(&text);
        }
    }
}
