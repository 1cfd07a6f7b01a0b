//! When a call is tried again, and how long after.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use super::options::Patience;
use super::reason::Broken;
use crate::ports::Failure;

/// Which calls may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Twice is the same as once: GET, DELETE, PATCH of absolute values.
    Always,
    /// Only what was certainly not carried out: it never left, or was answered 429.
    NotDone,
    /// Never, whatever happened.
    Never,
}

impl Repeat {
    /// Whether trying again is allowed and may help.
    pub(super) fn allows(self, failure: &Failure) -> bool {
        match self {
            Self::Never => false,
            Self::NotDone => failure.is_not_done(),
            Self::Always => match failure {
                Failure::NotSent(_) | Failure::Unanswered(_) => true,
                Failure::Answered(answer) => answer.status == 429 || answer.status >= 500,
                Failure::Withheld | Failure::Unreadable { .. } => false,
            },
        }
    }
}

/// The tries that one call has left.
#[derive(Debug)]
pub(super) struct Tries {
    repeat: Repeat,
    delays: ExponentialBackoff,
    left: Duration,
}

impl Tries {
    /// `seed` is for the jitter.
    pub(super) fn new(repeat: Repeat, patience: &Patience, seed: u64) -> Self {
        let delays = ExponentialBuilder::new()
            .with_min_delay(patience.first_delay)
            .with_max_delay(patience.longest_delay)
            .with_max_times(patience.tries.saturating_sub(1))
            .with_jitter()
            .with_jitter_seed(seed)
            .build();
        Self { repeat, delays, left: patience.call }
    }

    /// After a try that took `spent`: how long to wait before the next one, `None` if there is none.
    pub(super) fn next(&mut self, broken: &Broken, spent: Duration) -> Option<Duration> {
        if broken.is_hopeless || !self.repeat.allows(&broken.failure) {
            return None;
        }
        let delay = self.delays.next()?;
        // After a 429 the service says when, and that wait is not counted.
        let cost = if broken.failure.status() == Some(429) { spent } else { spent + delay };
        self.left = self.left.checked_sub(cost)?;
        Some(delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Answer;

    fn answered(status: u16) -> Failure {
        Failure::Answered(Answer { status, code: None, message: String::new(), request_id: None })
    }

    fn broken(failure: Failure) -> Broken {
        Broken { failure, is_hopeless: false }
    }

    #[test]
    fn the_table_of_repeats() {
        use Repeat::{Always, Never, NotDone};
        let unreadable = Failure::Unreadable { status: 200, problem: String::new() };
        for (failure, always, not_done) in [
            (Failure::NotSent(String::new()), true, true),
            (Failure::Unanswered(String::new()), true, false),
            (answered(307), false, false),
            (answered(400), false, false),
            (answered(401), false, false),
            (answered(403), false, false),
            (answered(404), false, false),
            (answered(409), false, false),
            (answered(422), false, false),
            (answered(429), true, true),
            (answered(500), true, false),
            (answered(502), true, false),
            (answered(503), true, false),
            (answered(504), true, false),
            (unreadable, false, false),
        ] {
            assert_eq!(Always.allows(&failure), always, "{failure:?}");
            assert_eq!(NotDone.allows(&failure), not_done, "{failure:?}");
            assert!(!Never.allows(&failure), "{failure:?}");
        }
    }

    #[test]
    fn tries_and_time_are_bounded() {
        let patience = Patience::default();
        let again = |repeat| Tries::new(repeat, &patience, 7);
        let (mut quick, mut slow) = (again(Repeat::Always), again(Repeat::Always));
        let count = |tries: &mut Tries, spent| {
            std::iter::from_fn(|| tries.next(&broken(answered(503)), spent)).count()
        };
        assert_eq!(count(&mut quick, Duration::ZERO), 5);
        assert_eq!(count(&mut slow, Duration::from_secs(55)), 2);
    }

    #[test]
    fn delays_grow() {
        let mut tries = Tries::new(Repeat::Always, &Patience::default(), 7);
        let delays: Vec<_> =
            std::iter::from_fn(|| tries.next(&broken(answered(503)), Duration::ZERO)).collect();
        for (delay, floor) in delays.iter().zip([250, 500, 1000, 2000, 4000]) {
            assert!((floor..=2 * floor).contains(&(delay.as_millis() as u64)), "{delays:?}");
        }
    }

    #[test]
    fn a_certificate_is_not_asked_for_twice() {
        let mut tries = Tries::new(Repeat::Always, &Patience::default(), 7);
        let hopeless = Broken { is_hopeless: true, failure: Failure::NotSent(String::new()) };
        assert_eq!(tries.next(&hopeless, Duration::ZERO), None);
    }
}
