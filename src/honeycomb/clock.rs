//! The service's clock, as far as its answers tell.

use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use jiff::SignedDuration;
use tokio::time::Instant;

use crate::model::Timestamp;

/// The last `Date` that the service sent, carried on by the local monotonic clock.
#[derive(Debug, Default)]
pub(super) struct ServiceClock(Mutex<Option<(Timestamp, Instant)>>);

impl ServiceClock {
    /// Takes over a `Date` that has just arrived. One that is no instant is ignored.
    pub(super) fn set(&self, date: SystemTime, arrived: Instant) {
        if let Ok(date) = Timestamp::try_from(date) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((date, arrived));
        }
    }

    /// What the service's clock shows; `None` before the first answer.
    pub(super) fn now(&self) -> Option<Timestamp> {
        let (date, arrived) = (*self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        let passed = SignedDuration::try_from(arrived.elapsed()).ok()?;
        date.checked_add(passed).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_last_date_is_carried_on() {
        let clock = ServiceClock::default();
        assert_eq!(clock.now(), None);
        let date = httpdate::parse_http_date("Fri, 22 Mar 2024 18:37:53 GMT").unwrap();
        clock.set(date, Instant::now());
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(clock.now().unwrap().to_string(), "2024-03-22T18:38:02Z");
    }
}
