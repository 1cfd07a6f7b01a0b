//! One thing goes wrong during an apply, anywhere; then nothing does any more, and everything comes to rest.

use std::time::Duration;

use keycomb::model::{Desired, KeyState};
use keycomb::plan::Plan;

use crate::lab::{Lab, side_by_side, tell};

/// What is there before.
pub const BEFORE: &str = r#"
[environment.first]
color = "red"
[key.changed]
environment = "first"
type = "configuration"
permissions = ["send_events"]
[key.stopped]
environment = "first"
type = "configuration"
[key.removed]
environment = "first"
type = "ingest"
"#;

/// An environment and three keys are made, and one each is changed, disabled, retired.
pub const AFTER: &str = r#"
[environment.first]
color = "blue"
[environment.second]
description = "made under difficulties"
delete_protected = false
[key.changed]
environment = "first"
type = "configuration"
permissions = ["run_queries"]
[key.stopped]
environment = "first"
type = "configuration"
enabled = false
[key.one]
environment = "first"
type = "ingest"
permissions = ["create_datasets"]
[key.two]
environments = ["first", "second"]
type = "configuration"
permissions = ["send_events", "manage_signals"]
"#;

const LOST: [(&str, &str); 6] = [
    ("drop-before", ""),
    ("drop-after", ""),
    ("late", "=20ms"),
    ("truncate", "=9"),
    ("slow", "=900ms"),
    ("duplicate", ""),
];

const STATUSES: [(&str, &str); 8] = [
    ("status", "=500-jsonapi"),
    ("status", "=502-html"),
    ("status", "=503-text"),
    ("status", "=504-empty"),
    ("status-after", "=500-empty"),
    ("status-after", "=502-html"),
    ("status-after", "=503-jsonapi"),
    ("status-after", "=504-text"),
];

const LISTS: [(&str, &str); 3] = [("stale-list", "=2"), ("stale-list", "=99"), ("no-links", "")];

/// Only where a list has several pages.
const PAGES: [(&str, &str); 3] = [("skew", ""), ("repeat-cursor", ""), ("no-links", "")];

/// All of `kinds` at each of `places`, such as `@2` or `@2+`, of one method and collection.
fn at(kinds: &[(&str, &str)], target: &str, places: &[&str]) -> Vec<String> {
    let of_kind = |(kind, argument): &(&str, &str)| {
        places.iter().map(|place| format!("{kind}:{target}{place}{argument}")).collect::<Vec<_>>()
    };
    kinds.iter().flat_map(of_kind).collect()
}

fn sweep(cases: Vec<String>) {
    side_by_side(cases, one);
}

/// Applies with a fault, then without, and once more when the grace is over.
async fn one(fault: String) -> Result<(), String> {
    go_on(Lab::after(BEFORE).await, fault).await
}

/// The same beside so many keys that nobody declares.
async fn one_beside(keys: usize, fault: String) -> Result<(), String> {
    let lab = Lab::with(keys).await;
    lab.apply_all(&lab.declare(BEFORE)).await;
    go_on(lab, fault).await
}

async fn go_on(mut lab: Lab, fault: String) -> Result<(), String> {
    lab.clock.advance(Duration::from_secs(2 * 60 * 60));
    if fault.starts_with("slow") {
        lab.patience.exchange = Duration::from_millis(300);
    }
    let desired = lab.declare(AFTER);
    fault.split(' ').for_each(|fault| lab.sandbox.add_fault(fault.parse().unwrap()));
    let report = lab.apply(&desired).await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    lab.sandbox.clear_faults();
    lab.patience.exchange = Duration::from_secs(60);
    lab.assert_safe(&fault);
    if fault.starts_with("duplicate:POST") && !fault.contains(' ') {
        lab.assert_no_leftovers(&fault);
    }
    come_to_rest(&lab, &desired, &fault).await.map_err(|told| format!("{told}\n{report:#?}"))
}

/// S7: nothing is left to do, and nothing is held up.
pub fn is_at_rest(plan: &Plan) -> bool {
    plan.actions.is_empty()
}

/// Applies until it is at rest: at once, and twice more when the grace is over. Then nothing provisional is left.
pub async fn come_to_rest(lab: &Lab, desired: &Desired, case: &str) -> Result<(), String> {
    for wait in [0, 61, 0] {
        lab.clock.advance(Duration::from_secs(wait * 60));
        lab.apply(desired).await;
        lab.assert_safe(case);
    }
    let plan = lab.plan(desired).await;
    if !is_at_rest(&plan) {
        return Err(format!("{case}: {:#?}", tell(&plan)));
    }
    lab.assert_no_leftovers(case);
    lab.assert_used_keys_kept(case);
    assert_all_there(lab, desired, case);
    lab.assert_live_keys_open(case).await;
    Ok(())
}

pub fn assert_all_there(lab: &Lab, desired: &Desired, case: &str) {
    let sealed = lab.sealed();
    for key in desired.keys.values() {
        let live: Vec<_> = sealed
            .generations(&key.address)
            .filter(|entry| entry.state == KeyState::Live)
            .map(|entry| (entry.applied.enabled, &entry.applied.permissions))
            .collect();
        assert_eq!(live, [(key.enabled, &key.permissions)], "{case}: {}", key.address);
    }
}

#[test]
fn without_a_fault_one_apply_is_enough() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let lab = Lab::new().await;
        lab.apply_all(&lab.declare(BEFORE)).await;
        let desired = lab.declare(AFTER);
        lab.sandbox.clear_requests();
        lab.apply_all(&desired).await;
        let count = |method: &str, path: &str| {
            let requests = lab.sandbox.requests();
            requests.iter().filter(|r| r.method == method && r.path.contains(path)).count()
        };
        // What the sweeps below aim at. Two of the readings of environments are for the proofs.
        assert_eq!((count("POST", "/api-keys"), count("POST", "/environments")), (3, 1));
        assert_eq!((count("PATCH", "/api-keys"), count("PATCH", "/environments")), (6, 2));
        assert_eq!(
            (count("GET", "/api-keys"), count("GET", "/environments"), count("GET", "/1/auth")),
            (12, 4, 3)
        );
        assert!(is_at_rest(&lab.plan(&desired).await));
        assert_all_there(&lab, &desired, "none");
    });
}

#[test]
fn requests_for_keys() {
    let places = ["@1", "@2", "@3", "@1+", "@2+"];
    let mut cases = at(&LOST, "POST:api-keys", &places);
    cases.extend(at(&STATUSES, "POST:api-keys", &["@1", "@2+"]));
    sweep(cases);
}

#[test]
fn requests_for_environments() {
    let mut cases = at(&LOST, "POST:environments", &["@1"]);
    cases.extend(at(&STATUSES, "POST:environments", &["@1"]));
    sweep(cases);
}

#[test]
fn changes_of_keys() {
    let mut cases = at(&LOST, "PATCH:api-keys", &["@1", "@2", "@4", "@6", "@1+", "@3+", "@5+"]);
    cases.extend(at(&STATUSES, "PATCH:api-keys", &["@1", "@5", "@1+"]));
    sweep(cases);
}

#[test]
fn changes_of_environments() {
    let mut cases = at(&LOST, "PATCH:environments", &["@1", "@2", "@1+"]);
    cases.extend(at(&STATUSES, "PATCH:environments", &["@1", "@1+"]));
    sweep(cases);
}

#[test]
fn reading() {
    let places = ["@1+", "@3+", "@5+", "@6+", "@7+", "@9+", "@11+"];
    let mut cases = at(&LOST[..4], "GET:api-keys", &places);
    cases.extend(at(&STATUSES[..4], "GET:api-keys", &places[2..5]));
    cases.extend(at(&LOST[..4], "GET:environments", &["@1+", "@2+"]));
    cases.extend(at(&LOST[..4], "GET:auth", &["@1+", "@2+", "@1"]));
    cases.extend(at(&LISTS, "GET:api-keys", &["@1+", "@2", "@3+", "@5+"]));
    sweep(cases);
}

#[test]
fn reading_several_pages() {
    let cases = at(&PAGES, "GET:api-keys", &["@1", "@2", "@5+", "@6", "@9+"]);
    side_by_side(cases, |fault| one_beside(230, fault));
}

#[test]
fn rate_limits() {
    let mut cases = at(&[("status", "=429-jsonapi"), ("status", "=429-empty")], "*:api-keys", &["@1", "@6"]);
    cases.extend(at(&[("status", "=429-html")], "POST:api-keys", &["@2", "@1+"]));
    cases.extend(at(&[("status", "=429-jsonapi")], "PATCH:api-keys", &["@1", "@4+"]));
    cases.extend(at(&[("status", "=429-jsonapi")], "POST:environments", &["@1"]));
    sweep(cases);
}

#[test]
fn two_faults_at_once() {
    let kinds = ["drop-before", "drop-after", "duplicate"];
    let pairs = kinds.iter().flat_map(|post| {
        kinds.iter().map(move |patch| format!("{post}:POST:api-keys@2 {patch}:PATCH:api-keys@1+"))
    });
    let lists = kinds.iter().map(|post| format!("{post}:POST:api-keys@1+ stale-list:GET:api-keys@1+=5"));
    sweep(pairs.chain(lists).collect());
}

/// Nothing is left but the first environment and one key.
const LESS: &str = r#"
[environment.first]
color = "blue"
[key.one]
environment = "first"
type = "ingest"
permissions = ["create_datasets"]
"#;

#[test]
fn deletions() {
    let mut cases = at(&LOST, "DELETE:api-keys", &["@1", "@3", "@1+"]);
    cases.extend(at(&STATUSES, "DELETE:api-keys", &["@1", "@2+"]));
    cases.extend(at(&LOST, "DELETE:environments", &["@1", "@1+"]));
    cases.extend(at(&STATUSES, "DELETE:environments", &["@1"]));
    side_by_side(cases, delete);
}

/// Keys are disabled, deleted after their quarantine, and then their environment: with a fault in the deleting.
async fn delete(fault: String) -> Result<(), String> {
    let mut lab = Lab::after(AFTER).await;
    let desired = lab.declare(LESS);
    lab.apply_all(&desired).await;
    lab.assert_used_keys_kept(&fault);
    lab.clock.advance(Duration::from_secs(15 * 24 * 60 * 60));
    if fault.starts_with("slow") {
        lab.patience.exchange = Duration::from_millis(300);
    }
    lab.sandbox.add_fault(fault.parse().unwrap());
    for _ in 0..2 {
        lab.apply(&desired).await;
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    lab.sandbox.clear_faults();
    lab.patience.exchange = Duration::from_secs(60);
    lab.assert_safe(&fault);
    for _ in 0..2 {
        lab.apply(&desired).await;
    }
    let plan = lab.plan(&desired).await;
    let sealed = lab.sealed();
    let states: Vec<_> = sealed.keys.iter().map(|entry| entry.state).collect();
    let is_over = states.iter().filter(|state| **state == KeyState::Deleted).count() == 4;
    if !plan.is_empty() || !is_over || sealed.environments.len() != 1 {
        return Err(format!("{fault}: {states:?} {:#?}", tell(&plan)));
    }
    assert_all_there(&lab, &desired, &fault);
    lab.assert_live_keys_open(&fault).await;
    Ok(())
}
