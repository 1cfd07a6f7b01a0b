//! The span of one try of a call, as the semantic conventions for HTTP clients name things. No header, query or body.

use tracing::Span;
use tracing::field::Empty;
use url::Url;

use super::exchange::{Ask, Exchange};
use crate::ports::Failure;

/// `resend`: how many tries came before this one.
pub(super) fn span(ask: &Ask<'_>, endpoint: &Url, resend: usize) -> Span {
    let span = tracing::info_span!(
        target: "telemetry",
        "call",
        otel.name = Empty,
        otel.kind = "client",
        otel.status_code = Empty,
        http.request.method = ask.method,
        http.request.resend_count = Empty,
        http.response.status_code = Empty,
        url.template = Empty,
        url.full = Empty,
        server.address = endpoint.host_str(),
        server.port = endpoint.port_or_known_default(),
        error.type = Empty,
    );
    if !span.is_disabled() {
        let template = template(ask.path);
        let mut full = endpoint.clone();
        full.set_path(ask.path);
        span.record("otel.name", format!("{} {template}", ask.method))
            .record("url.template", template)
            .record("url.full", full.as_str());
        if resend > 0 {
            span.record("http.request.resend_count", resend);
        }
    }
    span
}

/// Notes what came of it.
pub(super) fn note(span: &Span, exchange: &Exchange) {
    let (status, trouble) = match &exchange.outcome {
        Ok(status) => (Some(*status), None),
        Err(broken) => {
            let status = broken.failure.status();
            let trouble = match &broken.failure {
                Failure::NotSent(_) => "not_sent".to_owned(),
                Failure::Unanswered(_) => "unanswered".to_owned(),
                Failure::Withheld => "withheld".to_owned(),
                Failure::Unreadable { .. } => "unreadable".to_owned(),
                Failure::Answered(answer) => answer.status.to_string(),
            };
            (status, Some(trouble))
        }
    };
    if let Some(status) = status {
        span.record("http.response.status_code", status);
    }
    if let Some(trouble) = trouble {
        span.record("error.type", trouble).record("otel.status_code", "ERROR");
    }
}

/// The path with its team and id as what they are, so that calls of one kind have one name.
fn template(path: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').collect();
    if let ["", "2", "teams", team, rest @ ..] = parts.as_mut_slice() {
        *team = "{team}";
        if let [_, id, ..] = rest {
            *id = "{id}";
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_team_and_no_id_is_in_a_route() {
        for (path, route) in [
            ("/2/auth", "/2/auth"),
            ("/2/teams/acme/api-keys", "/2/teams/{team}/api-keys"),
            ("/2/teams/acme/api-keys/hcxik_1", "/2/teams/{team}/api-keys/{id}"),
            ("/2/teams/acme/environments/hcxen_1", "/2/teams/{team}/environments/{id}"),
        ] {
            assert_eq!(template(path), route);
        }
    }
}
