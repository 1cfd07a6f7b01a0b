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

    #[expect(clippy::expect_used, reason = "16 characters of the alphabet are a nonce")]
    fn nonce(&self) -> Nonce {
        Nonce::new(random_text()).expect("16 characters of the alphabet")
    }

    fn is_stopping(&self) -> bool {
        self.interrupt.is_raised()
    }
}

/// A lineage that no other file has.
#[expect(clippy::expect_used, reason = "16 characters of the alphabet are a lineage")]
pub fn fresh_lineage() -> Lineage {
    Lineage::new(random_text()).expect("16 characters of the alphabet")
}

/// 80 random bits as 16 characters of lower-case Crockford base32.
#[expect(
    clippy::expect_used,
    reason = "without randomness nothing may be minted, and no error could be acted on"
)]
fn random_text() -> String {
    const ALPHABET: [char; 32] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'j', 'k',
        'm', 'n', 'p', 'q', 'r', 's', 't', 'v', 'w', 'x', 'y', 'z',
    ];
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).expect("the kernel's randomness cannot be read");
    bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 31))).collect()
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
