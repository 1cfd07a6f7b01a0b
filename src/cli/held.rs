//! What an apply is held to: nothing, an intent, or a saved plan.

use std::path::Path;

use miette::Diagnostic;

use super::exit::Exit;
use super::failure::Failure;
use super::known::Known;
use super::saved_file::{config_files, recipients, sealed_file};
use super::session::{Session, load, sandbox_endpoint};
use crate::apply::Bound;
use crate::cli::args::{Global, Service};
use crate::config::LoadedFile;
use crate::model::{Desired, PlanDigest, PlanIntent, Sealed};
use crate::plan::{self, Plan, Terms};
use crate::saved::{self, Files, Now, Saved};

/// What an apply is held to.
#[derive(Debug)]
pub(super) enum Held {
    /// Nothing but what is shown and agreed to.
    Nothing,
    /// An intent that somebody approved.
    Intent(PlanIntent),
    /// A saved plan, by its digest.
    Saved(Box<Saved>, PlanDigest),
}

impl Held {
    /// What was chosen and lifted, where that is not for this run to say.
    pub(super) fn terms(&self) -> Option<&Terms> {
        match self {
            Self::Saved(saved, _) => Some(&saved.plan.header.terms),
            Self::Nothing | Self::Intent(_) => None,
        }
    }

    /// Refuses what the files alone tell, before anything is asked of anybody.
    ///
    /// # Errors
    /// What differs (6).
    pub(super) fn check_files(&self, global: &Global, service: &Service) -> Result<(), Failure> {
        if !matches!(self, Self::Saved(..)) {
            return Ok(());
        }
        let mut loaded = load(global)?;
        if service.sandbox {
            loaded.desired.endpoint = sandbox_endpoint();
        }
        self.compare_files(&loaded.desired, &loaded.files)
    }

    fn compare_files(&self, desired: &Desired, files: &[LoadedFile]) -> Result<(), Failure> {
        let Self::Saved(saved, _) = self else { return Ok(()) };
        let (files, recipients) = (config_files(files), recipients(desired));
        let (team, endpoint) = (&desired.team, &desired.endpoint);
        let now = Files { team, endpoint, files: &files, recipients: &recipients };
        saved::refuse_files(saved, &now).map_err(|why| refused(&why))
    }

    /// Refuses what is done already, before the service is read.
    ///
    /// # Errors
    /// When it was carried out (6).
    pub(super) fn check_unused(&self, sealed: &Sealed) -> Result<(), Failure> {
        let Self::Saved(_, digest) = self else { return Ok(()) };
        match sealed.applied_plan(digest).filter(|plan| plan.complete) {
            Some(plan) => Err(Failure::words(
                Exit::Refused,
                format!("saved plan refused: it was carried out already, at {:.0}", plan.at),
                "plan again: a saved plan is carried out once",
            )),
            None => Ok(()),
        }
    }

    /// Refuses a plan that is not what it is held to, and says what the run is held to.
    ///
    /// # Errors
    /// What differs (6).
    pub(super) fn check(&self, session: &Session, known: &Known<'_>, plan: &Plan) -> Result<Bound, Failure> {
        let digest = match self {
            Self::Nothing => return Ok(Bound::default()),
            Self::Intent(expected) => {
                let found = plan.intent();
                if found != *expected {
                    return Err(Failure::words(
                        Exit::Refused,
                        format!("the plan is {found}, and {expected} was expected; nothing was written"),
                        "look at `keycomb plan` with the same options, and have that approved",
                    ));
                }
                None
            }
            Self::Saved(saved, digest) => {
                self.compare_files(&session.desired, &session.files)?;
                let sealed = known.sealed.and_then(sealed_file);
                let is_begun = known.sealed.is_some_and(|sealed| sealed.applied_plan(digest).is_some());
                let now = Now { sealed: sealed.as_ref(), live: &known.live, plan, is_begun };
                saved::refuse(saved, &now).map_err(|why| refused(&why))?;
                Some(digest.clone())
            }
        };
        Ok(Bound { plan: digest, objects: plan::expected(plan, &known.live) })
    }
}

/// Reads a saved plan's file.
///
/// # Errors
/// When it cannot be read, or is not byte for byte what keycomb wrote (6).
pub(super) fn read(path: &Path) -> Result<(Saved, PlanDigest), Failure> {
    let text = super::saved_file::read(path).map_err(|source| {
        let what = format!("saved plan refused: `{}` cannot be read", path.display());
        Failure::refused_io(what, "name a file that `keycomb plan --out FILE` wrote", source)
    })?;
    saved::parse(&text).map_err(|why| refused(&why))
}

fn refused(why: &impl Diagnostic) -> Failure {
    let help = why.help().map(|help| help.to_string()).unwrap_or_default();
    Failure::words(Exit::Refused, format!("saved plan refused: {why}"), help)
}
