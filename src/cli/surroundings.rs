//! The real clock and real chance.

use std::future::Future;
use std::time::{Duration, Instant};

use super::interrupt::Interrupt;
use crate::model::{Lineage, Nonce, Timestamp};
use crate::ports::Surroundings;

/// The clocks of this machine and the randomness of its kernel.
#[derive(Debug)]
pub struct Real {
    start: Instant,
    interrupt: Interrupt,
}

impl Real {
    /// Takes the present as the start of the monotonic clock.
    pub fn new(interrupt: Interrupt) -> Self {
        Self { start: Instant::now(), interrupt }
    }
}

impl Surroundings for Real {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(time)
    }

    fn nonce(&self) -> Nonce {
        Nonce::from_random(random())
    }

    fn is_stopping(&self) -> bool {
        self.interrupt.is_raised()
    }

    fn stopped(&self) -> impl Future<Output = ()> + Send {
        self.interrupt.raised()
    }
}

/// A lineage that no other file has.
pub fn fresh_lineage() -> Lineage {
    Lineage::from_random(random())
}

/// A nonce that nobody else knows.
pub fn fresh_nonce() -> Nonce {
    Nonce::from_random(random())
}

#[expect(
    clippy::expect_used,
    reason = "without randomness nothing may be minted, and no error could be acted on"
)]
fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the kernel's randomness cannot be read");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lineages_and_nonces_are_fresh() {
        assert_ne!(fresh_lineage(), fresh_lineage());
        let real = Real::new(Interrupt::default());
        assert_ne!(real.nonce(), real.nonce());
    }
}
