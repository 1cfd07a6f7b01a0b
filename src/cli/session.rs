//! What every command that talks to the service needs: the configuration, the credential, the connection.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::Instrument as _;

use super::args::{Global, Service};
use super::credential::{self, Found, Lookup};
use super::exit::Exit;
use super::failure::Failure;
use super::history::{self, Searched};
use super::output::Output;
use super::place::refuse_link;
use super::private_file::{self, Unread};
use super::stored::Account;
use super::traced;
use crate::config::{self, Loaded, LoadedFile};
use crate::honeycomb::{
    self, Connection, ConnectionError, Context, Credential, Diagnosis, Kind, Notice, Patience, Reader, Why,
};
use crate::model::{Access, Desired, Endpoint, KeyId, Live, Scope, Sealed, Secret, TeamSlug};
use crate::ports::{Proof, ReadLive as _, ServiceError};
use crate::sandbox::{self, Sandbox};
use crate::seal::{self, SealError};

/// The scopes that reading needs.
pub const READ: &[Scope] = &[Scope::EnvironmentsRead, Scope::KeysRead];

pub(super) const USER_AGENT: &str = concat!("keycomb/", env!("CARGO_PKG_VERSION"));

/// A configuration, and a connection to the service that it names.
pub struct Session {
    /// The declared state. Its endpoint is the service's lasting one, also for a sandbox on a passing port.
    pub desired: Desired,
    /// The main configuration file.
    pub config: PathBuf,
    /// The configuration's folder.
    pub folder: PathBuf,
    /// The files that the configuration was read from.
    pub files: Vec<LoadedFile>,
    /// The sealed file.
    pub sealed_path: PathBuf,
    /// The service.
    pub connection: Connection,
    /// Reads it.
    pub reader: Reader,
    /// Who we are there.
    pub access: Access,
    /// Where the credential came from, and what it shadows.
    pub source: (String, Vec<String>),
    connected_to: Endpoint,
    ca_file: Option<PathBuf>,
    output: Output,
    sandbox: Option<Sandbox>,
}

/// Reads the configuration; `--endpoint` counts more than what it says.
///
/// # Errors
/// All its problems (exit 3); an endpoint that is none (64).
pub fn load(global: &Global) -> Result<Loaded, Failure> {
    let mut loaded = config::load(&global.config).map_err(|problems| Failure::new(Exit::Config, problems))?;
    if let Some(endpoint) = &global.endpoint {
        loaded.desired.endpoint = parse_endpoint(endpoint.trim().trim_end_matches('/'))?;
    }
    Ok(loaded)
}

/// Where the sealed file is: beside the configuration, or with the sandbox's state. A sandbox never touches the
/// sealed file of the real service.
pub fn sealed_path(folder: &Path, desired: &Desired, sandbox: bool) -> PathBuf {
    sealed_file(folder, &desired.seal.file, sandbox)
}

/// The same for the name of the file alone.
pub(super) fn sealed_file(folder: &Path, file: &str, sandbox: bool) -> PathBuf {
    let file = if sandbox { ".keycomb/sandbox.sealed.toml" } else { file };
    // "./" in front would only be in the way when the path is shown.
    if folder == Path::new(".") { PathBuf::from(file) } else { folder.join(file) }
}

/// The sandbox as the sealed file remembers it: its port passes.
pub fn sandbox_endpoint() -> Endpoint {
    #[expect(clippy::expect_used, reason = "the literal is an endpoint")]
    Endpoint::new("https://sandbox.invalid").expect("a literal endpoint")
}

impl Session {
    /// Connects, and refuses a credential of another team or without the scopes to read.
    ///
    /// # Errors
    /// Those of [`Session::connect`]; another team, a missing scope (4).
    pub async fn open(global: &Global, service: &Service, output: Output) -> Result<Self, Failure> {
        let session = Self::connect(global, service, output).await?;
        session.check_read()?;
        Ok(session)
    }

    /// Whether the credential is of the configured team and may read.
    ///
    /// # Errors
    /// What is wrong with it (4).
    pub fn check_read(&self) -> Result<(), Failure> {
        self.check_team()?;
        check_scopes(&self.access, READ)
    }

    /// Whether the credential is of the configured team.
    ///
    /// # Errors
    /// It is not (4).
    pub fn check_team(&self) -> Result<(), Failure> {
        let diagnosis = honeycomb::diagnose_team(&self.access, &self.context());
        diagnosis.map_or(Ok(()), |diagnosis| Err(failure(diagnosis)))
    }

    /// Reads the configuration, finds the credential, connects, and asks who we are.
    ///
    /// # Errors
    /// A wrong configuration (3), no credential or a refused one (4), an unreachable service (1).
    pub async fn connect(global: &Global, service: &Service, output: Output) -> Result<Self, Failure> {
        Self::connect_for(load(global)?, global, service, output).await
    }

    /// The same for a configuration that is read already.
    ///
    /// # Errors
    /// As [`Session::connect`], but for the configuration's.
    pub async fn connect_for(
        loaded: Loaded,
        global: &Global,
        service: &Service,
        output: Output,
    ) -> Result<Self, Failure> {
        let session = Self::begin(loaded, global, service, output).instrument(traced::phase("load")).await?;
        traced::note_team(&session.desired.team, session.connected_to.as_str());
        Ok(session)
    }

    async fn begin(
        loaded: Loaded,
        global: &Global,
        service: &Service,
        output: Output,
    ) -> Result<Self, Failure> {
        let Loaded { mut desired, folder, files } = loaded;
        let sandbox = if service.sandbox { Some(start_sandbox(&folder, &desired.team).await?) } else { None };
        let sealed_path = sealed_path(&folder, &desired, service.sandbox);
        let (endpoint, found) = match &sandbox {
            Some(sandbox) => {
                let key = sandbox.management_key();
                let endpoint = parse_endpoint(sandbox.endpoint())?;
                desired.endpoint = sandbox_endpoint();
                let found = Found {
                    id: key.id,
                    secret: Secret::new(key.secret),
                    source: "the sandbox".to_owned(),
                    shadowed: Vec::new(),
                };
                (endpoint, found)
            }
            None => {
                let account = Account { endpoint: &desired.endpoint, team: &desired.team };
                let found = credential::find(service.key_file.as_deref(), account, &Machine)
                    .map_err(|error| Failure::new(Exit::Credential, error))?;
                (desired.endpoint.clone(), found)
            }
        };
        let Found { id, secret, source, shadowed } = found;
        let connection = Connection::new(honeycomb::Options {
            endpoint: endpoint.clone(),
            team: desired.team.clone(),
            credential: Credential { id, secret },
            ca_file: service.ca_file.clone(),
            user_agent: USER_AGENT.to_owned(),
            patience: Patience::default(),
            notice: Arc::new(move |notice| say_waiting(notice, output)),
        })
        .map_err(unconnected)?;
        let reader = connection.reader().map_err(unconnected)?;
        let context = Context { endpoint: &endpoint, team: &desired.team };
        let asked = reader.access().await;
        let access = asked.map_err(|error| failure(honeycomb::diagnose(&error, &context)))?;
        Ok(Self {
            desired,
            config: global.config.clone(),
            folder,
            files,
            sealed_path,
            connection,
            reader,
            access,
            source: (source, shadowed),
            connected_to: endpoint,
            ca_file: service.ca_file.clone(),
            output,
            sandbox,
        })
    }

    /// What the service says of a key's own credential; `None` when it refuses it.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn prove(&self, credential: &Secret) -> Result<Option<Proof>, Failure> {
        let explain = |error: ServiceError| failure(honeycomb::diagnose(&error, &self.context()));
        self.reader.prove(credential).await.map_err(explain)
    }

    /// The record, with whatever an unfinished apply left in its journal; `None` when there is none yet.
    ///
    /// # Errors
    /// An unreadable file, or one of another team or service: never a fresh start.
    pub fn sealed(&self) -> Result<Option<Sealed>, Failure> {
        seal::read(&self.sealed_path, Some((&self.desired.team, &self.desired.endpoint))).map_err(from_seal)
    }

    /// Everything the service has, with a second look at what is managed and the listing does not show.
    ///
    /// # Errors
    /// When any part of it could not be read: a partial listing decides nothing.
    pub async fn live(&self, sealed: Option<&Sealed>) -> Result<Live, Failure> {
        honeycomb::read_managed(&self.reader, sealed).await.map_err(|error| self.explain(&error))
    }

    /// A failed call, with what to do about it.
    pub fn explain(&self, error: &ServiceError) -> Failure {
        failure(honeycomb::diagnose(error, &self.context()))
    }

    /// The keys at the service that the record does not know and an older version of the sealed file does, with a commit
    /// that has it. Asks git only when there are unknown keys; what cannot be looked up is said and fails nothing.
    pub async fn elsewhere(
        &self,
        sealed: Option<&Sealed>,
        live: &Live,
        output: &Output,
    ) -> BTreeMap<KeyId, String> {
        let known: HashSet<&KeyId> =
            sealed.iter().flat_map(|sealed| &sealed.keys).map(|key| &key.id).collect();
        let forgotten: HashSet<&KeyId> =
            sealed.iter().flat_map(|sealed| &sealed.forgotten).map(|key| &key.id).collect();
        let unknown =
            live.keys.iter().map(|key| &key.id).filter(|id| !known.contains(id) && !forgotten.contains(id));
        let wanted: BTreeSet<KeyId> = unknown.cloned().collect();
        // The sandbox's sealed file is never committed.
        if wanted.is_empty() || self.is_sandbox() {
            return BTreeMap::new();
        }
        let file = self.sealed_path.clone();
        let search = tokio::task::spawn_blocking(move || history::search(&file, wanted, history::LIMIT));
        let Searched { commits, unsure } = search.await.unwrap_or_default();
        if let Some(why) = unsure {
            output.say(&format!(
                "note: the service has keys that the sealed file does not know, and its history was not searched for them: {why}"
            ));
        }
        commits
    }

    /// Who another management key is, at the same service; `None` when it is refused.
    ///
    /// # Errors
    /// A client that cannot be made; a service that does not answer.
    pub async fn access_of(&self, credential: Credential) -> Result<Option<Access>, Failure> {
        let output = self.output;
        let connection = Connection::new(honeycomb::Options {
            endpoint: self.connected_to.clone(),
            team: self.desired.team.clone(),
            credential,
            ca_file: self.ca_file.clone(),
            user_agent: USER_AGENT.to_owned(),
            patience: Patience::default(),
            notice: Arc::new(move |notice| say_waiting(notice, output)),
        })
        .map_err(unconnected)?;
        match connection.reader().map_err(unconnected)?.access().await {
            Ok(access) => Ok(Some(access)),
            Err(error) if error.failure.status() == Some(401) => Ok(None),
            Err(error) => Err(self.explain(&error)),
        }
    }

    /// Takes another configuration for the same service: what the files are about to declare.
    pub fn declares(&mut self, desired: Desired) {
        // `--endpoint` and a sandbox count more than what it says.
        self.desired = Desired { endpoint: self.desired.endpoint.clone(), ..desired };
    }

    fn context(&self) -> Context<'_> {
        Context { endpoint: &self.connected_to, team: &self.desired.team }
    }

    /// Whether this runs against an embedded sandbox.
    pub fn is_sandbox(&self) -> bool {
        self.sandbox.is_some()
    }

    /// Ends it: a sandbox writes its state.
    pub async fn close(self) {
        if let Some(sandbox) = self.sandbox {
            sandbox.stop().await;
        }
    }
}

/// Refuses a credential that lacks a scope.
///
/// # Errors
/// Names the scopes that are missing (exit 4).
pub fn check_scopes(access: &Access, wanted: &[Scope]) -> Result<(), Failure> {
    honeycomb::diagnose_scopes(access, wanted).map_or(Ok(()), |diagnosis| Err(failure(diagnosis)))
}

pub(super) fn failure(diagnosis: Diagnosis) -> Failure {
    let Diagnosis { message, help, kind } = diagnosis;
    Failure::words(exit_of(kind), message, help)
}

/// How a command ends that fails for such a matter.
pub(super) fn exit_of(kind: Kind) -> Exit {
    match kind {
        Kind::Credential | Kind::Scope | Kind::Team => Exit::Credential,
        Kind::Network | Kind::Service => Exit::Failed,
    }
}

/// A client that cannot even be made: a bad CA file, no CA store.
pub fn unconnected(error: ConnectionError) -> Failure {
    Failure::new(Exit::Failed, error)
}

/// Says that a call waits, and how long.
pub(super) fn say_waiting(notice: Notice, output: Output) {
    let Notice::Waiting { collection, why, time } = notice;
    let reason = match why {
        Why::Budget => "the rate limit's budget is spent",
        Why::RateLimited => "the service answered 429",
        Why::Retry => "the last try failed",
    };
    output.say(&format!("waiting {} s ({collection}: {reason})", time.as_secs_f64().ceil()));
}

/// The text is not repeated: it may hold a password.
pub(super) fn parse_endpoint(text: &str) -> Result<Endpoint, Failure> {
    Endpoint::new(text)
        .map_err(|error| Failure::words(Exit::Usage, "`--endpoint` is no endpoint", error.to_string()))
}

pub(super) async fn start_sandbox(folder: &Path, team: &TeamSlug) -> Result<Sandbox, Failure> {
    let state = folder.join(".keycomb");
    refuse_link(&state)?;
    make_private_folder(&state)?;
    let options = sandbox::Options {
        state: Some(state.join("sandbox.json")),
        team_slug: team.to_string(),
        team_name: team.to_string(),
        ..sandbox::Options::default()
    };
    Sandbox::start(options).await.map_err(|error| Failure::new(Exit::Failed, error))
}

pub(super) fn make_private_folder(path: &Path) -> Result<(), Failure> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| {
        Failure::io(
            format!("cannot make the folder `{}`", path.display()),
            "the sandbox keeps its state beside the configuration; check the folder's permissions",
            source,
        )
    })
}

/// A failure of the sealed file, with its exit code.
pub fn from_seal(error: SealError) -> Failure {
    let exit = match error {
        SealError::Locked { .. } => Exit::Locked,
        SealError::Identity { .. } | SealError::WrongIdentity { .. } | SealError::NoSecret { .. } => {
            Exit::Config
        }
        _ => Exit::Seal,
    };
    Failure::new(exit, error)
}

/// This machine's variables and files.
pub(super) struct Machine;

impl Lookup for Machine {
    fn variable(&self, name: &str) -> Option<Secret> {
        let value = std::env::var_os(name).filter(|value| !value.is_empty())?;
        // What is not UTF-8 is no key; the replacement character in it will say so.
        Some(Secret::new(value.into_string().unwrap_or_else(|value| value.to_string_lossy().into_owned())))
    }

    fn read(&self, path: &Path) -> Result<Secret, Unread> {
        private_file::read(path)
    }
}
