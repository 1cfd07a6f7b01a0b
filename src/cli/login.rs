//! `keycomb auth login` and `logout`: a management key in a file of the person's own.

use std::path::PathBuf;
use std::sync::Arc;

use super::args::{Global, Login, Logout};
use super::credential::{self, Found};
use super::exit::Exit;
use super::failure::Failure;
use super::hidden;
use super::output::Output;
use super::session::{self, Machine, USER_AGENT, failure, parse_endpoint, say_waiting, unconnected};
use super::stored::{self, Account, StoreError};
use crate::honeycomb::{self, Connection, Context, Credential, Patience};
use crate::model::{Access, Endpoint, Secret, TeamSlug, brief};
use crate::ports::ReadLive as _;

/// Asks for a management key, tries it, and stores it.
///
/// # Errors
/// A configuration with problems (3); a place that must not be written to (1); what is no key, is refused, or is another
/// team's (4); a service that does not answer (1).
pub async fn login(args: &Login, global: &Global, output: &Output) -> Result<Exit, Failure> {
    let (endpoint, team) = wanted(global)?;
    let path = place()?;
    // Before anybody is asked for a secret.
    stored::prepare(&path).map_err(unstored)?;
    let Found { id, secret, .. } = ask(&endpoint, team.as_ref(), output)?;
    let access = probe(args, &endpoint, team.as_ref(), (&id, &secret), output).await?;
    let context = Context { endpoint: &endpoint, team: team.as_ref().unwrap_or(&access.team) };
    if let Some(diagnosis) = honeycomb::diagnose_team(&access, &context) {
        return Err(failure(diagnosis));
    }
    let account = Account { endpoint: &endpoint, team: &access.team };
    stored::save(&path, account, (&id, &secret), &Machine).map_err(unstored)?;
    if let Some(other) = credential::given(None, &Machine).ok().and_then(|given| given.into_iter().next()) {
        output.say(&format!("note: {} counts more than this login as long as it is set", other.source));
    }
    output.write(&format!(
        "stored: the management key `{}` of team {} at {endpoint}, in {}\n",
        brief(&access.key_id),
        access.team,
        path.display()
    ))?;
    Ok(Exit::Done)
}

/// Takes the stored key out. That there is none is no error.
///
/// # Errors
/// A configuration with problems (3), no team (64), a file that cannot be read or must not be written (1).
pub fn logout(args: &Logout, global: &Global, output: &Output) -> Result<Exit, Failure> {
    let (endpoint, declared) = wanted(global)?;
    let Some(team) = args.team.clone().or(declared) else {
        return Err(Failure::words(
            Exit::Usage,
            format!("there is no `{}` to say which team's key to take out", global.config.display()),
            "name the team: `keycomb auth logout --team SLUG`",
        ));
    };
    let path = place()?;
    let account = Account { endpoint: &endpoint, team: &team };
    let text = if stored::remove(&path, account, &Machine).map_err(unstored)? {
        format!("removed: the management key of team {team} at {endpoint}; it still works at the service\n")
    } else {
        format!("nothing is stored for team {team} at {endpoint}\n")
    };
    output.write(&text)?;
    Ok(Exit::Done)
}

/// Where the key is for: what the configuration says; without one `--endpoint` or the US, and whatever team the key is of.
fn wanted(global: &Global) -> Result<(Endpoint, Option<TeamSlug>), Failure> {
    if global.config.exists() {
        let desired = session::load(global)?.desired;
        return Ok((desired.endpoint, Some(desired.team)));
    }
    let endpoint = global.endpoint.as_deref().map(|text| parse_endpoint(text.trim().trim_end_matches('/')));
    Ok((endpoint.transpose()?.unwrap_or_else(Endpoint::us), None))
}

fn place() -> Result<PathBuf, Failure> {
    stored::path(&Machine).ok_or_else(|| {
        Failure::words(
            Exit::Failed,
            "there is no folder to store a login in",
            "set HOME or XDG_CONFIG_HOME, or give the key with --key-file or HONEYCOMB_KEY_ID and HONEYCOMB_KEY_SECRET",
        )
    })
}

fn unstored(error: StoreError) -> Failure {
    Failure::new(Exit::Failed, error)
}

/// ID:SECRET in one line, or the two one after the other.
/// Says to whom the key will be shown: a configuration may be anybody's.
fn ask(endpoint: &Endpoint, team: Option<&TeamSlug>, output: &Output) -> Result<Found, Failure> {
    let wrong = |why: &str| {
        Failure::words(
            Exit::Usage,
            format!("what was read is no management key: {why}"),
            "give ID:SECRET in one line, or the id in one and the secret in the next, such as from a password manager",
        )
    };
    let of = team.map_or_else(String::new, |team| format!(" of team {team}"));
    output.say(&format!("the key{of} will be sent to {endpoint}, to try it"));
    let text = hidden::read("the management key's id, or ID:SECRET", output).map_err(wrong)?;
    let text = text.trim();
    let parts = text.split_once(':').or_else(|| text.split_once('\n'));
    let typed;
    let (id, secret) = match parts {
        Some((id, secret)) => (id, secret),
        None if output.interactive && !text.is_empty() => {
            typed = hidden::read("its secret", output).map_err(wrong)?;
            (text, typed.as_str())
        }
        None => return Err(wrong("it has no secret")),
    };
    credential::whole(id, secret, "stdin".to_owned()).map_err(|error| Failure::new(Exit::Usage, error))
}

async fn probe(
    args: &Login,
    endpoint: &Endpoint,
    team: Option<&TeamSlug>,
    (id, secret): (&str, &Secret),
    output: &Output,
) -> Result<Access, Failure> {
    #[expect(clippy::expect_used, reason = "the literal is a slug")]
    let team = team.cloned().unwrap_or_else(|| TeamSlug::new("unknown").expect("a literal slug"));
    let said_on = *output;
    let connection = Connection::new(honeycomb::Options {
        endpoint: endpoint.clone(),
        team: team.clone(),
        credential: Credential { id: id.to_owned(), secret: Secret::new(secret.expose().to_owned()) },
        ca_file: args.ca_file.clone(),
        user_agent: USER_AGENT.to_owned(),
        patience: Patience::default(),
        notice: Arc::new(move |notice| say_waiting(notice, said_on)),
    })
    .map_err(unconnected)?;
    let context = Context { endpoint, team: &team };
    let reader = connection.reader().map_err(unconnected)?;
    reader.access().await.map_err(|error| failure(honeycomb::diagnose(&error, &context)))
}
