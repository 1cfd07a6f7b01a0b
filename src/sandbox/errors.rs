//! Refusals and their bodies: JSON:API, problem, legacy.

use serde_json::{Map, Value, json};

use super::answer::{Answer, JSON, JSON_API, PROBLEM};

/// Why a request is refused.
///
/// The codes of 400, 401, 422 and 429 are the service's. Those of 403, 404, 405, 409, 415 and 500 are undocumented;
/// here they are the names of the v1 problem types or made in their likeness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Unparseable(String),
    Unauthorized,
    Forbidden(String),
    /// The whole team may not use the Management API.
    Barred,
    NotFound(&'static str),
    MethodNotAllowed,
    Conflict(String),
    TooLarge,
    UnsupportedMediaType,
    Invalid(Vec<Invalid>),
    /// With the instant after which to try again.
    RateLimited(String),
    Internal(String),
}

/// One field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Invalid {
    source: (&'static str, String),
    detail: String,
}

impl Invalid {
    /// A place in the request body, as a JSON pointer.
    pub(super) fn pointer(pointer: &str, detail: impl Into<String>) -> Self {
        Self { source: ("pointer", pointer.to_owned()), detail: detail.into() }
    }

    /// A query parameter.
    pub(super) fn parameter(name: &str, detail: impl Into<String>) -> Self {
        Self { source: ("parameter", name.to_owned()), detail: detail.into() }
    }
}

impl Refusal {
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::Unparseable(_) => 400,
            Self::Unauthorized => 401,
            Self::Forbidden(_) | Self::Barred => 403,
            Self::NotFound(_) => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict(_) => 409,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::Invalid(_) => 422,
            Self::RateLimited(_) => 429,
            Self::Internal(_) => 500,
        }
    }

    /// The answer of `/2/...`. `base` is the endpoint, where problem types live; `id` gives the id of each error.
    pub(super) fn answer(&self, base: &str, id: impl FnMut() -> String) -> Answer {
        match self {
            // OpenAPI: PayloadTooLarge is a problem object under the plain media type.
            Self::TooLarge => Answer::json(413, JSON, &problem(base, 413)),
            Self::Barred => Answer::json(403, JSON, &legacy(BARRED)),
            _ => Answer::json(self.status(), JSON_API, &self.json_api(id)),
        }
    }

    /// The answer of `/1/auth`: the legacy body.
    pub(super) fn legacy_answer(&self) -> Answer {
        let text = match self {
            Self::Unauthorized => UNKNOWN_KEY.to_owned(),
            Self::RateLimited(_) => "Rate Limited".to_owned(),
            _ => self.detail().unwrap_or_else(|| phrase(self.status()).to_owned()),
        };
        Answer::json(self.status(), JSON, &legacy(&text))
    }

    fn json_api(&self, mut id: impl FnMut() -> String) -> Value {
        let status = self.status();
        if let Self::Invalid(fields) = self {
            let errors = fields.iter().map(|field| {
                let Invalid { source: (place, name), detail } = field;
                json_api_error(id(), status, Some(detail), Some((*place, name)))
            });
            return json!({ "errors": errors.collect::<Vec<_>>() });
        }
        let source = matches!(self, Self::Unauthorized).then_some(("header", "Authorization"));
        json!({ "errors": [json_api_error(id(), status, self.detail().as_deref(), source)] })
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Unparseable(reason)
            | Self::Forbidden(reason)
            | Self::Conflict(reason)
            | Self::Internal(reason) => Some(reason.clone()),
            Self::NotFound(what) => Some(format!("{what} not found")),
            Self::RateLimited(instant) => Some(format!("Please try again after {instant}.")),
            Self::Invalid(fields) => fields.first().map(|field| field.detail.clone()),
            Self::UnsupportedMediaType => Some(format!("Content-Type must be {JSON_API}")),
            Self::Unauthorized | Self::Barred | Self::MethodNotAllowed | Self::TooLarge => None,
        }
    }
}

const UNKNOWN_KEY: &str = "unknown API key - check your credentials";
const BARRED: &str =
    "Your team has been denied access to Management APIs, please contact support to be unblocked.";

/// `{"error": ...}`.
pub(super) fn legacy(text: &str) -> Value {
    json!({ "error": text })
}

/// A problem object of a status, its type under the endpoint's address.
pub(super) fn problem(base: &str, status: u16) -> Value {
    let (slug, title, error) = match status {
        400 => ("unparseable", "The request body could not be parsed.", "invalid request body"),
        404 => ("not-found", "The requested resource cannot be found.", "not found"),
        409 => ("conflict", "Request could not be completed due to a conflict.", "conflict"),
        413 => (
            "payload-too-large",
            "Request body is too large.",
            "Body size is larger than maximum size of 100000 bytes",
        ),
        429 => ("rate-limited", "You have exceeded your rate limit.", "You have exceeded your rate limit."),
        _ => ("internal", phrase(status), phrase(status)),
    };
    json!({ "status": status, "type": format!("{base}/problems/{slug}"), "title": title, "error": error })
}

/// A problem answer of a status.
pub(super) fn problem_answer(base: &str, status: u16) -> Answer {
    Answer::json(status, PROBLEM, &problem(base, status))
}

/// A JSON:API answer of any status, with the code that belongs to it.
pub(super) fn json_api_answer(status: u16, id: String) -> Answer {
    let source = (status == 401).then_some(("header", "Authorization"));
    let body = json!({ "errors": [json_api_error(id, status, None, source)] });
    Answer::json(status, JSON_API, &body)
}

fn json_api_error(id: String, status: u16, detail: Option<&str>, source: Option<(&str, &str)>) -> Value {
    let (code, title) = match status {
        400 => ("invalid", "request body could not be parsed"),
        401 => ("unauthenticated/invalid-key", "invalid API key"),
        403 => ("unauthorized", "missing scope"),
        404 => ("not-found", "resource not found"),
        405 => ("method-not-allowed", "method not allowed"),
        409 => ("conflict", "conflict with the state of the resource"),
        415 => ("unsupported-media-type", "unsupported media type"),
        422 => ("validation-failed/invalid", "field is invalid"),
        429 => ("rate-limited/may-retry", "request rate limit exceeded"),
        _ => ("internal", phrase(status)),
    };
    let mut error = Map::new();
    error.insert("id".to_owned(), id.into());
    error.insert("status".to_owned(), status.to_string().into());
    error.insert("code".to_owned(), code.into());
    error.insert("title".to_owned(), title.into());
    if let Some(detail) = detail {
        error.insert("detail".to_owned(), detail.into());
    }
    if let Some((place, name)) = source {
        error.insert("source".to_owned(), json!({ place: name }));
    }
    error.into()
}

/// The reason phrase of a status, or a plain word.
pub(super) fn phrase(status: u16) -> &'static str {
    axum::http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Error")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(answer: &Answer) -> Value {
        serde_json::from_slice(&answer.body).unwrap()
    }

    #[test]
    fn each_invalid_field_is_an_error_with_its_place() {
        let fields = vec![
            Invalid::pointer("/data/attributes/name", "is required"),
            Invalid::parameter("page[size]", "x"),
        ];
        let answer = Refusal::Invalid(fields).answer("http://base", || "id".to_owned());
        let errors = body(&answer)["errors"].clone();
        assert_eq!(answer.status, 422);
        assert_eq!(errors[0]["source"], json!({"pointer": "/data/attributes/name"}));
        assert_eq!(errors[1]["source"], json!({"parameter": "page[size]"}));
        assert_eq!(errors[0]["status"], "422");
    }

    #[test]
    fn an_unknown_key_is_json_api_or_legacy() {
        let answer = Refusal::Unauthorized.answer("http://base", || "id".to_owned());
        assert_eq!(answer.content_type, Some(JSON_API));
        assert_eq!(body(&answer)["errors"][0]["source"]["header"], "Authorization");
        let legacy = Refusal::Unauthorized.legacy_answer();
        assert_eq!((legacy.status, legacy.content_type), (401, Some(JSON)));
        assert_eq!(body(&legacy), json!({"error": UNKNOWN_KEY}));
    }

    #[test]
    fn too_large_is_a_problem_under_the_endpoint() {
        let answer = Refusal::TooLarge.answer("http://base", || "id".to_owned());
        assert_eq!(answer.content_type, Some(JSON));
        assert_eq!(body(&answer)["status"], 413);
        assert_eq!(body(&answer)["type"], "http://base/problems/payload-too-large");
    }
}
