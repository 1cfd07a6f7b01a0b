//! Items 20 to 31: environments.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::lab::{ENVIRONMENTS, KEYS, Lab, environment_body, environment_patch, environment_path, key_path};

const COLORS: [&str; 10] = [
    "blue",
    "green",
    "gold",
    "red",
    "purple",
    "lightBlue",
    "lightGreen",
    "lightGold",
    "lightRed",
    "lightPurple",
];

fn unprotect(id: &str) -> Value {
    environment_patch(id, json!({ "settings": { "delete_protected": false } }))
}

#[tokio::test]
async fn item_20_post_with_only_a_name() {
    let lab = Lab::new().await;
    for (name, slug) in [("Production", "production"), ("Test Env", "test-env")] {
        let reply = lab.post(ENVIRONMENTS, environment_body(json!({ "name": name }))).await.expect(201);
        assert_eq!(reply.at("/data/attributes/name"), name);
        assert_eq!(reply.at("/data/attributes/slug"), slug);
        assert_eq!(reply.at("/data/attributes/description"), "");
        assert_eq!(reply.at("/data/attributes/settings"), &json!({ "delete_protected": true }));
        assert!(COLORS.contains(&reply.text_at("/data/attributes/color").as_str()), "{}", reply.shown());
        assert_eq!(reply.text_at("/data/links/self"), environment_path(&reply.id()));
        assert_eq!(
            lab.get(&environment_path(&reply.id())).await.expect(200).json,
            reply.json,
            "read your writes"
        );
    }
    // Names with dots are legal.
    let dotted = lab.post(ENVIRONMENTS, environment_body(json!({ "name": "test.a1b2" }))).await.expect(201);
    assert!(!dotted.text_at("/data/attributes/slug").is_empty());

    let full = json!({ "name": "Staging", "description": "pre-release", "color": "gold" });
    let reply = lab.post(ENVIRONMENTS, environment_body(full)).await.expect(201);
    assert_eq!(reply.at("/data/attributes/description"), "pre-release");
    assert_eq!(reply.at("/data/attributes/color"), "gold");
}

#[tokio::test]
async fn item_21_picked_colours_vary() {
    let lab = Lab::new().await;
    let mut colors = BTreeSet::new();
    for number in 0..24 {
        let body = environment_body(json!({ "name": format!("Env {number}") }));
        colors.insert(lab.post(ENVIRONMENTS, body).await.expect(201).text_at("/data/attributes/color"));
    }
    assert!(colors.len() >= 4, "24 environments have only the colours {colors:?}");
}

#[tokio::test]
async fn item_22_invalid_attributes() {
    let lab = Lab::new().await;
    let name = "/data/attributes/name";
    let description = "/data/attributes/description";
    let color = "/data/attributes/color";
    let refused = [
        (json!({}), name),
        (json!({ "description": "no name" }), name),
        (json!({ "name": "" }), name),
        (json!({ "name": null }), name),
        (json!({ "name": 7 }), name),
        (json!({ "name": "x".repeat(256) }), name),
        (json!({ "name": "a", "description": "x".repeat(256) }), description),
        (json!({ "name": "a", "description": null }), description),
        (json!({ "name": "a", "color": "orange" }), color),
        (json!({ "name": "a", "color": "classic" }), color),
        (json!({ "name": "a", "color": "Blue" }), color),
        (json!({ "name": "a", "color": null }), color),
    ];
    for (attributes, pointer) in refused {
        lab.post(ENVIRONMENTS, environment_body(attributes)).await.expect_invalid(pointer);
    }
    assert!(lab.get(ENVIRONMENTS).await.ids().is_empty(), "what is refused changes nothing");

    // The limits count characters, and are themselves allowed.
    for letter in ["x", "é"] {
        let attributes = json!({ "name": letter.repeat(255), "description": letter.repeat(255) });
        lab.post(ENVIRONMENTS, environment_body(attributes)).await.expect(201);
    }
    for known in COLORS {
        let reply = lab
            .post(ENVIRONMENTS, environment_body(json!({ "name": known, "color": known })))
            .await
            .expect(201);
        assert_eq!(reply.at(color), known);
    }

    let id = lab.environment("Production").await;
    let before = lab.get(&environment_path(&id)).await;
    for (attributes, pointer) in [
        (json!({ "description": "x".repeat(256) }), description),
        (json!({ "description": null }), description),
        (json!({ "color": "orange" }), color),
        (json!({ "color": "classic" }), color),
    ] {
        lab.patch(&environment_path(&id), environment_patch(&id, attributes)).await.expect_invalid(pointer);
    }
    assert_eq!(lab.get(&environment_path(&id)).await.json, before.json);
}

#[tokio::test]
async fn item_22_envelope_of_the_request() {
    let lab = Lab::new().await;
    for body in [
        json!({}),
        json!([]),
        json!({ "data": null }),
        json!({ "data": { "attributes": { "name": "a" } } }),
        json!({ "data": { "type": "environments" } }),
        json!({ "data": { "type": "api-keys", "attributes": { "name": "a" } } }),
        json!({ "data": { "type": "environments", "attributes": "a" } }),
    ] {
        let reply = lab.post(ENVIRONMENTS, body).await;
        assert!([400, 422].contains(&reply.status), "{}", reply.shown());
    }
    let id = lab.environment("Production").await;
    for body in [
        json!({ "data": { "type": "environments", "attributes": { "color": "red" } } }),
        json!({ "data": { "id": id, "attributes": { "color": "red" } } }),
        json!({ "data": { "id": id, "type": "environments" } }),
    ] {
        let reply = lab.patch(&environment_path(&id), body).await;
        assert!([400, 422].contains(&reply.status), "{}", reply.shown());
    }
    let other = environment_patch("hcxen_00000000000000000000000000", json!({ "color": "red" }));
    lab.patch(&environment_path(&id), other).await.expect(422);
}

#[tokio::test]
async fn item_23_names_are_unique() {
    let lab = Lab::new().await;
    lab.environment("Test Env").await;
    for taken in ["Test Env", "test env", "TEST ENV", "test-env"] {
        lab.post(ENVIRONMENTS, environment_body(json!({ "name": taken }))).await.expect(409);
    }
    assert_eq!(lab.get(ENVIRONMENTS).await.ids().len(), 1);
    let id = lab.environment("Test Env 2").await;
    // A deleted environment gives its name back.
    lab.patch(&environment_path(&id), unprotect(&id)).await.expect(200);
    lab.delete(&environment_path(&id)).await.expect(204);
    assert_ne!(lab.environment("Test Env 2").await, id);
}

#[tokio::test]
async fn item_24_read_only_attributes_are_ignored() {
    let lab = Lab::new().await;
    for (name, slug) in [("Production", "mine"), ("Staging", "")] {
        let body = environment_body(json!({ "name": name, "slug": slug }));
        let created = lab.post(ENVIRONMENTS, body).await.expect(201);
        assert_eq!(created.text_at("/data/attributes/slug"), name.to_lowercase());
        let id = created.id();
        for attributes in [
            json!({ "name": "" }),
            json!({ "name": "Renamed" }),
            json!({ "name": "x".repeat(300) }),
            json!({ "slug": "" }),
            json!({ "slug": "renamed" }),
            json!({ "name": "", "slug": "" }),
        ] {
            let reply =
                lab.patch(&environment_path(&id), environment_patch(&id, attributes)).await.expect(200);
            assert_eq!(reply.json, created.json);
        }
    }
}

#[tokio::test]
async fn item_25_settings_in_post_are_ignored() {
    let lab = Lab::new().await;
    let attributes = json!({ "name": "Production", "settings": { "delete_protected": false } });
    let reply = lab.post(ENVIRONMENTS, environment_body(attributes)).await.expect(201);
    assert_eq!(reply.at("/data/attributes/settings/delete_protected"), &json!(true));
    lab.delete(&environment_path(&reply.id())).await.expect(409);
}

#[tokio::test]
async fn item_26_patch_is_partial() {
    let lab = Lab::new().await;
    let attributes = json!({ "name": "Production", "description": "first", "color": "gold" });
    let created = lab.post(ENVIRONMENTS, environment_body(attributes)).await.expect(201);
    let path = environment_path(&created.id());
    let mut expected = created.json.clone();
    for (attributes, pointer) in [
        (json!({ "description": "second" }), "/description"),
        (json!({ "color": "lightRed" }), "/color"),
        (json!({ "settings": { "delete_protected": false } }), "/settings"),
        (json!({ "settings": { "delete_protected": true } }), "/settings"),
        (json!({ "description": "" }), "/description"),
    ] {
        let value = attributes.pointer(pointer).unwrap().clone();
        let reply = lab.patch(&path, environment_patch(&created.id(), attributes)).await.expect(200);
        *expected.pointer_mut(&format!("/data/attributes{pointer}")).unwrap() = value;
        assert_eq!(reply.json, expected);
        assert_eq!(lab.get(&path).await.json, expected);
    }
    // Nothing to change, and a settings object that names nothing.
    for attributes in [json!({}), json!({ "settings": {} })] {
        let reply = lab.patch(&path, environment_patch(&created.id(), attributes)).await.expect(200);
        assert_eq!(reply.json, expected);
    }
}

#[tokio::test]
async fn item_27_delete_protection() {
    let lab = Lab::new().await;
    let id = lab.environment("Production").await;
    let path = environment_path(&id);
    let before = lab.get(&path).await;
    lab.delete(&path).await.expect(409);
    assert_eq!(lab.get(&path).await.expect(200).json, before.json, "a refused delete changes nothing");
    lab.patch(&path, unprotect(&id)).await.expect(200);
    let gone = lab.delete(&path).await.expect(204);
    assert_eq!(gone.text, "");
    lab.get(&path).await.expect(404);
    lab.delete(&path).await.expect(404);
    assert!(lab.get(ENVIRONMENTS).await.ids().is_empty());
}

#[tokio::test]
async fn item_28_a_deleted_environment_takes_its_keys() {
    let lab = Lab::new().await;
    let gone = lab.environment("Gone").await;
    let kept = lab.environment("Kept").await;
    let doomed = [lab.ingest_key(&gone, "i").await.id(), lab.configuration_key(&gone, "c").await.id()];
    let survivor = lab.ingest_key(&kept, "i").await.id();
    lab.delete(&environment_path(&gone)).await.expect(409);
    assert_eq!(lab.get(KEYS).await.ids().len(), 3, "a refused delete removes no key");
    lab.patch(&environment_path(&gone), unprotect(&gone)).await.expect(200);
    lab.delete(&environment_path(&gone)).await.expect(204);
    for id in &doomed {
        lab.get(&key_path(id)).await.expect(404);
        lab.delete(&key_path(id)).await.expect(404);
    }
    assert_eq!(lab.get(KEYS).await.ids(), [survivor]);
}

#[tokio::test]
async fn item_29_exact_shape() {
    let lab = Lab::new().await;
    let created = lab.post(ENVIRONMENTS, environment_body(json!({ "name": "Production" }))).await.expect(201);
    let path = environment_path(&created.id());
    let patched = lab.patch(&path, environment_patch(&created.id(), json!({ "color": "red" }))).await;
    let objects = [
        created.at("/data").clone(),
        lab.get(&path).await.at("/data").clone(),
        patched.at("/data").clone(),
        lab.get(ENVIRONMENTS).await.at("/data/0").clone(),
    ];
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<String>>();
    let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<String>>();
    for object in objects {
        assert_eq!(names(&object), set(&["id", "type", "links", "attributes"]));
        assert_eq!(names(&object["links"]), set(&["self"]));
        assert_eq!(names(&object["attributes"]), set(&["name", "description", "color", "slug", "settings"]));
        assert_eq!(names(&object["attributes"]["settings"]), set(&["delete_protected"]));
        assert!(!object.to_string().contains("null"), "{object}");
    }
}

#[tokio::test]
async fn item_30_classic_environment() {
    let lab = Lab::new().await;
    let classic = lab.sandbox.add_classic_environment();
    let path = environment_path(&classic);
    let shown = lab.get(&path).await.expect(200);
    assert_eq!(shown.at("/data/attributes/color"), "classic");
    assert_eq!(lab.get(ENVIRONMENTS).await.ids(), std::slice::from_ref(&classic));
    for color in COLORS {
        let reply = lab.patch(&path, environment_patch(&classic, json!({ "color": color }))).await;
        assert!([400, 403, 422].contains(&reply.status), "{}", reply.shown());
    }
    assert_eq!(lab.get(&path).await.json, shown.json);
    let other = lab.environment("Production").await;
    let patch = environment_patch(&other, json!({ "color": "classic" }));
    lab.patch(&environment_path(&other), patch).await.expect_invalid("/data/attributes/color");

    // A key in it: version one tells neither name nor slug of the environment.
    let key = lab.configuration_key(&classic, "c").await;
    let shown = lab.auth_v1(&key.secret()).await.expect(200);
    assert_eq!(shown.at("/environment"), &json!({ "name": "", "slug": "" }));
}

#[tokio::test]
async fn item_31_a_key_with_each_new_environment() {
    let lab = Lab::new().await;
    lab.environment("Production").await;
    assert!(lab.get(KEYS).await.ids().is_empty(), "off by default");

    let lab = Lab::with_switches(|switches| switches.key_with_new_environment = true).await;
    for number in 1..=2 {
        let environment = lab.environment(&format!("Env {number}")).await;
        let keys = lab.get(KEYS).await;
        let all = keys.at("/data").as_array().unwrap();
        assert_eq!(all.len(), number);
        let of_it = |key: &&Value| key["relationships"]["environment"]["data"]["id"] == environment.as_str();
        let key =
            all.iter().find(of_it).unwrap_or_else(|| panic!("a key of the environment: {}", keys.shown()));
        assert_eq!(key["attributes"]["key_type"], "configuration");
    }
}
