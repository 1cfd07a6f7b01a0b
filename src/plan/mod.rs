//! Decides: (`Desired`, `Live`, sealed, policy, now) to `Plan`. Synchronous and pure.
//!
//! What is shown and what is done are two readers of the same [`Plan`].

mod value;

pub use value::{
    Action, Blocked, Change, EnvironmentRef, Finding, FindingKind, Header, MintKey, Plan, Reason, ReasonCode,
    Remembered, SecretEffect, Severity, Step, Summary, Undo, Verb,
};
