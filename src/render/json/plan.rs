//! Plan and drift as documents.

use schemars::JsonSchema;
use serde::Serialize;

use super::action::ActionView;
use super::finding::{FindingView, IgnoredView};
use crate::model::{Label, Pattern};
use crate::plan::{Drift, Header, Plan, Select, Summary, Verb};

/// What would be done to make the service as it is declared, and what is worth saying.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "keycomb plan")]
pub(super) struct PlanView<'a> {
    /// `keycomb.plan/1`
    #[schemars(extend("const" = "keycomb.plan/1"))]
    format: &'static str,
    /// What it does, as `kc1:xxxx-xxxx-xxxx-xxxx`: the same for a plan that does the same to the same things.
    intent: String,
    /// What the plan was made from.
    header: HeaderView<'a>,
    /// In the order they are carried out, blocked ones last.
    actions: Vec<ActionView<'a>>,
    /// Gravest first, then by address and id.
    findings: Vec<FindingView<'a>>,
    /// Counts over actions and findings.
    summary: SummaryView,
}

impl<'a> PlanView<'a> {
    pub(super) fn of(plan: &'a Plan) -> Self {
        let Plan { header, actions, findings, summary } = plan;
        Self {
            format: "keycomb.plan/1",
            intent: plan.intent().to_string(),
            header: HeaderView::of(header),
            actions: actions.iter().map(ActionView::of).collect(),
            findings: findings.iter().map(FindingView::of).collect(),
            summary: SummaryView::of(summary),
        }
    }
}

/// What changed at the service since it was last applied.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "keycomb drift")]
pub(super) struct DriftView<'a> {
    /// `keycomb.drift/1`
    #[schemars(extend("const" = "keycomb.drift/1"))]
    format: &'static str,
    /// What was looked at.
    header: HeaderView<'a>,
    /// Gravest first, then by address and id.
    findings: Vec<FindingView<'a>>,
    /// What rules of `[[ignore]]` hide, in the same order.
    ignored: Vec<IgnoredView<'a>>,
}

impl<'a> DriftView<'a> {
    pub(super) fn of(drift: &'a Drift) -> Self {
        let Drift { header, findings, ignored, summary: _ } = drift;
        Self {
            format: "keycomb.drift/1",
            header: HeaderView::of(header),
            findings: findings.iter().map(FindingView::of).collect(),
            ignored: ignored.iter().map(IgnoredView::of).collect(),
        }
    }
}

/// What was read.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Header")]
struct HeaderView<'a> {
    /// The team's slug.
    team: &'a str,
    /// The service's base address.
    endpoint: &'a str,
    /// The sealed file; null when there is none yet.
    sealed: Option<SealedView<'a>>,
    /// The instant that was decided for, RFC 3339 in UTC.
    #[schemars(extend("format" = "date-time"))]
    now: String,
    /// The service's clock when it was read; another than `now` for a forecast, which is not to be carried out.
    #[schemars(extend("format" = "date-time"))]
    read: String,
    /// How much is declared.
    declared: DeclaredView,
    /// The part that was chosen; null when it is all.
    select: Option<SelectView<'a>>,
    /// The guards that were lifted, as options: `delete=3`, or an address.
    allow: Vec<String>,
    /// Whether it was read from a file that an earlier run saved (`read` says when), and not from the service; such a plan is not
    /// to be carried out.
    snapshot: bool,
}

impl<'a> HeaderView<'a> {
    fn of(header: &'a Header) -> Self {
        let Header { team, endpoint, sealed, now, read, declared: (environments, keys), terms, snapshot } =
            header;
        let sealed = sealed
            .as_ref()
            .map(|(lineage, serial)| SealedView { lineage: lineage.as_str(), serial: *serial });
        Self {
            team: team.as_str(),
            endpoint: endpoint.as_str(),
            sealed,
            now: now.to_string(),
            read: read.to_string(),
            declared: DeclaredView { environments: *environments, keys: *keys },
            select: SelectView::of(&terms.select),
            allow: terms.allow.words(),
            snapshot: *snapshot,
        }
    }
}

/// The part of all that the plan is about.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Select")]
pub(super) struct SelectView<'a> {
    /// At least one of these globs; empty: any.
    only: Vec<&'a str>,
    /// None of these globs.
    skip: Vec<&'a str>,
    /// The labels of these environments; empty: any.
    environments: Vec<&'a str>,
}

impl<'a> SelectView<'a> {
    pub(super) fn of(select: &'a Select) -> Option<Self> {
        let Select { only, skip, environments } = select;
        (!select.is_all()).then(|| Self {
            only: only.iter().map(Pattern::as_str).collect(),
            skip: skip.iter().map(Pattern::as_str).collect(),
            environments: environments.iter().map(Label::as_str).collect(),
        })
    }
}

/// A sealed file.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SealedFile")]
struct SealedView<'a> {
    /// Made once, random.
    lineage: &'a str,
    /// One more with each save.
    serial: u64,
}

/// How much is declared.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Declared")]
struct DeclaredView {
    /// Environments.
    environments: usize,
    /// Keys, fanned out over environments.
    keys: usize,
}

/// Counts.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Summary")]
struct SummaryView {
    /// Actions by verb, without zeros.
    verbs: Vec<VerbCount>,
    /// Actions that will be carried out.
    changes: usize,
    /// Actions that must not be taken.
    blocked: usize,
    /// Blocked by a guard, out of `blocked`.
    guarded: usize,
    /// Secrets issued.
    issued: usize,
    /// Working keys that stop working.
    stopping: usize,
    /// Actions that cannot be taken back.
    irreversible: usize,
    /// Findings of kind `drift`.
    drifted: usize,
    /// Findings.
    findings: usize,
    /// Findings that rules of `[[ignore]]` hide; not among the others.
    ignored: usize,
}

impl SummaryView {
    fn of(summary: &Summary) -> Self {
        let Summary {
            verbs,
            changes,
            blocked,
            guarded,
            issued,
            stopping,
            irreversible,
            drifted,
            findings,
            ignored,
        } = summary;
        Self {
            verbs: verbs.iter().map(VerbCount::of).collect(),
            changes: *changes,
            blocked: *blocked,
            guarded: *guarded,
            issued: *issued,
            stopping: *stopping,
            irreversible: *irreversible,
            drifted: *drifted,
            findings: *findings,
            ignored: *ignored,
        }
    }
}

/// How many actions of a verb there are.
#[derive(Debug, Serialize, JsonSchema)]
struct VerbCount {
    /// The verb.
    verb: &'static str,
    /// How many.
    count: usize,
}

impl VerbCount {
    fn of((verb, count): &(Verb, usize)) -> Self {
        Self { verb: verb.as_str(), count: *count }
    }
}
