//! `keycomb doctor`: every precondition, each looked at by itself, with what mends it. Writes nothing.

mod disk;
mod git;
mod line;
mod proxy;
mod service;

pub use line::Document;

use std::path::Path;

use super::args::{Doctor as Args, Format, Global};
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::session::{parse_endpoint, sandbox_endpoint, sealed_path, start_sandbox};
use crate::config::{self, Loaded};
use crate::model::{Desired, Endpoint, brief, counted};
use line::Line;

/// Looks at everything and says how it is.
///
/// # Errors
/// A sandbox that cannot be started, an `--endpoint` that is none, a stdout that cannot be written.
pub async fn run(args: &Args, global: &Global, output: &Output) -> Result<Exit, Failure> {
    let endpoint = global.endpoint.as_deref().map(|text| parse_endpoint(text.trim().trim_end_matches('/')));
    let endpoint = endpoint.transpose()?;
    let (line, loaded) = configuration(global, endpoint.clone());
    let mut lines = vec![line];
    let sandbox = match (&loaded, args.service.sandbox) {
        (Some(Loaded { desired, folder, .. }), true) => Some(start_sandbox(folder, &desired.team).await?),
        _ => None,
    };
    let target = service::Target {
        endpoint: match &sandbox {
            Some(sandbox) => Some(parse_endpoint(sandbox.endpoint())?),
            None if args.service.sandbox => None,
            None => loaded.as_ref().map(|loaded| loaded.desired.endpoint.clone()).or(endpoint),
        },
        team: loaded.as_ref().map(|loaded| &loaded.desired.team),
        sandbox: sandbox.as_ref().map(crate::sandbox::Sandbox::management_key),
        service: &args.service,
    };
    lines.extend(service::look(&target, output).await);
    match loaded {
        Some(Loaded { mut desired, folder, .. }) => {
            let sealed = sealed_path(&folder, &desired, args.service.sandbox);
            if args.service.sandbox {
                desired.endpoint = sandbox_endpoint();
            }
            lines.extend(on_disk(&desired, &sealed, args.service.sandbox));
        }
        None => lines.extend(
            ["recipients", "sealed file", "lock", "git"]
                .map(|name| Line::unknown(name, "the configuration says where, and cannot be read")),
        ),
    }
    lines.push(disk::stored_login());
    if let Some(sandbox) = sandbox {
        sandbox.stop().await;
    }
    output.write(&match args.format {
        Format::Text => line::text(&lines, output.stdout_color),
        Format::Json => line::json(&lines),
    })?;
    Ok(line::exit(&lines))
}

fn on_disk(desired: &Desired, sealed_path: &Path, is_sandbox: bool) -> Vec<Line> {
    let (mut lines, sealed) = disk::sealed_file(desired, sealed_path);
    lines.insert(0, disk::recipients(desired, sealed.as_ref()));
    lines.push(disk::lock(sealed_path));
    lines.push(if is_sandbox {
        Line::pass("git", "the sandbox's sealed file is not for committing")
    } else {
        git::look(sealed_path)
    });
    lines
}

fn configuration(global: &Global, endpoint: Option<Endpoint>) -> (Line, Option<Loaded>) {
    const NAME: &str = "configuration";
    match config::load(&global.config) {
        Ok(mut loaded) => {
            if let Some(endpoint) = endpoint {
                loaded.desired.endpoint = endpoint;
            }
            let (environments, keys) = (loaded.desired.environments.len(), loaded.desired.keys.len());
            let files = counted(loaded.files.len(), "file");
            let text =
                format!("{} and {} in {files}", counted(environments, "environment"), counted(keys, "key"));
            (Line::pass(NAME, text), Some(loaded))
        }
        Err(problems) => {
            let count = problems.list().len();
            let first = problems.list().first().map(|problem| {
                format!("{}:{}:{}: {}", problem.file, problem.line, problem.column, brief(&problem.message))
            });
            let more = if count > 1 { format!(" (and {} more)", count - 1) } else { String::new() };
            let fix = if global.config.exists() {
                "`keycomb check` shows all of it"
            } else {
                "`keycomb init` writes one; --config names another"
            };
            (Line::fail(NAME, Exit::Config, first.unwrap_or_default() + &more, Some(fix)), None)
        }
    }
}
