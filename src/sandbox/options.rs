//! How a sandbox is set up.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::clock::{Clock, SystemClock};
use super::faults::Fault;
use super::limits::RateLimit;
use super::spec::SpecError;
use super::switches::Switches;

/// How a sandbox is set up. The default is an empty team `acme` on a free loopback port, without faults.
///
/// The seed, the environments and the keys count only for a new state: a state file that exists keeps its own.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Listen on an address other than loopback. The sandbox speaks plain HTTP and its keys are guessable.
    pub allow_remote: bool,
    /// A JSON file that is read at start if it exists and rewritten (temporary file, fsync, rename; mode 0600) after
    /// each change. It holds the secrets of the sandbox's keys.
    pub state: Option<PathBuf>,
    /// Decides ids, secrets and colours.
    pub seed: u64,
    /// The team's slug, as in paths.
    pub team_slug: String,
    /// The team's name.
    pub team_name: String,
    /// Environments to start with: `Env 1`, `Env 2`, …
    pub environments: usize,
    /// Keys to start with: `Key 1`, `Key 2`, …, ingest and configuration in turn, spread over the environments (one is
    /// made if there is none).
    pub keys: usize,
    /// Waited before each request is carried out.
    pub latency: Duration,
    /// The budget of each collection, read and write; none is one too large to meet.
    pub rate_limit: Option<RateLimit>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// How open questions are read.
    pub switches: Switches,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            allow_remote: false,
            state: None,
            seed: 1,
            team_slug: "acme".to_owned(),
            team_name: "Acme".to_owned(),
            environments: 0,
            keys: 0,
            latency: Duration::ZERO,
            rate_limit: None,
            faults: Vec::new(),
            switches: Switches::default(),
            clock: Arc::new(SystemClock),
        }
    }
}

impl Options {
    /// Adds a fault, or sets a switch where the text begins with `switch:`: the value of one `--fault`.
    ///
    /// # Errors
    ///
    /// The text is no fault ([`Fault`]) and no switch ([`Switches::set`]).
    pub fn add_fault(&mut self, text: &str) -> Result<(), SpecError> {
        match text.strip_prefix("switch:") {
            Some(assignment) => self.switches.set(assignment),
            None => {
                self.faults.push(text.parse()?);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_adds_a_fault_or_sets_a_switch() {
        let mut options = Options::default();
        options.add_fault("switch:encode_brackets=true").unwrap();
        options.add_fault("drop-after:POST@1").unwrap();
        assert!(options.switches.encode_brackets);
        assert_eq!(options.faults.len(), 1);
        assert!(options.add_fault("switch:nothing=1").is_err());
        assert!(options.add_fault("nothing").is_err());
    }
}
