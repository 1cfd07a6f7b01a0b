//! The HTML report in a browser: what people see, measured.
//!
//! The pictures of each look are left in `target/tmp/html`, to be looked at by a person.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout,
    dead_code,
    reason = "test code; some of what is shared with other tests is not used here"
)]

mod acme;
mod browser;
#[path = "../render/build.rs"]
mod build;
#[path = "../render/everything.rs"]
mod everything;
mod look;
mod pages;
#[path = "../cli/team.rs"]
mod team;
