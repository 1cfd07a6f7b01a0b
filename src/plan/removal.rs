//! Environments that are recorded and no longer declared.
//!
//! Deleting one deletes everything in it, so it takes two plans and an empty environment.

use super::draft::{Refusal, some_of};
use super::environments::is_classic;
use super::index::Index;
use super::value::{Action, Reason, ReasonCode, Step, Verb};
use crate::model::{EnvironmentId, LiveEnvironment, SealedEnvironment, brief};

/// The deletion of a recorded environment, if it is no longer declared; blocked until nothing stands in its way.
pub(super) fn remove(index: &Index<'_>, record: &SealedEnvironment) -> Option<Action> {
    if index.input.desired.environments.contains_key(record.address.environment()) {
        return None;
    }
    let delete = |name, reason, step| {
        Action::new(&record.address, Verb::Delete, name, reason, step).id(&record.id).irreversible()
    };
    let (action, refusal) = match index.environment(&record.id) {
        Some(live) => {
            let reason = Reason::new(ReasonCode::Undeclared, "no longer declared");
            let step = Step::DeleteEnvironment { id: record.id.clone() };
            (delete(&live.name, reason, step), refusal(index, record, live))
        }
        None => {
            let text = "no longer declared, and gone from the service: only keycomb's record of it goes";
            // Keys that say they are in it make its absence doubtful.
            let step = Step::ForgetEnvironment { id: record.id.clone() };
            (delete(&record.name, Reason::new(ReasonCode::Missing, text), step), not_empty(index, &record.id))
        }
    };
    Some(match refusal {
        Some(refusal) => action.block(refusal),
        None => action,
    })
}

fn refusal(index: &Index<'_>, record: &SealedEnvironment, live: &LiveEnvironment) -> Option<Refusal> {
    if is_classic(live) {
        let text = "it is a Classic environment, which keycomb never touches";
        return Some(Refusal::new("classic", text, "Delete it in Honeycomb, if it shall go."));
    }
    let declared = index.input.desired.environments.values();
    if let Some(other) = declared.into_iter().find(|d| d.name.to_lowercase() == live.name.to_lowercase()) {
        let text = format!("`{}` declares an environment of this name", other.address());
        let help = format!(
            "If it is that one, write `moved_from = \"{}\"` into `[{}]`; if not, give the other one another name.",
            record.address.environment(),
            other.address()
        );
        return Some(Refusal::new("moved", text, help));
    }
    if live.delete_protected || record.applied.delete_protected != Some(false) {
        return Some(protected(record, live));
    }
    not_empty(index, &live.id)
}

fn protected(record: &SealedEnvironment, live: &LiveEnvironment) -> Refusal {
    let text = "deleting an environment deletes its data and its keys, so its protection must have been \
                taken off by an earlier apply";
    let help = format!(
        "Declare it again (`[{}]`, name `{}`) with `delete_protected = false`, apply, then take the block \
         out and apply once more.",
        record.address,
        brief(&live.name)
    );
    Refusal::new("environment_protected", text, help)
}

fn not_empty(index: &Index<'_>, environment: &EnvironmentId) -> Option<Refusal> {
    let inside = index.inside(environment);
    let is_ours = |id| index.owner(id).is_some() || index.is_ours_unfinished(id);
    let strange: Vec<_> = inside.iter().map(|key| &key.id).filter(|id| !is_ours(id)).collect();
    if !strange.is_empty() {
        let text =
            format!("it holds {} that keycomb does not manage: {}", keys(strange.len()), some_of(&strange));
        let help = "Delete them in Honeycomb if nobody uses them, then apply once more.";
        return Some(Refusal::new("environment_not_empty", text, help));
    }
    if !inside.is_empty() {
        let text = format!("it still holds {} of keycomb's own", keys(inside.len()));
        let help = "Keys that are no longer declared are disabled first and deleted after their quarantine; \
                    once they are gone, the next apply deletes the environment.";
        return Some(Refusal::new("quarantine", text, help));
    }
    None
}

fn keys(count: usize) -> String {
    if count == 1 { "1 key".to_owned() } else { format!("{count} keys") }
}
