//! The sandbox against the facts of the Honeycomb Management API.
//!
//! One test per item of the checklist of facts, `item_NN_…`, over real HTTP. Requests are written by hand: no line here goes through keycomb's own
//! client, so the two cannot agree on a mistake. Every JSON answer is checked against `schemas/` before a test sees it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "test code"
)]

mod auth;
mod environments;
mod faults;
mod keys;
mod lab;
mod limits;
mod pages;
mod reply;
mod schema;
mod state;
mod transport;
mod wire;
