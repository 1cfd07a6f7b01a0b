//! `[[ignore]]`: drift that is lived with.

use super::collector::Collector;
use super::place::At;
use super::raw::{Match, RawIgnore, RawMatch};
use crate::model::{Address, DriftClass, Glob, IgnoreMatch, IgnoreRule};

pub(super) fn ignore_rules(rules: Vec<At<RawIgnore>>, out: &mut Collector) -> Vec<IgnoreRule> {
    rules.into_iter().filter_map(|rule| ignore_rule(rule, out)).collect()
}

fn ignore_rule(rule: At<RawIgnore>, out: &mut Collector) -> Option<IgnoreRule> {
    let RawIgnore { r#match, class, field, reason, until, present } = rule.value;
    if !present.has("match") {
        out.missing(rule.place, "a rule of `ignore` has no `match`")
            .label("in this table")
            .help("write `match = \"key.production.*\"`, or `match = { id = \"…\" }`");
    }
    if !present.has("reason") {
        out.missing(rule.place, "a rule of `ignore` has no `reason`")
            .label("in this table")
            .help("write why this drift is lived with: `reason = \"…\"`");
    }
    if let (Some(field), Some(class)) = (&field, &class)
        && class.value != DriftClass::Changed
    {
        let message =
            format!("only `changed` drift has a `field`, and `class` is `{}`", class.value.as_str());
        out.wrong(field.place, message)
            .label("nothing has it")
            .help("take `field` or `class` out")
            .also(class.place, "the class");
    }
    let matches = r#match.and_then(|at| matches(at, out));
    Some(IgnoreRule {
        matches: matches?,
        class: class.map(|at| at.value),
        field: field.map(|at| at.value.0),
        reason: reason?.value.0,
        until: until.map(|at| at.value.0),
        origin: out.origin(rule.place),
    })
}

fn matches(at: At<Match>, out: &mut Collector) -> Option<IgnoreMatch> {
    let raw = match at.value {
        Match::Address(glob) => {
            if !can_be_address(&glob) {
                out.wrong(at.place, "no address can be one of these").label("not of addresses").help(
                    "addresses are `environment.NAME` and `key.ENVIRONMENT.NAME`; what is not managed is matched by a table: \
                     `{ environment = \"…\", name = \"…\" }`",
                );
                return None;
            }
            return Some(IgnoreMatch::Address(glob));
        }
        Match::Thing(raw) => *raw,
    };
    let RawMatch { id, environment, name, present } = raw;
    let names = present.place("environment").or(present.place("name"));
    if let (Some(id), Some(names)) = (present.place("id"), names) {
        out.wrong(names, "an id says it all; expected `id` alone, or `environment` and `name`")
            .label("besides `id`")
            .help("take one of them out")
            .also(id, "the id");
        return None;
    }
    if present.iter().next().is_none() {
        out.missing(at.place, "nothing is said of what is matched")
            .label("empty")
            .help("write `{ id = \"…\" }`, or `{ environment = \"…\", name = \"…\" }`");
        return None;
    }
    if let Some(id) = id {
        return Some(IgnoreMatch::Id(id.value.0));
    }
    let (environment, name) = (environment.map(|at| at.value), name.map(|at| at.value));
    // Of one that could not be read it was said.
    (environment.is_some() || name.is_some()).then_some(IgnoreMatch::Named { environment, name })
}

/// Whether a pattern begins as addresses do, or may.
fn can_be_address(glob: &Glob) -> bool {
    let text = glob.as_str();
    let literal = text.split(['*', '?', '[']).next().unwrap_or_default();
    let begins = |kind: &str| literal.starts_with(kind) || kind.starts_with(literal);
    let is_whole = literal.len() == text.len();
    if is_whole { text.parse::<Address>().is_ok() } else { begins("environment.") || begins("key.") }
}
