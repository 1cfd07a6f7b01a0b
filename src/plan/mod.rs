//! Decides: (`Desired`, `Live`, sealed, policy, now) to `Plan`. Synchronous and pure.
//!
//! What is shown and what is done are two readers of the same [`Plan`].

mod accept;
mod adopt;
mod advice;
mod ahead;
mod ask;
mod discard;
mod draft;
mod drift;
mod drifted;
mod elsewhere;
mod environments;
mod expected;
mod external;
mod finding;
mod findings;
mod forget;
mod guards;
mod ignore;
mod index;
mod input;
mod intent;
mod keys;
mod life;
mod minting;
mod moves;
mod order;
mod phase;
mod records;
mod removal;
mod retire;
mod revoke;
mod rotations;
mod select;
mod shown;
mod succession;
mod summary;
mod times;
mod undo;
mod unsealed;
mod update;
mod value;
mod words;

pub use accept::{DECLARED_OTHERWISE, declared_value};
pub use adopt::{next_generation, sealed_generation, takes_secret};
pub use ahead::{Ahead, ahead};
pub use ask::{Adopt, Ask, Revoke, SealedSecret};
pub use discard::discardable_from;
pub use drift::{Drift, FailOn, drift};
pub use expected::{Expected, Object, expected};
pub use external::external_severity;
pub use input::{Allow, Input};
pub use life::{Life, LifeStage, Next, lives};
pub use phase::is_staged_with;
pub use select::{Select, addresses};
pub use shown::{environment_value, key_value};
pub use succession::overlap_of;
pub use times::{
    DEADLINE, GRACE, REQUEST_LIFE, STAGE_DEADLINE, STAGE_GRACE, is_late, is_late_staged, stage_ends,
};
pub use undo::{Made, Undoing, What};
pub use value::{
    Action, Blocked, Change, EnvironmentRef, Finding, FindingKind, Header, Ignored, Leftover, MintKey, Plan,
    Predecessor, Reason, ReasonCode, Remembered, SecretEffect, Severity, Step, Summary, Terms, Undo, Verb,
};
pub use words::Word;

use crate::model::{Address, Unmanaged};

/// Decides what would be done, and what is worth saying. Same input, same plan; it cannot fail.
pub fn plan(input: &Input<'_>) -> Plan {
    let Some(records::Decided { mut actions, sealed }) = records::decide(input) else {
        return decide(input);
    };
    let ask =
        Ask { adopt: [].into(), forget: [].into(), moves: [].into(), accept: [].into(), ..input.ask.clone() };
    let then = decide(&Input { sealed: Some(&sealed), ask, ..input.clone() });
    let ignored = then.summary.ignored;
    let findings = if input.ask.is_of_record() {
        records::told(&actions, &input.ask.accept, then)
    } else {
        actions.extend(then.actions);
        then.findings
    };
    order::sort_actions(&mut actions);
    let summary = Summary::of(&actions, &findings).hiding(ignored);
    Plan { header: header(input), actions, findings, summary }
}

/// The plan that the record as it is leads to.
fn decide(input: &Input<'_>) -> Plan {
    let index = index::Index::new(input);
    if let Some(revoke) = &input.ask.revoke {
        return revoking(input, &index, &revoke.address);
    }
    let actions = match &input.ask.undo {
        Some(undoing) => undo::undo(&index, undoing),
        None => declared(&index),
    };
    // Before the guards: they count what this run does.
    let actions = select::narrow(&input.ask, actions);
    // Before the guards, too: what is lived with is refused by none.
    let (unmanaged, hidden) = ignore::sift(&index, findings::unmanaged(&index, &actions));
    let refused = if input.desired.policy.unmanaged == Unmanaged::Fail { unmanaged.len() } else { 0 };
    let mut actions = revoke::hold_successors(guards::guard(&index, actions, refused));
    order::sort_actions(&mut actions);

    let mut findings = findings::since_last_applied(&index, &actions);
    findings.extend(unsealed::unsealed(&index));
    findings.extend(findings::missing(&index, &actions));
    findings.extend(unmanaged);
    findings.extend(external::external(input));
    findings.extend(advice::advice(&index));
    if input.ask.undo.is_some() {
        findings.extend(undo::follow(&index, &actions));
    }
    findings.extend(advice::unproven(&index, &actions));
    findings.extend(rotations::rotations(&index));
    let (mut findings, more) = ignore::sift(&index, findings);
    findings.extend(ignore::ended(&index));
    order::sort_findings(&mut findings);
    findings::locate(&mut findings, input.desired);

    let summary = Summary::of(&actions, &findings).hiding(hidden.len() + more.len());
    Plan { header: header(input), actions, findings, summary }
}

/// The plan of an emergency: of one address alone, and with no guard in its way. The person named it.
fn revoking(input: &Input<'_>, index: &index::Index<'_>, address: &Address) -> Plan {
    let (places, _) = places(index);
    let mut actions = keys::keys(index, &places);
    order::sort_actions(&mut actions);
    let is_here = |finding: &Finding| finding.address.as_ref() == Some(address);
    let mut findings = unsealed::unsealed(index).into_iter().filter(is_here).collect::<Vec<_>>();
    findings::locate(&mut findings, input.desired);
    let summary = Summary::of(&actions, &findings);
    Plan { header: header(input), actions, findings, summary }
}

/// What brings the service to what is declared.
fn declared(index: &index::Index<'_>) -> Vec<Action> {
    let (places, mut actions) = places(index);
    actions.extend(index.environment_records().filter_map(|record| removal::remove(index, record)));
    actions.extend(keys::keys(index, &places));
    actions
}

fn places<'a>(index: &index::Index<'a>) -> (keys::Places<'a>, Vec<Action>) {
    let mut places = keys::Places::new();
    let mut actions = vec![];
    for (label, desired) in &index.input.desired.environments {
        let (place, found) = environments::settle(index, desired);
        places.insert(label, place);
        actions.extend(found);
    }
    (places, actions)
}

fn header(input: &Input<'_>) -> Header {
    let desired = input.desired;
    Header {
        team: desired.team.clone(),
        endpoint: desired.endpoint.clone(),
        sealed: input.sealed.map(|sealed| (sealed.lineage.clone(), sealed.serial)),
        now: input.now,
        read: input.live.now,
        declared: (desired.environments.len(), desired.keys.len()),
        terms: Terms { select: input.ask.select.clone(), allow: input.allow.clone() },
        snapshot: input.ask.snapshot,
    }
}
