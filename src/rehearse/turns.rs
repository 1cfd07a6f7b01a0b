//! One call at a time, in an order that the seed decides: whoever waits may be next.

use std::sync::{Mutex, MutexGuard, PoisonError};

use fastrand::Rng;
use tokio::sync::oneshot;

/// Lets one through at a time.
pub(super) struct Turns(Mutex<Queue>);

struct Queue {
    is_taken: bool,
    waiting: Vec<oneshot::Sender<()>>,
    chance: Rng,
}

/// Leave to make one call; the next one goes when this is dropped.
pub(super) struct Turn<'a>(&'a Turns);

/// A place in the queue. Given up, it takes no turn with it.
struct Place<'a> {
    turns: &'a Turns,
    called: oneshot::Receiver<()>,
    is_over: bool,
}

impl Turns {
    pub(super) fn new(chance: Rng) -> Self {
        Self(Mutex::new(Queue { is_taken: false, waiting: vec![], chance }))
    }

    /// Waits for a turn.
    pub(super) async fn take(&self) -> Turn<'_> {
        if let Some(mut place) = self.queue_up() {
            // The queue keeps the other end until it calls.
            let _ = (&mut place.called).await;
            place.is_over = true;
        }
        Turn(self)
    }

    fn queue_up(&self) -> Option<Place<'_>> {
        let mut queue = self.queue();
        if !std::mem::replace(&mut queue.is_taken, true) {
            return None;
        }
        let (call, called) = oneshot::channel();
        queue.waiting.push(call);
        Some(Place { turns: self, called, is_over: false })
    }

    fn pass_on(&self) {
        let mut queue = self.queue();
        while !queue.waiting.is_empty() {
            let number = queue.waiting.len();
            let next = queue.chance.usize(..number);
            // Who gave up does not answer.
            if queue.waiting.swap_remove(next).send(()).is_ok() {
                return;
            }
        }
        queue.is_taken = false;
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.pass_on();
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.is_over && self.called.try_recv().is_ok() {
            self.turns.pass_on();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_at_a_time_and_nobody_who_gives_up_takes_a_turn_along() {
        let turns = Turns::new(Rng::with_seed(1));
        let inside = Mutex::new(0);
        let visit = async |time| {
            let _turn = turns.take().await;
            *inside.lock().unwrap() += 1;
            assert_eq!(*inside.lock().unwrap(), 1);
            tokio::time::sleep(Duration::from_secs(time)).await;
            *inside.lock().unwrap() -= 1;
        };
        let impatient = tokio::time::timeout(Duration::from_secs(2), async { drop(turns.take().await) });
        tokio::join!(visit(1), visit(5), visit(1), async { drop(impatient.await) });
        // A place that was called and is dropped before it looks.
        let turn = turns.take().await;
        let place = turns.queue_up().unwrap();
        drop(turn);
        drop(place);
        visit(1).await;
    }
}
