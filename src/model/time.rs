//! Instants and lengths of time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::{Deserialize, Serialize};

pub use jiff::Timestamp;

/// A positive length of time in whole seconds, written as `90d`, `12h` or `1d 6h`. A day is 24 hours, a week 7 days; no months, no years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period(Duration);

/// Why a text is no period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// Not of the form, or with months or years, whose length depends on the date.
    #[error("a duration is a number and a unit, such as `90d`, `12h` or `30m`")]
    Form,
    /// Zero or less.
    #[error("a duration is longer than nothing")]
    NotPositive,
    /// With a part of a second.
    #[error("a duration has whole seconds")]
    NotWhole,
}

impl Period {
    /// So many days of 24 hours.
    pub const fn days(days: u64) -> Self {
        Self(Duration::from_secs(days * 86_400))
    }

    /// The instant this long after `start`; the last representable one if that is beyond the calendar.
    pub fn after(self, start: Timestamp) -> Timestamp {
        SignedDuration::try_from(self.0)
            .ok()
            .and_then(|length| start.checked_add(length).ok())
            .unwrap_or(Timestamp::MAX)
    }
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let span: Span = text.parse().map_err(|_| PeriodError::Form)?;
        let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| PeriodError::Form)?;
        if !length.is_positive() {
            return Err(PeriodError::NotPositive);
        }
        // It would not be written back as it was read.
        if length.subsec_nanos() != 0 {
            return Err(PeriodError::NotWhole);
        }
        Ok(Self(length.unsigned_abs()))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
        match units.into_iter().find(|(size, _)| seconds >= *size && seconds.is_multiple_of(*size)) {
            Some((size, unit)) => f.pad(&format!("{}{unit}", seconds / size)),
            None => f.pad(&format!("{seconds}s")),
        }
    }
}

impl TryFrom<String> for Period {
    type Error = PeriodError;
    fn try_from(text: String) -> Result<Self, PeriodError> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_read_and_print() {
        for (text, printed) in
            [("90d", "90d"), ("2w", "14d"), ("36h", "36h"), ("1d 6h", "30h"), ("90s", "90s")]
        {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), printed);
        }
    }

    #[test]
    fn parts_of_a_second_are_refused() {
        for text in ["100ms", "1.5s", "1d 1ns", "0.5s"] {
            assert_eq!(text.parse::<Period>(), Err(PeriodError::NotWhole), "{text}");
        }
        assert_eq!("1.5h".parse::<Period>().unwrap().to_string(), "90m");
    }

    #[test]
    fn nothing_and_less_are_refused() {
        assert_eq!("0d".parse::<Period>(), Err(PeriodError::NotPositive));
        assert_eq!("-3d".parse::<Period>(), Err(PeriodError::NotPositive));
        for text in ["", "90", "soon", "3 months", "1y"] {
            assert_eq!(text.parse::<Period>(), Err(PeriodError::Form), "{text}");
        }
    }
}
