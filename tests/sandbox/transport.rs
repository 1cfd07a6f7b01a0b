//! Items 1, 2 and 7 to 13: routes, media types, sizes, unknown things, and the order in which all that is checked.

use keycomb::sandbox::RateLimit;
use serde_json::json;

use crate::lab::{
    ENVIRONMENTS, JSON_API, KEYS, Lab, bearer, environment_body, environment_patch, environment_path,
    key_body, key_patch, key_path,
};

const UNKNOWN_KEY: &str = "/2/teams/acme/api-keys/hcxik_00000000000000000000000000";
const UNKNOWN_ENVIRONMENT: &str = "/2/teams/acme/environments/hcxen_00000000000000000000000000";
const LIMIT: usize = 100_000;

/// A valid body for a new environment, padded with blanks to a length in bytes.
fn padded(name: &str, length: usize) -> String {
    let body = environment_body(json!({ "name": name })).to_string();
    format!("{body}{}", " ".repeat(length - body.len()))
}

#[tokio::test]
async fn item_01_one_base_url() {
    let lab = Lab::new().await;
    assert!(lab.sandbox.endpoint().starts_with("http://127.0.0.1:"), "found `{}`", lab.sandbox.endpoint());
    assert!(!lab.sandbox.endpoint().ends_with('/'));
    assert_eq!(lab.sandbox.team(), "acme");

    let environment = lab.environment("Production").await;
    let created = lab.ingest_key(&environment, "collector").await;
    lab.auth_v1(&format!("{}{}", created.id(), created.secret())).await.expect(200);
    for path in ["/2/auth", KEYS, ENVIRONMENTS, &key_path(&created.id()), &environment_path(&environment)] {
        lab.get(path).await.expect(200);
    }
    lab.patch(&key_path(&created.id()), key_patch(&created.id(), json!({ "name": "x" }))).await.expect(200);
    lab.patch(&environment_path(&environment), environment_patch(&environment, json!({}))).await.expect(200);
    lab.get("/2/teams/acme/datasets").await.expect(404);
}

#[tokio::test]
async fn item_02_v2_content_type_is_exact() {
    let lab = Lab::new().await;
    let environment = lab.environment("Production").await;
    let key = lab.configuration_key(&environment, "ci").await;
    let answers = [
        key.clone(),
        lab.get("/2/auth").await,
        lab.get(KEYS).await,
        lab.get(ENVIRONMENTS).await,
        lab.get(&key_path(&key.id())).await,
        lab.patch(&key_path(&key.id()), key_patch(&key.id(), json!({ "name": "b" }))).await,
        lab.patch(
            &environment_path(&environment),
            environment_patch(&environment, json!({ "color": "red" })),
        )
        .await,
        lab.get(UNKNOWN_KEY).await.expect(404),
        lab.post(KEYS, json!({})).await.expect(422),
        lab.delete(&environment_path(&environment)).await.expect(409),
        lab.bare("GET", "/2/auth").send().await.expect(401),
        lab.call("POST", KEYS).header("Content-Type", JSON_API).body("{").send().await.expect(400),
        lab.call("POST", KEYS).header("Content-Type", "text/plain").body("{}").send().await.expect(415),
    ];
    for answer in answers {
        assert_eq!(answer.header("content-type"), Some(JSON_API), "{}", answer.shown());
    }
}

#[tokio::test]
async fn item_07_media_type_of_bodies() {
    let lab = Lab::new().await;
    let environment = lab.environment("Production").await;
    let key = lab.ingest_key(&environment, "collector").await.id();
    let targets = [
        ("POST", ENVIRONMENTS.to_owned(), environment_body(json!({ "name": "b" }))),
        ("POST", KEYS.to_owned(), key_body(&environment, json!({ "key_type": "ingest", "name": "b" }))),
        ("PATCH", environment_path(&environment), environment_patch(&environment, json!({ "color": "red" }))),
        ("PATCH", key_path(&key), key_patch(&key, json!({ "name": "b" }))),
    ];
    for (method, path, body) in &targets {
        lab.call(method, path).body(body.to_string()).send().await.expect(415);
        for kind in
            ["application/json", "text/plain", "application/x-www-form-urlencoded", "application/vnd.api"]
        {
            lab.call(method, path)
                .header("Content-Type", kind)
                .body(body.to_string())
                .send()
                .await
                .expect(415);
        }
        let call = lab.call(method, path).header("Content-Type", "application/vnd.api+json; charset=utf-8");
        let tolerant = call.body(body.to_string()).send().await.status;
        assert!([200, 201, 415].contains(&tolerant), "a parameter is tolerated or refused, found {tolerant}");
    }
    assert_eq!(lab.get(&key_path(&key)).await.text_at("/data/type"), "api-keys");

    for header in [None, Some(JSON_API), Some("application/json")] {
        let doomed = lab.ingest_key(&environment, "doomed").await.id();
        for (method, path, status) in [("GET", KEYS.to_owned(), 200), ("DELETE", key_path(&doomed), 204)] {
            let call = lab.call(method, &path);
            let call = if let Some(kind) = header { call.header("Content-Type", kind) } else { call };
            call.send().await.expect(status);
        }
    }
}

#[tokio::test]
async fn item_08_body_size() {
    let lab = Lab::new().await;
    let post =
        |body: String| lab.call("POST", ENVIRONMENTS).header("Content-Type", JSON_API).body(body).send();
    post(padded("fits", LIMIT)).await.expect(201);
    let reply = post(padded("too large", LIMIT + 1)).await.expect(413);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.at("/status"), &json!(413));
    assert!(reply.text_at("/type").ends_with("/problems/payload-too-large"), "{}", reply.shown());
    assert!(reply.text_at("/error").contains("100000"), "{}", reply.shown());
    assert_eq!(lab.get(ENVIRONMENTS).await.ids().len(), 1);
}

#[tokio::test]
async fn item_09_unparseable_json() {
    let lab = Lab::new().await;
    let environment = lab.environment("Production").await;
    let key = lab.ingest_key(&environment, "collector").await.id();
    let bodies: [&[u8]; 5] = [b"{\"data\":", b"{\"data\": {}} x", b"not json", b"\xff\xfe", b"{'data': 1}"];
    for (method, path) in [
        ("POST", KEYS.to_owned()),
        ("POST", ENVIRONMENTS.to_owned()),
        ("PATCH", key_path(&key)),
        ("PATCH", environment_path(&environment)),
    ] {
        for body in bodies {
            let reply =
                lab.call(method, &path).header("Content-Type", JSON_API).body(body).send().await.expect(400);
            assert_eq!(reply.code(), "invalid");
        }
    }
}

#[tokio::test]
async fn item_10_unknown_team() {
    let lab = Lab::new().await;
    let environment = lab.environment("Production").await;
    let key = lab.ingest_key(&environment, "collector").await.id();
    for team in ["globex", "ACME", "acme2"] {
        let keys = format!("/2/teams/{team}/api-keys");
        let environments = format!("/2/teams/{team}/environments");
        lab.get(&keys).await.expect(404);
        lab.get(&environments).await.expect(404);
        lab.get(&format!("{keys}/{key}")).await.expect(404);
        lab.get(&format!("{environments}/{environment}")).await.expect(404);
        lab.post(&keys, key_body(&environment, json!({ "key_type": "ingest", "name": "n" })))
            .await
            .expect(404);
        lab.post(&environments, environment_body(json!({ "name": "n" }))).await.expect(404);
        lab.patch(&format!("{keys}/{key}"), key_patch(&key, json!({ "name": "n" }))).await.expect(404);
        lab.delete(&format!("{keys}/{key}")).await.expect(404);
        lab.delete(&format!("{environments}/{environment}")).await.expect(404);
    }
    assert_eq!(lab.get(&key_path(&key)).await.text_at("/data/attributes/name"), "collector");
}

#[tokio::test]
async fn item_11_unknown_ids() {
    let lab = Lab::new().await;
    let environment = lab.environment("Production").await;
    let key = lab.ingest_key(&environment, "collector").await.id();
    let check = async |key: &str, environment: &str| {
        lab.get(&key_path(key)).await.expect(404);
        lab.patch(&key_path(key), key_patch(key, json!({ "name": "n" }))).await.expect(404);
        lab.delete(&key_path(key)).await.expect(404);
        lab.get(&environment_path(environment)).await.expect(404);
        lab.patch(&environment_path(environment), environment_patch(environment, json!({})))
            .await
            .expect(404);
        lab.delete(&environment_path(environment)).await.expect(404);
    };
    check("hcxik_00000000000000000000000000", "hcxen_00000000000000000000000000").await;
    // An id of the other collection is as unknown as any.
    check(&environment, &key).await;

    lab.delete(&key_path(&key)).await.expect(204);
    let open = environment_patch(&environment, json!({ "settings": { "delete_protected": false } }));
    lab.patch(&environment_path(&environment), open).await.expect(200);
    lab.delete(&environment_path(&environment)).await.expect(204);
    check(&key, &environment).await;
}

#[tokio::test]
async fn item_12_every_error_has_id_and_code() {
    let lab = Lab::with(|options| options.rate_limit = Some("9/60s".parse::<RateLimit>().unwrap())).await;
    let environment = lab.environment("Production").await;
    let reader = bearer(&lab.sandbox.add_management_key(&["environments:read"], false));
    let environment_body = environment_body(json!({ "name": "Production" }));
    let mut errors = vec![
        lab.call("POST", ENVIRONMENTS).header("Content-Type", JSON_API).body("{").send().await.expect(400),
        lab.bare("GET", ENVIRONMENTS).send().await.expect(401),
        lab.bare("POST", ENVIRONMENTS)
            .header("Authorization", &reader)
            .json(&environment_body)
            .send()
            .await
            .expect(403),
        lab.get(UNKNOWN_ENVIRONMENT).await.expect(404),
        lab.post(ENVIRONMENTS, environment_body.clone()).await.expect(409),
        lab.delete(&environment_path(&environment)).await.expect(409),
        lab.call("POST", ENVIRONMENTS).body("{}").send().await.expect(415),
        lab.post(ENVIRONMENTS, json!({ "data": { "type": "environments", "attributes": {} } }))
            .await
            .expect(422),
    ];
    for _ in 0..9 {
        errors.push(lab.get(UNKNOWN_ENVIRONMENT).await);
    }
    assert_eq!(errors.last().map(|reply| reply.status), Some(429));
    lab.sandbox.add_fault(crate::lab::fault("status=500-jsonapi"));
    errors.push(lab.get("/2/auth").await.expect(500));

    let mut ids = Vec::new();
    for reply in errors {
        let list = reply.at("/errors").as_array().expect("`errors` is a list");
        assert!(!list.is_empty(), "{}", reply.shown());
        for error in list {
            assert!(!error["code"].as_str().unwrap_or_default().is_empty(), "{}", reply.shown());
            let id = error["id"].as_str().unwrap_or_default().to_owned();
            assert!(!id.is_empty() && !ids.contains(&id), "an id names one error: {}", reply.shown());
            ids.push(id);
            if let Some(status) = error.get("status") {
                assert_eq!(status, &json!(reply.status.to_string()), "{}", reply.shown());
            }
        }
    }
}

#[tokio::test]
async fn item_13_order_of_checks() {
    let lab = Lab::with(|options| options.rate_limit = Some("40/60s".parse::<RateLimit>().unwrap())).await;
    let environment = lab.environment("Production").await;
    let reader = bearer(&lab.sandbox.add_management_key(&["api-keys:read", "environments:read"], false));
    let oversized = "x".repeat(LIMIT + 1);

    // route, then authentication
    lab.bare("GET", "/2/nowhere").send().await.expect(404);
    // authentication, then scope, media type, size, parse
    lab.bare("POST", KEYS).body(oversized.clone()).send().await.expect(401);
    // scope, then media type
    lab.bare("POST", KEYS)
        .header("Authorization", &reader)
        .header("Content-Type", "text/plain")
        .body("{")
        .send()
        .await
        .expect(403);
    // media type, then size
    lab.call("POST", KEYS)
        .header("Content-Type", "text/plain")
        .body(oversized.clone())
        .send()
        .await
        .expect(415);
    // size, then parse
    lab.call("POST", KEYS).header("Content-Type", JSON_API).body(oversized).send().await.expect(413);
    // parse, then existence
    lab.call("PATCH", UNKNOWN_KEY).header("Content-Type", JSON_API).body("{").send().await.expect(400);
    // validation, then existence
    let nameless = key_body("hcxen_00000000000000000000000000", json!({ "key_type": "ingest" }));
    lab.post(KEYS, nameless).await.expect_invalid("/data/attributes/name");
    let id = "hcxik_00000000000000000000000000";
    lab.patch(UNKNOWN_KEY, key_patch(id, json!({ "name": "x".repeat(101) }))).await.expect(422);
    // validation, then conflict
    let taken = environment_body(json!({ "name": "Production", "color": "orange" }));
    lab.post(ENVIRONMENTS, taken).await.expect_invalid("/data/attributes/color");
    // existence, then conflict
    lab.delete(UNKNOWN_ENVIRONMENT).await.expect(404);
    lab.delete(&environment_path(&environment)).await.expect(409);

    // authentication, then rate limit, then scope
    for _ in 0..40 {
        lab.get(KEYS).await;
    }
    lab.bare("GET", KEYS).send().await.expect(401);
    let nobody = bearer(&lab.sandbox.add_management_key(&[], false));
    lab.bare("GET", KEYS).header("Authorization", &nobody).send().await.expect(429);
    lab.bare("GET", "/2/teams/acme/nowhere").header("Authorization", &nobody).send().await.expect(404);
}
