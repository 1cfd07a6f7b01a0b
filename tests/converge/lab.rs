//! All real parts around a sandbox in this process, and a clock that waits by being moved.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use keycomb::apply::{Silent, apply};
use keycomb::config::{SourceFile, parse};
use keycomb::honeycomb::{Connection, Credential, Options, Patience, Reader, Writer, read_all};
use keycomb::model::{
    Desired, Endpoint, KeyState, Lineage, Live, Nonce, Recipient, Sealed, Secret, TeamSlug, Timestamp,
};
use keycomb::plan::{Action, Allow, Ask, Input, Plan, plan};
use keycomb::ports::{KeepRecord as _, ReadLive as _, ServiceError, Surroundings};
use keycomb::report::Report;
use keycomb::sandbox::{self, ManualClock, Sandbox};
use keycomb::seal::{Holder, Identities, Keeper, generate_identity};
use tempfile::TempDir;

use crate::invariants::Theirs;

pub const LINEAGE: &str = "0123456789abcdef";
/// The endpoint that is declared; the sandbox's port passes.
const ENDPOINT: &str = "https://sandbox.invalid";

pub fn start() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// Everybody's: (recipient, identity file).
fn identity() -> &'static (String, String) {
    static IDENTITY: OnceLock<(String, String)> = OnceLock::new();
    IDENTITY.get_or_init(|| {
        let (recipient, text) = generate_identity(start()).unwrap();
        (recipient.to_string(), text.expose().to_owned())
    })
}

/// A team, a folder with its sealed file.
pub struct Lab {
    pub sandbox: Sandbox,
    pub clock: Arc<ManualClock>,
    pub theirs: Theirs,
    pub patience: Patience,
    /// The seals that were opened already: address, id, armor.
    pub opened: RefCell<HashSet<(String, String, Option<String>)>>,
    /// The keys that a test deleted as a person would.
    pub by_hand: RefCell<HashSet<String>>,
    /// Whether every guard that a name lifts is lifted: they have tests of their own.
    pub is_lifted: Cell<bool>,
    /// Whether a key may have a successor beside it.
    pub is_rotating: Cell<bool>,
    folder: TempDir,
    time: Time,
}

/// Waiting moves the service's clock: an hour passes in no time, for both sides alike.
struct Time {
    clock: Arc<ManualClock>,
    nonces: AtomicU64,
}

impl Lab {
    /// With two environments and six keys that nobody declares.
    pub async fn new() -> Self {
        Self::with(6).await
    }

    pub async fn with(keys: usize) -> Self {
        Self::start(keys, tempfile::tempdir().unwrap(), None).await
    }

    /// As a lab is once `text` was applied. That is done once for all labs: sealing takes its time.
    pub async fn after(text: &str) -> Self {
        static DONE: Mutex<BTreeMap<String, Lab>> = Mutex::new(BTreeMap::new());
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("sandbox.json");
        {
            let mut done = DONE.lock().unwrap();
            let prepare = || std::thread::scope(|scope| scope.spawn(|| Self::prepare(text)).join().unwrap());
            let lab = done.entry(text.to_owned()).or_insert_with(prepare);
            std::fs::copy(lab.folder.path().join("sandbox.json"), &state).unwrap();
            std::fs::copy(lab.path(), folder.path().join("keycomb.sealed.toml")).unwrap();
        }
        Self::start(0, folder, Some(state)).await
    }

    fn prepare(text: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let state = folder.path().join("sandbox.json");
            let lab = Self::start(6, folder, Some(state)).await;
            lab.apply_all(&lab.declare(text)).await;
            lab
        })
    }

    async fn start(keys: usize, folder: TempDir, state: Option<PathBuf>) -> Self {
        let clock = Arc::new(ManualClock::new(start()));
        let options = sandbox::Options {
            environments: if keys > 0 { 2 } else { 0 },
            keys,
            state,
            clock: Arc::clone(&clock) as Arc<dyn sandbox::Clock>,
            ..sandbox::Options::default()
        };
        let sandbox = Sandbox::start(options).await.unwrap();
        let patience = Patience {
            tries: 3,
            first_delay: Duration::from_millis(2),
            longest_delay: Duration::from_millis(4),
            ..Patience::default()
        };
        let theirs = Theirs::seeded(&sandbox.truth());
        // Nonces of two labs are never the same: one may go on where the other was.
        static LABS: AtomicU64 = AtomicU64::new(1);
        let nonces = AtomicU64::new(LABS.fetch_add(1, Ordering::Relaxed) * 1_000_000);
        let time = Time { clock: Arc::clone(&clock), nonces };
        Self {
            sandbox,
            clock,
            theirs,
            patience,
            folder,
            time,
            opened: RefCell::default(),
            by_hand: RefCell::default(),
            is_lifted: Cell::new(true),
            is_rotating: Cell::default(),
        }
    }

    /// Reads a configuration: the tables that every one needs, then `rest`.
    pub fn declare(&self, rest: &str) -> Desired {
        let text = format!(
            "version = 1\n[honeycomb]\nteam = \"acme\"\nendpoint = \"{ENDPOINT}\"\n[seal.recipients]\nops = \"{}\"\n{rest}",
            identity().0
        );
        let file = SourceFile { name: "keycomb.toml".into(), text: text.clone().into_bytes() };
        parse(vec![file]).unwrap_or_else(|problems| panic!("{problems:?}\n{text}"))
    }

    pub fn connect(&self) -> (Reader, Writer) {
        let key = self.sandbox.management_key();
        let connection = Connection::new(Options {
            endpoint: Endpoint::new(self.sandbox.endpoint()).unwrap(),
            team: TeamSlug::new("acme").unwrap(),
            credential: Credential { id: key.id, secret: Secret::new(key.secret) },
            ca_file: None,
            user_agent: "test".into(),
            patience: self.patience,
            notice: Arc::new(|_| {}),
        })
        .unwrap();
        (connection.reader().unwrap(), connection.writer().unwrap())
    }

    pub fn identities(&self) -> Identities {
        Identities::read_from(identity().1.as_bytes(), "test", &|_| None).unwrap()
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("keycomb.sealed.toml")
    }

    fn keeper(&self, desired: &Desired) -> Keeper {
        let holder =
            Holder { pid: 1, host: "test".into(), user: None, started: start(), command: "test".into() };
        let lineage = Lineage::new(LINEAGE).unwrap();
        Keeper::open(&self.path(), &desired.team, &desired.endpoint, lineage, &holder).unwrap()
    }

    /// The record as the next command finds it.
    pub fn sealed(&self) -> Sealed {
        let sealed = keycomb::seal::read(&self.path(), None).unwrap();
        sealed.unwrap_or_else(|| {
            let (team, endpoint) = (TeamSlug::new("acme").unwrap(), Endpoint::new(ENDPOINT).unwrap());
            Sealed::new(team, endpoint, Lineage::new(LINEAGE).unwrap())
        })
    }

    /// What `keycomb plan` does.
    pub async fn plan(&self, desired: &Desired) -> Plan {
        let (reader, _) = self.connect();
        let keeper = self.keeper(desired);
        let before = self.sandbox.requests().len();
        let plan = self.decide(desired, keeper.sealed(), &reader).await.unwrap();
        // S9.
        let written = self.sandbox.requests().into_iter().skip(before).find(|r| r.method != "GET");
        assert!(written.is_none(), "a plan wrote: {written:?}");
        plan
    }

    async fn decide(
        &self,
        desired: &Desired,
        sealed: &Sealed,
        reader: &Reader,
    ) -> Result<Plan, ServiceError> {
        let live = live(reader, sealed).await?;
        let recorded = sealed.keys.iter().map(|k| k.address.clone());
        let named = desired.keys.keys().cloned().chain(recorded);
        let addresses = named.filter(|_| self.is_lifted.get()).collect();
        let allow = Allow { addresses, ..Allow::default() };
        Ok(plan(&Input {
            desired,
            live: &live,
            sealed: Some(sealed),
            now: live.now,
            allow,
            ask: Ask::default(),
            elsewhere: BTreeMap::new(),
        }))
    }

    /// What `keycomb apply --yes` does. `None` where it ended before the first write.
    pub async fn apply(&self, desired: &Desired) -> Option<Report> {
        let (reader, writer) = self.connect();
        let mut keeper = self.keeper(desired);
        let plan = self.decide(desired, keeper.sealed(), &reader).await.ok()?;
        if plan.summary.changes > 0 {
            let recipients: Vec<(&str, &Recipient)> =
                desired.seal.recipients.iter().map(|(name, recipient)| (name.as_str(), recipient)).collect();
            keeper.preflight(&recipients).unwrap();
        }
        let report = apply(&plan, &desired.seal, &reader, &writer, &mut keeper, &self.time, &Silent).await;
        assert_eq!(report.unfolded, None);
        Some(report)
    }

    /// Applies, and everything must be done.
    pub async fn apply_all(&self, desired: &Desired) {
        let report = self.apply(desired).await.expect("something to apply");
        let (done, ..) = report.counts();
        let blocked = report.outcomes.iter().filter(|o| o.became == keycomb::report::Became::Blocked).count();
        assert_eq!(done + blocked, report.outcomes.len(), "{report:#?}");
    }
}

/// Everything the service has, with a second look at what is managed and the listing does not show.
async fn live(reader: &Reader, sealed: &Sealed) -> Result<Live, ServiceError> {
    let mut live = read_all(reader).await?;
    for entry in sealed.keys.iter().filter(|k| k.state != KeyState::Deleted) {
        if !live.keys.iter().any(|key| key.id == entry.id)
            && let Some(unlisted) = reader.key(&entry.id).await?
        {
            live.keys.push(unlisted);
        }
    }
    for entry in &sealed.environments {
        if !live.environments.iter().any(|environment| environment.id == entry.id)
            && let Some(unlisted) = reader.environment(&entry.id).await?
        {
            live.environments.push(unlisted);
        }
    }
    live.environments.sort_by(|a, b| a.id.cmp(&b.id));
    live.keys.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(live)
}

impl Surroundings for Time {
    fn now(&self) -> Timestamp {
        sandbox::Clock::now(self.clock.as_ref())
    }

    fn monotonic(&self) -> Duration {
        Duration::try_from(self.now().duration_since(start())).unwrap()
    }

    async fn sleep(&self, time: Duration) {
        self.clock.advance(time);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    fn nonce(&self) -> Nonce {
        Nonce::new(format!("{:016}", self.nonces.fetch_add(1, Ordering::Relaxed))).unwrap()
    }

    fn is_stopping(&self) -> bool {
        false
    }
}

/// A plan's actions as short lines.
pub fn tell(plan: &Plan) -> Vec<String> {
    let one = |action: &Action| match &action.blocked {
        Some(blocked) => {
            format!("blocked:{}:{} {}: {}", blocked.verb.as_str(), blocked.code, action.address, blocked.text)
        }
        None => format!("{} {} {:?}", action.verb.as_str(), action.address, action.changes),
    };
    plan.actions.iter().map(one).collect()
}

/// How many cases are under way at once: they mostly wait, for the disk or for an answer that does not come.
const THREADS: usize = 6;

/// Runs all cases, each on one of a few threads, and tells of all that failed.
pub fn side_by_side<C: Send, F: Future<Output = Result<(), String>>>(
    cases: Vec<C>,
    run: impl Fn(C) -> F + Sync,
) {
    let number = cases.len();
    let waiting = Mutex::new(cases);
    let failed = Mutex::new(Vec::new());
    let next = || waiting.lock().unwrap().pop();
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        while let Some(case) = next() {
            if let Err(told) = runtime.block_on(run(case)) {
                failed.lock().unwrap().push(told);
            }
        }
    };
    std::thread::scope(|scope| (0..THREADS).for_each(|_| drop(scope.spawn(work))));
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {number}:\n{}", failed.len(), failed.join("\n"));
}
