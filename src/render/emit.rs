//! One run, many readers: what a command found or did, written in the forms that other programs take.

use std::str::FromStr;

use super::html;
use super::json;
use super::status::{ExternalRow, StatusRow};
use crate::plan::{Drift, Plan};
use crate::report::Report;

/// What one run has to show; every form reads these values and nothing else.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sheet<'a> {
    /// What would be done, or was.
    pub plan: Option<&'a Plan>,
    /// What became of it; of an apply only.
    pub report: Option<&'a Report>,
    /// Live against last applied; of `drift`, and of `plan`.
    pub drift: Option<&'a Drift>,
    /// The managed keys; empty where they were not read, as in a saved plan.
    pub keys: &'a [StatusRow],
    /// The keys that are only watched.
    pub external: &'a [ExternalRow],
}

/// A form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `keycomb.report/1` of an apply, `keycomb.plan/1` of a plan, `keycomb.drift/1` of a drift.
    Json,
    /// One page that stands alone, for people.
    Html,
}

impl Kind {
    /// All forms, in the order that help lists them.
    pub const ALL: &[Self] = &[Self::Json, Self::Html];

    /// Its word on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Html => "html",
        }
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|kind| kind.as_str()).collect();
            format!("there is no form `{text}`; forms are {}", known.join(", "))
        })
    }
}

/// What a sheet is in a form; `None` where the form has nothing to say about it.
pub fn emit(kind: Kind, sheet: &Sheet<'_>) -> Option<String> {
    match kind {
        Kind::Json => json_of(sheet),
        Kind::Html => html::page(sheet),
    }
}

/// The document of the command itself: that of an apply says what became of the plan.
fn json_of(sheet: &Sheet<'_>) -> Option<String> {
    match (sheet.report, sheet.plan, sheet.drift) {
        (Some(report), _, _) => Some(json::report(report)),
        (None, Some(plan), _) => Some(json::plan(plan)),
        (None, None, Some(drift)) => Some(json::drift(drift)),
        (None, None, None) => None,
    }
}
