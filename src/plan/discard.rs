//! Keys that were never enabled and never will be: nobody holds their secret.
//!
//! They are shown and left where they are. An address with one of them can be minted anew.

use super::draft::Refusal;
use super::index::Stray;
use super::value::{Action, Reason, ReasonCode, Step, Verb};
use crate::model::{Address, LiveKey, SealedKey, brief};

/// The discarding of a recorded generation that was never released.
pub(super) fn discard_generation(record: &SealedKey, live: &LiveKey) -> Action {
    let reason = Reason::new(ReasonCode::Unfinished, "minted, and not released in time");
    Action::on(record, live, Verb::Discard, reason, Step::Nothing).irreversible().block(refusal(live))
}

/// The discarding of a provisional key without an entry.
pub(super) fn discard_stray(address: &Address, stray: &Stray<'_>) -> Action {
    let live = stray.live;
    let reason = Reason::new(ReasonCode::Unfinished, "asked for by an apply that did not finish it");
    let action = Action::new(address, Verb::Discard, &live.name, reason, Step::Nothing).irreversible();
    Action { key_type: Some(live.key_type), ..action.id(&live.id) }.block(refusal(live))
}

fn refusal(live: &LiveKey) -> Refusal {
    let text = if live.disabled {
        "a key that was never enabled was left behind; this version does not delete it"
    } else {
        "a key was left behind, and somebody else than keycomb has enabled it since"
    };
    let help = if live.disabled {
        format!(
            "It does no harm. To be rid of it, delete the key `{}` (`{}`) in Honeycomb.",
            live.id,
            brief(&live.name)
        )
    } else {
        format!("Find out who enabled the key `{}` before deleting it in Honeycomb.", live.id)
    };
    Refusal::new("unfinished", text, help)
}
