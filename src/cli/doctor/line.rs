//! One line of the doctor's: what was looked at, how it is, and what mends it.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::exit::Exit;
use crate::model::visible;
use crate::render;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Pass,
    /// Worth a look, or not known; no command fails for it now.
    Warn,
    /// A command will fail for it.
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Line {
    /// What was looked at.
    pub name: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// What was found.
    pub text: String,
    /// What mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// How the command ends that fails for it.
    #[serde(skip)]
    exit: Exit,
}

impl Line {
    /// As it should be.
    pub fn pass(name: &'static str, text: impl AsRef<str>) -> Self {
        Self::new(name, Verdict::Pass, text.as_ref(), None, Exit::Done)
    }

    /// Worth a look.
    pub fn warn(name: &'static str, text: impl AsRef<str>, fix: impl AsRef<str>) -> Self {
        Self::new(name, Verdict::Warn, text.as_ref(), Some(fix.as_ref()), Exit::Done)
    }

    /// Not known, because of something that another line tells.
    pub fn unknown(name: &'static str, why: &str) -> Self {
        Self::new(name, Verdict::Warn, &format!("not checked: {why}"), None, Exit::Done)
    }

    /// A command will fail for it, with this exit code.
    pub fn fail(name: &'static str, exit: Exit, text: impl AsRef<str>, fix: Option<&str>) -> Self {
        Self::new(name, Verdict::Fail, text.as_ref(), fix, exit)
    }

    fn new(name: &'static str, verdict: Verdict, text: &str, fix: Option<&str>, exit: Exit) -> Self {
        let fix = fix.filter(|fix| !fix.is_empty()).map(|fix| visible(fix).into_owned());
        Self { name, verdict, text: visible(text).into_owned(), fix, exit }
    }
}

/// How a command would end: with what it meets first.
pub fn exit(lines: &[Line]) -> Exit {
    lines.iter().find(|line| line.verdict == Verdict::Fail).map_or(Exit::Done, |line| line.exit)
}

/// For people: a line each, and what mends it below.
pub fn text(lines: &[Line], color: bool) -> String {
    let width = lines.iter().map(|line| line.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for Line { name, verdict, text: found, fix, exit: _ } in lines {
        let (word, shade) = match verdict {
            Verdict::Pass => ("pass", AnsiColor::Green),
            Verdict::Warn => ("warn", AnsiColor::Yellow),
            Verdict::Fail => ("FAIL", AnsiColor::Red),
        };
        let style = if color { Style::new().fg_color(Some(shade.into())) } else { Style::new() };
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{style}{word}{style:#}  {name:width$}  {found}");
        if let Some(fix) = fix {
            let _ = writeln!(text, "      {:width$}  fix: {fix}", "");
        }
    }
    let count = |wanted| lines.iter().filter(|line| line.verdict == wanted).count();
    let (pass, warn, fail) = (count(Verdict::Pass), count(Verdict::Warn), count(Verdict::Fail));
    let _ = writeln!(text, "\n{pass} pass, {warn} warn, {fail} fail");
    text
}

/// `doctor --format json`
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Doctor")]
pub struct Document<'a> {
    /// `keycomb.doctor/1`
    format: &'static str,
    /// Everything that was looked at, in the order in which a command meets it.
    checks: &'a [Line],
}

/// For machines.
pub fn json(lines: &[Line]) -> String {
    render::json::document(&Document { format: "keycomb.doctor/1", checks: lines })
}
