//! Documents for machines: stable, fitting their schemas, and the schemas fresh.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use insta::assert_snapshot;
use jsonschema::Validator;
use keycomb::plan::{Action, Verb};
use keycomb::render::json;
use keycomb::report::{Became, Cause};
use serde_json::Value;

use crate::build::{action, drift, drift_hiding, outcome, plan, report};
use crate::everything::{every_outcome, everything};
use crate::tables::{external_rows, secret_rows, status_rows};

fn documents() -> Vec<(&'static str, String)> {
    let (plan, report) = every_outcome();
    vec![
        ("drift", json::drift(&drift_hiding(plan.findings.clone(), "not ours"))),
        ("plan", json::plan(&plan)),
        ("report", json::report(&report)),
        ("secrets", json::secrets(&secret_rows())),
        ("status", json::status(&status_rows(), &external_rows())),
    ]
}

fn schema(name: &str) -> Value {
    json::schemas().into_iter().find(|(known, _)| *known == name).unwrap().1
}

pub fn assert_fits(name: &str, document: &str) {
    static VALIDATORS: LazyLock<BTreeMap<&str, Validator>> = LazyLock::new(|| {
        let compiled = |(name, schema)| (name, jsonschema::validator_for(&schema).unwrap());
        json::schemas().into_iter().map(compiled).collect()
    });
    let value: Value = serde_json::from_str(document).unwrap();
    let errors = VALIDATORS[name].iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path()));
    let errors: Vec<String> = errors.collect();
    assert!(errors.is_empty(), "{name}: {errors:#?}");
}

#[test]
fn documents_are_as_they_were() {
    for (name, document) in documents() {
        assert_snapshot!(format!("json_{name}"), document);
    }
}

#[test]
fn documents_fit_their_schemas() {
    for (name, document) in documents() {
        assert_fits(name, &document);
        assert!(document.ends_with("}\n"), "{name}");
    }
    assert_fits("plan", &json::plan(&plan(vec![], vec![])));
    let mut unsealed = drift(vec![]);
    unsealed.header.sealed = None;
    assert_fits("drift", &json::drift(&unsealed));
}

#[test]
fn every_field_is_asked_for_and_described() {
    for (name, document) in documents() {
        let mut value: Value = serde_json::from_str(&document).unwrap();
        let validator = jsonschema::validator_for(&schema(name)).unwrap();
        let fields: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        for field in fields {
            let whole = value.clone();
            value.as_object_mut().unwrap().remove(&field);
            assert!(!validator.is_valid(&value), "{name} fits without {field}");
            value = whole;
        }
        value["format"] = "keycomb.other/1".into();
        assert!(!validator.is_valid(&value), "{name} fits with another format");
        assert_described(name, &schema(name));
    }
}

fn assert_described(path: &str, schema: &Value) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (field, property) in properties {
            let is_tag = property.get("const").is_some();
            assert!(is_tag || property.get("description").is_some(), "{path}.{field} is not described");
        }
    }
    let children = schema.as_object().into_iter().flatten().chain([]);
    for (name, child) in children {
        assert_described(&format!("{path}.{name}"), child);
    }
    for child in schema.as_array().into_iter().flatten() {
        assert_described(path, child);
    }
}

#[test]
fn schemas_in_the_repository_are_fresh() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schema");
    for (name, schema) in json::schemas() {
        let path = folder.join(format!("{name}.schema.json"));
        let fresh = format!("{schema:#}\n");
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &fresh).unwrap();
        }
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            stored == fresh,
            "schema/{name}.schema.json is stale: run the tests once with UPDATE_SCHEMA=1"
        );
    }
}

#[test]
fn a_plan_reads_back_with_its_names_unchanged() {
    let evil = "a\u{1b}]52;c;x\u{7}\u{202e}\u{2028}\n\u{9b}\"\\";
    let hostile = Action { name: evil.into(), ..action("key.production.x", Verb::Create) };
    let value: Value = serde_json::from_str(&json::plan(&plan(vec![hostile], vec![]))).unwrap();
    assert_eq!(value["actions"][0]["name"], evil);
}

#[test]
fn every_cause_has_its_word() {
    let words = [
        (Cause::Service, "service"),
        (Cause::Credential, "credential"),
        (Cause::Mismatch, "mismatch"),
        (Cause::Changed, "changed"),
        (Cause::Busy, "busy"),
        (Cause::Seal, "seal"),
        (Cause::NotDisabled, "not_disabled"),
        (Cause::Unconfirmed, "unconfirmed"),
    ];
    for (cause, word) in words {
        let became = Became::Failed { why: "x".into(), help: None, cause };
        let document = json::report(&report(vec![outcome("key.a.b", Verb::Create, became)]));
        assert_fits("report", &document);
        let value: Value = serde_json::from_str(&document).unwrap();
        assert_eq!(value["outcomes"][0]["became"]["cause"], word);
        assert_eq!(value["summary"]["failed"], 1);
    }
}

#[test]
fn what_is_staged_and_what_is_left_fit_the_schema() {
    let until = "2026-03-08T12:00:00Z".parse().unwrap();
    let document = json::report(&report(vec![
        outcome("key.a.b", Verb::Create, Became::Staged { until, note: None }),
        outcome("key.a.c", Verb::Update, Became::Left { why: "later".into() }),
    ]));
    assert_fits("report", &document);
    let value: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(value["outcomes"][0]["became"]["state"], "staged");
    assert_eq!(value["outcomes"][0]["became"]["until"], "2026-03-08T12:00:00Z");
    assert_eq!(value["outcomes"][1]["became"]["state"], "left");
    assert_eq!((&value["summary"]["staged"], &value["summary"]["left"]), (&1.into(), &1.into()));
}

#[test]
fn the_same_plan_has_the_same_bytes() {
    assert_eq!(json::plan(&everything()), json::plan(&everything()));
}
