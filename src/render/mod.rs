//! Plans, reports and findings as text and JSON.
//!
//! [`text`] is for people: one line for each object, hostile text made harmless, no line wider than the
//! terminal. [`json`] is for machines: versioned, described by JSON Schemas. Both only read.

mod calendar;
mod emit;
mod holders;
mod html;
pub mod json;
mod status;
mod style;
pub mod text;

pub use calendar::calendar;
pub use emit::{Kind, Sheet, emit};
pub use holders::{Verified, VerifyRow};
pub use status::{ExternalRow, HORIZON, KeyMore, SecretRow, StatusRow};
pub use style::Style;
