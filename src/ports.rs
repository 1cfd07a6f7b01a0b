//! What the core asks of the outside: read live, write live, keep a record, tell the time, be told to stop.
//!
//! Reading and writing are two traits: whatever only plans never holds a writer.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;

use crate::model::{
    Access, Color, EnvironmentAttributes, EnvironmentId, KeyId, KeyType, LiveEnvironment, LiveKey, Nonce,
    Payload, Permission, Recipient, Record, Sealed, Secret, Timestamp,
};

/// Reads the service. Every call may be repeated at will.
pub trait ReadLive: Sync {
    /// Who the credential is.
    fn access(&self) -> impl Future<Output = Result<Access, ServiceError>> + Send;
    /// All environments, to the last page; each once, sorted by id.
    fn environments(&self) -> impl Future<Output = Result<Vec<LiveEnvironment>, ServiceError>> + Send;
    /// All keys of one type, to the last page; each once, sorted by id.
    fn keys(&self, key_type: KeyType) -> impl Future<Output = Result<Vec<LiveKey>, ServiceError>> + Send;
    /// One environment; `None` when the service answers 404.
    fn environment(
        &self,
        id: &EnvironmentId,
    ) -> impl Future<Output = Result<Option<LiveEnvironment>, ServiceError>> + Send;
    /// One key; `None` when the service answers 404.
    fn key(&self, id: &KeyId) -> impl Future<Output = Result<Option<LiveKey>, ServiceError>> + Send;
    /// Uses a key's credential once (`GET /1/auth`): `None` when it is refused (401).
    fn prove(&self, credential: &Secret) -> impl Future<Output = Result<Option<Proof>, ServiceError>> + Send;
    /// The service's clock: its last `Date`, carried on by the local monotonic clock. `None` before the first answer.
    fn service_now(&self) -> Option<Timestamp>;
}

/// What a key's own credential says of it (`GET /1/auth`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The type it was recognised as.
    pub key_type: KeyType,
    /// The slug of its team.
    pub team: String,
    /// The slug of its environment; empty for a Classic one. Hostile text.
    pub environment: String,
    /// The name of its environment; empty for a Classic one. Hostile text.
    pub environment_name: String,
    /// The key's id as this endpoint has it: an ingest key's is its id everywhere, a configuration key's is another one
    /// than the rest of the API uses. Hostile text.
    pub id: String,
    /// Whether it may do what the answer has a word on; not every permission is among them.
    pub permissions: BTreeMap<Permission, bool>,
}

impl Proof {
    /// The permissions that the answer has otherwise than what is granted.
    pub fn differing<'a>(
        &'a self,
        granted: &'a BTreeSet<Permission>,
    ) -> impl Iterator<Item = &'a Permission> {
        let differs = |(permission, is_on): &(&Permission, &bool)| granted.contains(*permission) != **is_on;
        self.permissions.iter().filter(differs).map(|(permission, _)| permission)
    }
}

/// Whether a request may still be sent. Closed once, it stays closed.
///
/// It is looked at right before each send, and often enough while a call waits that a closed gate ends the wait within
/// about a quarter of a second. What is under way is never broken off by it. Must not block.
pub type Gate<'a> = &'a (dyn Fn() -> bool + Sync);

/// The gate of what is wanted in any case.
pub const OPEN: Gate<'static> = &|| true;

/// Writes to the service. Each call is one request and its retries; none is repeated unless that is safe, and none is
/// sent through a closed [`Gate`]: the call ends then with the last failure that leaves open whether it was carried
/// out, or with [`Failure::Withheld`] where there is none.
pub trait WriteLive: Sync {
    /// Makes an environment. Never sent twice: a taken name answers 409.
    fn create_environment(
        &self,
        new: &NewEnvironment,
        gate: Gate<'_>,
    ) -> impl Future<Output = Result<LiveEnvironment, ServiceError>> + Send;
    /// Changes the attributes that are set; repeated until answered.
    fn update_environment(
        &self,
        id: &EnvironmentId,
        change: &EnvironmentAttributes,
        gate: Gate<'_>,
    ) -> impl Future<Output = Result<LiveEnvironment, ServiceError>> + Send;
    /// Deletes an environment and everything in it; repeated until answered.
    fn delete_environment(
        &self,
        id: &EnvironmentId,
        gate: Gate<'_>,
    ) -> impl Future<Output = Result<Deletion, ServiceError>> + Send;
    /// Asks for a key, once: never repeated by the writer, not even after a 429 (see [`Failure::is_not_done`]).
    fn create_key(
        &self,
        new: &NewKey,
        gate: Gate<'_>,
    ) -> impl Future<Output = Result<CreatedKey, ServiceError>> + Send;
    /// Changes what is set; repeated until answered.
    fn update_key(
        &self,
        id: &KeyId,
        change: &KeyChange,
        gate: Gate<'_>,
    ) -> impl Future<Output = Result<LiveKey, ServiceError>> + Send;
    /// Deletes a key; repeated until answered.
    fn delete_key(
        &self,
        id: &KeyId,
        gate: Gate<'_>,
    ) -> impl Future<Output = Result<Deletion, ServiceError>> + Send;
}

/// What a new environment is asked for with. The service makes it delete-protected, always.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEnvironment {
    /// 1 to 255 characters.
    pub name: String,
    /// `None`: empty.
    pub description: Option<String>,
    /// `None`: the service picks one.
    pub color: Option<Color>,
}

/// What a new key is asked for with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// Its type.
    pub key_type: KeyType,
    /// Its environment.
    pub environment: EnvironmentId,
    /// 1 to 100 characters.
    pub name: String,
    /// Whether it is born disabled.
    pub disabled: bool,
    /// What is granted; the rest is sent as `false`.
    pub permissions: BTreeSet<Permission>,
}

/// The answer to a request for a key: the only time its secret is seen.
///
/// The caller checks `key` against what was asked, seals `secret`, and only then goes on.
#[derive(Debug)]
pub struct CreatedKey {
    /// The key as the service says it made it.
    pub key: LiveKey,
    /// Its secret; never empty.
    pub secret: Secret,
}

/// A change to a key; `None` leaves an attribute as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyChange {
    /// The new name.
    pub name: Option<String>,
    /// Disable or enable.
    pub disabled: Option<bool>,
    /// Everything granted; the rest is sent as `false`. Only for configuration keys.
    pub permissions: Option<BTreeSet<Permission>>,
}

/// How a deletion ended; both are success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// The service deleted it (204).
    Deleted,
    /// The service did not have it (404).
    AlreadyGone,
}

/// A call that did not end well. Holds no header, no credential, no request body.
#[derive(Debug, thiserror::Error)]
#[error("{method} {path}: {failure}")]
pub struct ServiceError {
    /// The HTTP method.
    pub method: &'static str,
    /// The path with ids, without the query.
    pub path: String,
    /// What went wrong.
    #[source]
    pub failure: Failure,
}

/// What went wrong with a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No request reached the service: name lookup, connection or TLS failed.
    #[error("the service could not be reached: {0}")]
    NotSent(String),
    /// No request was sent: it was no longer wanted when its turn came (see [`Gate`]).
    #[error("it was not sent: it was no longer wanted when its turn came")]
    Withheld,
    /// The request may have been carried out: the connection broke or time ran out before an answer was read.
    #[error("the service did not answer: {0}")]
    Unanswered(String),
    /// The service answered with an error.
    #[error(transparent)]
    Answered(Answer),
    /// The service answered, but not in a form that can be used. The text says where, never what stood there.
    #[error("the answer (status {status}) could not be used: {problem}")]
    Unreadable {
        /// The HTTP status.
        status: u16,
        /// The place and what was expected there.
        problem: String,
    },
}

impl Failure {
    /// Whether the service certainly did not carry the request out: it never left, or was answered 429.
    pub fn is_not_done(&self) -> bool {
        matches!(self, Self::NotSent(_) | Self::Withheld) || self.status() == Some(429)
    }

    /// The status that the service answered with, where it did.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Answered(answer) => Some(answer.status),
            Self::Unreadable { status, .. } => Some(*status),
            Self::NotSent(_) | Self::Withheld | Self::Unanswered(_) => None,
        }
    }
}

/// The service's own words about an error, made visible ([`crate::model::visible`]) and bounded in length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The first error's `code`, where the body has one. For people: never branch on it.
    pub code: Option<String>,
    /// What the body says, all errors joined; empty when it says nothing.
    pub message: String,
    /// The body's error id or `X-Request-Id`: what Honeycomb's support asks for.
    pub request_id: Option<String>,
}

impl std::error::Error for Answer {}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { status, code, message, request_id } = self;
        write!(f, "the service answered {status}")?;
        if !message.is_empty() {
            write!(f, ": {message}")?;
        }
        if let Some(code) = code {
            write!(f, " [{code}]")?;
        }
        if let Some(id) = request_id {
            write!(f, " (request {id})")?;
        }
        Ok(())
    }
}

/// Keeps the record while an apply works: the sealed file and its journal, under a lock.
///
/// Every method returns only after what it wrote is durable.
pub trait KeepRecord: Send {
    /// The record as it is, the journal so far included.
    fn sealed(&self) -> &Sealed;
    /// Adds one record to the journal, fsynced.
    ///
    /// # Errors
    /// When it may not be durable. Final: nothing may be enabled on the strength of this record.
    fn append(&mut self, record: Record) -> Result<(), KeepError>;
    /// Seals a secret to recipients: ASCII-armored age of the payload. Touches no disk.
    ///
    /// # Errors
    /// When a recipient cannot be sealed to.
    fn seal(&self, payload: &Payload, recipients: &[&Recipient]) -> Result<String, KeepError>;
    /// Folds the journal into the sealed file, whole or not at all, and removes the journal.
    ///
    /// # Errors
    /// When the file could not be replaced; the journal is kept then.
    fn fold(&mut self) -> Result<(), KeepError>;
}

/// The record could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// Reading or writing failed. A failed fsync is never tried again.
    #[error("cannot {doing} `{path}`")]
    Io {
        /// What was being done: "write", "sync", "replace" …
        doing: &'static str,
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A recipient cannot be sealed to.
    #[error("cannot seal to recipient: {0}")]
    Seal(String),
}

/// Clocks and chance, passed in.
pub trait Surroundings: Sync {
    /// The local clock; for people, and to see that the machine slept. No decision hangs on its being right.
    fn now(&self) -> Timestamp;
    /// Time since some fixed point in this process; never goes back.
    fn monotonic(&self) -> Duration;
    /// Waits.
    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send;
    /// A fresh nonce; never the same twice.
    fn nonce(&self) -> Nonce;
    /// Whether somebody asked to stop: what is in flight is finished, nothing new is started.
    fn is_stopping(&self) -> bool;
    /// Waits until somebody asks to stop; for ever where nobody can. A reading that waits for its turn is given up then.
    fn stopped(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}
