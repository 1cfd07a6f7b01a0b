//! Counts for the widget of a merge request on GitLab (`artifacts:reports:terraform`).
//!
//! The form, and nothing else: `{"create":1,"update":2,"delete":3}` (docs.gitlab.com, "Terraform integration in merge requests").

use super::emit::Subject;
use crate::plan::{Plan, Verb};

/// What a plan creates, changes and deletes at the service; `None` of what is no plan. What only the record knows, and what
/// is blocked, is not counted.
pub(super) fn report(subject: &Subject<'_>) -> Option<String> {
    let Subject::Plan(plan) = subject else { return None };
    let create = count(plan, &[Verb::Create, Verb::Replace, Verb::Rotate]);
    let update = count(plan, &[Verb::Update, Verb::Enable, Verb::Disable, Verb::Release]);
    let delete = count(plan, &[Verb::Delete, Verb::Discard]);
    Some(format!("{{\"create\":{create},\"update\":{update},\"delete\":{delete}}}\n"))
}

fn count(plan: &Plan, verbs: &[Verb]) -> usize {
    plan.summary.verbs.iter().filter(|(verb, _)| verbs.contains(verb)).map(|(_, count)| count).sum()
}
