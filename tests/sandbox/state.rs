//! Item 60 and the state file: the same again after a restart, and the same again from the same seed.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use keycomb::sandbox::{ManualClock, Options, Sandbox};
use serde_json::json;

use crate::lab::{
    ENVIRONMENTS, KEYS, Lab, START, environment_body, environment_patch, environment_path, fault, key_patch,
    key_path,
};

async fn lab_at(path: &Path) -> Lab {
    Lab::with(|options| options.state = Some(path.to_owned())).await
}

#[tokio::test]
async fn state_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sandbox.json");
    let lab = lab_at(&path).await;
    let environment = lab.environment("Production").await;
    let gone = lab.environment("Gone").await;
    let open = environment_patch(&gone, json!({ "settings": { "delete_protected": false } }));
    lab.patch(&environment_path(&gone), open).await.expect(200);
    lab.delete(&environment_path(&gone)).await.expect(204);
    let ingest = lab.ingest_key(&environment, "i").await;
    let configuration = lab.configuration_key(&environment, "c").await;
    let disabled = lab.configuration_key(&environment, "d").await;
    lab.patch(&key_path(&disabled.id()), key_patch(&disabled.id(), json!({ "disabled": true })))
        .await
        .expect(200);
    let deleted = lab.ingest_key(&environment, "x").await;
    lab.delete(&key_path(&deleted.id())).await.expect(204);
    let short = lab.auth_v1(&configuration.secret()).await.expect(200).text_at("/id");
    let helper = lab.sandbox.add_management_key(&["api-keys:read"], false);
    let (bearer, truth) = (lab.bearer(), lab.sandbox.truth());
    let before = [lab.get(KEYS).await.json, lab.get(ENVIRONMENTS).await.json, lab.get("/2/auth").await.json];
    lab.sandbox.stop().await;

    let lab = lab_at(&path).await;
    assert!(lab.bearer() == bearer, "the management key is the same");
    assert!(lab.sandbox.truth() == truth, "everything is the same");
    assert_eq!(
        [lab.get(KEYS).await.json, lab.get(ENVIRONMENTS).await.json, lab.get("/2/auth").await.json],
        before
    );
    lab.auth_v1(&format!("{}{}", ingest.id(), ingest.secret())).await.expect(200);
    assert_eq!(lab.auth_v1(&configuration.secret()).await.expect(200).text_at("/id"), short);
    lab.auth_v1(&disabled.secret()).await.expect(401);
    lab.auth_v1(&format!("{}{}", deleted.id(), deleted.secret())).await.expect(401);
    lab.get(&key_path(&deleted.id())).await.expect(404);
    let call =
        lab.bare("GET", KEYS).header("Authorization", &format!("Bearer {}:{}", helper.id, helper.secret));
    call.send().await.expect(200);

    // What is made now is new: the counter goes on where it stood.
    let known = [ingest, configuration, disabled, deleted];
    for kind in ["ingest", "configuration"] {
        let fresh = lab.key(&environment, json!({ "key_type": kind, "name": "n" })).await;
        assert!(known.iter().all(|key| key.id() != fresh.id() && key.secret() != fresh.secret()));
    }
    assert_ne!(lab.environment("Gone").await, gone);
}

#[tokio::test]
async fn state_is_written_after_each_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sandbox.json");
    let lab = lab_at(&path).await;
    let environment = lab.environment("Production").await;
    let created = lab.ingest_key(&environment, "i").await;
    let read = || std::fs::read_to_string(&path).unwrap();
    assert!(read().contains(&created.secret()), "no stop is needed to keep a key");
    lab.patch(&key_path(&created.id()), key_patch(&created.id(), json!({ "name": "renamed-by-hand" })))
        .await
        .expect(200);
    assert!(read().contains("renamed-by-hand"));
    lab.sandbox.add_fault(fault("drop-after:POST:api-keys@1"));
    let lost = lab
        .call("POST", KEYS)
        .json(&crate::lab::key_body(&environment, json!({ "key_type": "ingest", "name": "lost" })));
    assert!(lost.send_raw().await.is_err());
    assert!(read().contains("\"lost\""), "a lost answer is no lost change");

    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "mode {mode:o}");
    let names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["sandbox.json"], "no temporary file is left");
    serde_json::from_str::<serde_json::Value>(&read()).expect("the state is JSON");
}

#[tokio::test]
async fn state_that_does_not_parse_is_no_fresh_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sandbox.json");
    for text in ["", "{", "[]", "{\"version\": 999999}", "secret-0123456789abcdef"] {
        std::fs::write(&path, text).unwrap();
        let options = Options { state: Some(path.clone()), ..Options::default() };
        let error = Sandbox::start(options).await.err().unwrap_or_else(|| panic!("`{text}` is no state"));
        assert!(
            !format!("{error} {error:?}").contains("0123456789abcdef"),
            "the message does not repeat the file"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "the file is left alone");
    }
}

#[tokio::test]
async fn a_refused_request_does_not_touch_the_state() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sandbox.json");
    let lab = lab_at(&path).await;
    let environment = lab.environment("Production").await;
    let before = std::fs::read(&path).unwrap();
    let truth = lab.sandbox.truth();
    lab.post(ENVIRONMENTS, environment_body(json!({ "name": "Production" }))).await.expect(409);
    lab.post(KEYS, json!({})).await.expect(422);
    lab.delete(&environment_path(&environment)).await.expect(409);
    lab.get("/2/teams/globex/api-keys").await.expect(404);
    assert_eq!(lab.sandbox.truth(), truth);
    let strip = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
    let (before, after) = (strip(&before), strip(&std::fs::read(&path).unwrap()));
    assert_eq!(before["environments"], after["environments"]);
    assert_eq!(before["keys"], after["keys"]);
}

/// One run of a fixed script; every byte that came back, heads included.
async fn script(seed: u64, state: Option<&Path>) -> Vec<String> {
    let lab = Lab::with(|options| {
        options.seed = seed;
        options.keys = 7;
        options.environments = 2;
        options.rate_limit = Some("25/60s".parse().unwrap());
        options.state = state.map(Path::to_owned);
    })
    .await;
    let mut replies = vec![lab.get("/2/auth").await];
    for name in ["Production", "Staging", "Test Env"] {
        replies.push(lab.post(ENVIRONMENTS, environment_body(json!({ "name": name }))).await.expect(201));
        lab.clock.advance(Duration::from_millis(1_234));
    }
    let environment = replies[1].id();
    for kind in ["ingest", "configuration", "ingest"] {
        let created = lab.key(&environment, json!({ "key_type": kind, "name": kind })).await;
        replies.push(
            lab.patch(&key_path(&created.id()), key_patch(&created.id(), json!({ "disabled": true }))).await,
        );
        replies.push(created);
    }
    let made = replies.last().unwrap().id();
    replies.push(lab.delete(&key_path(&made)).await.expect(204));
    replies.push(lab.get(&key_path(&made)).await.expect(404));
    replies.push(lab.post(KEYS, json!({})).await.expect(422));
    replies.push(lab.bare("GET", KEYS).send().await.expect(401));
    for _ in 0..25 {
        replies.push(lab.get(&format!("{KEYS}?page[size]=4")).await);
    }
    assert_eq!(replies.last().unwrap().status, 429);
    let bytes = |reply: &crate::reply::Reply| {
        let mut headers: Vec<String> =
            reply.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
        headers.sort();
        format!("{} {}\n{}\n{}", reply.status, reply.path, headers.join("\n"), reply.text)
    };
    let out = replies.iter().map(bytes).chain([lab.bearer()]).collect();
    lab.sandbox.stop().await;
    out
}

#[tokio::test]
async fn item_60_same_seed_same_bytes() {
    let first = script(7, None).await;
    let second = script(7, None).await;
    for (first, second) in first.iter().zip(&second) {
        assert_eq!(first, second);
    }
    assert_eq!(first.len(), second.len());
    let other = script(8, None).await;
    assert!(
        first.iter().zip(&other).filter(|(first, other)| first != other).count() > 10,
        "another seed is another run"
    );

    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a.json"), folder.path().join("b.json"));
    assert_eq!(script(7, Some(&a)).await, first, "a state file changes nothing");
    script(7, Some(&b)).await;
    assert!(std::fs::read(&a).unwrap() == std::fs::read(&b).unwrap(), "the state is the same bytes, too");
}

#[tokio::test]
async fn item_60_the_clock_is_the_only_time() {
    let lab = Lab::new().await;
    lab.clock.set("2031-07-04T12:00:00Z".parse().unwrap());
    let environment = lab.environment("Production").await;
    let created = lab.ingest_key(&environment, "i").await;
    assert_eq!(
        created.text_at("/data/attributes/timestamps/created").parse::<jiff::Timestamp>().unwrap(),
        "2031-07-04T12:00:00Z".parse().unwrap()
    );
    assert_eq!(created.header("date"), Some("Fri, 04 Jul 2031 12:00:00 GMT"), "the service's own clock");
    // An id begins with its time: 48 bits of milliseconds in ten characters.
    let time = created.id()[6..16]
        .chars()
        .fold(0_u64, |sum, c| sum * 32 + "0123456789abcdefghjkmnpqrstvwxyz".find(c).unwrap() as u64);
    assert_eq!(time, 1_940_932_800_000);
    lab.clock.advance(Duration::from_secs(3600));
    let later = lab.ingest_key(&environment, "j").await;
    assert!(later.id() > created.id(), "ids sort by time");
    assert_eq!(later.header("date"), Some("Fri, 04 Jul 2031 13:00:00 GMT"));
}

#[tokio::test]
async fn item_60_cell_letter() {
    let lab = Lab::with(|options| {
        options.keys = 4;
        options.switches.relationship_form = keycomb::sandbox::RelationshipForm::User;
    })
    .await;
    let classic = lab.sandbox.add_classic_environment();
    let auth = lab.get("/2/auth").await;
    let key = lab.get(KEYS).await.at("/data/0").clone();
    let team = auth.text_at("/included/0/id");
    let creator = key["relationships"]["creator"]["data"]["id"].as_str().expect("a user").to_owned();
    let mut ids = lab.get(KEYS).await.ids();
    ids.extend(lab.get(ENVIRONMENTS).await.ids());
    ids.extend([classic, auth.id(), team.clone(), creator.clone(), lab.environment("Production").await]);
    for id in ids {
        assert!(id.starts_with("hcx"), "`{id}`");
    }
    assert!(team.starts_with("hcxtm_") && creator.starts_with("hcxus_") && auth.id().starts_with("hcxmk_"));
}

#[tokio::test]
async fn item_60_loopback_only() {
    let start = async |listen: &str, allow_remote: bool| {
        let clock = Arc::new(ManualClock::new(START.parse().unwrap()));
        Sandbox::start(Options { listen: listen.parse().unwrap(), allow_remote, clock, ..Options::default() })
            .await
    };
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let error = start(listen, false).await.err().unwrap_or_else(|| panic!("`{listen}` is refused"));
        assert!(error.to_string().contains("loopback"), "`{error}`");
    }
    start("127.0.0.1:0", false).await.unwrap().stop().await;
    start("0.0.0.0:0", true).await.unwrap().stop().await;
}

#[tokio::test]
async fn item_60_seeded_stock() {
    let lab = Lab::with(|options| {
        options.environments = 3;
        options.keys = 10;
    })
    .await;
    assert_eq!(lab.get(ENVIRONMENTS).await.ids().len(), 3);
    let keys = lab.get(KEYS).await;
    let all = keys.at("/data").as_array().unwrap();
    let of = |kind: &str| all.iter().filter(|key| key["attributes"]["key_type"] == kind).count();
    assert_eq!((of("ingest"), of("configuration")), (5, 5));
    let mut environments: Vec<&str> =
        all.iter().filter_map(|key| key["relationships"]["environment"]["data"]["id"].as_str()).collect();
    environments.sort_unstable();
    environments.dedup();
    assert_eq!(environments.len(), 3, "spread over the environments");
    for key in lab.sandbox.truth().keys {
        lab.auth_v1(&key.credential).await.expect(200);
    }
    let lab = Lab::with(|options| options.keys = 1).await;
    assert_eq!(lab.get(ENVIRONMENTS).await.ids().len(), 1, "keys without an environment get one");
}

#[tokio::test]
async fn stop_closes_the_door() {
    let lab = Lab::new().await;
    let endpoint = lab.sandbox.endpoint().to_owned();
    lab.get("/2/auth").await.expect(200);
    lab.sandbox.stop().await;
    let address = endpoint.strip_prefix("http://").unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens any more");
}
