//! Holds calls back until the service's budgets allow them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::budget::{Budget, Decision, End};
use super::options::{BudgetLeft, Collection, Notice, Why};
use crate::ports::Gate;

/// Shorter waits are not worth a word.
const WORTH_SAYING: Duration = Duration::from_secs(1);

/// How often a call that waits looks at its gate.
const GLANCE: Duration = Duration::from_millis(200);

/// Budgets are kept apart by collection, and for reading and writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Lane {
    pub(super) collection: Collection,
    pub(super) is_write: bool,
}

/// All budgets of one team.
pub(super) struct Pacer {
    budgets: Mutex<HashMap<Lane, Account>>,
    changed: Notify,
    notice: Arc<dyn Fn(Notice) + Send + Sync>,
}

#[derive(Default)]
struct Account {
    budget: Budget,
    /// The wait that was announced last: many callers wait for one window.
    announced: Option<Instant>,
}

impl Pacer {
    pub(super) fn new(notice: Arc<dyn Fn(Notice) + Send + Sync>) -> Self {
        Self { budgets: Mutex::default(), changed: Notify::new(), notice }
    }

    /// Waits until a call may be sent in this lane; `None` when its gate is closed by then.
    pub(super) async fn reserve(&self, lane: Lane, gate: Gate<'_>) -> Option<Ticket<'_>> {
        loop {
            // Made before the budget is asked: it hears of every answer from here on.
            let changed = self.changed.notified();
            // Looked at together with the budget, so that nothing comes between it and the sending.
            if !gate() {
                return None;
            }
            let glance = Instant::now() + GLANCE;
            let until = match self.ask(lane) {
                Decision::Go => return Some(Ticket { pacer: self, lane, is_open: true }),
                Decision::Answer => glance,
                Decision::Until(until, why) => {
                    self.announce(lane, why, until);
                    until.min(glance)
                }
            };
            let _ = tokio::time::timeout_at(until, changed).await;
        }
    }

    /// Nothing goes in this lane for so long.
    pub(super) fn pause(&self, lane: Lane, time: Duration) {
        self.accounts().entry(lane).or_default().budget.pause(Instant::now() + time);
        self.changed.notify_waiters();
    }

    /// Waits between two tries, and says so; no longer than the gate is open.
    pub(super) async fn rest(&self, lane: Lane, time: Duration, gate: Gate<'_>) {
        self.say(lane, Why::Retry, time);
        let end = Instant::now() + time;
        while gate() && Instant::now() < end {
            tokio::time::sleep_until(end.min(Instant::now() + GLANCE)).await;
        }
    }

    /// What is left for reading, as far as answers have told; by collection.
    pub(super) fn left(&self) -> Vec<BudgetLeft> {
        let now = Instant::now();
        let of = |(lane, account): (&Lane, &Account)| {
            let (remaining, limit, ends_in) = account.budget.left(now)?;
            Some(BudgetLeft { collection: lane.collection, remaining, limit, ends_in })
        };
        let accounts = self.accounts();
        let mut left: Vec<_> = accounts.iter().filter(|(lane, _)| !lane.is_write).filter_map(of).collect();
        left.sort_by_key(|budget| budget.collection.to_string());
        left
    }

    fn ask(&self, lane: Lane) -> Decision {
        self.accounts().entry(lane).or_default().budget.ask(Instant::now())
    }

    fn end(&self, lane: Lane, end: End<'_>) {
        self.accounts().entry(lane).or_default().budget.end(end);
        self.changed.notify_waiters();
    }

    fn announce(&self, lane: Lane, why: Why, until: Instant) {
        let before = self.accounts().entry(lane).or_default().announced.replace(until);
        if before != Some(until) {
            self.say(lane, why, until.saturating_duration_since(Instant::now()));
        }
    }

    fn say(&self, lane: Lane, why: Why, time: Duration) {
        tracing::debug!(collection = %lane.collection, ?why, ms = time.as_millis(), "waiting");
        if time >= WORTH_SAYING {
            (self.notice)(Notice::Waiting { collection: lane.collection, why, time });
        }
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<Lane, Account>> {
        self.budgets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leave to send one call. Dropped without [`Ticket::end`], the call counts as sent.
pub(super) struct Ticket<'a> {
    pacer: &'a Pacer,
    lane: Lane,
    is_open: bool,
}

impl Ticket<'_> {
    /// Says how the call ended.
    pub(super) fn end(mut self, end: End<'_>) {
        self.is_open = false;
        self.pacer.end(self.lane, end);
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if self.is_open {
            self.pacer.end(self.lane, End::Lost);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::super::limits::Limits;
    use super::*;
    use crate::ports::OPEN;

    const READ: Lane = Lane { collection: Collection::Keys, is_write: false };
    const WRITE: Lane = Lane { collection: Collection::Keys, is_write: true };

    fn pacer() -> (Arc<Pacer>, Arc<Mutex<Vec<Notice>>>) {
        let said = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&said);
        (Arc::new(Pacer::new(Arc::new(move |notice| notes.lock().unwrap().push(notice)))), said)
    }

    /// A service with fixed windows that start when the process does.
    struct Service {
        start: Instant,
        limit: u64,
        window: u64,
        counts: Mutex<HashMap<u64, u64>>,
        refused: AtomicU64,
    }

    impl Service {
        async fn call(&self, pacer: &Pacer, lag: Duration) {
            let ticket = pacer.reserve(READ, OPEN).await.unwrap();
            let sent = Instant::now();
            tokio::time::sleep(lag).await;
            let limits = self.count();
            tokio::time::sleep(lag).await;
            let received = Instant::now();
            ticket.end(End::Answered { sent, received, is_success: true, limits: Some(&limits) });
        }

        fn count(&self) -> Limits {
            let passed = self.start.elapsed().as_millis() as u64;
            let window = self.window * 1000;
            let mut counts = self.counts.lock().unwrap();
            let count = counts.entry(passed / window).or_default();
            *count += 1;
            if *count > self.limit {
                self.refused.fetch_add(1, Ordering::Relaxed);
            }
            Limits {
                limit: Some(self.limit),
                remaining: self.limit.saturating_sub(*count),
                reset: Duration::from_secs((window - passed % window) / 1000),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn many_callers_never_overrun_a_window() {
        let (pacer, said) = pacer();
        let service = Arc::new(Service {
            start: Instant::now(),
            limit: 100,
            window: 60,
            counts: Mutex::default(),
            refused: AtomicU64::default(),
        });
        let callers: Vec<_> = (0..8)
            .map(|caller| {
                let (pacer, service) = (Arc::clone(&pacer), Arc::clone(&service));
                tokio::spawn(async move {
                    for call in 0..60 {
                        service
                            .call(&pacer, Duration::from_millis(10 + (caller * 37 + call * 11) % 300))
                            .await;
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.unwrap();
        }
        assert_eq!(service.refused.load(Ordering::Relaxed), 0);
        // 480 calls at 100 a minute: four full windows, and the rest in the fifth.
        assert!(service.start.elapsed() < Duration::from_secs(4 * 61 + 30), "{:?}", service.start.elapsed());
        let said = said.lock().unwrap();
        assert_eq!(said.len(), 4, "{said:?}");
        assert!(matches!(said[0], Notice::Waiting { why: Why::Budget, collection: Collection::Keys, .. }));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_one_lane_and_is_said_once() {
        let (pacer, said) = pacer();
        let start = Instant::now();
        pacer.pause(WRITE, Duration::from_secs(30));
        drop(pacer.reserve(READ, OPEN).await);
        assert_eq!(start.elapsed(), Duration::ZERO);
        let (first, second) = tokio::join!(pacer.reserve(WRITE, OPEN), pacer.reserve(WRITE, OPEN));
        drop((first, second));
        assert!(start.elapsed() >= Duration::from_secs(30));
        assert_eq!(
            *said.lock().unwrap(),
            [Notice::Waiting {
                collection: Collection::Keys,
                why: Why::RateLimited,
                time: Duration::from_secs(30)
            }]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_call_gives_its_place_back() {
        let (pacer, _) = pacer();
        for _ in 0..20 {
            drop(pacer.reserve(READ, OPEN).await);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_gate_that_closes_ends_every_wait() {
        let (pacer, _) = pacer();
        let start = Instant::now();
        let gate = || start.elapsed() < Duration::from_secs(7);
        let is_soon = || (7_000..=7_250).contains(&(start.elapsed().as_millis() as u64));
        // For another call's answer.
        let mut tickets = vec![];
        while tickets.len() < 4 {
            tickets.push(pacer.reserve(READ, OPEN).await);
        }
        pacer.pause(WRITE, Duration::from_secs(60));
        let (answer, paused, ()) = tokio::join!(
            pacer.reserve(READ, &gate),
            pacer.reserve(WRITE, &gate),
            pacer.rest(READ, Duration::from_secs(60), &gate)
        );
        assert!(answer.is_none() && paused.is_none() && is_soon(), "{:?}", start.elapsed());
        // Who leaves takes nothing along.
        drop(tickets);
        assert!(pacer.reserve(READ, OPEN).await.is_some());
        assert!(pacer.reserve(READ, &|| false).await.is_none());
        assert!(is_soon());
    }

    #[tokio::test(start_paused = true)]
    async fn looking_at_the_gate_costs_no_time() {
        let (pacer, _) = pacer();
        let start = Instant::now();
        pacer.pause(WRITE, Duration::from_millis(950));
        assert!(pacer.reserve(WRITE, OPEN).await.is_some());
        assert_eq!(start.elapsed().as_millis(), 950);
        pacer.rest(WRITE, Duration::from_millis(950), OPEN).await;
        assert_eq!(start.elapsed().as_millis(), 1900);
    }
}
