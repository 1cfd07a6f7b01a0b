//! The sealed file: its text, its keeper under faults, and age both ways.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod attacks;
mod cipher;
mod faults;
mod identities;
mod interop;
mod keeping;
mod leaks;
mod merge;
mod merging;
mod moves;
mod random;
mod reading;
mod rekey;
mod support;
