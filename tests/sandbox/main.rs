//! The sandbox against the facts of the Honeycomb Management API.
//!
//! The service's behaviour is counted in sixty items; the tests `item_NN_…` are their list, each over real HTTP. Where the
//! documentation leaves an item open and the sandbox has a switch, both readings are tested. Requests are written by hand: no line here goes
//! through keycomb's own client, so the two cannot agree on a mistake. Every JSON answer is checked against `schemas/`
//! before a test sees it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "test code; bodies are literals, passed as they are written"
)]

mod access;
mod auth;
mod environments;
mod fault_menu;
mod faults;
mod key_shape;
mod key_updates;
mod keys;
mod lab;
mod limits;
mod pages;
mod reply;
mod schema;
mod state;
mod transport;
mod wire;

#[test]
fn every_item_has_a_test() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sandbox");
    let sources: String = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let absent: Vec<u32> =
        (1..=60).filter(|number| !sources.contains(&format!("async fn item_{number:02}_"))).collect();
    assert!(absent.is_empty(), "items without a test: {absent:?}");
}
