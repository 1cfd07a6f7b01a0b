//! Items 14 to 19: who am I, on both versions, and what each credential is made of.

use serde_json::{Value, json};

use crate::lab::{Lab, environment_patch, environment_path, key_patch, key_path};

/// Which flag of `/1/auth` a permission of a configuration key shows as; three have none.
const FLAGS: [(&str, Option<&str>); 13] = [
    ("create_datasets", Some("createDatasets")),
    ("send_events", Some("events")),
    ("manage_markers", Some("markers")),
    ("manage_triggers", Some("triggers")),
    ("manage_boards", Some("boards")),
    ("run_queries", Some("queries")),
    ("manage_columns", Some("columns")),
    ("manage_slos", Some("slos")),
    ("manage_recipients", Some("recipients")),
    ("manage_privateBoards", Some("privateBoards")),
    ("manage_signals", None),
    ("read_service_maps", None),
    ("visible_team_members", None),
];

#[tokio::test]
async fn item_14_auth_v2() {
    let lab = Lab::with(|options| {
        options.team_slug = "globex".to_owned();
        options.team_name = "Globex Corporation".to_owned();
    })
    .await;
    let reply = lab.get("/2/auth").await.expect(200);
    assert_eq!(reply.id(), lab.sandbox.management_key().id);
    assert_eq!(reply.at("/data/type"), "api-keys");
    assert_eq!(reply.at("/data/attributes/key_type"), "management");
    assert_eq!(reply.at("/data/attributes/disabled"), &json!(false));
    assert_eq!(reply.at("/data/attributes/scopes"), &json!(["api-keys:write", "environments:write"]));
    reply.text_at("/data/attributes/timestamps/created");
    reply.text_at("/data/attributes/timestamps/updated");
    let team = reply.at("/data/relationships/team/data").clone();
    let included = reply.at("/included").as_array().expect("`included` is a list").clone();
    let found = included.iter().find(|item| item["type"] == "teams" && item["id"] == team["id"]);
    let attributes =
        &found.unwrap_or_else(|| panic!("the team is included: {}", reply.shown()))["attributes"];
    assert_eq!(attributes, &json!({ "name": "Globex Corporation", "slug": "globex" }));
    assert!(
        !reply.text.contains(&lab.sandbox.management_key().secret),
        "the management secret is never shown"
    );
    lab.get("/2/teams/globex/api-keys").await.expect(200);
    lab.get("/2/teams/acme/api-keys").await.expect(404);
}

#[tokio::test]
async fn item_15_write_scopes_stand_alone() {
    let lab = Lab::new().await;
    let scopes = ["api-keys:read", "api-keys:write", "environments:read", "pipelines:read"];
    let key = lab.sandbox.add_management_key(&scopes, false);
    let call =
        lab.bare("GET", "/2/auth").header("Authorization", &format!("Bearer {}:{}", key.id, key.secret));
    let reply = call.send().await.expect(200);
    let mut shown: Vec<&str> =
        reply.at("/data/attributes/scopes").as_array().unwrap().iter().filter_map(Value::as_str).collect();
    shown.sort_unstable();
    assert_eq!(shown, ["api-keys:write", "environments:read", "pipelines:read"]);
}

#[tokio::test]
async fn item_16_auth_v1_flags() {
    let lab = Lab::new().await;
    let environment = lab.environment("Test Env").await;
    let slug = lab.get(&environment_path(&environment)).await.text_at("/data/attributes/slug");
    for create in [false, true] {
        let attributes =
            json!({ "key_type": "ingest", "name": "i", "permissions": { "create_datasets": create } });
        let key = lab.key(&environment, attributes).await;
        let reply = lab.auth_v1(&format!("{}{}", key.id(), key.secret())).await.expect(200);
        assert_eq!(reply.at("/api_key_access"), &json!({ "createDatasets": create }));
        assert_eq!(reply.at("/type"), "ingest");
    }
    for (permission, flag) in FLAGS {
        let attributes =
            json!({ "key_type": "configuration", "name": permission, "permissions": { permission: true } });
        let key = lab.key(&environment, attributes).await;
        let reply = lab.auth_v1(&key.secret()).await.expect(200);
        assert_eq!(reply.at("/type"), "configuration");
        assert_eq!(reply.at("/environment"), &json!({ "name": "Test Env", "slug": slug }));
        assert_eq!(reply.at("/team"), &json!({ "name": "Acme", "slug": "acme" }));
        let access = reply.at("/api_key_access").as_object().expect("flags are an object").clone();
        assert_eq!(access.len(), 10, "{}", reply.shown());
        let on: Vec<&str> = access
            .iter()
            .filter(|(_, value)| **value == json!(true))
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(on, flag.into_iter().collect::<Vec<_>>(), "permission `{permission}`");
    }
}

#[tokio::test]
async fn item_17_auth_v1_ids() {
    let lab = Lab::new().await;
    let environment = lab.environment("Production").await;
    let ingest = lab.ingest_key(&environment, "collector").await;
    let reply = lab.auth_v1(&format!("{}{}", ingest.id(), ingest.secret())).await.expect(200);
    assert_eq!(reply.text_at("/id"), ingest.id());

    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        let key = lab.configuration_key(&environment, name).await;
        let id = lab.auth_v1(&key.secret()).await.expect(200).text_at("/id");
        assert_ne!(id, key.id());
        assert!(
            id.len() < key.id().len() && !id.starts_with("hc") && !ids.contains(&id),
            "a short word of its own: `{id}`"
        );
        assert!(!key.secret().contains(&id), "the short id gives nothing of the secret away");
        assert_eq!(lab.auth_v1(&key.secret()).await.text_at("/id"), id, "it stays the same");
        ids.push(id);
    }
}

#[tokio::test]
async fn item_18_what_a_credential_is_made_of() {
    let lab = Lab::new().await;
    let environment = lab.environment("Production").await;
    let ingest = lab.ingest_key(&environment, "collector").await;
    let credential = format!("{}{}", ingest.id(), ingest.secret());
    assert_eq!(credential.len(), 64);
    lab.auth_v1(&credential).await.expect(200);
    lab.auth_v1(&ingest.secret()).await.expect(401);
    lab.auth_v1(&format!("{}:{}", ingest.id(), ingest.secret())).await.expect(401);
    lab.auth_v1(&ingest.id()).await.expect(401);

    let configuration = lab.configuration_key(&environment, "ci").await;
    lab.auth_v1(&configuration.secret()).await.expect(200);
    lab.auth_v1(&format!("{}{}", configuration.id(), configuration.secret())).await.expect(401);
    lab.auth_v1(&format!("{}{}", ingest.id(), configuration.secret())).await.expect(401);
    lab.auth_v1(&format!("{}x", configuration.secret())).await.expect(401);
    let other = lab.ingest_key(&environment, "other").await;
    lab.auth_v1(&format!("{}{}", other.id(), ingest.secret())).await.expect(401);
}

#[tokio::test]
async fn item_19_dead_credentials() {
    let lab = Lab::new().await;
    let kept = lab.environment("Kept").await;
    let gone = lab.environment("Gone").await;
    let mut credentials = Vec::new();
    for environment in [&kept, &gone] {
        let ingest = lab.ingest_key(environment, "i").await;
        let configuration = lab.configuration_key(environment, "c").await;
        credentials.push((ingest.id(), format!("{}{}", ingest.id(), ingest.secret())));
        credentials.push((configuration.id(), configuration.secret()));
    }
    for (id, credential) in &credentials[..2] {
        lab.auth_v1(credential).await.expect(200);
        lab.patch(&key_path(id), key_patch(id, json!({ "disabled": true }))).await.expect(200);
        lab.auth_v1(credential).await.expect(401);
        lab.patch(&key_path(id), key_patch(id, json!({ "disabled": false }))).await.expect(200);
        lab.auth_v1(credential).await.expect(200);
        lab.delete(&key_path(id)).await.expect(204);
        lab.auth_v1(credential).await.expect(401);
    }
    let open = environment_patch(&gone, json!({ "settings": { "delete_protected": false } }));
    lab.patch(&environment_path(&gone), open).await.expect(200);
    for (_, credential) in &credentials[2..] {
        lab.auth_v1(credential).await.expect(200);
    }
    lab.delete(&environment_path(&gone)).await.expect(204);
    for (_, credential) in &credentials[2..] {
        lab.auth_v1(credential).await.expect(401);
    }
}
