//! Everything a running sandbox shares between its requests, behind one lock.

use std::collections::VecDeque;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::answer::Answer;
use super::armed::{Armed, Mishap};
use super::clock::Clock;
use super::lists::ListFaults;
use super::route::Route;
use super::service::{Incoming, Service};
use super::state;
use super::truth::Request;

/// The latest requests that are remembered; a sandbox that serves for days must not grow.
const REMEMBERED: usize = 100_000;

/// The sandbox as its tasks see it.
pub(super) struct Shared {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) latency: Duration,
    state: Option<PathBuf>,
    world: Mutex<World>,
}

/// What changes. Every request that is carried out holds the lock from its first check to the saved state, so that
/// changes follow one another.
pub(super) struct World {
    pub(super) service: Service,
    pub(super) armed: Armed,
    pub(super) requests: VecDeque<(u64, Request)>,
    arrived: u64,
    stopped: bool,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("state", &self.state)
            .field("latency", &self.latency)
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn new(
        service: Service,
        armed: Armed,
        clock: Arc<dyn Clock>,
        latency: Duration,
        state: Option<PathBuf>,
    ) -> Self {
        let world = World { service, armed, requests: VecDeque::new(), arrived: 0, stopped: false };
        Self { clock, latency, state, world: Mutex::new(world) }
    }

    /// The lock. A panic while it was held is a bug that shows itself elsewhere.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing is carried out from here on.
    pub(super) fn stop(&self) {
        self.world().stopped = true;
    }

    /// Notes that a request came, and which faults it meets.
    pub(super) fn arrive(&self, incoming: &Incoming) -> (u64, Mishap) {
        let mut world = self.world();
        let request = Request { method: incoming.method.to_string(), path: incoming.target(), status: 0 };
        world.arrived += 1;
        let number = world.arrived;
        world.requests.push_back((number, request));
        if world.requests.len() > REMEMBERED {
            world.requests.pop_front();
        }
        let mishap = Route::parse(&incoming.path).map(|route| {
            let is_list = route.is_collection() && incoming.method == axum::http::Method::GET;
            world.armed.meet(&incoming.method, route.collection(), is_list)
        });
        (number, mishap.unwrap_or_default())
    }

    /// Notes what a request was answered.
    pub(super) fn answered(&self, number: u64, status: u16) {
        let mut world = self.world();
        if let Some((_, request)) = world.requests.iter_mut().rev().find(|(other, _)| *other == number) {
            request.status = status;
        }
    }

    /// Carries a request out and saves what it changed, before anyone sees the answer. None once stopped.
    pub(super) fn carry_out(&self, incoming: &Incoming, faults: &ListFaults) -> Option<Answer> {
        let mut world = self.world();
        if world.stopped {
            return None;
        }
        let before = world.service.store.revision;
        let answer = world.service.answer(incoming, faults, self.clock.now());
        if world.service.store.revision != before && self.save(&world).is_err() {
            return Some(world.service.internal("the sandbox cannot write its state file"));
        }
        Some(answer)
    }

    /// Writes the state file, if there is to be one.
    pub(super) fn save(&self, world: &World) -> std::io::Result<()> {
        self.state.as_ref().map_or(Ok(()), |path| state::save(path, &world.service.store))
    }
}
