//! An emulator of the Honeycomb Management API, for first steps, tests and rehearsals.
//!
//! It is written from the service's documentation and shares no code with the client beside it: where the
//! documentation is open, both readings are [`Switches`]. Everything is decided by a seed and a [`Clock`], so every run
//! can be replayed. Its secrets are guessable by design; it listens on loopback unless told otherwise.

mod answer;
mod armed;
mod body;
mod by_hand;
mod checks;
mod clock;
mod cut;
mod environments;
mod errors;
mod faults;
mod grammar;
mod ids;
mod keys;
mod limits;
mod lists;
mod lookup;
mod options;
mod page;
mod permissions;
mod rate_headers;
mod records;
mod route;
mod serve;
mod service;
mod spec;
mod state;
mod store;
mod switches;
mod truth;
mod wire;
mod world;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use armed::Armed;
use cut::CutListener;
use limits::{Limits, UNLIMITED};
use service::Service;
use store::Store;
use world::Shared;

pub use by_hand::ByHand;
pub use clock::{Clock, ManualClock, SystemClock};
pub use faults::Fault;
pub use limits::RateLimit;
pub use options::Options;
pub use spec::SpecError;
pub use switches::{HonourOrIgnore, IgnoreOrRefuse, RelationshipForm, RetryAfterForm, Switches};
pub use truth::{EnvironmentTruth, KeyTruth, KeyType, ManagementKey, Request, Truth};

/// Connections that a client keeps open do not hold up the end for longer.
const PATIENCE: Duration = Duration::from_millis(500);

/// A running sandbox. Dropping it stops it as well, without waiting.
#[derive(Debug)]
pub struct Sandbox {
    endpoint: String,
    team: String,
    shared: Arc<Shared>,
    signal: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Reads or makes the state, listens, and serves in a background task of the current tokio runtime.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Remote`]: the address is not loopback and `allow_remote` is not set
    /// - [`SandboxError::Listen`]: the address cannot be listened on
    /// - [`SandboxError::State`]: the state file cannot be read or written
    /// - [`SandboxError::StateSyntax`], [`SandboxError::StateVersion`], [`SandboxError::StateTeam`]: the state file is
    ///   not one of ours, of this version, or of this team; it is left as it is
    pub async fn start(options: Options) -> Result<Sandbox, SandboxError> {
        let listen = options.listen;
        if !listen.ip().is_loopback() && !options.allow_remote {
            return Err(SandboxError::Remote { listen });
        }
        let store = load_or_make(&options)?;
        let team = store.team.slug.clone();
        let failed = |source| SandboxError::Listen { listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let endpoint = format!("http://{}", listener.local_addr().map_err(failed)?);
        let shared = Arc::new(share(options, store, endpoint.clone())?);
        let (signal, stop) = oneshot::channel::<()>();
        // Dropping the sender is a signal too.
        let stop = async { stop.await.unwrap_or_default() };
        let task = tokio::spawn(serve::run(CutListener(listener), Arc::clone(&shared), stop));
        Ok(Self { endpoint, team, shared, signal: Some(signal), task: Some(task) })
    }

    /// The base URL, `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The team's slug.
    pub fn team(&self) -> &str {
        &self.team
    }

    /// The management key that may do everything: `api-keys:write` and `environments:write`. It depends on the seed
    /// alone.
    pub fn management_key(&self) -> ManagementKey {
        // Made anew from the seed rather than looked up: it is the same key, and there is always one.
        Store::main_key(self.shared.world().service.store.seed)
    }

    /// Makes another management key. Scopes are written `api-keys:read`; a write scope swallows its read scope.
    pub fn add_management_key(&self, scopes: &[&str], disabled: bool) -> ManagementKey {
        let mut world = self.shared.world();
        let key = world.service.store.create_management_key(scopes, disabled, self.shared.clock.now());
        // The key works in this run even if the file cannot be written; the next request that changes something says so.
        self.shared.save(&world).ok();
        key
    }

    /// Adds another team to the service, with an environment and an enabled key of each type, and returns what it has.
    /// Its keys' credentials work at `/1/auth`; nothing else here knows it.
    pub fn add_neighbour(&self, slug: &str) -> Truth {
        let mut world = self.shared.world();
        let truth = world.service.store.create_neighbour(slug, self.shared.clock.now());
        self.shared.save(&world).ok();
        truth
    }

    /// Makes an environment of the Classic kind and returns its id.
    pub fn add_classic_environment(&self) -> String {
        let mut world = self.shared.world();
        let id = world.service.store.create_classic_environment(self.shared.clock.now());
        self.shared.save(&world).ok();
        id
    }

    /// A copy of the whole store.
    pub fn truth(&self) -> Truth {
        self.shared.world().service.store.truth()
    }

    /// Every request so far (the latest 100,000), in the order of arrival. Requests for `/` are not counted.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.world().requests.iter().map(|(_, request)| request.clone()).collect()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.shared.world().requests.clear();
    }

    /// Adds a fault; its count starts now.
    pub fn add_fault(&self, fault: Fault) {
        self.shared.world().armed.add(fault);
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.shared.world().armed.clear();
    }

    /// How many requests met each kind of fault so far, whatever was cleared since. An answer in place of the service's
    /// is told with its status: `status=503`, `status-after=503`.
    pub fn faults_met(&self) -> BTreeMap<String, u64> {
        self.shared.world().armed.met().clone()
    }

    /// Replaces all switches.
    pub fn set_switches(&self, switches: Switches) {
        self.shared.world().service.switches = switches;
    }

    /// Sets the budget of each collection, read and write, and begins all windows anew; `None` lifts it.
    pub fn set_rate_limit(&self, limit: Option<RateLimit>) {
        self.shared.world().service.limits = Limits::new(limit.unwrap_or(UNLIMITED));
    }

    /// Stops listening. The state is on disk; requests that have not been carried out never will be.
    pub async fn stop(mut self) {
        self.shared.stop();
        drop(self.signal.take());
        if let Some(mut task) = self.task.take()
            && tokio::time::timeout(PATIENCE, &mut task).await.is_err()
        {
            task.abort();
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

/// The state of the file, or a new one with what it is to begin with.
fn load_or_make(options: &Options) -> Result<Store, SandboxError> {
    let loaded = options.state.as_deref().map(|path| state::load(path, &options.team_slug)).transpose()?;
    Ok(loaded.flatten().unwrap_or_else(|| {
        let mut store = Store::new(options.seed, &options.team_slug, &options.team_name);
        store.fill(options.environments, options.keys, options.clock.now());
        store
    }))
}

/// Puts everything together, and the state on disk before the first request.
fn share(options: Options, store: Store, endpoint: String) -> Result<Shared, SandboxError> {
    let armed = Armed::new(store.seed, options.faults);
    let limits = Limits::new(options.rate_limit.unwrap_or(UNLIMITED));
    let service = Service { store, limits, switches: options.switches, endpoint, errors: 0 };
    let shared = Shared::new(service, armed, options.clock, options.latency, options.state.clone());
    let saved = shared.save(&shared.world());
    match (saved, options.state) {
        (Err(source), Some(path)) => Err(SandboxError::State { path, source }),
        _ => Ok(shared),
    }
}

/// A sandbox that could not start.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum SandboxError {
    /// An address other than loopback, without leave.
    #[error("refusing to listen on `{listen}`, expected a loopback address")]
    #[diagnostic(help("listen on 127.0.0.1; the sandbox speaks plain HTTP and its keys are guessable"))]
    Remote {
        /// The address asked for.
        listen: SocketAddr,
    },
    /// The address is taken or not ours.
    #[error("cannot listen on `{listen}`")]
    #[diagnostic(help("choose another port, or port 0 for a free one"))]
    Listen {
        /// The address asked for.
        listen: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The state file cannot be read or written.
    #[error("cannot use the state file `{}`", path.display())]
    #[diagnostic(help("check the path and its permissions"))]
    State {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The state file is not one of ours. Its text is not shown: it holds secrets.
    #[error("`{}` is not a state file of the sandbox: line {line}, column {column}", path.display())]
    #[diagnostic(help("give another path, or move the file away to start afresh"))]
    StateSyntax {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// The state file was written by a later version.
    #[error("the state file `{}` has version {found}, expected {expected}", path.display())]
    #[diagnostic(help("use the keycomb that wrote it, or move the file away to start afresh"))]
    StateVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// Ours.
        expected: u32,
    },
    /// The state file is of another team.
    #[error("the state file `{}` is of team `{found}`, expected `{expected}`", path.display())]
    #[diagnostic(help("give each team its own state file, or move this one away to start afresh"))]
    StateTeam {
        /// The file.
        path: PathBuf,
        /// Its team.
        found: String,
        /// The team asked for.
        expected: String,
    },
}

#[cfg(test)]
mod tests;
