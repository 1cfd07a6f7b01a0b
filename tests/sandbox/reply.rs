//! One answer of the sandbox, and the questions tests ask of it.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// An answer, with the request that it answers for the messages.
#[derive(Clone)]
pub struct Reply {
    pub method: String,
    pub path: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    /// `null` when the body is not JSON.
    pub json: Value,
}

impl Reply {
    /// Goes on if the status is the expected one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Reply {
        assert_eq!(self.status, status, "{}", self.shown());
        self
    }

    /// The value at a JSON pointer, which must exist.
    #[track_caller]
    pub fn at(&self, pointer: &str) -> &Value {
        self.json.pointer(pointer).unwrap_or_else(|| panic!("nothing at `{pointer}`: {}", self.shown()))
    }

    #[track_caller]
    pub fn text_at(&self, pointer: &str) -> String {
        self.at(pointer)
            .as_str()
            .unwrap_or_else(|| panic!("no string at `{pointer}`: {}", self.shown()))
            .to_owned()
    }

    #[track_caller]
    pub fn id(&self) -> String {
        self.text_at("/data/id")
    }

    #[track_caller]
    pub fn secret(&self) -> String {
        self.text_at("/data/attributes/secret")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a header of the sandbox is ASCII"))
    }

    /// The ids of a list, in its order.
    #[track_caller]
    pub fn ids(&self) -> Vec<String> {
        let items =
            self.at("/data").as_array().unwrap_or_else(|| panic!("`data` is no list: {}", self.shown()));
        items.iter().map(|item| item["id"].as_str().expect("an item has an id").to_owned()).collect()
    }

    /// `links.next`; `None` for null. Absent `links` are a failure.
    #[track_caller]
    pub fn next(&self) -> Option<String> {
        self.at("/links/next").as_str().map(str::to_owned)
    }

    #[track_caller]
    pub fn code(&self) -> String {
        self.text_at("/errors/0/code")
    }

    /// Fails unless this is a 422 whose errors point at `pointer`, one of them at least.
    #[track_caller]
    pub fn expect_invalid(self, pointer: &str) -> Reply {
        let reply = self.expect(422);
        let errors = reply.at("/errors").as_array().expect("`errors` is a list");
        let found: Vec<&str> =
            errors.iter().filter_map(|error| error["source"]["pointer"].as_str()).collect();
        assert!(
            found.contains(&pointer),
            "expected a pointer to `{pointer}`, found {found:?}: {}",
            reply.shown()
        );
        reply
    }

    /// What a failure prints. A secret is masked: test logs are kept longer than tests run.
    pub fn shown(&self) -> String {
        let mut text = self.text.clone();
        if let Some(secret) = self.json.pointer("/data/attributes/secret").and_then(Value::as_str) {
            text = text.replace(secret, "(secret)");
        }
        format!("{} {} answered {} {text}", self.method, self.path, self.status)
    }
}
