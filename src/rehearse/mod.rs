//! Rehearsals: a configuration is applied again and again against an emulator in this process, with everything going
//! wrong that can, and what the emulator then holds is checked.
//!
//! Nothing leaves this machine and no credential is used. Requests go over HTTP on loopback, secrets are sealed to
//! throw-away identities in place of the configured recipients, files are in a folder of the run's own that goes with it.
//! Everything in a run follows from its seed. Its time is tokio's paused time: what only waits takes none.

mod act;
mod attempt;
mod checks;
mod clock;
mod declare;
mod disk;
mod leaks;
mod life;
mod log;
mod process;
mod repository;
mod run;
mod tally;
mod trouble;
mod turns;
mod world;

use miette::Diagnostic;

use crate::honeycomb::ConnectionError;
use crate::model::Desired;
use crate::sandbox::SandboxError;
use crate::seal::{Identities, SealError};

pub use checks::{Broken, Rule};
pub use run::{KEYS_IN_A_RUN, Ran};
pub use tally::{Calls, Tally};

/// A configuration that is ready to be rehearsed.
pub struct Rehearsal {
    desired: Desired,
    identities: Identities,
}

impl Rehearsal {
    /// Makes throw-away identities in place of the recipients, and lifts the guards.
    ///
    /// # Errors
    /// [`RehearseError::Seal`] when no identity can be made.
    pub fn new(desired: &Desired) -> Result<Self, RehearseError> {
        let (desired, identities) = declare::disarm(desired)?;
        Ok(Self { desired, identities })
    }

    /// Runs one seed, on this thread: not within a runtime.
    ///
    /// # Errors
    /// When this machine refuses a folder, a port, a thread. What the run itself finds is in [`Ran::broken`].
    pub fn run(&self, seed: u64) -> Result<Ran, RehearseError> {
        runtime()?.block_on(run::run(&self.desired, &self.identities, seed))
    }

    /// How many calls a first apply of the whole configuration takes, and a plan after it, when nothing goes wrong. Not
    /// within a runtime.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn calls(&self) -> Result<Calls, RehearseError> {
        runtime()?.block_on(tally::calls(&self.desired))
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, RehearseError> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(true).build().map_err(RehearseError::Runtime)
}

/// A rehearsal that could not be held.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[non_exhaustive]
pub enum RehearseError {
    /// The run's folder.
    #[error("cannot use a folder for temporary files")]
    #[diagnostic(help("free some space, or point `TMPDIR` to a folder that can be written"))]
    Folder(#[source] std::io::Error),
    /// The runtime.
    #[error("cannot start")]
    #[diagnostic(help("the system refused a thread or a socket"))]
    Runtime(#[source] std::io::Error),
    /// The emulator's address is none.
    #[error("the emulator's address is none")]
    Endpoint,
    /// The emulator.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Sandbox(#[from] SandboxError),
    /// The way to it.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Connection(#[from] ConnectionError),
    /// The throw-away identities.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Seal(#[from] SealError),
}
