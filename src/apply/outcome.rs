//! Builds outcomes, and tells from a failed call what became of what it asked for.

use std::error::Error;

use crate::ports::{Answer, Failure, ServiceError};
use crate::report::{Became, Cause};

/// A step's value, or the outcome that it ended with instead.
pub(super) type Step<T> = Result<T, Became>;

/// An outcome, and the id that became known on the way.
#[derive(Debug)]
pub(super) struct Ended {
    pub became: Became,
    pub id: Option<String>,
}

impl From<Became> for Ended {
    fn from(became: Became) -> Self {
        Self { became, id: None }
    }
}

impl From<Step<Became>> for Ended {
    fn from(step: Step<Became>) -> Self {
        step.unwrap_or_else(|ended| ended).into()
    }
}

pub(super) const DONE: Became = Became::Done { note: None };

pub(super) fn done_with(note: impl Into<String>) -> Became {
    Became::Done { note: Some(note.into()) }
}

pub(super) fn failed(cause: Cause, why: impl Into<String>, help: impl Into<String>) -> Became {
    Became::Failed { why: why.into(), help: Some(help.into()), cause }
}

/// The object is not as the plan saw it.
pub(super) fn changed(why: impl Into<String>) -> Became {
    failed(Cause::Changed, why, "run `keycomb plan` again: it reads everything afresh")
}

pub(super) fn in_doubt(why: impl Into<String>, help: impl Into<String>) -> Became {
    Became::InDoubt { why: why.into(), help: help.into() }
}

/// A panic. Its text is not shown: it may hold anything.
pub(super) fn panicked() -> Became {
    let help = "run `keycomb plan` to see how things stand, and report this as a bug";
    in_doubt("keycomb itself failed in the middle of this", help)
}

pub(super) fn not_started(why: impl Into<String>) -> Became {
    Became::NotStarted { why: why.into() }
}

/// A failed call that changed nothing.
pub(super) fn refused(error: &ServiceError) -> Became {
    let (cause, help) = match error.failure.status() {
        Some(401) => (Cause::Credential, "run `keycomb auth status`, then apply again"),
        Some(403) => (
            Cause::Credential,
            "give the management key the missing scope: `keycomb auth status` shows what it has",
        ),
        _ => (Cause::Service, "run `keycomb apply` again once the service answers as it should"),
    };
    failed(cause, error.to_string(), help)
}

/// What a failed call says of what it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It certainly was not carried out, and may be asked for again.
    NotDone,
    /// The service refused it; asking again brings the same answer.
    Refused,
    /// Nobody can say.
    Unknown,
}

impl Fate {
    /// A 408 or 499 comes from something between us and the service that gave up waiting: it says nothing.
    pub(super) fn of(failure: &Failure) -> Self {
        match failure {
            _ if failure.is_not_done() => Self::NotDone,
            Failure::Answered(Answer { status: 408 | 499, .. }) => Self::Unknown,
            Failure::Answered(Answer { status: 400..500, .. }) => Self::Refused,
            _ => Self::Unknown,
        }
    }
}

/// An error with all its causes, on one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16) -> Failure {
        Failure::Answered(Answer { status, code: None, message: String::new(), request_id: None })
    }

    #[test]
    fn only_a_plain_refusal_or_an_unsent_request_is_certain() {
        for (failure, fate) in [
            (Failure::NotSent("x".into()), Fate::NotDone),
            (answered(429), Fate::NotDone),
            (Failure::Unreadable { status: 429, problem: "x".into() }, Fate::NotDone),
            (answered(401), Fate::Refused),
            (answered(404), Fate::Refused),
            (answered(422), Fate::Refused),
            (answered(408), Fate::Unknown),
            (answered(499), Fate::Unknown),
            (answered(500), Fate::Unknown),
            (answered(302), Fate::Unknown),
            (Failure::Unanswered("x".into()), Fate::Unknown),
            (Failure::Unreadable { status: 201, problem: "x".into() }, Fate::Unknown),
            (Failure::Unreadable { status: 422, problem: "x".into() }, Fate::Unknown),
        ] {
            assert_eq!(Fate::of(&failure), fate, "{failure:?}");
        }
    }
}
