//! What the next weeks hold for a key: the step that comes next, and those that follow from it.

use super::life::{Life, LifeStage, Next};
use super::succession::{not_before, overlap_of};
use super::value::Verb;
use crate::model::{DesiredKey, Period, Timestamp};

/// So many steps of one key are told at most, however often it rotates.
const MOST: usize = 400;

/// A step that an apply takes, if one runs when it is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ahead {
    /// From when on an apply does it; what is due already is due now.
    pub at: Timestamp,
    /// What is done.
    pub verb: Verb,
    /// The generation that it is done to; for a rotation the one that is made.
    pub generation: u32,
}

/// The steps of one generation from `now` to `until`, by date: the next one, and, as far as the files say, those of the
/// generations that come of it. Of a key whose next step is not known there are none.
///
/// They are what applies would do that run as each falls due, and that find nothing changed.
pub fn ahead(life: &Life<'_>, now: Timestamp, until: Timestamp) -> Vec<Ahead> {
    let Some(Next { verb, at }) = life.next else { return vec![] };
    let at = at.unwrap_or(now).max(now);
    let generation = life.record.map_or(1, |record| record.generation);
    let mut steps = match (verb, life.desired) {
        // Its date is the last one that it can be released at, not the first.
        (Verb::Release, _) => vec![Ahead { at: now, verb, generation }],
        (Verb::Rotate | Verb::Replace, Some(desired)) => succession(desired, verb, at, generation, until),
        (Verb::Create, Some(desired)) => {
            let mut steps = vec![Ahead { at, verb, generation }];
            if let Some(due) = desired.rotate.as_ref().filter(|_| desired.enabled).map(|r| r.every.after(at))
            {
                let due = not_before(desired, due);
                steps.extend(succession(desired, Verb::Rotate, due, generation, until));
            }
            steps
        }
        (Verb::Disable, _) if is_leaving(life) => {
            let quarantine = life.record.map(|record| record.quarantine);
            let gone = quarantine.map(|quarantine| Ahead {
                at: quarantine.after(at),
                verb: Verb::Delete,
                generation,
            });
            [Ahead { at, verb, generation }].into_iter().chain(gone).collect()
        }
        _ => vec![Ahead { at, verb, generation }],
    };
    steps.retain(|step| step.at <= until);
    steps.sort();
    steps.truncate(MOST);
    steps
}

/// Whether disabling it is the first step of its end, and not only what the files say of a key that stays.
fn is_leaving(life: &Life<'_>) -> bool {
    life.desired.is_none() || matches!(life.stage, LifeStage::Overlap | LifeStage::Late | LifeStage::Revoked)
}

/// One generation after the other, from the first that is made at `due`.
fn succession(
    desired: &DesiredKey,
    verb: Verb,
    mut due: Timestamp,
    mut generation: u32,
    until: Timestamp,
) -> Vec<Ahead> {
    let mut steps = vec![];
    let mut verb = verb;
    while due <= until && steps.len() < MOST {
        let off = not_before(desired, overlap_of(desired).after(due));
        let gone: Period = desired.quarantine;
        steps.push(Ahead { at: due, verb, generation: generation.saturating_add(1) });
        steps.push(Ahead { at: off, verb: Verb::Disable, generation });
        steps.push(Ahead { at: gone.after(off), verb: Verb::Delete, generation });
        let Some(rotate) = desired.rotate.as_ref().filter(|_| desired.enabled) else { break };
        generation = generation.saturating_add(1);
        due = not_before(desired, rotate.every.after(due));
        verb = Verb::Rotate;
    }
    steps
}
