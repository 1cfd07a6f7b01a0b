//! What `apply --stage` says: what it leaves, and what is to be done with the sealed file.

use std::path::Path;

use super::output::Output;
use crate::model::Timestamp;
use crate::plan::{Plan, Verb};
use crate::report::Report;

/// What this run will not do, before anybody is asked. `count` is how many actions it carries out.
pub(super) fn say_before(plan: &Plan, count: usize, output: &Output) {
    let left = plan.actions.iter().filter(|action| action.verb != Verb::Blocked).count() - count;
    if count == 0 {
        output.say("nothing to stage: no key is to be made");
    }
    if left > 0 {
        output.say(&format!(
            "staging only: {left} {} left for the apply after the sealed file is home",
            if left == 1 { "action is" } else { "actions are" }
        ));
    }
}

/// What a run that makes nothing leaves. `count` is how many actions it carries out.
pub(super) fn say_unmade(plan: &Plan, count: usize, output: &Output) {
    let left = plan.actions.iter().filter(|action| action.verb != Verb::Blocked).count() - count;
    if left > 0 {
        output.say(&format!(
            "making nothing: {left} {} left for `keycomb apply --stage`",
            if left == 1 { "action is" } else { "actions are" }
        ));
    }
}

/// What is to be done next, and by when.
pub(super) fn say_after(report: &Report, until: Timestamp, sealed: &Path, output: &Output) {
    let count = report.staged().0;
    let (keys, they) = if count == 1 { ("1 key is", "it stays") } else { ("keys are", "they stay") };
    let keys = if count == 1 { keys.to_owned() } else { format!("{count} {keys}") };
    let file = sealed.display();
    output.say(&format!(
        "staged: {keys} made and sealed; {they} disabled until the sealed file has reached its home\n  \
         1. commit `{file}` and push it, or upload it: now, before this disk is gone\n  \
         2. before {until:.0}, run `keycomb apply --release` where that file is checked out"
    ));
}
