//! What is between here and the service, and what the service says: credential, scopes, clock, budgets.

use std::sync::Arc;
use std::time::Duration;

use super::line::Line;
use super::proxy;
use crate::cli::args::Service;
use crate::cli::auth::COMMANDS;
use crate::cli::credential::{self, CredentialError, Found, Lookup as _};
use crate::cli::exit::Exit;
use crate::cli::output::Output;
use crate::cli::session::{Machine, READ, USER_AGENT, say_waiting};
use crate::cli::stored::Account;
use crate::honeycomb::{self, Connection, ConnectionError, Context, Credential, Patience, Reader};
use crate::model::{Access, Endpoint, Secret, TeamSlug, Timestamp, brief};
use crate::ports::{ReadLive as _, ServiceError};
use crate::sandbox::ManagementKey;

/// What is asked, and as whom; what is not known is not looked at.
pub(super) struct Target<'a> {
    pub(super) endpoint: Option<Endpoint>,
    pub(super) team: Option<&'a TeamSlug>,
    pub(super) sandbox: Option<ManagementKey>,
    pub(super) service: &'a Service,
}

/// A person waits: nothing is tried for long.
const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(5),
    read: Duration::from_secs(10),
    exchange: Duration::from_secs(15),
    tries: 2,
    first_delay: Duration::from_millis(250),
    longest_delay: Duration::from_secs(1),
    call: Duration::from_secs(20),
};

/// What only an answer tells.
const ANSWERED: [&str; 4] = ["service", "scopes", "clock", "rate budget"];

/// Looks at everything that has to do with the service.
pub(super) async fn look(target: &Target<'_>, output: &Output) -> Vec<Line> {
    let (line, found) = credential(target);
    let mut lines = vec![line];
    let Some(endpoint) = &target.endpoint else {
        let why = "nothing says which service: mend the configuration, or give --endpoint";
        lines.extend(["proxy", "certificates"].iter().chain(&ANSWERED).map(|name| Line::unknown(name, why)));
        return lines;
    };
    lines.push(proxy::look(endpoint, &|name| Some(Machine.variable(name)?.expose().to_owned())));
    // Certificates and the way there are looked at with any key: nothing is sent before there is a real one.
    let (team, key) = (target.team.cloned(), found.map(|found| (found.id, found.secret)));
    let has_key = key.is_some();
    let reader = connect(endpoint, team.clone(), key, target.service, output);
    lines.push(certificates(endpoint, target.service, &reader));
    let reader = match reader {
        Ok(reader) if has_key => reader,
        Ok(_) => {
            lines.extend(ANSWERED.map(|name| Line::unknown(name, "there is no management key to ask with")));
            return lines;
        }
        Err(_) => {
            lines.extend(ANSWERED.map(|name| Line::unknown(name, "there is no client to ask with")));
            return lines;
        }
    };
    lines.extend(answers(&reader, endpoint, team.as_ref()).await);
    lines
}

fn credential(target: &Target<'_>) -> (Line, Option<Found>) {
    const NAME: &str = "credential";
    if let Some(key) = &target.sandbox {
        let found = Found {
            id: key.id.clone(),
            secret: Secret::new(key.secret.clone()),
            source: "the sandbox".to_owned(),
            shadowed: Vec::new(),
        };
        return (Line::pass(NAME, "from the sandbox"), Some(found));
    }
    let key_file = target.service.key_file.as_deref();
    let found = match (&target.endpoint, target.team) {
        (Some(endpoint), Some(team)) => credential::find(key_file, Account { endpoint, team }, &Machine),
        // Whose stored login would count is not known.
        _ => credential::given(key_file, &Machine)
            .and_then(|given| given.into_iter().next().ok_or(CredentialError::None)),
    };
    match found {
        Ok(found) => {
            let shadowed = match found.shadowed.as_slice() {
                [] => String::new(),
                shadowed => format!("; shadows {}", shadowed.join("; ")),
            };
            (Line::pass(NAME, format!("`{}` from {}{shadowed}", brief(&found.id), found.source)), Some(found))
        }
        Err(error) => {
            let fix = miette::Diagnostic::help(&error).map(|help| help.to_string());
            (Line::fail(NAME, Exit::Credential, error.to_string(), fix.as_deref()), None)
        }
    }
}

fn connect(
    endpoint: &Endpoint,
    team: Option<TeamSlug>,
    key: Option<(String, Secret)>,
    service: &Service,
    output: &Output,
) -> Result<Reader, ConnectionError> {
    #[expect(clippy::expect_used, reason = "the literal is a slug")]
    let team = team.unwrap_or_else(|| TeamSlug::new("unknown").expect("a literal slug"));
    let (id, secret) = key.unwrap_or_else(|| ("none".to_owned(), Secret::new("none".to_owned())));
    let said_on = *output;
    Connection::new(honeycomb::Options {
        endpoint: endpoint.clone(),
        team,
        credential: Credential { id, secret },
        ca_file: service.ca_file.clone(),
        user_agent: USER_AGENT.to_owned(),
        patience: PATIENCE,
        notice: Arc::new(move |notice| say_waiting(notice, said_on)),
    })?
    .reader()
}

fn certificates(endpoint: &Endpoint, service: &Service, reader: &Result<Reader, ConnectionError>) -> Line {
    const NAME: &str = "certificates";
    if let Err(error) = reader {
        let fix = miette::Diagnostic::help(error).map(|help| help.to_string());
        return Line::fail(NAME, Exit::Failed, error.to_string(), fix.as_deref());
    }
    if endpoint.as_str().starts_with("http:") {
        return Line::pass(NAME, "none needed: the endpoint is on this machine, without TLS");
    }
    let system = ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().find(|name| Machine.variable(name).is_some());
    let system = system.map_or_else(|| "the system's store".to_owned(), |name| format!("those of {name}"));
    Line::pass(
        NAME,
        match &service.ca_file {
            Some(file) => format!("{system}, and `{}`", file.display()),
            None => system,
        },
    )
}

/// Asks who we are, and looks at what comes back.
async fn answers(reader: &Reader, endpoint: &Endpoint, team: Option<&TeamSlug>) -> Vec<Line> {
    let access = reader.access().await;
    let here = Timestamp::now();
    let access = match access {
        Ok(access) => access,
        Err(error) => return refused(&error, endpoint, team),
    };
    let context = Context { endpoint, team: team.unwrap_or(&access.team) };
    let service = match honeycomb::diagnose_team(&access, &context) {
        Some(wrong) => Line::fail("service", Exit::Credential, wrong.message, Some(&wrong.help)),
        None => Line::pass(
            "service",
            format!("{endpoint} knows the key as `{}` of team {}", brief(&access.key_name), access.team),
        ),
    };
    let clock = clock(reader.service_now(), here);
    let scopes = scopes(&access);
    // One page of something real: the budgets of `/2/auth` are not those that an apply spends.
    let listed = if access.missing(READ).is_empty() && context.team == &access.team {
        reader.environments().await.err()
    } else {
        None
    };
    let budget = match listed {
        Some(error) => {
            let diagnosis = honeycomb::diagnose(&error, &context);
            Line::fail("rate budget", Exit::Failed, diagnosis.message, Some(&diagnosis.help))
        }
        None => budget(reader),
    };
    vec![service, scopes, clock, budget]
}

fn refused(error: &ServiceError, endpoint: &Endpoint, team: Option<&TeamSlug>) -> Vec<Line> {
    #[expect(clippy::expect_used, reason = "the literal is a slug")]
    let unknown = TeamSlug::new("unknown").expect("a literal slug");
    let context = Context { endpoint, team: team.unwrap_or(&unknown) };
    let diagnosis = honeycomb::diagnose(error, &context);
    let exit = crate::cli::session::exit_of(diagnosis.kind);
    let mut lines = vec![Line::fail("service", exit, diagnosis.message, Some(&diagnosis.help))];
    let rest = ANSWERED.into_iter().filter(|name| *name != "service");
    lines.extend(rest.map(|name| Line::unknown(name, "the service did not say who we are")));
    lines
}

fn scopes(access: &Access) -> Line {
    const NAME: &str = "scopes";
    let commands: Vec<(&str, Vec<&str>)> = COMMANDS
        .iter()
        .map(|(command, needs)| {
            (*command, access.missing(needs).iter().map(|scope| scope.as_str()).collect())
        })
        .collect();
    let told: Vec<String> = commands
        .iter()
        .map(|(command, missing)| match missing.as_slice() {
            [] => format!("{command}: yes"),
            missing => format!("{command}: lacks {}", missing.join(", ")),
        })
        .collect();
    let told = told.join("; ");
    if let Some(wrong) = honeycomb::diagnose_scopes(access, READ) {
        return Line::fail(NAME, Exit::Credential, told, Some(&wrong.help));
    }
    if commands.iter().any(|(_, missing)| !missing.is_empty()) {
        return Line::warn(NAME, told, "enough for what only reads; an apply needs a key that can write");
    }
    Line::pass(NAME, told)
}

/// How far apart the two clocks are. keycomb goes by the service's; certificates, signatures and people go by this one.
fn clock(service: Option<Timestamp>, here: Timestamp) -> Line {
    const NAME: &str = "clock";
    const MUCH: i64 = 30;
    let Some(service) = service else {
        return Line::warn(
            NAME,
            "the service sent no `Date`",
            "without it no age of a key is known: is there a proxy that takes it out?",
        );
    };
    let ahead = here.duration_since(service).as_secs();
    if ahead.abs() <= MUCH {
        return Line::pass(NAME, format!("{ahead} s from the service's (its `Date` has whole seconds)"));
    }
    let way = if ahead > 0 { "ahead of" } else { "behind" };
    Line::warn(
        NAME,
        format!("{} s {way} the service's, which says {service:.0}", ahead.abs()),
        "set this machine's clock; keycomb counts ages by the service's, but TLS and other programs do not",
    )
}

fn budget(reader: &Reader) -> Line {
    const NAME: &str = "rate budget";
    let left = reader.budgets();
    if left.is_empty() {
        return Line::pass(NAME, "the service tells no limits here");
    }
    let told: Vec<String> = left
        .iter()
        .map(|budget| {
            let of = budget.limit.map_or_else(String::new, |limit| format!(" of {limit}"));
            let seconds = budget.ends_in.as_secs_f64().ceil();
            format!("{}: {}{of} left for {seconds} s", budget.collection, budget.remaining)
        })
        .collect();
    let is_low = left.iter().any(|b| b.remaining < b.limit.map_or(1, |limit| limit.div_ceil(10)));
    if is_low {
        let fix = "others use the team's budget now: an apply waits for its windows, or run it later";
        return Line::warn(NAME, told.join("; "), fix);
    }
    Line::pass(NAME, told.join("; "))
}

#[cfg(test)]
mod tests {
    use super::super::line::Verdict;
    use super::*;

    #[test]
    fn a_clock_that_is_off_is_told_with_how_much_and_which_way() {
        let service: Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
        for (here, verdict, shown) in [
            ("2026-03-01T08:00:01Z", Verdict::Pass, "1 s from the service's"),
            ("2026-03-01T07:59:30Z", Verdict::Pass, "-30 s from the service's"),
            (
                "2026-03-01T08:05:00Z",
                Verdict::Warn,
                "300 s ahead of the service's, which says 2026-03-01T08:00:00Z",
            ),
            ("2026-03-01T07:00:00Z", Verdict::Warn, "3600 s behind the service's, which says"),
        ] {
            let line = clock(Some(service), here.parse().unwrap());
            assert_eq!(line.verdict, verdict, "{here}");
            assert!(line.text.starts_with(shown), "{}", line.text);
        }
        assert_eq!(clock(None, service).verdict, Verdict::Warn);
    }
}
