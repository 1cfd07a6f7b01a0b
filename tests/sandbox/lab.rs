//! A running sandbox, and a plain HTTP client beside it.

use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use keycomb::sandbox::{Fault, ManagementKey, ManualClock, Options, Sandbox, Switches};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::reply::Reply;
use crate::schema;

pub const KEYS: &str = "/2/teams/acme/api-keys";
pub const ENVIRONMENTS: &str = "/2/teams/acme/environments";
pub const JSON_API: &str = "application/vnd.api+json";
/// The full minute keeps windows easy to count in, wherever they begin.
pub const START: &str = "2026-03-01T08:15:00Z";

/// A sandbox on a clock that stands still until it is told to go on.
pub struct Lab {
    pub sandbox: Sandbox,
    pub clock: Arc<ManualClock>,
    http: Client,
    /// Every secret a 201 has shown. It must be in no other answer.
    issued: Mutex<Vec<String>>,
}

impl Lab {
    pub async fn new() -> Lab {
        Lab::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Options)) -> Lab {
        let clock = Arc::new(ManualClock::new(START.parse().unwrap()));
        let mut options = Options { clock: clock.clone(), ..Options::default() };
        change(&mut options);
        let sandbox =
            Sandbox::start(options).await.unwrap_or_else(|error| panic!("the sandbox starts: {error}"));
        Lab { sandbox, clock, http: client(), issued: Mutex::default() }
    }

    pub async fn with_switches(change: impl FnOnce(&mut Switches)) -> Lab {
        Lab::with(|options| change(&mut options.switches)).await
    }

    /// `Bearer <id>:<secret>` of the sandbox's own management key.
    pub fn bearer(&self) -> String {
        bearer(&self.sandbox.management_key())
    }

    /// A request with no header at all.
    pub fn bare(&self, method: &str, path: &str) -> Call<'_> {
        Call { lab: self, method: method.to_owned(), path: path.to_owned(), headers: Vec::new(), body: None }
    }

    /// A request that carries the management key.
    pub fn call(&self, method: &str, path: &str) -> Call<'_> {
        self.bare(method, path).header("Authorization", &self.bearer())
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.call("GET", path).send().await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.call("POST", path).json(&body).send().await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.call("PATCH", path).json(&body).send().await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.call("DELETE", path).send().await
    }

    /// `GET /1/auth` with a credential of a key.
    pub async fn auth_v1(&self, credential: &str) -> Reply {
        self.bare("GET", "/1/auth").header("X-Honeycomb-Team", credential).send().await
    }

    /// Makes an environment; its id.
    pub async fn environment(&self, name: &str) -> String {
        let body = json!({ "data": { "type": "environments", "attributes": { "name": name } } });
        self.post(ENVIRONMENTS, body).await.expect(201).id()
    }

    /// Makes a key from its attributes; the 201.
    pub async fn key(&self, environment: &str, attributes: Value) -> Reply {
        self.post(KEYS, key_body(environment, attributes)).await.expect(201)
    }

    pub async fn ingest_key(&self, environment: &str, name: &str) -> Reply {
        self.key(environment, json!({ "key_type": "ingest", "name": name })).await
    }

    pub async fn configuration_key(&self, environment: &str, name: &str) -> Reply {
        self.key(environment, json!({ "key_type": "configuration", "name": name })).await
    }

    /// Follows `links.next` from `path` to the end; every id in the order it was seen.
    pub async fn walk(&self, path: &str) -> Vec<String> {
        let mut ids = Vec::new();
        let mut next = Some(path.to_owned());
        let mut pages = 0;
        while let Some(path) = next {
            let page = self.get(&path).await.expect(200);
            ids.extend(page.ids());
            next = page.next();
            pages += 1;
            assert!(pages < 200, "the walk from `{path}` does not end");
        }
        ids
    }

    /// What the sandbox's own log says about a method and path: one status for each request, 0 for a cut.
    pub fn log(&self, method: &str, path: &str) -> Vec<u16> {
        let asked = self.sandbox.requests().into_iter();
        asked.filter(|r| r.method == method && r.path == path).map(|r| r.status).collect()
    }
}

/// The `Authorization` of a management key.
pub fn bearer(key: &ManagementKey) -> String {
    format!("Bearer {}:{}", key.id, key.secret)
}

pub fn fault(spec: &str) -> Fault {
    spec.parse().unwrap_or_else(|error| panic!("fault `{spec}` does not parse: {error}"))
}

pub fn key_path(id: &str) -> String {
    format!("{KEYS}/{id}")
}

pub fn environment_path(id: &str) -> String {
    format!("{ENVIRONMENTS}/{id}")
}

pub fn key_body(environment: &str, attributes: Value) -> Value {
    json!({ "data": { "type": "api-keys", "attributes": attributes,
        "relationships": { "environment": { "data": { "id": environment, "type": "environments" } } } } })
}

pub fn key_patch(id: &str, attributes: Value) -> Value {
    json!({ "data": { "id": id, "type": "api-keys", "attributes": attributes } })
}

pub fn environment_body(attributes: Value) -> Value {
    json!({ "data": { "type": "environments", "attributes": attributes } })
}

pub fn environment_patch(id: &str, attributes: Value) -> Value {
    json!({ "data": { "id": id, "type": "environments", "attributes": attributes } })
}

/// One request, spelled out.
pub struct Call<'a> {
    lab: &'a Lab,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Call<'_> {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A body without a `Content-Type`.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.header("Content-Type", JSON_API).body(body.to_string())
    }

    /// Sends it, and checks the answer against its schema and for secrets shown before.
    pub async fn send(self) -> Reply {
        let lab = self.lab;
        let reply = self.send_raw().await.unwrap_or_else(|error| panic!("no answer: {error:?}"));
        let kind = reply.header("content-type");
        if let Err(problem) = schema::check(&reply.method, &reply.path, reply.status, kind, &reply.text) {
            panic!("{problem}\n{}", reply.shown());
        }
        let mut issued = lab.issued.lock().unwrap();
        assert!(
            !issued.iter().any(|secret| reply.text.contains(secret.as_str())),
            "a secret is shown again: {}",
            reply.shown()
        );
        if reply.status == 201 && reply.method == "POST" && reply.path == KEYS {
            issued.push(reply.secret());
        }
        reply
    }

    /// Sends it and takes what comes, a cut connection too.
    pub async fn send_raw(self) -> Result<Reply, reqwest::Error> {
        let url = format!("{}{}", self.lab.sandbox.endpoint(), self.path);
        let method: Method = self.method.parse().unwrap();
        let mut request = self.lab.http.request(method, url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = self.body {
            request = request.body(body);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await?;
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Reply { method: self.method, path: self.path, status, headers, text, json })
    }
}

/// No proxy, no redirects, no retries, no kept connections: what a test sends is what the sandbox gets.
fn client() -> Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // A second installation loses against the first, and both are the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .pool_max_idle_per_host(0)
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap()
}
