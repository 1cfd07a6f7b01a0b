//! Why a request got no answer, in words that hold no address, header or body.

use std::error::Error;
use std::io;

use super::answer::bounded;
use super::options::Patience;
use crate::ports::Failure;

/// A request that got no usable answer.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) failure: Failure,
    /// Trying again cannot help: the certificate stays what it is.
    pub(super) is_hopeless: bool,
}

/// Sorts a transport error: what failed before anything was sent is `NotSent`, all else may have been carried out.
pub(super) fn broken(error: &reqwest::Error, host: &str, patience: &Patience) -> Broken {
    let unsent = |text: String| Broken { failure: Failure::NotSent(text), is_hopeless: false };
    let unanswered = |text: String| Broken { failure: Failure::Unanswered(text), is_hopeless: false };
    if error.is_builder() {
        return Broken { is_hopeless: true, ..unsent("the request could not be built".into()) };
    }
    if !error.is_connect() {
        return unanswered(if error.is_timeout() {
            format!("no answer within {}", seconds(patience.exchange.min(patience.read)))
        } else {
            root_cause(error)
        });
    }
    if error.is_dns() {
        return unsent(format!("the name `{host}` could not be resolved"));
    }
    if let Some(problem) = certificate_problem(error) {
        let failure = Failure::NotSent(format!("the certificate of `{host}` is not trusted: {problem}"));
        return Broken { failure, is_hopeless: true };
    }
    unsent(if error.is_timeout() {
        format!("no connection to `{host}` within {}", seconds(patience.connect))
    } else {
        format!("no connection to `{host}`: {}", root_cause(error))
    })
}

fn seconds(time: std::time::Duration) -> String {
    format!("{} s", time.as_secs_f32())
}

/// The innermost error's text, made visible and bounded; nothing of it if it names an address.
pub(super) fn root_cause(error: &reqwest::Error) -> String {
    let mut text = None;
    for cause in causes(error) {
        text = Some(cause.to_string());
    }
    // A proxy's address may hold its password.
    match text {
        Some(text) if !text.contains("://") => bounded(&text),
        _ => "the connection broke".into(),
    }
}

fn certificate_problem(error: &reqwest::Error) -> Option<String> {
    causes(error).find_map(|cause| match wrapped(cause).downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(problem) => Some(bounded(&problem.to_string())),
        _ => None,
    })
}

/// What an I/O error was made from, however often it was wrapped: its `source` skips that.
fn wrapped<'a>(mut cause: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    while let Some(inner) = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        cause = inner;
    }
    cause
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause| (*cause).source())
}
