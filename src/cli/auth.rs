//! `keycomb auth status`: which credential, from where, and what it may do.

use super::args::{Format, Global, Service};
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::session::Session;
use crate::model::{Scope, visible};
use crate::render;

/// What one command, or one half of it, needs.
const COMMANDS: &[(&str, &[Scope])] = &[
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
    let scopes: Vec<_> = access.listed_scopes.iter().map(|scope| visible(scope)).collect();
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
        visible(&access.key_id),
        "••••",
        visible(&access.key_name),
        access.team,
        visible(&access.team_name),
        scopes.join(", "),
        commands.join("\n"),
    )
}

fn json(session: &Session) -> String {
    let access = &session.access;
    let (source, shadowed) = &session.source;
    let commands: serde_json::Map<String, serde_json::Value> = COMMANDS
        .iter()
        .map(|(command, needs)| ((*command).to_owned(), access.missing(needs).is_empty().into()))
        .collect();
    let value = serde_json::json!({
        "format": "keycomb.auth/1",
        "key_id": access.key_id,
        "key_name": access.key_name,
        "team": access.team.as_str(),
        "team_name": access.team_name,
        "scopes": access.listed_scopes,
        "source": source,
        "shadowed": shadowed,
        "commands": commands,
    });
    render::json::value(&value)
}
