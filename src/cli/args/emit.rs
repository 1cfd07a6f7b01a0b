//! The words of `--emit`.

use std::path::PathBuf;

use clap::Args;

use super::parse_file;
use crate::render::Kind;

/// Further forms of the result.
#[derive(Debug, Clone, Default, Args)]
pub struct Emit {
    /// Also write the result to a file in another form, such as json=plan.json; `-` is stdout; may be repeated
    #[arg(long, value_name = "KIND=PATH", value_parser = parse_emitted)]
    pub emit: Vec<Emitted>,
}

/// One `--emit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emitted {
    /// The form.
    pub kind: Kind,
    /// Where it goes; `-` is stdout.
    pub path: PathBuf,
}

fn parse_emitted(text: &str) -> Result<Emitted, String> {
    let (kind, path) = text.split_once('=').ok_or("expected KIND=PATH, such as json=plan.json")?;
    let kind = kind.parse()?;
    if path.is_empty() {
        return Err("the path is missing".to_owned());
    }
    Ok(Emitted { kind, path: parse_file(path)? })
}
