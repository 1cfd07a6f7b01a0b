//! `keycomb sandbox`: serve the emulator to any client.

use super::args::Sandbox as Args;
use super::exit::Exit;
use super::failure::Failure;
use super::interrupt::Interrupt;
use super::output::Output;
use crate::sandbox::{Options, Sandbox};

/// Serves until it is interrupted.
///
/// # Errors
/// A fault or limit that does not parse (64); an address or state file that cannot be used (1).
pub async fn run(args: &Args, output: &Output, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let sandbox = Sandbox::start(options(args)?).await.map_err(|error| Failure::new(Exit::Failed, error))?;
    output.write(&instructions(&sandbox))?;
    output.say("serving; Ctrl-C ends it");
    interrupt.raised().await;
    sandbox.stop().await;
    Ok(Exit::Done)
}

fn options(args: &Args) -> Result<Options, Failure> {
    let Args { listen, state, seed, team, keys, latency, rate_limit, fault } = args;
    let mut options = Options {
        listen: *listen,
        state: state.clone(),
        seed: *seed,
        team_slug: team.clone(),
        team_name: team.clone(),
        keys: *keys,
        latency: *latency,
        ..Options::default()
    };
    if let Some(limit) = rate_limit {
        options.rate_limit = Some(limit.parse().map_err(|error| Failure::new(Exit::Usage, error))?);
    }
    for spec in fault {
        options.add_fault(spec).map_err(|error| Failure::new(Exit::Usage, error))?;
    }
    Ok(options)
}

/// How to point clients at it.
fn instructions(sandbox: &Sandbox) -> String {
    let endpoint = sandbox.endpoint();
    let team = sandbox.team();
    let key = sandbox.management_key();
    let (id, secret) = (&key.id, &key.secret);
    format!(
        "\
A sandbox of the Honeycomb Management API, at {endpoint}
team {team}, management key {id}, its secret {secret}

curl
  curl -H 'Authorization: Bearer {id}:{secret}' {endpoint}/2/teams/{team}/environments

keycomb, and Honeycomb's Terraform provider
  export HONEYCOMB_KEY_ID={id}
  export HONEYCOMB_KEY_SECRET={secret}
  export KEYCOMB_ENDPOINT={endpoint}        # keycomb
  export HONEYCOMB_API_ENDPOINT={endpoint}  # the Terraform provider
"
    )
}
