//! Small constructors, a folder per test, and a disk that fails where it is told to.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use keycomb::model::{
    AppliedKey, Endpoint, Intent, KeyId, KeyState, KeyType, Lineage, Nonce, Payload, Period, Permission,
    Recipient, RecipientRef, Record, Sealed, SealedKey, Secret, TeamSlug, credential,
};
use keycomb::seal::{Disk, Holder, Identities, Keeper, OsDisk, SealError};

pub const ARMOR: &str =
    "-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5\n-----END AGE ENCRYPTED FILE-----\n";

pub fn team() -> TeamSlug {
    TeamSlug::new("acme").unwrap()
}

pub fn lineage() -> Lineage {
    Lineage::new("0123456789abcdef").unwrap()
}

pub fn nonce(n: u8) -> Nonce {
    Nonce::new(format!("{n:016}")).unwrap()
}

pub fn holder() -> Holder {
    Holder {
        pid: 42,
        host: "web-1".into(),
        user: Some("sam".into()),
        started: "2026-11-20T10:00:00Z".parse().unwrap(),
        command: "keycomb apply".into(),
    }
}

pub fn blank() -> Sealed {
    Sealed::new(team(), Endpoint::us(), lineage())
}

pub fn key(name: &str, id: &str) -> SealedKey {
    SealedKey {
        moved_from: vec![],
        in_place_of: vec![],
        address: format!("key.production.{name}").parse().unwrap(),
        generation: 1,
        state: KeyState::Provisional,
        id: KeyId::new(id).unwrap(),
        key_type: KeyType::Ingest,
        environment: keycomb::model::EnvironmentId::new("hcxen_1").unwrap(),
        name: format!("{name} collectors"),
        created: "2026-11-20T10:00:00Z".parse().unwrap(),
        since: "2026-11-20T10:00:01Z".parse().unwrap(),
        applied: AppliedKey { enabled: false, permissions: BTreeSet::from([Permission::CreateDatasets]) },
        owner: Some("team-checkout".into()),
        protected: false,
        quarantine: Period::days(14),
        recipients: vec![RecipientRef { name: "ops".into(), fingerprint: "00112233aabbccdd".into() }],
        sealed: Some(ARMOR.into()),
        secret: None,
        revoked: None,
        proof: None,
    }
}

pub fn intent(name: &str, n: u8) -> Record {
    Record::Intent {
        intent: Intent {
            address: format!("key.production.{name}").parse().unwrap(),
            generation: 1,
            nonce: nonce(n),
            at: "2026-11-20T10:00:00Z".parse().unwrap(),
        },
    }
}

pub fn minted(n: u8, key: SealedKey) -> Record {
    Record::Minted { nonce: nonce(n), key: Box::new(key) }
}

/// As old as the state that [`key`] has.
pub fn state(id: &str, state: KeyState) -> Record {
    Record::State { id: KeyId::new(id).unwrap(), state, since: "2026-11-20T10:00:01Z".parse().unwrap() }
}

/// What a key's armor holds when it is made for exactly this entry.
pub fn payload(key: &SealedKey, sealed: &Sealed, secret: &str) -> Payload {
    let secret = Secret::new(secret.to_owned());
    Payload {
        lineage: sealed.lineage.clone(),
        team: sealed.team.clone(),
        endpoint: sealed.endpoint.clone(),
        address: key.address.clone(),
        generation: key.generation,
        id: key.id.clone(),
        key_type: key.key_type,
        environment: key.environment.clone(),
        credential: credential(key.key_type, &key.id, &secret),
        secret,
    }
}

/// An identity of age's own kind, and who it opens for.
pub fn identity() -> (Recipient, Identities) {
    let (recipient, text) =
        keycomb::seal::generate_identity("2026-11-20T10:00:00Z".parse().unwrap()).unwrap();
    (recipient, identities(text.expose().as_bytes()))
}

pub fn identities(text: &[u8]) -> Identities {
    Identities::read_from(text, "test", &|_| None).unwrap()
}

/// A folder of its own, with the path of a sealed file in it.
pub struct Folder {
    pub dir: tempfile::TempDir,
    pub file: PathBuf,
}

pub fn folder() -> Folder {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("keycomb.sealed.toml");
    Folder { dir, file }
}

impl Folder {
    pub fn open(&self) -> Result<Keeper, SealError> {
        Keeper::open(&self.file, &team(), &Endpoint::us(), lineage(), &holder())
    }

    pub fn open_on(&self, disk: impl Disk + 'static) -> Result<Keeper, SealError> {
        Keeper::open_on(Box::new(disk), &self.file, &team(), &Endpoint::us(), lineage(), &holder())
    }

    pub fn read(&self) -> Result<Option<Sealed>, SealError> {
        keycomb::seal::read(&self.file, Some((&team(), &Endpoint::us())))
    }

    pub fn beside(&self, suffix: &str) -> PathBuf {
        self.dir.path().join(format!("keycomb.sealed.toml{suffix}"))
    }

    pub fn put(&self, sealed: &Sealed) {
        std::fs::write(&self.file, keycomb::seal::text::write(sealed)).unwrap();
    }

    /// The names in the folder, sorted, the lock left out.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.ends_with(".lock"))
            .collect();
        names.sort();
        names
    }
}

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing happens and an error is reported; what comes later works.
    Once,
    /// Nothing happens from here on: the process died before it.
    Before,
    /// It happens, and nothing after it: the process died after it. An error is reported.
    After,
    /// Half of what is to be written is written, and nothing happens after it.
    Half,
}

/// A disk that writes down what is done and fails at the `at`-th operation, counted from 0.
#[derive(Clone)]
pub struct Faulty {
    pub log: Arc<Mutex<Vec<String>>>,
    at: usize,
    fault: Fault,
}

impl Faulty {
    pub fn new(at: usize, fault: Fault) -> Self {
        Self { log: Arc::default(), at, fault }
    }

    pub fn never() -> Self {
        Self::new(usize::MAX, Fault::Once)
    }

    pub fn count(&self) -> usize {
        self.log.lock().unwrap().len()
    }

    /// Notes an operation; says what is to become of it.
    fn next(&self, what: &str, path: &Path) -> Option<Fault> {
        let mut log = self.log.lock().unwrap();
        let number = log.len();
        let name = path.file_name().unwrap().to_string_lossy().replace("keycomb.sealed.toml", "FILE");
        let name = if path.is_dir() { "FOLDER".to_owned() } else { name };
        log.push(format!("{what} {name}"));
        match self.fault {
            Fault::Once => (number == self.at).then_some(Fault::Once),
            fault if number == self.at => Some(fault),
            _ => (number > self.at).then_some(Fault::Before),
        }
    }

    fn act<T>(&self, what: &str, path: &Path, action: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self.next(what, path) {
            None => action(),
            Some(Fault::After) => action().and_then(|_| Err(broken())),
            Some(Fault::Once | Fault::Before | Fault::Half) => Err(broken()),
        }
    }
}

fn broken() -> io::Error {
    io::Error::other("the disk is broken")
}

impl Disk for Faulty {
    fn create_new(&mut self, path: &Path) -> io::Result<File> {
        self.act("create", path, || OsDisk.create_new(path))
    }

    fn write(&mut self, file: &mut File, path: &Path, bytes: &[u8]) -> io::Result<()> {
        match self.next("write", path) {
            None => OsDisk.write(file, path, bytes),
            Some(Fault::After) => OsDisk.write(file, path, bytes).and_then(|()| Err(broken())),
            Some(Fault::Half) => {
                OsDisk.write(file, path, &bytes[..bytes.len() / 2]).and_then(|()| Err(broken()))
            }
            Some(Fault::Once | Fault::Before) => Err(broken()),
        }
    }

    fn sync(&mut self, file: &File, path: &Path) -> io::Result<()> {
        self.act("sync", path, || OsDisk.sync(file, path))
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.act("rename", from, || OsDisk.rename(from, to))
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.act("remove", path, || OsDisk.remove(path))
    }

    fn sync_folder(&mut self, folder: &Path) -> io::Result<()> {
        self.act("sync", folder, || OsDisk.sync_folder(folder))
    }
}

/// Runs a program that must be there and must succeed.
pub fn run(program: &str, package: &str, args: &[&str], stdin: &[u8]) -> Vec<u8> {
    let output = try_run(program, package, args, stdin);
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Runs a program that must be there.
pub fn try_run(program: &str, package: &str, args: &[&str], stdin: &[u8]) -> Output {
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("install {program} (apt-get install {package}): {error}"));
    let mut pipe = child.stdin.take().unwrap();
    io::Write::write_all(&mut pipe, stdin).unwrap();
    drop(pipe);
    child.wait_with_output().unwrap()
}
