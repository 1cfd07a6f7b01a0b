//! A part of a plan: what is chosen, what is held because of it, and what the guards count.

use keycomb::model::*;
use keycomb::plan::{Select, addresses};

use super::builders::*;

fn select(only: &[&str], skip: &[&str], environments: &[&str]) -> Select {
    let patterns = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    let environments = environments.iter().map(|label| Label::new(*label).unwrap()).collect();
    Select { only: patterns(only), skip: patterns(skip), environments }
}

/// Two new keys in an environment that is there, one in an environment that is not.
fn world() -> World {
    let mut world = World::production();
    world.declare(ingest("key.production.a"));
    world.declare(ingest("key.production.b"));
    world.desired.environments.insert(Label::new("staging").unwrap(), environment("staging", "Staging"));
    world.declare(ingest("key.staging.a"));
    world
}

fn told(only: &[&str], skip: &[&str], environments: &[&str]) -> Vec<String> {
    let mut world = world();
    world.ask.select = select(only, skip, environments);
    world.told()
}

#[test]
fn addresses_are_chosen_by_globs_and_environments() {
    let (a, b) = ("create key.production.a", "create key.production.b");
    let (staging, its) = ("create environment.staging", "create key.staging.a");
    assert_eq!(told(&[], &[], &[]), [staging, a, b, its]);
    assert_eq!(told(&["key.production.*"], &[], &[]), [a, b]);
    assert_eq!(told(&["key.production.*"], &["*.b"], &[]), [a]);
    assert_eq!(told(&["*.a", "*.b"], &[], &["production"]), [a, b]);
    assert_eq!(told(&[], &[], &["staging"]), [staging, its]);
    assert_eq!(told(&[], &["key.*"], &[]), [staging]);
}

#[test]
fn a_key_is_held_without_its_environment() {
    let mut world = world();
    world.ask.select = select(&["key.staging.*"], &[], &[]);
    let (verb, code, guard) = world.only_blocked();
    assert_eq!((verb.as_str(), code, guard), ("create", "unselected", false));
    assert!(world.only().blocked.unwrap().text.contains("`environment.staging`"));
}

#[test]
fn guards_count_only_what_is_chosen() {
    let mut world = World::production();
    world.sync(ingest("key.production.kept"), "kept");
    for label in ["a", "b", "c"] {
        let at = format!("key.production.{label}");
        world.sync(ingest(&at), label);
        world.undeclare(&at);
    }
    world.desired.policy.disable = Limit { count: Some(1), percent: None };
    assert!(world.told().iter().all(|line| line.starts_with("blocked:disable:guard_disable")));
    world.ask.select = select(&["key.production.a"], &[], &[]);
    assert_eq!(world.told(), ["disable key.production.a"]);
    world.ask.select = select(&[], &["*.a"], &[]);
    world.allow.disable = Some(3);
    assert_eq!(world.told().len(), 2);
    assert!(world.told().iter().all(|line| line.starts_with("blocked")), "3 is not its number");
    world.allow.disable = Some(2);
    assert_eq!(world.told(), ["disable key.production.b", "disable key.production.c"]);
}

#[test]
fn what_matches_nothing_is_known() {
    let mut world = world();
    world.sync(ingest("key.production.gone"), "gone");
    world.undeclare("key.production.gone");
    let input = world.input();
    let known = addresses(input.desired, input.sealed);
    let all = select(&["key.*.gone", "key.prod.*"], &["*.c"], &["production", "stagin"]);
    assert_eq!(all.unmatched(&known), ["key.prod.*", "*.c", "stagin"]);
    assert_eq!(all.options(), "--only key.*.gone --only key.prod.* --skip *.c --env production --env stagin");
    assert!(select(&[], &[], &[]).is_all() && !all.is_all());
}

#[test]
fn the_plan_says_its_part() {
    let mut world = world();
    world.ask.select = select(&["key.production.*"], &[], &[]);
    world.allow.delete = Some(3);
    let plan = world.plan();
    assert_eq!((plan.header.terms.select, plan.header.terms.allow), (world.ask.select, world.allow));
}
