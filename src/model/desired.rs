//! What the files say, with defaults filled in and references resolved.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{
    Address, Endpoint, EnvironmentAttributes, ExternalKey, IgnoreRule, KeyType, Label, Period, Permission,
    Policy, Recipient, TeamSlug, Window,
};

/// Where in the files something is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The file, relative to the main configuration file's folder.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// One team's declared state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// The team that the credential must belong to.
    pub team: TeamSlug,
    /// Where the service is.
    pub endpoint: Endpoint,
    /// The sealed file and who can open it.
    pub seal: SealSettings,
    /// What keycomb may do on its own.
    pub policy: Policy,
    /// `[defaults.key].quarantine`: for keys that are no longer declared and whose record has none.
    pub quarantine: Period,
    /// By label, in file order.
    pub environments: IndexMap<Label, DesiredEnvironment>,
    /// By address (always [`Address::Key`]), in file order, `environments` fanned out.
    pub keys: IndexMap<Address, DesiredKey>,
    /// Keys that are only watched, by label, in file order.
    pub external_keys: IndexMap<Label, ExternalKey>,
    /// Drift that is lived with, in file order.
    pub ignore: Vec<IgnoreRule>,
}

/// The `[seal]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealSettings {
    /// The sealed file, relative to the configuration's folder.
    pub file: String,
    /// All recipients by name, in file order; never empty when keys are declared.
    pub recipients: IndexMap<String, Recipient>,
    /// The recipients of single environments, by label; names of `recipients`, never empty.
    pub environments: IndexMap<Label, Vec<String>>,
    /// No key is made whose secret fewer proven recipients could open; 0: whoever they are.
    pub min_proven: u32,
}

impl SealSettings {
    /// Who may open the secrets of one environment's keys: (name, recipient), in file order.
    pub fn recipients_of(&self, environment: &Label) -> Vec<(&str, &Recipient)> {
        let chosen = self.environments.get(environment);
        let is_chosen = |name: &String| chosen.is_none_or(|names| names.contains(name));
        self.recipients
            .iter()
            .filter(|(name, _)| is_chosen(name))
            .map(|(name, recipient)| (name.as_str(), recipient))
            .collect()
    }
}

/// A declared environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredEnvironment {
    /// Its label.
    pub label: Label,
    /// Its name at the service: 1 to 255 characters, immutable there.
    pub name: String,
    /// What is managed of it.
    pub attributes: EnvironmentAttributes,
    /// Looked up by name; never created, changed or deleted.
    pub reference: bool,
    /// The label it had before.
    pub moved_from: Option<Label>,
    /// Where it is declared.
    pub origin: Origin,
}

impl DesiredEnvironment {
    /// Its address.
    pub fn address(&self) -> Address {
        Address::Environment(self.label.clone())
    }
}

/// A declared key, in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredKey {
    /// Its address; the environment in it is declared.
    pub address: Address,
    /// The address it had before, in the same environment.
    pub moved_from: Option<Address>,
    /// Cannot change in place.
    pub key_type: KeyType,
    /// Its name at the service: 1 to 100 characters.
    pub name: String,
    /// What is granted; everything else is managed as not granted.
    pub permissions: BTreeSet<Permission>,
    /// Whether its credential shall work.
    pub enabled: bool,
    /// For people; never sent to the service.
    pub owner: Option<String>,
    /// For people; never sent to the service.
    pub purpose: Option<String>,
    /// For people; never sent to the service.
    pub consumers: Vec<String>,
    /// Refuses delete and disable.
    pub protected: bool,
    /// When its secret is due for a new one.
    pub rotate: Option<Rotation>,
    /// How long it stays disabled before it is deleted.
    pub quarantine: Period,
    /// Where it is declared.
    pub origin: Origin,
    /// Where single attributes are written, by their TOML key; an attribute left out is not in it.
    pub attribute_origins: IndexMap<String, Origin>,
}

/// `rotate = { every = "90d", overlap = "7d" }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The age at which a successor is due.
    pub every: Period,
    /// How long both work.
    pub overlap: Period,
    /// When a due successor is made and the old key disabled; `None`: at any time.
    pub window: Option<Window>,
}
