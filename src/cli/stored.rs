//! The stored login: management keys in a file of the person's own, one for each service and team. Only `auth login` makes it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use zeroize::Zeroizing;

use super::credential::{CredentialError, Found, Lookup};
use super::private_file::Unread;
use crate::model::{Endpoint, Secret, TeamSlug, toml_string};

/// Whose key is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    /// The service.
    pub endpoint: &'a Endpoint,
    /// The team there.
    pub team: &'a TeamSlug,
}

/// The file, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    version: u32,
    #[serde(default)]
    login: Vec<RawLogin>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLogin {
    endpoint: String,
    team: String,
    id: String,
    secret: Zeroizing<String>,
}

impl RawLogin {
    fn is_of(&self, account: Account<'_>) -> bool {
        self.endpoint == account.endpoint.as_str() && self.team == account.team.as_str()
    }
}

const VERSION: u32 = 1;

const HEAD: &str = "# Management keys, stored by `keycomb auth login`; `keycomb auth logout` takes one out. Not for sharing.\n";

/// Where the file is; `None` where there is no home to keep it in.
pub fn path(lookup: &dyn Lookup) -> Option<PathBuf> {
    let folder = |name| {
        let path = PathBuf::from(lookup.variable(name)?.expose());
        // A relative one is to be ignored (XDG Base Directory Specification).
        path.is_absolute().then_some(path)
    };
    let base = folder("XDG_CONFIG_HOME")
        .or_else(|| Some(folder("HOME").or_else(|| folder("USERPROFILE"))?.join(".config")))?;
    Some(base.join("keycomb").join("credentials.toml"))
}

/// The key that is stored for an account.
///
/// # Errors
/// A file that cannot be read, is not its owner's alone, or is no such file. None repeats a value.
pub fn find(account: Account<'_>, lookup: &dyn Lookup) -> Result<Option<Found>, CredentialError> {
    let Some(path) = path(lookup) else { return Ok(None) };
    let logins = read(&path, lookup)?;
    let Some(login) = logins.into_iter().find(|login| login.is_of(account)) else { return Ok(None) };
    super::credential::whole(&login.id, &login.secret, format!("the login stored in {}", path.display()))
        .map(Some)
}

fn read(path: &Path, lookup: &dyn Lookup) -> Result<Vec<RawLogin>, CredentialError> {
    let shown = || path.display().to_string();
    let text = match lookup.read(path) {
        Ok(text) => text,
        Err(Unread::Io(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(Unread::Io(source)) => return Err(CredentialError::Read { path: shown(), source }),
        Err(Unread::Loose { mend }) => return Err(CredentialError::Loose { path: shown(), mend }),
    };
    // The parser's own message quotes the line, and with it a secret.
    let raw: RawFile =
        toml::from_str(text.expose()).map_err(|_| CredentialError::Stored { path: shown() })?;
    if raw.version != VERSION {
        return Err(CredentialError::Stored { path: shown() });
    }
    Ok(raw.login)
}

/// Makes sure that the file can be written where nobody else can, before a person is asked for a secret.
///
/// # Errors
/// [`StoreError`].
pub fn prepare(path: &Path) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(path);
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match fs::symlink_metadata(folder) {
        Ok(_) => {}
        Err(_) => builder.create(folder).map_err(|source| StoreError::io(folder, source))?,
    }
    refuse_shared(folder)
        .and_then(|()| folder.parent().map_or(Ok(()), refuse_writable))
        .and_then(|()| refuse_other_than_file(path))
}

/// Puts a key in, in place of the one that was stored for the account.
///
/// # Errors
/// A file that is there and no such file; a place that must not be written to ([`StoreError`]).
pub fn save(
    path: &Path,
    account: Account<'_>,
    (id, secret): (&str, &Secret),
    lookup: &dyn Lookup,
) -> Result<(), StoreError> {
    prepare(path)?;
    let mut logins = read(path, lookup)?;
    logins.retain(|login| !login.is_of(account));
    logins.push(RawLogin {
        endpoint: account.endpoint.to_string(),
        team: account.team.to_string(),
        id: id.to_owned(),
        secret: Zeroizing::new(secret.expose().to_owned()),
    });
    write(path, logins)
}

/// Takes an account's key out, and the file with the last one; whether there was one.
///
/// # Errors
/// As [`save`].
pub fn remove(path: &Path, account: Account<'_>, lookup: &dyn Lookup) -> Result<bool, StoreError> {
    if fs::symlink_metadata(path).is_err() {
        return Ok(false);
    }
    prepare(path)?;
    let mut logins = read(path, lookup)?;
    let before = logins.len();
    logins.retain(|login| !login.is_of(account));
    if logins.len() == before {
        return Ok(false);
    }
    write(path, logins).map(|()| true)
}

/// Writes the file anew, 0600, or removes it where nothing is left; what was in it is overwritten.
fn write(path: &Path, mut logins: Vec<RawLogin>) -> Result<(), StoreError> {
    let failed = |source| StoreError::io(path, source);
    let before = match OpenOptions::new().write(true).open(path) {
        Ok(file) => Some(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    if logins.is_empty() {
        fs::remove_file(path).map_err(failed)?;
    } else {
        logins.sort_by(|a, b| (&a.endpoint, &a.team).cmp(&(&b.endpoint, &b.team)));
        // `tempfile` makes it 0600, and under a name that nobody else has.
        let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(path)).map_err(failed)?;
        file.write_all(text(&logins).as_bytes()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
    }
    before.map_or(Ok(()), wipe).map_err(failed)
}

fn text(logins: &[RawLogin]) -> Zeroizing<String> {
    let long = |login: &RawLogin| {
        128 + 2 * (login.endpoint.len() + login.team.len() + login.id.len() + login.secret.len())
    };
    // Room for everything from the start: growing would leave a copy behind.
    let room = HEAD.len() + 32 + logins.iter().map(long).sum::<usize>();
    let mut text = Zeroizing::new(String::with_capacity(room));
    text.push_str(HEAD);
    text.push_str("version = 1\n");
    for RawLogin { endpoint, team, id, secret } in logins {
        text.push_str("\n[[login]]\n");
        for (name, value) in [("endpoint", endpoint), ("team", team), ("id", id), ("secret", secret)] {
            text.push_str(name);
            text.push_str(" = ");
            text.push_str(&Zeroizing::new(toml_string(value)));
            text.push('\n');
        }
    }
    text
}

/// Overwrites what no name leads to any more. Disks that write elsewhere keep it even so.
fn wipe(mut file: File) -> io::Result<()> {
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX).min(1 << 20);
    file.write_all(&vec![0; length])?;
    file.sync_all()
}

/// A folder that is a link, or that others can write to.
fn refuse_shared(folder: &Path) -> Result<(), StoreError> {
    let found = fs::symlink_metadata(folder).map_err(|source| StoreError::io(folder, source))?;
    if !found.is_dir() {
        let what = if found.is_symlink() { "a symbolic link" } else { "no folder" };
        return Err(StoreError::Other { path: folder.display().to_string(), what, wanted: "a folder" });
    }
    refuse_writable(folder)
}

#[cfg(unix)]
fn refuse_writable(folder: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::MetadataExt as _;

    let found = fs::metadata(folder).map_err(|source| StoreError::io(folder, source))?;
    let is_ours = [0, rustix::process::geteuid().as_raw()].contains(&found.uid());
    if found.mode() & 0o022 == 0 && is_ours {
        return Ok(());
    }
    Err(StoreError::Shared { path: folder.display().to_string() })
}

/// Modes are not how others are kept out elsewhere.
#[cfg(not(unix))]
fn refuse_writable(_folder: &Path) -> Result<(), StoreError> {
    Ok(())
}

fn refuse_other_than_file(path: &Path) -> Result<(), StoreError> {
    let what = match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => "a symbolic link",
        Ok(found) if !found.is_file() => "no file",
        _ => return Ok(()),
    };
    Err(StoreError::Other { path: path.display().to_string(), what, wanted: "a file" })
}

/// Why a login is not stored, or not taken out.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum StoreError {
    /// Something else is there.
    #[error("`{path}` is {what}, expected {wanted} or nothing")]
    #[diagnostic(help("nothing was stored; remove it, or point XDG_CONFIG_HOME elsewhere"))]
    Other {
        /// Where.
        path: String,
        /// What is there.
        what: &'static str,
        /// What was wanted.
        wanted: &'static str,
    },
    /// Others could put something else in its place.
    #[error("others on this machine can write to the folder `{path}`")]
    #[diagnostic(help(
        "nothing was stored; run `chmod go-w` on it, or point XDG_CONFIG_HOME to a folder of your own"
    ))]
    Shared {
        /// The folder.
        path: String,
    },
    /// The file that is there.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Unread(#[from] CredentialError),
    /// The disk.
    #[error("cannot write `{path}`")]
    #[diagnostic(help("check the folder and its permissions"))]
    Io {
        /// Where.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl StoreError {
    fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.display().to_string(), source }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    struct Home(PathBuf);

    impl Lookup for Home {
        fn variable(&self, name: &str) -> Option<Secret> {
            (name == "XDG_CONFIG_HOME").then(|| Secret::new(self.0.display().to_string()))
        }
        fn read(&self, path: &Path) -> Result<Secret, Unread> {
            super::super::private_file::read(path)
        }
    }

    fn home() -> (tempfile::TempDir, Home, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home(folder.path().to_owned());
        let path = path(&home).unwrap();
        (folder, home, path)
    }

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn one_key_is_kept_for_each_service_and_team_and_the_last_takes_the_file_along() {
        let (_folder, home, path) = home();
        let (us, eu) = (Endpoint::us(), Endpoint::eu());
        let (acme, other) = (TeamSlug::new("acme").unwrap(), TeamSlug::new("other").unwrap());
        let account = |endpoint, team| Account { endpoint, team };
        for (place, team, text) in
            [(&us, &acme, "first-secret"), (&eu, &acme, "two"), (&us, &other, "\"three\\")]
        {
            save(&path, account(place, team), ("id", &secret(text)), &home).unwrap();
        }
        save(&path, account(&us, &acme), ("id2", &secret("four")), &home).unwrap();
        let stored = |endpoint, team| {
            find(account(endpoint, team), &home)
                .unwrap()
                .map(|found| (found.id, found.secret.expose().to_owned()))
        };
        let pair = |id: &str, secret: &str| Some((id.to_owned(), secret.to_owned()));
        assert_eq!(stored(&us, &acme), pair("id2", "four"));
        assert_eq!(stored(&eu, &acme), pair("id", "two"));
        assert_eq!(stored(&us, &other), pair("id", "\"three\\"));
        assert_eq!(stored(&eu, &other), None);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert!(!fs::read_to_string(&path).unwrap().contains("first-secret"));
        for (place, team) in [(&us, &acme), (&eu, &acme), (&us, &other)] {
            assert!(path.exists());
            assert!(remove(&path, account(place, team), &home).unwrap());
            assert!(!remove(&path, account(place, team), &home).unwrap());
        }
        assert!(!path.exists());
    }

    #[test]
    fn what_was_in_the_file_is_overwritten() {
        let (folder, home, path) = home();
        let (us, acme) = (Endpoint::us(), TeamSlug::new("acme").unwrap());
        let account = Account { endpoint: &us, team: &acme };
        save(&path, account, ("id", &secret("top-secret")), &home).unwrap();
        let other_name = folder.path().join("copy");
        fs::hard_link(&path, &other_name).unwrap();
        assert!(remove(&path, account, &home).unwrap());
        let left = fs::read(&other_name).unwrap();
        assert!(!left.is_empty() && left.iter().all(|byte| *byte == 0));
    }

    #[test]
    fn nothing_is_written_through_links_or_where_others_can_write() {
        let (us, acme) = (Endpoint::us(), TeamSlug::new("acme").unwrap());
        let account = Account { endpoint: &us, team: &acme };
        let refused = |prepare: &dyn Fn(&Path, &Path)| {
            let (folder, home, path) = home();
            let elsewhere = folder.path().join("elsewhere");
            fs::create_dir(&elsewhere).unwrap();
            prepare(&path, &elsewhere);
            let error = save(&path, account, ("id", &secret("s")), &home).unwrap_err();
            assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
            error.to_string()
        };
        let folder_of = |path: &Path| path.parent().unwrap().to_owned();
        let link = refused(&|path, elsewhere| symlink(elsewhere, folder_of(path)).unwrap());
        assert!(link.contains("is a symbolic link, expected a folder"), "{link}");
        let link = refused(&|path, elsewhere| {
            fs::create_dir(folder_of(path)).unwrap();
            symlink(elsewhere.join("file"), path).unwrap();
        });
        assert!(link.contains("is a symbolic link, expected a file"), "{link}");
        for mode in [0o770, 0o707, 0o1777] {
            let shared = refused(&|path, _| {
                fs::create_dir(folder_of(path)).unwrap();
                fs::set_permissions(folder_of(path), fs::Permissions::from_mode(mode)).unwrap();
            });
            assert!(shared.contains("others on this machine can write"), "{shared}");
            let above = refused(&|path, _| {
                let above = folder_of(&folder_of(path));
                fs::set_permissions(above, fs::Permissions::from_mode(mode)).unwrap();
            });
            assert!(above.contains("others on this machine can write"), "{above}");
        }
    }

    #[test]
    fn a_file_of_another_form_is_named_and_never_quoted_or_overwritten() {
        let (us, acme) = (Endpoint::us(), TeamSlug::new("acme").unwrap());
        let account = Account { endpoint: &us, team: &acme };
        for content in ["version = 2\n", "secret = top-secret", "version = 1\ntop = \"secret\"\n"] {
            let (_folder, home, path) = home();
            prepare(&path).unwrap();
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let error = find(account, &home).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("top"), "{error:?}");
            assert!(save(&path, account, ("id", &secret("s")), &home).is_err());
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            assert!(matches!(find(account, &home), Err(CredentialError::Loose { .. })));
        }
    }
}
