//! Guards: they fail closed, and what they stop is shown with the number or the name that lets it through.

use std::collections::{BTreeMap, HashSet};

use super::draft::{Refusal, some_of};
use super::elsewhere::successor_of;
use super::index::Index;
use super::value::{Action, SecretEffect, Step, Verb};
use crate::model::{Address, EnvironmentId, KeyId, KeyState, KeyType, Limit, LiveKey, Provisional};

/// Blocks what a guard forbids. `unmanaged` is how many unmanaged things the policy refuses to work beside.
pub(super) fn guard(index: &Index<'_>, actions: Vec<Action>, unmanaged: usize) -> Vec<Action> {
    if index.is_all_missing() {
        return actions.into_iter().map(|action| action.block(all_missing())).collect();
    }
    if unmanaged > 0 {
        let refuse = |a: Action| if a.is_taken() { a.block(beside_unmanaged(unmanaged)) } else { a };
        return actions.into_iter().map(refuse).collect();
    }
    let actions = keep_own(index, need_proof(index, actions));
    let policy = &index.input.desired.policy;
    let allow = &index.input.allow;
    let managed = managed_keys(index);
    let bounds = [
        Bound { verb: Verb::Delete, limit: policy.delete, allowed: allow.delete, managed },
        Bound { verb: Verb::Disable, limit: policy.disable, allowed: allow.disable, managed },
        Bound { verb: Verb::Replace, limit: policy.replace, allowed: allow.replace, managed },
    ];
    bounds.iter().fold(keep_last_ingest(index, actions), |actions, bound| bound.hold(index, actions))
}

/// A secret that is sealed to keys which nobody holds is lost: none is issued to too few who have shown that they can open it.
fn need_proof(index: &Index<'_>, actions: Vec<Action>) -> Vec<Action> {
    let seal = &index.input.desired.seal;
    let hold = |action: Action| {
        if !matches!(action.step, Step::MintKey(_)) {
            return action;
        }
        let recipients = seal.recipients_of(action.address.environment());
        let is_proven = |recipient| index.input.sealed.is_some_and(|sealed| sealed.is_proven(recipient));
        let (proven, open): (Vec<_>, Vec<_>) = recipients.into_iter().partition(|(_, r)| is_proven(r));
        if usize::try_from(seal.min_proven).is_ok_and(|wanted| proven.len() >= wanted) {
            return action;
        }
        let open: Vec<&str> = open.into_iter().map(|(name, _)| name).collect();
        action.block(unproven(proven.len(), seal.min_proven, &open))
    };
    actions.into_iter().map(hold).collect()
}

/// The credential that this run works with is stopped only when it is named: nothing could be finished after it. The service
/// lists no management keys, so only a record that was written by hand can lead here.
fn keep_own(index: &Index<'_>, actions: Vec<Action>) -> Vec<Action> {
    let ask = &index.input.ask;
    let is_own = |action: &Action| {
        matches!(action.verb, Verb::Disable | Verb::Delete)
            && ask.credential.is_some()
            && action.id == ask.credential
            && !index.is_named(&action.address)
    };
    let hold = |action: Action| {
        if !is_own(&action) {
            return action;
        }
        let text = "it is the key that keycomb itself is using";
        let help = format!(
            "Use another management key for this; if the sealed file is wrong, take its last good version; or name it: \
             `--allow {}`.",
            action.address
        );
        action.block(Refusal::guard("own_key", text, help))
    };
    actions.into_iter().map(hold).collect()
}

fn unproven(proven: usize, wanted: u32, open: &[&str]) -> Refusal {
    let text = format!(
        "its secret would be sealed to {proven} proven recipients, and `min_proven` asks for {wanted}; not proven: {}",
        some_of(open)
    );
    let help = "Run `keycomb secrets prove`, commit the sealed file, and let each of them run `keycomb secrets prove -i \
                IDENTITY` in their checkout and commit it again.";
    Refusal::guard("unproven", text, help)
}

fn all_missing() -> Refusal {
    Refusal::guard(
        "all_missing",
        "every managed key is gone from the service at once, so nothing is done",
        "Check that this is the right team, the right sealed file and a healthy service. If the keys are truly \
         gone, name the address of each: `--allow ADDRESS`.",
    )
}

fn beside_unmanaged(count: usize) -> Refusal {
    Refusal::guard(
        "unmanaged",
        format!("the policy is `unmanaged = \"fail\"`, and {count} keys or environments are not managed"),
        "The findings list them. Delete what is not needed, or set `unmanaged = \"report\"`.",
    )
}

fn managed_keys(index: &Index<'_>) -> usize {
    index.records().filter(|record| record.state != KeyState::Deleted).count()
}

/// How many actions of one verb may be taken.
struct Bound {
    verb: Verb,
    limit: Limit,
    allowed: Option<u32>,
    managed: usize,
}

impl Bound {
    /// Blocks all actions of the verb when there are too many, unless exactly so many were allowed.
    fn hold(&self, index: &Index<'_>, actions: Vec<Action>) -> Vec<Action> {
        let is_counted = |action: &Action| action.verb == self.verb && !is_superseded(index, action);
        let count = actions.iter().filter(|action| is_counted(action)).map(weight).sum();
        if count <= self.bound() || self.allowed.is_some_and(|n| usize::try_from(n) == Ok(count)) {
            return actions;
        }
        let hold = |a: Action| if is_counted(&a) { a.block(self.refusal(count)) } else { a };
        actions.into_iter().map(hold).collect()
    }

    /// The lower of both bounds; percent of no keys at all is none.
    fn bound(&self) -> usize {
        let Limit { count, percent } = self.limit;
        let count = count.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
        let percent = percent.map_or(usize::MAX, |p| self.managed.saturating_mul(usize::from(p)) / 100);
        count.min(percent)
    }

    fn refusal(&self, count: usize) -> Refusal {
        let verb = self.verb.as_str();
        let code = match self.verb {
            Verb::Delete => "guard_delete",
            Verb::Disable => "guard_disable",
            _ => "guard_replace",
        };
        let bound = self.bound();
        let text = format!("the plan would {verb} {count}, and the policy lets one apply {verb} {bound}");
        let help = format!(
            "If all {count} are meant, run again with `--allow {verb}={count}`; see `max_{verb}` under `[policy]`."
        );
        Refusal::guard(code, text, help)
    }
}

/// How many of its verb an action is: one key may take the place of several in other environments, which all go for it.
fn weight(action: &Action) -> usize {
    let Step::MintKey(mint) = &action.step else { return 1 };
    let works = mint.succeeds.iter().filter(|old| old.address != action.address && old.until.is_some());
    works.map(|old| &old.address).collect::<HashSet<_>>().len().max(1)
}

/// Whether a step only ends a generation whose place another one has taken: it follows from a rotation or a replacement, whatever
/// their number.
fn is_superseded(index: &Index<'_>, action: &Action) -> bool {
    matches!(action.step, Step::RetireKey { .. } | Step::DeleteKey { .. })
        && (index.input.desired.keys.contains_key(&action.address)
            || successor_of(index, &action.address).is_some())
}

/// An environment keeps an enabled ingest key, or its data stops: the last one goes only when it is named.
fn keep_last_ingest(index: &Index<'_>, actions: Vec<Action>) -> Vec<Action> {
    let mut stops: BTreeMap<&EnvironmentId, Vec<(&Address, &KeyId)>> = BTreeMap::new();
    for action in actions.iter().filter(|action| is_stop(action)) {
        if let Some(key) = live_of(index, action).filter(|key| is_enabled_ingest(key)) {
            stops.entry(&key.environment).or_default().push((&action.address, &key.id));
        }
    }
    let held: HashSet<KeyId> = stops
        .into_iter()
        .flat_map(|(environment, stops)| last_of(index, environment, stops))
        .cloned()
        .collect();
    let is_held = |a: &Action| is_stop(a) && live_of(index, a).is_some_and(|key| held.contains(&key.id));
    let hold = |action: Action| {
        if !is_held(&action) {
            return action;
        }
        let refusal = last_ingest(&action.address);
        action.block(refusal)
    };
    actions.into_iter().map(hold).collect()
}

/// Which of the keys to be stopped in an environment, by address, must stay: none that was named, and of the others the last
/// by address as soon as no key would be left.
fn last_of<'a>(
    index: &Index<'_>,
    environment: &EnvironmentId,
    mut stops: Vec<(&Address, &'a KeyId)>,
) -> impl Iterator<Item = &'a KeyId> {
    let enabled = index.inside(environment).iter().filter(|key| is_enabled_ingest(key)).count();
    let all = stops.len();
    stops.retain(|(address, _)| !index.input.allow.addresses.contains(*address));
    let left = enabled.saturating_sub(all - stops.len());
    stops.into_iter().skip(left.saturating_sub(1)).map(|(_, id)| id)
}

fn is_stop(action: &Action) -> bool {
    action.secret == SecretEffect::StopsWorking
}

fn live_of<'a>(index: &Index<'a>, action: &Action) -> Option<&'a LiveKey> {
    index.key(&KeyId::new(action.id.clone()?).ok()?)
}

fn is_enabled_ingest(key: &LiveKey) -> bool {
    key.key_type == KeyType::Ingest && !key.disabled && Provisional::parse(&key.name).is_none()
}

fn last_ingest(address: &Address) -> Refusal {
    Refusal::guard(
        "last_ingest",
        "it is the last enabled ingest key of its environment, which could receive no data without it",
        format!("Make its successor first, in an apply of its own, or name it: `--allow {address}`."),
    )
}
