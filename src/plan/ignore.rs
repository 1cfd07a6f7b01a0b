//! Drift that the files say is lived with: hidden, counted, and never out of sight for good.

use std::collections::BTreeSet;

use super::index::Index;
use super::value::{Finding, FindingKind, Ignored, Severity};
use crate::model::{
    Address, EnvironmentId, Glob, IgnoreMatch, IgnoreRule, KeyId, LiveEnvironment, LiveKey, brief,
};

/// What is left, and what rules hide of it; both in the order given.
pub(super) fn sift(index: &Index<'_>, findings: Vec<Finding>) -> (Vec<Finding>, Vec<Ignored>) {
    let (mut left, mut ignored) = (vec![], vec![]);
    for finding in findings {
        match hiding(index, &finding) {
            Some(rule) => ignored.push(Ignored {
                finding,
                reason: rule.reason.clone(),
                until: rule.until,
                rule: rule.origin.clone(),
            }),
            None => left.push(finding),
        }
    }
    (left, ignored)
}

/// The rules that ended.
pub(super) fn ended(index: &Index<'_>) -> Vec<Finding> {
    let rules = index.input.desired.ignore.iter().filter(|rule| rule.is_over(index.input.now));
    rules
        .map(|rule| {
            let until = rule.until.map(|until| format!(" on {}", until.strftime("%Y-%m-%d")));
            let text =
                format!("{} ended{}, and hides nothing any more", told(rule), until.unwrap_or_default());
            let help = format!(
                "Take it out; or, if its reason still holds (`{}`), give it a later `until`.",
                brief(&rule.reason)
            );
            Finding::new(FindingKind::Ignore, Severity::Warning, text).help(help).from(&rule.origin)
        })
        .collect()
}

/// The rules that hide nothing of all that was found.
pub(super) fn idle(index: &Index<'_>, findings: &[Finding]) -> Vec<Finding> {
    let mut used = BTreeSet::new();
    for finding in findings {
        used.extend(covering(index, finding).map(|(at, _, _)| at));
    }
    let rules = index.input.desired.ignore.iter().enumerate();
    let idle = rules.filter(|(at, rule)| !used.contains(at) && !rule.is_over(index.input.now));
    idle.map(|(_, rule)| {
        let text = format!("{} hides nothing: there is no such drift", told(rule));
        Finding::new(FindingKind::Ignore, Severity::Note, text)
            .help("Take it out if it is not needed any more.")
            .from(&rule.origin)
    })
    .collect()
}

fn told(rule: &IgnoreRule) -> String {
    format!(
        "the rule `{}` of `[[ignore]]` ({}:{})",
        brief(&rule.matches.to_string()),
        brief(&rule.origin.file),
        rule.origin.line
    )
}

/// The rule that hides a finding: one that is about all of it, or the first of those that are together.
fn hiding<'a>(index: &Index<'a>, finding: &Finding) -> Option<&'a IgnoreRule> {
    let mut open: BTreeSet<&str> = finding.changes.iter().map(|change| change.field).collect();
    let mut first = None;
    for (_, rule, fields) in covering(index, finding) {
        let Some(field) = fields else { return Some(rule) };
        open.remove(field);
        let first = *first.get_or_insert(rule);
        // Half hidden is hidden from whoever reads the other half: all of it, or nothing.
        if open.is_empty() {
            return Some(first);
        }
    }
    None
}

/// The rules in force that are about a finding, with the one attribute that each is about, where it is not about all.
fn covering<'a>(
    index: &Index<'a>,
    finding: &Finding,
) -> impl Iterator<Item = (usize, &'a IgnoreRule, Option<&'static str>)> {
    let rules = index.input.desired.ignore.iter().enumerate();
    // A key of ours without an entry is nothing to live with.
    let can_be = !matches!(finding.kind, FindingKind::Unsealed | FindingKind::Ignore);
    let class = finding.class().filter(|_| can_be);
    rules.filter_map(move |(at, rule)| {
        let is_class = class.is_some() && rule.class.is_none_or(|wanted| Some(wanted) == class);
        let has_field =
            rule.field.is_none_or(|field| finding.changes.iter().any(|change| change.field == field));
        let is_it = is_class && has_field && !rule.is_over(index.input.now) && is_about(index, rule, finding);
        is_it.then_some((at, rule, rule.field))
    })
}

fn is_about(index: &Index<'_>, rule: &IgnoreRule, finding: &Finding) -> bool {
    match (&rule.matches, &finding.address, &finding.id) {
        (IgnoreMatch::Address(glob), Some(address), _) => glob.matches(&address.to_string()),
        (IgnoreMatch::Id(id), _, Some(found)) => id == found,
        (IgnoreMatch::Named { environment, name }, None, Some(id)) => {
            is_named(index, environment.as_ref(), name.as_ref(), id)
        }
        _ => false,
    }
}

fn is_named(index: &Index<'_>, environment: Option<&Glob>, name: Option<&Glob>, id: &str) -> bool {
    let is_in = |home: &EnvironmentId| environment.is_none_or(|glob| is_home(index, glob, home));
    if let Some(LiveKey { environment: home, name: found, .. }) =
        KeyId::new(id).ok().and_then(|id| index.key(&id))
    {
        return is_in(home) && name.is_none_or(|glob| glob.matches(found));
    }
    let found = EnvironmentId::new(id).ok().and_then(|id| index.environment(&id));
    found.is_some_and(|live| name.is_none() && is_in(&live.id))
}

/// Whether a pattern means an environment, by its name at the service or by its label.
fn is_home(index: &Index<'_>, glob: &Glob, home: &EnvironmentId) -> bool {
    let live = index.environment(home).map(|LiveEnvironment { name, .. }| name);
    let recorded = index.environment_owner(home).map(|record| record.address.clone());
    // A reference is in no record.
    let declared = index.input.desired.environments.values();
    let declared = declared.filter(|declared| Some(&declared.name) == live).map(|found| found.label.clone());
    let labels = recorded.into_iter().map(|address: Address| address.environment().clone()).chain(declared);
    live.is_some_and(|name| glob.matches(name))
        || labels.into_iter().any(|label| glob.matches(label.as_str()))
}
