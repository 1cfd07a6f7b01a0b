//! A run as a trace: whether one is wanted, its root, its phases, and what is told at its end.

use std::time::Duration;

use tracing::Span;
use tracing::field::Empty;

use super::exit::Exit;
use super::output::Output;
use crate::model::TeamSlug;
use crate::report::Report;
use crate::telemetry::{self, Settings, Telemetry};

/// At the end of a run, for what is left to be sent.
const LONGEST: Duration = Duration::from_secs(3);

/// Makes what sends traces, if the environment asks for it. What it asks for and cannot be had is said with `-v`, and is no error.
pub fn start(verbose: u8, output: &Output) -> Option<Telemetry> {
    let settings = settings(&|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()))?;
    match settings.and_then(|settings| Telemetry::start(&settings)) {
        Ok(telemetry) => Some(telemetry),
        Err(why) => {
            say(verbose, output, &why);
            None
        }
    }
}

fn say(verbose: u8, output: &Output, why: &str) {
    if verbose > 0 {
        output.say(&format!("note: no trace was sent: {why}"));
    }
}

/// What the environment asks for; `None` where it asks for nothing.
fn settings(variable: &dyn Fn(&str) -> Option<String>) -> Option<Result<Settings, String>> {
    let for_traces = |name: &str| {
        variable(&format!("OTEL_EXPORTER_OTLP_TRACES_{name}"))
            .or_else(|| variable(&format!("OTEL_EXPORTER_OTLP_{name}")))
    };
    let endpoint = for_traces("ENDPOINT")?;
    let is =
        |name: &str, value: &str| variable(name).is_some_and(|text| text.trim().eq_ignore_ascii_case(value));
    if is("OTEL_SDK_DISABLED", "true") || is("OTEL_TRACES_EXPORTER", "none") {
        return None;
    }
    if let Some(protocol) = for_traces("PROTOCOL").filter(|protocol| protocol.trim() != "http/protobuf") {
        let known = ["grpc", "http/json"].into_iter().find(|known| *known == protocol.trim());
        return Some(Err(format!(
            "{} is not spoken here, http/protobuf is",
            known.unwrap_or("the protocol of OTEL_EXPORTER_OTLP_PROTOCOL")
        )));
    }
    Some(Ok(Settings {
        endpoint: endpoint.trim().to_owned(),
        certificate: for_traces("CERTIFICATE").map(Into::into),
        service_name: "keycomb",
        service_version: env!("CARGO_PKG_VERSION"),
    }))
}

/// The span of the whole run, a child of the `TRACEPARENT` that CI gives.
pub fn root(telemetry: Option<&Telemetry>, command: &str) -> Span {
    if telemetry.is_none() {
        return Span::none();
    }
    let span = tracing::info_span!(
        target: telemetry::TARGET,
        "run",
        otel.name = %format!("keycomb {command}"),
        otel.status_code = Empty,
        keycomb.command = command,
        keycomb.team = Empty,
        keycomb.endpoint = Empty,
        keycomb.exit = Empty,
        keycomb.actions.done = Empty,
        keycomb.actions.failed = Empty,
        keycomb.actions.not_started = Empty,
        keycomb.actions.in_doubt = Empty,
    );
    if let Ok(parent) = std::env::var("TRACEPARENT") {
        telemetry::set_parent(&span, parent.trim(), std::env::var("TRACESTATE").ok().as_deref());
    }
    span
}

/// The span of one phase of a run.
pub fn phase(name: &'static str) -> Span {
    tracing::info_span!(target: telemetry::TARGET, "phase", otel.name = name)
}

/// Notes for which team a run works; called outside of phases.
pub fn note_team(team: &TeamSlug, endpoint: &str) {
    Span::current().record("keycomb.team", team.as_str()).record("keycomb.endpoint", endpoint);
}

/// Notes what became of the actions; called outside of phases.
pub fn note_report(report: &Report) {
    let (done, failed, not_started, in_doubt) = report.counts();
    Span::current()
        .record("keycomb.actions.done", done)
        .record("keycomb.actions.failed", failed)
        .record("keycomb.actions.not_started", not_started)
        .record("keycomb.actions.in_doubt", in_doubt);
}

/// Ends the trace and sends what is left. Changes nothing of how the run ends.
pub fn end(telemetry: Option<Telemetry>, root: Span, exit: Exit, verbose: u8, output: &Output) {
    let Some(telemetry) = telemetry else { return };
    root.record("keycomb.exit", exit as u8);
    if !matches!(exit, Exit::Done | Exit::Changes) {
        root.record("otel.status_code", "ERROR");
    }
    drop(root);
    if let Err(why) = telemetry.end(LONGEST) {
        say(verbose, output, &why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Option<Result<Settings, String>> {
        settings(&|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_trace_is_made_only_where_the_environment_asks_for_one() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
        assert!(of(&[]).is_none());
        assert!(of(&[("OTEL_SERVICE_NAME", "x"), ("OTEL_TRACES_EXPORTER", "otlp")]).is_none());
        assert!(of(&[endpoint, ("OTEL_SDK_DISABLED", "TRUE")]).is_none());
        assert!(of(&[endpoint, ("OTEL_TRACES_EXPORTER", "none")]).is_none());
        assert_eq!(of(&[endpoint]).unwrap().unwrap().endpoint, endpoint.1);
        let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://other/v1/traces");
        assert_eq!(of(&[endpoint, traces]).unwrap().unwrap().endpoint, traces.1);
        assert!(of(&[traces, ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")]).unwrap().is_ok());
        let refused = of(&[endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).unwrap().unwrap_err();
        assert_eq!(refused, "grpc is not spoken here, http/protobuf is");
        // What was given is not repeated.
        let odd = of(&[endpoint, ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "secret")]).unwrap().unwrap_err();
        assert!(!odd.contains("secret"));
    }
}
