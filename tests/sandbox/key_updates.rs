//! Items 44 to 50: changing and deleting API keys.

use std::time::Duration;

use keycomb::sandbox::{HonourOrIgnore, IgnoreOrRefuse, RelationshipForm};
use serde_json::{Value, json};

use crate::key_shape::{permissions, without_secret};
use crate::lab::{KEYS, Lab, key_patch, key_path};

#[tokio::test]
async fn item_44_patch_is_partial() {
    let lab = Lab::new().await;
    let environment = lab.environment("Production").await;
    for kind in ["ingest", "configuration"] {
        let attributes = json!({ "key_type": kind, "name": "a", "permissions": { "create_datasets": true } });
        let created = lab.key(&environment, attributes).await;
        let path = key_path(&created.id());
        let mut expected = without_secret(&created.json);
        for (field, value) in [
            ("name", json!("b")),
            ("disabled", json!(true)),
            ("disabled", json!(false)),
            ("name", json!("é".repeat(100))),
        ] {
            lab.clock.advance(Duration::from_secs(3));
            let reply = lab.patch(&path, key_patch(&created.id(), json!({ field: value }))).await.expect(200);
            let updated = reply.text_at("/data/attributes/timestamps/updated");
            let before = expected["data"]["attributes"]["timestamps"]["updated"].as_str().unwrap();
            let moved = updated.parse::<jiff::Timestamp>().unwrap().duration_since(before.parse().unwrap());
            assert_eq!(moved.as_secs(), 3, "`updated` moves with the clock");
            expected["data"]["attributes"][field] = value;
            expected["data"]["attributes"]["timestamps"]["updated"] = json!(updated);
            assert_eq!(reply.json, expected);
            assert_eq!(lab.get(&path).await.json, expected);
        }
        for attributes in [
            json!({ "name": "x".repeat(101) }),
            json!({ "name": "" }),
            json!({ "name": null }),
            json!({ "disabled": null }),
        ] {
            lab.patch(&path, key_patch(&created.id(), attributes)).await.expect(422);
        }
        assert_eq!(lab.get(&path).await.json, expected, "what is refused changes nothing");
        let empty = lab.patch(&path, key_patch(&created.id(), json!({}))).await.expect(200);
        assert_eq!(empty.at("/data/attributes/name"), &expected["data"]["attributes"]["name"]);
    }
}

#[tokio::test]
async fn item_45_permissions_merge() {
    let lab = Lab::new().await;
    let environment = lab.environment("Production").await;
    let asked = json!({ "manage_markers": true, "run_queries": true });
    let id = lab
        .key(&environment, json!({ "key_type": "configuration", "name": "c", "permissions": asked }))
        .await
        .id();
    for (patch, granted) in [
        (json!({ "manage_slos": true, "manage_markers": false }), &["run_queries", "manage_slos"][..]),
        (json!({}), &["run_queries", "manage_slos"]),
        (json!({ "run_queries": true }), &["run_queries", "manage_slos"]),
        (json!({ "visible_team_members": true }), &["run_queries", "manage_slos", "visible_team_members"]),
        (json!({ "run_queries": false, "manage_slos": false, "visible_team_members": false }), &[]),
    ] {
        let reply =
            lab.patch(&key_path(&id), key_patch(&id, json!({ "permissions": patch }))).await.expect(200);
        assert_eq!(reply.at("/data/attributes/permissions"), &permissions(granted));
        assert_eq!(reply.at("/data/attributes/name"), "c");
        assert_eq!(lab.get(&key_path(&id)).await.at("/data/attributes/permissions"), &permissions(granted));
    }
}

#[tokio::test]
async fn item_46_ingest_permissions_cannot_change() {
    for form in [IgnoreOrRefuse::Ignore, IgnoreOrRefuse::Refuse] {
        let refuse = matches!(form, IgnoreOrRefuse::Refuse);
        let lab = Lab::with_switches(|switches| switches.ingest_permission_patch = form).await;
        let environment = lab.environment("Production").await;
        let id = lab.ingest_key(&environment, "i").await.id();
        let patch = key_patch(&id, json!({ "permissions": { "create_datasets": true } }));
        lab.patch(&key_path(&id), patch).await.expect(if refuse { 422 } else { 200 });
        let shown = lab.get(&key_path(&id)).await;
        assert_eq!(shown.at("/data/attributes/permissions"), &json!({ "create_datasets": false }));
        lab.patch(&key_path(&id), key_patch(&id, json!({ "name": "j" }))).await.expect(200);
    }
}

#[tokio::test]
async fn item_46_manage_signals_in_patch() {
    for form in [HonourOrIgnore::Honour, HonourOrIgnore::Ignore] {
        let honour = matches!(form, HonourOrIgnore::Honour);
        let lab = Lab::with_switches(|switches| switches.manage_signals_patch = form).await;
        let environment = lab.environment("Production").await;
        let id = lab.configuration_key(&environment, "c").await.id();
        let patch = key_patch(&id, json!({ "permissions": { "manage_signals": true, "manage_slos": true } }));
        let reply = lab.patch(&key_path(&id), patch).await.expect(200);
        let granted: &[&str] = if honour { &["manage_slos", "manage_signals"] } else { &["manage_slos"] };
        assert_eq!(reply.at("/data/attributes/permissions"), &permissions(granted));
        // At creation it is always honoured.
        let asked = json!({ "manage_signals": true });
        let created = lab
            .key(&environment, json!({ "key_type": "configuration", "name": "d", "permissions": asked }))
            .await;
        assert_eq!(created.at("/data/attributes/permissions"), &permissions(&["manage_signals"]));
    }
}

#[tokio::test]
async fn item_47_patch_never_moves_a_key() {
    let lab = Lab::new().await;
    let home = lab.environment("Home").await;
    let away = lab.environment("Away").await;
    let id = lab.ingest_key(&home, "i").await.id();
    for environment in [json!(null), json!({ "id": away, "type": "environments" })] {
        let body = json!({ "data": { "id": id, "type": "api-keys", "attributes": { "name": "j" },
            "relationships": { "environment": { "data": environment } } } });
        let reply = lab.patch(&key_path(&id), body).await;
        if environment.is_null() {
            assert_eq!(reply.status, 200, "{}", reply.shown());
        }
        let shown = lab.get(&key_path(&id)).await;
        assert_eq!(shown.at("/data/relationships/environment/data/id"), home.as_str());
    }
    // Nor does it change the type.
    let reply = lab.patch(&key_path(&id), key_patch(&id, json!({ "key_type": "configuration" }))).await;
    assert!([200, 422].contains(&reply.status), "{}", reply.shown());
    assert_eq!(lab.get(&key_path(&id)).await.at("/data/attributes/key_type"), "ingest");
}

#[tokio::test]
async fn item_48_patch_names_its_object() {
    let lab = Lab::new().await;
    let environment = lab.environment("Production").await;
    let created = lab.ingest_key(&environment, "i").await;
    let id = created.id();
    let other = lab.ingest_key(&environment, "other").await.id();
    for body in [
        json!({ "data": { "type": "api-keys", "attributes": { "name": "j" } } }),
        json!({ "data": { "id": id, "attributes": { "name": "j" } } }),
        json!({ "data": { "id": id, "type": "api-keys" } }),
        json!({ "data": { "id": id, "type": "environments", "attributes": { "name": "j" } } }),
        json!({ "name": "j" }),
    ] {
        let reply = lab.patch(&key_path(&id), body).await;
        assert!([400, 422].contains(&reply.status), "{}", reply.shown());
    }
    for differing in ["hcxik_00000000000000000000000000", other.as_str()] {
        lab.patch(&key_path(&id), key_patch(differing, json!({ "name": "j" }))).await.expect(422);
    }
    assert_eq!(lab.get(&key_path(&id)).await.json, without_secret(&created.json));
    assert_eq!(lab.get(&key_path(&other)).await.at("/data/attributes/name"), "other");
}

#[tokio::test]
async fn item_49_delete() {
    let lab = Lab::new().await;
    let environment = lab.environment("Production").await;
    for kind in ["ingest", "configuration"] {
        for disabled in [false, true] {
            let created =
                lab.key(&environment, json!({ "key_type": kind, "name": "a", "disabled": disabled })).await;
            let path = key_path(&created.id());
            assert_eq!(lab.delete(&path).await.expect(204).text, "");
            lab.delete(&path).await.expect(404);
            lab.get(&path).await.expect(404);
            assert!(lab.get(KEYS).await.ids().is_empty());
        }
    }
}

#[tokio::test]
async fn item_50_creator_and_editor() {
    for form in
        [None, Some(RelationshipForm::Absent), Some(RelationshipForm::Null), Some(RelationshipForm::User)]
    {
        let expected = match &form {
            Some(RelationshipForm::Absent) => "absent",
            Some(RelationshipForm::User) => "user",
            _ => "null",
        };
        let lab = Lab::with_switches(|switches| {
            if let Some(form) = form {
                switches.relationship_form = form;
            }
        })
        .await;
        let environment = lab.environment("Production").await;
        let created = lab.ingest_key(&environment, "i").await;
        let path = key_path(&created.id());
        let relationships = [
            created.at("/data/relationships").clone(),
            lab.get(&path).await.at("/data/relationships").clone(),
            lab.patch(&path, key_patch(&created.id(), json!({ "name": "j" })))
                .await
                .at("/data/relationships")
                .clone(),
            lab.get(KEYS).await.at("/data/0/relationships").clone(),
        ];
        for relationships in relationships {
            for who in ["creator", "editor"] {
                let shown = match relationships.get(who) {
                    None => "absent",
                    Some(Value::Null) => "null",
                    Some(user) if user["data"]["type"] == "users" => "user",
                    Some(_) => "something else",
                };
                assert_eq!(shown, expected, "`{who}` in {relationships}");
            }
        }
    }
}
