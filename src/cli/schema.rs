//! `keycomb schema`

use super::args::{Schema, SchemaKind};
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::{auth, check, rehearse, scan, secrets};
use crate::{config, render};

/// Prints a JSON Schema.
///
/// # Errors
/// When stdout cannot be written.
pub fn run(args: &Schema, output: &Output) -> Result<Exit, Failure> {
    let schema = match args.what {
        SchemaKind::Config => config::schema(),
        SchemaKind::Plan => render::json::plan_schema(),
        SchemaKind::Report => render::json::report_schema(),
        SchemaKind::Drift => render::json::drift_schema(),
        SchemaKind::Status => render::json::status_schema(),
        SchemaKind::Secrets => render::json::secrets_schema(),
        SchemaKind::Secret => render::json::document_schema::<secrets::Document<'_>>(),
        SchemaKind::Check => render::json::document_schema::<check::Document<'_>>(),
        SchemaKind::Auth => render::json::document_schema::<auth::Document<'_>>(),
        SchemaKind::Scan => render::json::document_schema::<scan::Document>(),
        SchemaKind::Rehearsal => render::json::document_schema::<rehearse::Document<'_>>(),
    };
    output.write(&format!("{schema:#}\n"))?;
    Ok(Exit::Done)
}
