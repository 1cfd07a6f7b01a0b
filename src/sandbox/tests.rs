//! One walk through a running sandbox; the conformance tests are elsewhere and know nothing of these files.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// Sends one request on its own connection and returns everything that came back.
async fn raw(sandbox: &Sandbox, method: &str, path: &str, body: Option<&Value>) -> String {
    let body = body.map(Value::to_string).unwrap_or_default();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
         content-type: application/vnd.api+json\r\ncontent-length: {}\r\n\r\n{body}",
        sandbox.management_key().credential(),
        body.len(),
    );
    let address = sandbox.endpoint().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A cut connection may be reset; what came before counts.
    stream.read_to_end(&mut answer).await.ok();
    String::from_utf8(answer).unwrap()
}

fn json_of(answer: &str) -> Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn new_key(sandbox: &Sandbox) -> Value {
    let environment = sandbox.truth().environments[0].id.clone();
    json!({"data": {"type": "api-keys", "attributes": {"key_type": "ingest", "name": "k", "disabled": true},
        "relationships": {"environment": {"data": {"id": environment, "type": "environments"}}}}})
}

async fn start(text: &[&str]) -> Sandbox {
    let mut options = Options { environments: 1, ..Options::default() };
    for fault in text {
        options.add_fault(fault).unwrap();
    }
    Sandbox::start(options).await.unwrap()
}

const KEYS: &str = "/2/teams/acme/api-keys";

#[tokio::test]
async fn a_key_is_made_shown_and_kept_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options =
        || Options { environments: 1, state: Some(folder.path().join("state.json")), ..Options::default() };
    let sandbox = Sandbox::start(options()).await.unwrap();
    assert!(raw(&sandbox, "GET", "/", None).await.contains("sandbox"));
    let made = raw(&sandbox, "POST", KEYS, Some(&new_key(&sandbox))).await;
    assert!(made.starts_with("HTTP/1.1 201 "), "{made}");
    assert!(made.contains("\r\ncontent-type: application/vnd.api+json\r\n"), "{made}");
    let object = json_of(&made)["data"].clone();
    let secret = object["attributes"]["secret"].as_str().unwrap().to_owned();
    let path = format!("{KEYS}/{}", object["id"].as_str().unwrap());
    let before = sandbox.truth();
    let management = sandbox.management_key();
    sandbox.stop().await;

    let sandbox = Sandbox::start(options()).await.unwrap();
    assert_eq!(sandbox.truth(), before);
    assert_eq!(sandbox.management_key(), management);
    let shown = raw(&sandbox, "GET", &path, None).await;
    assert_eq!(json_of(&shown)["data"]["attributes"]["disabled"], true);
    assert!(!shown.contains(&secret));
    let request = Request { method: "GET".to_owned(), path, status: 200 };
    assert_eq!(sandbox.requests(), [request]);
}

#[tokio::test]
async fn a_cut_connection_carries_nothing_and_the_effect_is_as_named() {
    for (fault, keys) in [("drop-before:POST", 0), ("drop-after:POST", 1)] {
        let sandbox = start(&[fault]).await;
        assert_eq!(raw(&sandbox, "POST", KEYS, Some(&new_key(&sandbox))).await, "", "{fault}");
        assert_eq!(sandbox.truth().keys.len(), keys, "{fault}");
        assert_eq!(sandbox.requests()[0].status, 0);
    }
}

#[tokio::test]
async fn a_truncated_answer_has_its_full_length_in_the_head_only() {
    let sandbox = start(&["truncate=10"]).await;
    let answer = raw(&sandbox, "GET", KEYS, None).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(body.len(), 10);
    assert!(head.contains(&format!(
        "content-length: {}",
        json!({"data": [], "links": {"next": null}}).to_string().len()
    )));
}

#[tokio::test]
async fn a_late_request_is_carried_out_after_the_cut_unless_the_sandbox_stops_first() {
    let sandbox = start(&["late:POST=50ms"]).await;
    assert_eq!(raw(&sandbox, "POST", KEYS, Some(&new_key(&sandbox))).await, "");
    assert_eq!(sandbox.truth().keys.len(), 0);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(sandbox.truth().keys.len(), 1);
    raw(&sandbox, "POST", KEYS, Some(&new_key(&sandbox))).await;
    let shared = Arc::clone(&sandbox.shared);
    sandbox.stop().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(shared.world().service.store.keys.len(), 1);
}

#[tokio::test]
async fn only_loopback_is_listened_on() {
    let listen = "0.0.0.0:0".parse().unwrap();
    let refused = Sandbox::start(Options { listen, ..Options::default() }).await;
    assert!(matches!(refused, Err(SandboxError::Remote { .. })));
}

#[tokio::test]
async fn stopping_frees_the_address_even_with_an_idle_client() {
    let sandbox = start(&[]).await;
    let address = sandbox.endpoint().strip_prefix("http://").unwrap().to_owned();
    let _idle = TcpStream::connect(&address).await.unwrap();
    sandbox.stop().await;
    assert!(TcpStream::connect(&address).await.is_err());
}

#[tokio::test]
async fn no_debug_of_a_sandbox_shows_a_secret() {
    let sandbox = Sandbox::start(Options { keys: 2, ..Options::default() }).await.unwrap();
    let text = format!("{sandbox:?} {:?} {:?}", sandbox.management_key(), sandbox.truth());
    assert!(!text.contains(&sandbox.management_key().secret));
    for key in sandbox.truth().keys {
        assert!(!text.contains(&key.secret));
    }
}
