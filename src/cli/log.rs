//! What keycomb says about itself on stderr, by the number of `-v`.

use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::output::Output;
use crate::telemetry::Telemetry;

/// Starts logging, and where it is wanted tracing, for the rest of the process. Only keycomb's own events: libraries log headers.
pub fn start(verbose: u8, telemetry: Option<&Telemetry>, output: &Output) {
    let level = match verbose {
        0 => LevelFilter::OFF,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    // Without a subscriber a span costs nothing.
    if verbose == 0 && telemetry.is_none() {
        return;
    }
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(output.stderr_color)
        .with_target(false)
        .with_filter(Targets::new().with_target("keycomb", level));
    // A second start, in a test, keeps the first.
    let _ = tracing_subscriber::registry().with(telemetry.map(Telemetry::layer)).with(lines).try_init();
}
