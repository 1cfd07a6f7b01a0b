//! Ten thousand keys: how many requests, and that none of them is refused.

use std::time::Duration;

use keycomb::sandbox::{Options, RateLimit};

use crate::team::{SAMPLE, Team};

fn requests(team: &Team, path: &str) -> usize {
    team.sandbox.requests().iter().filter(|request| request.path.contains(path)).count()
}

#[test]
fn ten_thousand_keys_take_one_request_a_page_and_one_more() {
    let team = Team::with(Options { keys: 10_000, environments: 150, ..Options::default() });
    team.declare(SAMPLE);
    team.sandbox.clear_requests();
    team.run(&["plan"]).exits(0);
    assert_eq!(requests(&team, "filter[type]=ingest") + requests(&team, "filter%5Btype%5D=ingest"), 50);
    assert_eq!(
        requests(&team, "filter[type]=configuration") + requests(&team, "filter%5Btype%5D=configuration"),
        50
    );
    assert_eq!(requests(&team, "/environments"), 2);
    assert_eq!(requests(&team, "/2/auth"), 1);
    assert_eq!(team.sandbox.requests().len(), 50 + 50 + 2 + 1);
}

#[test]
fn a_budget_is_waited_for_and_never_overrun() {
    let rate_limit = Some(RateLimit { limit: 5, window: Duration::from_secs(2) });
    let team = Team::with(Options { keys: 1_000, environments: 2, rate_limit, ..Options::default() });
    team.declare(SAMPLE);
    team.sandbox.clear_requests();
    let ran = team.run(&["plan"]).exits(0);
    let refused = team.sandbox.requests().iter().filter(|request| request.status == 429).count();
    assert_eq!(refused, 0, "{}", ran.stderr);
    assert_eq!(team.sandbox.requests().len(), 5 + 5 + 1 + 1);
    assert!(ran.stderr.contains("waiting"), "it waited without saying so: {}", ran.stderr);
}
