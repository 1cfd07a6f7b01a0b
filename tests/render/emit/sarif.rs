//! SARIF, against the published schema (tests/render/schemas/README.md).

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jsonschema::Validator;
use keycomb::plan::{FindingKind, Severity};
use keycomb::render::Kind;
use serde_json::Value;

use super::{CONFIG, full, of_apply, of_drift, of_plan, some_drift};
use crate::build::{finding, plan};
use crate::everything::{every_outcome, everything};

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let mut schema: Value = serde_json::from_str(include_str!("../schemas/sarif-2.1.0.json")).unwrap();
    // As published the pattern of a language has a bracket too many, and is no regular expression. We name no language.
    for definition in ["run", "toolComponent"] {
        let language = schema.pointer_mut(&format!("/definitions/{definition}/properties/language")).unwrap();
        let pattern = language.as_object_mut().unwrap().remove("pattern").unwrap();
        assert!(pattern.as_str().unwrap().ends_with("{2}]?$"), "not the schema that this was written for");
    }
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
});

pub fn assert_sarif(text: &str) -> Value {
    let read: Value = serde_json::from_str(text).unwrap();
    let wrong: Vec<String> =
        SCHEMA.iter_errors(&read).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "{}\n{text}", wrong.join("\n"));
    let rules = read["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    for result in read["runs"][0]["results"].as_array().unwrap() {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"], "the index is of another rule");
    }
    read
}

fn results(read: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let results = read["runs"][0]["results"].as_array().unwrap().iter();
    results
        .map(|result| {
            (text(&result["level"]), text(&result["ruleId"]), text(&result["properties"]["address"]))
        })
        .collect()
}

#[test]
fn the_schema_refuses_what_is_wrong() {
    let mut read: Value = serde_json::from_str(&full(Kind::Sarif).unwrap()).unwrap();
    assert!(SCHEMA.is_valid(&read));
    let mut uri = read.clone();
    uri["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] =
        "a b".into();
    assert!(!SCHEMA.is_valid(&uri), "a space in a reference");
    read["runs"][0]["results"][0]["level"] = "fatal".into();
    assert!(!SCHEMA.is_valid(&read));
}

#[test]
fn a_plans_results_are_its_findings_and_what_is_blocked_stops_or_cannot_be_undone() {
    let read = assert_sarif(&full(Kind::Sarif).unwrap());
    let results = results(&read);
    let rules: BTreeSet<&str> = results.iter().map(|(_, rule, _)| rule.as_str()).collect();
    assert_eq!(
        rules,
        BTreeSet::from([
            "advice",
            "blocked/exists",
            "blocked/protected",
            "drift",
            "irreversible",
            "stops_working",
            "unmanaged",
            "wider_permissions"
        ])
    );
    let has = |level: &str, rule: &str, address: &str| {
        results.contains(&(level.to_owned(), rule.to_owned(), address.to_owned()))
    };
    assert!(has("error", "blocked/protected", "key.production.payments"), "{results:?}");
    assert!(has("warning", "irreversible", "environment.retired"), "{results:?}");
    assert!(has("warning", "wider_permissions", "key.staging.ci"), "{results:?}");
    assert!(!results.iter().any(|(.., address)| address == "key.production.checkout"), "a plain creation");
}

#[test]
fn a_result_has_its_place_and_keeps_its_fingerprint_when_the_line_moves() {
    let place = |plan: &keycomb::plan::Plan| {
        let read = assert_sarif(&of_plan(Kind::Sarif, plan));
        let results = read["runs"][0]["results"].as_array().unwrap();
        let found = results.iter().find(|r| r["ruleId"] == "wider_permissions").unwrap().clone();
        let physical = &found["locations"][0]["physicalLocation"];
        (
            physical["artifactLocation"]["uri"].as_str().unwrap().to_owned(),
            physical["region"]["startLine"].as_u64().unwrap(),
            found["partialFingerprints"].clone(),
        )
    };
    let plan = everything();
    let (file, line, print) = place(&plan);
    assert_eq!((file.as_str(), line), ("infra/honeycomb/keys/staging.toml", 12));
    let mut moved = plan;
    for action in &mut moved.actions {
        action.reason.text.push('!');
        if let Some(origin) = &mut action.reason.origin {
            origin.line += 10;
        }
    }
    let (_, moved_line, moved_print) = place(&moved);
    assert_eq!(moved_line, 22);
    assert_eq!(moved_print, print);
}

#[test]
fn fingerprints_tell_the_results_apart() {
    let read = assert_sarif(&full(Kind::Sarif).unwrap());
    let results = read["runs"][0]["results"].as_array().unwrap();
    let prints: BTreeSet<&str> =
        results.iter().map(|r| r["partialFingerprints"]["keycomb/v1"].as_str().unwrap()).collect();
    assert_eq!(prints.len(), results.len());
}

#[test]
fn of_drift_and_apply() {
    let drift = assert_sarif(&of_drift(Kind::Sarif, &some_drift()));
    assert_eq!(drift["runs"][0]["automationDetails"]["id"], "keycomb/drift/acme/");
    assert_eq!(results(&drift)[0].1, "missing");
    let first = &drift["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(first["artifactLocation"]["uri"], CONFIG);
    let (plan, report) = every_outcome();
    let apply = assert_sarif(&of_apply(Kind::Sarif, &plan, &report));
    let rules: BTreeSet<String> = results(&apply).into_iter().map(|(_, rule, _)| rule).collect();
    for rule in ["failed/credential", "failed/service", "in_doubt", "not_started", "interrupted", "unfolded"]
    {
        assert!(rules.contains(rule), "{rule} in {rules:?}");
    }
    assert!(!rules.contains("done"), "{rules:?}");
}

#[test]
fn a_message_makes_no_link_and_a_file_is_a_reference() {
    let evil = finding(FindingKind::Drift, Severity::High, None, "see [this](https://evil.example) [x](0)");
    let mut everything = everything();
    everything.findings.push(evil);
    everything.actions[0].reason.origin.as_mut().unwrap().file = "a b/ü#?.toml".into();
    everything.actions[0].changes = vec![crate::build::from_to("permissions", "", "send_events")];
    let text = of_plan(Kind::Sarif, &everything);
    assert!(!text.contains("]("), "{text}");
    assert_sarif(&text);
    assert!(text.contains("infra/honeycomb/a%20b/%C3%BC%23%3F.toml"), "{text}");
    assert_sarif(&of_plan(Kind::Sarif, &plan(vec![], vec![])));
}
