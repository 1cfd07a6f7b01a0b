//! An environment as the service has it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::EnvironmentId;

macro_rules! colors {
    ($($variant:ident = $text:literal,)*) => {
        /// An environment's colour (OpenAPI: `EnvironmentColor`).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[allow(missing_docs, reason = "the names are the colours")]
        pub enum Color {
            $(#[serde(rename = $text)] $variant,)*
            /// Read-only: the service's own mark of a Classic environment.
            #[serde(rename = "classic")]
            Classic,
        }

        impl Color {
            /// The colours that can be asked for.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name on the wire and in TOML.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* Self::Classic => "classic" }
            }
        }
    };
}

colors! {
    Blue = "blue", Green = "green", Gold = "gold", Red = "red", Purple = "purple",
    LightBlue = "lightBlue", LightGreen = "lightGreen", LightGold = "lightGold",
    LightRed = "lightRed", LightPurple = "lightPurple",
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Color {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().chain([Self::Classic]).find(|c| c.as_str() == text).ok_or(())
    }
}

/// The attributes of an environment that keycomb can manage. `None` is not managed, or not to be changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentAttributes {
    /// Up to 255 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Never [`Color::Classic`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    /// Whether the service refuses to delete it. The service makes every environment protected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_protected: Option<bool>,
}

impl EnvironmentAttributes {
    /// Whether no attribute is set.
    pub fn is_empty(&self) -> bool {
        let Self { description, color, delete_protected } = self;
        description.is_none() && color.is_none() && delete_protected.is_none()
    }
}

/// An environment as the service has it (OpenAPI: `Environment`). It has no timestamps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveEnvironment {
    /// The service's id.
    pub id: EnvironmentId,
    /// Up to 255 characters of anything: hostile text. Cannot be changed after creation.
    pub name: String,
    /// Made by the service from the name; never computed.
    pub slug: String,
    /// Hostile text; empty when there is none.
    pub description: String,
    /// `None` for a colour that keycomb does not know.
    pub color: Option<Color>,
    /// Whether the service refuses to delete it.
    pub delete_protected: bool,
}
