//! Whether a saved plan still is what it was made as.

use miette::Diagnostic;

use super::rest::{covers, uncovered};
use super::shown::shown_otherwise;
use super::value::{ConfigFile, Saved, SealedFile};
use crate::model::{Endpoint, KeyId, Live, RecipientRef, TeamSlug, Timestamp, brief};
use crate::plan::{self, Action, Expected, Plan, Step};

/// What the files say, before anything is asked of the service.
#[derive(Debug, Clone, Copy)]
pub struct Files<'a> {
    /// The team.
    pub team: &'a TeamSlug,
    /// The service.
    pub endpoint: &'a Endpoint,
    /// Every file of the configuration; sorted by name.
    pub files: &'a [ConfigFile],
    /// Everyone in `[seal.recipients]`; sorted by name.
    pub recipients: &'a [RecipientRef],
}

/// What the service and the record say, and the plan that comes of it.
#[derive(Debug, Clone, Copy)]
pub struct Now<'a> {
    /// The sealed file; `None` when there is none.
    pub sealed: Option<&'a SealedFile>,
    /// What the service has.
    pub live: &'a Live,
    /// The plan as it would be made at this moment, on the saved plan's own terms.
    pub plan: &'a Plan,
    /// Whether this very file was begun before and not finished: what is left of it may be less than it says.
    pub is_begun: bool,
}

/// Refuses a plan that was made from other files.
///
/// # Errors
/// The first of: what it is not meant for, team, service, recipients, files.
pub fn refuse_files(saved: &Saved, now: &Files<'_>) -> Result<(), Refused> {
    if !saved.may_be_applied {
        return Err(Refused::OnlyShown);
    }
    if saved.team != *now.team {
        let (saved, now) = (saved.team.to_string(), now.team.to_string());
        return Err(Refused::Team { saved, now });
    }
    if saved.endpoint != *now.endpoint {
        let (saved, now) = (saved.endpoint.to_string(), now.endpoint.to_string());
        return Err(Refused::Endpoint { saved, now });
    }
    if let Some(names) = differing(&saved.recipients, now.recipients, |r| &r.name) {
        return Err(Refused::Recipients { names });
    }
    match differing(&saved.files, now.files, |file| &file.name) {
        Some(names) => Err(Refused::Files { names }),
        None => Ok(()),
    }
}

/// Refuses a plan when the world is not as it was made for.
///
/// # Errors
/// The first of: sealed file, clock, a thing that it touches, anything else that makes the plan another one.
pub fn refuse(saved: &Saved, now: &Now<'_>) -> Result<(), Refused> {
    refuse_sealed(saved, now)?;
    refuse_time(saved, now.live.now)?;
    let is_checked = |expected: &&Expected| {
        let is_here = |action: &&Action| action.address == expected.address;
        let mut here = now.plan.actions.iter().filter(is_here).peekable();
        !now.is_begun || here.peek().is_some() && here.all(|action| !is_own_trace(saved, action, now.live))
    };
    for expected in saved.objects.iter().filter(is_checked) {
        if let Some(what) = expected.object.moved(now.live) {
            return Err(Refused::Object { address: expected.address.to_string(), what });
        }
    }
    let actions = if now.is_begun {
        uncovered(&saved.plan, now.plan)
    } else if saved.intent == now.plan.intent() {
        // It may have been written by hand, digest and all: what it touches is what the plan touches.
        let is_whole = plan::expected(now.plan, now.live) == saved.objects;
        if is_whole { shown_otherwise(&saved.plan, now.plan) } else { vec!["what it touches".to_owned()] }
    } else {
        let differing = differing_actions(&saved.plan, now.plan);
        if differing.is_empty() { vec!["what is held, or why".to_owned()] } else { differing }
    };
    if actions.is_empty() { Ok(()) } else { Err(Refused::Other { actions: some_of(&actions) }) }
}

fn refuse_sealed(saved: &Saved, now: &Now<'_>) -> Result<(), Refused> {
    let told = |sealed: Option<&SealedFile>| match sealed {
        Some(sealed) => format!("lineage {}, serial {}", sealed.lineage, sealed.serial),
        None => "no sealed file".to_owned(),
    };
    let is_same = match (&saved.sealed, now.sealed) {
        // Its own beginning has changed it.
        (Some(before), Some(now_is)) if now.is_begun => before.lineage == now_is.lineage,
        (None, Some(_)) if now.is_begun => true,
        (before, now_is) => before.as_ref() == now_is,
    };
    if is_same {
        return Ok(());
    }
    Err(Refused::Sealed { saved: told(saved.sealed.as_ref()), now: told(now.sealed) })
}

/// By the service's clock alone: this machine's has no say.
fn refuse_time(saved: &Saved, now: Timestamp) -> Result<(), Refused> {
    if now < saved.made {
        return Err(Refused::Early { made: saved.made, now });
    }
    if now > saved.valid_until {
        return Err(Refused::Expired { valid_until: saved.valid_until, now });
    }
    Ok(())
}

/// Whether an action only finishes what the plan's own beginning has done to a thing: that is not as it was then.
fn is_own_trace(saved: &Saved, action: &Action, live: &Live) -> bool {
    let is_same = saved.plan.actions.iter().any(|before| before.is_same_deed(action));
    is_done(&action.step, live) || !is_same && covers(&saved.plan, action)
}

/// Whether a thing is as a step wants it: only the record does not know yet.
fn is_done(step: &Step, live: &Live) -> bool {
    let key = |id: &KeyId| live.keys.iter().find(|key| &key.id == id);
    match step {
        Step::RetireKey { id, .. } => key(id).is_some_and(|key| key.disabled),
        Step::DeleteKey { id } => key(id).is_none(),
        Step::UpdateKey { id, name, permissions, enabled, .. } => key(id).is_some_and(|key| {
            name.as_ref().is_none_or(|name| *name == key.name)
                && permissions.as_ref().is_none_or(|permissions| *permissions == key.permissions)
                && enabled.is_none_or(|enabled| enabled != key.disabled)
        }),
        _ => false,
    }
}

/// The names of what is not the same on both sides, with what became of each; `None` when all is.
fn differing<T: PartialEq>(before: &[T], now: &[T], name: impl Fn(&T) -> &String) -> Option<String> {
    let find = |all: &[T], wanted: &T| all.iter().any(|one| name(one) == name(wanted));
    let mut words = vec![];
    for one in before.iter().filter(|one| !now.contains(one)) {
        let how = if find(now, one) { "changed" } else { "removed" };
        words.push(format!("`{}` was {how}", brief(name(one))));
    }
    let added = now.iter().filter(|one| !find(before, one));
    words.extend(added.map(|one| format!("`{}` was added", brief(name(one)))));
    if words.is_empty() {
        // Only its order, or something twice.
        return (before != now).then(|| "their order changed".to_owned());
    }
    Some(some_of(&words))
}

fn differing_actions(before: &Plan, now: &Plan) -> Vec<String> {
    let is_in = |plan: &Plan, action: &Action| plan.actions.iter().any(|other| is_same(other, action));
    let only = |plan: &Plan, other: &Plan, how: &str| -> Vec<String> {
        let differing = plan.actions.iter().filter(|action| !is_in(other, action));
        differing.map(|action| format!("{} ({how})", told(action))).collect()
    };
    let mut all = only(before, now, "only in the saved plan");
    all.extend(only(now, before, "only now"));
    all
}

fn is_same(a: &Action, b: &Action) -> bool {
    match (&a.blocked, &b.blocked) {
        (Some(one), Some(other)) => a.address == b.address && one.code == other.code,
        (None, None) => a.is_same_deed(b),
        _ => false,
    }
}

/// An action in two words.
pub(super) fn told(action: &Action) -> String {
    format!("{} `{}`", action.verb.as_str(), action.address)
}

fn some_of(words: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = words.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match words.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Why a saved plan is not carried out. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Diagnostic)]
pub enum Refused {
    /// It was made to be looked at.
    #[error("it was made only to be looked at")]
    #[diagnostic(help("make one with `keycomb plan --out FILE`, with a credential"))]
    OnlyShown,
    /// Of another team.
    #[error("it is of team `{saved}`, and the configuration is of team `{now}`")]
    #[diagnostic(help("use the configuration that it was made from, or plan again"))]
    Team {
        /// In the plan.
        saved: String,
        /// In the files.
        now: String,
    },
    /// Of another service.
    #[error("it is for {saved}, and the configuration is for {now}")]
    #[diagnostic(help("use the configuration that it was made from, or plan again"))]
    Endpoint {
        /// In the plan.
        saved: String,
        /// In the files.
        now: String,
    },
    /// Other people could open what would be sealed.
    #[error("the recipients are not those that it was made with: {names}")]
    #[diagnostic(help("plan again: who can open the secrets is part of what is approved"))]
    Recipients {
        /// Which, and what became of each.
        names: String,
    },
    /// The configuration was edited.
    #[error("the configuration is not what it was made from: {names}")]
    #[diagnostic(help("check out the files that it was made from, or plan again"))]
    Files {
        /// Which, and what became of each.
        names: String,
    },
    /// The sealed file was replaced, or something was applied since.
    #[error("the sealed file is not the one that it was made from: {saved} then, {now} now")]
    #[diagnostic(help(
        "plan again: something was applied, or the file was changed, since the plan was made"
    ))]
    Sealed {
        /// In the plan.
        saved: String,
        /// The file.
        now: String,
    },
    /// The service's clock is before the plan.
    #[error("it was made at {made:.0}, and the service's clock says {now:.0}")]
    #[diagnostic(help("plan again; `keycomb auth status` shows which service answers"))]
    Early {
        /// When it was made.
        made: Timestamp,
        /// The service's clock.
        now: Timestamp,
    },
    /// Too old.
    #[error("it was valid until {valid_until:.0}, and the service's clock says {now:.0}")]
    #[diagnostic(help("plan again; `keycomb plan --out FILE --valid-for 3d` makes one that lasts longer"))]
    Expired {
        /// Until when it was valid.
        valid_until: Timestamp,
        /// The service's clock.
        now: Timestamp,
    },
    /// Something was changed at the service.
    #[error("`{address}` is not as it was: {what}")]
    #[diagnostic(help(
        "plan again, and look at what changed: `keycomb drift` says who changed it, where the service does"
    ))]
    Object {
        /// Whose.
        address: String,
        /// What is otherwise.
        what: String,
    },
    /// The same files lead to another plan.
    #[error("the plan would be another one now: {actions}")]
    #[diagnostic(help("plan again, and have that approved"))]
    Other {
        /// Which actions differ.
        actions: String,
    },
}
