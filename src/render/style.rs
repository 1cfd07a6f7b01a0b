//! How text is shown: with colour or without, with symbols or in ASCII, and how wide.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style as Ansi};

use crate::model::cut;
use crate::plan::{Severity, Verb};

/// No text of others is shown longer, in characters; JSON has it whole.
const LONGEST: usize = 2_000;

/// How text is shown. Chosen by the caller; nothing here looks at a terminal or a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether colour is used (ANSI SGR sequences, no other).
    pub color: bool,
    /// Whether characters beyond ASCII are used. Without, those of others are shown as `\u{…}`.
    pub unicode: bool,
    /// Columns; at least 40 are used.
    pub width: usize,
}

impl Style {
    /// Text of others, made harmless for one line of this terminal, and cut where nobody would read on.
    pub(super) fn shown(&self, text: &str) -> String {
        let text = cut(text, LONGEST);
        if self.unicode || text.is_ascii() {
            return text.into_owned();
        }
        let mut ascii = String::with_capacity(text.len() + 16);
        for c in text.chars() {
            if c.is_ascii() {
                ascii.push(c);
            } else {
                // Writing into a String cannot fail.
                let _ = write!(ascii, "\\u{{{:x}}}", u32::from(c));
            }
        }
        ascii
    }

    /// The same between quotes, so that nothing in it can pass for words of ours.
    pub(super) fn quoted(&self, text: &str) -> String {
        format!("\"{}\"", self.shown(text).replace('"', "\\\""))
    }

    /// What stands between the parts of a line.
    pub(super) fn dot(&self) -> &'static str {
        if self.unicode { " · " } else { " - " }
    }

    /// What stands between a value as it is and as it will be.
    pub(super) fn arrow(&self) -> &'static str {
        if self.unicode { " → " } else { " -> " }
    }

    /// What stands for lines left out.
    pub(super) fn gap(&self) -> &'static str {
        if self.unicode { "⋯" } else { "..." }
    }

    /// The symbol of a verb, one column wide.
    pub(super) fn symbol(&self, verb: Verb) -> &'static str {
        let (symbol, ascii) = match verb {
            Verb::Create => ("+", "+"),
            Verb::Release => ("»", ">"),
            Verb::Update => ("~", "~"),
            Verb::Enable => ("▲", "^"),
            Verb::Disable => ("▼", "v"),
            Verb::Delete => ("-", "-"),
            Verb::Replace => ("±", "*"),
            Verb::Rotate => ("↻", "@"),
            Verb::Adopt => ("←", "<"),
            Verb::Discard => ("×", "x"),
            Verb::Forget => ("→", ">"),
            Verb::Move => ("↷", "="),
            Verb::Blocked => ("!", "!"),
        };
        if self.unicode { symbol } else { ascii }
    }
}

/// What a piece of text means, which is what its colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// Nothing in particular.
    Plain,
    /// Worth finding: a heading, a count.
    Strong,
    /// Beside the point: where from, what kind.
    Dim,
    /// Something comes to be, or went well.
    Good,
    /// Something changes, or deserves a look.
    Change,
    /// Something goes, or went wrong.
    Bad,
    /// The same three, for the part of a line that differs.
    GoodPart,
    /// See [`Tone::GoodPart`].
    BadPart,
}

impl Tone {
    /// The tone of a verb.
    pub(super) fn of(verb: Verb) -> Self {
        match verb {
            Verb::Create | Verb::Release | Verb::Enable | Verb::Adopt => Self::Good,
            Verb::Update | Verb::Replace | Verb::Rotate | Verb::Forget | Verb::Move => Self::Change,
            Verb::Disable | Verb::Delete | Verb::Discard | Verb::Blocked => Self::Bad,
        }
    }

    /// The tone of a finding.
    pub(super) fn of_severity(severity: Severity) -> Self {
        match severity {
            Severity::Note => Self::Plain,
            Severity::Warning => Self::Change,
            Severity::High => Self::Bad,
        }
    }

    /// The colour; `None` for plain text.
    pub(super) fn ansi(self) -> Option<Ansi> {
        let colored = |color: AnsiColor| Ansi::new().fg_color(Some(color.into()));
        match self {
            Self::Plain => None,
            Self::Strong => Some(Ansi::new().bold()),
            Self::Dim => Some(Ansi::new().dimmed()),
            Self::Good => Some(colored(AnsiColor::Green)),
            Self::Change => Some(colored(AnsiColor::Yellow)),
            Self::Bad => Some(colored(AnsiColor::Red)),
            Self::GoodPart => Some(colored(AnsiColor::Green).bold().underline()),
            Self::BadPart => Some(colored(AnsiColor::Red).bold().underline()),
        }
    }
}
