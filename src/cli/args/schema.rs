//! The words of `schema`.

use clap::{Args, ValueEnum};

/// `keycomb schema`
#[derive(Debug, Args)]
pub struct Schema {
    /// Which one
    #[arg(default_value = "config")]
    pub what: SchemaKind,
}

/// The published schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaKind {
    /// keycomb.toml
    Config,
    /// `plan --format json`
    Plan,
    /// `plan --out FILE`
    #[value(name = "saved_plan")]
    SavedPlan,
    /// `apply --format json`
    Report,
    /// `drift --format json`
    Drift,
    /// `drift --save-snapshot`
    Snapshot,
    /// `status --format json`
    Status,
    /// `secrets list --format json`
    Secrets,
    /// `secrets open --json`
    Secret,
    /// `check --format json`
    Check,
    /// `auth status --format json`
    Auth,
    /// `doctor --format json`
    Doctor,
    /// `import terraform --format json`
    Import,
    /// `rehearse --format json`
    Rehearsal,
    /// `scan --format json`
    Scan,
    /// `secrets verify --format json`
    Verification,
    /// `secrets rekey --format json`
    Rekeyed,
    /// `secrets prove --format json`
    Proofs,
    /// `undo --format json`, and .keycomb/runs/
    Runs,
}
