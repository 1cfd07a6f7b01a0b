//! 10,000 keys listed through the real client from a sandbox on this machine, with and without a round trip's time.

#![allow(clippy::unwrap_used, reason = "a benchmark")]

use std::sync::Arc;
use std::time::Duration;

use divan::Bencher;
use keycomb::honeycomb::{self, Connection, Credential, Patience};
use keycomb::model::{Endpoint, Secret, TeamSlug};
use keycomb::sandbox::{Options, Sandbox};

fn main() {
    divan::main();
}

/// The longest list has 50 pages: 50 round trips one after the other.
#[divan::bench(args = [0, 50], sample_count = 10)]
fn list_10000_keys(bencher: Bencher<'_, '_>, latency_ms: u64) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let latency = Duration::from_millis(latency_ms);
    let options = Options { keys: 10_000, environments: 10, latency, ..Options::default() };
    let sandbox = runtime.block_on(Sandbox::start(options)).unwrap();
    let key = sandbox.management_key();
    let credential = Credential { id: key.id, secret: Secret::new(key.secret) };
    let connection = Connection::new(honeycomb::Options {
        endpoint: Endpoint::new(sandbox.endpoint()).unwrap(),
        team: TeamSlug::new(sandbox.team()).unwrap(),
        credential,
        ca_file: None,
        user_agent: "keycomb-bench".to_owned(),
        patience: Patience::default(),
        notice: Arc::new(|_| {}),
    });
    let reader = connection.unwrap().reader().unwrap();
    bencher.bench(|| {
        let live = runtime.block_on(honeycomb::read_all(&reader)).unwrap();
        assert_eq!(live.keys.len(), 10_000);
        live
    });
}
