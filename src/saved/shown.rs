//! Whether a plan shows what it does. One that was written by hand may do what is approved nowhere in it.

use super::refuse::told;
use crate::plan::{Action, Blocked, Plan, Summary};

/// Whether the counts are those of the plan. How many findings are hidden it does not say itself.
pub(super) fn is_counted(plan: &Plan) -> bool {
    let Plan { header: _, actions, findings, summary } = plan;
    *summary == Summary { ignored: summary.ignored, ..Summary::of(actions, findings) }
}

/// What a plan shows otherwise than another one that does the same, in words.
pub(super) fn shown_otherwise(saved: &Plan, now: &Plan) -> Vec<String> {
    if saved.header.declared != now.header.declared {
        return vec!["how much is declared".to_owned()];
    }
    if saved.actions.len() != now.actions.len() {
        return vec!["how much is held".to_owned()];
    }
    let pairs = saved.actions.iter().zip(&now.actions);
    let differing = pairs.filter(|(saved, now)| !is_shown_alike(saved, now));
    differing.map(|(_, now)| format!("{} (shown otherwise)", told(now))).collect()
}

/// All that is shown of an action, but for the times in its sentences. What it does is bound by the intent.
fn is_shown_alike(a: &Action, b: &Action) -> bool {
    let Action {
        address,
        verb,
        key_type,
        generation,
        id,
        name,
        changes,
        reason,
        secret,
        undo,
        blocked,
        after,
        step: _,
    } = a;
    (address, verb, key_type, generation, id, name)
        == (&b.address, &b.verb, &b.key_type, &b.generation, &b.id, &b.name)
        && (changes, secret, undo, after) == (&b.changes, &b.secret, &b.undo, &b.after)
        && (reason.code, &reason.origin) == (b.reason.code, &b.reason.origin)
        && untimed(&reason.text) == untimed(&b.reason.text)
        && is_held_alike(blocked.as_ref(), b.blocked.as_ref())
}

fn is_held_alike(a: Option<&Blocked>, b: Option<&Blocked>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => {
            let Blocked { verb, code, text, help, guard } = a;
            (verb, code, guard) == (&b.verb, &b.code, &b.guard)
                && untimed(text) == untimed(&b.text)
                && untimed(help) == untimed(&b.help)
        }
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// A sentence without its digits: an overlap that would begin now ends at another time each time.
fn untimed(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}
