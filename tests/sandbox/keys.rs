//! Items 32 to 43: making API keys.

use serde_json::{Value, json};

use crate::key_shape::{PERMISSIONS, permissions, without_secret};
use crate::lab::{KEYS, Lab, START, environment_patch, environment_path, key_body, key_patch, key_path};

#[tokio::test]
async fn item_32_the_secret_is_shown_once() {
    let lab = Lab::new().await;
    let environment = lab.environment("Production").await;
    for kind in ["ingest", "configuration"] {
        let created = lab.key(&environment, json!({ "key_type": kind, "name": kind })).await;
        let (id, secret) = (created.id(), created.secret());
        assert!(!secret.is_empty());
        let credential = if kind == "ingest" { format!("{id}{secret}") } else { secret.clone() };
        let environment_open = environment_patch(&environment, json!({ "color": "red" }));
        let later = [
            lab.get(&key_path(&id)).await.expect(200),
            lab.get(KEYS).await.expect(200),
            lab.get(&format!("{KEYS}?filter[type]={kind}")).await.expect(200),
            lab.patch(&key_path(&id), key_patch(&id, json!({ "name": "again" }))).await.expect(200),
            lab.patch(&key_path(&id), key_patch(&id, json!({ "secret": "mine" }))).await.expect(200),
            lab.patch(&key_path(&id), key_patch(&id, json!({ "name": "x".repeat(101) }))).await.expect(422),
            lab.auth_v1(&credential).await.expect(200),
            lab.get("/2/auth").await.expect(200),
            lab.patch(&environment_path(&environment), environment_open).await.expect(200),
            lab.delete(&key_path(&id)).await.expect(204),
            lab.get(&key_path(&id)).await.expect(404),
        ];
        for reply in later {
            assert!(!reply.text.contains(&secret), "{} {} shows the secret again", reply.method, reply.path);
            assert!(reply.json.pointer("/data/attributes/secret").is_none(), "{}", reply.shown());
            for (name, value) in &reply.headers {
                assert!(
                    !value.to_str().unwrap_or_default().contains(&secret),
                    "header `{name}` shows the secret"
                );
            }
        }
    }
    // A secret of the client's choice is not taken.
    let own = json!({ "key_type": "ingest", "name": "own", "secret": "00000000000000000000000000000000" });
    assert_ne!(lab.key(&environment, own).await.secret(), "00000000000000000000000000000000");
}

#[tokio::test]
async fn item_33_shape_of_the_201() {
    let lab = Lab::new().await;
    let environment = lab.environment("Production").await;
    for kind in ["ingest", "configuration"] {
        let created = lab.key(&environment, json!({ "key_type": kind, "name": "n" })).await;
        assert_eq!(created.text_at("/data/links/self"), key_path(&created.id()));
        let relationship = created.at("/data/relationships/environment/data");
        assert_eq!(relationship, &json!({ "id": environment, "type": "environments" }));
        let now: jiff::Timestamp = START.parse().unwrap();
        for stamp in ["created", "updated"] {
            let text = created.text_at(&format!("/data/attributes/timestamps/{stamp}"));
            assert!(text.ends_with('Z'), "UTC: `{text}`");
            assert_eq!(text.parse::<jiff::Timestamp>().unwrap(), now);
        }
        let shown = lab.get(&key_path(&created.id())).await.expect(200);
        assert_eq!(shown.json, without_secret(&created.json), "read your writes");
    }
}

#[tokio::test]
async fn item_34_forms_of_ids_and_secrets() {
    let lab = Lab::new().await;
    let environment = lab.environment("Production").await;
    let base32 = |c: char| "0123456789abcdefghjkmnpqrstvwxyz".contains(c);
    let mut seen = Vec::new();
    for number in 0..6 {
        let ingest = lab.ingest_key(&environment, &format!("i{number}")).await;
        let configuration = lab.configuration_key(&environment, &format!("c{number}")).await;
        for (id, kind) in [(ingest.id(), "ik_"), (configuration.id(), "lk_")] {
            assert_eq!((id.len(), &id[..2], &id[3..6]), (32, "hc", kind), "`{id}`");
            assert!(id[6..].chars().all(base32), "`{id}`");
            seen.push(id);
        }
        let secret = ingest.secret();
        let small = secret.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        assert!(secret.len() == 32 && small, "an ingest secret is 32 of [a-z0-9]");
        seen.push(secret);
        let secret = configuration.secret();
        assert!(secret.len() == 22 && secret.chars().all(|c| c.is_ascii_alphanumeric()), "22 of [A-Za-z0-9]");
        seen.push(secret);
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), count, "no id and no secret comes twice");
}

#[tokio::test]
async fn item_35_invalid_keys() {
    let lab = Lab::new().await;
    let environment = lab.environment("Production").await;
    let kind = "/data/attributes/key_type";
    let name = "/data/attributes/name";
    for (attributes, pointer) in [
        (json!({ "name": "a" }), kind),
        (json!({ "key_type": "management", "name": "a" }), kind),
        (json!({ "key_type": null, "name": "a" }), kind),
        (json!({ "key_type": "ingest" }), name),
        (json!({ "key_type": "configuration" }), name),
        (json!({ "key_type": "ingest", "name": "" }), name),
        (json!({ "key_type": "ingest", "name": null }), name),
        (json!({ "key_type": "ingest", "name": "x".repeat(101) }), name),
        (json!({ "key_type": "configuration", "name": "é".repeat(101) }), name),
        (json!({ "key_type": "ingest", "name": "a", "disabled": null }), "/data/attributes/disabled"),
        (json!({ "key_type": "ingest", "name": "a", "disabled": "yes" }), "/data/attributes/disabled"),
        (json!({ "key_type": "ingest", "name": "a", "permissions": null }), "/data/attributes/permissions"),
    ] {
        lab.post(KEYS, key_body(&environment, attributes)).await.expect_invalid(pointer);
    }
    let attributes = json!({ "key_type": "ingest", "name": "a" });
    for body in [
        json!({ "data": { "type": "api-keys", "attributes": attributes } }),
        json!({ "data": { "type": "api-keys", "attributes": attributes, "relationships": {} } }),
        json!({ "data": { "type": "api-keys", "attributes": attributes, "relationships": { "environment": null } } }),
        json!({ "data": { "type": "api-keys", "attributes": attributes, "relationships": { "environment": { "data": null } } } }),
    ] {
        let reply = lab.post(KEYS, body).await.expect(422);
        let pointer = reply.text_at("/errors/0/source/pointer");
        assert!(pointer.starts_with("/data/relationships"), "{}", reply.shown());
    }
    for body in [
        json!({}),
        json!({ "data": { "attributes": attributes } }),
        json!({ "data": { "type": "environments", "attributes": attributes } }),
        json!({ "data": { "type": "api-keys" } }),
    ] {
        let reply = lab.post(KEYS, body).await;
        assert!([400, 422].contains(&reply.status), "{}", reply.shown());
    }
    assert!(lab.get(KEYS).await.ids().is_empty(), "what is refused makes no key");

    // The limit counts characters, and is itself allowed.
    for letter in ["x", "é"] {
        lab.ingest_key(&environment, &letter.repeat(100)).await;
    }
    // Two mistakes are two errors of one answer, or at least one of them.
    let both =
        key_body(&environment, json!({ "key_type": "ingest", "name": "x".repeat(101), "disabled": 1 }));
    lab.post(KEYS, both).await.expect(422);
}

#[tokio::test]
async fn item_36_disabled_at_creation() {
    let lab = Lab::new().await;
    let environment = lab.environment("Production").await;
    for kind in ["ingest", "configuration"] {
        for (attributes, disabled) in [
            (json!({ "key_type": kind, "name": "a" }), false),
            (json!({ "key_type": kind, "name": "a", "disabled": false }), false),
            (json!({ "key_type": kind, "name": "a", "disabled": true }), true),
        ] {
            let created = lab.key(&environment, attributes).await;
            assert_eq!(created.at("/data/attributes/disabled"), &json!(disabled));
            let shown = lab.get(&key_path(&created.id())).await;
            assert_eq!(shown.at("/data/attributes/disabled"), &json!(disabled));
            let credential = if kind == "ingest" {
                format!("{}{}", created.id(), created.secret())
            } else {
                created.secret()
            };
            lab.auth_v1(&credential).await.expect(if disabled { 401 } else { 200 });
            let enabled = key_patch(&created.id(), json!({ "disabled": false }));
            lab.patch(&key_path(&created.id()), enabled).await.expect(200);
            lab.auth_v1(&credential).await.expect(200);
        }
    }
}

#[tokio::test]
async fn item_36_switches_that_ignore_disabled() {
    for lie in [false, true] {
        let lab = Lab::with_switches(|switches| {
            switches.ignore_disabled_on_create = !lie;
            switches.lie_about_disabled = lie;
        })
        .await;
        let environment = lab.environment("Production").await;
        let created = lab
            .key(&environment, json!({ "key_type": "configuration", "name": "a", "disabled": true }))
            .await;
        assert_eq!(created.at("/data/attributes/disabled"), &json!(lie), "the 201 says so only when it lies");
        lab.auth_v1(&created.secret()).await.expect(200);
        let shown = lab.get(&key_path(&created.id())).await;
        assert_eq!(shown.at("/data/attributes/disabled"), &json!(false), "the key is enabled");
        // A PATCH still disables.
        let disable = key_patch(&created.id(), json!({ "disabled": true }));
        let patched = lab.patch(&key_path(&created.id()), disable).await.expect(200);
        assert_eq!(patched.at("/data/attributes/disabled"), &json!(true));
        lab.auth_v1(&created.secret()).await.expect(401);
    }
}

#[tokio::test]
async fn item_37_omitted_permissions_are_false() {
    let lab = Lab::new().await;
    let environment = lab.environment("Production").await;
    for granted in [&["manage_slos"][..], &["create_datasets", "run_queries"], &PERMISSIONS[..10]] {
        let asked: Value = granted
            .iter()
            .map(|&name| (name.to_owned(), json!(true)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let created = lab
            .key(&environment, json!({ "key_type": "configuration", "name": "c", "permissions": asked }))
            .await;
        assert_eq!(created.at("/data/attributes/permissions"), &permissions(granted));
        assert_eq!(
            lab.get(&key_path(&created.id())).await.at("/data/attributes/permissions"),
            &permissions(granted)
        );
    }
    for create in [false, true] {
        let asked = json!({ "create_datasets": create });
        let created =
            lab.key(&environment, json!({ "key_type": "ingest", "name": "i", "permissions": asked })).await;
        assert_eq!(created.at("/data/attributes/permissions"), &asked);
    }
}

#[tokio::test]
async fn item_38_permissions_are_always_shown() {
    let lab = Lab::new().await;
    let environment = lab.environment("Production").await;
    for (kind, expected) in
        [("ingest", json!({ "create_datasets": false })), ("configuration", permissions(&[]))]
    {
        for attributes in [
            json!({ "key_type": kind, "name": "a" }),
            json!({ "key_type": kind, "name": "a", "permissions": {} }),
        ] {
            let created = lab.key(&environment, attributes).await;
            assert_eq!(created.at("/data/attributes/permissions"), &expected);
            let patch = key_patch(&created.id(), json!({ "name": "b" }));
            let patched = lab.patch(&key_path(&created.id()), patch).await.expect(200);
            assert_eq!(patched.at("/data/attributes/permissions"), &expected);
        }
    }
    let listed = lab.get(KEYS).await;
    assert!(
        listed.at("/data").as_array().unwrap().iter().all(|key| key["attributes"]["permissions"].is_object())
    );
}

#[tokio::test]
async fn item_39_configuration_permission_on_an_ingest_key() {
    let lab = Lab::new().await;
    let environment = lab.environment("Production").await;
    for name in &PERMISSIONS[1..] {
        let asked = json!({ "create_datasets": true, *name: true });
        let attributes = json!({ "key_type": "ingest", "name": "a", "permissions": asked });
        let reply = lab.post(KEYS, key_body(&environment, attributes)).await.expect(422);
        let pointer = reply.text_at("/errors/0/source/pointer");
        assert!(pointer.starts_with("/data/attributes/permissions"), "{}", reply.shown());
    }
    assert!(lab.get(KEYS).await.ids().is_empty());
    lab.key(
        &environment,
        json!({ "key_type": "ingest", "name": "a", "permissions": { "create_datasets": false } }),
    )
    .await;
}

#[tokio::test]
async fn item_40_unknown_names_are_ignored() {
    let lab = Lab::new().await;
    let environment = lab.environment("Production").await;
    let created = lab
        .key(
            &environment,
            json!({ "key_type": "configuration", "name": "c", "enabled": false, "tags": ["a"], "api_key_access": { "events": true },
                    "permissions": { "manage_queries": true, "run_queries": true } }),
        )
        .await;
    assert_eq!(created.at("/data/attributes/permissions"), &permissions(&["run_queries"]));
    assert_eq!(created.at("/data/attributes/disabled"), &json!(false), "`enabled` is no attribute");

    let patch =
        key_patch(&created.id(), json!({ "enabled": false, "permissions": { "manage_queries": true } }));
    let patched = lab.patch(&key_path(&created.id()), patch).await.expect(200);
    assert_eq!(patched.at("/data/attributes/permissions"), &permissions(&["run_queries"]));
    assert_eq!(patched.at("/data/attributes/disabled"), &json!(false));
    lab.key(
        &environment,
        json!({ "key_type": "ingest", "name": "i", "time_to_live": "2030-01-01T00:00:00Z" }),
    )
    .await;
}

#[tokio::test]
async fn item_41_private_boards_and_visibility_exclude_each_other() {
    let lab = Lab::new().await;
    let environment = lab.environment("Production").await;
    let both = json!({ "manage_privateBoards": true, "visible_team_members": true });
    let attributes = json!({ "key_type": "configuration", "name": "c", "permissions": both });
    lab.post(KEYS, key_body(&environment, attributes)).await.expect(422);
    assert!(lab.get(KEYS).await.ids().is_empty());

    let one = json!({ "manage_privateBoards": true, "visible_team_members": false });
    let id = lab
        .key(&environment, json!({ "key_type": "configuration", "name": "c", "permissions": one }))
        .await
        .id();
    lab.patch(&key_path(&id), key_patch(&id, json!({ "permissions": both }))).await.expect(422);
    // The merged result counts, not the words of the request.
    let other = json!({ "permissions": { "visible_team_members": true } });
    lab.patch(&key_path(&id), key_patch(&id, other)).await.expect(422);
    let shown = lab.get(&key_path(&id)).await;
    assert_eq!(shown.at("/data/attributes/permissions"), &permissions(&["manage_privateBoards"]));
    let swap = json!({ "permissions": { "visible_team_members": true, "manage_privateBoards": false } });
    lab.patch(&key_path(&id), key_patch(&id, swap)).await.expect(200);
}

#[tokio::test]
async fn item_42_names_need_not_be_unique() {
    let lab = Lab::new().await;
    let environment = lab.environment("Production").await;
    let first = lab.ingest_key(&environment, "same").await;
    let second = lab.ingest_key(&environment, "same").await;
    lab.configuration_key(&environment, "same").await;
    assert_ne!(first.id(), second.id());
    assert_eq!(lab.get(KEYS).await.ids().len(), 3);
    // Renaming onto a taken name, too.
    let third = lab.ingest_key(&environment, "other").await.id();
    lab.patch(&key_path(&third), key_patch(&third, json!({ "name": "same" }))).await.expect(200);
}

#[tokio::test]
async fn item_43_unknown_environment() {
    let attributes = json!({ "key_type": "ingest", "name": "a" });
    for status in [404, 422] {
        let lab = Lab::with_switches(|switches| {
            if status != 404 {
                switches.unknown_environment_status = status;
            }
        })
        .await;
        let key = lab.environment("Production").await;
        let key = lab.ingest_key(&key, "a").await.id();
        for id in ["hcxen_00000000000000000000000000", key.as_str()] {
            lab.post(KEYS, key_body(id, attributes.clone())).await.expect(status);
        }
        assert_eq!(lab.get(KEYS).await.ids(), [key]);
    }
}
