//! The life of one process: how many calls and disk operations it makes, and where it ends.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Where a process is killed. Calls and operations count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Death {
    /// Nothing of the call is sent.
    BeforeCall(u64),
    /// The call is answered, and nobody hears it.
    AfterCall(u64),
    /// In a disk operation; of what is written, the first half is.
    AtDisk(u64),
}

/// One process.
#[derive(Default)]
pub(super) struct Life {
    counts: Mutex<Counts>,
    death: Option<Death>,
    /// The call from which on somebody asks to stop.
    stop_at: Option<u64>,
    died: Notify,
}

#[derive(Default)]
struct Counts {
    calls: u64,
    writes: u64,
    operations: u64,
    is_dead: bool,
}

impl Life {
    pub(super) fn new(death: Option<Death>, stop_at: Option<u64>) -> Self {
        Self { death, stop_at, ..Self::default() }
    }

    /// Counts a call, which dies here if it is to: its number.
    pub(super) fn call(&self, is_write: bool) -> u64 {
        let mut counts = self.counts();
        counts.calls += 1;
        counts.writes += u64::from(is_write);
        let number = counts.calls;
        drop(counts);
        if self.death == Some(Death::BeforeCall(number)) {
            self.die();
        }
        number
    }

    /// A call was answered.
    pub(super) fn answered(&self, number: u64) {
        if self.death == Some(Death::AfterCall(number)) {
            self.die();
        }
    }

    /// Counts an operation of the disk: its number.
    pub(super) fn operation(&self) -> u64 {
        let mut counts = self.counts();
        counts.operations += 1;
        let number = counts.operations;
        drop(counts);
        if self.death == Some(Death::AtDisk(number)) {
            self.die();
        }
        number
    }

    fn die(&self) {
        self.counts().is_dead = true;
        self.died.notify_one();
    }

    pub(super) fn is_dead(&self) -> bool {
        self.counts().is_dead
    }

    /// Until it dies.
    pub(super) async fn death(&self) {
        while !self.is_dead() {
            self.died.notified().await;
        }
    }

    /// Whether somebody asked to stop.
    pub(super) fn is_stopping(&self) -> bool {
        let calls = self.counts().calls;
        self.stop_at.is_some_and(|at| calls >= at)
    }

    /// (calls, those of them that write)
    pub(super) fn calls(&self) -> (u64, u64) {
        let counts = self.counts();
        (counts.calls, counts.writes)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
