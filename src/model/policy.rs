//! What keycomb may do on its own.

/// What to say about keys and environments nobody declared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unmanaged {
    /// Nothing.
    Ignore,
    /// A finding.
    #[default]
    Report,
    /// A finding, and the plan refuses (exit 5).
    Fail,
}

/// What to do with a managed key that the service no longer has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnMissing {
    /// A finding and a blocked action.
    #[default]
    Stop,
    /// Make it again, with a new secret.
    Recreate,
}

/// How many actions of one kind a single apply may take. Both bounds hold where both are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// At most so many.
    pub count: Option<u32>,
    /// At most so many of 100 managed keys, rounded down.
    pub percent: Option<u8>,
}

/// The `[policy]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Keys and environments nobody declared.
    pub unmanaged: Unmanaged,
    /// Managed keys that are gone.
    pub on_missing: OnMissing,
    /// Keys and environments deleted.
    pub delete: Limit,
    /// Keys disabled.
    pub disable: Limit,
    /// Keys replaced.
    pub replace: Limit,
}

impl Default for Policy {
    fn default() -> Self {
        let limit = |count| Limit { count: Some(count), percent: None };
        Self {
            unmanaged: Unmanaged::default(),
            on_missing: OnMissing::default(),
            delete: limit(5),
            disable: limit(10),
            replace: limit(10),
        }
    }
}
