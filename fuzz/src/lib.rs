//! What is fuzzed: one function for each target, with what must hold of it.
//!
//! The fuzzer's programs (`targets/`) call these with what they make up; an ordinary test (`tests/corpus/`) includes this
//! very file and calls them with every file of `corpus/`. A broken promise is a panic.

pub mod config;
pub mod errors;
pub mod headers;
pub mod journal;
pub mod merge;
pub mod oracle;
pub mod pages;
pub mod plan;
pub mod provisional;
pub mod saved_plan;
pub mod sealed_file;
pub mod terraform;
pub mod visible;
pub mod world;

// The planner's tests build the same small worlds.
#[path = "../../tests/plan/builders.rs"]
#[allow(dead_code, reason = "the planner's own tests use the rest")]
mod builders;

/// A target: its name, and what is done with one input.
pub type Target = (&'static str, fn(&[u8]));

/// All targets; each has a program of its name in `targets/` and a folder of its name in `corpus/`.
pub const TARGETS: &[Target] = &[
    ("config", config::run),
    ("errors", errors::run),
    ("headers", headers::run),
    ("journal", journal::run),
    ("merge", merge::run),
    ("pages", pages::run),
    ("plan", plan::run),
    ("provisional", provisional::run),
    ("saved_plan", saved_plan::run),
    ("sealed_file", sealed_file::run),
    ("terraform", terraform::run),
    ("visible", visible::run),
];
