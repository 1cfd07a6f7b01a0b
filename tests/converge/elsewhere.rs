//! The files put keys into another environment, and the apply that follows is cut off in any of its requests: each old key
//! works until the one in its place has worked for the overlap, and then it goes.

use std::time::Duration;

use keycomb::model::{KeyState, Timestamp};
use keycomb::sandbox::{Clock as _, KeyTruth, Truth};

use crate::crashes::arrived;
use crate::lab::{Lab, side_by_side, tell};

const BEFORE: &str = r#"
[environment.first]
[environment.second]
[key.base]
environment = "first"
type = "ingest"
[key.a]
environment = "first"
type = "ingest"
permissions = ["create_datasets"]
[key.b]
environment = "first"
type = "configuration"
permissions = ["run_queries"]
"#;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn after() -> String {
    let (head, moved) = BEFORE.split_once("[key.a]").unwrap();
    format!("{head}[key.a]{}", moved.replace("\"first\"", "\"second\""))
}

#[test]
fn an_old_key_works_until_its_successor_elsewhere_has_wherever_the_apply_was_cut_off() {
    let cases =
        [("POST", "api-keys", 2), ("PATCH", "api-keys", 2), ("GET", "api-keys", 8), ("GET", "auth", 3)];
    let all = cases.iter().flat_map(|(method, path, count)| (1..=*count).map(|n| (*method, *path, n)));
    side_by_side(all.collect(), cut_off);
}

async fn cut_off((method, path, number): (&'static str, &'static str, usize)) -> Result<(), String> {
    let case = format!("{method} {path} {number}");
    let lab = Lab::after(BEFORE).await;
    lab.is_lifted.set(false);
    let desired = lab.declare(&after());
    lab.clock.advance(2 * DAY);
    lab.sandbox.clear_requests();
    lab.sandbox.add_fault(format!("slow:{method}:{path}@{number}=60s").parse().unwrap());
    tokio::select! {
        report = lab.apply(&desired) => return Err(format!("{case} was not reached: {report:?}")),
        () = arrived(&lab, method, path, number) => {}
    }
    lab.sandbox.clear_faults();
    let mut told = vec![];
    for day in 0..26 {
        // The record forgets what was deleted, in its time.
        if day < 20 {
            lab.assert_safe(&case);
        }
        assert_overlap(&lab, &format!("{case}, day {day}"));
        // In the afternoon too: no step is taken a day late because of the hour.
        for _ in 0..2 {
            lab.apply(&desired).await;
            lab.clock.advance(DAY / 2);
        }
        let off = ["a", "b"].map(|name| key(&lab.sandbox.truth(), name, 0).is_some_and(|key| key.disabled));
        told.push(off == [true; 2]);
    }
    // Made anew after its grace at the latest.
    let first = told.iter().position(|off| *off);
    if !first.is_some_and(|day| (7..=9).contains(&day)) {
        return Err(format!("{case}: the old keys stopped on day {first:?}"));
    }
    let plan = lab.plan(&desired).await;
    if plan.summary.changes > 0 {
        return Err(format!("{case}: {:#?}", tell(&plan)));
    }
    for name in ["a", "b"] {
        let truth = lab.sandbox.truth();
        assert!(key(&truth, name, 0).is_none(), "{case}: the old `{name}` is still there");
        let sealed = lab.sealed();
        let address = format!("key.second.{name}").parse().unwrap();
        let live: Vec<_> = sealed.generations(&address).filter(|e| e.state == KeyState::Live).collect();
        assert_eq!(live.len(), 1, "{case}: {name}");
    }
    lab.assert_no_leftovers(&case);
    Ok(())
}

/// The key of a name in one of both environments, by their age.
fn key<'t>(truth: &'t Truth, name: &str, environment: usize) -> Option<&'t KeyTruth> {
    let label = ["first", "second"][environment];
    let environment = truth.environments.iter().find(|environment| environment.name == label)?;
    truth.live_keys().find(|key| key.name == name && key.environment == environment.id)
}

fn assert_overlap(lab: &Lab, case: &str) {
    let (truth, now) = (lab.sandbox.truth(), lab.clock.now());
    for name in ["a", "b"] {
        let enabled: Option<Timestamp> = key(&truth, name, 1).and_then(|key| {
            let is_it = |what: &str| what == "enabled";
            key.history.iter().find(|(_, what)| is_it(what)).map(|(at, _)| *at)
        });
        let is_over = enabled.is_some_and(|at| now >= at.checked_add(7 * DAY).unwrap());
        let works = key(&truth, name, 0).is_some_and(|key| !key.disabled);
        assert!(works || is_over, "{case}: `{name}` stopped, and its successor works since {enabled:?}");
    }
}
