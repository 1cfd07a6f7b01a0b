//! The plan as Terraform's JSON, by its documented fields, and read as a policy reads it.

use std::collections::BTreeSet;

use keycomb::plan::{Action, Plan, ReasonCode, Verb};
use keycomb::render::Kind;
use serde_json::{Value, json};

use super::{full, of_drift, of_plan, some_drift};
use crate::build::{action, mint, plan};
use crate::everything::everything;

const ACTIONS: &[&str] = &["no-op", "create", "read", "update", "delete", "forget"];

fn read() -> Value {
    serde_json::from_str(&full(Kind::TerraformPlanJson).unwrap()).unwrap()
}

fn change<'a>(read: &'a Value, address: &str) -> &'a Value {
    let changes = read["resource_changes"].as_array().unwrap();
    changes.iter().find(|c| c["keycomb"]["address"] == address).unwrap_or_else(|| panic!("no {address}"))
}

#[test]
fn what_nothing_carries_out_is_not_applyable() {
    let applyable = |plan: &Plan| -> bool {
        let read: Value = serde_json::from_str(&of_plan(Kind::TerraformPlanJson, plan)).unwrap();
        read["applyable"].as_bool().unwrap()
    };
    let mut plan = everything();
    assert!(applyable(&plan));
    plan.header.snapshot = true;
    assert!(!applyable(&plan));
}

/// What the documentation says of every change.
pub fn assert_documented(read: &Value) {
    assert_eq!(read["format_version"], "1.2");
    assert!(read["terraform_version"].is_string());
    for name in ["variables", "planned_values", "output_changes", "configuration"] {
        assert!(read[name].is_object(), "{name}");
    }
    for name in ["applyable", "complete", "errored"] {
        assert!(read[name].is_boolean(), "{name}");
    }
    let none = vec![];
    let drift = read["resource_drift"].as_array().unwrap_or(&none);
    let mut seen = BTreeSet::new();
    for change in read["resource_changes"].as_array().unwrap() {
        let key = (change["address"].to_string(), change["deposed"].to_string());
        assert!(seen.insert(key.clone()), "an address twice: {key:?}");
    }
    for change in read["resource_changes"].as_array().unwrap().iter().chain(drift) {
        assert_eq!(change["mode"], "managed");
        assert_eq!(change["provider_name"], "registry.terraform.io/honeycombio/honeycombio");
        let kind = change["type"].as_str().unwrap();
        assert!(["honeycombio_api_key", "honeycombio_environment"].contains(&kind));
        let name = change["name"].as_str().unwrap();
        let index = change["index"].as_str().map(|index| format!("[\"{index}\"]")).unwrap_or_default();
        assert_eq!(change["address"], format!("{kind}.{name}{index}"));
        let sides = &change["change"];
        let actions: Vec<&str> =
            sides["actions"].as_array().unwrap().iter().map(|action| action.as_str().unwrap()).collect();
        assert!(actions.iter().all(|action| ACTIONS.contains(action)), "{actions:?}");
        let (before, after) = (&sides["before"], &sides["after"]);
        match actions.as_slice() {
            ["create"] => assert!(before.is_null() && after.is_object(), "{change}"),
            ["update"] => {
                assert!(before.is_object() && after.is_object() && before != after, "{change}");
            }
            ["delete" | "forget"] => assert!(before.is_object() && after.is_null(), "{change}"),
            ["no-op"] => assert!(before == after, "{change}"),
            other => panic!("{other:?}"),
        }
        for side in [before, after] {
            assert!(side.get("secret").is_none() && side.get("key").is_none(), "{change}");
        }
        assert!(sides["after_unknown"].is_object());
        for name in ["before_sensitive", "after_sensitive"] {
            assert!(sides[name].is_object() || sides[name].is_boolean());
        }
    }
}

#[test]
fn a_plan_has_the_documented_fields() {
    assert_documented(&read());
    assert_documented(&serde_json::from_str(&of_drift(Kind::TerraformPlanJson, &some_drift())).unwrap());
}

#[test]
fn a_key_is_created_with_its_secret_unknown_and_sensitive() {
    let read = read();
    let created = change(&read, "key.production.checkout");
    assert_eq!(created["address"], "honeycombio_api_key.checkout[\"production\"]");
    assert_eq!(
        created["change"],
        json!({
            "actions": ["create"],
            "before": null,
            "after": {
                "name": "checkout collectors", "type": "ingest", "disabled": false,
                "permissions": [{ "create_datasets": true }],
            },
            "after_unknown": { "id": true, "key": true, "secret": true, "environment_id": true },
            "before_sensitive": false,
            "after_sensitive": { "key": true, "secret": true },
        })
    );
    assert_eq!(created["keycomb"]["recipients"], json!(["ops", "break_glass"]));
}

#[test]
fn each_verb_is_what_terraform_would_call_it() {
    let read = read();
    for (address, expected) in [
        ("environment.production", "create"),
        ("key.staging.mobile", "create"),
        ("key.staging.web", "create"),
        ("key.staging.worker", "update"),
        ("environment.staging", "update"),
        ("key.staging.ci", "update"),
        ("key.staging.old", "no-op"),
        ("key.staging.theirs", "forget"),
        ("key.staging.gateway", "no-op"),
        ("key.staging.queue", "update"),
        ("key.staging.batch", "update"),
        ("key.staging.lost", "delete"),
        ("environment.retired", "delete"),
        ("environment.legacy", "no-op"),
        ("key.production.payments", "no-op"),
        ("key.staging.leaked", "delete"),
    ] {
        assert_eq!(change(&read, address)["change"]["actions"], json!([expected]), "{address}");
    }
    let ci = &change(&read, "key.staging.ci")["change"];
    assert_eq!((&ci["before"]["disabled"], &ci["after"]["disabled"]), (&json!(true), &json!(false)));
    assert_eq!(ci["after"]["permissions"][0]["manage_slos"], true);
    assert_eq!(change(&read, "key.staging.batch")["change"]["after"]["disabled"], true);
    assert_eq!(
        change(&read, "key.staging.gateway")["previous_address"],
        "honeycombio_api_key.api[\"staging\"]"
    );
    assert_eq!(change(&read, "environment.retired")["action_reason"], "delete_because_no_resource_config");
    assert_eq!(change(&read, "key.staging.lost")["deposed"], "hcxik_01k5v7m3t9q4w8x2y6z0a1b2c4");
}

/// A plan may retire one generation and make another: an address is one resource all the same.
#[test]
fn earlier_generations_are_deposed_objects_of_their_address() {
    let older = |generation, verb, code, id: &str| {
        let mut older = action("key.a.b", verb);
        older.generation = Some(generation);
        older.reason.code = code;
        older.id = Some(id.to_owned());
        older
    };
    let mut newest = Action { step: mint("b"), ..action("key.a.b", Verb::Rotate) };
    newest.generation = Some(3);
    let plan = plan(
        vec![
            newest,
            older(2, Verb::Disable, ReasonCode::Superseded, "hcxik_two"),
            older(1, Verb::Delete, ReasonCode::Superseded, "hcxik_one"),
        ],
        vec![],
    );
    let read: Value = serde_json::from_str(&of_plan(Kind::TerraformPlanJson, &plan)).unwrap();
    assert_documented(&read);
    let deposed: Vec<&Value> =
        read["resource_changes"].as_array().unwrap().iter().map(|change| &change["deposed"]).collect();
    assert_eq!(deposed, [&Value::Null, &json!("hcxik_two"), &json!("hcxik_one")]);
    // The last of its generations, on its way out by itself, is not the current one either.
    let alone =
        crate::build::plan(vec![older(1, Verb::Disable, ReasonCode::Superseded, "hcxik_one")], vec![]);
    let read: Value = serde_json::from_str(&of_plan(Kind::TerraformPlanJson, &alone)).unwrap();
    assert_eq!(read["resource_changes"][0]["deposed"], "hcxik_one");
}

#[test]
fn drift_is_last_applied_and_live() {
    let read = read();
    let drift = read["resource_drift"].as_array().unwrap();
    assert_eq!(drift.len(), 3, "missing, wider, disabled");
    assert_eq!(drift[0]["change"]["actions"], json!(["delete"]));
    let wider = &drift[1]["change"];
    assert_eq!(wider["before"]["permissions"], json!([{ "run_queries": true }]));
    assert_eq!(wider["after"]["permissions"], json!([{ "manage_slos": true, "run_queries": true }]));
    assert_eq!(drift[2]["change"]["after"]["disabled"], true);
}

#[test]
fn it_says_whether_it_can_be_applied_and_is_all() {
    let said = |plan| -> (Value, Value) {
        let read: Value = serde_json::from_str(&of_plan(Kind::TerraformPlanJson, &plan)).unwrap();
        (read["applyable"].clone(), read["complete"].clone())
    };
    assert_eq!(said(everything()), (json!(true), json!(false)), "something is blocked");
    assert_eq!(said(plan(vec![], vec![])), (json!(false), json!(true)));
    assert_eq!(said(plan(vec![action("key.a.b", Verb::Create)], vec![])), (json!(true), json!(true)));
}

/// The rules that people write first, in the terms of the documented fields alone.
#[test]
fn policies_find_what_they_look_for() {
    let read = read();
    let changes = read["resource_changes"].as_array().unwrap();
    let deny = |rule: &dyn Fn(&Value) -> bool| -> Vec<&str> {
        changes.iter().filter(|change| rule(change)).map(|c| c["address"].as_str().unwrap()).collect()
    };
    let has =
        |change: &Value, word: &str| change["change"]["actions"].as_array().unwrap().contains(&json!(word));
    let deleted_environments =
        deny(&|change| change["type"] == "honeycombio_environment" && has(change, "delete"));
    assert_eq!(deleted_environments, ["honeycombio_environment.retired"]);
    let unprotected = deny(&|change| {
        change["type"] == "honeycombio_environment"
            && has(change, "create")
            && change["change"]["after"]["delete_protected"] != json!(true)
    });
    assert!(unprotected.is_empty(), "{unprotected:?}");
    let may_manage_slos = deny(&|change| {
        let permissions = &change["change"]["after"]["permissions"];
        permissions.as_array().is_some_and(|blocks| blocks.iter().any(|block| block["manage_slos"] == true))
    });
    assert_eq!(may_manage_slos, ["honeycombio_api_key.ci[\"staging\"]"]);
}
