//! Error bodies, told apart by their shape: JSON:API, problem, legacy, anything (Honeycomb docs: api/errors).

use serde_json::{Map, Value};

use crate::model::{Secret, visible};
use crate::ports::Answer;

/// No text of the service is shown longer, in characters.
const LONGEST: usize = 500;

/// What an error answer says.
///
/// `header_id` is the answer's `X-Request-Id`; `secrets` are taken out of the service's words, in case it echoes them.
pub(super) fn answer(status: u16, body: &[u8], header_id: Option<&str>, secrets: &[&Secret]) -> Answer {
    let words = serde_json::from_slice(body)
        .ok()
        .and_then(|body: Value| words(&body))
        .unwrap_or_else(|| Words { message: reason_phrase(status), ..Words::default() });
    let shown = |text: &str| bounded(&without(text, secrets));
    Answer {
        status,
        code: words.code.as_deref().map(shown),
        message: shown(&words.message),
        request_id: words.id.as_deref().or(header_id).map(shown),
    }
}

/// Made harmless for a terminal, and no longer than is useful.
pub(super) fn bounded(text: &str) -> String {
    let shown = visible(text);
    match shown.char_indices().nth(LONGEST) {
        None => shown.into_owned(),
        Some(_) => shown.chars().take(LONGEST - 1).chain(['…']).collect(),
    }
}

fn without(text: &str, secrets: &[&Secret]) -> String {
    secrets
        .iter()
        .filter(|secret| !secret.expose().is_empty())
        .fold(text.to_owned(), |text, secret| text.replace(secret.expose(), "(secret)"))
}

#[derive(Debug, Default)]
struct Words {
    message: String,
    code: Option<String>,
    id: Option<String>,
}

fn words(body: &Value) -> Option<Words> {
    let body = body.as_object()?;
    if let Some(errors) = body.get("errors").and_then(Value::as_array) {
        return json_api(errors);
    }
    if text(body, "title").or(text(body, "type")).is_some() {
        return Some(Words { message: problem(body), ..Words::default() });
    }
    let message = text(body, "error")?.to_owned();
    Some(Words { message, ..Words::default() })
}

fn json_api(errors: &[Value]) -> Option<Words> {
    let errors: Vec<_> = errors.iter().filter_map(Value::as_object).collect();
    let first = errors.first()?;
    Some(Words {
        message: joined(errors.iter().map(|error| json_api_message(error))),
        code: text(first, "code").map(str::to_owned),
        id: text(first, "id").map(str::to_owned),
    })
}

fn json_api_message(error: &Map<String, Value>) -> String {
    let source = error.get("source").and_then(Value::as_object);
    let place =
        source.and_then(|s| ["pointer", "header", "parameter"].into_iter().find_map(|name| text(s, name)));
    let message =
        [text(error, "title"), text(error, "detail")].into_iter().flatten().collect::<Vec<_>>().join(": ");
    match place {
        Some(place) => format!("{message} (at `{place}`)"),
        None => message,
    }
}

fn problem(body: &Map<String, Value>) -> String {
    let fields =
        body.get("type_detail").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    let fields = joined(fields.map(|field| {
        [text(field, "field"), text(field, "description")]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(": ")
    }));
    let title = text(body, "title").or(text(body, "type"));
    let mut parts: Vec<&str> = Vec::new();
    for part in [title, text(body, "error"), text(body, "detail"), Some(&*fields)].into_iter().flatten() {
        // `error` and `detail` often repeat the title.
        if !part.is_empty() && !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts.join(": ")
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

fn reason_phrase(status: u16) -> String {
    let phrase = reqwest::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    phrase.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(status: u16, body: &str) -> String {
        answer(status, body.as_bytes(), None, &[]).to_string()
    }

    #[test]
    fn json_api_errors_are_joined() {
        let body = r#"{"errors":[
            {"id":"5f0c","code":"validation-failed/invalid","title":"field is invalid","detail":"name is too long","source":{"pointer":"/data/attributes/name"}},
            {"id":"77","code":"other","title":"no"}]}"#;
        assert_eq!(
            shown(422, body),
            "the service answered 422: field is invalid: name is too long (at `/data/attributes/name`); no \
             [validation-failed/invalid] (request 5f0c)"
        );
    }

    #[test]
    fn problem_bodies_are_read_field_by_field() {
        let body = r#"{"status":413,"type":"https://api.honeycomb.io/problems/payload-too-large","title":"too large","error":"at most 100000 bytes",
            "type_detail":[{"field":"name","code":"missing","description":"is missing"}]}"#;
        assert_eq!(
            shown(413, body),
            "the service answered 413: too large: at most 100000 bytes: name: is missing"
        );
    }

    #[test]
    fn legacy_and_foreign_bodies_are_read() {
        for (status, body, expected) in [
            (401, r#"{"error":"unknown API key"}"#, "the service answered 401: unknown API key"),
            (502, "<html><h1>502</h1></html>", "the service answered 502: Bad Gateway"),
            (503, "", "the service answered 503: Service Unavailable"),
            (500, r#"{"errors":[]}"#, "the service answered 500: Internal Server Error"),
            (500, r#"{"errors":["x"]}"#, "the service answered 500: Internal Server Error"),
            (400, "[1]", "the service answered 400: Bad Request"),
            (599, "null", "the service answered 599"),
        ] {
            assert_eq!(shown(status, body), expected);
        }
    }

    #[test]
    fn hostile_words_are_made_visible_and_bounded() {
        let long = format!(r#"{{"error":"\u001b[31m{}"}}"#, "é".repeat(100_000));
        let answer = answer(400, long.as_bytes(), Some("id\u{202e}"), &[]);
        assert_eq!(answer.message.chars().count(), LONGEST);
        assert!(answer.message.starts_with("\\u{1b}[31mé"));
        assert_eq!(answer.request_id.as_deref(), Some("id\\u{202e}"));
    }

    #[test]
    fn an_echoed_secret_is_taken_out() {
        let secret = Secret::new("hunter2".into());
        let body = r#"{"errors":[{"id":"hunter2","code":"hunter2","title":"bad Bearer id:hunter2"}]}"#;
        let shown = format!("{:?}", answer(401, body.as_bytes(), Some("hunter2"), &[&secret]));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
