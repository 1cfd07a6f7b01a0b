//! `keycomb status`: the managed keys, and what is next for each.

use std::time::Duration;

use super::args::{Format, Global, Status as Args};
use super::exit::Exit;
use super::failure::Failure;
use super::known::Known;
use super::output::Output;
use super::plan::table_style;
use super::session::Session;
use crate::model::{Desired, DesiredKey, KeyState, Live, LiveKey, Sealed, SealedKey, Timestamp, visible};
use crate::plan::{self, Allow, Ask, FindingKind, stage_ends};
use crate::render::{self, StatusRow};

/// Shows the managed keys.
///
/// # Errors
/// Those of [`Session`].
pub async fn run(args: &Args, global: &Global, output: &Output) -> Result<Exit, Failure> {
    let session = Session::open(global, &args.service, *output).await?;
    let sealed = session.sealed()?;
    let known = Known::read(&session, sealed.as_ref(), output).await?;
    let rows = rows(&session.desired, &known.live, sealed.as_ref());
    let drift = plan::drift(&known.input(&session.desired, Allow::default(), Ask::default()));
    session.close().await;
    output.write(&match args.format {
        Format::Text => render::text::status(&rows, &table_style(output)),
        Format::Json => render::json::status(&rows),
    })?;
    let unsealed = || drift.findings.iter().filter(|finding| finding.kind == FindingKind::Unsealed);
    unsealed().for_each(|finding| output.say(&format!("unsealed: {}", visible(&finding.text))));
    Ok(if drift.is_unsealed() { Exit::Unconfirmed } else { Exit::Done })
}

/// A row for each recorded generation that still matters and each declared key that is not minted; by address.
fn rows(desired: &Desired, live: &Live, sealed: Option<&Sealed>) -> Vec<StatusRow> {
    let recorded =
        || sealed.iter().flat_map(|sealed| &sealed.keys).filter(|key| key.state != KeyState::Deleted);
    let mut rows: Vec<StatusRow> =
        recorded().map(|key| row(key, desired.keys.get(&key.address), live)).collect();
    let known: std::collections::BTreeSet<_> = recorded().map(|key| &key.address).collect();
    let unmade = desired.keys.values().filter(|key| !known.contains(&key.address));
    rows.extend(unmade.map(|key| StatusRow {
        address: key.address.clone(),
        id: None,
        key_type: key.key_type,
        age: None,
        generation: None,
        state: "declared".to_owned(),
        recipients: Vec::new(),
        next: Some("made by the next apply".to_owned()),
    }));
    rows.sort_by(|a, b| (&a.address, a.generation).cmp(&(&b.address, b.generation)));
    rows
}

fn row(key: &SealedKey, desired: Option<&DesiredKey>, live: &Live) -> StatusRow {
    let at_service =
        live.keys.binary_search_by(|known| known.id.cmp(&key.id)).ok().and_then(|at| live.keys.get(at));
    let state = match (key.state, at_service) {
        (_, None) => "missing",
        (KeyState::Live, Some(live)) if live.disabled => "switched off",
        (KeyState::Disabled, Some(_)) => "quarantine",
        (state, Some(_)) => state.as_str(),
    };
    StatusRow {
        address: key.address.clone(),
        id: Some(key.id.to_string()),
        key_type: key.key_type,
        // The service's clock comes in whole seconds: a key just made can seem to be of the future.
        age: Some(Duration::try_from(live.now.duration_since(key.created)).unwrap_or_default()),
        generation: Some(key.generation),
        state: state.to_owned(),
        recipients: key.recipients.iter().map(|recipient| recipient.name.clone()).collect(),
        next: at_service.and_then(|live| next(key, desired, live)),
    }
}

fn next(key: &SealedKey, desired: Option<&DesiredKey>, live: &LiveKey) -> Option<String> {
    match (key.state, desired) {
        (KeyState::Provisional | KeyState::Releasing, _) => Some("settled by the next apply".to_owned()),
        (KeyState::Staged, Some(_)) if live.disabled => {
            Some(format!("released by an apply until {}", day(stage_ends(key.created))))
        }
        (KeyState::Staged, _) => Some("settled by the next apply".to_owned()),
        (KeyState::Disabled, Some(_)) => Some("enabled by the next apply".to_owned()),
        (KeyState::Disabled, None) => {
            // Every change at the service begins the quarantine anew.
            let begun = live.updated.map_or(key.since, |updated| updated.max(key.since));
            Some(format!("deleted after {}", day(key.quarantine.after(begun))))
        }
        (KeyState::Live, None) => Some("disabled by the next apply".to_owned()),
        (KeyState::Live, Some(desired)) => desired
            .rotate
            .as_ref()
            .map(|rotate| format!("rotation due {}", day(rotate.every.after(key.created)))),
        (KeyState::Dropping | KeyState::Deleted, _) => None,
    }
}

/// The day in UTC.
fn day(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%d").to_string()
}
