//! `keycomb auth status`: which credential, from where, and what it may do.

use schemars::JsonSchema;
use serde::Serialize;

use super::args::{Format, Global, Service};
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::session::Session;
use crate::model::{Scope, brief};
use crate::render;

/// What one command, or one half of it, needs.
pub(super) const COMMANDS: &[(&str, &[Scope])] = &[
    ("plan, drift, status", &[Scope::EnvironmentsRead, Scope::KeysRead]),
    ("apply (keys)", &[Scope::EnvironmentsRead, Scope::KeysWrite]),
    ("apply (environments)", &[Scope::EnvironmentsWrite, Scope::KeysRead]),
];

/// Shows the management key, masked.
///
/// # Errors
/// Those of [`Session::open`]; who we are is shown first.
pub async fn status(
    service: &Service,
    format: Format,
    global: &Global,
    output: &Output,
) -> Result<Exit, Failure> {
    let session = Session::connect(global, service, *output).await?;
    let text = match format {
        Format::Text => text(&session),
        Format::Json => json(&session),
    };
    output.write(&text)?;
    // What is wrong is said after what is there.
    let checked = session.check_read();
    session.close().await;
    checked.map(|()| Exit::Done)
}

fn text(session: &Session) -> String {
    let access = &session.access;
    let (source, shadowed) = &session.source;
    let shadowed =
        if shadowed.is_empty() { String::new() } else { format!("\nshadows   {}", shadowed.join("; ")) };
    let scopes: Vec<_> = access.listed_scopes.iter().map(|scope| brief(scope)).collect();
    let commands: Vec<String> = COMMANDS
        .iter()
        .map(|(command, needs)| {
            let missing: Vec<&str> = access.missing(needs).iter().map(|scope| scope.as_str()).collect();
            if missing.is_empty() {
                format!("  yes  {command}")
            } else {
                format!("  no   {command}: needs {}", missing.join(", "))
            }
        })
        .collect();
    format!(
        "key       {} (secret {})\nname      {}\nteam      {} ({})\nscopes    {}\nfrom      {source}{shadowed}\nmay run\n{}\n",
        brief(&access.key_id),
        "••••",
        brief(&access.key_name),
        access.team,
        brief(&access.team_name),
        scopes.join(", "),
        commands.join("\n"),
    )
}

/// `auth status --format json`
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Auth")]
pub struct Document<'a> {
    /// `keycomb.auth/1`
    format: &'static str,
    /// The management key's id.
    key_id: &'a str,
    /// Its name: hostile text.
    key_name: &'a str,
    /// The slug of its team.
    team: &'a str,
    /// The team's name: hostile text.
    team_name: &'a str,
    /// Its scopes, as the service lists them.
    scopes: &'a [String],
    /// Where it was found.
    source: &'a str,
    /// Where others were found that count less.
    shadowed: &'a [String],
    /// What it may run.
    commands: Vec<Allowed>,
}

/// A command, or one half of it.
#[derive(Serialize, JsonSchema)]
struct Allowed {
    /// The command.
    command: &'static str,
    /// Whether the key has all scopes for it.
    allowed: bool,
    /// The scopes that it lacks.
    missing: Vec<&'static str>,
}

fn json(session: &Session) -> String {
    let access = &session.access;
    let (source, shadowed) = &session.source;
    let allowed = |(command, needs): &(&'static str, &[Scope])| {
        let missing: Vec<_> = access.missing(needs).iter().map(|scope| scope.as_str()).collect();
        Allowed { command, allowed: missing.is_empty(), missing }
    };
    render::json::document(&Document {
        format: "keycomb.auth/1",
        key_id: &access.key_id,
        key_name: &access.key_name,
        team: access.team.as_str(),
        team_name: &access.team_name,
        scopes: &access.listed_scopes,
        source,
        shadowed,
        commands: COMMANDS.iter().map(allowed).collect(),
    })
}
