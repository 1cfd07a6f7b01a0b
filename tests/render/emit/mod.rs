//! The forms of `--emit`: each is read back by a parser that knows nothing of us.

mod annotations;
mod junit;
mod markdown;
mod openmetrics;
mod sarif;
mod tfplan;

pub use annotations::parse as parse_annotation;
pub use openmetrics::samples;
pub use sarif::assert_sarif;

use keycomb::model::{ExternalKind, KeyType, Label};
use keycomb::plan::{Drift, FindingKind, LifeStage, Next, Plan, Severity, Summary, Verb};
use keycomb::render::{ExternalRow, Kind, Sheet, StatusRow, emit};
use keycomb::report::Report;

use crate::build::{finding, from_to, header, now, plan};
use crate::everything::{every_outcome, everything};

/// Where the configuration of these tests is.
pub const CONFIG: &str = "infra/honeycomb/keycomb.toml";

pub fn of_plan(kind: Kind, plan: &Plan) -> String {
    emit(kind, &Sheet { plan: Some(plan), config: CONFIG, ..Sheet::default() }).unwrap()
}

pub fn of_drift(kind: Kind, drift: &Drift) -> String {
    emit(kind, &Sheet { drift: Some(drift), config: CONFIG, ..Sheet::default() }).unwrap()
}

pub fn of_apply(kind: Kind, plan: &Plan, report: &Report) -> String {
    let sheet = Sheet { plan: Some(plan), report: Some(report), config: CONFIG, ..Sheet::default() };
    emit(kind, &sheet).unwrap()
}

pub fn drift_of(plan: &Plan) -> Drift {
    Drift {
        header: header(),
        findings: plan.findings.clone(),
        ignored: vec![],
        summary: Summary { findings: plan.findings.len(), ..Summary::default() },
    }
}

/// What was changed, what is gone, and what nobody declared.
pub fn some_drift() -> Drift {
    let mut found = everything().findings;
    let gone = finding(
        FindingKind::Missing,
        Severity::High,
        Some("key.production.api"),
        "the key `api` is gone from the service",
    );
    let mut wider = finding(
        FindingKind::Drift,
        Severity::High,
        Some("key.staging.ci"),
        "the key `ci` was changed at the service",
    );
    wider.changes = vec![from_to("permissions", "run_queries", "manage_slos\nrun_queries")];
    found.splice(0..0, [gone, wider]);
    drift_of(&plan(vec![], found))
}

pub fn rows() -> Vec<StatusRow> {
    let row = |address: &str, phase, next: Option<Next>| StatusRow {
        address: address.parse().unwrap(),
        id: Some("hcxik_01k5v7m3t9q4w8x2y6z0a1b2c4".into()),
        key_type: KeyType::Ingest,
        age: Some(std::time::Duration::from_secs(90 * 86_400)),
        generation: Some(2),
        phase,
        recipients: vec!["ops".into()],
        next,
        revoked: None,
        more: Default::default(),
    };
    let at = now().checked_add(jiff::SignedDuration::from_hours(36)).unwrap();
    let mut declared = row("key.production.new", LifeStage::Declared, None);
    (declared.id, declared.age, declared.generation) = (None, None, None);
    vec![
        row("key.staging.quiet", LifeStage::Live, Some(Next { verb: Verb::Rotate, at: Some(at) })),
        row("key.staging.web", LifeStage::Overlap, Some(Next { verb: Verb::Disable, at: None })),
        declared,
    ]
}

pub fn external() -> Vec<ExternalRow> {
    vec![ExternalRow {
        label: Label::new("terraform").unwrap(),
        kind: ExternalKind::Management,
        owner: None,
        age: Some(std::time::Duration::from_secs(86_400)),
        state: "overdue".into(),
        due: Some(now().checked_sub(jiff::SignedDuration::from_hours(1)).unwrap()),
        severity: Some(Severity::High),
    }]
}

/// All that a plan's sheet has.
pub fn full(kind: Kind) -> Option<String> {
    let (plan, drift, keys, external) = (everything(), some_drift(), rows(), external());
    emit(
        kind,
        &Sheet {
            plan: Some(&plan),
            drift: Some(&drift),
            keys: &keys,
            external: &external,
            config: CONFIG,
            report: None,
        },
    )
}

#[test]
fn every_form_of_everything() {
    let (applied, report) = every_outcome();
    for kind in Kind::ALL.iter().filter(|kind| **kind != Kind::Json) {
        let name = kind.as_str().replace('-', "_");
        insta::assert_snapshot!(format!("{name}_plan"), full(*kind).unwrap());
        let drift = some_drift();
        let sheet = Sheet { drift: Some(&drift), config: CONFIG, ..Sheet::default() };
        if let Some(text) = emit(*kind, &sheet) {
            insta::assert_snapshot!(format!("{name}_drift"), text);
        }
        let sheet = Sheet { plan: Some(&applied), report: Some(&report), config: CONFIG, ..Sheet::default() };
        if let Some(text) = emit(*kind, &sheet) {
            insta::assert_snapshot!(format!("{name}_apply"), text);
        }
    }
}

#[test]
fn a_form_says_something_even_where_there_is_nothing() {
    let nothing = plan(vec![], vec![]);
    let drift = drift_of(&nothing);
    let done = crate::build::report(vec![]);
    for kind in Kind::ALL {
        for sheet in [
            Sheet { plan: Some(&nothing), ..Sheet::default() },
            Sheet { drift: Some(&drift), ..Sheet::default() },
            Sheet { plan: Some(&nothing), report: Some(&done), ..Sheet::default() },
        ] {
            if let Some(text) = emit(*kind, &sheet) {
                assert!(text.len() > 20 && text.ends_with('\n'), "{}: {text:?}", kind.as_str());
            }
        }
    }
}

#[test]
fn same_sheet_same_bytes() {
    for kind in Kind::ALL {
        assert_eq!(full(*kind), full(*kind), "{}", kind.as_str());
    }
}

#[test]
fn gitlab_counts_what_happens_at_the_service() {
    let text = of_plan(Kind::GitlabReport, &everything());
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    // Two creations, a replacement, a rotation; two updates, an enabling, a disabling, a release; a discard and three
    // deletions. What is adopted, forgotten, moved or blocked is none of them.
    assert_eq!(read, serde_json::json!({ "create": 4, "update": 5, "delete": 4 }));
}
