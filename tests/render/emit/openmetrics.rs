//! OpenMetrics, read back by a parser.

use std::collections::BTreeMap;

use keycomb::render::{Kind, Sheet, emit};
use openmetrics_parser::openmetrics::parse_openmetrics;

use super::{external, full, of_apply, of_drift, rows, some_drift};
use crate::build::plan;
use crate::everything::{every_outcome, everything};

/// The samples, by name and labels in order, with their values.
pub fn samples(text: &str) -> BTreeMap<String, f64> {
    let exposition = parse_openmetrics(text).unwrap_or_else(|error| panic!("{error:?} in\n{text}"));
    let mut samples = BTreeMap::new();
    for (name, family) in exposition.families {
        let labels: Vec<String> = family.get_label_names().to_vec();
        for sample in family.iter_samples() {
            let values = sample.get_labelset().unwrap();
            let mut pairs: Vec<String> = labels
                .iter()
                .filter(|label| *label != "team")
                .map(|label| format!("{label}={}", values.get_label_value(label).unwrap_or_default()))
                .collect();
            pairs.sort();
            let openmetrics_parser::OpenMetricsValue::Gauge(value) = &sample.value else {
                panic!("{name} is no gauge");
            };
            let key = format!("{name}{{{}}}", pairs.join(","));
            assert_eq!(samples.insert(key.clone(), value.as_f64()), None, "twice: {key}");
        }
    }
    samples
}

#[test]
fn a_plan_is_counted_and_its_keys_are_dated() {
    let text = full(Kind::Openmetrics).unwrap();
    assert!(text.ends_with("\n# EOF\n"));
    let samples = samples(&text);
    let plan = everything();
    for (verb, count) in &plan.summary.verbs {
        assert_eq!(samples[&format!("keycomb_actions{{verb={}}}", verb.as_str())], *count as f64);
    }
    let total: f64 =
        samples.iter().filter(|(key, _)| key.starts_with("keycomb_actions{")).map(|(_, value)| value).sum();
    assert_eq!(total, plan.actions.len() as f64);
    assert_eq!(samples["keycomb_findings{kind=drift,severity=high}"], 1.0);
    assert_eq!(samples["keycomb_findings{kind=missing,severity=high}"], 0.0);
    assert_eq!(samples["keycomb_keys{phase=live}"], 1.0);
    assert_eq!(samples["keycomb_effects{effect=secret_issued}"], 3.0);
    let id = "hcxik_01k5v7m3t9q4w8x2y6z0a1b2c4";
    let quiet = format!("address=key.staging.quiet,generation=2,id={id},phase=live");
    assert_eq!(samples[&format!("keycomb_key_age_seconds{{{quiet},type=ingest}}")], 90.0 * 86_400.0);
    assert_eq!(
        samples[&format!("keycomb_key_next_step_seconds{{{quiet},step=rotate,type=ingest}}")],
        36.0 * 3_600.0
    );
    assert_eq!(samples["keycomb_external_key_due_seconds{kind=management,name=terraform}"], -3_600.0);
    // The time is the service's, from the sheet.
    assert_eq!(samples["keycomb_run_timestamp_seconds{run=plan}"], 1_772_366_400.0);
}

#[test]
fn drift_and_apply_have_theirs() {
    let drift = samples(&of_drift(Kind::Openmetrics, &some_drift()));
    assert_eq!(drift["keycomb_findings{kind=drift,severity=high}"], 2.0);
    assert_eq!(drift["keycomb_findings{kind=missing,severity=high}"], 1.0);
    let (plan, report) = every_outcome();
    let apply = samples(&of_apply(Kind::Openmetrics, &plan, &report));
    let total: f64 =
        apply.iter().filter(|(key, _)| key.starts_with("keycomb_outcomes{")).map(|(_, value)| value).sum();
    assert_eq!(total, report.outcomes.len() as f64);
    assert_eq!(apply["keycomb_outcomes{outcome=failed}"], report.counts().1 as f64);
    assert_eq!(apply["keycomb_interrupted{}"], 1.0);
}

#[test]
fn a_label_cannot_leave_its_quotes() {
    let mut rows = rows();
    rows.truncate(1);
    rows[0].id = Some("a\\\"} 1\n# EOF\n\u{202e}".into());
    let plan = plan(vec![], vec![]);
    let external = external();
    let sheet = Sheet { plan: Some(&plan), keys: &rows, external: &external, ..Sheet::default() };
    let samples = samples(&emit(Kind::Openmetrics, &sheet).unwrap());
    let ages: Vec<&String> =
        samples.keys().filter(|key| key.starts_with("keycomb_key_age_seconds{")).collect();
    assert_eq!(ages.len(), 1);
    assert!(ages[0].contains("\\u{a}# EOF\\u{a}\\u{202e}"), "{ages:?}");
}
