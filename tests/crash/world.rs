//! A bench that runs the binary: a work folder, a sandbox with a clock that stands still, a proxy between them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use keycomb::honeycomb::{Connection, Credential, Patience, Writer};
use keycomb::model::{
    Desired, Endpoint, EnvironmentId, KeyType, Lineage, Nonce, Provisional, Sealed, Secret, TeamSlug,
    Timestamp,
};
use keycomb::ports::{NewKey, OPEN, WriteLive as _};
use keycomb::sandbox::{self, Clock as _, ManualClock, Sandbox};
use keycomb::seal::{Holder, Identities, Keeper, generate_identity};
use tempfile::TempDir;

use crate::point::{Fate, Point, Stop};
use crate::proxy::Proxy;
use crate::strace::{self, Seen};

/// A run that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// How many at once: they wait for the disk as much as for the processor.
const THREADS: usize = 4;

const SEALED: &str = "keycomb.sealed.toml";

fn start() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// In memory where there is such a folder: what is made durable there is seen by strace all the same, and costs nothing.
fn home() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Everybody's: (recipient, identity file).
fn identity() -> &'static (String, String) {
    static IDENTITY: OnceLock<(String, String)> = OnceLock::new();
    IDENTITY.get_or_init(|| {
        let (recipient, text) = generate_identity(start()).unwrap();
        (recipient.to_string(), text.expose().to_owned())
    })
}

pub fn identities() -> Identities {
    Identities::read_from(identity().1.as_bytes(), "test", &|_| None).unwrap()
}

/// One worker's: its worlds all have the same address for the service, for the sealed file remembers it.
pub struct Bench {
    proxy: Proxy,
    runtime: tokio::runtime::Runtime,
}

/// A team's folder and its service at a moment, to begin from again and again.
#[derive(Clone)]
pub struct Snapshot {
    files: BTreeMap<String, Vec<u8>>,
    state: Vec<u8>,
    now: Timestamp,
    stdin: Vec<u8>,
}

impl Snapshot {
    fn lay_out(&self, folder: &Path) {
        for (name, bytes) in &self.files {
            fs::write(folder.join(name), bytes).unwrap();
        }
    }
}

/// A team at work.
pub struct World<'b> {
    pub bench: &'b Bench,
    pub sandbox: Sandbox,
    pub clock: Arc<ManualClock>,
    /// Everything that was said, for the search for secrets.
    pub said: Vec<(String, Vec<u8>)>,
    /// What the binary reads from its stdin.
    pub stdin: Vec<u8>,
    /// Where the binary runs.
    folder: PathBuf,
    home: TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ran {
    pub stdout: String,
    pub stderr: String,
    /// `None`: by a signal.
    pub exit: Option<i32>,
    /// What it did to the disk, where that was watched.
    pub calls: Vec<Seen>,
}

/// How the binary is run.
pub enum How<'a> {
    Plainly,
    /// Under strace, perhaps with one of its rules to inject something.
    Watched(Option<&'a str>),
    /// Until a request has come so far.
    Until(&'a Stop),
    /// To its end, though the connection breaks once.
    Cut(&'a Stop),
}

impl Bench {
    pub fn new() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let proxy = Proxy::start(runtime.handle());
        Self { proxy, runtime }
    }

    /// A team with nothing of its own, beside keys and environments of others.
    pub fn fresh(&self, seed: u64) -> World<'_> {
        let home = home();
        fs::create_dir(home.path().join("work")).unwrap();
        let world = self.world(home, start(), seed, Duration::ZERO);
        // What looks like the unfinished work of another file is no business of ours.
        let lineage = Lineage::new("zzzzzzzzzzzzzzzz").unwrap();
        let nonce = Nonce::new("7777777777777777").unwrap();
        let address = "key.production.checkout".parse().unwrap();
        let environment = world.sandbox.truth().environments[0].id.clone();
        let new = NewKey {
            key_type: KeyType::Configuration,
            environment: EnvironmentId::new(environment).unwrap(),
            name: Provisional::new(&lineage, &address, nonce).name(),
            disabled: true,
            permissions: [].into(),
        };
        self.runtime.block_on(world.writer().create_key(&new, OPEN)).unwrap();
        world
    }

    pub fn restore(&self, snapshot: &Snapshot) -> World<'_> {
        self.restore_with(snapshot, Duration::ZERO)
    }

    /// With a service that takes its time.
    pub fn restore_with(&self, snapshot: &Snapshot, latency: Duration) -> World<'_> {
        let home = home();
        fs::create_dir(home.path().join("work")).unwrap();
        snapshot.lay_out(&home.path().join("work"));
        fs::write(home.path().join("state.json"), &snapshot.state).unwrap();
        World { stdin: snapshot.stdin.clone(), ..self.world(home, snapshot.now, 0, latency) }
    }

    fn world(&self, home: TempDir, now: Timestamp, seed: u64, latency: Duration) -> World<'_> {
        let clock = Arc::new(ManualClock::new(now));
        let options = sandbox::Options {
            state: Some(home.path().join("state.json")),
            seed,
            environments: 2,
            keys: 4,
            latency,
            clock: Arc::clone(&clock) as Arc<dyn sandbox::Clock>,
            ..sandbox::Options::default()
        };
        let sandbox = self.runtime.block_on(Sandbox::start(options)).unwrap();
        let folder = home.path().join("work");
        World { bench: self, sandbox, clock, said: Vec::new(), stdin: Vec::new(), folder, home }
    }

    fn endpoint(&self) -> String {
        format!("http://{}", self.proxy.address)
    }

    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }
}

/// Runs all jobs, each on one of a few benches; tells what failed, and what panicked.
pub fn side_by_side<J: Send>(
    jobs: Vec<J>,
    run: impl Fn(&Bench, J) -> Result<(), String> + Sync,
) -> Vec<String> {
    let jobs = Mutex::new(jobs.into_iter());
    let failed = Mutex::new(Vec::new());
    let next = || jobs.lock().unwrap().next();
    let work = || {
        let bench = Bench::new();
        while let Some(job) = next() {
            let ended = catch_unwind(AssertUnwindSafe(|| run(&bench, job)));
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(told)) => failed.lock().unwrap().push(told),
                Err(_) => failed.lock().unwrap().push("a panic, see above".into()),
            }
        }
    };
    std::thread::scope(|scope| (0..THREADS).for_each(|_| drop(scope.spawn(work))));
    failed.into_inner().unwrap()
}

/// None may have failed; the first few are shown.
pub fn none(failed: &[String]) {
    let shown: Vec<&str> = failed.iter().take(20).map(String::as_str).collect();
    assert!(shown.is_empty(), "{} failed:\n{}", failed.len(), shown.join("\n"));
}

impl World<'_> {
    pub fn folder(&self) -> PathBuf {
        self.folder.clone()
    }

    /// Another machine's folder, with what is committed.
    pub fn lay_out(&self, snapshot: &Snapshot, name: &str) -> PathBuf {
        let folder = self.home.path().join(name);
        fs::create_dir(&folder).unwrap();
        snapshot.lay_out(&folder);
        folder
    }

    /// Goes on on another machine.
    pub fn move_to(&mut self, folder: PathBuf) {
        self.folder = folder;
    }

    pub fn sealed_path(&self) -> PathBuf {
        self.folder().join(SEALED)
    }

    pub fn beside(&self, suffix: &str) -> PathBuf {
        self.folder().join(format!("{SEALED}{suffix}"))
    }

    pub fn snapshot(&self) -> Snapshot {
        let files = fs::read_dir(self.folder()).unwrap().map(|entry| entry.unwrap());
        // Accounts of runs are in a folder of their own, and nothing hangs on them.
        let files = files.filter(|entry| entry.path().is_file());
        let read =
            |entry: fs::DirEntry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap());
        let state = fs::read(self.home.path().join("state.json")).unwrap();
        Snapshot { files: files.map(read).collect(), state, now: self.clock.now(), stdin: self.stdin.clone() }
    }

    /// Puts a recipient's identity beside it.
    pub fn put_identity(&self) {
        fs::write(self.folder().join("identity.txt"), &identity().1).unwrap();
    }

    /// Writes keycomb.toml.
    pub fn declare(&self, rest: &str) {
        fs::write(self.folder().join("keycomb.toml"), self.configuration(rest)).unwrap();
    }

    fn configuration(&self, rest: &str) -> String {
        format!(
            "version = 1\n[honeycomb]\nteam = \"acme\"\nendpoint = \"{}\"\n[seal.recipients]\nops = \"{}\"\n{rest}",
            self.bench.endpoint(),
            identity().0
        )
    }

    pub fn desired(&self) -> Desired {
        keycomb::config::load(&self.folder().join("keycomb.toml")).unwrap().desired
    }

    /// The record as the next run finds it.
    pub fn sealed(&self) -> Result<Option<Sealed>, String> {
        keycomb::seal::read(&self.sealed_path(), None).map_err(|error| format!("S10: {error}"))
    }

    /// The record, held as a run of ours would.
    pub fn keeper(&self) -> Keeper {
        let holder =
            Holder { pid: 1, host: "test".into(), user: None, started: start(), command: "test".into() };
        let desired = self.desired();
        let lineage = Lineage::new("0123456789abcdef").unwrap();
        Keeper::open(&self.sealed_path(), &desired.team, &desired.endpoint, lineage, &holder).unwrap()
    }

    pub fn pass(&self, minutes: u64) {
        self.clock.advance(Duration::from_secs(60 * minutes));
    }

    /// Changes the service by hand.
    pub fn writer(&self) -> Writer {
        let key = self.sandbox.management_key();
        let connection = Connection::new(keycomb::honeycomb::Options {
            endpoint: Endpoint::new(self.sandbox.endpoint()).unwrap(),
            team: TeamSlug::new("acme").unwrap(),
            credential: Credential { id: key.id, secret: Secret::new(key.secret) },
            ca_file: None,
            user_agent: "test".into(),
            patience: Patience::default(),
            notice: Arc::new(|_| {}),
        });
        connection.unwrap().writer().unwrap()
    }

    pub fn deliver_late(&self) {
        self.bench.proxy.deliver_late(self.bench.runtime.handle());
    }

    /// What the latest run asked of the service, in its order.
    pub fn asked(&self) -> Vec<String> {
        self.bench.proxy.seen()
    }

    /// Under which names it asked for keys.
    pub fn asked_for(&self) -> Vec<String> {
        self.bench.proxy.names()
    }

    pub fn how<'a>(point: &'a Point, fate: Fate, rule: &'a mut String) -> How<'a> {
        match point {
            Point::Net(stop) if fate == Fate::Cut => How::Cut(stop),
            Point::Net(stop) => How::Until(stop),
            Point::Disk(call) => {
                *rule = format!("{}:signal=KILL:when={}", call.call, call.number);
                How::Watched(Some(rule))
            }
        }
    }

    /// The binary, with nothing of this process's environment but PATH; in the folder, with the management key.
    pub fn command(&self, how: &How<'_>, log: &Path) -> Command {
        let program = assert_cmd::cargo::cargo_bin!("keycomb");
        let key = self.sandbox.management_key();
        let mut command = match how {
            How::Watched(inject) => {
                let mut command = strace::command(&self.sealed_path(), log, *inject);
                command.arg(program);
                command
            }
            How::Plainly | How::Until(_) | How::Cut(_) => Command::new(program),
        };
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("LANG", "C.UTF-8")
            .env("HONEYCOMB_KEY_ID", &key.id)
            .env("HONEYCOMB_KEY_SECRET", &key.secret)
            .current_dir(self.folder())
            .stdin(Stdio::null());
        // Whole paths, as strace is given them.
        command.arg("-c").arg(self.folder().join("keycomb.toml"));
        command
    }

    /// From here on another run is looked at.
    pub fn begin(&self, stop: Option<Stop>) {
        self.bench.proxy.begin(self.upstream(), stop);
    }

    fn upstream(&self) -> SocketAddr {
        self.sandbox.endpoint().strip_prefix("http://").unwrap().parse().unwrap()
    }

    /// From here on another run is looked at, which waits when a request arrives.
    pub fn begin_with_pause(&self, at: Stop) {
        self.bench.proxy.begin_with_pause(self.upstream(), at);
    }

    pub fn pause_also(&self, at: Stop) {
        self.bench.proxy.pause_also(at);
    }

    /// Whether the request arrives that a run waits at, before that run ends.
    pub fn waits_before_it_ends(&self, child: &Child) -> bool {
        while self.is_running(child) {
            if self.bench.proxy.is_hit(Duration::from_millis(1)) {
                return true;
            }
        }
        self.bench.proxy.is_hit(Duration::ZERO)
    }

    /// Whether the run that ended came to its stop.
    pub fn came_there(&self) -> bool {
        self.bench.proxy.is_hit(Duration::ZERO)
    }

    /// Whether the request has arrived that the run waits at.
    pub fn is_waiting(&self) -> bool {
        self.bench.proxy.is_hit(PATIENCE)
    }

    /// Whether a run that nobody has waited for yet is still under way.
    pub fn is_running(&self, child: &Child) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
        // The state stands behind the name, which is in brackets.
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
    }

    pub fn go_on(&self) {
        self.bench.proxy.go_on();
    }

    pub fn run(&mut self, arguments: &[String], how: &How<'_>) -> Result<Ran, String> {
        match how {
            How::Until(stop) => self.begin(Some((*stop).clone())),
            How::Cut(stop) => self.bench.proxy.begin_with_cut(self.upstream(), (*stop).clone()),
            How::Plainly | How::Watched(_) => self.begin(None),
        }
        let out = |name: &str| self.home.path().join(name);
        let log = out("strace");
        let mut child = self
            .command(how, &log)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(File::create(out("stdout")).unwrap())
            .stderr(File::create(out("stderr")).unwrap())
            .spawn()
            .unwrap();
        if let Some(mut stdin) = child.stdin.take() {
            // Whoever reads nothing may be gone already.
            let _ = stdin.write_all(&self.stdin);
        }
        let exit = self.wait_for(&mut child, matches!(how, How::Until(_)));
        let calls = match how {
            How::Watched(_) => strace::read(&log, &self.sealed_path(), exit == Ok(None)),
            How::Plainly | How::Until(_) | How::Cut(_) => Vec::new(),
        };
        let (stdout, stderr) = (fs::read(out("stdout")).unwrap(), fs::read(out("stderr")).unwrap());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let ran = Ran { stdout: text(&stdout), stderr: text(&stderr), exit: exit?, calls };
        self.said.push(("stdout".into(), stdout));
        self.said.push(("stderr".into(), stderr));
        Ok(ran)
    }

    /// Waits for its end, and ends it when the proxy says so.
    pub fn wait_for(&self, child: &mut Child, until: bool) -> Result<Option<i32>, String> {
        let begun = Instant::now();
        loop {
            if until && self.bench.proxy.is_hit(Duration::from_millis(1)) {
                child.kill().unwrap();
                child.wait().unwrap();
                return Ok(None);
            }
            if let Some(status) = child.try_wait().unwrap() {
                return Ok(status.code());
            }
            if begun.elapsed() > PATIENCE {
                child.kill().unwrap();
                child.wait().unwrap();
                return Err("it hangs".into());
            }
            if !until {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}
