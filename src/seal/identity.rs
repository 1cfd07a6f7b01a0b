//! Private keys that open: age identity files, SSH keys, and passphrase-protected ones of both.

use std::io::{self, Read};
use std::path::Path;

use age::armor::ArmoredReader;
use age::ssh::UnsupportedKey;
use age::{DecryptError, Decryptor};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::SealError;

/// Asks a person for the passphrase of what is named; `None` when there is nobody to ask, or they declined.
pub type AskPassphrase<'a> = &'a dyn Fn(&str) -> Option<SecretString>;

/// What one identity file holds: at least one private key, ready to open.
pub struct Identities(Vec<Box<dyn age::Identity>>);

/// No identity file is larger than this many bytes.
const LARGEST: u64 = 1024 * 1024;

/// What scrypt may cost: about a minute and 4 GiB. The `age` program uses 18.
const MAX_WORK_FACTOR: u8 = 22;

impl Identities {
    /// Reads an identity file; `-` is standard input.
    ///
    /// # Errors
    /// [`SealError::Identity`].
    pub fn read(path: &Path, ask: AskPassphrase<'_>) -> Result<Self, SealError> {
        if path == Path::new("-") {
            return Self::read_from(io::stdin().lock(), "standard input", ask);
        }
        let name = path.display().to_string();
        let file = std::fs::File::open(path);
        match file {
            Ok(file) => Self::read_from(file, &name, ask),
            Err(error) => Err(SealError::Identity { name, problem: IdentityProblem::Io(error) }),
        }
    }

    /// Reads an identity from anything; `name` is for messages and for the prompt.
    ///
    /// # Errors
    /// [`SealError::Identity`].
    pub fn read_from(mut from: impl Read, name: &str, ask: AskPassphrase<'_>) -> Result<Self, SealError> {
        let found = read_all(&mut from).and_then(|bytes| parse(&bytes, &|| ask(name)));
        found.map(Self).map_err(|problem| SealError::Identity { name: name.to_owned(), problem })
    }

    /// Several files as one.
    pub fn join(all: impl IntoIterator<Item = Self>) -> Self {
        Self(all.into_iter().flat_map(|Self(identities)| identities).collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &dyn age::Identity> {
        self.0.iter().map(AsRef::as_ref)
    }
}

impl std::fmt::Debug for Identities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identities({})", self.0.len())
    }
}

type Found = Result<Vec<Box<dyn age::Identity>>, IdentityProblem>;

fn read_all(from: &mut impl Read) -> Result<Zeroizing<Vec<u8>>, IdentityProblem> {
    // Room for any usual file from the start: growing would leave a copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(64 * 1024));
    from.take(LARGEST + 1).read_to_end(&mut bytes).map_err(IdentityProblem::Io)?;
    if bytes.len() as u64 > LARGEST {
        return Err(IdentityProblem::TooLarge);
    }
    Ok(bytes)
}

fn parse(bytes: &[u8], ask: &dyn Fn() -> Option<SecretString>) -> Found {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii();
    if bytes.is_empty() {
        return Err(IdentityProblem::Empty);
    }
    if bytes.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----") || bytes.starts_with(b"age-encryption.org/") {
        let inside = decrypt(bytes, ask)?;
        return parse_clear(&inside, ask);
    }
    parse_clear(bytes, ask)
}

fn parse_clear(bytes: &[u8], ask: &dyn Fn() -> Option<SecretString>) -> Found {
    let text = std::str::from_utf8(bytes).map_err(|_| IdentityProblem::Unknown { line: 1 })?.trim();
    let begins = |kind: &str| text.strip_prefix("-----BEGIN ").is_some_and(|rest| rest.starts_with(kind));
    if begins("OPENSSH PRIVATE KEY-----") || begins("RSA PRIVATE KEY-----") {
        return parse_ssh(text, ask).map(|identity| vec![identity]);
    }
    if begins("PRIVATE KEY-----") || begins("ENCRYPTED PRIVATE KEY-----") {
        return Err(IdentityProblem::Pkcs8);
    }
    if begins("EC PRIVATE KEY-----") {
        return Err(IdentityProblem::SshKind("ecdsa".into()));
    }
    if begins("DSA PRIVATE KEY-----") {
        return Err(IdentityProblem::SshKind("dsa".into()));
    }
    if begins("PUBLIC KEY-----")
        || begins("RSA PUBLIC KEY-----")
        || text.starts_with("---- BEGIN SSH2 PUBLIC KEY")
    {
        return Err(IdentityProblem::PublicKey);
    }
    parse_lines(text)
}

/// The format of `age-keygen`: one identity a line, comments, empty lines.
fn parse_lines(text: &str) -> Found {
    let mut found: Vec<Box<dyn age::Identity>> = vec![];
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match line.parse::<age::x25519::Identity>() {
            Ok(identity) => found.push(Box::new(identity)),
            Err(_) => return Err(why_not(line, index + 1)),
        }
    }
    if found.is_empty() { Err(IdentityProblem::Empty) } else { Ok(found) }
}

fn why_not(line: &str, number: usize) -> IdentityProblem {
    let upper = line.to_ascii_uppercase();
    let is_public = ["AGE1", "SSH-", "ECDSA-", "SK-SSH-", "SK-ECDSA-"].iter().any(|p| upper.starts_with(p));
    if is_public {
        IdentityProblem::PublicKey
    } else if upper.starts_with("AGE-PLUGIN-") {
        IdentityProblem::Plugin
    } else if upper.starts_with("AGE-SECRET-KEY-PQ-") {
        IdentityProblem::PostQuantum
    } else {
        IdentityProblem::Unknown { line: number }
    }
}

fn parse_ssh(
    text: &str,
    ask: &dyn Fn() -> Option<SecretString>,
) -> Result<Box<dyn age::Identity>, IdentityProblem> {
    // The parser wants a line end after the last line.
    let text = Zeroizing::new(format!("{text}\n"));
    let identity =
        age::ssh::Identity::from_buffer(text.as_bytes(), None).map_err(|_| IdentityProblem::BrokenSsh)?;
    match identity {
        age::ssh::Identity::Unencrypted(_) => Ok(Box::new(identity)),
        age::ssh::Identity::Encrypted(key) => {
            let passphrase = ask().ok_or(IdentityProblem::NoPassphrase)?;
            let key = key.decrypt(passphrase).map_err(|_| IdentityProblem::WrongPassphrase)?;
            Ok(Box::new(age::ssh::Identity::from(key)))
        }
        age::ssh::Identity::Unsupported(kind) => Err(match kind {
            UnsupportedKey::EncryptedPem => IdentityProblem::EncryptedPem,
            UnsupportedKey::EncryptedSsh(_) => IdentityProblem::SshCipher,
            UnsupportedKey::Hardware(kind) | UnsupportedKey::Type(kind) => {
                IdentityProblem::SshKind(crate::model::visible(&kind).chars().take(40).collect())
            }
        }),
    }
}

/// A passphrase-protected identity file, as `age -p` makes it.
fn decrypt(
    bytes: &[u8],
    ask: &dyn Fn() -> Option<SecretString>,
) -> Result<Zeroizing<Vec<u8>>, IdentityProblem> {
    let broken = |_| IdentityProblem::BrokenAge;
    // The armor's reader wants nothing after the last line.
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(bytes)).map_err(broken)?;
    if !decryptor.is_scrypt() {
        return Err(IdentityProblem::NotByPassphrase);
    }
    let mut passphrase = age::scrypt::Identity::new(ask().ok_or(IdentityProblem::NoPassphrase)?);
    passphrase.set_max_work_factor(MAX_WORK_FACTOR);
    let mut reader = decryptor.decrypt(std::iter::once(&passphrase as _)).map_err(|error| match error {
        DecryptError::ExcessiveWork { .. } => IdentityProblem::ExcessiveWork,
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => {
            IdentityProblem::WrongPassphrase
        }
        _ => IdentityProblem::BrokenAge,
    })?;
    read_all(&mut reader).map_err(|problem| match problem {
        IdentityProblem::Io(_) => IdentityProblem::BrokenAge,
        other => other,
    })
}

/// Why an identity cannot be used. Never holds text out of the file.
#[derive(Debug, thiserror::Error)]
pub enum IdentityProblem {
    /// Not readable.
    #[error("{0}")]
    Io(#[source] io::Error),
    /// Larger than an identity can be.
    #[error("larger than 1 MiB; this is no identity")]
    TooLarge,
    /// Nothing in it.
    #[error("it holds no identity")]
    Empty,
    /// The public half.
    #[error("this is a public key; opening needs its private half")]
    PublicKey,
    /// A plugin's identity.
    #[error("identities of age plugins are not supported")]
    Plugin,
    /// A post-quantum identity.
    #[error("post-quantum identities are not supported")]
    PostQuantum,
    /// PKCS#8.
    #[error("PKCS#8 private keys are not supported")]
    Pkcs8,
    /// An SSH key of a kind that age does not know: ecdsa, dsa, or on a security key.
    #[error("SSH keys of kind `{0}` are not supported")]
    SshKind(String),
    /// The old encryption of PEM files.
    #[error("the old encrypted PEM format is not supported")]
    EncryptedPem,
    /// An SSH key encrypted with a cipher that age does not know.
    #[error("the cipher of this SSH key is not supported")]
    SshCipher,
    /// No SSH key after all.
    #[error("it begins like an SSH private key but is damaged")]
    BrokenSsh,
    /// No age file after all.
    #[error("it begins like an encrypted age file but is damaged")]
    BrokenAge,
    /// An age file, but encrypted to keys.
    #[error("it is encrypted to other identities, not to a passphrase")]
    NotByPassphrase,
    /// Nobody gave the passphrase.
    #[error("it needs a passphrase, and none was given")]
    NoPassphrase,
    /// The passphrase does not open it.
    #[error("the passphrase does not open it")]
    WrongPassphrase,
    /// Opening it would take minutes and gigabytes.
    #[error("its passphrase protection asks for more work than is safe to do")]
    ExcessiveWork,
    /// Anything else.
    #[error("line {line} is no identity; expected `AGE-SECRET-KEY-1…` or an OpenSSH private key")]
    Unknown {
        /// From 1.
        line: usize,
    },
}

impl IdentityProblem {
    /// What to do next.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Io(_) => "check the path and its permissions",
            Self::PublicKey => "give the file that `age-keygen` or `ssh-keygen` made, without `.pub`",
            Self::Pkcs8 | Self::EncryptedPem => "convert a copy of it with `ssh-keygen -p -f FILE`",
            Self::SshCipher => "convert a copy of it with `ssh-keygen -p -Z aes256-ctr -f FILE`",
            Self::NoPassphrase => "run it in a terminal, where it can ask",
            Self::WrongPassphrase => "try again with the right passphrase",
            Self::NotByPassphrase => "decrypt it first: `age -d -i OTHER FILE | keycomb … -i -`",
            Self::ExcessiveWork => "decrypt it with `age -d FILE` and protect it anew with `age -p`",
            Self::BrokenSsh | Self::BrokenAge => "take it from a backup",
            Self::TooLarge
            | Self::Empty
            | Self::Plugin
            | Self::PostQuantum
            | Self::SshKind(_)
            | Self::Unknown { .. } => {
                "give an age identity file (`age-keygen`), or an ssh-ed25519 or ssh-rsa private key"
            }
        }
    }
}
