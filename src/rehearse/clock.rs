//! Time in a rehearsal: tokio's, which stands still while anything can be done and then jumps to the next thing that
//! waits; and now and then further ahead, when the machine sleeps.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::Timestamp;
use crate::sandbox;

/// The service's clock. Only within a runtime.
#[derive(Debug)]
pub(super) struct Clock {
    start: Timestamp,
    begun: Instant,
    ahead: Mutex<Duration>,
}

impl Clock {
    /// Shows `start`.
    pub(super) fn new(start: Timestamp) -> Self {
        Self { start, begun: Instant::now(), ahead: Mutex::default() }
    }

    /// Time that passes for everybody but the monotonic clock: the machine sleeps.
    pub(super) fn jump(&self, time: Duration) {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) += time;
    }

    /// Whether the machine ever slept.
    pub(super) fn has_jumped(&self) -> bool {
        !self.ahead.lock().unwrap_or_else(PoisonError::into_inner).is_zero()
    }

    /// Since the start, by the clock that stands still in sleep.
    pub(super) fn monotonic(&self) -> Duration {
        self.begun.elapsed()
    }
}

impl sandbox::Clock for Clock {
    fn now(&self) -> Timestamp {
        let ahead = *self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        self.start.checked_add(self.begun.elapsed() + ahead).unwrap_or(self.start)
    }
}
