//! An apply ends in the middle of a request, as if its process had died: the service carries the request out, nobody
//! hears the answer, and the journal is all that is left.

use std::time::Duration;

use crate::faults::{AFTER, BEFORE, come_to_rest};
use crate::lab::{Lab, side_by_side};

#[test]
fn after_any_request_that_changes_something() {
    let cases = [
        ("POST", "api-keys", 3),
        ("POST", "environments", 1),
        ("PATCH", "api-keys", 6),
        ("PATCH", "environments", 2),
    ];
    side_by_side(all(&cases), crash);
}

#[test]
fn after_any_reading() {
    side_by_side(all(&[("GET", "api-keys", 12), ("GET", "environments", 2), ("GET", "auth", 5)]), crash);
}

fn all(cases: &[(&'static str, &'static str, usize)]) -> Vec<(&'static str, &'static str, usize)> {
    cases.iter().flat_map(|(method, path, count)| (1..=*count).map(|n| (*method, *path, n))).collect()
}

async fn crash((method, path, number): (&'static str, &'static str, usize)) -> Result<(), String> {
    let case = format!("{method} {path} {number}");
    let lab = Lab::after(BEFORE).await;
    lab.clock.advance(Duration::from_secs(2 * 60 * 60));
    let desired = lab.declare(AFTER);
    lab.sandbox.clear_requests();
    lab.sandbox.add_fault(format!("slow:{method}:{path}@{number}=60s").parse().unwrap());
    tokio::select! {
        report = lab.apply(&desired) => return Err(format!("{case} was not reached: {report:?}")),
        () = arrived(&lab, method, path, number) => {}
    }
    lab.sandbox.clear_faults();
    lab.assert_safe(&case);
    come_to_rest(&lab, &desired, &case).await
}

/// Until the service has taken the request that it answers slowly.
pub async fn arrived(lab: &Lab, method: &str, path: &str, number: usize) {
    let is_it = |r: &keycomb::sandbox::Request| r.method == method && r.path.contains(path);
    while lab.sandbox.requests().iter().filter(|r| is_it(r)).count() < number {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    // Carried out as soon as it arrives; only its answer waits.
    tokio::time::sleep(Duration::from_millis(10)).await;
}
