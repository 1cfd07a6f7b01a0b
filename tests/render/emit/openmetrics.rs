//! OpenMetrics, read back by a parser.

use std::collections::BTreeMap;

use keycomb::render::{Kind, Sheet, emit};

use super::{external, full, of_apply, of_drift, rows, some_drift};
use crate::build::plan;
use crate::everything::{every_outcome, everything};

/// The samples, by name and labels in order, with their values. Read as the specification's grammar has it
/// (<https://prometheus.io/docs/specs/om/open_metrics_spec/>, "ABNF"), of which only gauges are used: a parser that takes
/// less than a scraper does. The ready-made one is under a licence that this project does not take.
pub fn samples(text: &str) -> BTreeMap<String, f64> {
    let lines: Vec<&str> = text.strip_suffix("# EOF\n").expect("it ends in `# EOF`").lines().collect();
    let mut samples = BTreeMap::new();
    // A family's lines stand together, its descriptions first.
    let (mut family, mut seen, mut has_samples) = ("", Vec::new(), false);
    for line in lines {
        if let Some(description) = line.strip_prefix("# ") {
            let (kind, rest) = description.split_once(' ').unwrap();
            let (name, told) = rest.split_once(' ').unwrap();
            assert!(is_name(name), "{line}");
            if name != family {
                assert!(!seen.contains(&name), "the family `{name}` is in two places");
                (family, has_samples) = (name, false);
                seen.push(name);
            }
            assert!(!has_samples, "a description after samples: {line}");
            match kind {
                "TYPE" => assert_eq!(told, "gauge", "{line}"),
                "UNIT" => assert!(name.ends_with(&format!("_{told}")), "{line}"),
                "HELP" => assert!(unescaped(told).is_some_and(|(_, rest)| rest.is_empty()), "{line}"),
                _ => panic!("{line}"),
            }
            continue;
        }
        let end = line.find(['{', ' ']).unwrap();
        assert_eq!(&line[..end], family, "a sample outside of its family: {line}");
        has_samples = true;
        let (labels, value) = labels(&line[end..]);
        let mut pairs: Vec<String> = labels
            .iter()
            .filter(|(name, _)| name != "team")
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.sort();
        let key = format!("{family}{{{}}}", pairs.join(","));
        assert_eq!(samples.insert(key.clone(), value.parse().unwrap()), None, "twice: {key}");
    }
    samples
}

fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `{name="value",…} 1` or ` 1`: the labels, and the number.
fn labels(text: &str) -> (Vec<(String, String)>, &str) {
    let mut labels = Vec::new();
    let Some(mut rest) = text.strip_prefix('{') else { return (labels, text.strip_prefix(' ').unwrap()) };
    while let Some((name, after)) = rest.split_once("=\"") {
        assert!(is_name(name), "{text}");
        assert!(labels.iter().all(|(known, _)| known != name), "twice: {name}");
        let (value, after) = unescaped(after).unwrap();
        labels.push((name.to_owned(), value));
        let after = after.strip_prefix('"').unwrap();
        match after.strip_prefix(',') {
            Some(more) => rest = more,
            None => return (labels, after.strip_prefix("} ").unwrap()),
        }
    }
    panic!("{text}");
}

/// Up to a quotation mark, or the end; `None` for an escape that there is not.
fn unescaped(text: &str) -> Option<(String, &str)> {
    let (mut value, mut rest) = (String::new(), text);
    while let Some(c) = rest.chars().next().filter(|c| *c != '"') {
        rest = &rest[c.len_utf8()..];
        if c != '\\' {
            value.push(c);
            continue;
        }
        let escaped = rest.chars().next()?;
        value.push(match escaped {
            'n' => '\n',
            '\\' | '"' => escaped,
            _ => return None,
        });
        rest = &rest[1..];
    }
    Some((value, rest))
}

#[test]
#[should_panic(expected = "outside of its family")]
fn what_is_no_exposition_is_not_read() {
    samples("# TYPE a gauge\na 1\nb 2\n# EOF\n");
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
