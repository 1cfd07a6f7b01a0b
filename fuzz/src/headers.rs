//! Headers of nonsense: a wait is never shorter than polite, never longer than two minutes, and the clock never breaks.

use std::time::Duration;

use keycomb::honeycomb::fuzzing::{Waits, headers};

/// The longest wait that is obeyed.
const LONGEST: Duration = Duration::from_secs(120);

/// The input is `Name: value` lines; its last byte is the jitter.
pub fn run(data: &[u8]) {
    let lines: Vec<(&str, &[u8])> = data.split(|byte| *byte == b'\n').filter_map(header).collect();
    let jitter = data.last().map_or(0.0, |byte| f64::from(*byte) / 255.0);
    let waits = headers(&lines, jitter);
    assert_eq!(waits, headers(&lines, jitter), "the same headers say two things");
    assert_bounded(&waits);
    assert_obeyed(&lines, &waits);
}

fn header(line: &[u8]) -> Option<(&str, &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    Some((std::str::from_utf8(&line[..colon]).ok()?, line[colon + 1..].trim_ascii()))
}

fn assert_bounded(waits: &Waits) {
    let Waits { date: _, asked: _, left, pause, budget } = waits;
    let longest = LONGEST.mul_f64(1.1);
    assert!(*pause >= Duration::from_millis(200) && *pause <= longest, "{waits:?}");
    // The window's end is told in whole seconds, rounded down.
    assert!(*budget <= LONGEST + Duration::from_secs(1), "{waits:?}");
    match left {
        Some((0, reset)) => assert!(*budget >= *reset, "{waits:?}"),
        Some((_, reset)) => assert!(budget.is_zero() && *reset <= LONGEST, "{waits:?}"),
        None => assert!(budget.is_zero(), "{waits:?}"),
    }
}

/// One `Retry-After` in seconds is obeyed to the letter, within bounds.
fn assert_obeyed(lines: &[(&str, &[u8])], waits: &Waits) {
    let named = |name: &&(&str, &[u8])| name.0.eq_ignore_ascii_case("retry-after");
    let Some((_, value)) = lines.iter().find(named) else {
        return assert_eq!(waits.asked, None);
    };
    let is_seconds = !value.is_empty() && value.len() <= 9 && value.iter().all(u8::is_ascii_digit);
    let Some(text) = std::str::from_utf8(value).ok().filter(|_| is_seconds) else { return };
    let asked = Duration::from_secs(text.parse().unwrap());
    assert_eq!(waits.asked, Some(asked));
    let least = asked.clamp(Duration::from_millis(200), LONGEST);
    assert!(waits.pause >= least && waits.pause <= least.mul_f64(1.1), "{waits:?}");
}
