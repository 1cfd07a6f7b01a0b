//! The exporter's HTTP client: ours, so that there is one TLS library and one way to trust certificates.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reqwest::Certificate;
use tokio::runtime::Runtime;
use url::{Host, Url};

use super::{Settings, Trouble};

/// For one request: a collector that is slower than this is not waited for.
const LONGEST: Duration = Duration::from_secs(3);
/// No answer of a collector is longer, in bytes.
const LONGEST_ANSWER: usize = 64 * 1024;

/// A client, and the thread that its requests run on: the exporter's own has no runtime.
#[derive(Debug)]
pub(super) struct Client {
    client: reqwest::Client,
    runtime: Option<Runtime>,
    trouble: Trouble,
}

impl Client {
    pub(super) fn new(settings: &Settings, trouble: Trouble) -> Result<Self, String> {
        // An error means that there is a provider already, which is all that is wanted.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url = Url::parse(&settings.endpoint).map_err(|_| "the endpoint is no address".to_owned())?;
        let builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(LONGEST)
            .timeout(LONGEST);
        let builder = if is_loopback(&url) { builder.no_proxy() } else { builder };
        let builder = match &settings.certificate {
            _ if url.scheme() == "http" => builder.tls_certs_only([]),
            None => builder,
            Some(path) => {
                let pem = std::fs::read(path).ok();
                let found = pem.and_then(|pem| Certificate::from_pem_bundle(&pem).ok());
                builder.tls_certs_merge(
                    found.ok_or_else(|| "OTEL_EXPORTER_OTLP_CERTIFICATE cannot be used".to_owned())?,
                )
            }
        };
        let client = builder.build().map_err(|_| "there is no HTTP client for it".to_owned())?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("telemetry")
            .enable_all()
            .build()
            .map_err(|_| "the system refused a thread".to_owned())?;
        Ok(Self { client, runtime: Some(runtime), trouble })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // A name lookup that hangs must not hold the process.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

type Sending<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'a>>;

impl HttpClient for Client {
    // As `async_trait` writes it.
    fn send_bytes<'life0, 'async_trait>(&'life0 self, request: Request<Bytes>) -> Sending<'async_trait>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            let runtime = self.runtime.as_ref().ok_or("the client has ended")?;
            let sent = runtime.spawn(send(self.client.clone(), request)).await;
            let sent = sent.unwrap_or_else(|_| Err("the request was given up".to_owned()));
            match &sent {
                Ok(answer) if answer.status().is_success() => self.trouble.clear(),
                Ok(answer) => {
                    self.trouble.set(format!("the collector answered {}", answer.status().as_u16()));
                }
                Err(why) => self.trouble.set(why.clone()),
            }
            sent.map_err(HttpError::from)
        })
    }
}

/// An error in words of our own: the library's have the whole address, which may hold a password.
async fn send(client: reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
    let told = |error: reqwest::Error| {
        let why = if error.is_timeout() {
            "the collector did not answer in time"
        } else if error.is_connect() {
            "the collector cannot be reached"
        } else {
            "the collector's answer broke off"
        };
        why.to_owned()
    };
    let request = reqwest::Request::try_from(request).map_err(told)?;
    let mut response = client.execute(request).await.map_err(told)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(told)? {
        if body.len() + piece.len() > LONGEST_ANSWER {
            return Err("the collector's answer is too long".to_owned());
        }
        body.extend_from_slice(&piece);
    }
    let answer = Response::builder().status(status.as_u16()).body(Bytes::from(body));
    answer.map_err(|_| "the collector's answer has no status".to_owned())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
