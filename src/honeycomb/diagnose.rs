//! From a failed call to what a person can do about it.

use crate::model::{Access, Endpoint, Scope, TeamSlug, brief};
use crate::ports::{Answer, Failure, ServiceError};

/// Where the call went.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The configured endpoint.
    pub endpoint: &'a Endpoint,
    /// The configured team.
    pub team: &'a TeamSlug,
}

/// What is wrong, in one screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// What was found: lower case, no full stop, harmless for a terminal.
    pub message: String,
    /// What to do next.
    pub help: String,
    /// Whose matter it is.
    pub kind: Kind,
}

/// Whose matter a failure is. The first three mean "not authenticated, or not allowed".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The management key is not accepted.
    Credential,
    /// The management key may not do this.
    Scope,
    /// The team is not the key's.
    Team,
    /// Something between here and the service.
    Network,
    /// The service itself.
    Service,
}

/// Says what a failed call means.
pub fn diagnose(error: &ServiceError, context: &Context<'_>) -> Diagnosis {
    let ServiceError { method, path, failure } = error;
    let (kind, found, help) = match failure {
        Failure::NotSent(why) => (Kind::Network, why.clone(), unreachable_help(why, context)),
        Failure::Withheld => (Kind::Service, failure.to_string(), "run the command again".into()),
        Failure::Unanswered(why) => (Kind::Network, why.clone(), unanswered_help(method)),
        Failure::Unreadable { .. } => (Kind::Service, failure.to_string(), unreadable_help(context)),
        Failure::Answered(answer) => {
            let (kind, help) = answered(method, path, answer, context);
            (kind, answer.to_string(), help)
        }
    };
    Diagnosis { message: format!("{method} {path} at `{}`: {found}", context.endpoint), help, kind }
}

/// Says if the management key belongs to another team than the configured one.
pub fn diagnose_team(access: &Access, context: &Context<'_>) -> Option<Diagnosis> {
    if access.team == *context.team {
        return None;
    }
    Some(Diagnosis {
        message: format!(
            "the management key `{}` belongs to team `{}`, the configuration is for team `{}`",
            brief(&access.key_id),
            access.team,
            context.team
        ),
        help: format!(
            "use a management key of `{0}`, or set `team` in `[honeycomb]` if `{0}` is wrong",
            context.team
        ),
        kind: Kind::Team,
    })
}

/// Says which of the scopes that a command needs the management key lacks.
pub fn diagnose_scopes(access: &Access, needed: &[Scope]) -> Option<Diagnosis> {
    let missing: Vec<_> =
        access.missing(needed).into_iter().map(|scope| format!("`{}`", scope.as_str())).collect();
    if missing.is_empty() {
        return None;
    }
    let listed: Vec<_> = access.listed_scopes.iter().map(|scope| format!("`{}`", brief(scope))).collect();
    let listed = if listed.is_empty() { "none".into() } else { listed.join(", ") };
    Some(Diagnosis {
        message: format!(
            "the management key `{}` lacks {}; its scopes: {listed}",
            brief(&access.key_id),
            missing.join(", ")
        ),
        help: NEW_KEY_HELP.into(),
        kind: Kind::Scope,
    })
}

const NEW_KEY_HELP: &str = "the scopes of a management key cannot be changed: a team owner makes a new one under \
    Team settings > API Keys > Management";

fn answered(method: &str, path: &str, answer: &Answer, context: &Context<'_>) -> (Kind, String) {
    match answer.status {
        401 => (Kind::Credential, credential_help(context)),
        403 => (Kind::Scope, forbidden_help(method, path)),
        404 if is_collection(path) => (
            Kind::Team,
            format!(
                "the key knows no team `{}`: check `team` in `[honeycomb]`; it is the slug in the addresses of \
                 Honeycomb's pages, not the team's name",
                context.team
            ),
        ),
        300..=399 => (Kind::Network, unreadable_help(context)),
        409 if method == "DELETE" => {
            (Kind::Service, "the environment is protected: apply `delete_protected = false` first".into())
        }
        409 => (Kind::Service, "the name is taken: adopt what has it, or choose another name".into()),
        429 => (
            Kind::Service,
            "the team's rate limit is shared by all its keys: wait a minute, then run again".into(),
        ),
        500..=599 => (
            Kind::Service,
            "this is not about your files: run again later; https://status.honeycomb.io tells of outages"
                .into(),
        ),
        _ => (Kind::Service, "the service refused the request; its words above say why".into()),
    }
}

fn forbidden_help(method: &str, path: &str) -> String {
    format!(
        "the key needs the scope `{}`; {NEW_KEY_HELP}; if it has the scope, the team may be barred from the Management \
         API as a whole",
        scope(method, path)
    )
}

fn credential_help(context: &Context<'_>) -> String {
    let region = if *context.endpoint == Endpoint::us() {
        "this is the US region: for a team in the EU set `region = \"eu\"` in `[honeycomb]`"
    } else if *context.endpoint == Endpoint::eu() {
        "this is the EU region: for a team in the US set `region = \"us\"` in `[honeycomb]`"
    } else {
        "check `endpoint` in `[honeycomb]`"
    };
    format!(
        "check the id and the secret of the management key (not an ingest or configuration key), and that it is not \
         disabled or deleted; a key is known in its own region only, and {region}"
    )
}

fn unreachable_help(why: &str, context: &Context<'_>) -> String {
    if why.contains("is not trusted") {
        return "if a proxy or a private authority stands in between, give its certificate with `--ca-file FILE` \
                (PEM); also check this machine's clock"
            .into();
    }
    format!(
        "check that `{}` is right and can be reached from here: name lookup, firewall, and the proxy variables \
         (`HTTPS_PROXY`, `NO_PROXY`)",
        context.endpoint
    )
}

fn unanswered_help(method: &str) -> String {
    let doubt =
        if method == "GET" { "nothing was changed" } else { "whether the change was made is not known" };
    format!("{doubt}; running again is safe")
}

fn unreadable_help(context: &Context<'_>) -> String {
    format!(
        "this is not how Honeycomb answers: check that `{}` is Honeycomb's API, and not a proxy's or a sign-in page in \
         between",
        context.endpoint
    )
}

fn scope(method: &str, path: &str) -> &'static str {
    match (path.contains("/api-keys"), method) {
        (true, "GET") => Scope::KeysRead.as_str(),
        (true, _) => Scope::KeysWrite.as_str(),
        (false, "GET") => Scope::EnvironmentsRead.as_str(),
        (false, _) => Scope::EnvironmentsWrite.as_str(),
    }
}

/// Whether the path names a team's list, not one object in it.
fn is_collection(path: &str) -> bool {
    path.ends_with("/api-keys") || path.ends_with("/environments")
}
