//! What people and machines are shown.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::string_slice,
    reason = "test code"
)]

mod build;
mod emit;
mod everything;
mod harmless;
mod html;
mod json;
mod plan;
mod report;
mod tables;
