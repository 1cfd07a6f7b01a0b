//! Items 3 to 6: credentials of the v2 API and their scopes.

use serde_json::json;

use crate::lab::{
    ENVIRONMENTS, KEYS, Lab, bearer, environment_body, environment_patch, environment_path, key_body,
    key_patch, key_path,
};
use crate::reply::Reply;

const UNKNOWN_KEY: &str = "/2/teams/acme/api-keys/hcxik_00000000000000000000000000";
const UNKNOWN_ENVIRONMENT: &str = "/2/teams/acme/environments/hcxen_00000000000000000000000000";

#[track_caller]
fn assert_invalid_key(reply: Reply) {
    let reply = reply.expect(401);
    assert_eq!(reply.code(), "unauthenticated/invalid-key");
    assert_eq!(reply.text_at("/errors/0/title"), "invalid API key");
    assert_eq!(reply.text_at("/errors/0/source/header"), "Authorization");
}

#[tokio::test]
async fn item_03_v2_wants_a_bearer_of_id_and_secret() {
    let lab = Lab::new().await;
    let key = lab.sandbox.management_key();
    for path in ["/2/auth", KEYS, ENVIRONMENTS, UNKNOWN_KEY, UNKNOWN_ENVIRONMENT] {
        assert_invalid_key(lab.bare("GET", path).send().await);
    }
    let wrong = [
        format!("Bearer {}:{}x", key.id, key.secret),
        format!("Bearer {}:", key.id),
        format!("Bearer {}", key.id),
        format!("Bearer {}{}", key.id, key.secret),
        format!("Bearer {}:{}", key.secret, key.id),
        format!("Bearer {}", key.secret),
        format!("Basic {}:{}", key.id, key.secret),
        format!("{}:{}", key.id, key.secret),
        "Bearer hcxmk_00000000000000000000000000:00000000000000000000000000000000".to_owned(),
        "Bearer ".to_owned(),
        String::new(),
    ];
    for value in wrong {
        assert_invalid_key(lab.bare("GET", "/2/auth").header("Authorization", &value).send().await);
    }
    let team_header = format!("{}:{}", key.id, key.secret);
    assert_invalid_key(lab.bare("GET", "/2/auth").header("X-Honeycomb-Team", &team_header).send().await);
    lab.bare("GET", "/2/auth").header("Authorization", &bearer(&key)).send().await.expect(200);
}

#[tokio::test]
async fn item_03_switch_legacy_unauthorized() {
    let lab = Lab::with_switches(|switches| switches.legacy_unauthorized = true).await;
    let reply = lab.bare("GET", KEYS).send().await.expect(401);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert!(!reply.text_at("/error").is_empty());
}

#[tokio::test]
async fn item_04_credentials_of_the_other_version() {
    let lab = Lab::new().await;
    let environment = lab.environment("Production").await;
    let ingest = lab.ingest_key(&environment, "collector").await;
    let configuration = lab.configuration_key(&environment, "ci").await;
    for credential in [
        format!("{}:{}", ingest.id(), ingest.secret()),
        format!("{}{}", ingest.id(), ingest.secret()),
        format!("{}:{}", configuration.id(), configuration.secret()),
        configuration.secret(),
    ] {
        let call = lab.bare("GET", "/2/auth").header("Authorization", &format!("Bearer {credential}"));
        assert_invalid_key(call.send().await);
        let call = lab.bare("GET", KEYS).header("X-Honeycomb-Team", &credential);
        assert_invalid_key(call.send().await);
    }
    let key = lab.sandbox.management_key();
    let v1 = [
        lab.bare("GET", "/1/auth").header("Authorization", &bearer(&key)).send().await,
        lab.auth_v1(&format!("{}:{}", key.id, key.secret)).await,
        lab.auth_v1(&format!("{}{}", key.id, key.secret)).await,
        lab.auth_v1(&key.secret).await,
        lab.bare("GET", "/1/auth").send().await,
    ];
    for reply in v1 {
        let reply = reply.expect(401);
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert!(!reply.text_at("/error").is_empty());
    }
}

#[tokio::test]
async fn item_05_scopes() {
    let lab = Lab::new().await;
    let environment = lab.environment("Production").await;
    let key = lab.ingest_key(&environment, "collector").await.id();
    let new_key = || key_body(&environment, json!({ "key_type": "ingest", "name": "n" }));
    // What each set of scopes permits: (read keys, write keys, read environments, write environments).
    let table: [(&[&str], [bool; 4]); 7] = [
        (&[], [false; 4]),
        (&["pipelines:write"], [false; 4]),
        (&["api-keys:read"], [true, false, false, false]),
        (&["api-keys:write"], [true, true, false, false]),
        (&["environments:read"], [false, false, true, false]),
        (&["environments:write"], [false, false, true, true]),
        (&["api-keys:read", "environments:write"], [true, false, true, true]),
    ];
    for (scopes, [read_keys, write_keys, read_environments, write_environments]) in table {
        let bearer = bearer(&lab.sandbox.add_management_key(scopes, false));
        let send = |method, path: &str, body: Option<serde_json::Value>| {
            let call = lab.bare(method, path).header("Authorization", &bearer);
            match body {
                Some(body) => call.json(&body),
                None => call,
            }
            .send()
        };
        let check = |reply: Reply, permitted: bool| {
            assert_eq!(reply.status != 403, permitted, "scopes {scopes:?}: {}", reply.shown());
            if permitted {
                assert!(reply.status < 300, "scopes {scopes:?}: {}", reply.shown());
            }
        };
        send("GET", "/2/auth", None).await.expect(200);
        check(send("GET", KEYS, None).await, read_keys);
        check(send("GET", &key_path(&key), None).await, read_keys);
        check(
            send("PATCH", &key_path(&key), Some(key_patch(&key, json!({ "name": "n" })))).await,
            write_keys,
        );
        check(send("GET", ENVIRONMENTS, None).await, read_environments);
        check(send("GET", &environment_path(&environment), None).await, read_environments);
        let patch = environment_patch(&environment, json!({ "color": "red" }));
        check(send("PATCH", &environment_path(&environment), Some(patch)).await, write_environments);

        // Create and delete, in pairs, so that the rows stay independent.
        let created = send("POST", KEYS, Some(new_key())).await;
        check(created.clone(), write_keys);
        let doomed = if write_keys { created.id() } else { key.clone() };
        check(send("DELETE", &key_path(&doomed), None).await, write_keys);
        let name = format!("scopes {scopes:?}");
        let created = send("POST", ENVIRONMENTS, Some(environment_body(json!({ "name": name })))).await;
        check(created.clone(), write_environments);
        if write_environments {
            let id = created.id();
            let open = environment_patch(&id, json!({ "settings": { "delete_protected": false } }));
            send("PATCH", &environment_path(&id), Some(open)).await.expect(200);
            send("DELETE", &environment_path(&id), None).await.expect(204);
        } else {
            send("DELETE", &environment_path(&environment), None).await.expect(403);
        }
    }
    lab.get(&key_path(&key)).await.expect(200);
    lab.get(&environment_path(&environment)).await.expect(200);
}

#[tokio::test]
async fn item_05_a_barred_team_gets_the_legacy_403() {
    let lab = Lab::with_switches(|switches| switches.barred_team = true).await;
    for reply in [lab.get(KEYS).await, lab.get(ENVIRONMENTS).await, lab.get("/2/auth").await] {
        let reply = reply.expect(403);
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert!(!reply.text_at("/error").is_empty());
    }
}

#[tokio::test]
async fn item_06_disabled_management_key() {
    let lab = Lab::new().await;
    let disabled = bearer(&lab.sandbox.add_management_key(&["api-keys:write", "environments:write"], true));
    for path in ["/2/auth", KEYS, ENVIRONMENTS] {
        assert_invalid_key(lab.bare("GET", path).header("Authorization", &disabled).send().await);
    }
}
