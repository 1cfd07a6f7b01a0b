//! A file as people may see it: secrets and whatever a terminal would obey are replaced, places stay right.

use std::ops::Range;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use crate::model::{is_dangerous, visible};

/// Bytes between two marks of [`Lines::marks`].
const STRIDE: usize = 256;

/// Lines longer than this many characters make no readable excerpt.
const LONGEST_LINE: usize = 500;

/// A safe copy of a file's text, for excerpts in messages.
#[derive(Debug)]
pub(super) struct Shown {
    name: String,
    text: String,
    lines: Lines,
    /// After each replaced character: the offset in the file and in `text`. Sorted.
    shifts: Vec<(usize, usize)>,
}

impl Shown {
    /// Copies `text`. Characters within `masked` (sorted, apart) become `•`, control characters `�`; each keeps its width.
    pub(super) fn new(name: &str, text: &str, masked: &[Range<usize>]) -> Self {
        let mut shown = String::with_capacity(text.len());
        let mut shifts = Vec::new();
        let mut masked = masked.iter().peekable();
        let mut characters = text.char_indices().peekable();
        while let Some((at, c)) = characters.next() {
            while masked.next_if(|range| range.end <= at).is_some() {}
            let in_mask = masked.peek().is_some_and(|range| range.start <= at);
            let ends_line =
                c == '\n' || (c == '\r' && characters.peek().is_some_and(|(_, next)| *next == '\n'));
            let replaced = match c {
                _ if ends_line => None,
                _ if in_mask => Some('•'),
                '\t' => None,
                '#' => {
                    let (before, rest) = text.split_at_checked(at).unwrap_or_default();
                    begins_command(before, rest.get(1..).unwrap_or_default()).then_some('�')
                }
                _ => is_dangerous(None, c).then_some('�'),
            };
            shown.push(replaced.unwrap_or(c));
            if replaced.is_some() {
                shifts.push((at + c.len_utf8(), shown.len()));
            }
        }
        let lines = Lines::new(&shown);
        Self { name: visible(name).into_owned(), text: shown, lines, shifts }
    }

    /// The line and the column in characters, both from 1, of an offset in the file.
    pub(super) fn position(&self, offset: usize) -> (usize, usize) {
        self.lines.position(&self.text, self.offset(offset))
    }

    /// The span to underline for a span of the file: its part on the first line. `None` where an excerpt would be
    /// unreadable.
    pub(super) fn excerpt(&self, span: Range<usize>) -> Option<SourceSpan> {
        let (start, end) = (self.offset(span.start), self.offset(span.end));
        let line = self.lines.line_of(start);
        let around = line.saturating_sub(1)..=line.saturating_add(1);
        if around.into_iter().any(|line| self.lines.width(&self.text, line) > LONGEST_LINE) {
            return None;
        }
        let line_end = self.lines.range(line, self.text.len()).end;
        let visible_end = self
            .text
            .get(start..line_end)
            .map_or(line_end, |rest| start + rest.trim_end_matches(['\r', '\n']).len());
        Some((start, end.min(visible_end).saturating_sub(start)).into())
    }

    fn offset(&self, in_file: usize) -> usize {
        let before = self.shifts.partition_point(|(file, _)| *file <= in_file);
        match before.checked_sub(1).and_then(|last| self.shifts.get(last)) {
            Some((file, shown)) => (shown + (in_file - file)).min(self.text.len()),
            None => in_file.min(self.text.len()),
        }
    }
}

/// Whether the second of two number signs begins a command of a CI runner: `##[name]`, `##vso[name]`.
fn begins_command(before: &str, after: &str) -> bool {
    before.ends_with('#') && after.trim_start_matches(|c: char| c.is_ascii_alphabetic()).starts_with('[')
}

/// miette's own implementation for strings reads the file from its start for each label.
impl SourceCode for Shown {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let end = span.offset() + span.len();
        let first = self.lines.line_of(span.offset()).saturating_sub(before);
        let last = self.lines.line_of(end.saturating_sub(1).max(span.offset())) + after;
        let stop = self.lines.range(last, self.text.len()).end;
        // As miette's own: with no lines before it, the excerpt starts at the span itself.
        let (start, column) = if before == 0 {
            (span.offset(), self.lines.position(&self.text, span.offset()).1 - 1)
        } else {
            (self.lines.range(first, self.text.len()).start, 0)
        };
        let data = self.text.get(start..stop).ok_or(MietteError::OutOfBounds)?;
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            data.as_bytes(),
            (start, data.len()).into(),
            first,
            column,
            self.lines.starts.len(),
        )))
    }
}

/// Where lines start, and how many characters there are before each 256th byte: a position costs the same on any line.
#[derive(Debug)]
pub(super) struct Lines {
    starts: Vec<usize>,
    marks: Vec<usize>,
}

impl Lines {
    pub(super) fn new(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let starts = std::iter::once(0).chain(ends).collect();
        let marks = text
            .as_bytes()
            .chunks(STRIDE)
            .scan(0, |count, chunk| {
                let before = *count;
                *count += characters(chunk);
                Some(before)
            })
            .collect();
        Self { starts, marks }
    }

    /// The line and the column in characters, both from 1.
    pub(super) fn position(&self, text: &str, offset: usize) -> (usize, usize) {
        let line = self.line_of(offset);
        let start = self.starts.get(line).copied().unwrap_or_default();
        let column = self.characters_before(text, offset).saturating_sub(self.characters_before(text, start));
        (line + 1, column + 1)
    }

    /// The line, from 0.
    fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    fn range(&self, line: usize, end: usize) -> Range<usize> {
        let start = self.starts.get(line).copied().unwrap_or(end);
        start..self.starts.get(line + 1).copied().unwrap_or(end)
    }

    /// The length of a line in characters.
    fn width(&self, text: &str, line: usize) -> usize {
        let range = self.range(line, text.len());
        self.characters_before(text, range.end) - self.characters_before(text, range.start)
    }

    fn characters_before(&self, text: &str, offset: usize) -> usize {
        let mark = offset / STRIDE;
        let rest = text.as_bytes().get(mark * STRIDE..offset.min(text.len())).unwrap_or_default();
        match self.marks.get(mark) {
            Some(before) => before + characters(rest),
            // Past the last stride: the text ends on a mark.
            None => text.chars().count(),
        }
    }
}

/// The characters that begin in these bytes of UTF-8.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_keep_every_place() {
        let text = "## x [a]\n##vso[b]\n##[c]\n";
        assert_eq!(Shown::new("f", text, &[]).text, "## x [a]\n#�vso[b]\n#�[c]\n");
        let text = "a = \"hunter2\"\nböse = \"\u{1b}[31m\"\n";
        let shown = Shown::new("f", text, std::slice::from_ref(&(5..12)));
        assert_eq!(shown.text, "a = \"•••••••\"\nböse = \"�[31m\"\n");
        let after = text.find("[31m").unwrap();
        assert_eq!(shown.position(after), (2, 10));
        let span = shown.excerpt(after..after + 4).unwrap();
        assert_eq!(shown.text.get(span.offset()..span.offset() + span.len()), Some("[31m"));
        let middle = shown.excerpt(7..9).unwrap();
        assert_eq!(shown.text.get(middle.offset()..middle.offset() + middle.len()), Some("••"));
    }

    #[test]
    fn positions_on_a_long_line_count_characters() {
        let text = format!("x\n{}é=1", "é".repeat(5000));
        let lines = Lines::new(&text);
        assert_eq!(lines.position(&text, text.len() - 2), (2, 5002));
        assert_eq!(lines.position(&text, text.len()), (2, 5004));
    }

    #[test]
    fn a_position_at_the_end_of_a_full_stride_is_right() {
        let text = "a".repeat(STRIDE);
        assert_eq!(Lines::new(&text).position(&text, STRIDE), (1, STRIDE + 1));
        assert_eq!(Lines::new("").position("", 0), (1, 1));
    }

    #[test]
    fn no_excerpt_is_made_of_endless_lines() {
        let text = format!("a = 1\n{}\n", "b".repeat(5000));
        assert!(Shown::new("f", &text, &[]).excerpt(0..1).is_none());
    }
}
