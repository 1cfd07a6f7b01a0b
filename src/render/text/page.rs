//! A page of text that knows its column: lines up, wraps, colours, and never leaves a space at a line's end.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::render::style::{Style, Tone};

/// Columns that are used even where there are fewer.
const NARROWEST: usize = 40;
/// Columns that wrapped text gets at least, however far it is indented.
const NARROWEST_TEXT: usize = 12;

/// Text under construction. Whatever is put on it must be harmless already ([`Style::shown`]).
#[derive(Debug)]
pub(super) struct Page<'a> {
    /// How it is shown.
    pub(super) style: &'a Style,
    out: String,
    column: usize,
    /// Spaces that are written once something follows on the line.
    owed: usize,
    /// Text for the right edge of the first line that has room for it.
    margin: Option<(Tone, String)>,
}

impl<'a> Page<'a> {
    /// An empty page.
    pub(super) fn new(style: &'a Style) -> Self {
        Self { style, out: String::new(), column: 0, owed: 0, margin: None }
    }

    /// The text, ending in a line break.
    pub(super) fn finish(mut self) -> String {
        if self.column > 0 {
            self.end();
        }
        self.out
    }

    /// How many columns there are.
    pub(super) fn width(&self) -> usize {
        self.style.width.max(NARROWEST)
    }

    /// The column that would be written next.
    pub(super) fn column(&self) -> usize {
        self.column
    }

    /// Ends the line.
    pub(super) fn end(&mut self) {
        let room = if self.column > 0 { self.width().saturating_sub(self.column + 2) } else { 0 };
        let fits = |(_, text): &mut (Tone, String)| columns(text) <= room;
        if let Some((tone, text)) = self.margin.take_if(fits) {
            self.to(self.width().saturating_sub(columns(&text)));
            self.put(tone, &text);
        }
        self.out.push('\n');
        self.column = 0;
        self.owed = 0;
    }

    /// Leaves a line empty.
    pub(super) fn blank(&mut self) {
        if self.column > 0 {
            self.end();
        }
        self.end();
    }

    /// Goes to a column; where that is behind, leaves two spaces.
    pub(super) fn to(&mut self, column: usize) {
        let spaces = if column >= self.column { column - self.column } else { 2 };
        self.column += spaces;
        self.owed += spaces;
    }

    /// Puts text as it is, not wrapped.
    pub(super) fn put(&mut self, tone: Tone, text: &str) {
        let bare = text.trim_end_matches(' ');
        if !bare.is_empty() {
            self.put_bare(tone, bare);
        }
        self.to(self.column + text.len() - bare.len());
    }

    fn put_bare(&mut self, tone: Tone, text: &str) {
        self.out.extend(std::iter::repeat_n(' ', self.owed));
        self.owed = 0;
        self.column += columns(text);
        match tone.ansi() {
            Some(ansi) if self.style.color => {
                self.out.push_str(&ansi.to_string());
                self.out.push_str(text);
                self.out.push_str(&ansi.render_reset().to_string());
            }
            _ => self.out.push_str(text),
        }
    }

    /// Puts text, wrapped at spaces (or anywhere in a word that no line can hold); further lines start at `indent`.
    pub(super) fn flow(&mut self, indent: usize, tone: Tone, text: &str) {
        let width = self.width();
        if self.column + columns(text) <= width {
            return self.put(tone, text);
        }
        let indent = indent.min(width.saturating_sub(NARROWEST_TEXT));
        let first = width.saturating_sub(self.column);
        for (number, line) in broken(text, first, width - indent).iter().enumerate() {
            if number > 0 {
                self.end();
                self.to(indent);
            }
            self.put(tone, line);
        }
    }

    /// Puts parts with a dot between them; a part that does not fit goes to the next line, at `indent`.
    pub(super) fn parts(&mut self, indent: usize, parts: &[(Tone, String)]) {
        let mut is_first = true;
        for (tone, text) in parts {
            if text.is_empty() {
                is_first = false;
                continue;
            }
            let dot = if is_first { "" } else { self.style.dot() };
            if self.column > indent && self.column + columns(dot) + columns(text) > self.width() {
                self.end();
                self.to(indent);
            } else {
                self.put(Tone::Dim, dot);
            }
            self.flow(indent, *tone, text);
            is_first = false;
        }
    }

    /// Keeps a text for the right edge of the first line from here on that has room.
    pub(super) fn keep_right(&mut self, tone: Tone, text: String) {
        self.margin = Some((tone, text));
    }

    /// Puts what was kept and found no room, on lines of its own at `indent`.
    pub(super) fn settle(&mut self, indent: usize) {
        if let Some((tone, text)) = self.margin.take() {
            self.to(indent);
            self.flow(indent, tone, &text);
            self.end();
        }
    }
}

/// How many columns a text takes.
pub(super) fn columns(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.width() }
}

/// Breaks a text into lines: the first of at most `first` columns (empty where no word fits), the others of `rest`.
fn broken(text: &str, first: usize, rest: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split_inclusive(' ') {
        let bare_word = word.trim_end_matches(' ');
        let bare = columns(bare_word);
        let room = if lines.is_empty() { first } else { rest };
        if used + bare > room && (used > 0 || room < rest) {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        for c in bare_word.chars() {
            let wide = c.width().unwrap_or(0);
            if bare > rest && used + wide > rest {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(c);
            used += wide;
        }
        line.extend(std::iter::repeat_n(' ', word.len() - bare_word.len()));
        used += word.len() - bare_word.len();
    }
    lines.push(line);
    for line in &mut lines {
        line.truncate(line.trim_end_matches(' ').len());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_breaks_at_spaces_and_long_words_anywhere() {
        assert_eq!(broken("one two three", 4, 7), ["one", "two", "three"]);
        assert_eq!(broken("abcdefgh", 2, 3), ["", "abc", "def", "gh"]);
        assert_eq!(broken("東京東京", 4, 5), ["", "東京", "東京"]);
    }

    #[test]
    fn no_line_ends_in_a_space_and_none_is_too_wide() {
        let style = Style { color: false, unicode: true, width: 40 };
        let mut page = Page::new(&style);
        page.to(6);
        page.flow(6, Tone::Plain, &"word ".repeat(40));
        page.to(30);
        let text = page.finish();
        assert!(text.lines().all(|line| line.len() <= 40 && !line.ends_with(' ')), "{text}");
    }
}
