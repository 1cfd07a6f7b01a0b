//! Item 59: every kind on the menu of faults, its effect on the wire, and what it leaves behind.

use std::time::{Duration, Instant};

use keycomb::sandbox::KeyTruth;
use serde_json::{Value, json};

use crate::lab::{ENVIRONMENTS, JSON_API, KEYS, Lab, environment_path, fault, key_body, key_patch, key_path};
use crate::reply::Reply;
use crate::wire::exchange;

/// A lab with one environment; the faults come after it.
pub async fn lab_with(specs: &[&str]) -> (Lab, String) {
    let lab = Lab::new().await;
    let environment = lab.environment("Production").await;
    for spec in specs {
        lab.sandbox.add_fault(fault(spec));
    }
    (lab, environment)
}

pub fn body(environment: &str) -> Value {
    key_body(environment, json!({ "key_type": "ingest", "name": "collector" }))
}

/// The keys that really are there, whatever an answer said.
pub fn live(lab: &Lab) -> Vec<KeyTruth> {
    lab.sandbox.truth().keys.into_iter().filter(|key| key.deleted.is_none()).collect()
}

/// Waits, for ten seconds at most, until there are so many keys.
async fn wait_for_keys(lab: &Lab, count: usize) {
    for _ in 0..200 {
        if live(lab).len() == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("expected {count} keys, found {}", live(lab).len());
}

pub async fn post_raw(lab: &Lab, environment: &str) -> Result<Reply, reqwest::Error> {
    lab.call("POST", KEYS).json(&body(environment)).send_raw().await
}

#[tokio::test]
async fn item_59_drop_before() {
    let (lab, environment) = lab_with(&["drop-before:POST:api-keys@1"]).await;
    lab.sandbox.clear_requests();
    let wire = exchange(&lab, "POST", KEYS, &body(&environment).to_string()).await;
    assert!(!wire.is_whole(), "no whole answer arrives, found `{}`", wire.head);
    assert!(live(&lab).is_empty(), "nothing was carried out");
    assert_eq!(lab.log("POST", KEYS), [0]);
    post_raw(&lab, &environment).await.expect("only the first is cut");
    assert_eq!(live(&lab).len(), 1);
}

#[tokio::test]
async fn item_59_drop_after() {
    let (lab, environment) = lab_with(&["drop-after:POST:api-keys@1"]).await;
    lab.sandbox.clear_requests();
    let wire = exchange(&lab, "POST", KEYS, &body(&environment).to_string()).await;
    assert!(!wire.is_whole(), "no whole answer arrives, found `{}`", wire.head);
    let made = live(&lab);
    assert_eq!(made.len(), 1, "the key was made");
    assert!(
        !wire.head.contains(&made[0].secret)
            && !String::from_utf8_lossy(&wire.body).contains(&made[0].secret)
    );
    assert_eq!(lab.log("POST", KEYS), [0]);
    lab.get(&key_path(&made[0].id)).await.expect(200);
    lab.auth_v1(&made[0].credential).await.expect(200);
}

#[tokio::test]
async fn item_59_drops_of_other_methods() {
    let (lab, environment) = lab_with(&[]).await;
    let id = lab.ingest_key(&environment, "a").await.id();
    for (spec, executed) in [("drop-before", false), ("drop-after", true)] {
        for method in ["GET", "PATCH", "DELETE"] {
            lab.sandbox.clear_faults();
            let id = if method == "DELETE" {
                lab.ingest_key(&environment, "doomed").await.id()
            } else {
                id.clone()
            };
            let name = format!("{spec} {method}");
            lab.sandbox.add_fault(fault(&format!("{spec}:{method}:api-keys")));
            let call = lab.call(method, &key_path(&id));
            let call =
                if method == "PATCH" { call.json(&key_patch(&id, json!({ "name": name }))) } else { call };
            call.send_raw().await.err().unwrap_or_else(|| panic!("`{name}` cuts the connection"));
            let truth = lab.sandbox.truth();
            let key = truth.keys.iter().find(|key| key.id == id).unwrap();
            match method {
                "PATCH" => assert_eq!(key.name == name, executed, "{name}"),
                "DELETE" => assert_eq!(key.deleted.is_some(), executed, "{name}"),
                _ => assert!(key.deleted.is_none()),
            }
            lab.get(&environment_path(&environment)).await.expect(200);
        }
    }
}

#[tokio::test]
async fn item_59_a_client_sees_a_cut_as_an_error() {
    for spec in [
        "drop-before:POST:api-keys",
        "drop-after:POST:api-keys",
        "late:POST:api-keys=1ms",
        "truncate:POST:api-keys=3",
    ] {
        let (lab, environment) = lab_with(&[spec]).await;
        assert!(post_raw(&lab, &environment).await.is_err(), "`{spec}` gives no answer");
        assert_eq!(lab.log("POST", KEYS).len(), 1, "`{spec}`: it was sent once");
    }
}

#[tokio::test]
async fn item_59_status_codes_and_shapes() {
    for after in [false, true] {
        let kind = if after { "status-after" } else { "status" };
        for code in [500, 502, 503, 504, 429, 403, 401] {
            for shape in ["html", "text", "empty", "jsonapi", "problem", "legacy"] {
                let spec = format!("{kind}:POST:api-keys@1={code}-{shape}");
                let (lab, environment) = lab_with(&[&spec]).await;
                let reply =
                    post_raw(&lab, &environment).await.unwrap_or_else(|error| panic!("`{spec}`: {error}"));
                assert_eq!(reply.status, code, "`{spec}`");
                let content = reply.header("content-type").unwrap_or_default().to_owned();
                match shape {
                    "html" => assert!(
                        content.starts_with("text/html") && reply.text.contains('<'),
                        "`{spec}`: `{content}`"
                    ),
                    "text" => assert!(
                        content.starts_with("text/plain") && !reply.text.is_empty(),
                        "`{spec}`: `{content}`"
                    ),
                    "empty" => assert_eq!(reply.text, "", "`{spec}`"),
                    shape => {
                        let (expected, schema) = match shape {
                            "jsonapi" => (JSON_API, "jsonapi_error"),
                            "problem" => ("application/problem+json", "problem_error"),
                            _ => ("application/json", "legacy_error"),
                        };
                        assert_eq!(content, expected, "`{spec}`");
                        crate::schema::fits(schema, &reply.json)
                            .unwrap_or_else(|problem| panic!("`{spec}`: {problem}"));
                    }
                }
                assert_eq!(live(&lab).len(), usize::from(after), "`{spec}`: what was carried out");
                if let Some(key) = live(&lab).first() {
                    assert!(!reply.text.contains(&key.secret), "`{spec}` shows no secret");
                }
                post_raw(&lab, &environment).await.unwrap().expect(201);
            }
        }
    }
}

#[tokio::test]
async fn item_59_slow_answers() {
    let wait = Duration::from_millis(800);
    let (lab, environment) = lab_with(&["slow:POST:api-keys=800ms"]).await;
    let start = Instant::now();
    post_raw(&lab, &environment).await.unwrap().expect(201);
    assert!(start.elapsed() >= wait, "took {:?}", start.elapsed());
    let start = Instant::now();
    lab.get(KEYS).await.expect(200);
    assert!(start.elapsed() < wait, "other requests are not slow: {:?}", start.elapsed());

    // A client that gives up early leaves the effect behind.
    let call = post_raw(&lab, &environment);
    assert!(tokio::time::timeout(Duration::from_millis(400), call).await.is_err());
    wait_for_keys(&lab, 2).await;

    let lab = Lab::with(|options| options.latency = Duration::from_millis(120)).await;
    for path in [KEYS, ENVIRONMENTS, "/2/auth"] {
        let start = Instant::now();
        lab.get(path).await.expect(200);
        assert!(start.elapsed() >= Duration::from_millis(120), "latency of `{path}`: {:?}", start.elapsed());
    }
}

#[tokio::test]
async fn item_59_truncated_bodies() {
    for (length, method) in [(10, "POST"), (0, "POST"), (25, "GET")] {
        let (lab, environment) = lab_with(&[&format!("truncate:{method}:api-keys={length}")]).await;
        let sent = if method == "POST" { body(&environment).to_string() } else { String::new() };
        let wire = exchange(&lab, method, KEYS, &sent).await;
        let status = if method == "POST" { "HTTP/1.1 201" } else { "HTTP/1.1 200" };
        assert!(wire.head.starts_with(status), "the head is whole: `{}`", wire.head);
        assert_eq!(
            wire.body.len(),
            length,
            "only the first {length} bytes: {:?}",
            String::from_utf8_lossy(&wire.body)
        );
        assert!(
            wire.promised().is_some_and(|promised| promised > length),
            "more was promised: `{}`",
            wire.head
        );
        assert_eq!(live(&lab).len(), usize::from(method == "POST"), "the request was carried out");
    }
}

#[tokio::test]
async fn item_59_repeated_cursor() {
    let lab = Lab::with(|options| {
        options.keys = 9;
        options.faults.push(fault("repeat-cursor:GET:api-keys@2+"));
    })
    .await;
    let first = lab.get(&format!("{KEYS}?page[size]=3")).await;
    let next = first.next().expect("there is more");
    assert_eq!(
        lab.get(&next).await.expect(200).next(),
        Some(next.clone()),
        "the link of page two leads to page two"
    );
    assert_eq!(lab.get(&next).await.expect(200).next(), Some(next.clone()), "and again");
    lab.sandbox.clear_faults();
    assert_ne!(lab.get(&next).await.next(), Some(next));
}

#[tokio::test]
async fn item_59_absent_links() {
    for (path, keys) in [(KEYS, 3), (KEYS, 30), (ENVIRONMENTS, 3)] {
        let lab = Lab::with(|options| {
            options.keys = keys;
            options.faults.push(fault("no-links"));
        })
        .await;
        let page = lab.get(path).await.expect(200);
        assert!(page.json.get("links").is_none(), "{}", page.shown());
        assert!(!page.ids().is_empty());
    }
}

#[tokio::test]
async fn item_59_duplicate() {
    let (lab, environment) = lab_with(&["duplicate:POST:api-keys@1"]).await;
    let reply = lab.post(KEYS, body(&environment)).await.expect(201);
    let keys = live(&lab);
    assert_eq!(keys.len(), 2, "carried out twice");
    assert_eq!(keys[0].id, reply.id(), "the answer is the first one's");
    assert_eq!(keys[0].name, keys[1].name);
    assert_ne!(keys[0].secret, keys[1].secret);
    assert!(keys[0].secret == reply.secret(), "the secret belongs to the id");
    assert_eq!(lab.get(KEYS).await.ids().len(), 2);
}

#[tokio::test]
async fn item_59_late() {
    let wait = Duration::from_millis(1_500);
    let (lab, environment) = lab_with(&["late:POST:api-keys@1=1500ms"]).await;
    let start = Instant::now();
    assert!(post_raw(&lab, &environment).await.is_err(), "the connection is cut");
    let cut = start.elapsed();
    assert!(live(&lab).is_empty(), "nothing is carried out before its time");
    assert!(cut < wait, "cut at once, not after {cut:?}");
    wait_for_keys(&lab, 1).await;
    assert!(start.elapsed() >= wait, "carried out after {:?}", start.elapsed());
    lab.get(&key_path(&live(&lab)[0].id)).await.expect(200);
}

#[tokio::test]
async fn item_59_stale_list() {
    let (lab, environment) = lab_with(&["stale-list=2"]).await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c", "d"] {
        ids.push(lab.ingest_key(&environment, name).await.id());
        lab.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(lab.get(KEYS).await.ids(), ids[..2], "the two newest are hidden");
    let walked = lab.walk(&format!("{KEYS}?page[size]=1")).await;
    assert_eq!(walked, ids[..2], "on every page");
    for id in &ids {
        lab.get(&key_path(id)).await.expect(200);
    }
    lab.sandbox.clear_faults();
    assert_eq!(lab.get(KEYS).await.ids().len(), 4);
}

#[tokio::test]
async fn item_59_skew() {
    let lab = Lab::with(|options| {
        options.keys = 9;
        options.faults.push(fault("skew"));
    })
    .await;
    let before: Vec<String> = live(&lab).into_iter().map(|key| key.id).collect();
    let walked = lab.walk(&format!("{KEYS}?page[size]=3&filter[type]=ingest")).await;
    let after: Vec<String> = live(&lab).into_iter().map(|key| key.id).collect();
    assert!(after.len() > before.len(), "a key is made between pages");
    assert!(before.iter().all(|id| after.contains(id)));
    let ingest: Vec<String> = live(&lab)
        .into_iter()
        .filter(|key| before.contains(&key.id))
        .filter(|key| key.id.starts_with("hcxik"))
        .map(|key| key.id)
        .collect();
    assert!(ingest.iter().all(|id| walked.contains(id)), "those that were there are all seen");
}
