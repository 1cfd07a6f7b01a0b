//! Item 59: how faults and switches are written, and which requests they meet.

use std::time::Duration;

use keycomb::sandbox::{Fault, Options, Switches};
use serde_json::json;

use crate::faults::{body, lab_with, live, post_raw};
use crate::lab::{ENVIRONMENTS, KEYS, Lab, environment_path, fault, key_patch, key_path};

#[tokio::test]
async fn item_59_which_requests_a_fault_meets() {
    let (lab, environment) = lab_with(&["status:POST:api-keys@2=503-empty"]).await;
    let send = async || post_raw(&lab, &environment).await.unwrap().status;
    lab.get(KEYS).await.expect(200);
    assert_eq!([send().await, send().await, send().await], [201, 503, 201], "`@2` is the second match alone");

    lab.sandbox.clear_faults();
    lab.sandbox.add_fault(fault("status:POST@2+=503-empty"));
    assert_eq!(
        [send().await, send().await, send().await],
        [201, 503, 503],
        "`@2+` is every one from the second on"
    );
    lab.get(KEYS).await.expect(200);

    lab.sandbox.clear_faults();
    lab.sandbox.add_fault(fault("status:*:environments=503-empty"));
    assert_eq!(send().await, 201, "another collection");
    assert_eq!(lab.call("GET", ENVIRONMENTS).send_raw().await.unwrap().status, 503);
    assert_eq!(lab.call("DELETE", &environment_path(&environment)).send_raw().await.unwrap().status, 503);
    lab.get("/2/auth").await.expect(200);

    lab.sandbox.clear_faults();
    lab.sandbox.add_fault(fault("status:GET:auth=503-empty"));
    assert_eq!(lab.call("GET", "/2/auth").send_raw().await.unwrap().status, 503);
    assert_eq!(lab.bare("GET", "/1/auth").send_raw().await.unwrap().status, 503);
    lab.get(KEYS).await.expect(200);

    lab.sandbox.clear_faults();
    assert_eq!(send().await, 201);
}

#[tokio::test]
async fn item_59_a_share_of_requests_is_seeded() {
    let run = async |seed: u64, percent: u32| {
        let lab = Lab::with(|options| {
            options.seed = seed;
            options.faults.push(fault(&format!("status%{percent}=503-empty")));
        })
        .await;
        let mut hits = Vec::new();
        for _ in 0..60 {
            hits.push(lab.call("GET", KEYS).send_raw().await.unwrap().status == 503);
        }
        hits
    };
    let hits = run(1, 50).await;
    let count = hits.iter().filter(|hit| **hit).count();
    assert!((10..=50).contains(&count), "about half of 60, found {count}");
    assert_eq!(hits, run(1, 50).await, "the same seed, the same hits");
    assert_ne!(hits, run(2, 50).await, "another seed, other hits");
    assert!(run(1, 100).await.iter().all(|hit| *hit));
}

#[test]
fn item_59_grammar() {
    for spec in [
        "drop-before",
        "drop-after:POST",
        "drop-after:POST:api-keys@2",
        "status:GET=503-html",
        "status=500-jsonapi",
        "slow%10=200ms",
        "truncate:*:*@3+=0",
        "repeat-cursor:GET:environments",
        "no-links@1",
        "duplicate:POST:*%50",
        "late:POST:api-keys=1s",
        "stale-list=3",
        "skew:GET:api-keys",
        "status-after:PATCH:environments@1=502-text",
    ] {
        fault(spec);
    }
    for spec in [
        "",
        "drop",
        "drop-before:",
        "drop-before:PUT",
        "drop-before:POST:boards",
        "drop-before:POST:api-keys:x",
        "drop-before@0",
        "drop-before@x",
        "drop-before@",
        "drop-before%",
        "drop-before%101",
        "drop-before%x",
        "drop-before=1",
        "status",
        "status=503",
        "status=503-xml",
        "status=html",
        "status=20-html",
        "slow",
        "slow=fast",
        "slow=-1s",
        "truncate",
        "truncate=-1",
        "late",
        "stale-list",
        "stale-list=x",
    ] {
        let error = spec.parse::<Fault>().err().unwrap_or_else(|| panic!("`{spec}` is no fault"));
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn item_59_switches_by_name() {
    let mut switches = Switches::default();
    for assignment in [
        "policy_header_without_hyphen=true",
        "filter_in_next=false",
        "encode_brackets=true",
        "unknown_environment_status=422",
        "key_with_new_environment=true",
        "legacy_unauthorized=true",
        "barred_team=true",
        "ignore_disabled_on_create=true",
        "lie_about_disabled=true",
        "retry_after=seconds",
        "ingest_permission_patch=refuse",
        "manage_signals_patch=ignore",
        "relationship_form=user",
    ] {
        switches.set(assignment).unwrap_or_else(|error| panic!("`{assignment}`: {error}"));
    }
    assert!(switches.policy_header_without_hyphen && !switches.filter_in_next && switches.encode_brackets);
    assert!(switches.key_with_new_environment && switches.legacy_unauthorized && switches.barred_team);
    assert!(switches.ignore_disabled_on_create && switches.lie_about_disabled);
    assert_eq!(switches.unknown_environment_status, 422);
    for assignment in [
        "",
        "nonsense=1",
        "barred_team",
        "barred_team=maybe",
        "unknown_environment_status=200",
        "retry_after=never",
    ] {
        assert!(switches.set(assignment).is_err(), "`{assignment}` sets nothing");
    }
    let mut options = Options::default();
    options.add_fault("switch:barred_team=true").unwrap();
    assert!(options.switches.barred_team);
}

#[tokio::test]
async fn item_59_faults_and_switches_change_while_it_runs() {
    let (lab, environment) = lab_with(&["duplicate:POST:api-keys"]).await;
    lab.post(KEYS, body(&environment)).await.expect(201);
    lab.sandbox.clear_faults();
    lab.post(KEYS, body(&environment)).await.expect(201);
    assert_eq!(live(&lab).len(), 3);
    lab.sandbox.set_switches(Switches { barred_team: true, ..Switches::default() });
    lab.get(KEYS).await.expect(403);
    lab.sandbox.set_switches(Switches::default());
    lab.get(KEYS).await.expect(200);

    lab.sandbox.clear_requests();
    lab.get(&format!("{KEYS}?page[size]=5")).await.expect(200);
    lab.get(&key_path("nonsense")).await;
    let requests = lab.sandbox.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!((requests[0].method.as_str(), requests[0].status), ("GET", 200));
    assert_eq!(requests[1].status, 404, "the status that was answered");
    assert_eq!(requests[0].path, format!("{KEYS}?page[size]=5"), "with its query");
}

#[tokio::test]
async fn item_59_truth_remembers() {
    let (lab, environment) = lab_with(&[]).await;
    let created =
        lab.key(&environment, json!({ "key_type": "configuration", "name": "c", "disabled": true })).await;
    let id = created.id();
    for attributes in [json!({ "name": "d", "disabled": false }), json!({ "disabled": true })] {
        lab.clock.advance(Duration::from_secs(1));
        lab.patch(&key_path(&id), key_patch(&id, attributes)).await.expect(200);
    }
    lab.clock.advance(Duration::from_secs(1));
    lab.delete(&key_path(&id)).await.expect(204);
    let truth = lab.sandbox.truth();
    let key = truth.keys.iter().find(|key| key.id == id).expect("a deleted key is remembered");
    assert!(key.deleted.is_some());
    assert!(key.secret == created.secret() && key.credential == created.secret());
    let story: Vec<&str> = key.history.iter().map(|(_, what)| what.as_str()).collect();
    let place = |what: &str| {
        story.iter().position(|found| *found == what).unwrap_or_else(|| panic!("`{what}` in {story:?}"))
    };
    assert!(
        place("created disabled") < place("enabled")
            && place("enabled") < place("disabled")
            && place("disabled") < place("deleted")
    );
    assert!(key.history.is_sorted_by_key(|(time, _)| *time));
    assert!(!format!("{truth:?}").contains(&created.secret()), "`Debug` shows no secret");
}
