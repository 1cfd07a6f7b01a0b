//! Tells somebody how far an apply is.

use crate::plan::Action;
use crate::report::Became;

/// Is told of each action's begin and end, but for blocked ones; for a bar or a log. Must not block.
pub trait Progress: Sync {
    /// The first request of an action is about to be sent.
    fn started(&self, action: &Action);
    /// An action has its outcome. Also called for those that were never started.
    fn finished(&self, action: &Action, became: &Became);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn started(&self, _: &Action) {}
    fn finished(&self, _: &Action, _: &Became) {}
}
