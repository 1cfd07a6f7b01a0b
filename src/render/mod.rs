//! Plans, reports and findings as text, JSON and the forms of other programs.
//!
//! [`text`] is for people: one line for each object, hostile text made harmless, no line wider than the
//! terminal. [`json`] is for machines: versioned, described by JSON Schemas. [`emit`](emit()) writes one run in the forms that other
//! programs read. All only read.

mod annotations;
mod calendar;
pub mod command;
mod emit;
mod gitlab;
mod holders;
mod html;
pub mod json;
mod junit;
mod markdown;
mod matter;
mod openmetrics;
mod sarif;
mod status;
mod style;
pub mod text;
mod tfplan;

pub use calendar::calendar;
pub use emit::{Kind, Run, Sheet, emit};
pub use holders::{Verified, VerifyRow};
pub use status::{ExternalRow, HORIZON, KeyMore, SecretRow, StatusRow};
pub use style::Style;
