//! What the calls of one run share: endpoint, credential, budgets, the service's clock.

use std::path::PathBuf;
use std::sync::Arc;

use miette::Diagnostic;
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
use reqwest::{Certificate, Client, ClientBuilder};
use url::{Host, Url};
use zeroize::Zeroizing;

use super::call::Caller;
use super::clock::ServiceClock;
use super::exchange::Transport;
use super::options::{Credential, KeyOptions, Options, Patience};
use super::pace::Pacer;
use super::{Reader, Writer};
use crate::model::{Secret, TeamSlug};

/// A way to one team at one endpoint. Making it sends nothing.
pub struct Connection {
    shared: Arc<Shared>,
    certificates: Vec<Certificate>,
    user_agent: HeaderValue,
}

/// What every call needs, whichever client sends it.
pub(super) struct Shared {
    pub(super) endpoint: Url,
    pub(super) team: TeamSlug,
    /// The management key's header; `None` where there is no management key, and every call is made as a key itself.
    pub(super) authorization: Option<HeaderValue>,
    /// Taken out of whatever the service says: an answer may echo the request.
    pub(super) secret: Option<Secret>,
    pub(super) patience: Patience,
    pub(super) pacer: Pacer,
    pub(super) clock: ServiceClock,
}

impl Connection {
    /// Checks the options and reads the certificates.
    ///
    /// # Errors
    /// - [`ConnectionError::CaFile`], [`ConnectionError::NoCertificate`]: `ca_file` cannot be used
    /// - [`ConnectionError::Credential`], [`ConnectionError::UserAgent`]: not fit for a header
    /// - [`ConnectionError::Endpoint`]: no usable address
    pub fn new(options: Options) -> Result<Self, ConnectionError> {
        let Options { endpoint, team, credential, ca_file, user_agent, patience, notice } = options;
        let authorization = bearer(&credential)?;
        let options = KeyOptions { endpoint, team, ca_file, user_agent, patience, notice };
        Self::with(options, Some((authorization, credential.secret)))
    }

    /// A connection without a management key: good for [`ReadLive::prove`](crate::ports::ReadLive::prove) alone, every
    /// other call fails before it is sent.
    ///
    /// # Errors
    /// Those of [`Connection::new`], but [`ConnectionError::Credential`].
    pub fn of_keys(options: KeyOptions) -> Result<Self, ConnectionError> {
        Self::with(options, None)
    }

    fn with(options: KeyOptions, management: Option<(HeaderValue, Secret)>) -> Result<Self, ConnectionError> {
        let KeyOptions { endpoint, team, ca_file, user_agent, patience, notice } = options;
        let (authorization, secret) = management.unzip();
        install_crypto();
        let endpoint = Url::parse(endpoint.as_str()).map_err(|_| ConnectionError::Endpoint)?;
        let certificates = ca_file.map(read_certificates).transpose()?.unwrap_or_default();
        let user_agent = HeaderValue::try_from(user_agent).map_err(|_| ConnectionError::UserAgent)?;
        let shared = Shared {
            endpoint,
            team,
            authorization,
            secret,
            patience,
            pacer: Pacer::new(notice),
            clock: ServiceClock::default(),
        };
        Ok(Self { shared: Arc::new(shared), certificates, user_agent })
    }

    /// A reader. It keeps connections open between calls.
    ///
    /// # Errors
    /// [`ConnectionError::NoTrust`] or [`ConnectionError::Client`]: the HTTP client cannot be set up.
    pub fn reader(&self) -> Result<Reader, ConnectionError> {
        Ok(Reader::new(self.caller(self.client())?))
    }

    /// A writer. Every call has a connection of its own: the HTTP library sends a request again by itself when
    /// an idle connection turns out to be closed, and a POST sent twice makes two keys.
    ///
    /// # Errors
    /// [`ConnectionError::NoTrust`] or [`ConnectionError::Client`]: the HTTP client cannot be set up.
    pub fn writer(&self) -> Result<Writer, ConnectionError> {
        Ok(Writer::new(self.caller(self.client().pool_max_idle_per_host(0))?))
    }

    fn caller(&self, builder: ClientBuilder) -> Result<Caller, ConnectionError> {
        let client = builder.build().map_err(|error| no_client(&error))?;
        Ok(Caller::new(Transport::new(client, Arc::clone(&self.shared)), Arc::clone(&self.shared)))
    }

    fn client(&self) -> ClientBuilder {
        let Patience { connect, read, exchange, .. } = self.shared.patience;
        let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("identity"))]);
        let builder = Client::builder()
            .user_agent(self.user_agent.clone())
            .default_headers(headers)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(connect)
            .read_timeout(read)
            .timeout(exchange);
        let endpoint = &self.shared.endpoint;
        // The proxy variables would apply to this machine too.
        let builder = if is_loopback(endpoint) { builder.no_proxy() } else { builder };
        if endpoint.scheme() == "http" {
            builder.tls_certs_only([])
        } else {
            builder.https_only(true).tls_certs_merge(self.certificates.clone())
        }
    }
}

fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // An error means that another thread was first: there is one, which is all that is wanted.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

fn bearer(credential: &Credential) -> Result<HeaderValue, ConnectionError> {
    let Credential { id, secret } = credential;
    let text = Zeroizing::new(format!("Bearer {id}:{}", secret.expose()));
    if id.is_empty()
        || secret.expose().is_empty()
        || text.bytes().skip("Bearer ".len()).any(|b| !b.is_ascii_graphic())
    {
        return Err(ConnectionError::Credential);
    }
    sensitive(&text).ok_or(ConnectionError::Credential)
}

/// A header value that no `Debug` prints.
pub(super) fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn read_certificates(path: PathBuf) -> Result<Vec<Certificate>, ConnectionError> {
    let pem = match std::fs::read(&path) {
        Ok(pem) => pem,
        Err(source) => return Err(ConnectionError::CaFile { path, source }),
    };
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(ConnectionError::NoCertificate { path }),
    }
}

/// Whether an address is this machine's own: no proxy is asked for it.
pub fn is_loopback(endpoint: &Url) -> bool {
    match endpoint.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn no_client(error: &reqwest::Error) -> ConnectionError {
    let reason = super::reason::root_cause(error);
    if reason.contains("CA certificates") {
        ConnectionError::NoTrust
    } else {
        ConnectionError::Client(reason)
    }
}

/// Why no connection can be made from these options.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum ConnectionError {
    /// The file of certificates cannot be read.
    #[error("cannot read the certificates in `{}`", path.display())]
    #[diagnostic(help("`--ca-file` names a PEM file with the certificates to trust besides the system's"))]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file holds no usable certificate.
    #[error("`{}` holds no usable certificate, expected PEM (`-----BEGIN CERTIFICATE-----`)", path.display())]
    #[diagnostic(help(
        "a PEM file with the private authority's certificate is needed, not its key and not DER"
    ))]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The system has no certificates to check the service against.
    #[error("this system has no certificate authorities, so the service's certificate cannot be checked")]
    #[diagnostic(help(
        "install the package `ca-certificates`, or point `SSL_CERT_FILE` or `--ca-file` to a PEM file of authorities"
    ))]
    NoTrust,
    /// The management key has characters that no key has.
    #[error("the management key's id or secret is empty or has characters that cannot stand in a header")]
    #[diagnostic(help("look for a line break, a blank or quotes around the value"))]
    Credential,
    /// The user agent cannot stand in a header.
    #[error("the user agent has characters that cannot stand in a header")]
    UserAgent,
    /// The endpoint is no address.
    #[error("the endpoint is not an address, expected `https://HOST[:PORT]`")]
    Endpoint,
    /// The HTTP client cannot be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    #[diagnostic(help("check the proxy variables (`HTTPS_PROXY`, `ALL_PROXY`) and `--ca-file`"))]
    Client(String),
}
