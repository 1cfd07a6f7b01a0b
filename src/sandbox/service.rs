//! One request to one answer: the checks in their order, then the call.
//!
//! The order is route, authentication, rate limit, scope, media type, size, parse, validation, existence, conflict.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::Value;

use super::answer::{Answer, JSON, JSON_API};
use super::body::Body;
use super::errors::{Refusal, json_api_answer, legacy, phrase, problem_answer};
use super::faults::{Canned, Shape};
use super::ids;
use super::limits::{Bucket, Budget, Limits};
use super::lists::ListFaults;
use super::rate_headers;
use super::route::Route;
use super::store::Store;
use super::switches::Switches;
use super::{checks, environments, keys, wire};

/// A request, read but not judged. No `Debug`: headers and body hold secrets.
#[derive(Clone)]
pub(super) struct Incoming {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) authorization: Option<String>,
    pub(super) team_header: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) body: Body,
}

impl Incoming {
    fn is_write(&self) -> bool {
        self.method != Method::GET
    }

    /// Path and query as they came.
    pub(super) fn target(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }
}

/// What a handler may know of the call.
pub(super) struct Call<'a> {
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) switches: &'a Switches,
    pub(super) now: Timestamp,
    team: &'a str,
}

impl Call<'_> {
    /// Refuses a team that is not the store's.
    pub(super) fn in_team(&self, store: &Store) -> Result<(), Refusal> {
        if self.team == store.team.slug { Ok(()) } else { Err(Refusal::NotFound("team")) }
    }
}

/// The service: its state and its rules, without a network.
pub(super) struct Service {
    pub(super) store: Store,
    pub(super) limits: Limits,
    pub(super) switches: Switches,
    pub(super) endpoint: String,
    /// Counts error ids.
    pub(super) errors: u64,
}

impl Service {
    /// Carries a request out.
    pub(super) fn answer(&mut self, incoming: &Incoming, faults: &ListFaults, now: Timestamp) -> Answer {
        let Some(route) = Route::parse(&incoming.path) else {
            return self.refuse_v2(&Refusal::NotFound("path"));
        };
        let is_v1 = route == Route::AuthV1;
        let mut budget = None;
        let result = self.judge(&route, incoming, faults, now, &mut budget);
        let mut answer = match result {
            Ok(answer) => answer,
            Err(refusal) if is_v1 => refusal.legacy_answer(),
            Err(refusal) => self.refuse_v2(&refusal),
        };
        if let Some(budget) = budget {
            rate_headers::add(&mut answer, &budget, &self.switches, now);
        }
        answer
    }

    fn judge(
        &mut self,
        route: &Route,
        incoming: &Incoming,
        faults: &ListFaults,
        now: Timestamp,
        budget: &mut Option<Budget>,
    ) -> Result<Answer, Refusal> {
        allowed(route, &incoming.method)?;
        if *route == Route::AuthV1 {
            let (team, key) = checks::key(&self.store, incoming.team_header.as_deref())?;
            let body = wire::key_auth(team, key);
            self.spend(route, incoming, now, budget)?;
            return Ok(Answer::json(200, JSON, &body));
        }
        let management = checks::management(&self.store, incoming.authorization.as_deref())?.clone();
        self.spend(route, incoming, now, budget)?;
        if self.switches.barred_team {
            return Err(Refusal::Barred);
        }
        checks::scope(&management.scopes, route.collection(), incoming.is_write())?;
        checks::form(incoming.content_type.as_deref(), &incoming.body)?;
        if *route == Route::AuthV2 {
            return Ok(Answer::json(200, JSON_API, &wire::management_auth(&self.store, &management)));
        }
        self.carry_out(route, incoming, faults, now)
    }

    fn spend(
        &mut self,
        route: &Route,
        incoming: &Incoming,
        now: Timestamp,
        budget: &mut Option<Budget>,
    ) -> Result<(), Refusal> {
        let collection = if *route == Route::AuthV1 { "1/auth" } else { route.collection().name() };
        let spent = self.limits.spend(Bucket { collection, write: incoming.is_write() }, now);
        *budget = Some(spent);
        if spent.exceeded {
            Err(Refusal::RateLimited(rate_headers::whole_seconds(spent.refill).to_string()))
        } else {
            Ok(())
        }
    }

    fn carry_out(
        &mut self,
        route: &Route,
        incoming: &Incoming,
        faults: &ListFaults,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let (store, switches) = (&mut self.store, &self.switches);
        let call = |team| Call { path: &incoming.path, query: &incoming.query, switches, now, team };
        let document = || -> Result<Value, Refusal> { checks::document(&incoming.body) };
        match (route, incoming.method.as_str()) {
            (Route::Environments { team }, "GET") => environments::list(store, &call(team), faults),
            (Route::Environments { team }, "POST") => environments::create(store, &call(team), &document()?),
            (Route::Environment { team, id }, "GET") => environments::get(store, &call(team), id),
            (Route::Environment { team, id }, "PATCH") => {
                environments::update(store, &call(team), id, &document()?)
            }
            (Route::Environment { team, id }, "DELETE") => environments::delete(store, &call(team), id),
            (Route::Keys { team }, "GET") => keys::list(store, &call(team), faults),
            (Route::Keys { team }, "POST") => keys::create(store, &call(team), &document()?),
            (Route::Key { team, id }, "GET") => keys::get(store, &call(team), id),
            (Route::Key { team, id }, "PATCH") => keys::update(store, &call(team), id, &document()?),
            (Route::Key { team, id }, "DELETE") => keys::delete(store, &call(team), id),
            _ => Err(Refusal::MethodNotAllowed),
        }
    }

    fn refuse_v2(&mut self, refusal: &Refusal) -> Answer {
        if *refusal == Refusal::Unauthorized && self.switches.legacy_unauthorized {
            return refusal.legacy_answer();
        }
        let (seed, errors) = (self.store.seed, &mut self.errors);
        refusal.answer(&self.endpoint, || error_id(seed, errors))
    }

    /// 500 for what went wrong in the sandbox itself.
    pub(super) fn internal(&mut self, detail: &str) -> Answer {
        self.refuse_v2(&Refusal::Internal(detail.to_owned()))
    }

    /// An answer that some fault puts in place of the service's.
    pub(super) fn canned(&mut self, canned: Canned, now: Timestamp) -> Answer {
        let Canned { status, shape } = canned;
        let phrase = phrase(status);
        let answer = match shape {
            Shape::Html => {
                let page = format!(
                    "<html>\r\n<head><title>{status} {phrase}</title></head>\r\n<body>\r\n<center><h1>{status} {phrase}</h1></center>\r\n</body>\r\n</html>\r\n"
                );
                return Answer::text(status, Some("text/html"), page);
            }
            Shape::Text => return Answer::text(status, Some("text/plain"), format!("{phrase}\n")),
            Shape::Empty => return Answer::text(status, None, String::new()),
            Shape::JsonApi => json_api_answer(status, error_id(self.store.seed, &mut self.errors)),
            Shape::Problem => problem_answer(&self.endpoint, status),
            Shape::Legacy => Answer::json(status, JSON, &legacy(phrase)),
        };
        rate_headers::add_canned(answer, &self.switches, now)
    }
}

/// A request to a known path with a method that has no meaning there.
fn allowed(route: &Route, method: &Method) -> Result<(), Refusal> {
    let methods: &[Method] = match route {
        Route::AuthV1 | Route::AuthV2 => &[Method::GET],
        Route::Environments { .. } | Route::Keys { .. } => &[Method::GET, Method::POST],
        Route::Environment { .. } | Route::Key { .. } => &[Method::GET, Method::PATCH, Method::DELETE],
    };
    if methods.contains(method) { Ok(()) } else { Err(Refusal::MethodNotAllowed) }
}

fn error_id(seed: u64, errors: &mut u64) -> String {
    *errors += 1;
    // Counted down, so that errors never share chance with things made.
    ids::trace_id(&mut ids::chance(!seed, *errors))
}
