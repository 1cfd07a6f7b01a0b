//! What may be sent within one rate-limit window: a pure account, told the time.
//!
//! The service counts in fixed windows and says after each call how much is left and, in whole seconds, when the
//! window ends. So the end is known as an interval, which the answers narrow down; a wait lasts to its later edge.

use std::time::Duration;

use tokio::time::Instant;

use super::limits::Limits;
use super::options::Why;

/// So many calls may be under way before the first answer tells the budget.
const BLIND: u32 = 4;

/// The budget of one collection for reading, or for writing.
#[derive(Debug, Default)]
pub(super) struct Budget {
    known: Known,
    limit: Option<u64>,
    in_flight: u32,
    not_before: Option<Instant>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// No answer in this window yet.
    #[default]
    Nothing,
    /// The service tells no limits here.
    Unlimited,
    /// As of the latest answer: calls left, and the window's end between two instants.
    Window { remaining: u64, earliest: Instant, latest: Instant },
}

/// Whether a call may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// It may, and is counted as under way.
    Go,
    /// Not before this instant. Another call's answer may change that.
    Until(Instant, Why),
    /// Not before another call's answer.
    Answer,
}

/// How a call that was under way ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum End<'a> {
    /// It was answered, with limits or without.
    Answered { sent: Instant, received: Instant, is_success: bool, limits: Option<&'a Limits> },
    /// Nothing reached the service.
    Unsent,
    /// Nobody knows.
    Lost,
}

impl Budget {
    /// Asks to send one call. What `Go` allows must be given back with [`Budget::end`].
    pub(super) fn ask(&mut self, now: Instant) -> Decision {
        if let Some(until) = self.not_before {
            if now < until {
                return Decision::Until(until, Why::RateLimited);
            }
            self.not_before = None;
        }
        if matches!(self.known, Known::Window { latest, .. } if now >= latest) {
            self.known = Known::Nothing;
        }
        match self.known {
            Known::Unlimited => {}
            Known::Nothing if u64::from(self.in_flight) < self.blind() => {}
            // What is under way may not be in `remaining` yet.
            Known::Window { remaining, .. } if remaining > u64::from(self.in_flight) => {}
            Known::Window { latest, .. } if self.in_flight == 0 => {
                return Decision::Until(latest, Why::Budget);
            }
            Known::Nothing | Known::Window { .. } => return Decision::Answer,
        }
        self.in_flight += 1;
        Decision::Go
    }

    /// What is left in the window that is known: (calls, of how many, for how long).
    pub(super) fn left(&self, now: Instant) -> Option<(u64, Option<u64>, Duration)> {
        match self.known {
            Known::Window { remaining, latest, .. } if now < latest => {
                Some((remaining, self.limit, latest.saturating_duration_since(now)))
            }
            _ => None,
        }
    }

    fn blind(&self) -> u64 {
        self.limit.map_or(u64::from(BLIND), |limit| limit.clamp(1, BLIND.into()))
    }

    /// Gives back what `Go` allowed.
    pub(super) fn end(&mut self, end: End<'_>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        match end {
            End::Answered { sent, received, limits: Some(limits), .. } => self.learn(sent, received, limits),
            End::Answered { is_success: true, limits: None, .. } if self.known == Known::Nothing => {
                self.known = Known::Unlimited;
            }
            // Answers to 401, 403 and 5xx tell no limits, but may have counted (Honeycomb docs: api/rate-limit).
            End::Answered { .. } | End::Lost => self.spend_one(),
            End::Unsent => {}
        }
    }

    /// Nothing goes before `until`: the service said so.
    pub(super) fn pause(&mut self, until: Instant) {
        self.not_before = self.not_before.max(Some(until));
    }

    fn spend_one(&mut self) {
        if let Known::Window { remaining, .. } = &mut self.known {
            *remaining = remaining.saturating_sub(1);
        }
    }

    fn learn(&mut self, sent: Instant, received: Instant, limits: &Limits) {
        self.limit = limits.limit.or(self.limit);
        let told = limits.remaining;
        let (lower, upper) = (sent + limits.reset, received + limits.reset + Duration::from_secs(1));
        self.known = match self.known {
            // An answer of the window before, overtaken by one of this window.
            Known::Window { earliest, .. } if upper < earliest => return,
            // The same window: answers overtake each other, and within a window the count only falls.
            Known::Window { remaining, earliest, latest } if lower <= latest => Known::Window {
                remaining: remaining.min(told),
                earliest: earliest.max(lower),
                latest: latest.min(upper),
            },
            Known::Nothing | Known::Unlimited | Known::Window { .. } => {
                Known::Window { remaining: told, earliest: lower, latest: upper }
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAG: Duration = Duration::from_millis(50);

    fn limits(remaining: u64, reset: u64) -> Limits {
        Limits { limit: Some(100), remaining, reset: Duration::from_secs(reset) }
    }

    fn answered(budget: &mut Budget, at: Instant, limits: Option<&Limits>) {
        budget.end(End::Answered { sent: at, received: at + LAG, is_success: true, limits });
    }

    #[test]
    fn a_spent_budget_waits_for_the_window_and_no_longer() {
        let (mut budget, start) = (Budget::default(), Instant::now());
        for left in (0..100).rev() {
            assert_eq!(budget.ask(start), Decision::Go, "{left}");
            answered(&mut budget, start, Some(&limits(left, 54)));
        }
        let end = start + LAG + Duration::from_secs(55);
        assert_eq!(budget.ask(start), Decision::Until(end, Why::Budget));
        assert_eq!(budget.ask(end), Decision::Go);
    }

    #[test]
    fn a_few_go_blind_and_the_rest_wait_for_an_answer() {
        let (mut budget, start) = (Budget::default(), Instant::now());
        for _ in 0..BLIND {
            assert_eq!(budget.ask(start), Decision::Go);
        }
        assert_eq!(budget.ask(start), Decision::Answer);
        answered(&mut budget, start, Some(&limits(3, 10)));
        // Three are under way and may not be counted in what is left.
        assert_eq!(budget.ask(start), Decision::Answer);
        answered(&mut budget, start, Some(&limits(3, 10)));
        assert_eq!(budget.ask(start), Decision::Go);
    }

    #[test]
    fn without_limits_everything_goes() {
        let (mut budget, start) = (Budget::default(), Instant::now());
        assert_eq!(budget.ask(start), Decision::Go);
        answered(&mut budget, start, None);
        for _ in 0..100 {
            assert_eq!(budget.ask(start), Decision::Go);
        }
    }

    #[test]
    fn answers_that_overtake_each_other_never_raise_the_budget() {
        let (mut budget, start) = (Budget::default(), Instant::now());
        for _ in 0..3 {
            assert_eq!(budget.ask(start), Decision::Go);
        }
        for left in [0, 2, 1] {
            answered(&mut budget, start, Some(&limits(left, 54)));
        }
        assert!(matches!(budget.ask(start), Decision::Until(_, Why::Budget)));
    }

    #[test]
    fn a_late_answer_of_the_last_window_is_ignored() {
        let (mut budget, start) = (Budget::default(), Instant::now());
        assert_eq!((budget.ask(start), budget.ask(start)), (Decision::Go, Decision::Go));
        let next = start + Duration::from_secs(3);
        answered(&mut budget, next, Some(&limits(99, 59)));
        budget.end(End::Answered {
            sent: start,
            received: next,
            is_success: true,
            limits: Some(&limits(0, 1)),
        });
        assert_eq!(budget.ask(next), Decision::Go);
    }

    #[test]
    fn a_new_window_brings_a_new_budget() {
        let (mut budget, start) = (Budget::default(), Instant::now());
        assert_eq!(budget.ask(start), Decision::Go);
        answered(&mut budget, start, Some(&limits(0, 1)));
        let next = start + Duration::from_secs(3);
        assert_eq!(budget.ask(next), Decision::Go);
        answered(&mut budget, next, Some(&limits(99, 59)));
        assert_eq!(budget.ask(next), Decision::Go);
    }

    #[test]
    fn calls_that_got_no_answer_count_as_spent_unless_they_never_left() {
        let (mut budget, start) = (Budget::default(), Instant::now());
        assert_eq!(budget.ask(start), Decision::Go);
        answered(&mut budget, start, Some(&limits(1, 54)));
        assert_eq!(budget.ask(start), Decision::Go);
        budget.end(End::Unsent);
        assert_eq!(budget.ask(start), Decision::Go);
        budget.end(End::Lost);
        assert!(matches!(budget.ask(start), Decision::Until(_, Why::Budget)));
    }

    #[test]
    fn a_pause_holds_everything_back() {
        let (mut budget, start) = (Budget::default(), Instant::now());
        let (sooner, later) = (start + Duration::from_secs(2), start + Duration::from_secs(5));
        budget.pause(later);
        budget.pause(sooner);
        assert_eq!(budget.ask(sooner), Decision::Until(later, Why::RateLimited));
        assert_eq!(budget.ask(later), Decision::Go);
    }
}
