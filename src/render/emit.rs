//! One run, many readers: what a command found or did, written in the forms that other programs take.

use std::str::FromStr;

use super::html;
use super::status::{ExternalRow, StatusRow};
use super::{annotations, gitlab, json, junit, markdown, openmetrics, sarif, tfplan};
use crate::model::TeamSlug;
use crate::plan::{Drift, Finding, Header, Plan};
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
    /// The main configuration file, from the repository's root, with `/` between folders; empty where it is not known.
    pub config: &'a str,
}

/// Which command a sheet is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Run {
    /// `plan`, and a saved plan that is shown.
    Plan,
    /// `drift`
    Drift,
    /// `apply`
    Apply,
}

impl Run {
    /// The command's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Drift => "drift",
            Self::Apply => "apply",
        }
    }
}

/// A form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `keycomb.report/1` of an apply, `keycomb.plan/1` of a plan, `keycomb.drift/1` of a drift.
    Json,
    /// Markdown, for wherever it is read.
    Markdown,
    /// Markdown for one comment that is written anew each time: short enough for GitHub, with a mark to find it by.
    GithubComment,
    /// Markdown for a job's summary on GitHub.
    GithubSummary,
    /// Commands that GitHub's runner turns into marks on lines of the configuration.
    GithubAnnotations,
    /// Counts for the widget of a merge request on GitLab.
    GitlabReport,
    /// The plan as `terraform show -json` has it.
    TerraformPlanJson,
    /// SARIF 2.1.0: what deserves a look.
    Sarif,
    /// JUnit: a test for each address.
    Junit,
    /// OpenMetrics, for a scrape or a textfile collector.
    Openmetrics,
    /// One page that stands alone, for people.
    Html,
}

impl Kind {
    /// All forms, in the order that help lists them.
    pub const ALL: &[Self] = &[
        Self::Json,
        Self::Markdown,
        Self::GithubComment,
        Self::GithubSummary,
        Self::GithubAnnotations,
        Self::GitlabReport,
        Self::TerraformPlanJson,
        Self::Sarif,
        Self::Junit,
        Self::Openmetrics,
        Self::Html,
    ];

    /// Its word on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::GithubComment => "github-comment",
            Self::GithubSummary => "github-summary",
            Self::GithubAnnotations => "github-annotations",
            Self::GitlabReport => "gitlab-report",
            Self::TerraformPlanJson => "terraform-plan-json",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::Openmetrics => "openmetrics",
            Self::Html => "html",
        }
    }

    /// Whether it has anything to say of such a run.
    pub fn is_of(self, run: Run) -> bool {
        match self {
            Self::GitlabReport => run == Run::Plan,
            Self::TerraformPlanJson => run != Run::Apply,
            _ => true,
        }
    }

    /// Whether it is added to what the file has: others add to it too.
    pub fn is_added(self) -> bool {
        self == Self::GithubSummary
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

/// What a sheet is in a form; `None` where the form has nothing to say about it. Ends in a line break.
pub fn emit(kind: Kind, sheet: &Sheet<'_>) -> Option<String> {
    let subject = Subject::of(sheet).filter(|subject| kind.is_of(subject.run()))?;
    Some(match kind {
        Kind::Json => json_of(&subject),
        Kind::Markdown => markdown::anywhere(&subject),
        Kind::GithubComment => markdown::comment(&subject),
        Kind::GithubSummary => markdown::summary(&subject),
        Kind::GithubAnnotations => annotations::annotations(&subject, sheet.config),
        Kind::GitlabReport => gitlab::report(&subject)?,
        Kind::TerraformPlanJson => tfplan::document(&subject, sheet.drift)?,
        Kind::Sarif => sarif::document(&subject, sheet.config),
        Kind::Junit => junit::document(&subject, sheet.keys),
        Kind::Openmetrics => openmetrics::exposition(&subject, sheet),
        Kind::Html => html::page(sheet)?,
    })
}

/// What a sheet is of: the apply it reports, or the plan, or the drift.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject<'a> {
    /// A plan that was not carried out.
    Plan(&'a Plan),
    /// A look for drift.
    Drift(&'a Drift),
    /// A plan, and what became of it.
    Apply(&'a Plan, &'a Report),
}

impl<'a> Subject<'a> {
    fn of(sheet: &Sheet<'a>) -> Option<Self> {
        match (sheet.plan, sheet.report, sheet.drift) {
            (Some(plan), Some(report), _) => Some(Self::Apply(plan, report)),
            (Some(plan), None, _) => Some(Self::Plan(plan)),
            (None, _, Some(drift)) => Some(Self::Drift(drift)),
            (None, _, None) => None,
        }
    }

    /// The command.
    pub(super) fn run(&self) -> Run {
        match self {
            Self::Plan(_) => Run::Plan,
            Self::Drift(_) => Run::Drift,
            Self::Apply(..) => Run::Apply,
        }
    }

    /// The plan, where there is one.
    pub(super) fn plan(&self) -> Option<&'a Plan> {
        match self {
            Self::Plan(plan) | Self::Apply(plan, _) => Some(plan),
            Self::Drift(_) => None,
        }
    }

    /// What it was made from.
    pub(super) fn header(&self) -> &'a Header {
        match self {
            Self::Plan(plan) | Self::Apply(plan, _) => &plan.header,
            Self::Drift(drift) => &drift.header,
        }
    }

    /// The team.
    pub(super) fn team(&self) -> &'a TeamSlug {
        &self.header().team
    }

    /// What was found.
    pub(super) fn findings(&self) -> &'a [Finding] {
        match self {
            Self::Plan(plan) | Self::Apply(plan, _) => &plan.findings,
            Self::Drift(drift) => &drift.findings,
        }
    }
}

/// The document of the command itself: that of an apply says what became of the plan.
fn json_of(subject: &Subject<'_>) -> String {
    match subject {
        Subject::Apply(_, report) => json::report(report),
        Subject::Plan(plan) => json::plan(plan),
        Subject::Drift(drift) => json::drift(drift),
    }
}
