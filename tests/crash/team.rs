//! What is declared: chosen by a seed, changed by a scenario.

use std::fmt::Write as _;

use fastrand::Rng;

/// Of ingest keys: every other one is theirs alone.
const OF_INGEST: &str = "create_datasets";
const OF_CONFIGURATION: [&str; 4] = ["create_datasets", "send_events", "run_queries", "manage_markers"];
const COLORS: [&str; 4] = ["red", "blue", "gold", "lightGold"];

#[derive(Debug, Clone)]
pub struct Environment {
    pub label: String,
    pub color: Option<&'static str>,
    pub description: Option<String>,
    pub delete_protected: Option<bool>,
}

#[derive(Debug, Clone)]
pub struct Key {
    pub label: String,
    pub environment: String,
    pub ingest: bool,
    pub name: Option<String>,
    pub permissions: Vec<&'static str>,
    pub enabled: bool,
}

/// A configuration.
#[derive(Debug, Clone)]
pub struct Declared {
    /// Whether a managed key that is gone is made again: what is only not listed must not be.
    pub recreates: bool,
    /// Whether keys get a new secret every 90 days.
    pub rotates: bool,
    pub environments: Vec<Environment>,
    pub keys: Vec<Key>,
}

/// Labels in an order of the seed's.
pub struct Names {
    environments: Vec<&'static str>,
    keys: Vec<&'static str>,
}

impl Names {
    pub fn new(rng: &mut Rng) -> Self {
        let mut environments = vec!["production", "staging", "qa", "zebra"];
        let mut keys = vec!["checkout", "frontend", "ci", "load_test", "billing", "edge", "a", "mobile"];
        rng.shuffle(&mut environments);
        rng.shuffle(&mut keys);
        Self { environments, keys }
    }
}

impl Declared {
    pub fn new(rng: &mut Rng) -> Self {
        Self { recreates: rng.bool(), rotates: false, environments: Vec::new(), keys: Vec::new() }
    }

    pub fn add_environment(&mut self, names: &mut Names, rng: &mut Rng) -> String {
        let label = names.environments.pop().unwrap().to_owned();
        self.environments.push(Environment {
            label: label.clone(),
            color: rng.bool().then(|| *rng.choice(&COLORS).unwrap()),
            description: rng.bool().then(|| format!("about {label}")),
            delete_protected: rng.bool().then_some(true),
        });
        label
    }

    pub fn add_key(&mut self, names: &mut Names, environment: &str, ingest: bool, rng: &mut Rng) -> String {
        let label = names.keys.pop().unwrap().to_owned();
        let all: &[&'static str] = if ingest { &[OF_INGEST] } else { &OF_CONFIGURATION };
        self.keys.push(Key {
            label: label.clone(),
            environment: environment.to_owned(),
            ingest,
            name: rng.bool().then(|| format!("{label} of ours, größer")),
            permissions: all.iter().copied().filter(|_| rng.bool()).collect(),
            enabled: true,
        });
        label
    }

    pub fn shuffle(&mut self, rng: &mut Rng) {
        rng.shuffle(&mut self.environments);
        rng.shuffle(&mut self.keys);
    }

    pub fn key(&mut self, label: &str) -> &mut Key {
        self.keys.iter_mut().find(|key| key.label == label).unwrap()
    }

    /// Other permissions than it has.
    pub fn change_permissions(&mut self, label: &str) {
        let key = self.key(label);
        key.permissions = OF_CONFIGURATION.into_iter().filter(|one| !key.permissions.contains(one)).collect();
    }

    /// As TOML, without what every configuration has.
    pub fn text(&self) -> String {
        let on_missing = if self.recreates { "recreate" } else { "stop" };
        let mut text = format!("[policy]\non_missing = {on_missing:?}\n");
        if self.rotates {
            text += "[defaults.key]\nrotate = { every = \"90d\", overlap = \"7d\" }\n";
        }
        for Environment { label, color, description, delete_protected } in &self.environments {
            writeln!(text, "[environment.{label}]").unwrap();
            color.iter().for_each(|color| writeln!(text, "color = {color:?}").unwrap());
            description.iter().for_each(|d| writeln!(text, "description = {d:?}").unwrap());
            delete_protected.iter().for_each(|p| writeln!(text, "delete_protected = {p}").unwrap());
        }
        for Key { label, environment, ingest, name, permissions, enabled } in &self.keys {
            let key_type = if *ingest { "ingest" } else { "configuration" };
            writeln!(text, "[key.{label}]\nenvironment = {environment:?}\ntype = {key_type:?}").unwrap();
            name.iter().for_each(|name| writeln!(text, "name = {name:?}").unwrap());
            writeln!(text, "permissions = {permissions:?}\nenabled = {enabled}").unwrap();
        }
        text
    }
}
