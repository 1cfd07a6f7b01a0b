//! What is wrong with a configuration, for people and for machines.

use std::fmt;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, SourceCode, SourceSpan};
use schemars::JsonSchema;
use serde::Serialize;

use super::shown::Shown;

/// Everything that is wrong: at least one problem, sorted by file and place.
///
/// As a [`Diagnostic`] it shows each problem with its file's lines around it; [`Problems::list`] and serde give
/// `[{"file","line","column","message","help","also"}]`. No text of it holds a secret that keycomb recognises.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn new(problems: Vec<Problem>) -> Self {
        Self(problems)
    }

    /// The problems: the main file's first, then by file name; within a file from top to bottom.
    pub fn list(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => f.write_str("the configuration has a problem"),
            count => write!(f, "the configuration has {count} problems"),
        }
    }
}

impl std::error::Error for Problems {}

impl Diagnostic for Problems {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.0.iter().map(|problem| problem as &dyn Diagnostic)))
    }
}

/// One thing that is wrong.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Problem {
    /// The file, relative to the main file's folder.
    pub file: String,
    /// The line, from 1; 1 when the whole file is meant.
    pub line: usize,
    /// The column in characters, from 1; 1 when the whole file is meant.
    pub column: usize,
    /// What was found and what was expected.
    pub message: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The other place that it takes: the first of two declarations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub also: Option<Elsewhere>,
    #[serde(skip)]
    pub(super) excerpt: Option<Excerpt>,
}

/// A second place that a problem is about.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Elsewhere {
    /// The file, relative to the main file's folder.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is there.
    pub message: String,
    #[serde(skip)]
    pub(super) excerpt: Option<Excerpt>,
}

/// The lines to show and what to underline in them.
#[derive(Debug)]
pub(super) struct Excerpt {
    pub(super) shown: Arc<Shown>,
    pub(super) span: SourceSpan,
    pub(super) label: String,
}

impl Excerpt {
    fn label(&self, primary: bool) -> LabeledSpan {
        let label = Some(self.label.clone()).filter(|label| !label.is_empty());
        if primary {
            LabeledSpan::new_primary_with_span(label, self.span)
        } else {
            LabeledSpan::new_with_span(label, self.span)
        }
    }
}

impl Problem {
    /// The other place, when it is in the same file and both fit one excerpt.
    fn second_label(&self) -> Option<LabeledSpan> {
        let other = self.also.as_ref().filter(|also| also.file == self.file)?;
        other.excerpt.as_ref().map(|excerpt| excerpt.label(false))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.excerpt.is_none() {
            write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt.as_ref().map(|excerpt| &*excerpt.shown as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let excerpt = self.excerpt.as_ref()?;
        Some(Box::new(std::iter::once(excerpt.label(true)).chain(self.second_label())))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        let other = self.also.as_ref()?;
        if self.excerpt.is_some() && self.second_label().is_some() {
            return None;
        }
        Some(Box::new(std::iter::once(other as &dyn Diagnostic)))
    }
}

impl fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.excerpt.is_none() {
            write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Elsewhere {}

impl Diagnostic for Elsewhere {
    fn severity(&self) -> Option<miette::Severity> {
        Some(miette::Severity::Advice)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt.as_ref().map(|excerpt| &*excerpt.shown as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let excerpt = self.excerpt.as_ref()?;
        Some(Box::new(std::iter::once(excerpt.label(true))))
    }
}
