//! Holds a state against the team: what is taken over and where it is declared, what is managed already, what is left.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::cli::adopt::{environment_block, key_block};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::known::Known;
use crate::cli::session::Session;
use crate::config::write::{Block, Edit, Labels, Scalar};
use crate::model::{
    Address, Color, Desired, EnvironmentAttributes, EnvironmentId, KeyType, Label, LiveEnvironment, LiveKey,
    Provisional, Sealed, brief,
};
use crate::plan::{self, Adopt, Allow, Ask};
use crate::terraform::{FoundEnvironment, FoundKey, Place, Standing, State};

/// The folder that is shown where none was named.
pub(super) const EXAMPLE: &str = "imported";

/// What came of it.
pub(super) struct Found<'a> {
    /// What is asked of the planner.
    pub(super) ask: Ask,
    /// The files that declare it, and what they declare.
    pub(super) files: Option<(Edit, Desired)>,
    /// What is taken over, by address.
    pub(super) taken: BTreeMap<Address, Taken<'a>>,
    /// What is managed already, by address.
    pub(super) managed: BTreeMap<Address, Taken<'a>>,
    /// What stays where it is, in the state's order.
    pub(super) left: Vec<Left<'a>>,
    /// Blocks to write, by file.
    pub(super) blocks: BTreeMap<String, Vec<Block>>,
    /// Labels of environments that are declared as references, by the file to write them to.
    references: BTreeMap<Label, String>,
}

/// Something that is taken over, or managed already.
pub(super) struct Taken<'a> {
    /// The service's id.
    pub(super) id: String,
    /// Where Terraform has it.
    pub(super) place: &'a Place,
    /// For a key: as the state has it, and as the service has it.
    pub(super) key: Option<(&'a FoundKey, LiveKey)>,
    /// What became of the state's secret of it.
    pub(super) secret: SecretFate,
}

/// What became of a secret that lay in the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SecretFate {
    /// There was none.
    None,
    /// It is there, and of no use: keycomb has the key's secret, or the key is on its way out.
    NotWanted,
    /// It is there, and nothing was done with it.
    InState,
    /// It was sealed, having worked.
    Sealed,
    /// It was sealed; the key is disabled, so it could not be tried.
    SealedUntried,
    /// It was not sealed.
    NotSealed(String),
}

/// Something that is not taken over.
pub(super) struct Left<'a> {
    /// Where Terraform has it.
    pub(super) place: &'a Place,
    /// The service's id.
    pub(super) id: String,
    /// Why. May hold hostile text.
    pub(super) why: String,
}

/// Finds everything out; nothing is sent, and nothing is written.
///
/// # Errors
/// A configuration that cannot be changed (3).
pub(super) fn find<'a>(
    state: &'a State,
    folder: &str,
    session: &Session,
    known: &Known<'_>,
    config: &Path,
) -> Result<Found<'a>, Failure> {
    let mut left_out: BTreeMap<Address, String> = BTreeMap::new();
    loop {
        let mut search = Search::new(folder, &session.desired, known, &left_out);
        search.environments(&state.environments);
        search.keys(&state.keys);
        let mut found = search.found;
        let desired = declare(&mut found, session, config)?;
        // What the planner would hold, or do something about later, is left: what is taken over is taken as it is.
        let plan = plan::plan(&known.input(&desired, Allow::default(), found.ask.clone()));
        let blocked = plan.actions.iter().filter_map(|action| {
            action.blocked.as_ref().map(|blocked| (action.address.clone(), blocked.text.clone()))
        });
        let told = plan.findings.iter().filter_map(|f| Some((f.address.clone()?, f.text.clone())));
        let bad: BTreeMap<Address, String> = told.chain(blocked).collect();
        let of = |address: &Address| {
            let home = Address::Environment(address.environment().clone());
            let why = bad.get(address).or_else(|| bad.get(&home))?;
            Some((address.clone(), why.clone()))
        };
        let known_before = left_out.len();
        left_out.extend(found.taken.keys().filter_map(of));
        if left_out.len() == known_before {
            return Ok(found);
        }
    }
}

/// Makes the files and the question to the planner of what was found.
fn declare(found: &mut Found<'_>, session: &Session, config: &Path) -> Result<Desired, Failure> {
    let adopt = |(address, taken): (&Address, &Taken<'_>)| {
        (address.clone(), Adopt { id: taken.id.clone(), secret: None })
    };
    // Where nothing is taken over nothing else is done, whatever the files say.
    let only = found.taken.is_empty().then(BTreeSet::new);
    found.ask = Ask { adopt: found.taken.iter().map(adopt).collect(), only, ..Ask::default() };
    if found.blocks.is_empty() {
        return Ok(session.desired.clone());
    }
    let (mut edit, _) = Edit::open(config).map_err(|problems| Failure::new(Exit::Config, problems))?;
    for (file, blocks) in &found.blocks {
        edit.add(file, blocks).map_err(|error| Failure::new(Exit::Config, error))?;
    }
    for (label, file) in &found.references {
        let table = ["environment", label.as_str()];
        edit.set(file, &table, "reference", &Scalar::Bool(true))
            .map_err(|error| Failure::new(Exit::Config, error))?;
    }
    let desired = edit.preview().map_err(|problems| Failure::new(Exit::Config, problems))?;
    // The service is the session's, whatever the files say.
    let desired = Desired { endpoint: session.desired.endpoint.clone(), ..desired };
    found.files = Some((edit, desired.clone()));
    Ok(desired)
}

/// The search so far.
struct Search<'a, 'b> {
    folder: &'b str,
    desired: &'b Desired,
    known: &'b Known<'b>,
    left_out: &'b BTreeMap<Address, String>,
    environment_labels: Labels,
    key_labels: Labels,
    /// The label of each environment whose keys can be declared.
    homes: BTreeMap<EnvironmentId, Label>,
    /// The labels of environments that may come to be looked up only.
    looked_up: BTreeMap<EnvironmentId, Label>,
    /// Names that no second key may have.
    names: BTreeSet<(Label, KeyType, String)>,
    seen: BTreeSet<String>,
    found: Found<'a>,
}

impl<'a, 'b> Search<'a, 'b> {
    fn new(
        folder: &'b str,
        desired: &'b Desired,
        known: &'b Known<'b>,
        left_out: &'b BTreeMap<Address, String>,
    ) -> Self {
        let recorded = known.sealed.into_iter().flat_map(|sealed| &sealed.environments);
        let recorded = recorded.map(|record| record.address.environment().clone());
        let keys = known.sealed.into_iter().flat_map(|sealed| &sealed.keys).map(|key| &key.address);
        let keys = desired.keys.keys().chain(keys).filter_map(|address| match address {
            Address::Key { key, .. } => Some(key.clone()),
            Address::Environment(_) => None,
        });
        let names = desired.keys.values();
        Self {
            folder,
            desired,
            known,
            left_out,
            environment_labels: Labels::new(desired.environments.keys().cloned().chain(recorded)),
            key_labels: Labels::new(keys),
            homes: BTreeMap::new(),
            looked_up: BTreeMap::new(),
            names: names
                .map(|key| (key.address.environment().clone(), key.key_type, key.name.clone()))
                .collect(),
            seen: BTreeSet::new(),
            found: Found {
                ask: Ask::default(),
                files: None,
                taken: BTreeMap::new(),
                managed: BTreeMap::new(),
                left: vec![],
                blocks: BTreeMap::new(),
                references: BTreeMap::new(),
            },
        }
    }

    fn sealed(&self) -> Option<&'b Sealed> {
        self.known.sealed
    }

    fn environments(&mut self, all: &'a [FoundEnvironment]) {
        for FoundEnvironment { place, id } in all {
            if let Err(why) = self.environment(place, id) {
                self.found.left.push(Left { place, id: id.to_string(), why });
            }
        }
    }

    fn environment(&mut self, place: &'a Place, id: &EnvironmentId) -> Result<(), String> {
        self.first_time(id.as_str())?;
        let live = self.known.live.environments.iter().find(|live| &live.id == id).ok_or_else(not_here)?;
        if let Some(record) =
            self.sealed().and_then(|sealed| sealed.environments.iter().find(|e| &e.id == id))
        {
            self.found.managed.insert(record.address.clone(), taken(place, id.to_string(), None));
            return Ok(());
        }
        refuse_deposed(place)?;
        if live.color == Some(Color::Classic) {
            return Err("it is a Classic environment, which keycomb never touches".to_owned());
        }
        if let Some(declared) = self.desired.environments.values().find(|declared| declared.name == live.name)
        {
            if declared.reference {
                return Err(format!("`environment.{}` declares it as a reference", declared.label));
            }
            return self.take(declared.address(), place, id.to_string(), None);
        }
        let label = self.environment_labels.make(&place.address.words(), "environment");
        let mut block =
            environment_block(label.clone(), live).map_err(|why| format!("it cannot be declared: {why}"))?;
        comment(&mut block, place);
        self.take(Address::Environment(label.clone()), place, id.to_string(), None)?;
        self.found.blocks.entry(self.file_of(&label)).or_default().push(block);
        self.homes.insert(id.clone(), label);
        Ok(())
    }

    fn keys(&mut self, all: &'a [FoundKey]) {
        for key in all {
            if let Err(why) = self.key(key) {
                self.found.left.push(Left { place: &key.place, id: key.id.to_string(), why });
            }
        }
    }

    fn key(&mut self, key: &'a FoundKey) -> Result<(), String> {
        let FoundKey { place, id, .. } = key;
        self.first_time(id.as_str())?;
        let live = self.known.live.keys.iter().find(|live| &live.id == id).ok_or_else(not_here)?;
        let pair = Some((key, live.clone()));
        if let Some(record) = self.sealed().and_then(|sealed| sealed.key(id)) {
            let mut taken = taken(place, id.to_string(), pair);
            if taken.secret == SecretFate::InState && !plan::takes_secret(record) {
                taken.secret = SecretFate::NotWanted;
            }
            self.found.managed.insert(record.address.clone(), taken);
            return Ok(());
        }
        refuse_deposed(place)?;
        if Provisional::parse(&live.name).is_some() {
            return Err("its name says that keycomb is making it".to_owned());
        }
        let home = self.home(&live.environment)?;
        if let Some(address) = self.declared_as(&home, live) {
            return self.take(address, place, id.to_string(), pair);
        }
        if !self.names.insert((home.clone(), live.key_type, live.name.clone())) {
            return Err(
                "another key has this environment, type and name; rename one of them first".to_owned()
            );
        }
        let label = self.key_labels.make(&place.address.words(), "key");
        let mut block = Block::Key(key_block(label.clone(), home.clone(), live));
        comment(&mut block, place);
        if let Some(why) = block.problem() {
            return Err(format!("it cannot be declared: {why}"));
        }
        self.take(Address::Key { environment: home.clone(), key: label }, place, id.to_string(), pair)?;
        self.reference(&home, &live.environment);
        self.found.blocks.entry(self.file_of(&home)).or_default().push(block);
        Ok(())
    }

    /// The label of a key's environment: recorded, declared, or one that is looked up by its name from here on.
    fn home(&mut self, id: &EnvironmentId) -> Result<Label, String> {
        if let Some(label) = self.homes.get(id) {
            return Ok(label.clone());
        }
        let recorded = self.sealed().and_then(|sealed| sealed.environments.iter().find(|e| &e.id == id));
        if let Some(record) = recorded {
            let label = record.address.environment().clone();
            let is_declared = self.desired.environments.contains_key(&label);
            return if is_declared {
                Ok(label)
            } else {
                Err(format!("no file declares `environment.{label}` any more"))
            };
        }
        let live = self.known.live.environments.iter().find(|live| &live.id == id);
        let live = live.ok_or("its environment is not there")?;
        if live.color == Some(Color::Classic) {
            return Err("it is in a Classic environment, which keycomb never touches".to_owned());
        }
        match self.desired.environments.values().find(|declared| declared.name == live.name) {
            // One that is not managed yet is taken over with it, or the planner says why not.
            Some(declared) => Ok(declared.label.clone()),
            None => {
                let labels = &mut self.environment_labels;
                let make = || labels.make(&live.name, "environment");
                Ok(self.looked_up.entry(id.clone()).or_insert_with(make).clone())
            }
        }
    }

    /// An environment that the state does not have is declared as a reference, once.
    fn reference(&mut self, label: &Label, id: &EnvironmentId) {
        let is_known = self.desired.environments.contains_key(label) || self.homes.contains_key(id);
        let live = self.known.live.environments.iter().find(|live| &live.id == id);
        let Some(LiveEnvironment { name, .. }) = live.filter(|_| !is_known) else { return };
        self.homes.insert(id.clone(), label.clone());
        let file = self.file_of(label);
        self.found.references.insert(label.clone(), file.clone());
        let block = Block::Environment(crate::config::write::EnvironmentBlock {
            label: label.clone(),
            name: name.clone(),
            attributes: EnvironmentAttributes::default(),
            comment: vec!["the state does not have it: only looked up".to_owned()],
        });
        self.found.blocks.entry(file).or_default().insert(0, block);
    }

    /// The address whose declaration means this key, where nothing is recorded at it.
    fn declared_as(&self, home: &Label, live: &LiveKey) -> Option<Address> {
        let mut declared = self.desired.keys.values();
        let found = declared.find(|key| {
            key.address.environment() == home && key.key_type == live.key_type && key.name == live.name
        });
        let address = &found?.address;
        let is_managed = self.sealed().is_some_and(|sealed| sealed.generations(address).next().is_some());
        (!is_managed && !self.found.taken.contains_key(address)).then(|| address.clone())
    }

    fn take(
        &mut self,
        address: Address,
        place: &'a Place,
        id: String,
        key: Option<(&'a FoundKey, LiveKey)>,
    ) -> Result<(), String> {
        if let Some(why) = self.left_out.get(&address) {
            return Err(why.clone());
        }
        self.found.taken.insert(address, taken(place, id, key));
        Ok(())
    }

    fn first_time(&mut self, id: &str) -> Result<(), String> {
        if self.seen.insert(id.to_owned()) { Ok(()) } else { Err("the state has it twice".to_owned()) }
    }

    fn file_of(&self, home: &Label) -> String {
        format!("{}/{home}.toml", self.folder.trim_end_matches('/'))
    }
}

fn taken<'a>(place: &'a Place, id: String, key: Option<(&'a FoundKey, LiveKey)>) -> Taken<'a> {
    let has_secret = key.as_ref().is_some_and(|(key, _)| key.secret.is_some());
    Taken { id, place, key, secret: if has_secret { SecretFate::InState } else { SecretFate::None } }
}

fn not_here() -> String {
    "this team does not have it: it was deleted, or is of another team".to_owned()
}

/// Terraform has made its successor and was about to delete it.
fn refuse_deposed(place: &Place) -> Result<(), String> {
    match place.standing {
        Standing::Current | Standing::Tainted => Ok(()),
        Standing::Deposed => {
            Err("deposed: Terraform replaced it and did not delete it yet; delete it in Honeycomb once nothing uses it"
                .to_owned())
        }
    }
}

fn comment(block: &mut Block, place: &Place) {
    let line = format!("in Terraform: {}", brief(&place.address.to_string()));
    match block {
        Block::Environment(block) => block.comment.push(line),
        Block::Key(block) => block.comment.push(line),
    }
}
