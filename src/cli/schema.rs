//! `keycomb schema`

use super::args::{Schema, SchemaKind};
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::{auth, check, doctor, import, prove, rehearse, rekey, scan, secrets, undo, verify};
use crate::{config, render, saved};

/// Prints a JSON Schema.
///
/// # Errors
/// When stdout cannot be written.
pub fn run(args: &Schema, output: &Output) -> Result<Exit, Failure> {
    let schema = match args.what {
        SchemaKind::Config => config::schema(),
        SchemaKind::Plan => render::json::plan_schema(),
        SchemaKind::SavedPlan => saved::schema(),
        SchemaKind::Report => render::json::report_schema(),
        SchemaKind::Drift => render::json::drift_schema(),
        SchemaKind::Snapshot => render::json::document_schema::<crate::snapshot::Snapshot>(),
        SchemaKind::Status => render::json::status_schema(),
        SchemaKind::Secrets => render::json::secrets_schema(),
        SchemaKind::Secret => render::json::document_schema::<secrets::Document<'_>>(),
        SchemaKind::Check => render::json::document_schema::<check::Document<'_>>(),
        SchemaKind::Auth => render::json::document_schema::<auth::Document<'_>>(),
        SchemaKind::Doctor => render::json::document_schema::<doctor::Document<'_>>(),
        SchemaKind::Import => render::json::document_schema::<import::Document>(),
        SchemaKind::Scan => render::json::document_schema::<scan::Document>(),
        SchemaKind::Verification => render::json::document_schema::<verify::Document<'_>>(),
        SchemaKind::Rekeyed => render::json::document_schema::<rekey::Document<'_>>(),
        SchemaKind::Proofs => render::json::document_schema::<prove::Document<'_>>(),
        SchemaKind::Runs => render::json::document_schema::<undo::Document>(),
        SchemaKind::Rehearsal => render::json::document_schema::<rehearse::Document<'_>>(),
    };
    output.write(&format!("{schema:#}\n"))?;
    Ok(Exit::Done)
}
