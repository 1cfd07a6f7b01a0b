//! What of a team can be managed as it is, and under which names. Same team, same files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::adopt::{environment_block, key_block};
use super::carry::Asked;
use super::exit::Exit;
use super::failure::Failure;
use super::known::Known;
use super::session::Session;
use crate::config::write::{Block, Edit, Labels};
use crate::model::{
    Address, Color, Desired, EnvironmentId, KeyType, Label, LiveEnvironment, LiveKey, Provisional, Sealed,
    brief, counted,
};
use crate::plan::{self, Adopt, Allow, Ask};
use crate::report::Skipped;

/// What was found.
pub(super) struct Survey {
    /// What is to be adopted, and the files that declare it.
    pub(super) asked: Asked,
    /// What cannot be.
    pub(super) skipped: Vec<Skipped>,
}

/// Looks through all that the service has; `only` names environments, all where it is empty.
///
/// # Errors
/// An environment that is not there (3), a configuration that cannot be changed (3).
pub(super) fn survey(
    folder: &str,
    only: &[String],
    session: &Session,
    known: &Known<'_>,
    config: &Path,
) -> Result<Survey, Failure> {
    let mut search = Search::new(folder, &session.desired, known);
    search.environments(only)?;
    search.keys();
    loop {
        let (asked, desired) = search.asked(config)?;
        // What the planner would hold, or do something about later, is left out: whoever asks for all wants what is there.
        let plan = plan::plan(&known.input(&desired, Allow::default(), asked.ask.clone()));
        let blocked = plan.actions.iter().filter_map(|action| {
            action.blocked.as_ref().map(|blocked| (action.address.clone(), blocked.text.clone()))
        });
        let told = plan.findings.iter().filter_map(|f| Some((f.address.clone()?, f.text.clone())));
        let bad: BTreeMap<Address, String> = told.chain(blocked).collect();
        if !search.drop(&bad) {
            return Ok(Survey { asked, skipped: search.skipped });
        }
    }
}

/// The search so far.
struct Search<'a> {
    folder: &'a str,
    desired: &'a Desired,
    known: &'a Known<'a>,
    /// The label of each environment whose keys can be declared.
    homes: BTreeMap<EnvironmentId, Label>,
    /// By address: the id, and the block where it is not declared yet.
    found: BTreeMap<Address, (String, Option<Block>)>,
    skipped: Vec<Skipped>,
}

impl<'a> Search<'a> {
    fn new(folder: &'a str, desired: &'a Desired, known: &'a Known<'a>) -> Self {
        Self { folder, desired, known, homes: BTreeMap::new(), found: BTreeMap::new(), skipped: vec![] }
    }

    fn sealed(&self) -> Option<&'a Sealed> {
        self.known.sealed
    }

    fn environments(&mut self, only: &[String]) -> Result<(), Failure> {
        let mut all: Vec<&LiveEnvironment> = self.known.live.environments.iter().collect();
        all.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        let declared = self.desired.environments.keys().cloned();
        let recorded = self.sealed().into_iter().flat_map(|s| &s.environments);
        let recorded = recorded.map(|record| record.address.environment().clone());
        let mut labels = Labels::new(declared.chain(recorded));
        let mut names: BTreeSet<String> =
            self.desired.environments.values().map(|declared| declared.name.to_lowercase()).collect();
        let mut wanted: BTreeSet<&String> = only.iter().collect();
        for live in all {
            let label = self.label_of(live);
            let is_named =
                |name: &&String| **name == live.name || label.as_ref().is_some_and(|l| l.as_str() == **name);
            if !only.is_empty() && !only.iter().any(|name| is_named(&name)) {
                continue;
            }
            wanted.retain(|name| !is_named(name));
            match label {
                Some(label) => self.declared_environment(label, live),
                None => self.new_environment(live, &mut labels, &mut names),
            }
        }
        match wanted.first() {
            Some(name) => Err(Failure::words(
                Exit::Config,
                format!("the service has no environment `{}`", brief(name)),
                "`--env` takes an environment's name at the service, or its label in the files",
            )),
            None => Ok(()),
        }
    }

    /// The label that an environment is recorded or declared with.
    fn label_of(&self, live: &LiveEnvironment) -> Option<Label> {
        let recorded = self.sealed().and_then(|sealed| sealed.environments.iter().find(|e| e.id == live.id));
        recorded.map(|record| record.address.environment().clone()).or_else(|| {
            let mut declared = self.desired.environments.values();
            declared.find(|declared| declared.name == live.name).map(|declared| declared.label.clone())
        })
    }

    fn declared_environment(&mut self, label: Label, live: &LiveEnvironment) {
        let Some(declared) = self.desired.environments.get(&label) else {
            return self.skip_environment(live, "it is managed, and no file declares it any more");
        };
        let address = Address::Environment(label.clone());
        let is_managed = self.sealed().is_some_and(|sealed| sealed.environment(&address).is_some());
        if !declared.reference && !is_managed {
            self.found.insert(address, (live.id.to_string(), None));
        }
        self.homes.insert(live.id.clone(), label);
    }

    fn new_environment(&mut self, live: &LiveEnvironment, labels: &mut Labels, names: &mut BTreeSet<String>) {
        if live.color == Some(Color::Classic) {
            return self.skip_environment(live, "it is a Classic environment, which keycomb never touches");
        }
        if Provisional::parse(&live.description).is_some() {
            return self.skip_environment(live, "keycomb is making it");
        }
        if names.contains(&live.name.to_lowercase()) {
            return self.skip_environment(live, "another one has the same name but for upper and lower case");
        }
        let label = labels.make(&live.name, "environment");
        match environment_block(label.clone(), live) {
            Ok(block) => {
                names.insert(live.name.to_lowercase());
                let found = (live.id.to_string(), Some(block));
                self.found.insert(Address::Environment(label.clone()), found);
                self.homes.insert(live.id.clone(), label);
            }
            Err(why) => self.skip_environment(live, &format!("it cannot be declared: {why}")),
        }
    }

    fn keys(&mut self) {
        let mut all: Vec<&LiveKey> = self.known.live.keys.iter().collect();
        // Of several with one name the enabled one, then the oldest.
        all.sort_by(|a, b| {
            (&a.name, a.disabled, a.created, &a.id).cmp(&(&b.name, b.disabled, b.created, &b.id))
        });
        let mut labels: BTreeMap<Label, Labels> = BTreeMap::new();
        let mut names = self.declared_names();
        for live in all {
            if self.sealed().is_some_and(|sealed| sealed.key(&live.id).is_some()) {
                continue;
            }
            let Some(home) = self.homes.get(&live.environment).cloned() else { continue };
            if let Some(why) = self.unadoptable(live) {
                self.skip_key(live, &why);
                continue;
            }
            if let Some(address) = self.declared_as(&home, live) {
                self.found.insert(address, (live.id.to_string(), None));
                continue;
            }
            if !names.insert((home.clone(), live.key_type, live.name.clone())) {
                self.skip_key(
                    live,
                    "another key has this environment, type and name; rename one of them first",
                );
                continue;
            }
            let taken = labels.entry(home.clone()).or_insert_with(|| Labels::new(self.labels_near(&home)));
            let block = key_block(taken.make(&live.name, "key"), home.clone(), live);
            let address = Address::Key { environment: home, key: block.label.clone() };
            let block = Block::Key(block);
            match block.problem() {
                Some(why) => self.skip_key(live, &format!("it cannot be declared: {why}")),
                None => {
                    self.found.insert(address, (live.id.to_string(), Some(block)));
                }
            }
        }
    }

    fn unadoptable(&self, live: &LiveKey) -> Option<String> {
        if Provisional::parse(&live.name).is_some() {
            return Some("keycomb is making it".to_owned());
        }
        if self.sealed().is_some_and(|sealed| sealed.forgotten.iter().any(|known| known.id == live.id)) {
            return Some("it was forgotten; adopt it by its id to take it back".to_owned());
        }
        let commit = self.known.elsewhere.get(&live.id)?;
        Some(format!("it is keycomb's own and lost its entry in the sealed file; commit {commit} has it"))
    }

    /// Names that no second key may have.
    fn declared_names(&self) -> BTreeSet<(Label, KeyType, String)> {
        let declared = self.desired.keys.values();
        declared.map(|key| (key.address.environment().clone(), key.key_type, key.name.clone())).collect()
    }

    /// The address whose declaration means this key, where nothing is recorded at it.
    fn declared_as(&self, home: &Label, live: &LiveKey) -> Option<Address> {
        let is_it = |key: &&crate::model::DesiredKey| {
            key.address.environment() == home && key.key_type == live.key_type && key.name == live.name
        };
        let address = &self.desired.keys.values().find(is_it)?.address;
        let is_managed = self.sealed().is_some_and(|sealed| sealed.generations(address).next().is_some());
        (!is_managed && !self.found.contains_key(address)).then(|| address.clone())
    }

    /// Labels that a new key of an environment cannot have: those of its keys, and those in the file that it goes into.
    fn labels_near(&self, home: &Label) -> Vec<Label> {
        let file = self.file_of(home);
        let declared = self.desired.keys.values();
        let near = declared.filter(|key| key.address.environment() == home || key.origin.file == file);
        let declared = near.map(|key| key.address.clone());
        let recorded = self.sealed().into_iter().flat_map(|sealed| &sealed.keys);
        let recorded =
            recorded.filter(|key| key.address.environment() == home).map(|key| key.address.clone());
        let label = |address| match address {
            Address::Key { key, .. } => Some(key),
            Address::Environment(_) => None,
        };
        declared.chain(recorded).filter_map(label).collect()
    }

    fn file_of(&self, home: &Label) -> String {
        format!("{}/{}.toml", self.folder, home)
    }

    fn skip_environment(&mut self, live: &LiveEnvironment, why: &str) {
        let keys = self.known.live.keys.iter().filter(|key| key.environment == live.id).count();
        let with = if keys == 0 { String::new() } else { format!(" (with {})", counted(keys, "key")) };
        self.skip(None, live.id.as_str(), &live.name, format!("{why}{with}"));
    }

    fn skip_key(&mut self, live: &LiveKey, why: &str) {
        self.skip(Some(live.key_type), live.id.as_str(), &live.name, why.to_owned());
    }

    fn skip(&mut self, key_type: Option<KeyType>, id: &str, name: &str, why: String) {
        self.skipped.push(Skipped { key_type, id: id.to_owned(), name: name.to_owned(), why });
    }

    /// What is asked for, the files that declare it, and what they declare.
    fn asked(&self, config: &Path) -> Result<(Asked, Desired), Failure> {
        let adopt = |(address, (id, _)): (&Address, &(String, Option<Block>))| {
            (address.clone(), Adopt { id: id.clone(), secret: None })
        };
        // Where nothing is found nothing is done, whatever the files say.
        let only = self.found.is_empty().then(BTreeSet::new);
        let ask = Ask { adopt: self.found.iter().map(adopt).collect(), only, ..Ask::default() };
        let mut files: BTreeMap<String, Vec<Block>> = BTreeMap::new();
        // Environments sort before keys.
        for (address, (_, block)) in &self.found {
            if let Some(block) = block {
                files.entry(self.file_of(address.environment())).or_default().push(block.clone());
            }
        }
        if files.is_empty() {
            return Ok((Asked { ask, ..Asked::default() }, self.desired.clone()));
        }
        let (mut edit, _) = Edit::open(config).map_err(|problems| Failure::new(Exit::Config, problems))?;
        for (file, blocks) in &files {
            edit.add(file, blocks).map_err(|error| Failure::new(Exit::Config, error))?;
        }
        let desired = edit.preview().map_err(|problems| Failure::new(Exit::Config, problems))?;
        // The service is the session's, whatever the files say.
        let desired = Desired { endpoint: self.desired.endpoint.clone(), ..desired };
        Ok((Asked { ask, files: Some((edit, desired.clone())), skipped: vec![] }, desired))
    }

    /// Leaves these out, with the keys of an environment; whether there was anything to leave out.
    fn drop(&mut self, bad: &BTreeMap<Address, String>) -> bool {
        let why = |address: &Address| {
            let home = Address::Environment(address.environment().clone());
            bad.get(address).or_else(|| bad.get(&home))
        };
        let dropped: Vec<(Address, String)> =
            self.found.keys().filter_map(|address| Some((address.clone(), why(address)?.clone()))).collect();
        for (address, why) in &dropped {
            let Some((id, _)) = self.found.remove(address) else { continue };
            let live = &self.known.live;
            if let Some(key) = live.keys.iter().find(|key| key.id.as_str() == id) {
                self.skip(Some(key.key_type), &id, &key.name, why.clone());
            } else if let Some(home) = live.environments.iter().find(|home| home.id.as_str() == id) {
                self.skip(None, &id, &home.name, why.clone());
            }
        }
        !dropped.is_empty()
    }
}
