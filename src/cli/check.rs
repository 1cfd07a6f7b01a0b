//! `keycomb check`: everything that needs no network.

use schemars::JsonSchema;
use serde::Serialize;

use super::args::{Check, Format, Global};
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use crate::config::{self, Problem};
use crate::model::counted;
use crate::render;

/// Checks the configuration and says so.
///
/// # Errors
/// All problems of all files (exit 3).
pub fn run(args: &Check, global: &Global, output: &Output) -> Result<Exit, Failure> {
    match (config::load(&global.config), args.format) {
        (Ok(loaded), Format::Text) => {
            let environments = counted(loaded.desired.environments.len(), "environment");
            let keys = counted(loaded.desired.keys.len(), "key");
            let files = counted(loaded.files.len(), "file");
            output.write(&format!("ok: {environments} and {keys} in {files}\n"))?;
            Ok(Exit::Done)
        }
        (Ok(_), Format::Json) => {
            output.write(&json(&[]))?;
            Ok(Exit::Done)
        }
        (Err(problems), Format::Text) => Err(Failure::new(Exit::Config, problems)),
        (Err(problems), Format::Json) => {
            output.write(&json(problems.list()))?;
            Ok(Exit::Config)
        }
    }
}

/// `check --format json`
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Check")]
pub struct Document<'a> {
    /// `keycomb.check/1`
    format: &'static str,
    /// Everything that is wrong; empty when nothing is.
    problems: &'a [Problem],
}

fn json(problems: &[Problem]) -> String {
    render::json::document(&Document { format: "keycomb.check/1", problems })
}
