//! The configuration: what is read, what is refused and in which words.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    missing_docs,
    reason = "test code"
)]

#[cfg(unix)]
mod disk;
mod examples;
mod garbage;
mod read;
mod schema;
mod secrets;
mod support;
#[cfg(unix)]
mod write;
mod wrong;
