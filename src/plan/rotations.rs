//! What is to be said of rotations: what waits, and what is late.

use std::time::Duration;

use super::elsewhere::{self, ends};
use super::index::Index;
use super::keys::current_of;
use super::phase::Phase;
use super::succession::{due, fixed_in_place, overlap_ends, overlap_of, waits_until};
use super::value::{Finding, FindingKind, Predecessor, Severity};
use crate::model::{DesiredKey, KeyProof, KeyState, LiveKey, SealedKey, Timestamp};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long past its overlap a predecessor works before that is more than a note, and before it is grave.
const LATE: Duration = DAY.saturating_mul(7);
const GRAVE: Duration = DAY.saturating_mul(30);

/// All of it, address by address.
pub(super) fn rotations(index: &Index<'_>) -> Vec<Finding> {
    let declared = index.input.desired.keys.values();
    declared.flat_map(|desired| of(index, desired).into_iter().chain(moved(index, desired))).collect()
}

/// Keys in other environments that work until the one that took their place has worked for the overlap.
fn moved(index: &Index<'_>, desired: &DesiredKey) -> Vec<Finding> {
    let is_made = |old: &Predecessor| {
        let here = index.generations(&desired.address);
        old.address != desired.address && here.iter().any(|(record, _)| record.in_place_of.contains(&old.id))
    };
    let of = |old: Predecessor| {
        let (ends, to) = (ends(index, desired, &old.address), &desired.address);
        let now = index.input.now;
        let past = ends.and_then(|ends| Duration::try_from(now.duration_since(ends)).ok());
        let text = match ends.filter(|ends| *ends > now) {
            Some(ends) => format!("`{to}` has taken its place; it works until {ends:.0} at least"),
            None if ends.is_some() => format!("`{to}` has taken its place, and its overlap is over"),
            None => format!("`{to}` is to take its place, and does not work: until then this one goes on"),
        };
        let finding = Finding::new(FindingKind::Rotation, severity(past.unwrap_or_default()), text);
        finding.at(&old.address).about(&old.id)
    };
    let works = |old: &Predecessor| old.until.is_some();
    elsewhere::predecessors(index, desired).into_iter().filter(is_made).filter(works).map(of).collect()
}

fn severity(past: Duration) -> Severity {
    match past {
        past if past >= GRAVE => Severity::High,
        past if past >= LATE => Severity::Warning,
        _ => Severity::Note,
    }
}

/// What was to be done by now and was not, whatever an apply would do about it.
pub(super) fn overdue(index: &Index<'_>) -> Vec<Finding> {
    index.input.desired.keys.values().flat_map(|desired| overdue_of(index, desired)).collect()
}

fn overdue_of(index: &Index<'_>, desired: &DesiredKey) -> Vec<Finding> {
    let generations = index.generations(&desired.address);
    let current = current_of(&generations).and_then(|at| generations.get(at));
    let Some((record, Phase::Serving(live))) = current else { return vec![] };
    let older = generations.iter().filter(|(old, _)| old.generation < record.generation);
    let enabled = older.filter(|(_, phase)| matches!(phase, Phase::Serving(old) if !old.disabled));
    let beside: Vec<&SealedKey> = enabled.map(|(old, _)| *old).collect();
    let past = beside.iter().filter_map(|old| past_overlap(index.input.now, desired, record, old));
    let due = if beside.is_empty() { past_due(index, desired, (record, live)) } else { None };
    past.chain(due).collect()
}

/// A key that should have a successor by now. One that waits for its window is in time.
fn past_due(
    index: &Index<'_>,
    desired: &DesiredKey,
    (record, live): (&SealedKey, &LiveKey),
) -> Option<Finding> {
    let due = due(desired, record, live).filter(|_| desired.enabled && !live.disabled)?;
    let past = Duration::try_from(index.input.now.duration_since(due)).ok()?;
    if waits_until(index, desired, due).is_some() {
        return None;
    }
    let severity = match past {
        past if past >= GRAVE => Severity::High,
        past if past >= LATE => Severity::Warning,
        _ => Severity::Note,
    };
    let finding =
        Finding::new(FindingKind::Rotation, severity, format!("its rotation is due since {due:.0}"));
    let help = "An apply makes its successor; if it does not, the plan says what stands in the way.";
    Some(finding.at(&record.address).about(&record.id).by(live).help(help))
}

fn of(index: &Index<'_>, desired: &DesiredKey) -> Vec<Finding> {
    let generations = index.generations(&desired.address);
    let current = current_of(&generations).and_then(|at| generations.get(at));
    let Some((record, Phase::Serving(live))) = current else { return vec![] };
    let older = || generations.iter().filter(|(old, _)| old.generation < record.generation);
    let enabled = older().filter(|(_, phase)| matches!(phase, Phase::Serving(old) if !old.disabled));
    let beside: Vec<&SealedKey> = enabled.map(|(old, _)| *old).collect();
    let gone = older().filter(|(old, phase)| matches!(phase, Phase::Missing) && old.state == KeyState::Live);
    let mut findings: Vec<Finding> = gone.map(|(old, _)| gone_early(old)).collect();
    findings.extend(beside.iter().filter_map(|old| past_overlap(index.input.now, desired, record, old)));
    findings.extend(beside.first().and_then(|_| untried(record)));
    findings.extend(switched_off(desired, record, live));
    findings.extend(out_of_hours(index, desired, (record, live), &beside));
    findings
}

/// Two generations that work past their overlap, by a day and more: graver the longer it lasts. Counted from the release itself, whatever began the
/// overlap anew.
fn past_overlap(
    now: Timestamp,
    desired: &DesiredKey,
    record: &SealedKey,
    old: &SealedKey,
) -> Option<Finding> {
    let ends = overlap_of(desired).after(record.since);
    let past = Duration::try_from(now.duration_since(ends)).ok().filter(|past| *past >= DAY)?;
    let severity = severity(past);
    let text = format!(
        "generations {} and {} both work, {} past their overlap, which ended at {ends:.0}",
        old.generation,
        record.generation,
        days(past)
    );
    let help = "An apply disables the older one; if it does not, the plan says what stands in the way.";
    Some(Finding::new(FindingKind::Rotation, severity, text).at(&old.address).about(&old.id).help(help))
}

fn days(time: Duration) -> String {
    match time.as_secs() / DAY.as_secs() {
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

/// While the old one still works is the time to find out.
fn untried(record: &SealedKey) -> Option<Finding> {
    let (severity, text) = match record.proof {
        Some(KeyProof::Accepted) => return None,
        Some(KeyProof::Refused) => {
            (Severity::High, "the credential of this generation was refused when it was tried")
        }
        None => (
            Severity::Note,
            "the credential of this generation was not tried when it was released, and no apply can open it: that it is used \
             during the overlap is all that shows it to work",
        ),
    };
    let help = format!(
        "Whoever can open it tries it while the old one works: `keycomb secrets verify {} -i IDENTITY`.",
        record.address
    );
    let finding = Finding::new(FindingKind::Rotation, severity, text).at(&record.address).about(&record.id);
    Some(finding.help(help))
}

/// A step that is due, and waits for its window.
fn out_of_hours(
    index: &Index<'_>,
    desired: &DesiredKey,
    (record, live): (&SealedKey, &LiveKey),
    beside: &[&SealedKey],
) -> Option<Finding> {
    let window = desired.rotate.as_ref()?.window.as_ref()?;
    let (id, what, due) = match beside.first() {
        Some(old) => (&old.id, "the end of this key", overlap_ends(desired, record, live)),
        None => (&record.id, "the rotation", due(desired, record, live)?),
    };
    let opens = waits_until(index, desired, due)?;
    let text = format!("{what} is due since {due:.0} and waits for its window, `{window}`: until {opens:.0}");
    Some(Finding::new(FindingKind::Rotation, Severity::Note, text).at(&record.address).about(id))
}

fn gone_early(old: &SealedKey) -> Finding {
    let text = format!(
        "generation {} is gone from the service, and not by keycomb: whoever still used it is refused",
        old.generation
    );
    Finding::new(FindingKind::Missing, Severity::Warning, text).at(&old.address).about(&old.id)
}

fn switched_off(desired: &DesiredKey, record: &SealedKey, live: &LiveKey) -> Option<Finding> {
    let fields = fixed_in_place(desired, live);
    let fields: Vec<&str> = fields.iter().map(|change| change.field).collect();
    let text = format!(
        "{} cannot change in place; the key gets a successor when it is enabled",
        fields.join(" and ")
    );
    let is_waiting = !desired.enabled && !fields.is_empty();
    is_waiting.then(|| {
        Finding::new(FindingKind::Rotation, Severity::Note, text).at(&record.address).about(&record.id)
    })
}
