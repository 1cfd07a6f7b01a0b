//! Files that hold a credential: read only if nobody else can read them.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

use crate::model::Secret;

/// No credential file is larger, in bytes.
const LARGEST: usize = 64 * 1024;

/// Reads a file that holds a credential; links are followed, and what they lead to is judged.
///
/// # Errors
/// [`Unread`].
pub fn read(path: &Path) -> Result<Secret, Unread> {
    let file = File::open(path)?;
    if let Some(mend) = mend(&file.metadata()?, path) {
        return Err(Unread::Loose { mend });
    }
    // Room for everything from the start: growing would leave a copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LARGEST + 1));
    file.take(LARGEST as u64 + 1).read_to_end(&mut bytes)?;
    let invalid = |why: &'static str| Unread::Io(io::Error::new(io::ErrorKind::InvalidData, why));
    if bytes.len() > LARGEST {
        return Err(invalid("it is too large for a credential"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| invalid("it is not text"))?;
    Ok(Secret::new(text.to_owned()))
}

/// The command that takes a file away from others; `None` where nobody else has it.
///
/// A file of ours is for its owner alone. One of somebody else's (root, for a secret that an orchestrator mounts) may be
/// shared with us through its group, and with nobody else. Pipes and devices are whoever's opened them.
#[cfg(unix)]
pub fn mend(file: &Metadata, path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;

    let is_ours = file.uid() == rustix::process::geteuid().as_raw();
    let mode = if file.is_file() { tighter(file.mode(), is_ours)? } else { return None };
    Some(format!("chmod {mode} {}", quoted(path)))
}

/// What to set a mode to, if it is too loose.
#[cfg(unix)]
fn tighter(mode: u32, is_ours: bool) -> Option<&'static str> {
    let (others, tighter) = if is_ours { (0o077, "600") } else { (0o007, "o=") };
    (mode & others != 0).then_some(tighter)
}

/// Modes are not how others are kept out elsewhere.
#[cfg(not(unix))]
pub fn mend(_file: &Metadata, _path: &Path) -> Option<String> {
    None
}

/// As a shell takes it.
#[cfg(unix)]
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if text.chars().all(is_plain) && !text.starts_with('-') {
        return text;
    }
    let text = if text.starts_with('-') { format!("./{text}") } else { text };
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Why a credential was not read from a file.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// It cannot be.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Others can read or change it.
    #[error("others can read or change it")]
    Loose {
        /// The command that ends that.
        mend: String,
    },
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn what_others_can_read_is_refused_with_the_command_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("key file"), folder.path().join("link"));
        fs::write(&path, "id:secret\n").unwrap();
        symlink(&path, &link).unwrap();
        for (mode, is_private) in [
            (0o600, true),
            (0o400, true),
            (0o700, true),
            (0o640, false),
            (0o644, false),
            (0o620, false),
            (0o604, false),
        ] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            for path in [&path, &link] {
                match read(path) {
                    Ok(secret) => assert!(is_private && secret.expose() == "id:secret\n", "{mode:o}"),
                    Err(Unread::Loose { mend }) => {
                        assert!(!is_private, "{mode:o}");
                        assert_eq!(mend, format!("chmod 600 {}", quoted(path)));
                    }
                    Err(Unread::Io(error)) => panic!("{error}"),
                }
            }
        }
        assert_eq!(quoted(Path::new("/a b/it's")), "'/a b/it'\\''s'");
        assert_eq!(quoted(Path::new("-rf")), "'./-rf'");
    }

    #[test]
    fn a_file_of_somebody_else_may_be_shared_through_its_group_alone() {
        for (mode, mended) in
            [(0o400, None), (0o440, None), (0o660, None), (0o444, Some("o=")), (0o642, Some("o="))]
        {
            assert_eq!(tighter(mode, false), mended, "{mode:o}");
        }
        assert_eq!(tighter(0o440, true), Some("600"));
    }

    #[test]
    fn what_is_no_credential_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read(folder.path()), Err(Unread::Loose { .. } | Unread::Io(_))));
        let path = folder.path().join("key");
        for content in [vec![b'a'; LARGEST + 1], b"\xff\xfe".to_vec()] {
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            assert!(matches!(read(&path), Err(Unread::Io(_))));
        }
    }
}
