//! `--emit KIND=PATH`: the same run, written for other programs too.

use std::path::Path;

use super::args::Emitted;
use super::failure::Failure;
use super::output::Output;
use super::whole_file;
use crate::render::{self, Sheet};

/// Writes every form that was asked for; `-` is stdout. All are tried, and the first failure is told.
///
/// # Errors
/// When a file, or stdout, cannot be written.
pub(super) fn write(emits: &[Emitted], sheet: &Sheet<'_>, output: &Output) -> Result<(), Failure> {
    emits.iter().map(|emit| write_one(emit, sheet, output)).fold(Ok(()), Result::and)
}

fn write_one(emit: &Emitted, sheet: &Sheet<'_>, output: &Output) -> Result<(), Failure> {
    let Some(text) = render::emit(emit.kind, sheet) else { return Ok(()) };
    if emit.path == Path::new("-") {
        return output.write(&text);
    }
    whole_file::write(&emit.path, text.as_bytes()).map_err(|source| {
        let what = format!("cannot write `{}`", emit.path.display());
        Failure::io(what, "name a file in a folder that takes one", source)
    })
}
