//! TLS: the system's authorities and `--ca-file`, and nothing else.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use keycomb::honeycomb::{Connection, ConnectionError, Kind, Options, Patience};
use keycomb::ports::{Failure, ReadLive};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use crate::client::{QUICK, diagnosed, options, page, reader, shown, shown_connection};
use crate::server::{Reply, Server};

/// A private authority, and a server with a certificate of it.
struct Private {
    server: Server,
    ca_file: PathBuf,
    _folder: tempfile::TempDir,
}

async fn private(host: &str, expired: bool) -> Private {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);

    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    if expired {
        params.not_after = date_time_ymd(2020, 1, 1);
    }
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let private_key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private_key)
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, pem).unwrap();
    let reply = Reply::json(200, page(&[], "null"));
    let server = Server::playing_tls(TlsAcceptor::from(Arc::new(config)), reply).await;
    Private { server, ca_file, _folder: folder }
}

fn trusting(private: &Private) -> Connection {
    let ca_file = Some(private.ca_file.clone());
    Connection::new(Options { ca_file, ..options(&private.server.endpoint) }).unwrap()
}

#[tokio::test]
async fn a_private_authority_is_trusted_by_its_file() {
    let private = private("localhost", false).await;
    let reader = trusting(&private).reader().unwrap();
    assert_eq!(reader.environments().await.unwrap(), []);
    assert!(trusting(&private).writer().is_ok());
}

#[tokio::test]
async fn certificates_that_do_not_hold_are_refused_at_once() {
    let unknown = private("localhost", false).await;
    let (elsewhere, old) = (private("elsewhere.example", false).await, private("localhost", true).await);
    for (private, reader) in [
        (&unknown, reader(&unknown.server.endpoint)),
        (&elsewhere, trusting(&elsewhere).reader().unwrap()),
        (&old, trusting(&old).reader().unwrap()),
    ] {
        let error = reader.environments().await.unwrap_err();
        assert!(shown(&error).contains("the certificate of `localhost` is not trusted: "), "{error}");
        assert!(matches!(error.failure, Failure::NotSent(_)));
        assert_eq!(private.server.requests().len(), 0);
        assert_eq!(private.server.connections(), 1, "a certificate does not change by asking again");
        let diagnosis = diagnosed(&error, &private.server.endpoint);
        assert_eq!(diagnosis.kind, Kind::Network);
        assert!(diagnosis.help.contains("--ca-file"), "{}", diagnosis.help);
    }
}

/// The start of a TLS 1.1 handshake: a `ServerHello` of version 3.2 that picks RSA with AES-128-CBC.
const OLD_HELLO: &[u8] = b"\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02\
    0123456789abcdef0123456789abcdef\x00\x00\x2f\x00";

#[tokio::test]
async fn a_server_of_an_older_tls_gets_nothing() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = vec![0; 16 * 1024];
        let hello = stream.read(&mut heard).await.unwrap();
        heard.truncate(hello);
        stream.write_all(OLD_HELLO).await.unwrap();
        stream.read_to_end(&mut heard).await.unwrap();
        heard
    });
    let patience = Patience { tries: 1, ..QUICK };
    let connection = Connection::new(Options { patience, ..options(&endpoint) }).unwrap();
    let error = connection.reader().unwrap().environments().await.unwrap_err();
    assert!(matches!(error.failure, Failure::NotSent(_)), "{error:?}");
    assert!(shown(&error).contains("localhost"), "{error}");
    let heard = heard.await.unwrap();
    // A hello, which asks for no HTTP/2, and an alert (type 21) about the version.
    assert_eq!((heard[0], heard[heard.len() - 7]), (22, 21));
    assert!(!heard.windows(2).any(|w| w == b"h2") && !heard.windows(6).any(|w| w == b"Bearer"));
}

#[tokio::test]
async fn a_key_log_asked_for_by_a_variable_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.log");
    in_a_process_with("tls::child_with_a_key_log", &[("SSLKEYLOGFILE", path.to_str().unwrap())]);
    assert!(!path.exists(), "{}", std::fs::read_to_string(path).unwrap());
}

#[tokio::test]
#[ignore = "needs the environment of the test above"]
async fn child_with_a_key_log() {
    let private = private("localhost", false).await;
    assert!(trusting(&private).reader().unwrap().environments().await.is_ok());
    assert_eq!(private.server.requests().len(), 1);
}

#[tokio::test]
async fn a_useless_ca_file_is_told_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let connect = |path: PathBuf| {
        Connection::new(Options { ca_file: Some(path), ..options("https://localhost:1") }).err()
    };
    let missing = connect(folder.path().join("missing.pem")).unwrap();
    assert!(matches!(missing, ConnectionError::CaFile { .. }), "{missing:?}");
    assert!(shown_connection(&missing).contains("missing.pem"));
    for content in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let path = folder.path().join("bad.pem");
        std::fs::write(&path, content).unwrap();
        let outcome = Connection::new(Options { ca_file: Some(path), ..options("https://localhost:1") });
        let refused = match outcome {
            Err(ConnectionError::NoCertificate { .. }) => true,
            // A certificate that is none is only found out when it is put to use.
            Ok(connection) => connection.reader().is_err(),
            Err(_) => false,
        };
        assert!(refused, "{content:?}");
    }
}

#[test]
fn a_credential_with_a_line_break_is_told_and_not_shown() {
    for secret in ["s3cret\n", "s3 cret", "", "s3crét"] {
        let mut options = options("http://127.0.0.1:1");
        options.credential.secret = keycomb::model::Secret::new(secret.into());
        let error = Connection::new(options).err().unwrap();
        assert!(matches!(error, ConnectionError::Credential), "{error:?}");
        assert!(!format!("{error:?} {error}").contains("s3"), "{error:?}");
    }
}

/// Environment variables are set for a process of its own.
fn in_a_process_with(name: &str, variables: &[(&str, &str)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn a_system_without_authorities_has_its_own_diagnosis() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    let path = empty.path().to_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let variables = [("SSL_CERT_FILE", path), ("SSL_CERT_DIR", folder.path().to_str().unwrap())];
    in_a_process_with("tls::child_without_authorities", &variables);
}

#[test]
#[ignore = "needs the environment of the test above"]
fn child_without_authorities() {
    let error = Connection::new(options("https://localhost:1")).unwrap().reader().err().unwrap();
    assert!(matches!(error, ConnectionError::NoTrust), "{error:?}");
    // Plain HTTP on this machine needs none.
    assert!(Connection::new(options("http://127.0.0.1:1")).unwrap().reader().is_ok());
}

#[test]
fn this_machine_is_never_reached_through_a_proxy() {
    let proxy = "http://user:hunter2@127.0.0.1:1";
    let variables = [
        ("HTTP_PROXY", proxy),
        ("http_proxy", proxy),
        ("ALL_PROXY", proxy),
        ("NO_PROXY", ""),
        ("no_proxy", ""),
    ];
    in_a_process_with("tls::child_with_a_proxy", &variables);
}

#[tokio::test]
#[ignore = "needs the environment of the test above"]
async fn child_with_a_proxy() {
    let server = Server::playing([Reply::json(200, page(&[], "null"))]).await;
    assert!(reader(&server.endpoint).environments().await.is_ok());
}

#[test]
fn a_proxy_that_fails_does_not_show_its_password() {
    let proxy = "http://user:hunter2@127.0.0.1:1";
    let variables = [("HTTPS_PROXY", proxy), ("https_proxy", proxy), ("NO_PROXY", ""), ("no_proxy", "")];
    in_a_process_with("tls::child_behind_a_dead_proxy", &variables);
}

#[tokio::test]
#[ignore = "needs the environment of the test above"]
async fn child_behind_a_dead_proxy() {
    let error = reader("https://keycomb.invalid").environments().await.unwrap_err();
    assert!(error.failure.is_not_done(), "{error:?}");
    assert!(!format!("{} {error:?}", shown(&error)).contains("hunter2"));
}

#[test]
fn a_name_that_nobody_has_is_told() {
    let none = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].map(|name| (name, ""));
    in_a_process_with("tls::child_without_a_proxy", &none);
}

#[tokio::test]
#[ignore = "needs the environment of the test above"]
async fn child_without_a_proxy() {
    let endpoint = "https://keycomb.invalid";
    let patience = Patience { tries: 1, ..QUICK };
    let connection = Connection::new(Options { patience, ..options(endpoint) }).unwrap();
    let error = connection.reader().unwrap().environments().await.unwrap_err();
    assert!(error.failure.is_not_done(), "{error:?}");
    let text = shown(&error);
    // A resolver that itself cannot be reached takes longer than we wait.
    assert!(
        text.contains("the name `keycomb.invalid` could not be resolved")
            || text.contains("no connection to `keycomb.invalid` within 5 s"),
        "{text}"
    );
    assert_eq!(diagnosed(&error, endpoint).kind, Kind::Network);
}
