//! The bar on stderr while an apply works; on terminals only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::Output;
use crate::apply::Progress;
use crate::plan::Action;
use crate::report::Became;

/// A bar that counts actions and names the one begun last.
pub struct Bar(ProgressBar);

impl Bar {
    /// A bar for so many actions; hidden where stderr is no terminal.
    pub fn new(actions: usize, output: &Output) -> Self {
        let bar = ProgressBar::new(u64::try_from(actions).unwrap_or(u64::MAX));
        if !output.stderr_terminal {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        if let Ok(style) = ProgressStyle::with_template("{spinner} {pos}/{len} {wide_msg}") {
            bar.set_style(if output.unicode { style } else { style.tick_chars("-\\|/ ") });
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    /// Counts one that has no name.
    pub fn one_more(&self) {
        self.0.inc(1);
    }

    /// Clears it.
    pub fn end(&self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Bar {
    fn started(&self, action: &Action) {
        tracing::info!(verb = action.verb.as_str(), address = %action.address, "begun");
        self.0.set_message(format!("{} {}", action.verb.as_str(), action.address));
    }

    fn finished(&self, action: &Action, became: &Became) {
        let ended = match became {
            Became::Done { .. } => "done",
            Became::Staged { .. } => "staged",
            Became::Failed { .. } => "failed",
            Became::Left { .. } | Became::NotStarted { .. } => "not started",
            Became::InDoubt { .. } => "in doubt",
            Became::Blocked => "blocked",
        };
        tracing::info!(verb = action.verb.as_str(), address = %action.address, "{ended}");
        self.0.inc(1);
    }
}
