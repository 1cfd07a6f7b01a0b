//! Keys that are only watched: when they are to be replaced, and what came of trying them.

use jiff::SignedDuration;

use super::input::Input;
use super::value::{Finding, FindingKind, Severity};
use crate::model::{ExternalKey, Probed, Timestamp, brief};

/// From so long before on it is worth knowing.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);
/// From so long before on it deserves a look.
const VERY_SOON: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How grave it is that a key is to be replaced at `due`; `None` while there is time.
pub fn external_severity(due: Timestamp, now: Timestamp) -> Option<Severity> {
    let left = due.duration_since(now);
    if left <= SignedDuration::ZERO {
        Some(Severity::High)
    } else if left <= VERY_SOON {
        Some(Severity::Warning)
    } else {
        (left <= SOON).then_some(Severity::Note)
    }
}

/// All findings about external keys, of their dates and of what came of trying them.
pub(super) fn external(input: &Input<'_>) -> Vec<Finding> {
    let keys = input.desired.external_keys.values();
    keys.flat_map(|key| {
        let probed = input.ask.probed.get(&key.label).and_then(|probed| probed_finding(key, probed));
        due_finding(key, input.now).into_iter().chain(probed)
    })
    .collect()
}

fn due_finding(key: &ExternalKey, now: Timestamp) -> Option<Finding> {
    let ExternalKey { label, kind, expires, .. } = key;
    let due = key.due()?;
    let severity = external_severity(due, now)?;
    let day = due.strftime("%Y-%m-%d");
    let what = match (*expires == Some(due), severity) {
        (true, Severity::High) => format!("expired on {day}"),
        (true, _) => format!("expires on {day}"),
        (false, Severity::High) => format!("was to be replaced by {day}"),
        (false, _) => format!("is to be replaced by {day}"),
    };
    let text = format!("`external_key.{label}` ({}) {what}", kind.as_str());
    let owner = key.owner.as_deref().map(|owner| format!(" (ask {})", brief(owner))).unwrap_or_default();
    let help = format!(
        "Make its successor in Honeycomb by hand{owner}, move its users over, delete it there, and write the new dates down."
    );
    Some(Finding::new(FindingKind::ExternalDue, severity, text).help(help))
}

fn probed_finding(key: &ExternalKey, probed: &Probed) -> Option<Finding> {
    let label = &key.label;
    let (severity, text) = match probed {
        Probed::Works => return None,
        Probed::Refused => (Severity::High, format!("`external_key.{label}` is refused by the service")),
        Probed::Mismatch(how) => {
            (Severity::High, format!("`external_key.{label}` is not what is declared: {}", brief(how)))
        }
        Probed::Untried(why) => {
            let text = format!("`external_key.{label}` could not be tried: {}", brief(why));
            return Some(Finding::new(FindingKind::ExternalDue, Severity::Note, text));
        }
    };
    let help = "Find out which key its `source` holds, and whether the declared one still exists.";
    Some(Finding::new(FindingKind::ExternalMismatch, severity, text).help(help))
}
