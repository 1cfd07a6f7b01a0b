//! The span of an action, from its first request to its outcome; pieces of work on it are its children.

use tracing::Span;
use tracing::field::Empty;

use crate::model::{brief, cut};
use crate::plan::Action;
use crate::report::Became;

/// The longest reason that goes with an outcome, in characters.
const LONGEST: usize = 300;

pub(super) fn action(action: &Action) -> Span {
    let span = tracing::info_span!(
        target: "telemetry",
        "action",
        otel.name = action.verb.as_str(),
        otel.status_code = Empty,
        keycomb.verb = action.verb.as_str(),
        keycomb.address = Empty,
        keycomb.name = Empty,
        keycomb.outcome = Empty,
        keycomb.why = Empty,
    );
    if !span.is_disabled() {
        span.record("keycomb.address", action.address.to_string());
        span.record("keycomb.name", &*brief(&action.name));
    }
    span
}

/// Sealing a secret, and folding the journal into the sealed file.
pub(super) fn seal() -> Span {
    tracing::info_span!(target: "telemetry", "phase", otel.name = "seal")
}

/// Notes what became of it.
pub(super) fn note(span: &Span, became: &Became) {
    let (outcome, why) = match became {
        Became::Done { note } => ("done", note.as_deref()),
        Became::Staged { note, .. } => ("staged", note.as_deref()),
        Became::Failed { why, .. } => ("failed", Some(why.as_str())),
        Became::Left { why } => ("left", Some(why.as_str())),
        Became::NotStarted { why } => ("not started", Some(why.as_str())),
        Became::InDoubt { why, .. } => ("in doubt", Some(why.as_str())),
        Became::Blocked => ("blocked", None),
    };
    span.record("keycomb.outcome", outcome);
    if let Some(why) = why {
        span.record("keycomb.why", &*cut(why, LONGEST));
    }
    if matches!(became, Became::Failed { .. } | Became::InDoubt { .. }) {
        span.record("otel.status_code", "ERROR");
    }
}
