//! A record that can be read and not written: what leaked is revoked all the same.

use crate::model::{Payload, Recipient, Record, Sealed};
use crate::ports::{KeepError, KeepRecord};

/// What the sealed file says, held without its lock. Nothing is written down.
pub(super) struct Unkept {
    sealed: Sealed,
    path: String,
}

impl Unkept {
    /// `path` is for the messages.
    pub(super) fn new(sealed: Sealed, path: String) -> Self {
        Self { sealed, path }
    }

    fn refuse(&self) -> KeepError {
        let source = std::io::Error::other("it could not be opened for writing");
        KeepError::Io { doing: "write", path: self.path.clone(), source }
    }
}

impl KeepRecord for Unkept {
    fn sealed(&self) -> &Sealed {
        &self.sealed
    }

    fn append(&mut self, _record: Record) -> Result<(), KeepError> {
        Err(self.refuse())
    }

    fn seal(&self, _payload: &Payload, _recipients: &[&Recipient]) -> Result<String, KeepError> {
        Err(self.refuse())
    }

    fn fold(&mut self) -> Result<(), KeepError> {
        Err(self.refuse())
    }
}
