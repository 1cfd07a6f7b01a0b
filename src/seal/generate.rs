//! A new identity, and the file it goes into.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use secrecy::ExposeSecret as _;

use super::SealError;
use super::disk::{Disk as _, OsDisk, folder_of, private};
use crate::model::{Recipient, Secret, Timestamp};

/// Makes an age X25519 identity from the system's random numbers: its public half, and the text of its file in the
/// format of `age-keygen`. `created` is for the comment in it.
///
/// # Errors
/// [`SealError::Seal`] when the age crate's own public key is no recipient.
pub fn generate_identity(created: Timestamp) -> Result<(Recipient, Secret), SealError> {
    let identity = age::x25519::Identity::generate();
    let public = identity.to_public().to_string();
    let recipient = public
        .parse()
        .map_err(|_| SealError::Seal { problem: "age made a weak identity; run again".into() })?;
    let private = identity.to_string();
    // RFC 3339 to the second, as `age-keygen` writes it.
    let created = created.strftime("%Y-%m-%dT%H:%M:%SZ");
    let head = format!("# created: {created}\n# public key: {public}\n");
    let private = private.expose_secret();
    // Exactly as long as it gets: a text that grows leaves a copy that nobody wipes.
    let mut text = String::with_capacity(head.len() + private.len() + 1);
    text.push_str(&head);
    text.push_str(private);
    text.push('\n');
    Ok((recipient, Secret::new(text)))
}

/// Writes a secret into a new file, mode 0600, durable. Never over anything that is there, and through no link.
///
/// # Errors
/// [`SealError::Io`], with `AlreadyExists` inside when anything has that name.
pub fn write_new_private(path: &Path, content: &Secret) -> Result<(), SealError> {
    let mut file = private(OpenOptions::new().write(true).create_new(true))
        .open(path)
        .map_err(|error| SealError::io("create", path, error))?;
    let written = file.write_all(content.expose().as_bytes()).and_then(|()| file.sync_all());
    if let Err(error) = written {
        // A part of an identity is worth nothing, and would be in the way of the next try.
        let _ = std::fs::remove_file(path);
        return Err(SealError::io("write", path, error));
    }
    let synced: io::Result<()> = OsDisk.sync_folder(folder_of(path));
    synced.map_err(|error| SealError::io("sync", path, error))
}
