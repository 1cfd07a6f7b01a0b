//! What a plan is made from: read from the service, or from a snapshot that an earlier run saved.

use std::path::{Path, PathBuf};

use super::args::{Global, Service};
use super::exit::Exit;
use super::failure::Failure;
use super::known::Known;
use super::output::Output;
use super::session::{self, Session, from_seal, sandbox_endpoint, sealed_path};
use super::whole_file;
use crate::config::Loaded;
use crate::model::{Desired, Period, Scope, Sealed, Timestamp, visible};
use crate::render;
use crate::seal;
use crate::snapshot::{Given, LARGEST, Snapshot, SnapshotError, Taken};

/// What the files say, and what the record remembers: on this disk in either case.
pub(super) struct Local {
    /// What the files say.
    pub(super) desired: Desired,
    /// What the record remembers.
    pub(super) sealed: Option<Sealed>,
    service: Source,
}

enum Source {
    Service(Box<Session>),
    Snapshot {
        path: PathBuf,
        /// From which on it is said to be old.
        age: Period,
    },
}

impl Local {
    /// Reads the files and the record, and connects to the service.
    ///
    /// # Errors
    /// Those of [`Session::open`] and [`Session::sealed`].
    pub(super) async fn connected(
        global: &Global,
        service: &Service,
        output: &Output,
    ) -> Result<Self, Failure> {
        let session = Session::open(global, service, *output).await?;
        let writes = [Scope::EnvironmentsWrite, Scope::KeysWrite];
        if !session.is_sandbox() && writes.iter().any(|scope| session.access.scopes.contains(scope)) {
            output
                .say("note: this management key can write; a key with only read scopes is enough for `plan`");
        }
        let sealed = session.sealed()?;
        Ok(Self { desired: session.desired.clone(), sealed, service: Source::Service(Box::new(session)) })
    }

    /// Reads the files and the record; no credential is looked for, and nothing is connected to.
    ///
    /// # Errors
    /// Those of [`session::load`], and of the record.
    pub(super) fn alone(
        global: &Global,
        service: &Service,
        snapshot: &Path,
        age: Period,
    ) -> Result<Self, Failure> {
        let Loaded { mut desired, folder, .. } = session::load(global)?;
        if service.sandbox {
            desired.endpoint = sandbox_endpoint();
        }
        let path = sealed_path(&folder, &desired, service.sandbox);
        let sealed = seal::read(&path, Some((&desired.team, &desired.endpoint))).map_err(from_seal)?;
        Ok(Self { desired, sealed, service: Source::Snapshot { path: snapshot.to_owned(), age } })
    }

    /// What is known of the service.
    ///
    /// # Errors
    /// What cannot be read of it (1, 4); a snapshot that cannot be used (3).
    pub(super) async fn known(&self, output: &Output) -> Result<Known<'_>, Failure> {
        match &self.service {
            Source::Service(session) => Known::read(session, self.sealed.as_ref(), output).await,
            Source::Snapshot { path, age } => self.saved(path, *age, output),
        }
    }

    fn saved(&self, path: &Path, age: Period, output: &Output) -> Result<Known<'_>, Failure> {
        let unusable = |error: SnapshotError| {
            let help = "`keycomb drift --save-snapshot FILE` writes one, with this version of keycomb";
            Failure::words(Exit::Config, format!("`{}` cannot be used: {error}", path.display()), help)
        };
        let snapshot = Snapshot::parse(&read(path)?).map_err(unusable)?;
        self.refuse_others(path, &snapshot)?;
        let Given { live, elsewhere } =
            snapshot.give(&self.desired, self.sealed.as_ref()).map_err(unusable)?;
        self.refuse_older(path, live.now)?;
        if age.after(live.now) < Timestamp::now() {
            output.say(&format!(
                "note: the snapshot is older than {age}, of {:.0}: the service may be otherwise by now",
                live.now
            ));
        }
        Ok(Known { sealed: self.sealed.as_ref(), live, elsewhere })
    }

    /// What the record has learnt since would look as if it were gone. The service says the time of a reading in whole seconds.
    fn refuse_older(&self, path: &Path, read: Timestamp) -> Result<(), Failure> {
        let newer = self
            .sealed
            .iter()
            .flat_map(|sealed| &sealed.keys)
            .find(|key| key.created.as_second() > read.as_second());
        let Some(key) = newer else { return Ok(()) };
        Err(Failure::words(
            Exit::Config,
            format!(
                "`{}` is a snapshot of {read:.0}, older than the sealed file: `{}` was made at {:.0}",
                path.display(),
                key.address,
                key.created
            ),
            "take a newer one with `keycomb drift --save-snapshot FILE`",
        ))
    }

    fn refuse_others(&self, path: &Path, snapshot: &Snapshot) -> Result<(), Failure> {
        let Desired { team, endpoint, .. } = &self.desired;
        if snapshot.team == team.as_str() && snapshot.endpoint == endpoint.as_str() {
            return Ok(());
        }
        Err(Failure::words(
            Exit::Config,
            format!(
                "`{}` is a snapshot of the team `{}` at `{}`; the files are of `{team}` at `{endpoint}`",
                path.display(),
                visible(&snapshot.team),
                visible(&snapshot.endpoint)
            ),
            "name the snapshot that `keycomb drift --save-snapshot` wrote with this configuration",
        ))
    }

    /// The service, unless it is a snapshot that was read.
    pub(super) fn session(&self) -> Option<&Session> {
        match &self.service {
            Source::Service(session) => Some(session),
            Source::Snapshot { .. } => None,
        }
    }

    /// Ends it.
    pub(super) async fn close(self) {
        if let Source::Service(session) = self.service {
            session.close().await;
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let cannot = |error| {
        let help = "`keycomb drift --save-snapshot FILE` writes one";
        Failure::io(format!("`{}` cannot be read", path.display()), help, error)
    };
    whole_file::read(path, LARGEST).map_err(cannot)
}

/// What was read, as a snapshot's text.
pub(super) fn snapshot(session: &Session, known: &Known<'_>, is_hashed: bool) -> String {
    let salt = is_hashed.then(|| super::surroundings::fresh_nonce().to_string());
    let Known { live, elsewhere, .. } = known;
    let Desired { team, endpoint, .. } = &session.desired;
    let taken = Taken { team, endpoint, access: &session.access, live, elsewhere };
    render::json::document(&Snapshot::of(taken, salt))
}
