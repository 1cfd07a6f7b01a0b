//! Traces of a run, through the OpenTelemetry SDK. Nothing of it is made, and nothing sent, unless a run asks for it.
//!
//! What a span says is decided where it is made, with `tracing` and the target [`TARGET`]; without a [`Telemetry`] such a span
//! is nothing at all.

mod client;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::registry::LookupSpan;

use client::Client;

/// The `tracing` target of spans that are for traces; lines on stderr are of others.
pub const TARGET: &str = "telemetry";

/// What the SDK does not read from the environment by itself.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Where traces go: decides about proxies and TLS only, the SDK reads it again.
    pub endpoint: String,
    /// PEM certificates to trust for it besides the system's.
    pub certificate: Option<PathBuf>,
    /// The name of this program, where the environment gives none.
    pub service_name: &'static str,
    /// Its version.
    pub service_version: &'static str,
}

/// Spans on their way to a collector.
pub struct Telemetry {
    provider: SdkTracerProvider,
    trouble: Trouble,
}

/// What went wrong last, in words that hold no address, header or body.
#[derive(Debug, Clone, Default)]
struct Trouble(Arc<Mutex<Option<String>>>);

impl Trouble {
    fn set(&self, why: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Telemetry {
    /// Makes the exporter and the thread that it works on. Sends nothing yet.
    ///
    /// # Errors
    /// What of the environment's settings cannot be used.
    pub fn start(settings: &Settings) -> Result<Self, String> {
        let trouble = Trouble::default();
        let client = Client::new(settings, trouble.clone())?;
        let exporter = SpanExporter::builder().with_http().with_http_client(client).build();
        // Its own words repeat the setting.
        let exporter = exporter.map_err(|_| {
            "the OTEL_EXPORTER_OTLP_ variables ask for something that is not known here".to_owned()
        })?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource(settings))
            .build();
        Ok(Self { provider, trouble })
    }

    /// Hands spans of [`TARGET`], and nothing else, to the SDK.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("keycomb"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_target(false)
            .with_level(false)
            .with_filter(Targets::new().with_target(TARGET, LevelFilter::INFO))
    }

    /// Sends what is left, for so long at most.
    ///
    /// # Errors
    /// Why not all of it was sent.
    pub fn end(self, longest: Duration) -> Result<(), String> {
        let ended = self.provider.shutdown_with_timeout(longest);
        match (self.trouble.take(), ended) {
            (Some(why), _) => Err(why),
            (None, Ok(())) => Ok(()),
            (None, Err(_)) => Err(format!("it took more than {} s", longest.as_secs())),
        }
    }
}

/// Makes a span the child of what the environment says (W3C Trace Context); of nothing, where it says nothing readable. The span
/// must not have been entered yet.
pub fn set_parent(span: &tracing::Span, traceparent: &str, tracestate: Option<&str>) {
    let mut carrier = HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]);
    carrier.extend(tracestate.map(|state| ("tracestate".to_owned(), state.to_owned())));
    // An error means that the span is not for traces.
    let _ = span.set_parent(TraceContextPropagator::new().extract(&carrier));
}

/// What the environment says of this program (`OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`), and what is ours to say.
fn resource(settings: &Settings) -> Resource {
    let version = KeyValue::new("service.version", settings.service_version);
    let name = Resource::builder().build().get(&opentelemetry::Key::from_static_str("service.name"));
    let resource = Resource::builder().with_attribute(version);
    match name {
        Some(name) if !name.as_str().starts_with("unknown_service") => resource.build(),
        _ => resource.with_service_name(settings.service_name).build(),
    }
}
