//! What a key may do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::KeyType;

macro_rules! permissions {
    ($($variant:ident = $text:literal, $doc:literal;)*) => {
        /// A permission, by the service's own name (OpenAPI: `ConfigurationKeyAttributes`).
        ///
        /// The service ignores names it does not know, so a typo would make a key without rights:
        /// this list is closed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Permission {
            $(#[doc = $doc] #[serde(rename = $text)] $variant,)*
        }

        impl Permission {
            /// All permissions, in the service's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name on the wire and in TOML.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

permissions! {
    CreateDatasets = "create_datasets", "Create datasets; the only permission of an ingest key.";
    SendEvents = "send_events", "Send events.";
    ManageMarkers = "manage_markers", "Manage markers.";
    ManageTriggers = "manage_triggers", "Manage triggers.";
    ManageBoards = "manage_boards", "Manage public boards.";
    RunQueries = "run_queries", "Run queries.";
    ManageColumns = "manage_columns", "Manage queries and columns.";
    ManageSlos = "manage_slos", "Manage SLOs and burn alerts.";
    ManageRecipients = "manage_recipients", "Manage recipients, which the whole team shares.";
    ManageSignals = "manage_signals", "Manage signals; not in the PATCH schema, so verify after a change.";
    ManagePrivateBoards = "manage_privateBoards", "Manage private boards (the service spells it so).";
    ReadServiceMaps = "read_service_maps", "Read service maps (Enterprise).";
    VisibleTeamMembers = "visible_team_members", "Not a right: whether members who are no owners see the token in the UI.";
}

impl Permission {
    /// Whether a key of this type can have it. An ingest key only knows `create_datasets`.
    pub fn fits(self, key_type: KeyType) -> bool {
        match key_type {
            KeyType::Configuration => true,
            KeyType::Ingest => self == Self::CreateDatasets,
        }
    }

    /// The permissions that a key of this type has, in the service's order.
    pub fn of(key_type: KeyType) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |p| p.fits(key_type))
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Permission {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|p| p.as_str() == text).ok_or(())
    }
}
