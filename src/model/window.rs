//! The hours in which a rotation may take its steps.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Time, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::Timestamp;

/// `Mon-Fri 09:00-16:00 Europe/Berlin`: days, hours and a time zone. It opens every week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    days: Vec<Weekday>,
    /// Sorted; each ends after it begins.
    hours: Vec<(Time, Time)>,
    zone: TimeZone,
    text: String,
}

/// Why a text is no window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// Not of the form.
    #[error("a window is days, hours and a time zone, such as `Mon-Fri 09:00-16:00 Europe/Berlin`")]
    Form,
    /// A day that is none.
    #[error(
        "days are `Mon`, `Tue`, `Wed`, `Thu`, `Fri`, `Sat`, `Sun`, ranges such as `Mon-Fri`, and lists with commas"
    )]
    Day,
    /// Hours that are none.
    #[error("hours are such as `09:00-16:00`, and lists with commas")]
    Hours,
    /// Hours that end before they begin.
    #[error("the hours of a window end after they begin, on the same day")]
    Backwards,
    /// A time zone that the database of this program does not have.
    #[error(
        "the time zone is unknown: expected a name of the IANA database, such as `Europe/Berlin` or `UTC`"
    )]
    Zone,
}

impl Window {
    /// Whether a step may be taken at that instant.
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.opens(at) == Some(at)
    }

    /// The first instant from `at` on at which it is open; `None` where the calendar ends.
    pub fn opens(&self, at: Timestamp) -> Option<Timestamp> {
        let today = at.to_zoned(self.zone.clone()).date();
        let mut day = today;
        // A day of the week comes again after seven others; one on which the hours do not exist (a clock that is put
        // forward) is followed by another a week later.
        for _ in 0..15 {
            if self.days.contains(&day.weekday()) {
                for (from, to) in &self.hours {
                    let instant = |time: &Time| {
                        day.to_datetime(*time).to_zoned(self.zone.clone()).map(|z| z.timestamp())
                    };
                    let (from, to) = (instant(from).ok()?, instant(to).ok()?);
                    if at.max(from) < to {
                        return Some(at.max(from));
                    }
                }
            }
            day = day.tomorrow().ok()?;
        }
        None
    }
}

impl FromStr for Window {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        let parts: Vec<&str> = text.split_whitespace().collect();
        let [days, hours, zone] = parts.as_slice() else { return Err(WindowError::Form) };
        let mut spans = hours.split(',').map(span).collect::<Result<Vec<_>, _>>()?;
        spans.sort();
        // The program's own: the same file means the same on every machine.
        let zone = TimeZoneDatabase::bundled().get(zone).map_err(|_| WindowError::Zone)?;
        Ok(Self { days: read_days(days)?, hours: spans, zone, text: parts.join(" ") })
    }
}

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

fn day(text: &str) -> Result<Weekday, WindowError> {
    let text = text.to_ascii_lowercase();
    DAYS.iter().find(|(name, _)| *name == text).map(|(_, day)| *day).ok_or(WindowError::Day)
}

fn read_days(text: &str) -> Result<Vec<Weekday>, WindowError> {
    let mut days = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (mut first, last) = (day(first)?, day(last)?);
        days.push(first);
        // Over the end of the week too: `Sat-Mon`.
        while first != last {
            first = first.next();
            days.push(first);
        }
    }
    Ok(days)
}

fn span(text: &str) -> Result<(Time, Time), WindowError> {
    let (from, to) = text.split_once('-').ok_or(WindowError::Hours)?;
    let (from, to) = (time(from)?, time(to)?);
    if from < to { Ok((from, to)) } else { Err(WindowError::Backwards) }
}

/// `09:00`; `24:00` is the last moment of the day.
fn time(text: &str) -> Result<Time, WindowError> {
    let (hour, minute) = text.split_once(':').ok_or(WindowError::Hours)?;
    let number = |text: &str| match text.len() {
        2 if text.bytes().all(|b| b.is_ascii_digit()) => text.parse::<i8>().map_err(|_| WindowError::Hours),
        _ => Err(WindowError::Hours),
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    if (hour, minute) == (24, 0) {
        return Ok(Time::MAX);
    }
    Time::new(hour, minute, 0, 0).map_err(|_| WindowError::Hours)
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(text: &str) -> Window {
        text.parse().unwrap()
    }

    fn opens(text: &str, at: &str) -> String {
        window(text).opens(at.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn it_opens_on_its_days_in_its_hours_by_the_clocks_of_its_place() {
        const BERLIN: &str = "Mon-Fri 09:00-16:00 Europe/Berlin";
        for (at, opens_at) in [
            // A Friday in winter: an hour ahead of UTC.
            ("2026-11-20T07:59:59Z", "2026-11-20T08:00:00Z"),
            ("2026-11-20T08:00:00Z", "2026-11-20T08:00:00Z"),
            ("2026-11-20T14:59:59Z", "2026-11-20T14:59:59Z"),
            ("2026-11-20T15:00:00Z", "2026-11-23T08:00:00Z"),
            // In summer two.
            ("2026-07-04T12:00:00Z", "2026-07-06T07:00:00Z"),
        ] {
            assert_eq!(opens(BERLIN, at), opens_at, "{at}");
        }
        // It is Monday there already.
        assert_eq!(opens("Mon 00:00-24:00 Pacific/Auckland", "2026-11-22T12:00:00Z"), "2026-11-22T12:00:00Z");
        assert!(window(BERLIN).is_open("2026-11-20T12:00:00Z".parse().unwrap()));
        assert!(!window(BERLIN).is_open("2026-11-21T12:00:00Z".parse().unwrap()));
    }

    #[test]
    fn lists_and_ranges_are_read() {
        let text = "Sat-Mon,Wed 22:00-23:30,01:00-02:00 UTC";
        assert_eq!(opens(text, "2026-11-24T00:00:00Z"), "2026-11-25T01:00:00Z");
        assert_eq!(opens(text, "2026-11-25T02:00:00Z"), "2026-11-25T22:00:00Z");
        assert_eq!(opens(text, "2026-11-26T00:00:00Z"), "2026-11-28T01:00:00Z");
    }

    /// The hour from two to three does not exist on that night, and whatever the clocks do it opens within two weeks.
    #[test]
    fn a_window_in_an_hour_that_is_left_out_opens_a_week_later() {
        let at = "2026-03-28T12:00:00Z".parse().unwrap();
        let opens = window("Sun 02:00-03:00 Europe/Berlin").opens(at).unwrap();
        assert!(opens <= "2026-04-05T01:00:00Z".parse().unwrap(), "{opens}");
    }

    #[test]
    fn what_is_none_says_what_is_wrong() {
        for (text, error) in [
            ("", WindowError::Form),
            ("Mon-Fri 09:00-16:00", WindowError::Form),
            ("Mon-Fry 09:00-16:00 UTC", WindowError::Day),
            ("Mon 9-16 UTC", WindowError::Hours),
            ("Mon 09:00-25:00 UTC", WindowError::Hours),
            ("Mon 16:00-09:00 UTC", WindowError::Backwards),
            ("Mon 09:00-09:00 UTC", WindowError::Backwards),
            ("Mon 09:00-16:00 Europe/Berlim", WindowError::Zone),
        ] {
            assert_eq!(text.parse::<Window>(), Err(error), "{text}");
        }
    }
}
