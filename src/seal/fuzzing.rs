//! A door for the fuzz targets: the journal as bytes. No part of the library's interface.

use std::path::Path;

use super::journal::{Chain, Header, decode};
use super::{SealError, keeper, read, text};
use crate::model::{Record, Sealed};

/// A journal with these lines of JSON, each with the checksum it would have.
pub fn signed(lines: &[&str]) -> Vec<u8> {
    let mut chain = Chain::default();
    lines.iter().flat_map(|json| chain.text(json)).collect()
}

/// The journal that an apply on `base` would have written.
///
/// # Errors
/// A record that is no JSON.
pub fn written(base: &Sealed, records: &[Record]) -> Result<Vec<u8>, serde_json::Error> {
    let mut chain = Chain::default();
    let mut bytes = chain.line(&Header::of(base))?;
    for record in records {
        bytes.extend(chain.line(record)?);
    }
    Ok(bytes)
}

/// A journal's records; `None` when it was cut off in its first line.
///
/// # Errors
/// Why it is no journal.
pub fn records(bytes: &[u8]) -> Result<Option<Vec<Record>>, String> {
    decode(bytes)
        .map(|journal| journal.map(|journal| journal.records))
        .map_err(|problem| format!("{problem:?}"))
}

/// The content that folding a journal gives.
///
/// # Errors
/// As [`super::read`]; a damaged journal is one that holds nothing.
pub fn folded(file: Option<&Sealed>, bytes: &[u8]) -> Result<Option<Sealed>, SealError> {
    match decode(bytes) {
        Ok(Some(journal)) => read::replay(Path::new("journal"), file, &journal),
        Ok(None) | Err(_) => Ok(file.cloned()),
    }
}

/// The content with one record more, as an apply takes it down.
///
/// # Errors
/// Why it is not taken down.
pub fn taken(mut sealed: Sealed, record: Record) -> Result<Sealed, String> {
    keeper::refuse_unreadable(&sealed, &record)?;
    sealed.take(record);
    text::sort(&mut sealed);
    Ok(sealed)
}
