//! Random configurations, and random changes to them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

const ENVIRONMENTS: [&str; 3] = ["one", "two", "three"];
const PERMISSIONS: [&str; 5] =
    ["create_datasets", "send_events", "run_queries", "manage_markers", "manage_signals"];

#[derive(Debug, Clone)]
pub struct Environment {
    label: &'static str,
    color: Option<&'static str>,
    description: Option<&'static str>,
    delete_protected: Option<bool>,
}

#[derive(Debug, Clone)]
pub struct Key {
    label: usize,
    environment: &'static str,
    /// `false`: configuration.
    ingest: bool,
    /// Some names are the same in every environment.
    name: String,
    permissions: Vec<&'static str>,
    enabled: bool,
    protected: bool,
    owner: Option<&'static str>,
}

#[derive(Debug, Clone)]
pub struct Config {
    pub environments: Vec<Environment>,
    pub keys: Vec<Key>,
}

impl Config {
    /// As TOML.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for Environment { label, color, description, delete_protected } in &self.environments {
            writeln!(text, "[environment.{label}]").unwrap();
            color.iter().for_each(|color| writeln!(text, "color = {color:?}").unwrap());
            description.iter().for_each(|d| writeln!(text, "description = {d:?}").unwrap());
            delete_protected.iter().for_each(|p| writeln!(text, "delete_protected = {p}").unwrap());
        }
        for Key { label, environment, ingest, name, permissions, enabled, protected, owner } in &self.keys {
            let key_type = if *ingest { "ingest" } else { "configuration" };
            writeln!(text, "[key.k{label}]\nenvironment = {environment:?}\ntype = {key_type:?}").unwrap();
            writeln!(text, "name = {name:?}\npermissions = {permissions:?}").unwrap();
            writeln!(text, "enabled = {enabled}\nprotected = {protected}").unwrap();
            owner.iter().for_each(|owner| writeln!(text, "owner = {owner:?}").unwrap());
        }
        text
    }

    /// Keys only in declared environments, and each (environment, type, name) once.
    fn checked(mut self) -> Self {
        let declared: BTreeSet<_> = self.environments.iter().map(|e| e.label).collect();
        let mut taken = BTreeSet::new();
        self.keys.retain(|key| {
            declared.contains(key.environment)
                && taken.insert((key.environment, key.ingest, key.name.clone()))
        });
        self
    }
}

fn environment(label: &'static str) -> impl Strategy<Value = Environment> {
    let color = proptest::option::of(select(vec!["red", "blue", "lightGreen"]));
    let description = proptest::option::of(select(vec!["", "text", "two\nlines"]));
    (color, description, any::<Option<bool>>()).prop_map(move |(color, description, delete_protected)| {
        Environment { label, color, description, delete_protected }
    })
}

fn permissions(ingest: bool) -> impl Strategy<Value = Vec<&'static str>> {
    let of = if ingest { PERMISSIONS[..1].to_vec() } else { PERMISSIONS.to_vec() };
    let most = of.len();
    subsequence(of, 0..=most)
}

fn key(label: usize) -> impl Strategy<Value = Key> {
    let owner = proptest::option::of(select(vec!["team-a", "team-b"]));
    let flags = (any::<bool>(), proptest::bool::weighted(0.8), proptest::bool::weighted(0.2));
    (select(&ENVIRONMENTS[..]), flags, any::<bool>(), owner)
        .prop_flat_map(move |(environment, flags, is_shared, owner)| {
            (Just((environment, flags, is_shared, owner)), permissions(flags.0))
        })
        .prop_map(move |((environment, (ingest, enabled, protected), is_shared, owner), permissions)| {
            let name = if is_shared { "shared name".to_owned() } else { format!("key {label} \u{e4}") };
            Key { label, environment, ingest, name, permissions, enabled, protected, owner }
        })
}

/// One to three environments, up to `most` keys.
pub fn config(most: usize) -> impl Strategy<Value = Config> {
    let environments: Vec<_> = ENVIRONMENTS.iter().map(|label| environment(label)).collect();
    let keys: Vec<_> = (0..most).map(|label| proptest::option::weighted(0.6, key(label))).collect();
    (environments, 1..=3_usize, keys).prop_map(|(environments, count, keys)| {
        let environments = environments.into_iter().take(count).collect();
        Config { environments, keys: keys.into_iter().flatten().collect() }.checked()
    })
}

/// What becomes of one declared key.
#[derive(Debug, Clone)]
enum Change {
    Nothing,
    Removed,
    Permissions(Vec<&'static str>),
    Enabled(bool),
    Named(&'static str),
    Owned(Option<&'static str>, bool),
}

fn change(ingest: bool) -> impl Strategy<Value = Change> {
    prop_oneof![
        2 => Just(Change::Nothing),
        2 => Just(Change::Removed),
        2 => permissions(ingest).prop_map(Change::Permissions),
        2 => any::<bool>().prop_map(Change::Enabled),
        1 => select(vec!["renamed", "renamed again"]).prop_map(Change::Named),
        1 => (select(vec![None, Some("team-c")]), any::<bool>()).prop_map(|(o, p)| Change::Owned(o, p)),
    ]
}

fn changed(key: Key, change: Change) -> Option<Key> {
    Some(match change {
        Change::Nothing => key,
        Change::Removed => return None,
        Change::Permissions(permissions) => Key { permissions, ..key },
        Change::Enabled(enabled) => Key { enabled, ..key },
        Change::Named(name) => Key { name: name.to_owned(), ..key },
        Change::Owned(owner, protected) => Key { owner, protected, ..key },
    })
}

/// A configuration and a changed one: keys changed, removed and added, environments with other attributes.
pub fn two_configs(most: usize) -> impl Strategy<Value = (Config, Config)> {
    (config(most), config(3)).prop_flat_map(move |(first, other)| {
        let changes: Vec<_> = first.keys.iter().map(|key| change(key.ingest)).collect();
        (Just(first), Just(other), changes).prop_map(move |(first, other, changes)| {
            let kept = first.keys.iter().cloned().zip(changes).filter_map(|(key, c)| changed(key, c));
            let added = other.keys.into_iter().map(|key| Key { label: key.label + most, ..key });
            let environments = first
                .environments
                .iter()
                .map(|e| other.environments.iter().find(|o| o.label == e.label).unwrap_or(e).clone());
            let second = Config { environments: environments.collect(), keys: kept.chain(added).collect() };
            (first, second.checked())
        })
    })
}
