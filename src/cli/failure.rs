//! A command that did not end well: what to say, and the exit code.

use std::fmt;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, Report};

use super::exit::Exit;
use super::output::Output;
use crate::config::{Problem, Problems};

/// What to say, and the exit code.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What is said on stderr.
    report: Report,
}

impl Failure {
    /// A failure that a diagnostic explains.
    pub fn new(exit: Exit, diagnostic: impl Diagnostic + Send + Sync + 'static) -> Self {
        Self { exit, report: Report::new(diagnostic) }
    }

    /// A failure in words: what is wrong, and what to do next.
    pub fn words(exit: Exit, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(exit, Words { message: message.into(), help: help.into(), cause: None })
    }

    /// A failure to read or write something of this machine.
    pub fn io(message: impl Into<String>, help: impl Into<String>, source: std::io::Error) -> Self {
        Self::new(Exit::Failed, Words { message: message.into(), help: help.into(), cause: Some(source) })
    }

    /// What is wrong with the configuration, if that is what it is.
    pub fn problems(&self) -> &[Problem] {
        self.report.downcast_ref::<Problems>().map(Problems::list).unwrap_or_default()
    }

    /// A saved plan that cannot even be read.
    pub fn refused_io(message: impl Into<String>, help: impl Into<String>, source: std::io::Error) -> Self {
        Self::new(Exit::Refused, Words { message: message.into(), help: help.into(), cause: Some(source) })
    }

    /// Says it on stderr.
    pub fn say(&self, output: &Output) {
        let theme = match (output.unicode, output.stderr_color) {
            (true, true) => GraphicalTheme::unicode(),
            (true, false) => GraphicalTheme::unicode_nocolor(),
            (false, true) => GraphicalTheme::ascii(),
            (false, false) => GraphicalTheme::none(),
        };
        let mut text = String::new();
        let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_width(output.width);
        match handler.render_report(&mut text, self.report.as_ref()) {
            Ok(()) => output.say(text.trim_end()),
            Err(fmt::Error) => output.say(&format!("error: {}", self.report)),
        }
    }
}

/// A message and its help.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{message}")]
#[diagnostic(help("{help}"))]
struct Words {
    message: String,
    help: String,
    #[source]
    cause: Option<std::io::Error>,
}
