//! An answer as a value, before it becomes HTTP.

use serde_json::Value;

/// The media type of `/2/...`, exactly: without a `charset`.
pub(super) const JSON_API: &str = "application/vnd.api+json";
/// The media type of `/1/...`, of legacy errors and of 413.
pub(super) const JSON: &str = "application/json";
/// The media type of problem objects.
pub(super) const PROBLEM: &str = "application/problem+json";

/// Status, headers, body. No `Debug`: the body may hold a secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: Option<&'static str>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// JSON of a media type.
    pub(super) fn json(status: u16, content_type: &'static str, body: &Value) -> Self {
        Self::text(status, Some(content_type), body.to_string())
    }

    /// Any body, or none.
    pub(super) fn text(status: u16, content_type: Option<&'static str>, body: String) -> Self {
        Self { status, content_type, headers: Vec::new(), body: body.into_bytes() }
    }

    /// 204 without a body.
    pub(super) fn no_content() -> Self {
        Self::text(204, None, String::new())
    }
}
