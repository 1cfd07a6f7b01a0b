//! An emulator of the Honeycomb Management API, for first steps, tests and rehearsals.

mod clock;
mod faults;
mod limits;
mod options;
mod route;
mod spec;
mod switches;
mod truth;

use std::net::SocketAddr;
use std::path::PathBuf;

pub use clock::{Clock, ManualClock, SystemClock};
pub use faults::Fault;
pub use limits::RateLimit;
pub use options::Options;
pub use spec::SpecError;
pub use switches::{HonourOrIgnore, IgnoreOrRefuse, RelationshipForm, RetryAfterForm, Switches};
pub use truth::{EnvironmentTruth, KeyTruth, KeyType, ManagementKey, Request, Truth};

/// A running sandbox. Dropping it stops it as well, without waiting.
#[derive(Debug)]
pub struct Sandbox {
    endpoint: String,
    team: String,
}

impl Sandbox {
    /// Reads or makes the state, listens, and serves in a background task of the current tokio runtime.
    ///
    /// # Errors
    ///
    /// See [`SandboxError`].
    pub async fn start(options: Options) -> Result<Sandbox, SandboxError> {
        Ok(Self {
            endpoint: format!("http://{}", options.listen),
            team: options.team_slug,
        })
    }

    /// The base URL, `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The team's slug.
    pub fn team(&self) -> &str {
        &self.team
    }

    /// The management key that may do everything. It depends on the seed alone.
    pub fn management_key(&self) -> ManagementKey {
        ManagementKey {
            id: String::new(),
            secret: String::new(),
        }
    }

    /// Makes another management key.
    pub fn add_management_key(&self, _scopes: &[&str], _disabled: bool) -> ManagementKey {
        self.management_key()
    }

    /// Makes an environment of the Classic kind and returns its id.
    pub fn add_classic_environment(&self) -> String {
        String::new()
    }

    /// A copy of the whole store.
    pub fn truth(&self) -> Truth {
        Truth {
            environments: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// Every request so far, in the order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        Vec::new()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {}

    /// Adds a fault; its count starts now.
    pub fn add_fault(&self, _fault: Fault) {}

    /// Removes all faults.
    pub fn clear_faults(&self) {}

    /// Replaces all switches.
    pub fn set_switches(&self, _switches: Switches) {}

    /// Stops listening. The state is on disk.
    pub async fn stop(self) {}
}

/// A sandbox that could not start.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum SandboxError {
    /// An address other than loopback, without leave.
    #[error("refusing to listen on `{listen}`, expected a loopback address")]
    #[diagnostic(help(
        "listen on 127.0.0.1; the sandbox speaks plain HTTP and its keys are guessable"
    ))]
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
