//! What keycomb says about itself on stderr, by the number of `-v`.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::output::Output;

/// Starts logging for the rest of the process. Only keycomb's own events: libraries log headers.
pub fn start(verbose: u8, output: &Output) {
    let level = match verbose {
        0 => return,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(output.stderr_color)
        .with_target(false);
    // A second start, in a test, keeps the first.
    let _ = tracing_subscriber::registry()
        .with(lines)
        .with(Targets::new().with_target("keycomb", level))
        .try_init();
}
