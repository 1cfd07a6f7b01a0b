//! OpenMetrics, for a scrape or a textfile collector: how much is to be done, what was found, how old the keys are.
//!
//! The form: OpenMetrics 1.0.0. Gauges only: a run that is over has nothing to count on.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::emit::{Sheet, Subject};
use super::status::{ExternalRow, StatusRow};
use crate::model::{Timestamp, cut};
use crate::plan::{Plan, SecretEffect, Verb};
use crate::report::Report;

/// Characters of a label's value at most.
const LONGEST: usize = 200;

/// The verbs of actions, zeros and all: a series that comes and goes is hard to alert on.
const VERBS: &[Verb] = &[
    Verb::Create,
    Verb::Release,
    Verb::Update,
    Verb::Enable,
    Verb::Disable,
    Verb::Delete,
    Verb::Replace,
    Verb::Rotate,
    Verb::Adopt,
    Verb::Discard,
    Verb::Forget,
    Verb::Move,
    Verb::Blocked,
];

/// The exposition, ending in `# EOF`.
pub(super) fn exposition(subject: &Subject<'_>, sheet: &Sheet<'_>) -> String {
    let mut page = Page { text: String::new(), team: subject.team().as_str() };
    let ended = match subject {
        Subject::Apply(_, report) => report.ended,
        Subject::Plan(_) | Subject::Drift(_) => subject.header().read,
    };
    page.family("keycomb_run_timestamp_seconds", "seconds", "When this was so, by the service's clock.");
    page.put("keycomb_run_timestamp_seconds", &[("run", subject.run().as_str())], ended.as_second());
    put_declared(&mut page, subject.header().declared);
    if let Some(plan) = subject.plan() {
        put_plan(&mut page, plan);
    }
    put_findings(&mut page, subject);
    if let Subject::Apply(_, report) = subject {
        put_report(&mut page, report);
    }
    put_keys(&mut page, sheet.keys, subject.header().now);
    put_external(&mut page, sheet.external, subject.header().now);
    page.text.push_str("# EOF\n");
    page.text
}

fn put_declared(page: &mut Page<'_>, (environments, keys): (usize, usize)) {
    page.family("keycomb_declared", "", "Declared in the files.");
    page.put("keycomb_declared", &[("what", "environment")], environments);
    page.put("keycomb_declared", &[("what", "key")], keys);
}

fn put_plan(page: &mut Page<'_>, plan: &Plan) {
    let summary = &plan.summary;
    page.family("keycomb_actions", "", "Actions of the plan, by verb.");
    for verb in VERBS {
        let count = summary.verbs.iter().filter(|(known, _)| known == verb).map(|(_, count)| count);
        page.put("keycomb_actions", &[("verb", verb.as_str())], count.sum::<usize>());
    }
    page.family(
        "keycomb_effects",
        "",
        "Actions of the plan that will be carried out, by what deserves a look.",
    );
    let starting = plan
        .actions
        .iter()
        .filter(|action| action.blocked.is_none() && action.secret == SecretEffect::StartsWorking)
        .count();
    for (effect, count) in [
        ("cannot_be_undone", summary.irreversible),
        ("secret_issued", summary.issued),
        ("starts_working", starting),
        ("stops_working", summary.stopping),
    ] {
        page.put("keycomb_effects", &[("effect", effect)], count);
    }
    page.family("keycomb_guarded", "", "Actions that a guard refuses.");
    page.put("keycomb_guarded", &[], summary.guarded);
}

fn put_findings(page: &mut Page<'_>, subject: &Subject<'_>) {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for severity in ["high", "warning", "note"] {
        counts.insert(("drift", severity), 0);
        counts.insert(("missing", severity), 0);
        counts.insert(("unmanaged", severity), 0);
    }
    for finding in subject.findings() {
        *counts.entry((finding.kind.as_str(), finding.severity.as_str())).or_default() += 1;
    }
    page.family("keycomb_findings", "", "Findings, by kind and severity.");
    for ((kind, severity), count) in counts {
        page.put("keycomb_findings", &[("kind", kind), ("severity", severity)], count);
    }
}

fn put_report(page: &mut Page<'_>, report: &Report) {
    let (done, failed, not_started, in_doubt) = report.counts();
    let (staged, left) = report.staged();
    let blocked = report.outcomes.len() - done - failed - not_started - in_doubt - staged - left;
    page.family("keycomb_outcomes", "", "What became of the actions.");
    for (outcome, count) in [
        ("done", done),
        ("staged", staged),
        ("left", left),
        ("blocked", blocked),
        ("not_started", not_started),
        ("in_doubt", in_doubt),
        ("failed", failed),
    ] {
        page.put("keycomb_outcomes", &[("outcome", outcome)], count);
    }
    page.family("keycomb_interrupted", "", "Whether somebody asked to stop.");
    page.put("keycomb_interrupted", &[], u8::from(report.interrupted));
    page.family("keycomb_unfolded", "", "Whether the sealed file could not be replaced.");
    page.put("keycomb_unfolded", &[], u8::from(report.unfolded.is_some()));
    page.family("keycomb_sealed_serial", "", "The sealed file's serial.");
    page.put("keycomb_sealed_serial", &[], report.serial);
}

fn put_keys(page: &mut Page<'_>, rows: &[StatusRow], now: Timestamp) {
    if rows.is_empty() {
        return;
    }
    let mut phases: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        *phases.entry(row.phase.as_str()).or_default() += 1;
    }
    page.family("keycomb_keys", "", "Generations of managed keys, by phase.");
    for (phase, count) in phases {
        page.put("keycomb_keys", &[("phase", phase)], count);
    }
    page.family("keycomb_key_age_seconds", "seconds", "Since the key was made, by the service's clock.");
    for (row, age) in rows.iter().filter_map(|row| row.age.map(|age| (row, age))) {
        page.put("keycomb_key_age_seconds", &borrowed(&key_labels(row)), age.as_secs());
    }
    page.family(
        "keycomb_key_next_step_seconds",
        "seconds",
        "Until an apply takes the key's next step; zero or less: the next apply does.",
    );
    for (row, next) in rows.iter().filter_map(|row| row.next.map(|next| (row, next))) {
        let mut labels = key_labels(row);
        labels.push(("step", next.verb.as_str().to_owned()));
        let left = next.at.map_or(0, |at| at.as_second() - now.as_second());
        page.put("keycomb_key_next_step_seconds", &borrowed(&labels), left);
    }
}

/// What tells one generation from all others: its address, generation and id.
fn key_labels(row: &StatusRow) -> Vec<(&'static str, String)> {
    let StatusRow { address, id, key_type, generation, phase, .. } = row;
    vec![
        ("address", address.to_string()),
        ("generation", generation.map_or_else(String::new, |generation| generation.to_string())),
        ("id", id.clone().unwrap_or_default()),
        ("phase", phase.as_str().to_owned()),
        ("type", key_type.as_str().to_owned()),
    ]
}

fn put_external(page: &mut Page<'_>, rows: &[ExternalRow], now: Timestamp) {
    if rows.is_empty() {
        return;
    }
    page.family("keycomb_external_key_age_seconds", "seconds", "Since a key that is only watched was made.");
    for (row, age) in rows.iter().filter_map(|row| row.age.map(|age| (row, age))) {
        let labels = [("kind", row.kind.as_str()), ("name", row.label.as_str())];
        page.put("keycomb_external_key_age_seconds", &labels, age.as_secs());
    }
    page.family(
        "keycomb_external_key_due_seconds",
        "seconds",
        "Until a key that is only watched is to be replaced; zero or less: it is overdue.",
    );
    for (row, due) in rows.iter().filter_map(|row| row.due.map(|due| (row, due))) {
        let labels = [("kind", row.kind.as_str()), ("name", row.label.as_str())];
        page.put("keycomb_external_key_due_seconds", &labels, due.as_second() - now.as_second());
    }
}

fn borrowed<'a>(labels: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    labels.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

struct Page<'a> {
    text: String,
    team: &'a str,
}

impl Page<'_> {
    /// Opens a family of gauges. A unit is the last word of the name.
    fn family(&mut self, name: &str, unit: &str, help: &str) {
        // Writing into a String cannot fail.
        let _ = writeln!(self.text, "# TYPE {name} gauge");
        if !unit.is_empty() {
            let _ = writeln!(self.text, "# UNIT {name} {unit}");
        }
        let _ = writeln!(self.text, "# HELP {name} {help}");
    }

    /// Puts a sample; every one says which team it is of.
    fn put(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let _ = write!(self.text, "{name}{{team=\"{}\"", escape(self.team));
        for (label, text) in labels {
            let _ = write!(self.text, ",{label}=\"{}\"", escape(text));
        }
        let _ = writeln!(self.text, "}} {value}");
    }
}

/// A label's value: harmless, short, and with backslashes and quotes as the form wants them.
fn escape(text: &str) -> String {
    cut(text, LONGEST).replace('\\', "\\\\").replace('"', "\\\"")
}
